"""How one file of a trust folder is read and put in place, and how its name is said."""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gateway.durable_folder import sync_names

_LOCK: Final = ".lock"
_MODE: Final = 0o644  # lists are public
_LOCK_MODE: Final = 0o600  # and a lock can be held by whoever may open its file
LOCK_TRIES: Final = 200  # of a writer that waits for another one, which takes a few milliseconds: 10 s together
_LOCK_PAUSE: Final = 0.05  # seconds


class NotAFileError(OSError):
    """A folder, a pipe or a device stands where a file was expected."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "not a plain file")


def read_file(path: Path, limit: int) -> bytes:
    """Read one byte more than the limit at most; a pipe in place of a file must not make us wait for its writer.

    Raises:
        NotAFileError: it is no plain file.
        OSError: it cannot be read.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(limit + 1)
    finally:
        os.close(descriptor)


def replace_file(path: Path, *parts: bytes, mode: int = _MODE, durable: bool = True) -> None:
    """Put a file in place in one step, so that a crash leaves the old one or the new one, and never a half.

    It is written aside and renamed; ``durable`` is it with its folder unless losing power loses nothing.

    Raises:
        OSError: it cannot be written; the old file, if there was one, is still there.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            for part in parts:
                stream.write(part)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        Path(aside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(aside).unlink()
        raise
    if durable:
        sync_names(path.parent)


@contextmanager
def locked(folder: Path, *, tries: int = LOCK_TRIES) -> Iterator[None]:
    """Let one writer at a time change a folder; its readers need no lock.

    Raises:
        OSError: the folder cannot be written, or somebody else holds the lock after so many ``tries``.

    """
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _LOCK_MODE)
    try:
        _wait_for(lock, tries)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, tries: int) -> None:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE if left else 0)
        else:
            return
    raise OSError(errno.EAGAIN, f"somebody else holds the lock {_LOCK}")


def spell(path: str) -> str:
    """Return a path of the file system as text that can be written; bytes that are no UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
