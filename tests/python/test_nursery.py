"""The nursery: pools of kind "fresh" are branched off from one interpreter, and are as if each had started its own."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import prong
from eventually import eventually
from prong import _core

MakePool = Callable[..., prong.Pool]


def named(name: str, tag: str) -> set[int]:
    """Living processes of that name with the tag in their environment."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text() == f"{name}\n" and tag.encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.fixture
def tag(monkeypatch: pytest.MonkeyPatch) -> str:
    """What tells processes of this test. A new variable, so a new nursery, too."""
    text = uuid4().hex
    monkeypatch.setenv("TEST_NURSERY", text)
    return text


def keepers(tag: str) -> set[int]:
    return named("prong-keeper", tag)


def nursery_of(tag: str) -> int:
    (keeper,) = keepers(tag)
    (nursery,) = children(keeper)
    return nursery


def tell(what: str) -> Any:
    """In a worker: what it has inherited."""
    if what == "limit":
        return resource.getrlimit(resource.RLIMIT_NOFILE)
    if what == "umask":
        mask = os.umask(0)
        os.umask(mask)
        return mask
    if what == "output":
        return os.fstat(1).st_ino
    return {
        "folder": os.getcwd,
        "nice": lambda: os.nice(0),
        "cpus": lambda: os.sched_getaffinity(0),
        "variable": lambda: os.environ.get("TEST_NURSERY_OTHER"),
    }[what]()


