"""The last good answers on disk: written aside and put in place in one step; verified again by whoever reads them.

One file for each part of a source: a line of JSON (when it was confirmed, the measured skew, what it is about), then
the answer as it was received.
"""

import base64
import binascii
import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

_SUFFIX: Final = ".status"
_SEQUENCE_FILE: Final = "sequence"
_MAX_HEADER: Final = 128 * 1024  # bytes of the first line: a certificate in base64 and two times
_MAX_BODY: Final = 256 * 1024 * 1024  # the bound of the readers
_MAX_SEQUENCE: Final = 20  # digits
_SAFE: Final = re.compile(r"[0-9A-Za-z._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer, when its source last confirmed it, and what was known besides; ``about`` is a DER certificate."""

    body: bytes
    confirmed_at: datetime
    skew: timedelta | None = None
    about: bytes | None = None


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    confirmed_at: datetime
    skew_seconds: float | None
    about: str | None


class Shelf:
    """A folder of kept answers; every method blocks, and raises OSError when the folder cannot be used."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first writing."""
        self._folder = folder

    def read(self, source: str) -> dict[str, KeptAnswer]:
        """Return the kept parts of a source by name; files that cannot be read as such are passed over."""
        found: dict[str, KeptAnswer] = {}
        place = self._folder / _file_name(source)
        if not place.is_dir():
            return found
        for path in sorted(place.glob(f"*{_SUFFIX}")):
            kept = _read_file(path)
            if kept is not None:
                found[path.name.removesuffix(_SUFFIX)] = kept
        return found

    def write(self, source: str, part: str, kept: KeptAnswer) -> None:
        """Keep an answer in place of the earlier one."""
        header = _Header(
            confirmed_at=kept.confirmed_at.astimezone(UTC),
            skew_seconds=None if kept.skew is None else kept.skew.total_seconds(),
            about=None if kept.about is None else base64.b64encode(kept.about).decode(),
        )
        path = self._folder / _file_name(source) / (_file_name(part) + _SUFFIX)
        _replace(path, msgspec.json.encode(header) + b"\n", kept.body)

    def remove(self, source: str, part: str) -> None:
        """Forget a part, if it was kept."""
        (self._folder / _file_name(source) / (_file_name(part) + _SUFFIX)).unlink(missing_ok=True)

    def read_sequence(self) -> int:
        """Return the last sequence number that was given out; 0 before the first."""
        try:
            with (self._folder / _SEQUENCE_FILE).open("rb") as stream:
                text = stream.read(_MAX_SEQUENCE + 1).strip()
        except FileNotFoundError:
            return 0
        return int(text) if text.isdigit() and len(text) <= _MAX_SEQUENCE else 0

    def write_sequence(self, sequence: int) -> None:
        """Keep the last sequence number."""
        _replace(self._folder / _SEQUENCE_FILE, str(sequence).encode())


def _file_name(name: str) -> str:
    """Return a name that is one plain component of a path, whatever the site calls a source."""
    if not _SAFE.fullmatch(name) or name.startswith("."):
        return hashlib.sha256(name.encode()).hexdigest()
    return name


def _read_file(path: Path) -> KeptAnswer | None:
    try:
        with path.open("rb") as stream:
            line = stream.readline(_MAX_HEADER)
            body = stream.read(_MAX_BODY + 1)
        header = msgspec.json.decode(line, type=_Header)
        about = None if header.about is None else base64.b64decode(header.about, validate=True)
        skew = None if header.skew_seconds is None else timedelta(seconds=header.skew_seconds)
    except (OSError, msgspec.MsgspecError, binascii.Error, OverflowError, ValueError):
        return None
    if len(body) > _MAX_BODY or header.confirmed_at.tzinfo is None:
        return None
    return KeptAnswer(body=body, confirmed_at=header.confirmed_at, skew=skew, about=about)


def _replace(path: Path, *parts: bytes) -> None:
    """Write aside, make it durable, put it in place; a crash leaves the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for part in parts:
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())
        Path(aside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(aside).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
