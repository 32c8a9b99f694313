"""The signing journal of one key: each use is on disk before the signature exists.

So after a compromise we know everything that was signed here; what carries the key's signature and is not in the
journal was signed by somebody else.
The journal is bounded: a full file is set aside under a number, and the oldest of those is dropped.
That something was dropped shows in the number of the oldest that is left, and that something was lost in the numbers
of the uses: both only grow, by one.
The first file is made with the key. One that is missing later was lost, and is not begun again in silence.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from gateway.durable_folder import sync_names
from gateway.own_keys.lock import hold_lock
from keys.own.errors import OwnKeyError
from keys.own.journal import (
    MAX_LINE_BYTES,
    JournalEntry,
    JournalOpening,
    encode_entry,
    encode_opening,
    parse_entry,
    parse_opening,
)
from keys.own.record import KeyId

MAX_SEGMENT_BYTES: Final = 16 * 1024 * 1024  # some 75,000 uses
MAX_SEGMENTS: Final = 64  # set aside: together 1 GiB, 4.8 million uses
_MODE: Final = 0o600
_FLAGS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS: Final = 0o077  # any right of group or others
_NEXT_SUFFIX: Final = ".next"  # the file that is about to take the place of a full one
_NUMBER_DIGITS: Final = 8
_NEWLINE: Final = b"\n"


class JournalFault(StrEnum):
    """Why a journal cannot be used; then the key does not sign."""

    UNWRITABLE = "journal-unwritable"
    UNREADABLE = "journal-unreadable"
    NOT_A_PLAIN_FILE = "journal-not-a-plain-file"
    OPEN_PERMISSIONS = "journal-open-permissions"
    LOST = "journal-lost"  # no file, none of its lines, or fewer than were written


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
    missing: bool  # a file, the beginning of one, or uses from the middle are gone
    dropped_before: datetime | None  # entries before this moment were dropped at the bound; None: nothing was

    def is_complete(self, since: datetime) -> bool:
        """Say whether every use since the moment was among the entries."""
        dropped = self.dropped_before is not None and self.dropped_before > since
        return not (self.unreadable_lines or self.missing or dropped)


class SigningJournal:
    """The files of one journal; several processes and threads may append at once."""

    def __init__(
        self,
        path: Path,
        *,
        key_id: KeyId,
        lock: Path,
        max_segment_bytes: int = MAX_SEGMENT_BYTES,
        max_segments: int = MAX_SEGMENTS,
    ) -> None:
        """Take where the files are; ``lock`` is the file that the lock of the key lies on (`gateway.own_keys.lock`)."""
        self.path = path
        self._key_id = key_id
        self._lock = lock
        self._max_segment_bytes = max_segment_bytes
        self._max_segments = max_segments
        self._least = 1  # the number that the next use has at least: above the last one that was written here

    def append(self, describe: Callable[[int], JournalEntry]) -> None:
        """Write the entry that ``describe`` makes for the number of the use, and return when it is on disk.

        ``describe`` is called under the lock of the key; what it raises is raised, and nothing is written.

        Raises:
            JournalError: it is not on disk; nothing must be signed then.

        """
        try:
            with hold_lock(self._lock):
                self._finish_turning()
                with self._open(self.path, os.O_RDWR | os.O_APPEND) as stream:
                    number = self._next_number(stream)
                    _write_all(stream, encode_entry(describe(number)))
                    os.fsync(stream)
                    size = os.fstat(stream).st_size
                self._least = number + 1
                if size >= self._max_segment_bytes:
                    self._turn(number + 1)
        except FileNotFoundError as error:
            raise self._failed(JournalFault.LOST, error) from error
        except OSError as error:
            raise self._failed(JournalFault.UNWRITABLE, error) from error

    def read(
        self,
        since: datetime,
        *,
        take: Callable[[JournalEntry], None],
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> JournalReading:
        """Hand the entries at or after ``since`` to ``take`` as they were written; ``progress`` gets (files read, all).

        What is read is the journal of one moment; uses go on meanwhile, where the key may still sign.

        Raises:
            JournalError: a file of it cannot be read.

        """
        try:
            with ExitStack() as stack:
                pages, is_present, dropped = self._open_all(stack)
                tally = _Tally(self._key_id, since, take, expected=None if dropped else 1, missing=not is_present)
                for done, (file, size) in enumerate(pages):
                    progress(done, len(pages))
                    tally.read(file, size, is_last=done == len(pages) - 1)
                progress(len(pages), len(pages))
        except OSError as error:
            raise self._failed(JournalFault.UNREADABLE, error) from error
        return JournalReading(
            uses=tally.uses,
            unreadable_lines=tally.unreadable,
            cut_short=tally.cut_short,
            missing=tally.missing,
            dropped_before=(tally.oldest or datetime.max.replace(tzinfo=UTC)) if dropped else None,
        )

    def _open_all(self, stack: ExitStack) -> tuple[list[tuple[BinaryIO, int]], bool, bool]:
        """Open all files as they are now, oldest first, with their sizes; whether the present is there; any dropped."""
        with hold_lock(self._lock):
            numbered = self._numbered()
            present = next((path for path in (self.path, self._next_path) if os.path.lexists(path)), None)
            pages: list[tuple[BinaryIO, int]] = []
            for path in (*(path for _, path in numbered), *(() if present is None else (present,))):
                file = stack.enter_context(
                    os.fdopen(stack.enter_context(self._open(path, os.O_RDONLY)), "rb", -1, closefd=False)
                )
                pages.append((file, os.fstat(file.fileno()).st_size))
        return pages, present is not None, bool(numbered) and numbered[0][0] > 1

    @contextmanager
    def _open(self, path: Path, access: int) -> Iterator[int]:
        """Open a file that is there, and is a plain file of ours that nobody else may read or write."""
        stream = os.open(path, access | _FLAGS)
        try:
            status = os.fstat(stream)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                raise JournalError(JournalFault.NOT_A_PLAIN_FILE, str(path))
            if status.st_uid not in (os.geteuid(), 0):
                raise JournalError(JournalFault.OPEN_PERMISSIONS, str(path), "it belongs to another user")
            if status.st_mode & _OTHERS:
                raise JournalError(JournalFault.OPEN_PERMISSIONS, str(path), f"mode {stat.S_IMODE(status.st_mode):04o}")
            yield stream
        finally:
            os.close(stream)

    def _next_number(self, stream: int) -> int:
        """Return the number of the next use, by the last line that can be read; damage behind it is the reader's."""
        size = _drop_broken_end(stream, os.fstat(stream).st_size)
        for span in (MAX_LINE_BYTES + 1, self._max_segment_bytes + MAX_LINE_BYTES):
            start = max(0, size - span)
            for line in reversed(os.pread(stream, size - start, start).split(_NEWLINE)):
                number = _number_after(line, self._key_id)
                if number is not None:
                    if number < self._least:
                        detail = f"use {self._least} was expected, got {number}"
                        raise JournalError(JournalFault.LOST, str(self.path), detail)
                    return number
        raise JournalError(JournalFault.LOST, str(self.path), "none of its lines can be read")

    @property
    def _next_path(self) -> Path:
        return self.path.with_name(self.path.name + _NEXT_SUFFIX)

    def _turn(self, first: int) -> None:
        """Set the full file aside under the next number, begin another, and drop the oldest beyond the bound."""
        numbered = self._numbered()
        number = numbered[-1][0] + 1 if numbered else 1
        # The new file is on disk before the full one moves: without either, the journal would count as lost.
        self._next_path.unlink(missing_ok=True)
        stream = os.open(self._next_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, _MODE)
        try:
            os.fchmod(stream, _MODE)  # whatever the umask took away
            _write_all(stream, encode_opening(JournalOpening(key_id=self._key_id, first=first)))
            os.fsync(stream)
        finally:
            os.close(stream)
        sync_names(self.path.parent)
        self.path.rename(self.path.with_name(f"{self.path.name}.{number:0{_NUMBER_DIGITS}d}"))
        self._next_path.rename(self.path)
        for _, path in numbered[: max(0, len(numbered) + 1 - self._max_segments)]:
            path.unlink()
        sync_names(self.path.parent)

    def _finish_turning(self) -> None:
        """Put the new file in its place where a crash between the two renames left it aside."""
        if not os.path.lexists(self.path) and os.path.lexists(self._next_path):
            self._next_path.rename(self.path)
            sync_names(self.path.parent)

    def _numbered(self) -> list[tuple[int, Path]]:
        """Return the files that were set aside, oldest first."""
        prefix = self.path.name + "."
        found = []
        for path in self.path.parent.iterdir():
            number = path.name.removeprefix(prefix)
            if path.name.startswith(prefix) and len(number) == _NUMBER_DIGITS and number.isascii() and number.isdigit():
                found.append((int(number), path))
        return sorted(found)

    def _failed(self, fault: JournalFault, error: OSError) -> JournalError:
        return JournalError(fault, str(self.path), error.strerror or type(error).__name__)


