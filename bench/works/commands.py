"""Two kinds of short command, 2,000 times, two at a time, inputs from a file."""

import tempfile
from pathlib import Path

from .base import Work, each, expect, show_rate, timed


class Commands(Work):
    """How many commands a second, when the command does nothing?"""

    name = "commands"
    title = "2,000 runs of /bin/true, 2 at a time"
    needs = "commands"
    command = "/bin/true"
    jobs = 2_000
    quick_jobs = 200
    uses_options = False
    show = staticmethod(show_rate)

    def measure(self, system, size):
        with tempfile.TemporaryFile("w+") as inputs, tempfile.TemporaryFile("w+") as output:
            inputs.writelines(f"{number}\n" for number in range(size))
            inputs.seek(0)
            before = processes_started()
            files = inputs.fileno(), output.fileno()
            seconds, _ = timed(lambda: system.commands(self.command, *files))
            expect(processes_started() - before >= size, f"fewer than {size} processes ran")
            output.seek(0)
            self.check(output.read(), size)
        return each(seconds, size)

    def check(self, output, size):
        expect(output == "", "output from commands that print nothing")


class CommandsOutput(Commands):
    """The same, when each command prints a line that must arrive whole."""

    name = "commands-output"
    title = "2,000 runs of /bin/echo, 2 at a time, every line checked"
    command = "/bin/echo"

    def check(self, output, size):
        expect(sorted(map(int, output.split("\n")[:-1])) == list(range(size)), "wrong output")


def processes_started():
    """How many processes and threads the machine has started since it booted."""
    lines = Path("/proc/stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("processes"))
