from statistics import median

import jobs

from .base import Measurement, Work, expect, show_share, timed

ROUNDS = 5
FEW = 2


class MoreWorkers(Work):
    """Does a pool become slower because it has more workers than there are CPUs?

    Two pools of one program take turns: one of two workers, and one of as many as `way` says.
    """

    name = "more-workers"
    title = "Many workers on few CPUs: time with so many, beside the time with two"
    needs = "map_each"
    only_systems = ("Prong", "multiprocessing.Pool")
    jobs = 4_000
    quick_jobs = 400
    uses_options = False
    most_repetitions = 3
    has_ratios = False
    notes = dict.fromkeys(("round trip", "submit", "map, chunk 1", "start"), show_share)
    show = staticmethod(show_share)

    def measure(self, system, size):
        few, many = system.another(FEW), system.another(int(system.way.split()[0]))
        rounds = [self.ratios(few, many, size) for _ in range(ROUNDS)]
        notes = {name: median(ratios[name] for ratios in rounds) for name in self.notes}
        return Measurement(max(notes.values()), notes)

    def ratios(self, few, many, size):
        of_few, of_many = self.seconds(few, size), self.seconds(many, size)
        return {name: of_many[name] / of_few[name] for name in self.notes}

    def seconds(self, system, size):
        numbers = list(range(size))
        start, first = timed(lambda: system.first_result(jobs.same, 42))
        try:
            system.map_each(jobs.wait_seconds, [0.1] * system.workers)  # all workers are there, and have run something
            system.map_each(jobs.same, numbers)
            one_by_one, same = timed(lambda: [system.call(jobs.same, number) for number in numbers[: size // 10]])
            submitted, all_same = timed(lambda: system.submit_all(jobs.same, numbers))
            mapped, mapped_same = timed(lambda: system.map_each(jobs.same, numbers))
        finally:
            system.close()
        expect(first == 42 and same == numbers[: size // 10], "wrong results")
        expect(all_same == numbers and mapped_same == numbers, "wrong results")
        return {"round trip": one_by_one, "submit": submitted, "map, chunk 1": mapped, "start": start}
