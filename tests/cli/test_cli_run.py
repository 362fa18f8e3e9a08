"""prong run: jobs, their output, their order and the exit status."""

from __future__ import annotations

import os
import subprocess

import pytest
from cli_program import PROGRAM, Prong

from eventually import eventually


def test_runs_a_command_for_each_input(prong: Prong) -> None:
    result = prong("run", "-k", "echo", "<{}>", ":::", "a", "b c", "")
    assert (result.status, result.output, result.error) == (0, "<a>\n<b c>\n<>\n", "")


def test_reads_inputs_from_standard_input(prong: Prong) -> None:
    assert prong("run", "-k", "echo", "x{}", stdin="a\n\nb").output == "xa\nx\nxb\n"


def test_reads_inputs_from_a_file(prong: Prong) -> None:
    (prong.folder / "inputs").write_text("a\nb\n")
    assert prong("run", "-k", "-a", "inputs", "echo").output == "a\nb\n"


def test_reads_inputs_that_end_with_nul(prong: Prong) -> None:
    assert prong("run", "-k", "-0", "printf", "<%s>\\n", "{}", stdin="a\nb\0c").output == "<a\nb>\n<c>\n"


def test_input_is_one_argument_and_never_code(prong: Prong) -> None:
    evil = "$(touch evil); `touch evil` ' \" && touch evil\n*"
    assert prong("run", "printf", "%s|", "{}", ":::", evil).output == evil + "|"
    assert prong("run", "printf '%s|' {}; echo", ":::", evil).output == evil + "|\n"
    assert prong("run", "echo \"<{}>\" '<{}>'", ":::", evil).output == f"<{evil}> <{evil}>\n"
    assert not (prong.folder / "evil").exists()


def test_words_are_not_parsed_by_a_shell(prong: Prong) -> None:
    assert prong("run", "echo", "a  b", "$HOME", ";", "|", "cat", ":::", "x").output == "a  b $HOME ; | cat x\n"


def test_shell_line_is_parsed_by_a_shell(prong: Prong) -> None:
    assert prong("run", "-k", "echo {} | tr a-z A-Z", ":::", "x y", "z").output == "X Y\nZ\n"
    assert prong("run", "--shell", "echo", "{}", "|", "tr", "a-z", "A-Z", ":::", "x y").output == "X Y\n"


def test_inputs_are_commands_without_a_command(prong: Prong) -> None:
    result = prong("run", "-k", stdin="echo a  b\necho $((1+1)) | cat\nexit 3\n")
    assert (result.status, result.output) == (1, "a b\n2\n")


def test_options_of_the_command_are_its_own(prong: Prong) -> None:
    assert prong("run", "echo", "-n", "-k", "--tag", "{}", ":::", "a").output == "-k --tag a"
    assert prong("run", "--", "echo", "-e", "a", ":::", "-b").output == "a -b\n"


def test_exit_status_counts_the_failures(prong: Prong) -> None:
    inputs = [str(number) for number in range(3)]
    assert prong("run", "exit", ":::", *inputs).status == 2
    assert prong("run", "false", ":::", *map(str, range(100))).status == 100
    assert prong("run", "false", ":::", *map(str, range(105))).status == 101


@pytest.mark.parametrize("code", [1, 2, 126, 127, 128, 255])
def test_plain_exit_status_is_not_told(prong: Prong, code: int) -> None:
    result = prong("run", "exit", ":::", str(code))
    assert (result.status, result.error) == (1, "")


def test_death_by_signal_is_told(prong: Prong) -> None:
    result = prong("run", "kill -SEGV $$;", ":::", "x")
    assert result.status == 1
    assert result.error == "prong: job 1 'kill -SEGV $$; x': killed by signal 11 (SIGSEGV)\n"


def test_limit_is_enforced_and_told(prong: Prong) -> None:
    result = prong("run", "--timeout", "50ms", "sh", "-c", "echo begun; sleep 1000 & wait", ":::", "x")
    assert result.status == 1
    assert result.output == "begun\n"
    assert result.error.endswith(": exceeded its wall-time limit of 50 ms\n")


def test_missing_program_is_told_and_the_rest_is_done(prong: Prong) -> None:
    result = prong("run", "-k", "-j1", stdin="echo a\n/nonexistent/program x\necho b\n")
    assert (result.status, result.output) == (1, "a\nb\n")
    assert result.error.startswith("prong: job 2 '/nonexistent/program x': cannot run '/nonexistent/program'")
    assert result.error.count("\n") == 1


def test_failed_job_is_retried(prong: Prong) -> None:
    script = "echo x >> tries; test $(wc -l < tries) = 3 && echo {}"
    result = prong("run", "--retries", "2", script, ":::", "a")
    assert (result.status, result.output) == (0, "a\n")
    result = prong("run", "--retries", "2", "echo", "{}", ":::", "a")
    assert result.output == "a\n"


FIRST_WAITS = "while [ {} = 1 ] && [ ! -e go ]; do sleep 0.01; done; echo {}; [ {} = 1 ] || touch ended"


