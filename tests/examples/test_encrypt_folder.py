"""examples/encrypt_folder.py, the demo."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from family import eventually

SABOTAGED = {"hangs": "timed_out", "crashes": "signalled", "raises": "raised"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty files of up to 12 kB in three folders, one of them empty."""
    chance = random.Random(1)
    for number in range(40):
        path = tmp_path / "input" / ("", "one", "one/two")[number % 3] / f"file {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 1, 15, 16, 17, 2_000, 12_000))))
    (tmp_path / "input" / "link").symlink_to("file 0")
    return tmp_path / "input"


def decrypted(entry: dict[str, str]) -> bytes:
    key, nonce = bytes.fromhex(entry["key"]), bytes.fromhex(entry["nonce"])
    return Cipher(algorithms.AES(key), modes.CTR(nonce)).decryptor().update(Path(entry["target"]).read_bytes())


def check_results(output: Path, files: int) -> None:
    """All files but the sabotaged ones are there, decrypt to their originals, and nothing else was left."""
    entries = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert len(entries) == files
    done = [entry for entry in entries if Path(entry["target"]).exists()]
    assert len(done) == files - len(SABOTAGED)
    for entry in done:
        assert decrypted(entry) == Path(entry["source"]).read_bytes(), entry
    assert {path.suffix for path in output.rglob("*") if path.is_file()} == {".aes", ".json"}


def check_sabotage(text: str) -> None:
    for how, outcome in SABOTAGED.items():
        assert any(f" {how} " in line and outcome in line for line in text.splitlines()), text
    assert "(!)" not in text


def test_encrypts_all_files_but_the_sabotaged_ones(run_example, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    text = run_example("encrypt_folder.py", folder, "--output", output)
    check_results(output, 40)
    check_sabotage(text)
    assert "37 of 37 files decrypt to their originals" in text
    assert "speed-up" in text


def test_leaves_nothing_unless_asked_to(run_example, folder: Path, tmp_path: Path, monkeypatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    run_example("encrypt_folder.py", folder)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupt_leaves_nothing(start_example, folder: Path, tmp_path: Path, monkeypatch, number) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    with start_example("encrypt_folder.py", folder) as process:
        eventually(lambda: sum(1 for _ in scratch.glob("prong-demo-*/**/*.aes")) >= 3, "some files are done")
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert list(scratch.iterdir()) == []


def test_budget_takes_the_smallest_files(run_example, folder: Path, tmp_path: Path) -> None:
    sizes = sorted(path.stat().st_size for path in folder.rglob("file*"))
    budget = sum(sizes[:20])
    run_example("encrypt_folder.py", folder, "--output", tmp_path / "output", "--megabytes", budget / 1e6)
    entries = json.loads((tmp_path / "output" / "manifest.json").read_text(encoding="utf-8"))
    assert sum(Path(entry["source"]).stat().st_size for entry in entries) <= budget
    assert len(entries) >= 20


def test_a_file_that_fails_is_named_and_the_others_are_done(start_example, folder: Path) -> None:
    name = "n" * 250  # with a suffix it is too long for a file
    (folder / name).write_bytes(b"contents")
    with start_example("encrypt_folder.py", folder) as process:
        text, errors = process.communicate()
    assert process.returncode == 1
    assert f"WRONG OR MISSING: {folder / name}" in errors
    assert "File name too long" in errors
    assert "37 of 38 files decrypt to their originals" in text


def test_a_folder_with_too_few_files_is_refused(start_example, tmp_path: Path) -> None:
    with start_example("encrypt_folder.py", tmp_path) as process:
        _, errors = process.communicate()
    assert process.returncode == 2
    assert "at least 4" in errors


def test_killing_workers_at_random_loses_no_file(start_example, family, folder: Path, tmp_path: Path) -> None:
    """After each third file one worker, chosen at random, is killed in the middle of whatever it does."""
    output = tmp_path / "output"
    chance = random.Random(2)
    killed = 0
    with start_example("encrypt_folder.py", folder, "--output", output, "--workers", 2) as process:

        def files_done() -> int:
            return sum(1 for _ in output.rglob("*.aes"))

        for goal in range(3, 37, 3):
            eventually(lambda goal=goal: files_done() >= goal or process.poll() is not None, f"{goal} files are done")
            if workers := family.workers():
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1
        text, errors = process.communicate()
    assert process.returncode == 0, f"{text}\n{errors}"
    assert killed >= 5
    check_results(output, 40)
    check_sabotage(text)
