"""One measurement, in a process of its own: measure.py WORK SYSTEM START WAY JOBS FILE

Writes {"cost", "notes", "version"} or {"error"} to FILE as JSON.
"""

import json
import sys
from pathlib import Path


def measure(work_name: str, system_name: str, start: str, way: str, size: int) -> dict:
    import systems
    import works

    system = systems.BY_NAME[system_name](start, way)
    system.load()
    measured = works.BY_NAME[work_name].measure(system, size)
    return {"cost": measured.cost, "notes": measured.notes, "version": system.version()}


def main() -> None:
    work, system, start, way, size, file = sys.argv[1:]
    try:
        answer = measure(work, system, start, way, int(size))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(file).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
