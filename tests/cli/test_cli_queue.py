"""A queue that stays: jobs that other processes submit, also while its server is killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cli_program import PROGRAM, Prong, Result
from queue_load import Load

from eventually import eventually

GATE = "touch started-{}; until [ -e go-{} ] || [ -e go ]; do sleep 0.01; done; echo {}"


class Queue:
    """A queue "q", in a folder of its own."""

    def __init__(self, prong: Prong) -> None:
        self.prong = prong
        self.folder = prong.folder
        (prong.folder / "runtime").mkdir(mode=0o700)
        prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / "runtime")
        prong.environment["XDG_STATE_HOME"] = str(prong.folder / "state")
        self.socket = prong.folder / "runtime/prong/q.queue"
        self.serve()

    def serve(self, *options: str, workers: int = 2, under: Sequence[str] = ()) -> None:
        """``under``: a command that runs the server."""
        server = [str(PROGRAM), "serve", "--name", "q", f"-j{workers}", *options]
        self.server = self.prong.start_command([*under, *server])
        assert eventually(self.socket.exists)
        assert self("status").status == 0  # one that was killed leaves its socket

    def kill(self) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def end(self, *signals: signal.Signals, status: int = 0) -> str:
        """What it has said."""
        for number in signals:
            self.server.send_signal(number)
        _, error = self.server.communicate(timeout=50)
        assert self.server.returncode == status
        return error.decode()

    @property
    def trouble(self) -> str:
        return self.status()[0]["trouble"] or ""

    def __call__(self, command: str, *words: str, stdin: str | None = None) -> Result:
        return self.prong(command, "q", *words, stdin=stdin)

    def submit(self, *words: str, stdin: str | None = None) -> list[str]:
        result = self("submit", *words, stdin=stdin)
        assert (result.status, result.error) == (0, "")
        return result.output.split()

    def status(self, *jobs: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self("status", "--json", *jobs).output.splitlines()]

    def states(self, *jobs: str) -> list[str]:
        return [job["state"] for job in self.status(*jobs)]

    def outputs(self) -> str:
        return self.prong("log", "q", "--output").output


@pytest.fixture
def queue(prong: Prong) -> Iterator[Queue]:
    made = Queue(prong)
    yield made
    made.kill()


def test_jobs_are_run_where_they_were_submitted(queue: Queue) -> None:
    (queue.folder / "here").mkdir()
    queue.prong.environment["A_VARIABLE"] = "there"
    result = subprocess.run(
        [queue.prong.program, "submit", "q", "--", "sh", "-c", 'echo "$A_VARIABLE" in "${PWD##*/}"'],
        cwd=queue.folder / "here",
        env=queue.prong.environment,
        capture_output=True,
        check=True,
    )
    assert result.stdout == b"1\n"
    assert queue("wait", "1").status == 0
    assert queue.outputs() == "there in here\n"


def test_a_command_without_inputs_is_taken_as_it_is(queue: Queue) -> None:
    queue.submit("--", "echo", "{} {.} {#}", "a  b")
    queue("wait")
    assert queue.outputs() == "{} {.} {#} a  b\n"


def test_inputs_are_as_of_run(queue: Queue) -> None:
    assert queue.submit("echo {} >> {#}.out", ":::", "x", "y z") == ["1", "2"]
    assert queue.submit(stdin="echo one\necho two; exit 3\n") == ["3", "4"]
    assert queue("wait", "1", "2", "3", "4").status == 1
    assert (queue.folder / "2.out").read_text() == "y z\n"
    assert queue.states("1", "2", "3", "4") == ["done", "done", "done", "failed"]


def test_bytes_that_are_no_text_arrive(queue: Queue) -> None:
    queue.submit("--", "printf", "%s", os.fsdecode(b"\xff\xfe"))
    assert queue("wait").status == 0
    log = subprocess.run(
        [queue.prong.program, "log", "q", "--output"], env=queue.prong.environment, capture_output=True, check=True
    )
    assert log.stdout == b"\xff\xfe"


def test_limits_and_retries(queue: Queue) -> None:
    queue.submit("--timeout", "0.2", "sleep", "50")
    queue.submit("--retries", "2", "echo x >> tries; false")
    queue.submit("--retries", "2", "--retry-on", "exit=75", "echo x >> others; false")
    assert queue("wait", "1", "2", "3").status == 3
    assert queue.status("1")[0]["outcome"] == "timed_out"
    assert (queue.folder / "tries").read_text() == "x\n" * 3
    assert (queue.folder / "others").read_text() == "x\n"
    assert "attempt 3" in queue.prong("log", "q", "--job", "2").output


def test_higher_priorities_run_first(queue: Queue) -> None:
    queue("pause")
    for priority in ("0", "2", "-1", "1"):
        queue.submit("--priority", priority, "--", f"echo {priority} >> order")
    queue.kill()
    queue.serve(workers=1)
    queue("resume")
    queue("drain")
    assert (queue.folder / "order").read_text().split() == ["2", "1", "0", "-1"]


def test_cancel_takes_back_what_waits_and_kills_what_runs(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    assert eventually(lambda: queue.states("1", "2", "3") == ["running", "running", "queued"])
    assert queue("cancel", "1", "3", "99").output.split() == ["1", "3"]
    assert queue("wait", "1", "3").status == 2
    (queue.folder / "go").touch()
    assert queue("wait", "2").status == 0
    assert [job["detail"] for job in queue.status("1", "3")] == ["cancelled while it ran", "cancelled before it ran"]
    assert queue("cancel", "2").status == 1
    assert not (queue.folder / "started-3").exists()


def test_failed_jobs_are_retried_on_request(queue: Queue) -> None:
    for _ in range(2):
        queue.submit("--", "test", "-e", "there")
    assert queue("wait", "1", "2").status == 2
    (queue.folder / "there").touch()
    assert queue("retry", "1").output == "1\n"
    assert queue("wait", "1").status == 0
    assert queue("retry", "1").status == 1
    assert queue("retry", "--failed").output == "2\n"
    assert queue("wait", "1", "2").status == 0
    assert queue.status("1")[0]["attempts"] == 2


def test_pause_survives_the_server(queue: Queue) -> None:
    queue("pause")
    queue.submit("echo", "late")
    queue.kill()
    queue.serve()
    assert queue.status()[0]["state"] == "paused"
    assert queue.states("1") == ["queued"]
    queue("resume")
    assert queue("wait", "1").status == 0


def test_drain_waits_for_all_and_ends_the_server(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    drain = queue.prong.start("drain", "q")
    assert eventually(lambda: queue.status()[0]["state"] == "draining")
    refused = queue("submit", "echo", "more")
    assert (refused.status, refused.error) == (255, "prong: queue q: the queue ends, and takes no more jobs\n")
    assert drain.poll() is None
    (queue.folder / "go").touch()
    assert drain.wait(timeout=50) == 0
    assert "3 done, 0 failed" in queue.end()
    assert not queue.socket.exists()


def test_interrupting_the_server_leaves_what_waits(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    assert eventually(lambda: queue.states("1", "2", "3") == ["running", "running", "queued"])
    queue.server.send_signal(signal.SIGINT)
    assert eventually(lambda: queue.status()[0]["state"] == "stopping")
    (queue.folder / "go").touch()
    assert "1 queued, 2 done" in queue.end()
    queue.serve()
    assert queue("wait", "3").status == 0


@pytest.mark.parametrize(("policy", "state"), [("fail", "failed"), ("retry", "done")])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_ran_when_the_server_ended_is_lost_or_run_again(
    queue: Queue, policy: str, state: str, how: signal.Signals
) -> None:
    queue.submit("--if-lost", policy, "--", GATE.replace("{}", "1"))
    assert eventually((queue.folder / "started-1").exists)
    queue.server.send_signal(how)
    queue.server.wait(timeout=50)
    (queue.folder / "go").touch()
    queue.serve()
    queue("wait")
    assert eventually(lambda: queue.states("1") == [state])
    attempts = queue.prong("log", "q", "--job", "1").output
    assert ("attempt 1: lost: its worker vanished" in attempts, "attempt 2: exited 0" in attempts) == (
        True,
        policy == "retry",
    )


def test_who_waits_hears_from_the_next_server(queue: Queue) -> None:
    queue.submit("--if-lost", "retry", "--", GATE.replace("{}", "1"))
    assert eventually((queue.folder / "started-1").exists)
    waiting = queue.prong.start("wait", "q", "1")
    queue.kill()
    queue.serve()
    assert waiting.poll() is None
    (queue.folder / "go").touch()
    assert waiting.wait(timeout=50) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_when_the_server_is_ended_is_told(queue: Queue, how: signal.Signals) -> None:
    queue("pause")
    queue.submit("true")
    requests = [{"command": "wait", "jobs": [1]}, {"command": "wait"}, {"command": "status"}]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.relpath(queue.socket))
        client.sendall("".join(json.dumps(each) + "\n" for each in requests).encode())
        answers = client.makefile()
        assert json.loads(answers.readline())["queued"] == 1  # so those before are heard, too
        queue.end(how)
        told = [json.loads(line)["error"] for line in answers]
    assert len(told) == 2
    assert all("ended before all jobs had; the next one goes on with them" in each for each in told)


def test_a_drain_that_is_broken_off_is_told(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    drain = queue.prong.start("drain", "q")
    assert eventually(lambda: queue.status()[0]["state"] == "draining")
    assert "it cannot be paused" in queue("pause").error
    queue.server.send_signal(signal.SIGTERM)
    _, error = drain.communicate(timeout=50)
    assert drain.returncode == 255
    assert b"ended before all jobs had" in error


def test_jobs_that_cannot_be_started_wait_in_a_queue_that_is_paused(prong: Prong) -> None:
    launcher = prong.folder / "launcher"
    launcher.symlink_to(prong.program.with_name("prong-launcher"))
    prong.environment["PRONG_LAUNCHER"] = str(launcher)
    queue = Queue(prong)
    launcher.unlink()
    queue.submit("true")
    assert eventually(lambda: queue.status()[0]["state"] == "paused")
    assert queue.states("1") == ["queued"]
    launcher.symlink_to(prong.program.with_name("prong-launcher"))
    queue("resume")
    assert queue("wait", "1").status == 0


def test_a_log_that_nobody_reads_holds_nothing_up(queue: Queue) -> None:
    queue.submit("false", ":::", *map(str, range(3000)))  # a pipe has room for about 1000 lines
    queue("wait")
    assert queue.status()[0]["failed"] == 3000


def test_a_queue_has_one_server(queue: Queue) -> None:
    second = queue.prong("serve", "--name", "q")
    assert second.status == 255
    assert "another prong works with it" in second.error
    assert queue.status()[0]["pid"] == queue.server.pid


def test_only_this_user_can_open_the_socket(queue: Queue) -> None:
    assert stat.S_IMODE((queue.folder / "runtime/prong").stat().st_mode) == 0o700
    assert stat.S_IMODE((queue.folder / "state/prong/q.journal").stat().st_mode) == 0o600


def test_a_job_finds_its_number(queue: Queue) -> None:
    show = "echo $PRONG_QUEUE $PRONG_QUEUE_JOB $PRONG_JOB"
    queue.submit(show, ":::", "a", "b")
    assert queue("wait", "1", "2").status == 0
    queue.kill()  # the numbers of the next one's pool begin anew
    queue.serve()
    queue.submit(show, ":::", "c")
    assert queue("wait", "3").status == 0
    assert queue.outputs() == "q 1 1 a\nq 2 2 b\nq 3 3 c\n"


def test_clean_forgets_what_has_ended(queue: Queue) -> None:
    queue.submit("head -c 200000 /dev/zero; test {} != b", ":::", "a", "b")
    queue("wait")
    queue.submit(GATE, ":::", "3", "4", "5")
    assert eventually(lambda: queue.states("3", "4", "5") == ["running", "running", "queued"])
    assert queue("clean", "--older", "1h").output == "q: 0 done, 0 failed are forgotten\n"
    assert queue("clean", "--done").output == "q: 1 done, 0 failed are forgotten\n"
    assert queue.states("1", "2") == ["unknown", "failed"]
    assert queue("clean").output == "q: 0 done, 1 failed are forgotten\n"
    assert queue.states("1", "2", "3", "4", "5") == ["unknown", "unknown", "running", "running", "queued"]
    waiting = queue.prong.start("wait", "q", "4")
    (queue.folder / "go").touch()
    assert queue("wait", "3", "4", "5").status == 0
    assert waiting.wait(timeout=50) == 0
    assert "there is no job 1" in queue("wait", "1").error
    assert queue("clean").output == "q: 3 done, 0 failed are forgotten\n"
    assert queue("status").output == "q: 0 queued, 0 of 2 running, 0 done, 0 failed\n"
    queue.kill()
    queue.serve()
    assert queue.submit("true") == ["6"]


def test_the_space_of_forgotten_jobs_is_used_again(queue: Queue) -> None:
    journal = queue.folder / "state/prong/q.journal"
    sizes = []
    for _ in range(4):
        queue.submit("head -c 3000000 /dev/zero", "--shell")
        queue("wait")
        queue("clean")
        queue.kill()
        queue.serve()
        with sqlite3.connect(journal) as connection:
            sizes.append(connection.execute("PRAGMA page_count").fetchone()[0])
    assert sizes[1:] == sizes[1:2] * 3


def test_a_failure_that_is_forgotten_meanwhile_is_counted_by_who_waits(queue: Queue) -> None:
    queue.submit("false")
    queue("wait", "1")
    queue.submit(GATE, ":::", "a")
    requests = [{"command": "status"}, {"command": "wait"}, {"command": "status"}]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.relpath(queue.socket))
        client.sendall("".join(json.dumps(each) + "\n" for each in requests).encode())
        answers = map(json.loads, client.makefile())
        before = next(answers)["failures"]
        next(answers)
        queue.submit("false")
        queue("wait", "3")
        queue("clean")
        (queue.folder / "go").touch()
        assert next(answers)["failures"] == before + 1


TICKET = "0" * 32


def submission(jobs: object, folder: str = "/") -> str:
    return json.dumps({"command": "submit", "jobs": jobs, "surroundings": {"folder": folder}})


REFUSED = {
    '{"command": "nonsense"}': "there is no such command",
    "[1]": "there is no such command",
    "{]": "there is no such command",
    '{"command": "submit"}': "a submission has 'jobs' and 'surroundings'",
    submission([{"ticket": TICKET}]): "'arguments' of a command is empty",
    submission([{"ticket": "1", "arguments": ["ls"]}]): "'ticket'",
    submission([{"ticket": TICKET, "arguments": [3]}]): "'arguments' is to be a text",
    submission([], folder="x"): "a whole path",
    '{"command": "wait", "jobs": [7]}': "there is no job 7",
    '{"command": "wait", "jobs": "all"}': "a list of numbers",
    '{"command": "status", "jobs": [-1]}': "a list of numbers",
    submission([{"ticket": TICKET, "arguments": ["a\0b"]}]): "'arguments' has a NUL byte",
    '{"command": ' + "[" * 100_000 + "]" * 100_000 + "}": "there is no such command",
    '{"command": "submit", "jobs": [], "surroundings": ' + "[" * 100_000 + "]" * 100_000 + "}": "a submission has",
}


@pytest.mark.parametrize("request_text", REFUSED, ids=lambda text: text[:60])
def test_wrong_requests_are_answered(queue: Queue, request_text: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.relpath(queue.socket))
        client.sendall(request_text.encode() + b"\n")
        answer = json.loads(client.makefile().readline())
    assert REFUSED[request_text] in answer["error"]
    assert queue.status()[0]["queued"] == 0


def test_a_ticket_is_good_for_one_job(queue: Queue) -> None:
    job = {"ticket": "0" * 32, "arguments": ["sh", "-c", "echo x >> marks"]}
    request = {"command": "submit", "jobs": [job, job], "surroundings": {"folder": str(queue.folder)}}
    queue("pause")
    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.relpath(queue.socket))
            client.sendall(json.dumps(request).encode() + b"\n")
            assert json.loads(client.makefile().readline()) == {"jobs": [1, 1]}
        queue.kill()
        queue.serve()
    queue("resume")
    queue("wait", "1")
    assert (queue.folder / "marks").read_text() == "x\n"


def test_nobody_serves_it(prong: Prong) -> None:
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder)
    for command in ("status", "wait", "drain"):
        result = prong(command, "nosuch")
        assert result.status == 255
        assert "nobody serves the queue 'nosuch' on '" in result.error
        assert "start it: prong serve --name nosuch" in result.error


def test_the_journal_of_a_queue_is_not_that_of_runs(queue: Queue) -> None:
    result = queue.prong("run", "--name", "q", "echo", ":::", "a")
    assert result.status == 255
    queue.kill()
    result = queue.prong("run", "--name", "q", "echo", ":::", "a")
    assert "it is the journal of a queue" in result.error
    for options in ([], ["--resume"], ["--retry-failed"]):  # nor does a dry run show what would be refused
        result = queue.prong("run", "--dry-run", "--name", "q", *options, "echo", ":::", "a")
        assert (result.status, result.output) == (255, "")
        assert "it is the journal of a queue" in result.error
    assert queue.prong("run", "--name", "other", "echo", ":::", "a").status == 0
    assert "it is the journal of runs" in queue.prong("serve", "--name", "other").error


def test_every_job_is_accounted_for_when_the_server_is_killed(tmp_path: Path) -> None:
    account = Load(tmp_path).run(jobs=2000, clients=4, kills=3)
    assert account.kills == 3
    assert sum(account.states.values()) == 2000
    assert set(account.states) <= {"done", "failed"}
    assert account.states["failed"] == account.lost <= 2 * 3
    assert (account.run_twice, account.done_unrun) == ([], [])


class FullDisk:
    """A file system of its own for the journal, which only the server sees."""

    def __init__(self, queue: Queue) -> None:
        queue.kill()
        self.folder = queue.folder / "state"
        mount = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'
        queue.serve(under=["unshare", "-rm", "sh", "-c", mount, str(self.folder)])
        self.filler = Path(f"/proc/{queue.server.pid}/root{self.folder}/filler")

    def begin(self) -> None:
        with contextlib.suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def end(self) -> None:
        self.filler.unlink()


class HeldLock:
    """Another program that writes the journal."""

    def __init__(self, queue: Queue) -> None:
        self.connection = sqlite3.connect(queue.folder / "state/prong/q.journal", isolation_level=None)

    def begin(self) -> None:
        self.connection.execute("BEGIN EXCLUSIVE")

    def end(self) -> None:
        self.connection.close()


def namespaces_are_allowed() -> bool:
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "t", "/mnt"], check=False).returncode == 0


TROUBLES = [
    pytest.param(HeldLock, "another program has it", id="lock"),
    pytest.param(
        FullDisk,
        "the disk is full",
        id="disk",
        marks=pytest.mark.skipif("not namespaces_are_allowed()", reason="a file system needs a namespace"),
    ),
]
Trouble = HeldLock | FullDisk
LARGE = GATE.replace("; echo {}", "; echo {} >> ran; head -c 300000 /dev/zero")


@pytest.mark.parametrize(("make", "why"), TROUBLES)
def test_a_queue_whose_journal_cannot_be_written_waits_and_goes_on(
    queue: Queue, make: Callable[[Queue], Trouble], why: str
) -> None:
    trouble = make(queue)
    queue.submit(LARGE, ":::", "1", "2", "3", "4")
    waiting = queue.prong.start("wait", "q")
    assert eventually(lambda: queue.states("1", "2", "3", "4") == ["running", "running", "queued", "queued"])
    trouble.begin()
    (queue.folder / "go-1").touch()
    assert eventually(lambda: why in queue.trouble)
    assert f"the journal cannot be written: journal '{queue.folder}" in queue("status").output
    (queue.folder / "go").touch()
    assert eventually(lambda: sorted((queue.folder / "ran").read_text().split()) == ["1", "2"])
    assert queue.states("1", "2", "3", "4") == ["running", "running", "queued", "queued"]  # nothing else is committed
    for words in (["submit", "true"], ["retry", "1"], ["cancel", "3"], ["pause"], ["resume"]):
        refused = queue(words[0], *words[1:])
        assert refused.status == 255, words
        assert "nothing was changed: ask again when it can" in refused.error
    assert waiting.poll() is None
    trouble.end()
    assert waiting.wait(timeout=50) == 0
    assert queue.trouble == ""
    assert queue.submit("true") == ["5"]
    assert sorted((queue.folder / "ran").read_text().split()) == ["1", "2", "3", "4"]
    assert queue.states("1", "2", "3", "4") == ["done"] * 4
    said = queue.end(signal.SIGTERM)
    assert (said.count("cannot be written"), said.count("can be written again")) == (1, 1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("make", "why"), TROUBLES)
def test_a_queue_whose_journal_cannot_be_written_can_be_ended(
    queue: Queue, make: Callable[[Queue], Trouble], why: str, how: signal.Signals
) -> None:
    trouble = make(queue)
    queue.submit(LARGE, ":::", "1", "2")
    assert eventually(lambda: queue.states("1", "2") == ["running", "running"])
    waiting = queue.prong.start("wait", "q", "1")
    trouble.begin()
    (queue.folder / "go-1").touch()
    assert eventually(lambda: why in queue.trouble)
    queue.server.send_signal(how)
    (queue.folder / "go").touch()
    said = queue.end(status=255)
    assert "the next server takes 2 for lost" in said
    assert why in said.splitlines()[-1]
    assert b"ended before all jobs had" in waiting.communicate(timeout=50)[1]


def test_that_nothing_is_to_be_written_says_nothing_of_the_journal(queue: Queue) -> None:
    lock = HeldLock(queue)
    lock.begin()
    start = queue.status()[0]["seconds"]
    assert queue("submit", "true").status == 255
    assert eventually(lambda: queue.status()[0]["seconds"] > start + 3.5)  # it has tried again
    lock.end()
    assert eventually(lambda: queue.trouble == "")
    assert queue.end(signal.SIGTERM).count("cannot be written") == 1


def test_what_runs_can_be_cancelled_while_the_journal_cannot_be_written(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2")
    assert eventually(lambda: queue.states("1", "2") == ["running", "running"])
    lock = HeldLock(queue)
    lock.begin()
    (queue.folder / "go-1").touch()
    assert eventually(lambda: queue.trouble != "")
    assert queue("cancel", "2").output == "2\n"
    assert queue.states("2") == ["running"]
    lock.end()
    assert queue("wait", "1", "2").status == 1
    assert queue.status("2")[0]["detail"] == "cancelled while it ran"


def test_jobs_that_ended_unrecorded_are_lost_with_the_server(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1")
    assert eventually(lambda: queue.states("1") == ["running"])
    lock = HeldLock(queue)
    lock.begin()
    (queue.folder / "go").touch()
    assert eventually(lambda: queue.trouble != "")
    queue.end(signal.SIGTERM, status=255)
    lock.end()
    queue.serve()
    assert queue.status("1")[0]["outcome"] == "lost"


def test_what_failed_by_itself_is_not_called_lost_when_the_server_ends(queue: Queue) -> None:
    queue.submit("--if-lost", "retry", "echo x >> ran; until [ -e go ]; do sleep 0.01; done; exit 3")
    queue.submit("--if-lost", "retry", "touch started; until [ -e never ]; do sleep 0.01; done")
    assert eventually((queue.folder / "started").exists)
    lock = HeldLock(queue)
    lock.begin()
    (queue.folder / "go").touch()
    assert eventually(lambda: queue.trouble != "")
    queue.server.send_signal(signal.SIGSTOP)  # so that the lock is gone when it hears of its end, and not before
    queue.server.send_signal(signal.SIGTERM)
    lock.end()
    queue.server.send_signal(signal.SIGCONT)
    queue.end()
    queue.serve(workers=1)
    assert queue.status("1")[0]["outcome"] == "exited"
    assert queue.states("1") == ["failed"]
    assert queue.states("2") == ["running"]


@pytest.mark.parametrize("again", [False, True])
def test_what_was_cancelled_is_not_run_by_the_next_server(queue: Queue, again: bool) -> None:
    code = "echo x >> ran; trap '' TERM; until [ -e go ]; do sleep 0.01; done"
    queue.submit("--if-lost", "retry", "--", "sh", "-c", code)
    assert eventually((queue.folder / "ran").exists)
    assert queue("cancel", "1").output == "1\n"
    queue.kill()
    queue.serve()
    assert queue.states("1") == ["failed"]
    assert (queue.folder / "ran").read_text() == "x\n"
    if not again:
        return
    queue("retry", "1")  # from here on it is a job like any other
    assert eventually(lambda: (queue.folder / "ran").read_text() == "x\nx\n")
    queue.kill()
    queue.serve()
    assert eventually(lambda: (queue.folder / "ran").read_text() == "x\nx\nx\n")
    (queue.folder / "go").touch()
    assert queue("wait", "1").status == 0


def test_what_cannot_be_started_can_be_cancelled(queue: Queue) -> None:
    queue.kill()
    queue.prong.environment["PRONG_LAUNCHER"] = str(queue.folder / "nosuch")
    queue.serve()
    for number in map(str, range(1, 31)):  # the server is at it, or not
        queue.submit("true")
        queue("resume")
        assert queue("cancel", "--all").output == f"{number}\n"
        assert queue.status(number)[0]["outcome"] == "cancelled"


def test_options_of_another_version_leave_a_job_as_it_was(queue: Queue) -> None:
    queue.submit("false")
    queue("wait")
    for options in ("{}", '{"kind": "command", "priority": 0, "if_lost": "fail", "settings": {"color": "red"}}'):
        with contextlib.closing(sqlite3.connect(queue.folder / "state/prong/q.journal", isolation_level=None)) as file:
            file.execute("UPDATE job SET options = ?", (options,))
        assert queue("retry", "1").status == 255
        assert queue("retry", "--failed").status == 255
        assert queue.states("1") == ["failed"]
    assert queue.status()[0]["queued"] == 0


def test_many_large_jobs_go_in_portions_and_one_too_large_is_refused(queue: Queue) -> None:
    queue("pause")
    inputs = queue.folder / "inputs"
    inputs.write_text("".join("x" * 100_000 + f"{number}\n" for number in range(250)))
    assert len(queue.submit("-a", str(inputs), "true {}")) == 250
    refused = queue("submit", "-a", str(too_large(queue.folder)), "true {}")
    assert refused.status == 255
    assert "is longer than queue 'q' takes (256 MiB)" in refused.error


def too_large(folder: Path) -> Path:
    file = folder / "large"
    with file.open("wb") as opened:
        for _ in range(90):  # it stands in a request three times
            opened.write(b"x" * (1 << 20))
        opened.write(b"\n")
    return file
