"""What prong log chooses of a journal, and how it shows that."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from typing import Any

import pytest
from cli_program import Prong

WORK = "case {} in quick) echo out; echo err >&2;; slow) sleep 0.3;; bad) exit 3;; killed) kill -9 $$;; esac"


@pytest.fixture
def log(prong: Prong) -> Prong:
    """With a run before the last one, and one job that did not begin."""
    prong("run", "--journal", "j", "true", ":::", "earlier")
    options = ["--journal", "j", "-j1", "--halt", "soon,done=4"]
    assert prong("run", *options, WORK, ":::", "quick", "slow", "bad", "killed", "left", "more").status == 2
    prong("run", "--journal", "j", "--resume", "-j1", "--halt", "soon,done=1", WORK, ":::", "quick", "left", "more")
    return prong


def rows(prong: Prong, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in prong("log", "j", "--json", *options).output.splitlines()]


def inputs(prong: Prong, *options: str) -> list[str]:
    return [row["input"] for row in rows(prong, *options)]


def test_jobs_may_be_chosen(log: Prong) -> None:
    assert inputs(log, "--failed") == ["bad", "killed"]
    assert inputs(log, "--slower", "200ms") == ["slow"]
    assert inputs(log, "--slower", "1h") == []
    assert inputs(log, "--failed", "--slower", "200ms") == []
    assert inputs(log, "--run", "1") == ["earlier"]
    assert (
        log("log", "j", "--run", "3").error
        == "prong: log: --run: there is no run 3; the last one is 2; see prong log --help\n"
    )
    (quick,) = (row for row in rows(log) if row["input"] == "quick")
    assert "quick" in inputs(log, "--worker", str(quick["worker"]))
    assert inputs(log, "--worker", "1") == []


def test_jobs_that_have_not_ended_may_be_chosen(log: Prong) -> None:
    unfinished = rows(log, "--unfinished")
    assert [row["state"] for row in unfinished] == ["queued"] * len(unfinished)
    assert {row["input"] for row in unfinished} <= {"left", "more"}
    assert len(unfinished) + len(rows(log, "--failed")) < len(rows(log))


def test_all_forms_have_the_same_jobs(log: Prong) -> None:
    names = [row["command"] for row in rows(log)]
    assert [row["command"] for row in csv.DictReader(log("log", "j", "--csv").output.splitlines())] == names
    assert [re.split(" {2,}", line)[-1] for line in log("log", "j").output.splitlines()[1:]] == names
    begun = [row["command"] for row in rows(log) if row["attempts"] > 0]
    assert [line.split("\t")[-1] for line in log("log", "j", "--joblog").output.splitlines()[1:]] == begun


def test_outputs_are_shown_where_they_were_written(log: Prong) -> None:
    result = log("log", "j", "--output")
    assert (result.output, result.error) == ("out\n", "err\n")
    assert log("log", "j", "--output", "--failed").output == ""


def test_a_summary_counts_and_names_the_slowest(log: Prong) -> None:
    summary = log("log", "j", "--summary").output
    assert "2 failed" in summary
    slowest = summary[summary.index("slowest") :].splitlines()
    assert slowest[1].endswith(f"job 2: {WORK.replace('{}', 'slow')}")


def jobs_of(title: str) -> Iterable[int]:
    """Of a bar; those of jobs that would be too narrow to see are one."""
    several = re.match(r"(\d+) jobs from (\d+) on", title)
    if several is None:
        return [int(re.match(r"job (\d+),", title)[1])]
    count, first = map(int, several.groups())
    return range(first, first + count)


def test_a_timeline_is_a_picture_with_each_attempt(log: Prong) -> None:
    assert log("log", "j", "--timeline", "t.svg").output == ""
    text = (log.folder / "t.svg").read_text()
    picture = ElementTree.fromstring(text)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    titles = [title.text or "" for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert [number for title in titles for number in jobs_of(title)] == [1, 2, 3, 4, 2]  # of two sessions

    refused = log("log", "j", "--timeline", "nosuch/t.svg")
    assert refused.status == 255
    assert "nosuch/t.svg" in refused.error
