"""The signing journal of one key: each use is on disk before the signature exists.

So after a compromise we know everything that was signed here; what carries the key's signature and is not in the
journal was signed by somebody else.
The journal is bounded: a full file is set aside under a number, and the oldest of those is dropped.
That something was dropped shows in the number of the oldest that is left: numbers only grow.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Final

from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.journal import MAX_LINE_BYTES, JournalEntry, encode_entry, make_entry, parse_entry
from keys.own.record import KeyAlgorithm, KeyId, OwnKey
from keys.own.signer import Signer

MAX_SEGMENT_BYTES: Final = 16 * 1024 * 1024  # some 85,000 uses
MAX_SEGMENTS: Final = 64  # set aside: together 1 GiB, 5.5 million uses
_MODE: Final = 0o600
_FLAGS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NUMBER_DIGITS: Final = 8
_NEWLINE: Final = b"\n"


class JournalFault(StrEnum):
    """Why a journal cannot be used; then the key does not sign."""

    UNWRITABLE = "journal-unwritable"
    UNREADABLE = "journal-unreadable"
    NOT_A_PLAIN_FILE = "journal-not-a-plain-file"
    OPEN_PERMISSIONS = "journal-open-permissions"


class JournalError(Exception):
    """The journal cannot be used; ``place`` is its file."""

    def __init__(self, fault: JournalFault, place: str, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (place, str(fault), detail))))
        self.fault = fault
        self.place = place
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReading:
    """What a journal holds since a moment, and whether that is all there ever was."""

    uses: int  # at or after the moment
    unreadable_lines: int  # damaged, or of another key
    cut_short: bool  # the last line has no end: a crash while it was written, so before that signature existed
    missing: bool  # no file at all, or one from the middle is gone
    dropped_before: datetime | None  # entries before this moment were dropped at the bound; None: nothing was

    def is_complete(self, since: datetime) -> bool:
        """Say whether every use since the moment was among the entries."""
        dropped = self.dropped_before is not None and self.dropped_before > since
        return not (self.unreadable_lines or self.missing or dropped)


class SigningJournal:
    """The files of one journal; several processes and threads may append at once."""

    def __init__(
        self, path: Path, *, max_segment_bytes: int = MAX_SEGMENT_BYTES, max_segments: int = MAX_SEGMENTS
    ) -> None:
        self.path = path
        self._max_segment_bytes = max_segment_bytes
        self._max_segments = max_segments

    def append(self, entry: JournalEntry) -> None:
        """Write an entry and return when it is on disk.

        Raises:
            JournalError: it is not; nothing must be signed then.

        """
        line = encode_entry(entry)
        try:
            with self._locked() as stream:
                size = _drop_broken_end(stream, os.fstat(stream).st_size)
                _write_all(stream, line)
                os.fsync(stream)
                if size == 0:
                    self._sync_folder()
                if size + len(line) >= self._max_segment_bytes:
                    self._set_aside()
        except OSError as error:
            raise self._failed(JournalFault.UNWRITABLE, error) from error

    def read(
        self,
        since: datetime,
        key_id: KeyId,
        *,
        take: Callable[[JournalEntry], None],
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> JournalReading:
        """Hand the entries at or after ``since`` to ``take`` as they were written; ``progress`` gets (files read, all).

        Raises:
            JournalError: a file of it cannot be read.

        """
        uses, unreadable, cut_short = 0, 0, False
        oldest: datetime | None = None
        try:
            numbered = self._numbered()
            files = [path for _, path in numbered]
            if os.path.lexists(self.path):
                files.append(self.path)
            for done, path in enumerate(files):
                progress(done, len(files))
                for line in self._lines(path):
                    if path == self.path and not line.endswith(_NEWLINE) and len(line) <= MAX_LINE_BYTES:
                        cut_short = True
                        continue
                    entry = _parse(line.rstrip(_NEWLINE), key_id)
                    if entry is None:
                        unreadable += 1
                        continue
                    oldest = entry.at if oldest is None else min(oldest, entry.at)
                    if entry.at >= since:
                        uses += 1
                        take(entry)
            progress(len(files), len(files))
        except OSError as error:
            raise self._failed(JournalFault.UNREADABLE, error) from error
        dropped = bool(numbered) and numbered[0][0] > 1
        return JournalReading(
            uses=uses,
            unreadable_lines=unreadable,
            cut_short=cut_short,
            missing=not files or any(later != earlier + 1 for (earlier, _), (later, _) in pairwise(numbered)),
            dropped_before=(oldest or datetime.max.replace(tzinfo=UTC)) if dropped else None,
        )

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the present file under its lock; again when another process set it aside while we waited."""
        while True:
            stream = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _FLAGS, _MODE)
            try:
                self._check(os.fstat(stream), self.path)
                fcntl.flock(stream, fcntl.LOCK_EX)
                if self._is_present(stream):
                    yield stream
                    return
            finally:
                os.close(stream)

    def _is_present(self, stream: int) -> bool:
        try:
            present = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        opened = os.fstat(stream)
        return (present.st_dev, present.st_ino) == (opened.st_dev, opened.st_ino)

    def _set_aside(self) -> None:
        """Give the full file the next number, and drop the oldest beyond the bound."""
        numbered = self._numbered()
        number = numbered[-1][0] + 1 if numbered else 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{number:0{_NUMBER_DIGITS}d}"))
        for _, path in numbered[: max(0, len(numbered) + 1 - self._max_segments)]:
            path.unlink()
        self._sync_folder()

    def _numbered(self) -> list[tuple[int, Path]]:
        """Return the files that were set aside, oldest first."""
        prefix = self.path.name + "."
        found = []
        for path in self.path.parent.iterdir():
            number = path.name.removeprefix(prefix)
            if path.name.startswith(prefix) and len(number) == _NUMBER_DIGITS and number.isascii() and number.isdigit():
                found.append((int(number), path))
        return sorted(found)

    def _lines(self, path: Path) -> Iterator[bytes]:
        """Yield the lines of one file, the longest cut so that no line fills the memory."""
        stream = os.open(path, os.O_RDONLY | _FLAGS)
        with os.fdopen(stream, "rb") as file:
            self._check(os.fstat(stream), path)
            while line := file.readline(MAX_LINE_BYTES + 2):
                yield line

    def _check(self, status: os.stat_result, path: Path) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise JournalError(JournalFault.NOT_A_PLAIN_FILE, str(path))
        if status.st_uid not in (os.geteuid(), 0):
            raise JournalError(JournalFault.OPEN_PERMISSIONS, str(path), "it belongs to another user")
        if status.st_mode & 0o022:  # others may read digests, never write
            raise JournalError(JournalFault.OPEN_PERMISSIONS, str(path), f"mode {stat.S_IMODE(status.st_mode):04o}")

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _failed(self, fault: JournalFault, error: OSError) -> JournalError:
        return JournalError(fault, str(self.path), error.strerror or type(error).__name__)


