"""What a process does before the rest of the program is loaded, which takes up to a second."""

import os
import signal
import sys
from contextlib import suppress
from typing import Final

# What would end a process that does not take it yet. SIGINT is one of them: stopping is done in good order, too.
HELD: Final = (signal.SIGHUP, signal.SIGUSR2, signal.SIGINT)
_SERVE: Final = "serve"  # the command of `gateway.cli` that takes them
_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def begin() -> None:
    """Take what the process was started with: streams that are closed, and signals that come early.

    ``serve`` lets them wait until it can take them. Any other command ends at an interrupt, without a traceback.
    """
    open_streams()
    if sys.argv[1:2] == [_SERVE]:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_of_beginning() -> None:
    """Let an interrupt be taken by the command again, now that there is one."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def open_streams() -> None:
    """Open ``/dev/null`` for each of the three streams that is closed, or the next file, or socket, would be one."""
    for descriptor, (name, mode) in enumerate(_STREAMS):
        with suppress(OSError):
            os.fstat(descriptor)
            continue
        os.open(os.devnull, os.O_RDWR)  # as the lowest number that is free, which is this one
        os.set_inheritable(descriptor, True)  # for the children, and for the program that this process becomes
        setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - as long as the process
