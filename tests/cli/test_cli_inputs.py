"""Sources of inputs and their combinations, beside those of GNU parallel."""

from __future__ import annotations

import signal
import subprocess

import pytest
from cli_program import Prong

FILES = {
    "sizes.csv": "name,size\na.x,1\nb.y,2\n",
    "letters": "p\nq\nr\n",
    "tabs": "a b\tc\nd\te f\n",
    "holes": ",d,\na,\n",
}

SAME = [
    ["echo", ":::", "a", "b", ":::", "1", "2"],
    ["echo", "{2} {1}", ":::", "a", "b", ":::", "1", "2"],
    ["echo", "{1}-{3}", ":::", "a", "b", ":::", "1", "2"],
    ["echo", "{-1} {-2}", ":::", "a", "b", ":::", "1", "2"],
    ["echo", "{1/.}@{2//}", ":::", "d/a.b", ":::", "e/f.g"],
    ["echo", ":::", "a", "b", ":::+", "1", "2", "3"],
    ["echo", ":::", "a", "b", ":::+", "1", "2", ":::", "x", "y"],
    ["--link", "echo", ":::", "a", "b", "c", ":::", "1", "2"],
    ["echo", "::::", "letters", ":::", "1", "2"],
    ["echo", "::::", "letters", "sizes.csv"],
    ["echo", "::::", "letters", "::::+", "sizes.csv"],
    ["-a", "letters", "-a", "sizes.csv", "echo"],
    ["--colsep", ",", "echo", "{2} {1.}", "::::", "sizes.csv"],
    ["-C", ",", "echo", "::::", "sizes.csv"],
    ["-C", "\\t", "echo", "{2}", "::::", "tabs"],
    ["-C", ",", "echo", "{2}", ":::", "a,b", "c"],
    ["-C", ",", "echo", "{-1}-{2}-{3}.", "::::", "holes"],
    ["-C", "[, ]+", "echo", "{2}{1}", ":::", "a, b"],
    ["--header", ":", "-C", ",", "echo", "{size} {name.}", "::::", "sizes.csv"],
    ["--header", ":", "echo", "{x}{y}", ":::", "x", "1", "2", ":::", "y", "a", "b"],
    ["-n", "2", "echo", ":::", "a", "b", "c"],
    ["-N2", "echo", "{2}-{1}", ":::", "a", "b", "c"],
    ["-n", "2", "echo", "x{}y", ":::", "a", "b", "c"],
    ["-X", "-j1", "echo", "pre-{}-post", ":::", "a", "b", "c"],
    ["-I", "%", "echo", "% {}", ":::", "a", "b"],
    ["-d", ",", "-a", "sizes.csv", "echo"],
]


