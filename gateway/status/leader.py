"""Which of several processes with one folder asks the sources: the one that holds a lock of the operating system."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "leader.lock"
_NAME_BYTES: Final = 8  # tells one leader from the next
_MAX_NAME: Final = 64


class LeaderLock:
    """A lock on a folder, given back by the system when its process ends, however it ends; every method blocks.

    The file stays where it is, because a lock on a file that somebody replaced would be two locks.
    """

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first trying."""
        self._path = folder / LOCK_FILE
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it, and write a new name into it; True too where it is held already.

        Raises:
            OSError: the folder cannot be used, or its file system has no locks.

        """
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, secrets.token_hex(_NAME_BYTES).encode(), 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def read_name(self) -> bytes:
        """Return the name of whoever leads now, or led last; raises OSError when it cannot be read."""
        with self._path.open("rb") as stream:
            return stream.read(_MAX_NAME)

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
