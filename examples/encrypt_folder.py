#!/usr/bin/env python3
"""Encrypts every file of a folder on all cores, and shows what becomes of jobs that hang, crash and raise.

    make demo                         the interpreter's own library: some tens of MB that every machine has
    make demo FOLDER=/some/folder     all of another folder

The cipher is AES-256 in counter mode in pure Python (pyaes): work that the threads of an interpreter cannot share. A
sample is encrypted in this process first, then everything by a pool. Three jobs are sabotaged on purpose: one hangs,
one crashes its worker, one raises. All other files must be done, also when somebody kills workers meanwhile. They are
decrypted by another implementation (cryptography) and compared with the originals.

The manifest beside the results holds the keys: this shows how to use cores, not how to keep secrets.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import itertools
import json
import os
import random
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import cryptography
import pyaes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import prong

DEFAULT_MEGABYTES = 32  # of the default folder
SAMPLE_SECONDS = 5
HANG_SECONDS = 2
PIECE = 64 * 1024
LARGE = 1_000_000

# A lost worker costs an attempt, not the file: no file ends its worker by itself, so there is no quarantine. What the
# function itself does wrong would only be done again.
TRY_AGAIN = prong.RetryPolicy(10, on_exception=False, on_timeout=False, quarantine_after=0)


@dataclass(frozen=True)
class Task:
    """One file to be encrypted. The key is chosen beforehand, so that every attempt writes the same bytes."""

    source: Path
    target: Path
    size: int
    key: bytes
    nonce: bytes


# The jobs. They run in workers, which get them by value: this file needs no `if __name__ == "__main__"`.


def encrypt(task: Task) -> None:
    """Encrypts a file. The target appears complete or not at all."""
    cipher = pyaes.AESModeOfOperationCTR(task.key, counter=pyaes.Counter(int.from_bytes(task.nonce, "big")))
    partial = task.target.with_name(f"{task.target.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as sealed:
        for piece in pieces(task.source):
            sealed.write(cipher.encrypt(piece))
    partial.replace(task.target)


def hang(task: Task) -> None:
    """Runs for ever in C code that no other Python thread can interrupt."""
    sum(itertools.repeat(0))


def crash(task: Task) -> None:
    """Reads address zero: a real segmentation fault."""
    ctypes.string_at(0)


def stumble(task: Task) -> None:
    """Raises."""
    raise ValueError(f"no key fits {task.source.name}")


SABOTAGE = {
    "hangs": (hang, {"timeout": HANG_SECONDS, "retries": TRY_AGAIN}, prong.TimedOut),
    "crashes": (crash, {"retries": 0}, prong.Signalled),
    "raises": (stumble, {"retries": TRY_AGAIN}, prong.Raised),
}


# What to encrypt.


def regular_files(folder: Path, output: Path) -> Iterator[tuple[int, Path]]:
    """Size and path of every file below the folder. Links are not followed; results of ours are not input."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if Path(place, name) != output)
        for path in (Path(place, name) for name in sorted(names)):
            if path.is_file() and not path.is_symlink():
                yield path.stat().st_size, path


def make_tasks(folder: Path, output: Path, budget: float) -> list[Task]:
    """The smallest files that fit into the budget; in mixed order, so that progress is even, but large ones first."""
    files = sorted(regular_files(folder, output))
    totals = itertools.accumulate(size for size, _ in files)
    files = [file for file, total in zip(files, totals, strict=True) if total <= budget]
    random.Random(1).shuffle(files)
    files.sort(key=lambda file: -file[0] if file[0] >= LARGE else 0)
    return [
        Task(source, Path(f"{output / source.relative_to(folder)}.aes"), size, os.urandom(32), os.urandom(16))
        for size, source in files
    ]


def write_manifest(tasks: list[Task], output: Path) -> None:
    """What it takes to decrypt the files."""
    entries = [
        {"source": str(task.source), "target": str(task.target), "key": task.key.hex(), "nonce": task.nonce.hex()}
        for task in tasks
    ]
    (output / "manifest.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")


# The parts of the demo.


def encrypt_sample(tasks: list[Task]) -> float:
    """Encrypts files chosen at random, one after another in this process. Bytes per second."""
    files, size, start = 0, 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        for task in random.Random(2).sample(tasks, len(tasks)):
            with suppress(OSError):  # the pool will say what is wrong with this file
                encrypt(Task(task.source, Path(place, str(files)), task.size, task.key, task.nonce))
                files, size = files + 1, size + task.size
            if time.perf_counter() - start >= SAMPLE_SECONDS:
                break
    return report("serial sample", files, size, time.perf_counter() - start)


