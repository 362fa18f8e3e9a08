"""The journal: what was done is known again, by content, whatever happened to the program in between."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli_program import Prong

from eventually import eventually

COUNTED = "echo x >> runs-{}; echo {}"
# Takes so many MiB for a moment, works, and tells its own CPU time.
WORK = """
import time
def work(size):
    before = time.process_time()
    bytearray(int(size) << 20)
    sum(range(3_000_000))
    return time.process_time() - before
"""


def runs_of(prong: Prong, names: Iterable[str]) -> dict[str, int]:
    files = {name: prong.folder / f"runs-{name}" for name in names}
    return {name: len(file.read_text().split()) if file.exists() else 0 for name, file in files.items()}


def test_what_is_done_is_skipped_by_content(prong: Prong) -> None:
    assert prong("run", "--journal", "j", COUNTED, ":::", "a", "b").status == 0
    resumed = prong("run", "--journal", "j", "--resume", COUNTED, ":::", "c", "b", "a")
    assert (resumed.status, resumed.output) == (0, "c\n")
    assert resumed.error == "prong: resumed: 2 jobs done before\n"
    assert runs_of(prong, "abc") == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["echo", "{}"], ["echo", "-n", "{}"]),
        (["--env", "X=1", "echo"], ["--env", "X=2", "echo"]),
        (["--cwd", "/", "echo"], ["--cwd", "/tmp", "echo"]),
        (["echo {} # 1"], ["echo {} # 2"]),
    ],
    ids=["arguments", "variables", "folder", "shell line"],
)
def test_another_command_is_another_job(prong: Prong, first: list[str], second: list[str]) -> None:
    prong("run", "--journal", "j", *first, ":::", "a")
    assert prong("run", "--journal", "j", "--resume", *first, ":::", "a").output == ""
    assert prong("run", "--journal", "j", "--resume", *second, ":::", "a").output != ""


def test_each_input_counts_as_often_as_it_is_given(prong: Prong) -> None:
    prong("run", "--journal", "j", "echo", ":::", "a", "a")
    assert prong("run", "--journal", "j", "--resume", "echo", ":::", "a", "a", "a").output == "a\n"


def test_without_resume_all_is_run_again(prong: Prong) -> None:
    for _ in range(2):
        assert prong("run", "--journal", "j", "echo", ":::", "a").output == "a\n"
    assert len(prong("log", "--runs", "j").output.splitlines()) == 2
    assert prong("run", "--journal", "j", "--resume", "echo", ":::", "a").output == ""


def test_what_failed_is_run_again_only_when_asked(prong: Prong) -> None:
    command = "echo x >> runs-{}; test -e repaired || test {} != b"
    assert prong("run", "--journal", "j", command, ":::", "a", "b").status == 1
    resumed = prong("run", "--journal", "j", "--resume", command, ":::", "a", "b")
    assert (resumed.status, resumed.error) == (
        1,
        "prong: resumed: 1 job done before, 1 failed before (--retry-failed runs them)\n",
    )
    (prong.folder / "repaired").touch()
    retried = prong("run", "--journal", "j", "--retry-failed", command, ":::", "a", "b", "c")
    assert (retried.status, retried.error) == (
        0,
        "prong: resumed: 1 job done before, 1 not run yet (--resume runs them)\n",
    )
    assert runs_of(prong, "abc") == {"a": 1, "b": 2, "c": 0}
    assert prong("run", "--journal", "j", "--resume", "--retry-failed", command, ":::", "a", "b", "c").status == 0
    assert runs_of(prong, "abc") == {"a": 1, "b": 2, "c": 1}


def test_a_dry_run_shows_what_would_be_run_and_leaves_the_journal_as_it_is(prong: Prong) -> None:
    def shown(*options: str) -> str:
        command = ["echo {}; test {} != b", ":::", "a", "b", "a", "c"]
        result = prong("run", "--dry-run", "--journal", "j", *options, *command)
        assert (result.status, result.error) == (0, "")
        return "".join(line[5] for line in result.output.splitlines())

    assert shown("--resume") == "abac"
    assert not (prong.folder / "j").exists()
    prong("run", "--journal", "j", "echo {}; test {} != b", ":::", "a", "b")
    before = (prong.folder / "j").read_bytes()
    assert shown("--resume") == "ac"
    assert shown("--retry-failed") == "b"
    assert shown("--resume", "--retry-failed") == "bac"
    assert shown() == "abac"
    assert (prong.folder / "j").read_bytes() == before


def test_a_file_that_has_changed_makes_another_job(prong: Prong) -> None:
    (prong.folder / "a").write_text("1")
    command = ["run", "--journal", "j", "--resume", "--key-files", "{}", "cat", ":::", "a"]
    assert [prong(*command).output, prong(*command).output] == ["1", ""]
    (prong.folder / "a").write_text("2")
    assert [prong(*command).output, prong(*command).output] == ["2", ""]


def test_names_are_files_in_the_state_folder(prong: Prong) -> None:
    prong.environment["XDG_STATE_HOME"] = str(prong.folder / "state")
    assert prong("run", "--name", "nightly", "echo", ":::", "a").output == "a\n"
    assert (prong.folder / "state/prong/nightly.journal").is_file()
    assert prong("run", "--name", "nightly", "--resume", "echo", ":::", "a").output == ""
    assert "echo a" in prong("log", "nightly").output


def test_a_second_run_on_the_same_journal_is_refused(prong: Prong) -> None:
    process = prong.start("run", "--journal", "j", "echo {}; sleep 1000", ":::", "a")
    assert eventually((prong.folder / "j").exists)
    assert eventually(lambda: "running" in prong("log", "j").output)
    second = prong("run", "--journal", "j", "echo", ":::", "b")
    assert (second.status, second.output) == (255, "")
    assert second.error == ("prong: journal 'j': another prong works with it; wait for its end, or take another file\n")
    process.send_signal(signal.SIGTERM)
    process.wait(50)


SLOW = "echo x >> runs-{}; test -e go || sleep 1000"


def test_what_ctrl_c_ended_is_run_again(prong: Prong) -> None:
    process = prong.start("run", "-j1", "--journal", "j", SLOW, ":::", "a", "b")
    assert eventually((prong.folder / "runs-a").exists)
    assert eventually(lambda: process.poll() is not None or process.send_signal(signal.SIGINT))
    assert process.returncode == 130
    (prong.folder / "go").touch()
    assert prong("run", "-j1", "--journal", "j", "--resume", SLOW, ":::", "a", "b").status == 0
    assert runs_of(prong, "ab") == {"a": 2, "b": 1}


def killed_while_it_runs(prong: Prong) -> None:
    process = prong.start("run", "--journal", "j", SLOW, ":::", "a")
    assert eventually((prong.folder / "runs-a").exists)
    process.kill()
    process.wait()
    assert eventually(lambda: not prong.survivors())
    (prong.folder / "go").touch()


def test_an_unknown_end_is_run_again_or_left(prong: Prong) -> None:
    killed_while_it_runs(prong)
    command = ["run", "--journal", "j", "--resume", SLOW, ":::", "a"]
    left = prong(command[0], "--leave-unknown", *command[1:])
    assert (left.status, left.error) == (1, "prong: resumed: 0 jobs done before, 1 of unknown end left as failed\n")
    assert runs_of(prong, "a") == {"a": 1}
    assert prong(command[0], "--retry-failed", *command[1:]).status == 0
    assert runs_of(prong, "a") == {"a": 2}
    assert "attempt 1: unknown: its program ended first" in prong("log", "j", "--job", "1").output


def test_what_is_not_known_yet_is_an_empty_field(prong: Prong) -> None:
    killed_while_it_runs(prong)
    (row,) = csv.DictReader(prong("log", "j", "--csv").output.splitlines())
    unknown = ("outcome", "code", "started", "seconds", "worker", "cpu_seconds", "peak_memory", "output_bytes")
    assert [row[name] for name in ("state", "attempts", *unknown)] == ["dispatched", "0", *[""] * len(unknown)]


def test_failures_of_no_run_are_none_and_that_is_told(prong: Prong) -> None:
    result = prong("run", "--journal", "j", "--retry-failed", "echo", ":::", "a", "b")
    assert (result.status, result.output) == (0, "")
    assert result.error == (
        "prong: the journal has no run before this one, so none has failed: 2 jobs not run (--resume runs them)\n"
    )


def test_functions_are_known_again_and_their_results_kept(prong: Prong) -> None:
    (prong.folder / "work.py").write_text("def double(x):\n    return 2 * int(x)\n")
    assert prong("map", "--journal", "j", "-k", "work.py:double", ":::", "1", "2").output == "2\n4\n"
    resumed = prong("map", "--journal", "j", "--resume", "-k", "work.py:double", ":::", "1", "2", "x")
    assert (resumed.status, resumed.output) == (1, "")
    assert prong("log", "j", "--output").output == "24"
    assert "prong map --journal j --resume" not in prong("log", "j", "--runs").output
    assert "prong map --journal j -k work.py:double ::: 1 2" in prong("log", "j", "--runs").output
    assert prong("log", "j", "--failed").output.splitlines()[1].endswith("raised     work.py:double x")


def test_usage_of_commands_is_kept(prong: Prong) -> None:
    dd = "dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null"
    loop = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"
    prong("run", "--journal", "j", stdin=f"{dd}\n{loop}\nnosuch\n")
    large, busy, unknown = (json.loads(line) for line in prong("log", "j", "--json").output.splitlines())
    assert large["peak_memory"] >= 64 << 20 > busy["peak_memory"] > 0
    assert busy["cpu_seconds"] > 0
    assert (unknown["cpu_seconds"], unknown["peak_memory"]) == (None, None)
    with sqlite3.connect(prong.folder / "j") as journal:
        rows = journal.execute("SELECT cpu, peak_memory FROM attempt ORDER BY job").fetchall()
    assert rows[0][1] == large["peak_memory"]
    assert rows[1][0] == round(busy["cpu_seconds"] * 1e9)
    assert rows[2] == (None, None)
    shown = list(csv.DictReader(prong("log", "j", "--csv").output.splitlines()))
    assert [row["peak_memory"] for row in shown] == [str(large["peak_memory"]), str(busy["peak_memory"]), ""]
    assert [row["cpu_seconds"] == "" for row in shown] == [False, False, True]
    one = prong("log", "j", "--job", "1").output
    assert re.search(r", CPU \d+\.\d{3} s, peak memory [67]\d\.\d MiB$", one, re.MULTILINE)
    assert "CPU" not in prong("log", "j", "--job", "3").output
    summary = prong("log", "j", "--summary").output
    assert re.search(r"^CPU      \d+\.\d{3} s, and that of 1 of 3 jobs, which is not known$", summary, re.MULTILINE)
    assert re.search(r"^memory   [67]\d\.\d MiB, the most of one job \(job 1\)$", summary, re.MULTILINE)


def test_usage_of_functions_is_kept(prong: Prong) -> None:
    (prong.folder / "work.py").write_text(WORK)
    told = prong("map", "-j1", "--journal", "j", "-k", "work.py:work", ":::", "1", "64", "2").output.split()
    rows = [json.loads(line) for line in prong("log", "j", "--json").output.splitlines()]
    for row, cpu_seconds in zip(rows, told, strict=True):
        assert row["cpu_seconds"] >= float(cpu_seconds) - 0.001 > 0
    first, large, last = (row["peak_memory"] for row in rows)
    assert large - first > 32 << 20
    assert large - last > 32 << 20


class Killer:
    """Runs the same jobs again and again with --resume, and kills the program while it does."""

    def __init__(self, prong: Prong, journal: str, chance: random.Random) -> None:
        self.prong = prong
        self.journal = journal
        self.chance = chance
        self.names = [f"{journal}-{number}" for number in range(400)]
        self.reported: dict[str, int] = {}  # and how often it had been run then

    def run(self) -> bool:
        """Kill it after some lines of output and a little more time. False: it had come to its end."""
        self.chance.shuffle(self.names)
        inputs = ("\n".join(self.names) + "\n").encode()
        command = ["run", "-j2", "--journal", self.journal, "--resume", COUNTED]
        process = self.prong.start(*command, stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(inputs)
        process.stdin.close()
        process.stdin = None
        lines = [process.stdout.readline() for _ in range(self.chance.randrange(12))]
        eventually(lambda: self.chance.random() < 0.2)
        process.kill()
        lines += process.communicate(timeout=50)[0].splitlines(keepends=True)
        assert eventually(lambda: not self.prong.survivors())
        self.check([line.decode().strip() for line in lines if line.endswith(b"\n")])
        return process.returncode == -signal.SIGKILL

    def check(self, told: list[str]) -> None:
        """What was reported before has not been run since, nor reported again."""
        runs = runs_of(self.prong, self.names)
        assert {name: runs[name] for name in self.reported} == self.reported
        assert not self.reported.keys() & set(told)
        self.reported |= {name: runs[name] for name in told}

    def check_end(self) -> None:
        """Every job is done."""
        last = self.prong("run", "--journal", self.journal, "--resume", COUNTED, ":::", *self.names)
        assert last.status == 0
        self.check(last.output.split())
        assert min(runs_of(self.prong, self.names).values()) >= 1
        with sqlite3.connect(self.prong.folder / self.journal) as journal:
            states = journal.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall()
        assert states == [("done", len(self.names))]


def test_killed_at_any_moment_each_job_is_done_and_none_again(prong: Prong) -> None:
    chance = random.Random(5)
    kills = 0
    while kills < 200:
        killer = Killer(prong, f"j{kills}", chance)
        while kills < 200 and killer.run():
            kills += 1
        killer.check_end()


def test_durable_results_are_on_the_disk_before_they_are_shown(prong: Prong) -> None:
    trace = prong.folder / "trace"
    calls = "trace=fdatasync,fsync,write"
    program = ["strace", "-o", str(trace), "-e", calls, str(prong.program), "run", "--journal", "j", "--durable"]
    subprocess.run([*program, "echo", "told", ":::", "a"], cwd=prong.folder, env=prong.environment, check=True)
    lines = trace.read_text().splitlines()
    told = next(i for i, line in enumerate(lines) if line.startswith('write(1, "told'))
    last_commit = max(i for i, line in enumerate(lines[:told]) if "sync(" in line)
    begun = [i for i, line in enumerate(lines[:last_commit]) if "sync(" in line]
    assert len(begun) >= 2  # the one before the job, and the one before its result


def damaged(path: Path, kind: str) -> None:
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "text": b"no journal at all\n" * 400}[kind])


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [("empty", "the file is empty"), ("cut", "damaged"), ("text", "the file is no journal")],
)
def test_a_damaged_journal_is_never_begun_anew(prong: Prong, kind: str, complaint: str) -> None:
    prong("run", "--journal", "j", "true", ":::", *map(str, range(500)))
    damaged(prong.folder / "j", kind)
    before = (prong.folder / "j").read_bytes()
    for command in (["run", "--journal", "j", "echo", ":::", "a"], ["log", "j"]):
        result = prong(*command)
        if command[0] == "run" or kind != "cut":
            assert (result.status, result.output) == (255, "")
            assert complaint in result.error or "its end is missing" in result.error
    assert (prong.folder / "j").read_bytes() == before


JOURNALS = sorted(Path(__file__).with_name("journals").glob("*.journal"))


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.stem)
def test_journals_of_every_version_are_continued(prong: Prong, journal: Path) -> None:
    shutil.copy(journal, prong.folder / "j")
    shown = prong("log", "j", "--json").output.splitlines()
    assert [json.loads(line)["state"] for line in shown] == ["done", "failed"]
    assert prong("log", "j", "--output").output == "a\nb\n"
    again = prong("run", "--journal", "j", "--resume", "--retry-failed", "echo {}; test {} != b", ":::", "a", "b", "c")
    assert (again.status, sorted(again.output.split())) == (1, ["b", "c"])


def test_there_is_a_journal_of_the_version_that_is_written(prong: Prong) -> None:
    prong("run", "--journal", "j", "true", ":::", "a")
    with sqlite3.connect(prong.folder / "j") as journal:
        version = journal.execute("PRAGMA user_version").fetchone()[0]
    assert f"version-{version}" in [path.stem for path in JOURNALS]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--resume"], "need a journal"),
        (["--journal", "j", "--name", "n"], "both name a journal"),
        (["--name", "a/b"], "'a/b' is no name"),
        (["--journal", "no/folder/j"], "create 'no/folder/j'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused(prong: Prong, arguments: list[str], complaint: str) -> None:
    result = prong("run", *arguments, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert complaint in result.error


def test_what_is_passed_over_holds_up_no_output(prong: Prong) -> None:
    prong("run", "--journal", "j", "echo", ":::", "a", "c")
    resumed = prong("run", "-k", "--journal", "j", "--resume", "echo", ":::", *"abcd")
    assert resumed.output == "b\nd\n"
    prong("run", "--journal", "k", "echo", ":::", "a")
    prong("run", "-k", "--journal", "k", "--resume", "--results", "out.csv", "echo", ":::", *"abc")
    rows = (prong.folder / "out.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows if row[0].isdigit()] == ["2", "3"]
