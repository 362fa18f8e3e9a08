"""How the tests of queues serve one, and ask it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any

from cli_program import PROGRAM, Prong, Result

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

    def ask(self, request: dict[str, Any] | str) -> dict[str, Any]:
        """What is answered to a request that no command makes."""
        line = request if isinstance(request, str) else json.dumps(request)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.relpath(self.socket))
            client.sendall(line.encode() + b"\n")
            answer: dict[str, Any] = json.loads(client.makefile().readline())
        return answer

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
