"""One measurement, in a process of its own: measure.py WORK SYSTEM START JOBS FILE

Writes {"seconds_each", "version"} or {"error"} to FILE as JSON.
"""

import json
import sys
from pathlib import Path


def measure(work_name: str, system_name: str, start: str, size: int) -> dict:
    import systems
    import works

    system = systems.BY_NAME[system_name](start)
    system.load()
    timing = works.BY_NAME[work_name].measure(system, size)
    return {"seconds_each": timing.seconds_each, "version": system.version()}


def main() -> None:
    work, system, start, size, file = sys.argv[1:]
    try:
        answer = measure(work, system, start, int(size))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(file).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
