from dataclasses import dataclass
from statistics import median

# Up to this length jobs are given to a worker ahead of the one that runs (kWorkAheadNs of src/pool/dispatcher.cc).
AHEAD_SECONDS = 200e-6


@dataclass(frozen=True)
class Costs:
    """Seconds, by the work `costs` of a record: medians of its repetitions."""

    submit: float
    dispatch: float
    collect: float
    map_each: float
    long_job: float
    around: float
    between_long: float
    worker_for_long: float
    each_byte: float

    def in_program(self, face: str, length: float) -> float:
        """What a job of this length costs the program, by submit or by map."""
        by_submit = self.submit + self.dispatch + self.collect
        wake_ups = self.long_job - by_submit if length > AHEAD_SECONDS else 0.0
        return (by_submit if face == "submit" else self.map_each) + max(0.0, wake_ups)

    def in_worker(self, length: float) -> float:
        """From the start of a job to the start of the next."""
        return length + self.around + (self.between_long if length > AHEAD_SECONDS else 0.0)


def costs_of(record: dict) -> Costs:
    notes = row_of(record, "costs", "Prong")["notes"]
    values = {name: median(each[name] for each in notes) for name in notes[0]}
    return Costs(
        submit=values["submit"],
        dispatch=values["dispatch, drain"],
        collect=values["collect"],
        map_each=values["map, chunk 1"],
        long_job=values["all, for a long job"],
        around=values["worker around a short job"],
        between_long=values["worker between long jobs"],
        worker_for_long=values["worker's CPU for a long job"],
        each_byte=values["bytes in"],
    )


def row_of(record: dict, work_name: str, label: str) -> dict:
    """Raises LookupError if the record has no such row, or no figures in it."""
    for work in record["works"]:
        for row in work["rows"]:
            if work["name"] == work_name and row["label"] == label and row["samples"]:
                return row
    raise LookupError(f"the record has no figures of {label} at {work_name}")
