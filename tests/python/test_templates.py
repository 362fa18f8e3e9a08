"""What becomes of a pool whose template dies or hangs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import culprits
import pytest

import prong
from eventually import eventually


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def template_of(pool: prong.Pool) -> int:
    workers = {worker.pid for worker in pool.workers}
    (template,) = set(children_of(pool.stats["launcher_pid"])) - workers
    return template


def ready(pool: prong.Pool) -> bool:
    return [worker.state for worker in pool.workers] == ["idle"] * 2


def test_no_worker_and_no_job_is_touched(make_pool, tmp_path):
    pool = make_pool(2)
    assert eventually(lambda: ready(pool))
    pids = {worker.pid for worker in pool.workers}
    started, gate = tmp_path / "started", tmp_path / "gate"
    running = pool.submit(culprits.announce_and_wait, str(started), str(gate))
    assert eventually(started.exists)
    os.kill(template_of(pool), signal.SIGKILL)
    assert eventually(lambda: len(children_of(pool.stats["launcher_pid"])) == 3)  # there is another
    gate.touch()
    assert running.result() == str(gate)
    assert {worker.pid for worker in pool.workers} == pids
    os.kill(running.worker_pid, signal.SIGKILL)
    assert pool.map(culprits.double, range(100)) == [2 * number for number in range(100)]


def test_a_forked_pool_goes_on_with_its_workers_and_fails_after_the_last(make_pool, tmp_path):
    pool = make_pool(2, start="fork")
    assert eventually(lambda: ready(pool))
    os.kill(template_of(pool), signal.SIGKILL)
    assert pool.map(culprits.double, range(100)) == [2 * number for number in range(100)]
    marks = [tmp_path / "one", tmp_path / "other"]
    jobs = [pool.submit(culprits.mark_and_hang, str(mark)) for mark in marks]
    assert eventually(lambda: all(mark.exists() for mark in marks))
    late = pool.submit(culprits.hang)
    for mark in marks:
        os.kill(int(mark.read_text()), signal.SIGKILL)
    assert all(isinstance(job.exception(), prong.JobError) for job in [*jobs, late])
    assert "template" in pool.failure


def test_many_workers_are_started_again_after_one_death(make_pool):
    pool = make_pool(8)
    assert eventually(lambda: pool.stats["launcher_pid"] and children_of(pool.stats["launcher_pid"]))
    os.kill(children_of(pool.stats["launcher_pid"])[0], signal.SIGKILL)
    assert pool.map(culprits.double, range(100)) == [2 * number for number in range(100)]
    assert pool.failure == ""


def test_one_that_hangs_is_given_up(tmp_path, monkeypatch, make_pool):
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(1000)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pool = make_pool(1, preload=["hangs_at_import"], start_timeout=0.2)
    with pytest.raises((prong.JobLost, prong.PoolError), match="started no worker"):
        pool.submit(culprits.double, 1).result()


def test_one_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(1000)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pool = prong.Pool(2, preload=["hangs_at_import"])
    job = pool.submit(culprits.double, 1)
    pool.terminate()
    assert pool.join(30)
    assert job.cancelled()
