"""What stands on the socket of a queue: requests that are wrong, and some that no command makes."""

from __future__ import annotations

import json

import pytest
from queue_program import Queue

TICKET = "0" * 32


def submission(jobs: object, folder: str = "/") -> str:
    return json.dumps({"command": "submit", "jobs": jobs, "surroundings": {"folder": folder}})


REFUSED = {
    '{"command": "nonsense"}': "there is no such command",
    "[1]": "there is no such command",
    "{]": "there is no such command",
    '{"command": "submit"}': "a submission has 'jobs' and 'surroundings'",
    submission([{"ticket": TICKET}]): "'arguments' of a command is empty",
    submission([{"ticket": "1", "arguments": ["ls"]}]): "'ticket'",
    submission([{"ticket": TICKET, "arguments": [3]}]): "'arguments' is to be a text",
    submission([], folder="x"): "a whole path",
    '{"command": "status", "protocol": 2}': "knows the protocol up to version 1, and the request is of version 2",
    '{"command": "status", "protocol": "new"}': "'protocol' is to be a version",
    '{"command": "status", "protocol": 0}': "'protocol' is to be a version",
    '{"command": "wait", "jobs": [7]}': "there is no job 7",
    '{"command": "wait", "jobs": "all"}': "a list of numbers",
    '{"command": "status", "jobs": [-1]}': "a list of numbers",
    submission([{"ticket": TICKET, "arguments": ["a\0b"]}]): "'arguments' has a NUL byte",
    '{"command": ' + "[" * 100_000 + "]" * 100_000 + "}": "there is no such command",
    '{"command": "submit", "jobs": [], "surroundings": ' + "[" * 100_000 + "]" * 100_000 + "}": "a submission has",
}


@pytest.mark.parametrize("request_text", REFUSED, ids=lambda text: text[:60])
def test_wrong_requests_are_answered(queue: Queue, request_text: str) -> None:
    assert REFUSED[request_text] in queue.ask(request_text)["error"]
    assert queue.status()[0]["queued"] == 0


def test_a_ticket_is_good_for_one_job(queue: Queue) -> None:
    job = {"ticket": "0" * 32, "arguments": ["sh", "-c", "echo x >> marks"]}
    request = {"command": "submit", "jobs": [job, job], "surroundings": {"folder": str(queue.folder)}}
    queue("pause")
    for _ in range(2):
        assert queue.ask(request) == {"jobs": [1, 1]}
        queue.kill()
        queue.serve()
    queue("resume")
    queue("wait", "1")
    assert (queue.folder / "marks").read_text() == "x\n"


def test_a_server_tells_its_version(queue: Queue) -> None:
    status = queue.ask({"command": "status", "protocol": 1})
    assert status["protocol"] == 1
    assert queue.prong("--version").output == f"prong {status['version']}\n"


def test_a_server_of_an_earlier_version_says_what_it_is(queue: Queue) -> None:
    """All that a later one could ask is refused with the version and what to do, and nothing is done."""
    job = {"ticket": TICKET, "arguments": ["true"]}
    surroundings = {"folder": "/"}
    answer = queue.ask({"command": "submit", "protocol": 2, "surroundings": surroundings, "jobs": [job]})
    version = queue.prong("--version").output.removeprefix("prong ").strip()
    assert f"this server, of Prong {version}, knows" in answer["error"]
    assert "start that of the later Prong" in answer["error"]
    assert f"this server, of Prong {version}, has submit" in queue.ask({"command": "forecast"})["error"]
    assert queue.status()[0]["queued"] == 0
