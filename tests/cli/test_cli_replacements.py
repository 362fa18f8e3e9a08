"""Replacement strings, beside those of GNU parallel."""

from __future__ import annotations

import subprocess

from cli_program import Prong

INPUTS = ["/a/b.c/d.e.f", "x", ".h", "dir/.h", "a.b/c", "/", "/x", "", "a//b", "a/b/", "x.", "a b/c d.e", "it's"]
TEMPLATE = ["{}|{.}|{/}|{//}|{/.}|{#}"]


def test_replacement_strings(prong: Prong) -> None:
    output = prong("run", "-k", "printf", "%s\\n", *TEMPLATE, ":::", "a/b.tar.gz", "c").output
    assert output == "a/b.tar.gz|a/b.tar|b.tar.gz|a|b.tar|1\nc|c|c|.|c|2\n"


def test_replacement_strings_are_those_of_gnu_parallel(prong: Prong) -> None:
    arguments = ["-k", "printf %s" + "\\\\n " + "'['" + TEMPLATE[0].replace("|", "'|'") + "']'", ":::", *INPUTS]
    theirs = subprocess.run(["parallel", "--will-cite", *arguments], capture_output=True, text=True, check=True)
    assert prong("run", *arguments).output == theirs.stdout
