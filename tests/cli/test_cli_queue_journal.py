"""The journal of a queue: what is in its way (a full disk, locks, other versions), and what the file is for others."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from queue_program import GATE, Queue

from eventually import eventually


def test_only_this_user_can_open_the_socket(queue: Queue) -> None:
    assert stat.S_IMODE((queue.folder / "runtime/prong").stat().st_mode) == 0o700
    assert stat.S_IMODE((queue.folder / "state/prong/q.journal").stat().st_mode) == 0o600


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


class RemovedFile:
    """Somebody has moved the journal away."""

    def __init__(self, queue: Queue) -> None:
        self.journal = queue.folder / "state/prong/q.journal"

    def begin(self) -> None:
        self.journal.rename(self.journal.with_suffix(".elsewhere"))

    def end(self) -> None:
        self.journal.with_suffix(".elsewhere").rename(self.journal)


def namespaces_are_allowed() -> bool:
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "t", "/mnt"], check=False).returncode == 0


TROUBLES = [
    pytest.param(HeldLock, "another program has it", id="lock"),
    pytest.param(RemovedFile, "it was removed", id="removed"),
    pytest.param(
        FullDisk,
        "the disk is full",
        id="disk",
        marks=pytest.mark.skipif("not namespaces_are_allowed()", reason="a file system needs a namespace"),
    ),
]
Trouble = HeldLock | RemovedFile | FullDisk
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
    ran = queue.folder / "ran"
    assert eventually(lambda: ran.exists() and sorted(ran.read_text().split()) == ["1", "2"])
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
