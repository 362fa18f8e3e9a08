"""prong.run: one command. prong.call: one function in a process of its own."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import culprits
import pytest

import prong
from eventually import eventually
from prong import _run


@pytest.fixture(autouse=True, scope="module")
def hidden_pools():
    """The pools behind run() and call() stay for the whole program."""
    prong.run(["true"])
    prong.call(culprits.double, 1)


def test_output_and_exit_code():
    result = prong.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 3)
    assert result.outcome == prong.Exited(3)
    assert not result.ok
    assert result.seconds > 0


def test_text_command_is_split_but_not_run_by_a_shell():
    assert prong.run("echo 'a b' $HOME").stdout == "a b $HOME\n"
    assert prong.run("echo $((1 + 2))", shell=True).stdout == "3\n"


def test_input_and_bytes():
    assert prong.run(["cat"], input="text").stdout == "text"
    assert prong.run(["cat"], input=b"\xff\x00", text=False).stdout == b"\xff\x00"
    assert prong.run(["cat"]).stdout == ""


def test_large_output_on_both_streams():
    result = prong.run("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", shell=True, text=False)
    assert (len(result.stdout), len(result.stderr)) == (3_000_000, 3_000_000)


def test_folder_and_environment(tmp_path):
    assert prong.run(["pwd"], cwd=tmp_path).stdout == f"{tmp_path}\n"
    assert prong.run("echo $NAME", shell=True, env={"NAME": "value"}).stdout == "value\n"


def test_environment_is_the_programs_as_it_is_now(monkeypatch):
    monkeypatch.setenv("NAME_OF_NOW", "value")
    assert prong.run("echo $NAME_OF_NOW", shell=True).stdout == "value\n"


def test_capture(capfd):
    merged = prong.run("echo out; echo err >&2", shell=True, capture="merge")
    assert (merged.stdout, merged.stderr) == ("out\nerr\n", None)
    dropped = prong.run("echo out", shell=True, capture="discard")
    assert (dropped.stdout, dropped.stderr) == (None, None)


def test_timeout_kills_the_tree(tmp_path):
    path = tmp_path / "pid"
    result = prong.run(f"sleep 1000 & echo $! > {path}; echo before; wait", shell=True, timeout=0.5)
    assert isinstance(result.outcome, prong.TimedOut)
    assert result.returncode is None
    assert result.stdout == "before\n"
    assert not Path(f"/proc/{path.read_text().strip()}").exists()


def test_returns_when_the_tree_is_gone(tmp_path):
    path = tmp_path / "pid"
    assert prong.run(f"sleep 1000 & echo $! > {path}", shell=True).ok
    assert not Path(f"/proc/{path.read_text().strip()}").exists()


def test_signal():
    result = prong.run("kill -9 $$", shell=True)
    assert isinstance(result.outcome, prong.Signalled)
    assert result.outcome.signal == "SIGKILL"
    assert result.returncode == -9


def test_command_that_is_not_there():
    result = prong.run(["/no/such/command"])
    assert not result.ok
    assert result.returncode is None
    assert isinstance(result.outcome, prong.Raised)
    assert "/no/such/command" in result.outcome.message


def test_check():
    with pytest.raises(prong.CommandFailed, match="false") as caught:
        prong.run(["false"], check=True)
    assert caught.value.result.returncode == 1
    assert prong.run(["true"], check=True).ok


@pytest.mark.parametrize(
    ("args", "options", "kind"),
    [
        (([],), {}, ValueError),
        (("",), {}, ValueError),
        ((["echo"],), {"shell": True}, TypeError),
        ((["echo"],), {"timeout": -1}, ValueError),
        ((["echo"],), {"capture": "all"}, ValueError),
        ((5,), {}, TypeError),
    ],
)
def test_bad_arguments(args, options, kind):
    with pytest.raises(kind):
        prong.run(*args, **options)


def test_call():
    assert prong.call(culprits.add, 1, other=2) == 3
    assert prong.call(os.getpid) not in (os.getpid(), prong.call(os.getpid))


def test_call_raises():
    with pytest.raises(ValueError, match="lost"):
        prong.call(culprits.fail, "lost")
    with pytest.raises(prong.WorkerCrashed):
        prong.call(culprits.die_by, signal.SIGKILL)
    with pytest.raises(TypeError):
        prong.call(5)


def test_call_timeout(tmp_path):
    path = tmp_path / "pid"
    with pytest.raises(prong.JobTimeout):
        prong.call(culprits.mark_and_hang, str(path), timeout=1.0)
    assert eventually(lambda: not path.exists() or not Path(f"/proc/{path.read_text()}").exists())


def test_call_returns_when_the_tree_is_gone():
    pid = prong.call(_leave_a_child)
    assert not Path(f"/proc/{pid}").exists()


def _leave_a_child() -> int:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        culprits.hang()
    return pid


class Interrupt(BaseException):
    pass


@pytest.fixture
def interrupt_when():
    """Raises Interrupt in the main thread, as Ctrl-C would, when a condition holds."""
    watchers = []

    def handle(_number, _frame):
        raise Interrupt

    def arm(condition):
        def watch():
            eventually(condition)
            os.kill(os.getpid(), signal.SIGUSR1)

        watchers.append(threading.Thread(target=watch))
        watchers[-1].start()

    previous = signal.signal(signal.SIGUSR1, handle)
    yield arm
    for watcher in watchers:
        watcher.join()
    signal.signal(signal.SIGUSR1, previous)


def test_interrupt_ends_the_command_first(tmp_path, interrupt_when):
    path = tmp_path / "pid"
    interrupt_when(lambda: path.exists() and path.read_text().endswith("\n"))
    with pytest.raises(Interrupt):
        prong.run(f"sleep 1000 & echo $! > {path}; wait", shell=True)
    assert not Path(f"/proc/{path.read_text().strip()}").exists()


def test_interrupt_ends_the_call_first(tmp_path, interrupt_when):
    path = tmp_path / "pid"
    interrupt_when(path.exists)
    with pytest.raises(Interrupt):
        prong.call(culprits.mark_and_hang, str(path))
    assert not Path(f"/proc/{path.read_text()}").exists()


@pytest.mark.parametrize("kind", ["run", "call"])
def test_callers_in_threads_do_not_wait_for_each_other(tmp_path, kind, monkeypatch, make_pool):
    """Each waits for the file of the next: all must run at once."""
    pool = make_pool(**_run._ON_DEMAND)  # one that does not stay
    monkeypatch.setattr(_run, "_functions", lambda: pool)
    count = 4 * (os.cpu_count() or 1)
    files = [str(tmp_path / str(number)) for number in range(count + 1)]

    def caller(number):
        mine, next_one = files[number], files[number + 1]
        if kind == "run":
            return prong.run(f"touch {mine}; until [ -e {next_one} ]; do sleep 0.01; done", shell=True).ok
        return prong.call(culprits.announce_and_wait, mine, next_one) == next_one

    with ThreadPoolExecutor(count) as threads:
        waiting = [threads.submit(caller, number) for number in range(count)]
        assert eventually(lambda: all(Path(file).exists() for file in files[:count]))
        Path(files[count]).touch()
        assert all(one.result() for one in waiting)


def test_limits_of_the_tree():
    assert prong.run("sh -c 'while :; do :; done'", cpu_time=0.1).outcome.limit == "cpu_time"
    assert prong.run("yes", max_output=10_000).outcome.limit == "output"
    with pytest.raises(prong.JobTimeout, match="memory"):
        prong.call(bytearray, 1 << 30, memory=50 << 20)