@contextlib.contextmanager
def changed(what: str, folder: Path) -> Iterator[Any]:
    """Changes what processes inherit, for a while; gives what tell() then says."""
    if what == "folder":
        before: Any = Path.cwd()
        os.chdir(folder)
        yield str(folder)
        os.chdir(before)
    elif what == "umask":
        before = os.umask(0o123)
        yield 0o123
        os.umask(before)
    elif what == "limit":
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[0] - 1, before[1]))
        yield (before[0] - 1, before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    elif what == "nice":
        if os.getuid() != 0:
            pytest.skip("only root can take niceness back")
        yield os.nice(1)
        os.nice(-1)
    elif what == "cpus":
        before = os.sched_getaffinity(0)
        if len(before) < 2:
            pytest.skip("needs two CPUs")
        os.sched_setaffinity(0, {min(before)})
        yield {min(before)}
        os.sched_setaffinity(0, before)
    elif what == "variable":
        os.environ["TEST_NURSERY_OTHER"] = "set"
        yield "set"
        del os.environ["TEST_NURSERY_OTHER"]
    else:
        assert what == "output"
        before = os.dup(1)
        with (folder / "output").open("w") as file:
            os.dup2(file.fileno(), 1)
            yield os.fstat(file.fileno()).st_ino
        os.dup2(before, 1)
        os.close(before)


def test_later_pools_use_the_same_nursery(make_pool: MakePool, tag: str) -> None:
    first = make_pool(1)
    assert first.submit(abs, -1).result() == 1
    nursery = nursery_of(tag)
    assert make_pool(2).submit(abs, -2).result() == 2
    first.close()
    first.join()
    assert make_pool(1).submit(abs, -3).result() == 3
    assert nursery_of(tag) == nursery


@pytest.mark.parametrize("what", ["folder", "umask", "limit", "nice", "cpus", "variable", "output"])
def test_workers_inherit_what_the_program_has_now(make_pool: MakePool, tag: str, tmp_path: Path, what: str) -> None:
    first = make_pool(1)
    before = first.submit(tell, what).result()
    with changed(what, tmp_path) as now:
        second = make_pool(1)
        assert second.submit(tell, what).result() == now
        second.terminate()
        second.join()
    assert first.submit(tell, what).result() == before != now


def test_output_that_was_opened_again_is_another(make_pool: MakePool, tag: str, tmp_path: Path) -> None:
    name = tmp_path / "output"
    saved = os.dup(1)
    try:
        for text in ("one", "two"):
            with name.open("a") as file:
                os.dup2(file.fileno(), 1)
            make_pool(1).submit(os.write, 1, text.encode()).result()
            assert len(keepers(tag)) == (1 if text == "one" else 2)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    assert name.read_text() == "onetwo"


def test_each_pool_has_its_own_path_and_arguments(
    make_pool: MakePool, tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_pool(1)
    assert first.submit(eval, "__import__('sys').argv").result() == sys.argv
    nursery = nursery_of(tag)
    (tmp_path / "nursery_made_later.py").write_text("value = 5\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["other"])
    second = make_pool(1, preload="nursery_made_later")
    code = "(__import__('sys').argv, 'nursery_made_later' in __import__('sys').modules)"
    assert second.submit(eval, code).result() == (["other"], True)
    third = make_pool(1)
    assert third.submit(eval, code).result() == (["other"], False)
    assert nursery_of(tag) == nursery


def test_workers_know_how_many_share_the_cpus(make_pool: MakePool, tag: str) -> None:
    for workers in (1, 3):
        pool = make_pool(workers)
        assert pool.submit(os.getenv, "PRONG_SHARE").result() == str(workers)
    assert len(keepers(tag)) == 1


def test_a_module_that_hangs_while_it_is_loaded_costs_its_own_pool(
    make_pool: MakePool, tag: str, tmp_path: Path
) -> None:
    (tmp_path / "nursery_hangs.py").write_text("import time\ntime.sleep(1000)\n")
    sys.path.insert(0, str(tmp_path))
    try:
        hung = make_pool(1, preload="nursery_hangs")
        hung.submit(abs, -1)
        assert make_pool(1).submit(abs, -2).result(timeout=30) == 2
    finally:
        sys.path.remove(str(tmp_path))


def test_is_parked_for_a_second(tag: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with prong.Pool(1) as pool:
        pool.submit(abs, -1).result()
    del pool
    gc.collect()
    closed = time.monotonic()
    assert len(keepers(tag)) == 1
    assert eventually(lambda: not keepers(tag))
    assert time.monotonic() - closed < 10
    assert eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


def test_can_be_ended_when_it_is_idle(make_pool: MakePool, tag: str) -> None:
    pool = make_pool(1)
    pool.submit(abs, -1).result()
    _core.end_idle_nursery()
    assert len(keepers(tag)) == 1, "it was used"
    pool.close()
    pool.join()
    nursery = nursery_of(tag)
    os.kill(nursery, signal.SIGSTOP)  # one that cannot end by itself
    _core.end_idle_nursery()
    assert not keepers(tag)
    assert eventually(lambda: not Path(f"/proc/{nursery}").exists())


@pytest.mark.parametrize("who", ["keeper", "nursery"])
def test_its_death_costs_nothing(make_pool: MakePool, tag: str, who: str) -> None:
    pool = make_pool(1)
    pid = pool.submit(os.getpid).result()
    (keeper,) = keepers(tag)
    os.kill(keeper if who == "keeper" else nursery_of(tag), signal.SIGKILL)
    assert eventually(lambda: not keepers(tag))
    assert pool.submit(os.getpid).result() == pid
    assert make_pool(1).submit(abs, -2).result() == 2
    assert make_pool(1).submit(abs, -3).result() == 3


def test_a_pool_that_it_cannot_start_is_started_without_it(make_pool: MakePool, tag: str) -> None:
    pool = make_pool(1)
    pool.submit(abs, -1).result()
    os.kill(nursery_of(tag), signal.SIGSTOP)
    assert make_pool(1).submit(abs, -2).result() == 2


def test_pools_of_one_nursery_do_not_share_a_fate(make_pool: MakePool, tag: str) -> None:
    first, second = make_pool(1), make_pool(1)
    pids = [pool.submit(os.getpid).result() for pool in (first, second)]
    launchers = [pool.submit(os.getppid).result() for pool in (first, second)]
    left = [pool.submit(lambda: subprocess.Popen(["sleep", "1000"]).pid).result() for pool in (first, second)]
    assert launchers[0] != launchers[1]
    os.kill(launchers[0], signal.SIGKILL)
    assert eventually(lambda: not Path(f"/proc/{left[0]}").exists())
    assert first.submit(os.getpid).result() != pids[0]
    assert second.submit(os.getpid).result() == pids[1]
    first.terminate()
    first.join()
    assert Path(f"/proc/{left[1]}").exists()
    second.terminate()
    second.join()
    assert not Path(f"/proc/{left[1]}").exists()


def test_is_not_used_in_workers(make_pool: MakePool, tag: str) -> None:
    def nested() -> tuple[int, int]:
        with prong.Pool(1) as pool:
            return pool.submit(abs, -4).result(), len(keepers(tag))

    assert make_pool(1).submit(nested).result() == (4, 1)


def test_a_forked_copy_of_the_program_has_one_of_its_own(make_pool: MakePool, tag: str) -> None:
    pool = make_pool(1)
    pool.submit(abs, -1).result()
    nursery = nursery_of(tag)
    child = os.fork()
    if child == 0:
        with prong.Pool(1) as own:
            good = own.submit(abs, -2).result() == 2 and len(keepers(tag)) == 2
        del pool
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert eventually(lambda: len(keepers(tag)) == 1)
    assert nursery_of(tag) == nursery
    assert make_pool(1).submit(abs, -3).result() == 3


@pytest.mark.parametrize("end", ["killed", "ends"])
def test_ends_with_the_program(tag: str, end: str) -> None:
    code = """
        import prong, time
        pool = prong.Pool(1)
        pool.submit(abs, -1).result()
        pool.close()
        pool.join()
        print("ready", flush=True)
        input()
    """
    environment = {**os.environ, "TEST_NURSERY": tag}
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdin is not None
    assert program.stdout.readline() == "ready\n"
    nursery = nursery_of(tag)
    if end == "killed":
        program.kill()
        program.wait()
        assert eventually(lambda: not keepers(tag), 0.7), "it did not wait for its time to be over"
    else:
        program.communicate("\n")
        assert not keepers(tag)
    assert eventually(lambda: not Path(f"/proc/{nursery}").exists())
    program.stdin.close()
    program.stdout.close()


def test_ends_with_the_program_also_while_it_starts(tag: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\nif os.environ.get('PRONG_ROLE') == 'nursery': time.sleep(1000)\n"
    )
    environment = {**os.environ, "TEST_NURSERY": tag, "PYTHONPATH": f"{tmp_path}:{':'.join(filter(None, sys.path))}"}
    program = subprocess.Popen([sys.executable, "-c", "import prong; prong.Pool(1)"], env=environment)
    assert eventually(lambda: any(children(keeper) for keeper in keepers(tag)))
    nursery = nursery_of(tag)
    program.kill()
    program.wait()
    assert eventually(lambda: not keepers(tag))
    assert eventually(lambda: not Path(f"/proc/{nursery}").exists())
