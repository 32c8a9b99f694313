"""The second copy of the log's head, in a small file: what a database brought back from a backup cannot know.

It is written after each commit, while the waiters are told, and before the next commit: at most the last batch is
not in it. So a store that lost only that batch, in the moment before the second head was written, passes unnoticed.
The file has two slots that take turns, each with its own hash: a write that was cut short leaves the slot before it.
While it is open, nobody else can open it: a log has one writer.
"""

import fcntl
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.tlog.spelling import encode_base64, parse_hash, parse_number
from gateway.audit.unavailable import LogUnavailableError, Unavailable, reason_of
from gateway.durable_folder import sync_folder

SLOT_SIZE: Final = 512  # bytes; what disks write whole, and room for an origin of 255 bytes
_SLOTS: Final = 2
MAX_HEAD: Final = _SLOTS * SLOT_SIZE + 1  # bytes that are looked at; one more than there are
_MAGIC: Final = "tongban log head v1"
_LINES: Final = 5
_MODE: Final = 0o600
DAMAGED_HEAD: Final = "one of two slots was damaged: a write was cut short, or somebody changed it; the other is used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What was acknowledged: the size and the root of a tree."""

    origin: str
    size: int
    root: bytes


def encode_slot(head: Head) -> bytes:
    """Write a slot: five lines, the hash of the four before as the last, and zeros; ValueError for a long origin."""
    text = f"{_MAGIC}\n{head.origin}\n{head.size}\n{encode_base64(head.root)}\n".encode()
    slot = text + encode_base64(sha256(text).digest()).encode() + b"\n"
    if len(slot) > SLOT_SIZE or head.origin.count("\n"):
        raise ValueError("an origin of one line that fits was expected")
    return slot.ljust(SLOT_SIZE, b"\0")


def parse_slot(slot: bytes) -> Head | None:
    """Read a slot; None for one that was never written whole, or was damaged."""
    try:
        lines = slot.rstrip(b"\0").decode().split("\n")
        if len(lines) != _LINES + 1 or lines[0] != _MAGIC:
            return None
        head = Head(origin=lines[1], size=parse_number(lines[2], "the size"), root=parse_hash(lines[3], "the root"))
        return head if encode_slot(head) == slot else None
    except (UnicodeDecodeError, MalformedLogDataError, ValueError):
        return None


def is_damaged(data: bytes) -> bool:
    """Answer whether a slot of a file was written, and is not whole."""
    return any(any(slot) and parse_slot(slot) is None for slot in _slots_of(data))


def _slots_of(data: bytes) -> list[bytes]:
    return [data[at : at + SLOT_SIZE] for at in range(0, len(data), SLOT_SIZE)]


class HeadFile:
    """The file, open and locked until it is closed."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open and lock the file; ``create`` makes it where it is missing, which is right for an empty log only.

        Raises:
            LogUnavailableError: HEAD_LOST without a file, SECOND_WRITER while somebody has it open, HEAD_UNREADABLE
                when it cannot be read or no slot of it is whole, and READ_ONLY.

        """
        self._path = path
        try:
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            access = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_CREAT if create else 0)
            self._file = os.open(path, access, _MODE)
        except FileNotFoundError as error:
            raise LogUnavailableError(Unavailable.HEAD_LOST, str(path)) from error
        except OSError as error:
            raise self._failed(error, Unavailable.HEAD_UNREADABLE) from error
        try:
            self._lock()
            self.head, self.damaged = self._read()
        except BaseException:
            os.close(self._file)
            raise
        self._next = 0 if self.head is None else (self._place + 1) % _SLOTS

    def write(self, head: Head) -> None:
        """Write the head in the slot of the older one, and return when it is on disk.

        Raises:
            LogUnavailableError: DISK_FULL, READ_ONLY, WRITE_FAILED or SYNC_FAILED; what is on disk then is one of both.

        """
        try:
            slot = encode_slot(head)
            if os.pwrite(self._file, slot, self._next * SLOT_SIZE) != SLOT_SIZE:
                raise LogUnavailableError(Unavailable.WRITE_FAILED, str(self._path))
        except OSError as error:
            raise self._failed(error, Unavailable.WRITE_FAILED) from error
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise self._failed(error, Unavailable.SYNC_FAILED) from error
        self.head, self._next = head, (self._next + 1) % _SLOTS

    def close(self) -> None:
        """Let others open it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LogUnavailableError(Unavailable.SECOND_WRITER, str(self._path)) from error

    def _read(self) -> tuple[Head | None, bool]:
        """Return the head, None for an empty file, and whether a slot is damaged; remember where the head stands."""
        try:
            data = os.pread(self._file, MAX_HEAD, 0)
        except OSError as error:
            raise self._failed(error, Unavailable.HEAD_UNREADABLE) from error
        if not any(data):  # new, or made by somebody who died before it was written
            self._make_durable()
            return None, False
        heads = [parse_slot(slot) for slot in _slots_of(data)]
        whole = [(head.size, place) for place, head in enumerate(heads) if head is not None]
        if not whole:
            raise LogUnavailableError(Unavailable.HEAD_UNREADABLE, str(self._path))
        self._place = max(whole)[1]
        return heads[self._place], is_damaged(data)

    def _make_durable(self) -> None:
        """Give a new file its size and its name for good, so that later writes change nothing but content."""
        try:
            os.pwrite(self._file, bytes(_SLOTS * SLOT_SIZE), 0)
            os.fsync(self._file)
            sync_folder(self._path.parent)
        except OSError as error:
            raise self._failed(error, Unavailable.WRITE_FAILED) from error

    def _failed(self, error: OSError, otherwise: Unavailable) -> LogUnavailableError:
        return LogUnavailableError(
            reason_of(error, otherwise), f"{self._path}: {error.strerror or type(error).__name__}"
        )