@dataclass(slots=True)
class _Tally:
    """What was read so far; ``expected`` is the number of the next use, None before the first file that is left."""

    key_id: KeyId
    since: datetime
    take: Callable[[JournalEntry], None]
    expected: int | None
    missing: bool
    uses: int = 0
    unreadable: int = 0
    cut_short: bool = False
    oldest: datetime | None = field(default=None)

    def read(self, file: BinaryIO, size: int, *, is_last: bool) -> None:
        """Read one file up to ``size``, each line cut so that none fills the memory."""
        begun = False
        while size > 0 and (line := file.readline(min(size, MAX_LINE_BYTES + 2))):
            size -= len(line)
            if begun and is_last and not line.endswith(_NEWLINE) and len(line) <= MAX_LINE_BYTES:
                self.cut_short = True
            elif begun or not self._begin(line.rstrip(_NEWLINE)):
                self._add(line.rstrip(_NEWLINE))
            begun = True
        self.missing |= not begun

    def _begin(self, line: bytes) -> bool:
        """Take the first line of a file, and return whether it is one as it should be."""
        opening = _parse_opening(line, self.key_id)
        if opening is None:
            self.missing = True
            return False
        self._expect(opening.first)
        self.expected = opening.first
        return True

    def _add(self, line: bytes) -> None:
        entry = _parse_entry(line, self.key_id)
        if entry is None:
            self.unreadable += 1
            return
        self._expect(entry.number)
        self.expected = entry.number + 1
        self.oldest = entry.at if self.oldest is None else min(self.oldest, entry.at)
        if entry.at >= self.since:
            self.uses += 1
            self.take(entry)

    def _expect(self, number: int) -> None:
        self.missing |= self.expected not in (None, number)


