"""A queue that stays: jobs that other processes submit, also while its server is killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from cli_program import Prong
from queue_load import Load
from queue_program import GATE, Queue

from eventually import eventually


def test_jobs_are_run_where_they_were_submitted(queue: Queue) -> None:
    (queue.folder / "here").mkdir()
    queue.prong.environment["A_VARIABLE"] = "there"
    result = subprocess.run(
        [queue.prong.program, "submit", "q", "--", "sh", "-c", 'echo "$A_VARIABLE" in "${PWD##*/}"'],
        cwd=queue.folder / "here",
        env=queue.prong.environment,
        capture_output=True,
        check=True,
    )
    assert result.stdout == b"1\n"
    assert queue("wait", "1").status == 0
    assert queue.outputs() == "there in here\n"


def test_a_command_without_inputs_is_taken_as_it_is(queue: Queue) -> None:
    queue.submit("--", "echo", "{} {.} {#}", "a  b")
    queue("wait")
    assert queue.outputs() == "{} {.} {#} a  b\n"


def test_inputs_are_as_of_run(queue: Queue) -> None:
    assert queue.submit("echo {} >> {#}.out", ":::", "x", "y z") == ["1", "2"]
    assert queue.submit(stdin="echo one\necho two; exit 3\n") == ["3", "4"]
    assert queue("wait", "1", "2", "3", "4").status == 1
    assert (queue.folder / "2.out").read_text() == "y z\n"
    assert queue.states("1", "2", "3", "4") == ["done", "done", "done", "failed"]


@pytest.mark.parametrize("options", [["--csv"], ["-n", "2"], ["-0"], ["-C", ","], ["--link"], ["--key", "{}"], ["-X"]])
def test_options_for_inputs_want_inputs(queue: Queue, options: list[str]) -> None:
    refused = queue("submit", *options, "echo {}", stdin="a\n")
    assert refused.status == 255
    assert "is for inputs, and there are none: write them after ':::'" in refused.error
    assert queue.submit(*options, "-a", "-", "echo {}", stdin="a\n") == ["1"]


def test_bytes_that_are_no_text_arrive(queue: Queue) -> None:
    queue.submit("--", "printf", "%s", os.fsdecode(b"\xff\xfe"))
    assert queue("wait").status == 0
    log = subprocess.run(
        [queue.prong.program, "log", "q", "--output"], env=queue.prong.environment, capture_output=True, check=True
    )
    assert log.stdout == b"\xff\xfe"


def test_limits_and_retries(queue: Queue) -> None:
    queue.submit("--timeout", "0.2", "sleep", "50")
    queue.submit("--retries", "2", "echo x >> tries; false")
    queue.submit("--retries", "2", "--retry-on", "exit=75", "echo x >> others; false")
    assert queue("wait", "1", "2", "3").status == 3
    assert queue.status("1")[0]["outcome"] == "timed_out"
    assert (queue.folder / "tries").read_text() == "x\n" * 3
    assert (queue.folder / "others").read_text() == "x\n"
    assert "attempt 3" in queue.prong("log", "q", "--job", "2").output


def test_higher_priorities_run_first(queue: Queue) -> None:
    queue("pause")
    for priority in ("0", "2", "-1", "1"):
        queue.submit("--priority", priority, "--", f"echo {priority} >> order")
    queue.kill()
    queue.serve(workers=1)
    queue("resume")
    queue("drain")
    assert (queue.folder / "order").read_text().split() == ["2", "1", "0", "-1"]


def test_cancel_takes_back_what_waits_and_kills_what_runs(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    assert eventually(lambda: queue.states("1", "2", "3") == ["running", "running", "queued"])
    assert queue("cancel", "1", "3", "99").output.split() == ["1", "3"]
    assert queue("wait", "1", "3").status == 2
    (queue.folder / "go").touch()
    assert queue("wait", "2").status == 0
    assert [job["detail"] for job in queue.status("1", "3")] == ["cancelled while it ran", "cancelled before it ran"]
    assert queue("cancel", "2").status == 1
    assert not (queue.folder / "started-3").exists()


def test_failed_jobs_are_retried_on_request(queue: Queue) -> None:
    for _ in range(2):
        queue.submit("--", "test", "-e", "there")
    assert queue("wait", "1", "2").status == 2
    (queue.folder / "there").touch()
    assert queue("retry", "1").output == "1\n"
    assert queue("wait", "1").status == 0
    assert queue("retry", "1").status == 1
    assert queue("retry", "--failed").output == "2\n"
    assert queue("wait", "1", "2").status == 0
    assert queue.status("1")[0]["attempts"] == 2


def test_pause_survives_the_server(queue: Queue) -> None:
    queue("pause")
    queue.submit("echo", "late")
    queue.kill()
    queue.serve()
    assert queue.status()[0]["state"] == "paused"
    assert queue.states("1") == ["queued"]
    queue("resume")
    assert queue("wait", "1").status == 0


def test_drain_waits_for_all_and_ends_the_server(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    drain = queue.prong.start("drain", "q")
    assert eventually(lambda: queue.status()[0]["state"] == "draining")
    refused = queue("submit", "echo", "more")
    assert (refused.status, refused.error) == (255, "prong: queue q: the queue ends, and takes no more jobs\n")
    assert drain.poll() is None
    (queue.folder / "go").touch()
    assert drain.wait(timeout=50) == 0
    assert "3 done, 0 failed" in queue.end()
    assert not queue.socket.exists()


def test_interrupting_the_server_leaves_what_waits(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    assert eventually(lambda: queue.states("1", "2", "3") == ["running", "running", "queued"])
    queue.server.send_signal(signal.SIGINT)
    assert eventually(lambda: queue.status()[0]["state"] == "stopping")
    (queue.folder / "go").touch()
    assert "1 queued, 2 done" in queue.end()
    queue.serve()
    assert queue("wait", "3").status == 0


@pytest.mark.parametrize(("policy", "state"), [("fail", "failed"), ("retry", "done")])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_ran_when_the_server_ended_is_lost_or_run_again(
    queue: Queue, policy: str, state: str, how: signal.Signals
) -> None:
    queue.submit("--if-lost", policy, "--", GATE.replace("{}", "1"))
    assert eventually((queue.folder / "started-1").exists)
    queue.server.send_signal(how)
    said = queue.server.communicate(timeout=50)[1].decode()
    end = "it is lost" if policy == "fail" else "the next server runs it again"
    assert (f"job 1: killed with its server; {end}\n" in said) == (how == signal.SIGTERM)
    (queue.folder / "go").touch()
    queue.serve()
    queue("wait")
    assert eventually(lambda: queue.states("1") == [state])
    attempts = queue.prong("log", "q", "--job", "1").output
    assert ("attempt 1: lost: its worker vanished" in attempts, "attempt 2: exited 0" in attempts) == (
        True,
        policy == "retry",
    )


def test_who_waits_hears_from_the_next_server(queue: Queue) -> None:
    queue.submit("--if-lost", "retry", "--", GATE.replace("{}", "1"))
    assert eventually((queue.folder / "started-1").exists)
    waiting = queue.prong.start("wait", "q", "1")
    queue.kill()
    queue.serve()
    assert waiting.poll() is None
    (queue.folder / "go").touch()
    assert waiting.wait(timeout=50) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_when_the_server_is_ended_is_told(queue: Queue, how: signal.Signals) -> None:
    queue("pause")
    queue.submit("true")
    requests = [{"command": "wait", "jobs": [1]}, {"command": "wait"}, {"command": "status"}]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.relpath(queue.socket))
        client.sendall("".join(json.dumps(each) + "\n" for each in requests).encode())
        answers = client.makefile()
        assert json.loads(answers.readline())["queued"] == 1  # so those before are heard, too
        queue.end(how)
        told = [json.loads(line)["error"] for line in answers]
    assert len(told) == 2
    assert all("ended before all jobs had; the next one goes on with them" in each for each in told)


def test_a_drain_that_is_broken_off_is_told(queue: Queue) -> None:
    queue.submit(GATE, ":::", "1", "2", "3")
    drain = queue.prong.start("drain", "q")
    assert eventually(lambda: queue.status()[0]["state"] == "draining")
    assert "it cannot be paused" in queue("pause").error
    queue.server.send_signal(signal.SIGTERM)
    _, error = drain.communicate(timeout=50)
    assert drain.returncode == 255
    assert b"ended before all jobs had" in error


def test_jobs_that_cannot_be_started_wait_in_a_queue_that_is_paused(prong: Prong) -> None:
    launcher = prong.folder / "launcher"
    launcher.symlink_to(prong.program.with_name("prong-launcher"))
    prong.environment["PRONG_LAUNCHER"] = str(launcher)
    queue = Queue(prong)
    launcher.unlink()
    queue.submit("true")
    assert eventually(lambda: queue.status()[0]["state"] == "paused")
    assert queue.states("1") == ["queued"]
    launcher.symlink_to(prong.program.with_name("prong-launcher"))
    queue("resume")
    assert queue("wait", "1").status == 0


def test_a_log_that_nobody_reads_holds_nothing_up(queue: Queue) -> None:
    queue.submit("false", ":::", *map(str, range(3000)))  # a pipe has room for about 1000 lines
    queue("wait")
    assert queue.status()[0]["failed"] == 3000


def test_a_queue_has_one_server(queue: Queue) -> None:
    second = queue.prong("serve", "--name", "q")
    assert second.status == 255
    assert "another prong works with it" in second.error
    assert queue.status()[0]["pid"] == queue.server.pid


def test_a_socket_that_was_removed_is_made_again(queue: Queue) -> None:
    folder = queue.socket.parent
    before = queue.socket.stat().st_ino
    queue.socket.unlink()
    assert eventually(lambda: queue.socket.exists() and queue.submit("true") == ["1"])
    shutil.rmtree(folder, ignore_errors=True)  # it may be made again meanwhile
    assert eventually(lambda: queue.socket.exists() and queue.submit("true") == ["2"])
    folder.parent.rename(folder.parent.with_name("gone"))  # as at the end of a user's last session
    folder.parent.with_name("gone").joinpath("prong/q.queue").unlink()
    assert not eventually(queue.socket.exists, 1.5)
    folder.parent.mkdir(mode=0o700)
    assert eventually(lambda: queue.socket.exists() and queue.submit("true") == ["3"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert before != queue.socket.stat().st_ino
    queue.end(signal.SIGTERM)
    assert not queue.socket.exists()


def test_a_job_finds_its_number(queue: Queue) -> None:
    show = "echo $PRONG_QUEUE $PRONG_QUEUE_JOB $PRONG_JOB"
    queue.submit(show, ":::", "a", "b")
    assert queue("wait", "1", "2").status == 0
    queue.kill()  # the numbers of the next one's pool begin anew
    queue.serve()
    queue.submit(show, ":::", "c")
    assert queue("wait", "3").status == 0
    assert queue.outputs() == "q 1 1 a\nq 2 2 b\nq 3 3 c\n"


def test_clean_forgets_what_has_ended(queue: Queue) -> None:
    queue.submit("head -c 200000 /dev/zero; test {} != b", ":::", "a", "b")
    queue("wait")
    queue.submit(GATE, ":::", "3", "4", "5")
    assert eventually(lambda: queue.states("3", "4", "5") == ["running", "running", "queued"])
    assert queue("clean", "--older", "1h").output == "q: 0 done, 0 failed are forgotten\n"
    assert queue("clean", "--done").output == "q: 1 done, 0 failed are forgotten\n"
    assert queue.states("1", "2") == ["unknown", "failed"]
    assert queue("clean").output == "q: 0 done, 1 failed are forgotten\n"
    assert queue.states("1", "2", "3", "4", "5") == ["unknown", "unknown", "running", "running", "queued"]
    waiting = queue.prong.start("wait", "q", "4")
    (queue.folder / "go").touch()
    assert queue("wait", "3", "4", "5").status == 0
    assert waiting.wait(timeout=50) == 0
    assert "there is no job 1" in queue("wait", "1").error
    assert queue("clean").output == "q: 3 done, 0 failed are forgotten\n"
    assert queue("status").output == "q: 0 queued, 0 of 2 running, 0 done, 0 failed\n"
    queue.kill()
    queue.serve()
    assert queue.submit("true") == ["6"]


def test_a_failure_that_is_forgotten_meanwhile_is_counted_by_who_waits(queue: Queue) -> None:
    queue.submit("false")
    queue("wait", "1")
    queue.submit(GATE, ":::", "a")
    requests = [{"command": "status"}, {"command": "wait"}, {"command": "status"}]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.relpath(queue.socket))
        client.sendall("".join(json.dumps(each) + "\n" for each in requests).encode())
        answers = map(json.loads, client.makefile())
        before = next(answers)["failures"]
        next(answers)
        queue.submit("false")
        queue("wait", "3")
        queue("clean")
        (queue.folder / "go").touch()
        assert next(answers)["failures"] == before + 1


def test_nobody_serves_it(prong: Prong) -> None:
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder)
    for command in ("status", "wait", "drain"):
        result = prong(command, "nosuch")
        assert result.status == 255
        assert "nobody serves the queue 'nosuch' on '" in result.error
        assert "start it: prong serve --name nosuch" in result.error


def test_every_job_is_accounted_for_when_the_server_is_killed(tmp_path: Path) -> None:
    account = Load(tmp_path).run(jobs=2000, clients=4, kills=3)
    assert account.kills == 3
    assert sum(account.states.values()) == 2000
    assert set(account.states) <= {"done", "failed"}
    assert account.states["failed"] == account.lost <= 2 * 3
    assert (account.run_twice, account.done_unrun) == ([], [])


@pytest.mark.parametrize("again", [False, True])
def test_what_was_cancelled_is_not_run_by_the_next_server(queue: Queue, again: bool) -> None:
    code = "echo x >> ran; trap '' TERM; until [ -e go ]; do sleep 0.01; done"
    queue.submit("--if-lost", "retry", "--", "sh", "-c", code)
    assert eventually((queue.folder / "ran").exists)
    assert queue("cancel", "1").output == "1\n"
    queue.kill()
    queue.serve()
    assert queue.states("1") == ["failed"]
    assert (queue.folder / "ran").read_text() == "x\n"
    if not again:
        return
    queue("retry", "1")  # from here on it is a job like any other
    assert eventually(lambda: (queue.folder / "ran").read_text() == "x\nx\n")
    queue.kill()
    queue.serve()
    assert eventually(lambda: (queue.folder / "ran").read_text() == "x\nx\nx\n")
    (queue.folder / "go").touch()
    assert queue("wait", "1").status == 0


def test_what_cannot_be_started_can_be_cancelled(queue: Queue) -> None:
    queue.kill()
    queue.prong.environment["PRONG_LAUNCHER"] = str(queue.folder / "nosuch")
    queue.serve()
    for number in map(str, range(1, 31)):  # the server is at it, or not
        queue.submit("true")
        queue("resume")
        assert queue("cancel", "--all").output == f"{number}\n"
        assert queue.status(number)[0]["outcome"] == "cancelled"


def test_many_large_jobs_go_in_portions_and_one_too_large_is_refused(queue: Queue) -> None:
    queue("pause")
    inputs = queue.folder / "inputs"
    inputs.write_text("".join("x" * 100_000 + f"{number}\n" for number in range(250)))
    assert len(queue.submit("-a", str(inputs), "true {}")) == 250
    refused = queue("submit", "-a", str(too_large(queue.folder)), "true {}")
    assert refused.status == 255
    assert "is longer than queue 'q' takes (256 MiB)" in refused.error


def too_large(folder: Path) -> Path:
    file = folder / "large"
    with file.open("wb") as opened:
        for _ in range(90):  # it stands in a request three times
            opened.write(b"x" * (1 << 20))
        opened.write(b"\n")
    return file
