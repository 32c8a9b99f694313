"""How the log of a site stands now, for operators."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.audit.book.site_log import SiteLog
from gateway.audit.unavailable import LogUnavailableError
from gateway.ended import look_at


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The shard that is written, None where nobody can tell; its entries; why the log takes nothing, None: it does."""

    shard: str | None
    size: int
    stopped: LogUnavailableError | None


Place = tuple[str, int]  # a shard and its entries
InThread = Callable[[Callable[[], Place]], Awaitable[Place]]  # does a piece of work in a thread


async def read_report(log: SiteLog, *, in_thread: InThread = asyncio.to_thread) -> LogReport:
    """Read how a log stands; one that cannot be read is told as one that takes nothing."""
    try:
        shard, size = await in_thread(lambda: _read(log))
    except LogUnavailableError as error:
        return LogReport(shard=None, size=0, stopped=log.stopped or error)
    return LogReport(shard=shard, size=size, stopped=log.stopped)


class LogReports:
    """Reports for anybody: one is read at a time, and shared by all who ask meanwhile; for one event loop."""

    def __init__(self, log: SiteLog, in_thread: InThread) -> None:
        """Read in threads of which the log needs none to be written: reading may hang."""
        self._log: Final = log
        self._in_thread: Final = in_thread
        self._reading: asyncio.Task[LogReport] | None = None

    async def read(self) -> LogReport:
        """Return the report that is being read, or read one."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(read_report(self._log, in_thread=self._in_thread))
            self._reading.add_done_callback(look_at)
        return await asyncio.shield(self._reading)


def _read(log: SiteLog) -> Place:
    reader = log.reader()
    head = reader.head()
    return reader.origin.rpartition("/")[2], 0 if head is None else head.size
