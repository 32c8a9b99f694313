"""The journal of decisions: a file for each day in China, a line for each decision, durable before the answer leaves.

It stands where the access log will stand: whoever explains or computes again an answer of the past begins here.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from gateway.decision import decision_moment
from gateway.policy.durable import append_durably
from gateway.policy.in_force import PolicyArchive
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
LOGGER: Final = logging.getLogger("tongban.decisions")

# What is old is told by the days of records, the newest ones left out: a clock that jumps ahead by years makes nothing
# old before it has been wrong on as many days.
SETTLED_DAYS: Final = 7
_FOLDER_MODE: Final = 0o700
_AROUND: Final = (0, 1, -1)  # days: an id may be made a moment before or after midnight


@dataclass(frozen=True, slots=True)
class _Waiting:
    day: date
    line: bytes
    done: "asyncio.Future[None]"


class DecisionJournal:
    """Appends to the files of one folder, which several processes may share; `put` on one event loop."""

    def __init__(self, folder: Path, *, keep_days: int, archive: PolicyArchive | None = None) -> None:
        """Use ``folder``, made on first writing; with each new file old ones are deleted.

        They are kept for ``keep_days``, or for as long as any rule of ``archive`` says, if that is longer.
        """
        self._folder = folder
        self._keep_days = keep_days
        self._archive = archive
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None

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
        """Wait until everything is written that was put, and what is old is deleted."""
        if self._writing is not None:
            await self._writing
        if self._forgetting is not None:
            await self._forgetting

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: SinkUnavailableError | None = SinkUnavailableError("the journal was stopped")
            is_new_day = False
            try:
                by_day: dict[date, list[bytes]] = {}
                for one in batch:
                    by_day.setdefault(one.day, []).append(one.line)
                is_new_day = await asyncio.to_thread(self._append, by_day)
                failure = None
            except OSError as error:
                failure = SinkUnavailableError(error.strerror or type(error).__name__)
            except Exception as error:  # whatever nobody foresaw must not leave answers waiting for ever
                LOGGER.exception("journal of decisions")
                failure = SinkUnavailableError(type(error).__name__)
            finally:
                _tell(batch, failure)
            if is_new_day and (self._forgetting is None or self._forgetting.done()):
                self._forgetting = asyncio.create_task(asyncio.to_thread(self._forget))

    def _append(self, by_day: Mapping[date, list[bytes]]) -> bool:
        """Write what belongs to each day, and return whether one of them is new; raises OSError."""
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        new = [
            append_durably(_file_of(self._folder, day), b"".join(lines), most=MAX_DAY_BYTES)
            for day, lines in by_day.items()
        ]
        return any(new)

    def _forget(self) -> None:
        """Delete what is old; where the archive cannot say how long records are kept, delete nothing."""
        try:
            keep_days = max(self._keep_days, 0 if self._archive is None else self._archive.longest_keep_days())
            days = sorted(_days(self._folder))
            if len(days) > SETTLED_DAYS:
                first = days[-1 - SETTLED_DAYS] - timedelta(days=keep_days)
                for day in days:
                    if day < first:
                        _file_of(self._folder, day).unlink(missing_ok=True)
        except Exception:  # nobody waits for it, and it must not keep the gateway from ending well
            LOGGER.exception("old records of decisions are kept")


def _tell(batch: Iterable[_Waiting], failure: SinkUnavailableError | None) -> None:
    for one in batch:
        if one.done.done():  # whoever waited has gone
            continue
        if failure is None:
            one.done.set_result(None)
        else:
            one.done.set_exception(failure)


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


def _days(folder: Path) -> Iterator[date]:
    """Return the days that there is a file of."""
    for path in folder.glob("*" + SUFFIX):
        with contextlib.suppress(ValueError):
            yield date.fromisoformat(path.stem)


def _lines(path: Path) -> Iterator[bytes]:
    """Read a file line by line, none where there is no file; a line longer than any record comes in pieces."""
    try:
        with path.open("rb") as stream:
            lines: Iterable[bytes] = iter(lambda: stream.readline(MAX_RECORD_BYTES + 2), b"")
            for line in lines:
                yield line.rstrip(b"\n")
    except FileNotFoundError:
        return
