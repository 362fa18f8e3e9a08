"""--line-buffer: whole lines as they come, of all jobs that run; beside that of GNU parallel where order is fixed."""

from __future__ import annotations

import signal
import subprocess

import pytest
from cli_program import Prong

from eventually import eventually

WAIT = "until [ -e {} ]; do sleep 0.01; done"


def test_lines_come_while_the_job_runs(prong: Prong) -> None:
    process = prong.start("run", "--line-buffer", f"echo one; {WAIT}; echo two", ":::", "go")
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"
    (prong.folder / "go").touch()
    assert process.communicate(timeout=50) == (b"two\n", b"")
    assert process.returncode == 0


def test_lines_of_jobs_alternate_and_errors_go_to_standard_error(prong: Prong) -> None:
    turns = (
        "for n in 1 2 3; do until [ -e turn-$n{} ]; do sleep 0.01; done; echo $n{}; echo e >&2;"
        " [ {} = a ] && touch turn-${n}b || touch turn-$((n + 1))a; done"
    )
    (prong.folder / "turn-1a").touch()
    result = prong("run", "-j2", "--line-buffer", "--tag", turns, ":::", "a", "b")
    # What comes through the pipes of two jobs at nearly the same time may be read in the order of the jobs.
    assert sorted(result.output.splitlines()) == ["a\t1a", "a\t2a", "a\t3a", "b\t1b", "b\t2b", "b\t3b"]
    assert [line for line in result.output.splitlines() if line[0] == "a"] == ["a\t1a", "a\t2a", "a\t3a"]
    assert sorted(result.error.splitlines()) == ["a\te"] * 3 + ["b\te"] * 3


def test_no_line_is_cut_or_mixed(prong: Prong) -> None:
    script = "for n in $(seq 300); do printf %s {}-; printf '%0500d\\n' $n; done"
    output = prong("run", "-j4", "--line-buffer", script, ":::", *"abcdefgh").output
    lines = output.splitlines()
    assert len(lines) == 8 * 300
    for name in "abcdefgh":
        assert [line for line in lines if line[0] == name] == [f"{name}-{number:0500}" for number in range(1, 301)]


SAME = [
    ["-j1", "--line-buffer", "printf 'a\\nb'; echo; printf {}", ":::", "x", "y"],
    ["-j1", "--line-buffer", "--tag", "printf 'a\\nb'; printf {}", ":::", "x", "y"],
    ["-k", "--line-buffer", "--tag", "echo {}; echo 2{}", ":::", "x", "y", "z"],
    ["-j1", "--line-buffer", "true", ":::", "x"],
]


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_output_is_that_of_gnu_parallel(prong: Prong, arguments: list[str]) -> None:
    theirs = subprocess.run(
        ["parallel", "--will-cite", *arguments], cwd=prong.folder, capture_output=True, text=True, check=True
    )
    assert prong("run", *arguments).output == theirs.stdout


def test_order_is_kept_live(prong: Prong) -> None:
    script = "echo {}1; [ {} != a ] || until [ -e go ]; do sleep 0.01; done; echo {}2; touch done-{}"
    process = prong.start("run", "-j2", "-k", "--line-buffer", script, ":::", "a", "b")
    assert process.stdout is not None
    assert process.stdout.readline() == b"a1\n"
    assert eventually((prong.folder / "done-b").exists)
    (prong.folder / "go").touch()
    assert process.communicate(timeout=50)[0] == b"a2\nb1\nb2\n"


def test_a_command_that_cannot_be_run_is_told(prong: Prong) -> None:
    result = prong("run", "--line-buffer", "nosuch", ":::", "x")
    assert (result.status, result.output) == (1, "")
    assert "cannot run 'nosuch' (not found in PATH)" in result.error


def test_all_attempts_are_seen(prong: Prong) -> None:
    result = prong("run", "--line-buffer", "--retries", "1", "echo {} $PRONG_ATTEMPT; exit 1", ":::", "x")
    assert (result.status, result.output) == (1, "x 1\nx 2\n")


def test_killed_jobs_have_shown_what_they_wrote(prong: Prong) -> None:
    result = prong("run", "--line-buffer", "--timeout", "0.3", "printf begun; sleep 1000;:", ":::", "x")
    assert (result.status, result.output) == (1, "begun")


def test_what_a_job_leaves_behind_does_not_hold_up_the_end(prong: Prong) -> None:
    result = prong("run", "-j1", "--line-buffer", "yes >&2 & echo {}", ":::", "x", "y")
    assert (result.status, result.output) == (0, "x\ny\n")
    assert eventually(lambda: not prong.survivors())


def test_joblog_tells_the_size(prong: Prong) -> None:
    prong("run", "--line-buffer", "--joblog", "log", "echo", ":::", "1234")
    assert (prong.folder / "log").read_text().splitlines()[1].split("\t")[5] == "5"


def test_interrupts_are_heeded(prong: Prong) -> None:
    process = prong.start("run", "-j1", "--line-buffer", "echo {}; sleep 1000;:", ":::", "x", "y")
    assert process.stdout is not None
    assert process.stdout.readline() == b"x\n"
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=50)
    assert (process.returncode, output) == (143, b"")
    assert error == b"prong: ended early: 0 done, 1 killed, 1 not run\n"


def test_closed_output_stops(prong: Prong) -> None:
    process = prong.start("run", "-j2", "--line-buffer", "yes", ":::", "x", "y")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=50) == 141
    assert eventually(lambda: not prong.survivors())


@pytest.mark.parametrize("other", [("--results", "out"), ("--output-limit", "1M"), ("--json",)])
def test_what_contradicts_it_is_refused(prong: Prong, other: tuple[str, ...]) -> None:
    result = prong("run", "--line-buffer", *other, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert "--line-buffer shows output as it comes" in result.error