def encrypt_all(pool: prong.Pool, sound: list[Task], sabotaged: dict[str, Task]) -> dict[str, prong.Job]:
    """Encrypts everything. The jobs that were sabotaged; the failures of others are printed."""
    jobs = {
        name: pool.options(**options).submit(function, sabotaged[name])
        for name, (function, options, _) in SABOTAGE.items()
    }
    results = pool.options(retries=TRY_AGAIN).imap_unordered(encrypt, sound, progress="  encrypting")
    while True:
        try:
            next(results)
        except StopIteration:
            return jobs
        except Exception as error:  # of one file: the others go on
            print(f"FAILED: {error!r}", file=sys.stderr)


def pieces(path: Path) -> Iterator[bytes]:
    """The contents of a file."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")


def is_intact(task: Task) -> bool:
    """Whether the result, decrypted by another implementation, is the original."""
    if not task.target.exists():
        return False
    decryptor = Cipher(algorithms.AES(task.key), modes.CTR(task.nonce)).decryptor()
    decrypted, original = hashlib.sha256(), hashlib.sha256()
    for piece in pieces(task.target):
        decrypted.update(decryptor.update(piece))
    for piece in pieces(task.source):
        original.update(piece)
    return decrypted.digest() == original.digest()


def verify(tasks: list[Task]) -> bool:
    """Whether all results are right; those that are not are named."""
    wrong = [task for task in tasks if not is_intact(task)]
    for task in wrong:
        print(f"WRONG OR MISSING: {task.source}", file=sys.stderr)
    tool = f"cryptography {cryptography.__version__}"
    say("verified", f"{len(tasks) - len(wrong):,} of {len(tasks):,} files decrypt to their originals ({tool}, SHA-256)")
    return not wrong


def check_sabotage(jobs: dict[str, prong.Job], tasks: dict[str, Task]) -> bool:
    """Says what became of the sabotaged jobs, and whether that is what had to."""
    print("sabotaged on purpose:")
    as_expected = []
    for name, (_, _, expected) in SABOTAGE.items():
        error = jobs[name].exception()
        outcome = jobs[name].outcome
        as_expected.append(isinstance(outcome, expected) and not tasks[name].target.exists())
        mark = "" if as_expected[-1] else "  (!)"
        say(name, f"{tasks[name].source.name}: {outcome.name}: {error}{mark}")
    return all(as_expected)


def say(what: str, text: str) -> None:
    print(f"  {what:14} {text}", flush=True)


def report(what: str, files: int, size: float, seconds: float) -> float:
    """Says how fast something was. Bytes per second."""
    say(what, f"{files:,} files, {size / 1e6:.1f} MB in {seconds:.1f} s: {size / seconds / 1e3:,.0f} kB/s")
    return size / seconds


def run(folder: Path, output: Path, budget: float, workers: int | None) -> int:
    tasks = make_tasks(folder, output, budget)
    if len(tasks) <= len(SABOTAGE):
        print(f"{folder} has {len(tasks)} files; the demo needs at least {len(SABOTAGE) + 1}", file=sys.stderr)
        return 2
    size = sum(task.size for task in tasks)
    print(f"{len(tasks):,} files, {size / 1e6:.1f} MB, of {folder}; AES-256 in pure Python:", flush=True)
    write_manifest(tasks, output)
    serial_rate = encrypt_sample(tasks)

    sabotaged = dict(zip(SABOTAGE, tasks[len(tasks) // 2 :], strict=False))
    sound = [task for task in tasks if task not in sabotaged.values()]
    workers = workers or prong.usable_cpus()
    start = time.perf_counter()
    with prong.Pool(workers) as pool:
        jobs = encrypt_all(pool, sound, sabotaged)
        seconds = time.perf_counter() - start
    pool_rate = report(f"{workers} workers", len(sound), sum(task.size for task in sound), seconds)
    say(
        "speed-up",
        f"{pool_rate / serial_rate:.2f} times the rate of the sample; {pool.stats['workers_lost']} workers lost",
    )

    intact = verify(sound)
    as_expected = check_sabotage(jobs, sabotaged)
    return 0 if intact and as_expected else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="default: the interpreter's own library")
    parser.add_argument("--output", type=Path, help="keep the results here; default: a temporary folder")
    parser.add_argument(
        "--megabytes", type=float, help="take the smallest files up to this (default: 32; all of FOLDER)"
    )
    parser.add_argument("--workers", type=int, help="default: one for each usable CPU")
    given = parser.parse_args()
    if given.folder and not given.folder.is_dir():
        parser.error(f"{given.folder} is no folder")
    if given.output and given.output.exists() and any(given.output.iterdir()):
        parser.error(f"{given.output} is not empty")
    return given


def main() -> int:
    given = arguments()
    folder = given.folder or Path(sysconfig.get_path("stdlib"))
    megabytes = given.megabytes or (float("inf") if given.folder else DEFAULT_MEGABYTES)
    with nullcontext(given.output) if given.output else tempfile.TemporaryDirectory(prefix="prong-demo-") as place:
        output = Path(place).resolve()
        output.mkdir(parents=True, exist_ok=True)
        return run(folder.resolve(), output, megabytes * 1e6, given.workers)


signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left behind
try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit("interrupted")
