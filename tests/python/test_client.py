"""prong.Client: Python calls and commands in a queue that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import prong
from eventually import eventually

PROGRAM = Path(prong.__file__).parent / "_bin/prong"


class Server:
    """Of the queue "q"."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "prong/q.queue"
        self.start()

    def start(self, *options: str) -> None:
        self.process = subprocess.Popen([PROGRAM, "serve", "--name", "q", "-j2", *options], stderr=subprocess.DEVNULL)
        assert eventually(self.socket.exists)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Server(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def queue(server: Server) -> prong.Client:
    return prong.Client("q")


def test_a_call_gives_its_result(queue: prong.Client) -> None:
    job = queue.submit(pow, 2, 10)
    assert job.result(timeout=50) == 1024
    assert job.state == "done"
    assert job.done()


def test_anyone_can_ask_for_a_job_by_its_number(queue: prong.Client) -> None:
    number = queue.submit(sorted, [3, 1, 2], reverse=True).number
    assert prong.Client("q").job(number).result(timeout=50) == [3, 2, 1]


def test_what_is_in_main_goes_along_by_value(queue: prong.Client) -> None:
    factor = 3
    assert queue.submit(lambda x: x * factor, 5).result(timeout=50) == 15
    code = (
        "import prong\n"
        "class Point:\n    def __init__(self, x): self.x = x\n"
        "def moved(point): return Point(point.x + 1)\n"
        "print(prong.Client('q').submit(moved, Point(1)).result(50).x)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_a_function_runs_where_its_submitter_is(
    queue: prong.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("import os\ndef where(): return os.getcwd(), os.environ['A_VARIABLE']\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_VARIABLE", "here")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    assert queue.submit(only_here.where).result(timeout=50) == (str(tmp_path), "here")


def test_what_a_function_raises_is_raised_again(queue: prong.Client) -> None:
    with pytest.raises(KeyError, match="nothing") as caught:
        queue.submit({}.pop, "nothing").result(timeout=50)
    assert "KeyError" in str(caught.value.__cause__)


def test_other_ends_are_told(queue: prong.Client) -> None:
    with pytest.raises(prong.WorkerCrashed) as crashed:
        queue.submit(os._exit, 3).result(timeout=50)
    assert crashed.value.exit_code == 3
    with pytest.raises(prong.JobTimeout, match="200 ms"):
        queue.options(timeout=0.2).submit(time.sleep, 50).result(timeout=50)


def test_a_result_that_is_too_large_is_refused(server: Server) -> None:
    server.kill()
    server.start("--keep", "1M")
    queue = prong.Client("q")
    with pytest.raises(ValueError, match="prong serve --keep"):
        queue.submit(bytes, 2_000_000).result(timeout=50)
    assert len(queue.submit(bytes, 1_000_000).result(timeout=50)) == 1_000_000


def test_retries(queue: prong.Client, tmp_path: Path) -> None:
    def count_and_fail() -> None:
        with (tmp_path / "tries").open("a") as file:
            file.write("x")
        raise OSError

    with pytest.raises(OSError):
        queue.options(retries=2).submit(count_and_fail).result(timeout=50)
    assert (tmp_path / "tries").read_text() == "xxx"


def test_many_at_once(queue: prong.Client) -> None:
    jobs = queue.map(pow, range(2500), [2] * 2500)
    assert len({job.number for job in jobs}) == 2500
    assert queue.wait(timeout=50)
    assert jobs[2499].result() == 2499**2
    assert queue.status() == prong.QueueStatus("serving", workers=2, queued=0, running=0, done=2500, failed=0)


def test_commands(queue: prong.Client, tmp_path: Path) -> None:
    job = queue.submit_command(["sh", "-c", "pwd; echo $A >&2; exit 4"], cwd=tmp_path, env={"A": "b"})
    result = job.result(timeout=50)
    assert (result.returncode, result.stdout, result.stderr) == (4, f"{tmp_path}\n".encode(), b"b\n")
    assert job.state == "failed"
    assert queue.submit_command("echo one two").result(timeout=50).stdout == b"one two\n"
    killed = queue.submit_command("kill -9 $$", shell=True).result(timeout=50)
    assert killed.returncode == -signal.SIGKILL


def test_a_wait_ends_in_time_and_the_next_request_is_answered(queue: prong.Client) -> None:
    job = queue.submit(time.sleep, 50)
    assert not job.wait(timeout=0.05)
    with pytest.raises(TimeoutError):
        job.result(timeout=0.05)
    assert eventually(lambda: job.state == "running")
    assert job.cancel()
    with pytest.raises(prong.JobCancelled):
        job.result(timeout=50)
    assert not job.cancel()


def test_pause_resume_retry_and_drain(queue: prong.Client, server: Server) -> None:
    queue.pause()
    job = queue.submit(divmod, 7, 2)
    assert queue.status().state == "paused"
    assert job.state == "queued"
    assert queue.cancel_all() == [job.number]
    assert job.retry()
    queue.resume()
    assert job.result(timeout=50) == (3, 1)
    queue.drain()
    assert server.process.wait(timeout=50) == 0
    for client in (queue, prong.Client("q")):  # one that has talked with it, and one that has not
        with pytest.raises(prong.QueueError, match="nobody serves the queue 'q'"):
            client.status()


def test_the_next_server_is_waited_for(queue: prong.Client, server: Server) -> None:
    queue.pause()
    job = queue.submit(pow, 2, 3)
    results: list[int] = []
    waiter = threading.Thread(target=lambda: results.append(prong.Client("q").job(job.number).result(timeout=50)))
    waiter.start()
    server.kill()
    server.start()
    queue.resume()
    waiter.join()
    assert results == [8]


def test_a_call_finds_its_number(queue: prong.Client) -> None:
    def number() -> tuple[str | None, ...]:
        return tuple(map(os.environ.get, ("PRONG_QUEUE", "PRONG_QUEUE_JOB", "PRONG_JOB")))

    jobs = [queue.submit(number) for _ in range(3)]
    assert [job.result(timeout=50) for job in jobs] == [("q", str(job.number), None) for job in jobs]


def test_clean_forgets_what_has_ended(queue: prong.Client) -> None:
    job = queue.submit(pow, 2, 3)
    assert job.result(timeout=50) == 8
    assert queue.clean(older=3600) == 0
    assert queue.clean(done=True) == 1
    with pytest.raises(prong.QueueError, match="has no job 1"):
        _ = job.state
    with pytest.raises(prong.QueueError, match="there is no job 1"):
        job.result(timeout=50)
    assert queue.submit(pow, 2, 4).number == 2


def test_the_log_does_not_show_pickles(queue: prong.Client) -> None:
    queue.submit(pow, 2, 3)
    queue.submit(int, "x")
    assert queue.wait(timeout=50)
    for words in (["--output"], ["--job", "1"], ["--job", "2"]):
        shown = subprocess.run([PROGRAM, "log", "q", *words], capture_output=True, text=True, check=True).stdout
        assert "a pickle of" in shown
        assert shown.replace("\n", "").isprintable()


def test_an_interpreter_that_is_gone_is_told(queue: prong.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(prong.JobLost, match="/nonexistent/python"):
        queue.submit(pow, 1, 1).result(timeout=50)


def test_options_add_up(queue: prong.Client) -> None:
    both = queue.options(timeout=0.2).options(retries=1, priority=2)
    job = both.submit(time.sleep, 50)
    with pytest.raises(prong.JobTimeout):
        job.result(timeout=50)
    assert len(queue._ask({"command": "status", "jobs": [job.number]})["jobs"]) == 1
    assert job._report()["attempts"] == 2


def test_no_time_to_wait(queue: prong.Client) -> None:
    job = queue.submit(pow, 2, 3)
    assert job.wait(timeout=50)
    assert job.wait(timeout=0)
    assert job.result(timeout=0) == 8


def test_a_forked_child_has_a_connection_of_its_own(queue: prong.Client) -> None:
    jobs = queue.map(pow, range(40), [2] * 40)
    child = os.fork()
    right = [job.result(timeout=50) for job in jobs] == [number**2 for number in range(40)]
    if child == 0:
        os._exit(0 if right else 1)
    assert right
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_another_users_server_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "prong"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    else:
        folder.chmod(0o755)
    with pytest.raises(prong.QueueError, match="not a folder that you alone can enter"):
        prong.Client("q").submit(pow, 1, 1)


def test_what_cannot_be_submitted(queue: prong.Client) -> None:
    with pytest.raises(prong.EncodingError, match="the call of pow"):
        queue.submit(pow, threading.Lock())
    with pytest.raises(TypeError, match="unknown option 'tiemout'"):
        queue.options(tiemout=3)
    with pytest.raises(prong.QueueError, match="'soon' is not a duration"):
        queue.options(timeout="soon").submit(pow, 1, 1)
    with pytest.raises(prong.UsageError):
        prong.Client("a/b")
    with pytest.raises(prong.QueueError, match="there is no job 99"):
        queue.job(99).result()
    assert queue.status().queued == 0
