"""Many jobs from several clients at once, to a queue whose server is killed on the way: all are accounted for.

As a program it does the whole: ``python tests/cli/queue_load.py --jobs 100000 --clients 8 --kills 5``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cli_program import PROGRAM

import prong


def mark(path: str, word: str) -> None:
    """What a job leaves: one line, in one write."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word}\n".encode())
    os.close(file)


@dataclass
class Account:
    """What became of all jobs."""

    states: collections.Counter[str]  #: of the journal
    lost: int  #: of those that failed, those that were lost with a server
    run_twice: list[str] = field(default_factory=list)  #: jobs that left more than one mark
    done_unrun: list[str] = field(default_factory=list)  #: jobs that are said to be done, and left none
    kills: int = 0
    seconds_to_submit: float = 0.0
    seconds: float = 0.0


class Load:
    """One queue, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "runtime").mkdir(mode=0o700)
        self.environment = os.environ | {
            "XDG_RUNTIME_DIR": str(folder / "runtime"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self.marks = folder / "marks"
        self.server: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        log = (self.folder / "log").open("ab")
        command = [PROGRAM, "serve", "--name", "q", "-j2"]
        self.server = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stderr=log)
        log.close()

    def kill(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        self.serve()
        try:
            yield
        finally:
            self.kill()

    def submit(self, client: int, jobs: int) -> None:
        """Half of the clients submit command lines, half Python calls."""
        os.environ.update(self.environment)
        words = [f"{client}-{number}" for number in range(jobs)]
        if client % 2 == 0:
            lines = "".join(f"echo {word} >> marks\n" for word in words).encode()
            done = subprocess.run(
                [PROGRAM, "submit", "q"], input=lines, cwd=self.folder, stdout=subprocess.PIPE, check=True
            )
            assert len(done.stdout.split()) == jobs
        else:
            os.chdir(self.folder)
            queue = prong.Client("q")
            single = words[: jobs // 10]
            for word in single:
                queue.submit(mark, str(self.marks), word)
            queue.map(mark, [str(self.marks)] * (jobs - len(single)), words[len(single) :])

    def run(self, jobs: int, clients: int, kills: int) -> Account:
        began = time.monotonic()
        context = multiprocessing.get_context("fork")
        with self.serving():
            self._await_socket()
            submitters = [context.Process(target=self.submit, args=(each, jobs // clients)) for each in range(clients)]
            for process in submitters:
                process.start()
            killed = 0
            for turn in range(kills):
                self._await_jobs(jobs * (turn + 1) // (kills + 2))
                self.kill()
                killed += 1
                self.serve()
            for process in submitters:
                process.join()
                assert process.exitcode == 0
            submitted = time.monotonic() - began
            subprocess.run([PROGRAM, "wait", "q"], env=self.environment, check=False)
            account = self.account()
        account.kills = killed
        account.seconds_to_submit, account.seconds = submitted, time.monotonic() - began
        return account

    def account(self) -> Account:
        with contextlib.closing(sqlite3.connect(self.folder / "state/prong/q.journal")) as journal:
            states = collections.Counter(row[0] for row in journal.execute("SELECT state FROM job"))
            lost = journal.execute("SELECT count(*) FROM attempt WHERE outcome = 'lost'").fetchone()[0]
            done = [row[0] for row in journal.execute("SELECT description FROM job WHERE state = 'done'")]
        marks = collections.Counter(self.marks.read_text().split())
        words = [text.split()[1] if text.startswith("echo") else text.split("'")[-2] for text in done]
        return Account(
            states=states,
            lost=lost,
            run_twice=[word for word, count in marks.items() if count > 1],
            done_unrun=[word for word in words if word not in marks],
        )

    def _await_socket(self) -> None:
        while not (self.folder / "runtime/prong/q.queue").exists():
            time.sleep(0.01)

    def _await_jobs(self, ended: int) -> None:
        """Until so many have ended, or all that there are."""
        while True:
            text = subprocess.check_output([PROGRAM, "status", "q", "--json"], env=self.environment)
            status = json.loads(text)
            if status["done"] + status["failed"] >= ended:
                return
            time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(Load(Path(folder)).run(options.jobs, options.clients, options.kills))


if __name__ == "__main__":
    main()
