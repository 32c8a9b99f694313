"""The journal of decisions: a file for each day in China, a line for each decision, durable before the answer leaves.

It stands where the access log will stand: whoever explains or computes again an answer of the past begins here.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from gateway.decision import decision_moment
from gateway.policy.moment import china_day
from gateway.policy.record import (
    MAX_RECORD_BYTES,
    DecisionRecord,
    RecordError,
    SinkUnavailableError,
    encode_record,
    parse_record,
)

DECISIONS_STATE: Final = "decisions"  # inside the state folder of a site
SUFFIX: Final = ".jsonl"
MAX_DAY_BYTES: Final = 4 * 1024**3  # ten million decisions of 400 bytes: more is no day of one gateway
MAX_WAITING: Final = 10_000  # decisions that wait for the disk; some seconds of work, about 10 MB
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_AROUND: Final = (0, 1, -1)  # days: an id may be made a moment before or after midnight


@dataclass(frozen=True, slots=True)
class _Waiting:
    day: date
    line: bytes
    done: "asyncio.Future[None]"


class DecisionJournal:
    """Appends to the files of one folder, which several processes may share; `put` on one event loop."""

    def __init__(self, folder: Path, *, keep_days: int) -> None:
        """Use ``folder``, made on first writing; files older than ``keep_days`` are deleted with each new one."""
        self._folder = folder
        self._keep_days = keep_days
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, record: DecisionRecord) -> None:
        """Return when the record is durable; what waits together is written together.

        Raises:
            SinkUnavailableError: it cannot be written, or too many wait.

        """
        if len(self._waiting) >= MAX_WAITING:
            raise SinkUnavailableError(f"{MAX_WAITING} records wait for the disk")
        waiting = _Waiting(
            china_day(record.at), encode_record(record) + b"\n", asyncio.get_running_loop().create_future()
        )
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await waiting.done

    async def close(self) -> None:
        """Wait until everything is written that was put."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            by_day: dict[date, list[bytes]] = {}
            for one in batch:
                by_day.setdefault(one.day, []).append(one.line)
            failure = await asyncio.to_thread(self._append, by_day)
            for one in batch:
                if one.done.done():  # whoever waited has gone
                    continue
                if failure is None:
                    one.done.set_result(None)
                else:
                    one.done.set_exception(failure)

    def _append(self, by_day: Mapping[date, list[bytes]]) -> SinkUnavailableError | None:
        try:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            for day, lines in by_day.items():
                path = _file_of(self._folder, day)
                is_new = not path.exists()
                _append_durably(path, b"".join(lines))
                if is_new:
                    _sync_folder(self._folder)
                    self._forget_before(day - timedelta(days=self._keep_days))
        except OSError as error:
            return SinkUnavailableError(error.strerror or type(error).__name__)
        return None

    def _forget_before(self, day: date) -> None:
        for path in self._folder.glob("*" + SUFFIX):
            with contextlib.suppress(ValueError):
                if date.fromisoformat(path.stem) < day:
                    path.unlink(missing_ok=True)


def find_decision(folder: Path, decision: str) -> DecisionRecord | None:
    """Return the record of this decision from a journal; None when there is none. It blocks.

    Raises:
        ValueError: this is no id of a decision.
        OSError: the journal cannot be read.

    """
    day = china_day(decision_moment(decision))
    mark = f'"{decision}"'.encode("ascii")
    for away in _AROUND:
        for line in _lines(_file_of(folder, day + timedelta(days=away))):
            if mark not in line:
                continue
            with contextlib.suppress(RecordError):  # half a line of a crash
                record = parse_record(line)
                if record.decision == decision:
                    return record
    return None


class RememberedDecisions:
    """A sink in memory for a site that has no folder; it keeps the last ones."""

    def __init__(self, most: int = 1_000) -> None:
        """Keep ``most`` records."""
        self.records: list[DecisionRecord] = []
        self._most = most

    async def put(self, record: DecisionRecord) -> None:
        """Keep the record."""
        self.records = [*self.records[1 - self._most :], record]

    async def close(self) -> None:
        """Do nothing."""


def _file_of(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}{SUFFIX}"


def _append_durably(path: Path, data: bytes) -> None:
    """Append all of it or nothing: other processes wait meanwhile, and what was written halfway is taken back."""
    descriptor = os.open(path, _FLAGS, _FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # a machine that died left half a line
        if size + len(data) > MAX_DAY_BYTES:
            raise OSError(errno.EFBIG, "the journal of this day is full")
        try:
            with os.fdopen(descriptor, "ab", closefd=False) as stream:
                stream.write(data)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(path: Path) -> Iterator[bytes]:
    """Read a file line by line, none where there is no file; a line longer than any record comes in pieces."""
    try:
        with path.open("rb") as stream:
            lines: Iterable[bytes] = iter(lambda: stream.readline(MAX_RECORD_BYTES + 2), b"")
            for line in lines:
                yield line.rstrip(b"\n")
    except FileNotFoundError:
        return