def test_results_come_as_jobs_end(prong: Prong) -> None:
    process = prong.start("run", "-j2", FIRST_WAITS, ":::", "1", "2")
    assert process.stdout is not None
    assert process.stdout.readline() == b"2\n"
    (prong.folder / "go").touch()
    assert process.communicate()[0] == b"1\n"


def test_order_is_kept_although_jobs_end_in_another(prong: Prong) -> None:
    process = prong.start("run", "-k", "-j2", FIRST_WAITS, ":::", "1", "2")
    assert eventually(lambda: (prong.folder / "ended").exists())
    (prong.folder / "go").touch()
    assert process.communicate()[0] == b"1\n2\n"


def test_outputs_are_never_mixed(prong: Prong) -> None:
    lines = "for i in 1 2 3 4 5 6 7 8 9; do echo {}; echo e{} >&2; done"
    inputs = [str(number) for number in range(50)]
    result = prong("run", "-j4", lines, ":::", *inputs)
    for text, prefix in ((result.output, ""), (result.error, "e")):
        groups = [text.split("\n")[i : i + 9] for i in range(0, 450, 9)]
        assert sorted(groups) == sorted([[prefix + number] * 9 for number in inputs])


def test_tag_begins_each_line(prong: Prong) -> None:
    result = prong("run", "-k", "--tag", "printf '1\\n2\\n'; echo e >&2; : {}", ":::", "a b", "c")
    assert result.output == "a b\t1\na b\t2\nc\t1\nc\t2\n"
    assert result.error == "a b\te\nc\te\n"


def test_bytes_go_through_unchanged(prong: Prong) -> None:
    data = bytes(range(256)) * 1000
    (prong.folder / "data").write_bytes(data)
    process = prong.start("run", "cat", ":::", "data")
    assert process.communicate()[0] == data


def test_inputs_need_not_be_text(prong: Prong) -> None:
    process = prong.start("run", "echo", stdin=subprocess.PIPE)
    assert process.communicate(b"\xff\xfe\n")[0] == b"\xff\xfe\n"


def test_large_output_goes_through(prong: Prong) -> None:
    process = prong.start("run", "head -c 100000000 /dev/zero; echo; : {}", ":::", "x")
    assert process.stdout is not None
    size = 0
    while chunk := process.stdout.read(1 << 20):
        size += len(chunk)
    assert size == 100_000_001
    process.communicate()
    assert process.returncode == 0


def test_no_inputs_is_nothing_to_do(prong: Prong) -> None:
    for arguments in (["run", "echo", ":::"], ["run", "echo"]):
        result = prong(*arguments)
        assert (result.status, result.output, result.error) == (0, "", "")


def test_closed_standard_input_is_no_input(prong: Prong) -> None:
    script = f'"{PROGRAM}" run echo <&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_dry_run_shows_commands_and_runs_nothing(prong: Prong) -> None:
    result = prong("run", "--dry-run", "touch", "{}", "{#}", ":::", "a b", "c")
    assert (result.status, result.output) == (0, "touch 'a b' 1\ntouch c 2\n")
    result = prong("run", "--dry-run", 'cat "{}" > {.}.out', stdin="a b.txt\n")
    assert result.output == "cat \"\"'a b.txt'\"\" > 'a b'.out\n"
    assert not any(prong.folder.iterdir())


def test_dry_run_can_be_pasted_into_a_shell(prong: Prong) -> None:
    line = prong("run", "--dry-run", "printf", "%s|", "{}", ":::", 'it\'s $HOME "x"').output
    assert subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout == 'it\'s $HOME "x"|'


def test_many_jobs(prong: Prong) -> None:
    result = prong("run", "-k", "-j4", "echo", stdin="".join(f"{number}\n" for number in range(1000)))
    assert (result.status, result.error) == (0, "")
    assert result.output == "".join(f"{number}\n" for number in range(1000))


def test_inputs_are_read_lazily(prong: Prong) -> None:
    (prong.folder / "run").write_text("")
    process = prong.start("run", "-j1", "while [ -e run ]; do sleep 0.01; done; echo", stdin=subprocess.PIPE)
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)
    written = 0
    for _ in range(1000):
        try:
            written += os.write(process.stdin.fileno(), b"x" * 4095 + b"\n")
        except BlockingIOError:
            (prong.folder / "poke").touch()
    assert written < 2_000_000


def test_jobs_start_while_standard_input_stays_open(prong: Prong) -> None:
    process = prong.start("run", "echo", stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    for line in (b"a\n", b"b\n"):
        os.write(process.stdin.fileno(), line)
        assert process.stdout.readline() == line
    process.stdin.close()
    assert process.wait() == 0


def test_number_of_jobs_at_a_time_is_kept(prong: Prong) -> None:
    script = (
        "mkdir slot1 2>/dev/null && s=slot1 || { mkdir slot2 && s=slot2; } || echo too many; sleep 0.01; rmdir $s; : {}"
    )
    result = prong("run", "-j2", script, ":::", *map(str, range(40)))
    assert (result.status, result.output) == (0, "")


def test_signals_are_at_their_defaults_in_jobs(prong: Prong) -> None:
    result = prong("run", "grep", "-E", "Sig(Ign|Blk)", ":::", "/proc/self/status")
    assert result.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
