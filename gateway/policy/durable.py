"""Lines that are on the disk when the call returns, in files that several processes append to."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from gateway.durable_folder import sync_names

_FILE_MODE: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def append_durably(path: Path, data: bytes, *, most: int) -> bool:
    """Append all of it or nothing: other processes wait meanwhile, and what was written halfway is taken back.

    Returns whether the file was new, or empty.

    Raises:
        OSError: it cannot be written, or the file would be longer than ``most`` bytes.

    """
    descriptor = os.open(path, _FLAGS, _FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # a machine that died left half a line
        if size + len(data) > most:
            raise OSError(errno.EFBIG, f"{path.name} is full")
        try:
            with os.fdopen(descriptor, "ab", closefd=False) as stream:
                stream.write(data)
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if not size:
        sync_names(path.parent)
    return not size