def _parse_entry(line: bytes, key_id: KeyId) -> JournalEntry | None:
    try:
        entry = parse_entry(line)
    except OwnKeyError:
        return None
    return entry if entry.key_id == key_id else None


def _parse_opening(line: bytes, key_id: KeyId) -> JournalOpening | None:
    try:
        opening = parse_opening(line)
    except OwnKeyError:
        return None
    return opening if opening.key_id == key_id else None


def _number_after(line: bytes, key_id: KeyId) -> int | None:
    """Return the number of the use that follows this line; None: it cannot be read."""
    entry = _parse_entry(line, key_id)
    if entry is not None:
        return entry.number + 1
    opening = _parse_opening(line, key_id)
    return None if opening is None else opening.first


def _drop_broken_end(stream: int, size: int) -> int:
    """Cut off a last line without an end and return the size: its writer failed before it signed anything."""
    start = max(0, size - MAX_LINE_BYTES)
    end = os.pread(stream, size - start, start)
    if not end or end.endswith(_NEWLINE):
        return size
    kept = end.rfind(_NEWLINE) + 1
    if not kept:  # no line of ours is that long, or first: damage from elsewhere, kept apart from what follows
        _write_all(stream, _NEWLINE)
        return size + 1
    os.ftruncate(stream, start + kept)
    return start + kept


def _write_all(stream: int, data: bytes) -> None:
    """Write all bytes; a disk that is full takes some of them and fails on the rest."""
    view = memoryview(data)
    while view:
        view = view[os.write(stream, view) :]
