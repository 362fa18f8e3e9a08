"""options(): views of one pool with other job options."""

from __future__ import annotations

import culprits
import pytest

import prong


def test_view_keeps_what_is_not_named(make_pool):
    pool = make_pool(1, timeout=0.2)
    assert isinstance(pool.options(priority=3).submit(culprits.hang).exception(), prong.JobTimeout)


def test_view_does_not_change_the_pool(fresh_pool, tmp_path):
    fresh_pool.options(timeout=0.001)
    gate = tmp_path / "gate"
    job = fresh_pool.submit(culprits.wait_for_file, str(gate))
    gate.touch()
    assert job.result() == str(gate)


def test_priority(make_pool, tmp_path):
    pool = make_pool(1)
    gate, log = tmp_path / "gate", str(tmp_path / "log")
    pool.submit(culprits.wait_for_file, str(gate))
    jobs = [pool.options(priority=level).submit(culprits.append_line, log, str(level)) for level in (0, 2, 1)]
    gate.touch()
    for job in jobs:
        job.result()
    assert (tmp_path / "log").read_text().split() == ["2", "1", "0"]


def test_key_is_unique_among_queued_and_running_jobs(make_pool, tmp_path):
    pool = make_pool(1)
    gate, log = tmp_path / "gate", str(tmp_path / "log")
    view = pool.options(key="same")
    blocker = pool.submit(culprits.wait_for_file, str(gate))
    jobs = [view.submit(culprits.append_line, log, "once") for _ in range(3)]
    assert len({job.id for job in jobs}) == 1
    gate.touch()
    for job in [blocker, *jobs]:
        job.result()
    assert (tmp_path / "log").read_text() == "once\n"
    view.submit(culprits.append_line, log, "again").result()
    assert (tmp_path / "log").read_text() == "once\nagain\n"


def test_fresh_gives_a_process_of_its_own(fresh_pool):
    view = fresh_pool.options(fresh=True)
    pids = [view.submit(culprits.pid).result() for _ in range(3)]
    assert len(set(pids)) == 3


def test_views_of_maps(make_pool):
    pool = make_pool(2)
    with pytest.raises(prong.JobTimeout):
        pool.options(timeout=0.2).starmap(culprits.hang, [()])