class JournalledSigner:
    """A signer that signs only while its key may, and only what its journal has taken."""

    __slots__ = ("_clock", "_journal", "_key", "_lock", "_signer", "algorithm", "key_id", "public_key")

    algorithm: KeyAlgorithm
    key_id: KeyId
    public_key: bytes

    def __init__(self, signer: Signer, *, key: OwnKey, journal: SigningJournal, clock: Callable[[], datetime]) -> None:
        """Take the signer of exactly this key.

        Raises:
            OwnKeyError: KEY_MISMATCH.

        """
        if signer.public_key != key.record.public_key:
            raise OwnKeyError(OwnKeyFault.KEY_MISMATCH)
        self._signer = signer
        self._key = key
        self._journal = journal
        self._clock = clock
        self._lock = Lock()
        self.algorithm, self.key_id, self.public_key = signer.algorithm, signer.key_id, signer.public_key

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message.

        Raises:
            OwnKeyError: NOT_ACTIVE, DEVICE.
            JournalError: the use could not be written down, so nothing was signed.

        """
        now = self._clock()
        if not self._key.may_sign(now):
            raise OwnKeyError(OwnKeyFault.NOT_ACTIVE, f"key {self.key_id} is {self._key.phase(now)}")
        entry = make_entry(at=now, key_id=self.key_id, purpose=self._key.record.purpose, message=message)
        with self._lock:
            self._journal.append(entry)
        return self._signer.sign(message)


def _parse(line: bytes, key_id: KeyId) -> JournalEntry | None:
    try:
        entry = parse_entry(line)
    except OwnKeyError:
        return None
    return entry if entry.key_id == key_id else None


def _drop_broken_end(stream: int, size: int) -> int:
    """Cut off a last line without an end and return the size: its writer failed before it signed anything."""
    start = max(0, size - MAX_LINE_BYTES)
    end = os.pread(stream, size - start, start)
    if not end or end.endswith(_NEWLINE):
        return size
    kept = end.rfind(_NEWLINE) + 1
    if not kept and start:  # no line of ours is that long: damage from elsewhere, kept apart from what follows
        _write_all(stream, _NEWLINE)
        return size + 1
    os.ftruncate(stream, start + kept)
    return start + kept


def _write_all(stream: int, data: bytes) -> None:
    """Write all bytes; a disk that is full takes some of them and fails on the rest."""
    view = memoryview(data)
    while view:
        view = view[os.write(stream, view) :]
