"""prong map --only: one job in the foreground, as a plain script."""

from __future__ import annotations

import json
import os
import pty
import signal
from pathlib import Path

import pytest
from cli_program import Prong

from eventually import eventually

MODULE = """
import os, signal, sys, time

def show(*args, **kwargs):
    return repr((args, kwargs))

def ask(text):
    answer = input("name? ")
    return f"{text} {answer}"

def pid(text):
    print("printed", text)
    return os.getpid()

def fail(text):
    local = text * 2
    raise ValueError(f"no {text}")

def stop(text):
    print("before")
    breakpoint()
    return text

def leave(text):
    sys.exit(7)

def hang(text):
    open("started", "w").close()
    time.sleep(1000)

def begin():
    print("begin")

def end():
    print("end")

def pipe(text):
    return signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN, signal.getsignal(signal.SIGINT)
"""


@pytest.fixture(autouse=True)
def functions(prong: Prong) -> Path:
    (prong.folder / "table.csv").write_text('a,b\n1,2\n"x\ny",é\n')
    file = prong.folder / "functions.py"
    file.write_text(MODULE)
    return file


def test_input_may_be_given(prong: Prong) -> None:
    assert prong("map", "--only", "a b", "functions.py:show").output == "(('a b',), {})\n"
    assert prong("map", "--only", "a,b", "-C", ",", "functions:show").output == "(('a', 'b'), {})\n"
    assert prong("map", "--only", "[1]", "--json-input", "functions:show").output == "(([1],), {})\n"
    assert prong("map", "--only", '{"x": 1}', "--unpack", "functions:show").output == "((), {'x': 1})\n"
    assert prong("map", "--only", "", "functions:show", stdin="").output == "(('',), {})\n"


def test_job_may_be_chosen_by_its_number(prong: Prong) -> None:
    words = ["functions.py:show", ":::", "a", "b", ":::", "1", "2"]
    assert prong("map", "--only", "3", *words).output == "(('b', '1'), {})\n"
    assert prong("map", "--only", "2", "--csv", "functions.py:show", "::::", "table.csv").output == (
        "((), {'a': 'x\\ny', 'b': 'é'})\n"
    )
    assert prong("map", "--only", "2", "-a", "-", "functions.py:show", stdin="a\nb\n").output == "(('b',), {})\n"
    long = "x" * 1_000_000
    assert prong("map", "--only", "1", "-a", "-", "functions.py:show", stdin=long).output == f"(('{long}',), {{}})\n"


WRONG = {
    "--only 3 f.py:f ::: a b": "there is no job 3; the inputs make 2",
    "--only a f.py:f ::: a b": "'a' is not the number of a job",
    "--only 0 f.py:f ::: a b": "'0' is not the number of a job",
    "--only 1 --csv f.py:f": "which table?",
    "--pdb f.py:f ::: a": "Choose it by --only",
    "--only a nothing.py:f": "cannot load nothing.py:f: FileNotFoundError",
    "--only a functions.py:f": "cannot load functions.py:f: AttributeError",
    "--only 1 --csv functions.py:fail :::: table.csv": "cannot call functions.py:fail with the columns 'a', 'b'",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_run_is_told(prong: Prong, words: str) -> None:
    result = prong("map", *words.split())
    assert (result.status, result.output) == (255, "")
    assert WRONG[words] in result.error
    assert "Traceback" not in result.error or "FileNotFoundError" in result.error


def test_it_is_one_process_with_the_streams_of_the_program(prong: Prong) -> None:
    process = prong.start("map", "--only", "a", "functions.py:pid")
    output, error = process.communicate()
    assert output.decode() == f"printed a\n{process.pid}\n"
    assert error == b""
    assert prong("map", "--only", "a", "functions.py:ask", stdin="Ada\n").output == "name? a Ada\n"
    assert prong("map", "--only", "a", "functions.py:pipe").output == (
        "(True, <built-in function default_int_handler>)\n"
    )


def test_initializer_and_finalizer_are_called_around_it(prong: Prong) -> None:
    result = prong("map", "--only", "a", "--init", "begin", "--exit", "end", "functions.py:fail")
    assert (result.status, result.output) == (1, "begin\nend\n")


def test_exception_is_that_of_a_plain_script(prong: Prong) -> None:
    result = prong("map", "--only", "a", "functions.py:fail")
    assert (result.status, result.output) == (1, "")
    lines = result.error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "functions.py" in lines[1]
    assert lines[-1] == "ValueError: no a"
    assert prong("map", "--only", "a", "functions.py:leave").status == 7


def test_ctrl_c_is_that_of_a_plain_script(prong: Prong) -> None:
    process = prong.start("map", "--only", "a", "functions.py:hang")
    assert eventually(lambda: (prong.folder / "started").exists())
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == -signal.SIGINT
    lines = error.decode().splitlines()
    assert "functions.py" in lines[1]
    assert lines[-1] == "KeyboardInterrupt"


@pytest.mark.parametrize("only", ["2", None])
@pytest.mark.parametrize("function", ["show", "fail"])
def test_json_is_that_of_the_whole_run(prong: Prong, function: str, only: str | None) -> None:
    options = ["--json", "--json-input", f"functions.py:{function}", ":::", "1", '"é"']
    (whole,) = (entry for entry in map(json.loads, prong("map", *options).output.splitlines()) if entry["input"] == "é")
    (alone,) = map(json.loads, prong("map", "--only", "2", *options).output.splitlines())
    assert list(alone) == list(whole)
    for entry in (alone, whole):
        del entry["seconds"]
    assert alone == whole


def on_a_terminal(prong: Prong, words: list[str], answers: str, **options: object) -> tuple[int, str]:
    """The status, and what is seen."""
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs} | options
    process = prong.start(*words, start_new_session=True, **streams)
    os.close(theirs)
    os.write(ours, answers.encode())
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # nobody has the other end any more
            break
    os.close(ours)
    return process.wait(), seen.decode().replace("\r", "")


def test_debugger_comes_at_an_exception(prong: Prong) -> None:
    words = ["map", "--only", "a", "--pdb", "functions.py:fail"]
    status, seen = on_a_terminal(prong, words, "p 'local is ' + local\nquit\n")
    assert status == 1
    assert "ValueError: no a" in seen
    assert "'local is aa'" in seen


def test_breakpoints_work(prong: Prong) -> None:
    status, seen = on_a_terminal(prong, ["map", "--only", "a", "functions.py:stop"], "p 'text is ' + text\nc\n")
    assert status == 0
    assert "'text is a'" in seen
    assert seen.splitlines()[-1] == "a"


def test_breakpoint_in_a_worker_says_what_to_do(prong: Prong) -> None:
    result = prong("map", "functions.py:stop", ":::", "a")
    assert result.status == 1
    assert "breakpoint() has no terminal in a worker; prong map --only" in result.error


def test_result_is_shown_though_others_would_be_kept(prong: Prong) -> None:
    assert prong("map", "--only", "1", "--sqlite", "r.db", "functions.py:show", ":::", "a").output == "(('a',), {})\n"
    assert not (prong.folder / "r.db").exists()


def test_dry_run(prong: Prong) -> None:
    assert prong("map", "--only", "2", "--dry-run", "f.py:f", ":::", "a", "b c").output == "f.py:f 'b c'\n"
