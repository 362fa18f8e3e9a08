"""prong run --json: an object for each event."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
from typing import Any

from cli_program import Prong

DD = "dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null"


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_a_job_that_succeeds(prong: Prong) -> None:
    result = prong("run", "--json", "echo {}; echo e >&2", ":::", "a b")
    started, ended = events(result.output)
    assert (result.status, result.error) == (0, "")
    assert list(started) == ["event", "job", "input", "command", "time"]
    assert (started["event"], started["job"], started["input"]) == ("started", 1, "a b")
    assert started["command"] == "echo 'a b'; echo e >&2"
    keys = ["event", "job", "input", "outcome", "exit_code", "attempts", "seconds"]
    keys += ["cpu_seconds", "peak_memory", "time", "output_bytes"]
    assert list(ended) == [*keys, "error_bytes", "output", "error"]
    assert {key: ended[key] for key in keys if key not in ("seconds", "cpu_seconds", "peak_memory", "time")} == {
        "event": "ended",
        "job": 1,
        "input": "a b",
        "outcome": "exited",
        "exit_code": 0,
        "attempts": 1,
        "output_bytes": 4,
    }
    assert (ended["output"], ended["error"], ended["error_bytes"]) == ("a b\n", "e\n", 2)
    assert ended["seconds"] > 0
    assert ended["time"] >= started["time"]


def test_usage_of_a_command(prong: Prong) -> None:
    commands = [DD, "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done", "true"]
    output = prong("run", "--json", "-k", stdin="\n".join(commands)).output
    large, busy, small = (event for event in events(output) if event["event"] == "ended")
    assert large["peak_memory"] >= 64 << 20 > 2 * small["peak_memory"] > 0
    assert busy["cpu_seconds"] > small["cpu_seconds"] >= 0


def test_usage_that_is_not_known_is_not_there(prong: Prong) -> None:
    ended = events(prong("run", "--json", "nosuch-command", ":::", "x").output)[1]
    assert ended["outcome"] == "raised"
    assert not {"cpu_seconds", "peak_memory"} & ended.keys()


def test_several_values_are_a_list(prong: Prong) -> None:
    assert events(prong("run", "--json", "true", ":::", "a", ":::", "b").output)[0]["input"] == ["a", "b"]


def test_each_outcome_has_its_fields(prong: Prong) -> None:
    commands = ["exit 3", "kill -9 $$", "sleep 1000", "nosuch-command"]
    output = prong("run", "--json", "-k", "--timeout", "0.5", stdin="\n".join(commands)).output
    ended = [event for event in events(output) if event["event"] == "ended"]
    assert [event["outcome"] for event in ended] == ["exited", "signalled", "timed_out", "raised"]
    assert ended[0]["exit_code"] == 3
    assert (ended[1]["signal"], ended[1]["exception"]["message"]) == (signal.SIGKILL, "killed by signal 9 (SIGKILL)")
    assert ended[2]["limit"] == "wall_time"
    assert "not found in PATH" in ended[3]["exception"]["message"]
    assert ended[3]["exception"]["type"] == "prong.SystemError"


def test_retries_are_events(prong: Prong) -> None:
    output = prong("run", "--json", "--retries", "1", "exit", ":::", "7").output
    started, retried, ended = events(output)
    assert (started["event"], retried["event"], ended["event"]) == ("started", "retried", "ended")
    assert (retried["attempt"], retried["outcome"], retried["exit_code"]) == (1, "exited", 7)
    assert (ended["attempts"], ended["exit_code"]) == (2, 7)


def test_any_output_comes_back(prong: Prong) -> None:
    hostile = bytes(range(256)) * 3
    (prong.folder / "bytes").write_bytes(hostile)
    (prong.folder / "text").write_text('ü"\\\x01\x7f\u2028\n')
    output = prong("run", "--json", "-k", "cat", ":::", "bytes", "text").output
    first, second = (event for event in events(output) if event["event"] == "ended")
    assert base64.b64decode(first["output_base64"]) == hostile
    assert "output" not in first
    assert second["output"] == (prong.folder / "text").read_text()


def test_large_output_comes_back(prong: Prong) -> None:
    ended = events(prong("run", "--json", "yes ü | head -c 3000000; :", ":::", "x").output)[1]
    assert ended["output"].encode() == ("ü\n".encode() * 1_000_000)


def test_input_that_is_no_text_is_still_told(prong: Prong) -> None:
    process = prong.start("run", "--json", "true", stdin=subprocess.PIPE)
    output = process.communicate(b"\xff\n", timeout=50)[0]
    assert events(output.decode())[0]["input"] == "\ufffd"


def test_start_is_told_at_once_and_killed_jobs_have_an_end(prong: Prong) -> None:
    process = prong.start("run", "--json", "-j1", "sleep", ":::", "1000", "1001")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "started"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=50)
    (ended,) = events(output.decode())
    assert (ended["event"], ended["job"], ended["outcome"]) == ("ended", 1, "cancelled")


def test_results_and_json_contradict_each_other(prong: Prong) -> None:
    result = prong("run", "--json", "--results", "out", "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert "--json shows outputs, and --results shows none" in result.error
