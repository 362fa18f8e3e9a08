from .base import Work, each, show_milliseconds, timed


class CommandStart(Work):
    """How long does the command line take that has next to nothing to do?"""

    name = "command-start"
    title = "Start of the command line to its end"
    needs = "start_command"
    jobs = 20
    quick_jobs = 5
    uses_options = False
    show = staticmethod(show_milliseconds)

    def measure(self, system, size):
        system.start_command()
        seconds, _ = timed(lambda: [system.start_command() for _ in range(size)])
        return each(seconds, size)
