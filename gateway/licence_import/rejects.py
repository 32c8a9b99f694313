"""The file of rejected records beside an input: one JSON object a line, for its owner only, since records are in it."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

SUFFIX: Final = ".rejected.ndjson"
_MODE: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class RejectFile:
    """Rejected records, in order; what stood behind ``length`` is of a batch that is done again."""

    def __init__(self, path: Path, *, length: int) -> None:
        """Open the file, and cut it; raises OSError, also where it is a link."""
        self._path = path
        self._descriptor = os.open(path, _FLAGS, _MODE)
        os.fchmod(self._descriptor, _MODE)
        os.ftruncate(self._descriptor, length)
        self.length = length

    def append(self, records: Iterable[Mapping[str, object]]) -> None:
        """Write records, durably; raises OSError."""
        data = b"".join([json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records])
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], self.length + written)
        if data:
            os.fsync(self._descriptor)
        self.length += len(data)

    def close(self) -> None:
        """Close the file; an empty one is taken away."""
        os.close(self._descriptor)
        if not self.length:
            self._path.unlink(missing_ok=True)


def reject_path(path: Path) -> Path:
    """Return where the rejected records of an input are written."""
    return path.with_name(path.name + SUFFIX)


def holds(path: Path, length: int) -> bool:
    """Answer whether a file still has what was written to it; one of no length need not be there."""
    try:
        return not length or path.stat().st_size >= length
    except FileNotFoundError:
        return False
