"""The progress line, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess

from cli_program import Prong


def on_terminal(prong: Prong, *arguments: str, status: int = 0) -> bytes:
    """What a terminal shows that is standard error (and output) of the program."""
    ours, theirs = pty.openpty()
    process = prong.start(*arguments, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # all have closed it
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait() == status
    return shown


def test_live_line_on_a_terminal(prong: Prong) -> None:
    shown = on_terminal(prong, "run", "--progress", "true", ":::", "a", "b").decode()
    assert re.search(r"\r\x1b\[Kprong: 2/2 done, 0 failed, \S+/s, 0:00 in all\r\n$", shown)


def test_output_is_not_mixed_with_the_line(prong: Prong) -> None:
    shown = on_terminal(prong, "run", "--progress", "-j1", "sleep 0.2; echo", ":::", "a", "b").decode()
    assert "\r\x1b[Kprong: 1/2 done" in shown
    for name in "ab":
        assert f"\r\x1b[K{name}\r\n" in shown


def test_no_line_where_there_is_no_terminal(prong: Prong) -> None:
    assert prong("run", "--progress", "true", ":::", "a").error == ""


def test_forced_line(prong: Prong) -> None:
    error = prong("run", "--progress=always", "exit", ":::", "0", "1").error
    assert re.fullmatch(r"prong: 2/2 done, 1 failed, \S+/s, 0:00 in all\n", error)


def test_bar_on_a_terminal(prong: Prong) -> None:
    shown = on_terminal(prong, "run", "--bar", "-j1", "true", ":::", *"abcd").decode()
    assert re.search(r"\r\x1b\[K\[>  +\] 0% 0/4", shown)
    assert re.search(r"\r\x1b\[K\[#+\] 100% 4/4\r\n$", shown)


def test_bar_without_a_total_tells_counts(prong: Prong) -> None:
    ours, theirs = pty.openpty()
    process = prong.start("run", "--bar", "-j1", "true", stdin=subprocess.PIPE, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert process.stdin is not None
    os.write(process.stdin.fileno(), b"a\n")
    shown = b""
    while b"1 done" not in shown:
        shown += os.read(ours, 65536)
    assert b"%" not in shown
    process.stdin.close()
    while b"100% 1/1" not in shown:
        shown += os.read(ours, 65536)
    assert process.wait(timeout=50) == 0
    os.close(ours)


def test_failures_of_the_bar_are_red_where_that_is_wished(prong: Prong) -> None:
    prong.environment |= {"TERM": "xterm", "NO_COLOR": ""}
    assert "\x1b[31m1 failed\x1b[0m" in on_terminal(prong, "run", "--bar", "exit", ":::", "0", "1", status=1).decode()
    prong.environment["NO_COLOR"] = "1"
    shown = on_terminal(prong, "run", "--bar", "exit", ":::", "0", "1", status=1).decode()
    assert "1 failed" in shown
    assert "\x1b[3" not in shown


def test_no_bar_where_there_is_no_terminal_unless_forced(prong: Prong) -> None:
    assert prong("run", "--bar", "true", ":::", "a").error == ""
    assert re.fullmatch(r"\[#+\] 100% 2/2, 1 failed\n", prong("run", "--bar=always", "exit", ":::", "0", "1").error)


def test_other_ways_are_refused(prong: Prong) -> None:
    result = prong("run", "--progress=sometimes", "true", ":::", "a")
    assert result.status == 255
    assert "--progress" in result.error


def test_total_of_a_file_is_known(prong: Prong) -> None:
    (prong.folder / "inputs").write_text("a\nb\nc")
    shown = on_terminal(prong, "run", "--progress", "-a", "inputs", "-j1", "true").decode()
    assert "0/3 done" in shown


def test_total_of_groups_is_known(prong: Prong) -> None:
    shown = on_terminal(prong, "run", "--progress", "-n", "2", "-j1", "true", ":::", *"abcde").decode()
    assert "0/3 done" in shown
    long = "x" * 70_000  # too long for two of them to be together
    shown = on_terminal(prong, "run", "--progress", "-n", "2", "-j1", "true", ":::", long, long, long).decode()
    assert "3/3 done" in shown
    assert "3/2 done" not in shown


def test_nothing_but_results_on_standard_output(prong: Prong) -> None:
    process = prong.start("run", "--progress=always", "echo", ":::", "a", stderr=subprocess.DEVNULL)
    assert process.communicate()[0] == b"a\n"
