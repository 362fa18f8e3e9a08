"""What holds for all Python tests."""

import signal

# A runner that was started in the background may hand down an ignored SIGINT. Programs under test would, rightly, go on
# ignoring it; those that are tested with Ctrl-C need the disposition of a program in the foreground.
signal.signal(signal.SIGINT, signal.default_int_handler)
