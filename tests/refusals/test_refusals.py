"""The system says no: the n-th call of each kind fails, in the program, the launcher and the workers alike.

strace makes the calls fail. After each run nothing has hung, every job has an outcome or an error says what was tried,
no descriptor is left open and no process is left running.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SUBJECT = Path(__file__).parents[2] / "build/tests/engine/refusals_subject"
MOST = 6

# What is refused, and how the kernel would say it.
REFUSALS = {
    "memfd_create": "EMFILE",
    "ftruncate": "ENOSPC",
    "fallocate": "ENOSPC",
    "socketpair": "ENFILE",
    "eventfd2": "EMFILE",
    "epoll_create1": "EMFILE",
    "epoll_ctl": "ENOSPC",
    "signalfd4": "EMFILE",
    "pidfd_open": "EPERM",
    "clone": "EAGAIN",
    "clone3": "ENOSYS",
    "vfork": "EAGAIN",
    "execve": "ENOMEM",
    "prctl": "EPERM",
    "setsid": "EPERM",
    "setpgid": "EPERM",
    "sendmsg": "ENOBUFS",
    "recvmsg": "ENOMEM",
    "pwrite64": "ENOSPC",
    "epoll_pwait2": "ENOSYS",
    "close_range": "ENOSYS",
    "fcntl": "EMFILE",
    "kill": "EPERM",
}


def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def tagged(tag: str) -> list[str]:
    """Processes that have the tag in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if tag.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not can_trace(), reason="strace is not here, or may not trace")
@pytest.mark.parametrize("start", ["fresh", "fork", "spawn"])
@pytest.mark.parametrize("call", REFUSALS)
def test_nothing_hangs_when(call: str, start: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(1, MOST + 1):
        tag = f"PRONG_TEST_REFUSAL={call}-{start}-{number}-{os.getpid()}"
        name, value = tag.split("=")
        run = subprocess.run(
            ["strace", "-f", "-qq", "-o", log, "-e", f"trace={call}", "-e", "signal=none",
             "-e", f"inject={call}:error={REFUSALS[call]}:when={number}", SUBJECT, start],
            capture_output=True, text=True, timeout=60, check=False, env={**os.environ, name: value},
        )  # fmt: skip
        assert run.returncode == 0, f"{call} number {number}: {run.stdout}{run.stderr}"
        assert run.stdout.startswith(("all jobs", "refused: ")), run.stdout
        assert not tagged(tag), f"{call} number {number} leaves {tagged(tag)}"
        if "(INJECTED)" not in log.read_text():
            return


# What old kernels do not have, and what containers refuse: Prong works without.
DISPENSABLE = {
    "without_pidfds": "pidfd_open:error=EPERM",
    "without_clone3": "clone3:error=ENOSYS",
    "without_epoll_pwait2": "epoll_pwait2:error=ENOSYS",
    "epoll_pwait2_refused": "epoll_pwait2:error=EPERM",
    "without_close_range": "close_range:error=ENOSYS",
    "without_vfork": "vfork:error=EPERM",
    "without_rseq": "rseq:error=ENOSYS",
}


@pytest.mark.skipif(not can_trace(), reason="strace is not here, or may not trace")
@pytest.mark.parametrize("start", ["fresh", "fork", "spawn"])
@pytest.mark.parametrize("missing", DISPENSABLE)
def test_works(missing: str, start: str) -> None:
    call = DISPENSABLE[missing]
    run = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call.split(':')[0]}", "-e", "signal=none",
         "-e", f"inject={call}", SUBJECT, start],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "all jobs have outcomes\n"), run.stdout + run.stderr


@pytest.mark.skipif(not can_trace(), reason="strace is not here, or may not trace")
def test_says_what_is_missing() -> None:
    """glibc starts no threads where clone3 is refused with EPERM, as by very old container profiles."""
    run = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=clone3", "-e", "inject=clone3:error=EPERM",
         SUBJECT, "fresh"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "refused: cannot start a thread: Operation not permitted (EPERM)\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace takes root")
@pytest.mark.parametrize("start", ["fresh", "fork", "spawn"])
@pytest.mark.parametrize("proc", ["--mount-proc", "--kill-child"])  # with a /proc of its own, or another namespace's
def test_as_pid_1(start: str, proc: str) -> None:
    namespace = ["unshare", "--pid", "--fork", proc]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("may not make such a namespace (in a chroot, nothing can be mounted over its /proc)")
    run = subprocess.run([*namespace, SUBJECT, start], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (0, "all jobs have outcomes\n"), run.stdout + run.stderr
