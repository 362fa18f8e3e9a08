from .costs import Costs


def jobs_per_second(costs: Costs, face: str, workers: int, length: float) -> float:
    """With a CPU for each worker, and one for the program."""
    return min(workers / costs.in_worker(length), 1 / costs.in_program(face, length))


def jobs_per_second_here(costs: Costs, workers: int, length: float, cpus: int) -> float:
    """Of jobs that sleep, where a few CPUs do all the waking up."""
    cpu_time = costs.in_program("submit", length) + costs.worker_for_long
    return min(jobs_per_second(costs, "submit", workers, length), cpus / cpu_time)


def saturating_workers(costs: Costs, face: str, length: float) -> float:
    """With more workers than this, they wait for the program."""
    return costs.in_worker(length) / costs.in_program(face, length)


def most_per_second(costs: Costs, face: str, size_bytes: float) -> float:
    """What the program can hand out of short jobs, each with a new argument of this size."""
    return 1 / (costs.in_program(face, 0.0) + size_bytes * costs.each_byte)
