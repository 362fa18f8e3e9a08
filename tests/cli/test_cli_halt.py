"""When a run stops by itself, how jobs are started and tried again, and what commands find around them."""

from __future__ import annotations

import signal
import subprocess

import pytest
from cli_program import Prong

from eventually import eventually

INPUTS = [str(number) for number in range(1, 201)]


def test_halt_soon_lets_running_jobs_end(prong: Prong) -> None:
    wait = "wait_for() { until [ -e $1 ]; do sleep 0.01; done; }; "
    command = wait + "case {} in 1) touch begun; wait_for go;; *) wait_for begun; echo {}; exit 1;; esac; echo {}"
    process = prong.start("run", "-j2", "--halt", "soon,fail=1", command, ":::", *INPUTS)
    assert process.stderr is not None
    message = process.stderr.readline()
    (prong.folder / "go").touch()
    output, error = process.communicate(timeout=50)
    assert message == b"prong: halt: 1 job failed; no more are started, 1 running is left to end\n"
    assert (process.returncode, output, error) == (1, b"2\n1\n", b"")


def test_halt_now_kills_all_that_runs(prong: Prong) -> None:
    command = "[ {} != 1 ] || { sleep 1000 & touch started; wait; }; until [ -e started ]; do sleep 0.01; done; exit 3"
    result = prong("run", "-j2", "--halt", "now,fail=1", command, ":::", *INPUTS)
    assert (result.status, result.output) == (1, "")
    assert result.error == "prong: halt: 1 job failed; no more are started, 1 running is killed\n"
    assert eventually(lambda: not prong.survivors())


def test_nothing_begins_after_the_failure_that_halts(prong: Prong) -> None:
    for _ in range(10):
        result = prong("run", "-j1", "--halt", "now,fail=1", "echo {} >> begun; false", ":::", *INPUTS)
        assert (result.status, result.error) == (1, "prong: halt: 1 job failed; no more are started\n")
    assert (prong.folder / "begun").read_text() == "1\n" * 10


def test_halt_on_success_finds_the_first(prong: Prong) -> None:
    result = prong("run", "-j1", "--halt", "now,success=1", "test {} = 3 && echo {}", ":::", *INPUTS)
    assert (result.status, result.output) == (2, "3\n")


def test_halt_by_share_needs_three_jobs_and_knows_the_total(prong: Prong) -> None:
    result = prong("run", "-j1", "-k", "--halt", "soon,fail=50%", "echo {}; false", ":::", "1", "2", "3", "4")
    assert (result.status, result.output) == (3, "1\n2\n3\n")
    result = prong("run", "-j1", "--halt", "soon,fail=50%", "false", stdin="".join(f"{one}\n" for one in INPUTS))
    assert result.status == 3


def test_nothing_halts_where_the_rule_is_not_met(prong: Prong) -> None:
    result = prong("run", "-k", "--halt", "now,fail=2", "test {} != 1; echo {}", ":::", "1", "2")
    assert (result.status, result.output, result.error) == (0, "1\n2\n", "")


def test_delay_holds_back_the_next_start(prong: Prong) -> None:
    process = prong.start("run", "-j4", "--delay", "1h", "echo", ":::", *INPUTS)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=50) == (b"", b"")
    assert process.returncode == 130


def test_delay_starts_the_next_one_when_it_has_passed(prong: Prong) -> None:
    assert prong("run", "-k", "--delay", "1ms", "echo", ":::", *INPUTS).output.split() == INPUTS


def test_delay_does_not_hold_back_the_end(prong: Prong) -> None:
    assert prong("run", "--delay", "1h", "echo", ":::", "1").output == "1\n"


def test_retries_only_for_named_causes(prong: Prong) -> None:
    count = "echo x >> tries-{}; exit {}"
    result = prong("run", "--retries", "2", "--retry-on", "exit=75,signal", count, ":::", "75", "1")
    assert result.status == 2
    assert (prong.folder / "tries-75").read_text() == "x\n" * 3
    assert (prong.folder / "tries-1").read_text() == "x\n"


def test_backoff_holds_back_a_retry(prong: Prong) -> None:
    process = prong.start("run", "--retries", "1", "--backoff", "1h", "echo x >> {}; false", ":::", "tries")
    assert eventually((prong.folder / "tries").exists)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=50)
    assert process.returncode == 130
    assert (prong.folder / "tries").read_text() == "x\n"


def test_folder_of_a_command(prong: Prong) -> None:
    for name in ("a", "b"):
        (prong.folder / name).mkdir()
        (prong.folder / name / "file").touch()
    assert prong("run", "-k", "--cwd", "{//}", "ls", "{/}", ":::", "a/file", "b/file").output == "file\nfile\n"
    result = prong("run", "--cwd", "nowhere", "ls", ":::", "x")
    assert result.status == 1
    assert "nowhere" in result.error


def test_variables_of_a_command(prong: Prong) -> None:
    prong.environment["KEPT"] = "1"
    prong.environment["CHANGED"] = "1"
    output = prong("run", "--env", "CHANGED=a b", "--env", "NEW==", "echo $KEPT,$CHANGED,$NEW,{}", ":::", "x").output
    assert output == "1,a b,=,x\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--halt", "now"), "'now' does not say when to halt: write now or soon, then fail, success or done"),
        (("--retry-on", "bad"), "'bad' is no cause of a retry: write exit, exit=75,"),
        (("--env", "NAME"), "--env: 'NAME' sets no variable; write NAME=value"),
        (("--delay", "0"), "'0' is not a duration"),
    ],
)
def test_wrong_values_are_refused(prong: Prong, arguments: tuple[str, str], complaint: str) -> None:
    result = prong("run", *arguments, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert complaint in result.error


def test_a_halted_run_reads_no_more_of_a_pipe(prong: Prong) -> None:
    process = prong.start("run", "-j1", "--halt", "soon,done=1", "echo", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"1\n")
    process.stdin.flush()
    assert process.wait(timeout=50) == 0
