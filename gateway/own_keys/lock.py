"""The lock of one key: held by whoever writes down a use of it, and by whoever changes whether it may be used.

It lies on a file that is written once and is there as long as the key: the key file, and not the journal, which turns
its pages and may be lost, nor the state, which is replaced.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait until no other process or thread holds the lock on this file, then hold it; it ends with the process.

    Whoever holds it must not ask for it again.

    Raises:
        OSError: the file is not there, or is a link.

    """
    stream = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
    finally:
        os.close(stream)