@pytest.fixture
def prong_with_files(prong: Prong) -> Prong:
    for name, content in FILES.items():
        (prong.folder / name).write_text(content)
    return prong


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_inputs_are_those_of_gnu_parallel(prong_with_files: Prong, arguments: list[str]) -> None:
    theirs = subprocess.run(
        ["parallel", "--will-cite", "-k", *arguments],
        cwd=prong_with_files.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert theirs.stdout != ""
    result = prong_with_files("run", "-k", *arguments)
    assert (result.status, result.output, result.error) == (0, theirs.stdout, "")


def test_a_pipe_may_be_any_of_several_sources(prong: Prong) -> None:
    assert prong("run", "-k", "echo", "::::", "-", ":::", "x", "y", stdin="1\n2\n").output == "1 x\n1 y\n2 x\n2 y\n"
    assert prong("run", "-k", "echo", ":::", "x", "y", "::::", "-", stdin="1\n2\n").output == "x 1\nx 2\ny 1\ny 2\n"
    assert prong("run", "-k", "--link", "echo", "::::", "-", ":::", "x", stdin="1\n2\n").output == "1 x\n2 x\n"


def test_many_inputs_fill_command_lines_and_none_is_lost(prong: Prong) -> None:
    numbers = "".join(f"{number}\n" for number in range(20_000))
    result = prong("run", "-k", "-X", "-s", "64K", "echo", stdin=numbers)
    assert result.output.split() == numbers.split()
    assert 1 < result.output.count("\n") < 20


@pytest.mark.parametrize("command", [["echo", "{}"], ["echo {} | cat"], ["echo", "x" * 300 + "{}"], ["echo '{}'; :"]])
def test_as_many_inputs_as_the_command_has_room_for(prong: Prong, command: list[str]) -> None:
    numbers = "".join(f"{number % 10}\n" for number in range(40_000))
    result = prong("run", "-k", "-X", *command, stdin=numbers)
    assert (result.status, result.error) == (0, "")
    assert len(result.output.split()) == 40_000


def test_command_lines_are_as_long_as_those_of_xargs(prong: Prong) -> None:
    numbers = "".join(f"{number}\n" for number in range(1000))
    for size in ("20", "200", "2000"):
        theirs = subprocess.run(
            ["xargs", "-s", size, "echo"], input=numbers, capture_output=True, text=True, check=True
        )
        assert prong("run", "-k", "-X", "-s", size, "echo", stdin=numbers).output == theirs.stdout


def test_endless_input_is_read_as_needed_beside_another_source(prong: Prong) -> None:
    endless = prong.start("run", "-k", "echo", "::::", "-", ":::", "x", stdin=subprocess.PIPE)
    assert endless.stdin is not None
    assert endless.stdout is not None
    endless.stdin.write(b"1\n")
    endless.stdin.flush()
    assert endless.stdout.readline() == b"1 x\n"
    endless.stdin.close()
    assert endless.wait(timeout=50) == 0


def test_values_are_quoted_where_a_shell_reads_them(prong: Prong) -> None:
    command = "echo {1}\"{2}\"'{1}' | cat"
    assert prong("run", command, ":::", "$(id)", ":::", "a'b  c").output == "$(id)a'b  c$(id)\n"
    assert prong("run", "-n2", "echo '<{}>' | cat", ":::", "a  b", "c").output == "<a  b c>\n"
    assert prong("run", "--dry-run", "-n2", "echo {} | cat", ":::", "a b", "c").output == "echo 'a b' c | cat\n"


def test_functions_get_a_value_for_each_parameter(prong: Prong) -> None:
    (prong.folder / "join.py").write_text("def join(*parts):\n    return '+'.join(parts)\n")
    assert prong("map", "-k", "join.py:join", ":::", "a b", "", ":::", "1").output == "a b+1\n+1\n"
    lines = prong("map", "--json", "join.py:join", ":::", "é", ":::", "1").output
    assert lines.startswith('{"input":["é","1"],"outcome":"returned","value":"\\u00e9+1"')


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["echo", ":::+", "a"], "':::+' links its inputs with those before it, and there are none; write ':::' first"),
        (["echo", "::::"], "which file? Names of files with inputs come after '::::'"),
        (["echo", "::::", "-", "-"], "standard input ('-') is named twice as a source of inputs"),
        (["-d", "ab", "echo"], "'ab' is not one byte: write a character"),
        (["-n", "0", "echo"], "'0' is not a number of inputs: write 1 or more (3)"),
        (["--header", "x", "echo"], "'x' is not ':', which says that the first line names the columns"),
        (["--header", ":", "echo", ":::"], "--header: a source of inputs is empty"),
        (["-I", "", "echo", ":::", "a"], "-I: the text that stands for the input is empty"),
        (["-C", "(", "echo", ":::", "a"], "--colsep: '(' is not a regular expression"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused(prong: Prong, arguments: list[str], complaint: str) -> None:
    result = prong("run", *arguments)
    assert (result.status, result.output) == (255, "")
    assert complaint in result.error


def test_the_same_key_runs_once(prong: Prong) -> None:
    result = prong("run", "-k", "--key", "{/}", "echo {#} {}", ":::", "a/x", "b/x", "a/y", "c/x")
    assert (result.status, result.output) == (0, "1 a/x\n2 a/y\n")
    assert result.error == "prong: 2 inputs skipped: the key came before\n"
    result = prong("run", "-k", "-C", ",", "--header", ":", "--key", "{name}", "echo", stdin="n,name\n1,a\n2,b\n3,a\n")
    assert (result.output, result.error) == ("1 a\n2 b\n", "prong: 1 input skipped: the key came before\n")
    assert prong("run", "--dry-run", "--key", "{}", "echo", ":::", "a", "a").output == "echo a\n"


def test_a_source_that_repeats_itself_without_end_can_be_interrupted(prong: Prong) -> None:
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as yes:
        process = prong.start("run", "--key", "{}", "echo", stdin=yes.stdout)
        assert process.stdout is not None
        assert process.stdout.readline() == b"y\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=50) == 130
        yes.kill()


@pytest.mark.parametrize("key", ["", "x", "{#}"])
def test_a_key_that_tells_nothing_apart_is_refused(prong: Prong, key: str) -> None:
    result = prong("run", "--key", key, "echo", ":::", "a")
    assert result.status == 255
    assert "--key: " in result.error
