#!/usr/bin/env python3
"""Hashes 16 strings with SHA-512, each a million times over, and prints what every job did as JSON.

    examples/sha512_worker.py [TIMES]

The job function is defined here, in the program itself. That needs no `if __name__ == "__main__"`: workers get
functions by value and never run this file.
"""

import hashlib
import json
import sys
import time

import prong


def hash_often(text: str, times: int) -> str:
    """The digest of the digest of ... of the text."""
    digest = text.encode()
    for _ in range(times):
        digest = hashlib.sha512(digest).digest()
    return digest.hex()


times = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
texts = [f"string {number}" for number in range(16)]

start = time.perf_counter()
with prong.Pool() as pool:
    jobs = [pool.submit(hash_often, text, times) for text in texts]
    hashes = [
        {"text": text, "sha512": job.result(), "worker": job.worker_pid, "seconds": round(job.times.ran, 3)}
        for text, job in zip(texts, jobs, strict=True)
    ]
total = time.perf_counter() - start

print(json.dumps({"times": times, "hashes": hashes, "total_seconds": round(total, 3)}, indent=2))
