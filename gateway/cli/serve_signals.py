"""Signals to read the site again, to restart, and of a terminal: they wait for a process that cannot take them yet."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.beginning import HELD


@contextmanager
def hold_signals() -> Iterator[None]:
    """Let them wait while inside: here, in a child that is started, and in the program that this process becomes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def take_signals() -> Iterator[None]:
    """Take those that waited, and whatever comes while inside; handlers are set already."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
