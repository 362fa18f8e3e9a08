"""How many jobs a second more workers would do than this machine has CPUs for: predicted from measured costs.

The program hands out jobs and takes results one after another: it does at most 1 / (cost of a job) of them a second.
Workers run side by side: each does 1 / (length + what lies between two jobs). The smaller of both is the prediction.
"""
