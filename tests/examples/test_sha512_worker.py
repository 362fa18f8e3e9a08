"""examples/sha512_worker.py"""

from __future__ import annotations

import hashlib
import json


def hashed(text: str, times: int) -> str:
    digest = text.encode()
    for _ in range(times):
        digest = hashlib.sha512(digest).digest()
    return digest.hex()


def test_prints_every_hash_and_the_total_time(run_example) -> None:
    report = json.loads(run_example("sha512_worker.py", 1000))
    assert [entry["sha512"] for entry in report["hashes"]] == [hashed(f"string {n}", 1000) for n in range(16)]
    assert report["total_seconds"] > 0


def test_jobs_ran_in_other_processes(run_example, family) -> None:
    report = json.loads(run_example("sha512_worker.py", 10))
    assert all(entry["worker"] > 0 and entry["seconds"] >= 0 for entry in report["hashes"])
