"""Ways in which a run ends early: Ctrl-C, signals, a reader that goes away, a pool that cannot work."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli_program import PROGRAM, Prong

from eventually import eventually


def started(prong: Prong) -> bool:
    return (prong.folder / "started").exists()


def start_long_job(prong: Prong, script: str, *more: str) -> subprocess.Popen[bytes]:
    process = prong.start("run", "-j1", f"touch started; {script}", ":::", "1", *more)
    assert eventually(lambda: started(prong))
    return process


def test_first_interrupt_lets_running_jobs_end(prong: Prong) -> None:
    process = start_long_job(prong, "until [ -e go ]; do sleep 0.01; done; echo", *map(str, range(2, 500)))
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == b"prong: stopping; 1 running job may end (Ctrl-C again kills)\n"
    (prong.folder / "go").touch()
    output, error = process.communicate(timeout=30)
    assert (process.returncode, output, error) == (130, b"1\n", b"prong: ended early: 1 done, 498 not run\n")


def test_second_interrupt_kills(prong: Prong) -> None:
    process = start_long_job(prong, "sleep 1000 & sleep 1000;", "2")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=30)
    assert (process.returncode, output, error) == (130, b"", b"prong: ended early: 0 done, 1 killed, 1 not run\n")
    assert eventually(lambda: not prong.survivors())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_kills_at_once(prong: Prong, number: signal.Signals) -> None:
    process = start_long_job(prong, "sleep 1000;")
    process.send_signal(number)
    output, error = process.communicate(timeout=30)
    remains = b"prong: ended early: 0 done, 1 killed, 0 not run\n"
    assert (process.returncode, output, error) == (128 + number, b"", remains)
    assert eventually(lambda: not prong.survivors())


def test_nothing_survives_sigkill(prong: Prong) -> None:
    process = start_long_job(prong, "sleep 1000 & (setsid sleep 1000 &) ; wait;")
    assert len(prong.survivors()) > 3
    process.kill()
    process.communicate()
    assert eventually(lambda: not prong.survivors())


def test_interrupt_while_waiting_for_inputs(prong: Prong) -> None:
    process = prong.start("run", "echo", stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    os.write(process.stdin.fileno(), b"a\n")
    assert process.stdout.readline() == b"a\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


def test_closed_output_stops_quietly(prong: Prong) -> None:
    process = prong.start("run", "-j2", "echo", stdin=subprocess.PIPE)
    lines = "".join(f"{number}\n" for number in range(100_000)).encode()
    assert process.stdout is not None and process.stdin is not None and process.stderr is not None
    os.set_blocking(process.stdin.fileno(), False)
    os.write(process.stdin.fileno(), lines)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == b""


def test_head_gets_its_line(prong: Prong) -> None:
    script = f"seq 100000 | '{PROGRAM}' run -k echo | head -1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, env=prong.environment)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_full_disk_is_told(prong: Prong) -> None:
    with Path("/dev/full").open("wb") as full:
        process = prong.start("run", "echo", ":::", "a", stdout=full)
        error = process.communicate()[1]
    assert process.returncode == 255
    assert error == b"prong: cannot write to standard output: No space left on device (ENOSPC)\n"


def test_missing_launcher_is_told(prong: Prong) -> None:
    prong.environment["PRONG_LAUNCHER"] = "/nonexistent"
    result = prong("run", "echo", ":::", "a")
    assert result.status == 255
    assert result.error.startswith("prong: cannot find the program prong-launcher")
