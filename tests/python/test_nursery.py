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
    assert len(keepers(tag)) == 1
    assert eventually(lambda: not keepers(tag))
    _core.end_idle_nursery()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_no_thread_waits_for_it(tag: str) -> None:
    """From Python 3.12 on, os.fork() warns where there are threads."""
    before = len(list(Path("/proc/self/task").iterdir()))
    with prong.Pool(1) as pool:
        pool.submit(abs, -1).result()
    del pool
    gc.collect()
    assert eventually(lambda: len(list(Path("/proc/self/task").iterdir())) <= before, 0.5)
    assert len(keepers(tag)) == 1


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
    nursery = nursery_of(tag)
    os.kill(keeper if who == "keeper" else nursery, signal.SIGKILL)
    assert eventually(lambda: not Path(f"/proc/{nursery}").exists())
    assert pool.submit(os.getpid).result() == pid
    assert make_pool(1).submit(abs, -2).result() == 2
    assert make_pool(1).submit(abs, -3).result() == 3
    assert len(keepers(tag) - {keeper}) == 1
    assert pool.submit(os.getpid).result() == pid
    pool.close()
    pool.join()
    assert eventually(lambda: keeper not in keepers(tag)), "it waits for what the nursery left"


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


class Program:
    """A program of its own, whose interpreters run `site` first: ``role`` says which one it is in."""

    def __init__(self, folder: Path, tag: str, code: str, site: str = "", **variables: str) -> None:
        preamble = "import os, sys, time\nrole = os.environ.get('PRONG_ROLE')\n"
        (folder / "sitecustomize.py").write_text(preamble + textwrap.dedent(site))
        path = f"{folder}:{':'.join(filter(None, sys.path))}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import os, sys, time, prong\n" + textwrap.dedent(code)],
            env={**os.environ, "TEST_NURSERY": tag, "PYTHONPATH": path, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> str:
        """What it wrote since."""
        return self.process.communicate("\n")[0]


@pytest.fixture
def program(tmp_path: Path, tag: str) -> Iterator[Callable[..., Program]]:
    programs = []

    def start(code: str, site: str = "", **variables: str) -> Program:
        programs.append(Program(tmp_path, tag, code, site, **variables))
        return programs[-1]

    yield start
    for started in programs:
        started.kill()
    assert eventually(lambda: not tagged(tag)), f"left: {tagged(tag)}"


def tagged(tag: str) -> set[int]:
    """What has the tag, and is not this process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if tag.encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found - {os.getpid()}


StartProgram = Callable[..., Program]
ONE_POOL = "pool = prong.Pool(1); print(pool.submit(abs, -1).result(), flush=True); input()"
STARTS_A_DAEMON = """
    if role == "nursery" and os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.execv("/bin/sleep", ["sleep", "1000"])
"""


@pytest.mark.parametrize("end", ["killed", "ends", "nursery killed", "closed"])
def test_what_its_interpreter_starts_ends_with_it(program: StartProgram, tag: str, end: str) -> None:
    started = program(ONE_POOL + "\npool.close(); pool.join(); print('closed', flush=True); input()", STARTS_A_DAEMON)
    assert started.line() == "1"
    assert eventually(lambda: named("sleep", tag))
    if end == "killed":
        started.kill()
    elif end == "nursery killed":
        (keeper,) = keepers(tag)
        (nursery,) = named("python", tag) & children(keeper)
        os.kill(nursery, signal.SIGKILL)
    else:
        started.go_on()
        assert started.line() == "closed"
        if end == "ends":
            started.end()
            assert not named("sleep", tag)
    assert eventually(lambda: not named("sleep", tag))
    if end == "nursery killed":
        started.go_on()
        assert started.line() == "closed"
        assert eventually(lambda: not keepers(tag))


def test_ends_when_the_program_becomes_another_one_while_it_starts(program: StartProgram, tag: str) -> None:
    code = """
        prong._core.prepare_nursery([sys.executable, "-c", ""], [])
        print("prepared", flush=True)
        input()
        os.execv("/bin/sleep", ["sleep", "1000"])
    """
    started = program(code, "if role == 'nursery': time.sleep(1000)")
    assert started.line() == "prepared"
    assert eventually(lambda: len(keepers(tag)) == 1), "and no other copy of it that has not become the interpreter yet"
    started.go_on()
    assert eventually(lambda: not keepers(tag))
    assert started.process.poll() is None


def test_one_that_hangs_when_it_is_to_fork_is_given_up(program: StartProgram, tag: str) -> None:
    site = """
        if role == "nursery":
            os.register_at_fork(before=lambda: time.sleep(1000))
    """
    started = program(ONE_POOL, site)
    assert started.line() == "1", "it was started without"
    assert eventually(lambda: not keepers(tag))


def test_a_template_that_hangs_after_its_fork_is_replaced(program: StartProgram, tag: str) -> None:
    site = """
        if role == "nursery":
            os.register_at_fork(after_in_child=lambda: time.sleep(1000))
    """
    started = program(ONE_POOL.replace("Pool(1)", "Pool(1, start_timeout=0.5)"), site)
    assert started.line() == "1"
    assert len(keepers(tag)) == 1


@pytest.mark.parametrize("hangs", ["before", "after_in_child"])
def test_a_template_that_hangs_in_a_hook_does_not_outlive_the_program(
    program: StartProgram, tag: str, hangs: str
) -> None:
    site = f"""
        def hang_in_a_copy(nursery=os.getpid()):
            if os.getpid() != nursery:
                time.sleep(1000)
        if role == "nursery":
            os.register_at_fork({hangs}=hang_in_a_copy)
    """
    started = program("pool = prong.Pool(1); input()", site)

    def copy_was_made() -> bool:
        return any(children(nursery) for keeper in keepers(tag) for nursery in children(keeper))

    assert eventually(copy_was_made)
    started.kill()


def test_one_that_starts_slowly_is_waited_for_once(program: StartProgram, tag: str, tmp_path: Path) -> None:
    code = """
        for _ in range(3):
            pool = prong.Pool(1)
            print(pool.submit(abs, -1).result(), flush=True)
            pool.terminate()
            pool.join()
        input()
    """
    starts = tmp_path / "starts"
    site = f"if role == 'nursery': open({str(starts)!r}, 'a').write('started '); time.sleep(1000)"
    started = program(code, site)
    assert [started.line() for _ in range(3)] == ["1", "1", "1"]
    assert starts.read_text() == "started "
    assert eventually(lambda: not keepers(tag))


def test_what_is_buffered_when_it_starts_is_written_once(program: StartProgram) -> None:
    code = """
        for _ in range(2):
            pool = prong.Pool(1)
            pool.submit(abs, -1).result()
            pool.close()
            pool.join()
    """
    started = program(code, "if role == 'nursery': print('hello from site')")
    assert started.end().count("hello from site") == 1


def test_handlers_of_signals_are_those_of_the_interpreter(program: StartProgram) -> None:
    code = """
        pool = prong.Pool(1)
        lines = pool.submit(eval, "open('/proc/self/status').read()").result().splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        print(bool(caught & 1 << 16), flush=True)
        input()
    """
    site = """
        if role in ("nursery", "template"):
            import signal
            signal.signal(signal.SIGCHLD, lambda *_: None)
    """
    started = program(code, site)
    assert started.line() == "True"


def test_the_chosen_launcher_is_used(program: StartProgram, tag: str, tmp_path: Path) -> None:
    import prong._core as core

    mine = tmp_path / "my-launcher"
    mine.write_bytes((Path(core.__file__).parent / "_bin" / "prong-launcher").read_bytes())
    mine.chmod(0o755)
    code = """
        pool = prong.Pool(1)
        print(os.readlink(f"/proc/{pool.submit(os.getppid).result()}/exe"), flush=True)
        input()
    """
    started = program(code, PRONG_LAUNCHER=str(mine))
    assert started.line() == str(mine)
    assert len(keepers(tag)) == 1


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


def test_common_options_of_the_interpreter_need_no_subprocess(program: StartProgram) -> None:
    """Containers often have PYTHONDONTWRITEBYTECODE, and to import subprocess takes longer than a start."""
    code = """
        print(*prong._start.program_arguments()[1:], "subprocess" in sys.modules, flush=True)
    """
    assert program("import prong._start\n" + textwrap.dedent(code), PYTHONDONTWRITEBYTECODE="1").line() == "-B False"
