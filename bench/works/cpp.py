from .base import Work, each, show_rate


class Cpp(Work):
    """How many no-op jobs a second go through the C++ face? The program checks the results and stops the clock."""

    name = "cpp"
    title = "C++ face: no-op jobs through two workers, with all results"
    needs = "submit_in_cpp"
    jobs = 1_000_000
    quick_jobs = 50_000
    uses_options = False
    has_ratios = False
    show = staticmethod(show_rate)

    def measure(self, system, size):
        return each(system.submit_in_cpp(size), size)
