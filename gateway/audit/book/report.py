"""How the log of a site stands now, for operators."""

import asyncio
from dataclasses import dataclass

from gateway.audit.book.site_log import SiteLog
from gateway.audit.unavailable import LogUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The shard that is written, None where nobody can tell; its entries; why the log takes nothing, None: it does."""

    shard: str | None
    size: int
    stopped: LogUnavailableError | None


async def read_report(log: SiteLog) -> LogReport:
    """Read how a log stands; one that cannot be read is told as one that takes nothing."""
    try:
        shard, size = await asyncio.to_thread(_read, log)
    except LogUnavailableError as error:
        return LogReport(shard=None, size=0, stopped=log.stopped or error)
    return LogReport(shard=shard, size=size, stopped=log.stopped)


def _read(log: SiteLog) -> tuple[str, int]:
    reader = log.reader()
    head = reader.head()
    return reader.origin.rpartition("/")[2], 0 if head is None else head.size
