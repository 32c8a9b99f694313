"""A log of one half-year, to forget people in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader

SHARD = "2026h2"


class OneShard:
    """The half-years of a log that has just begun."""

    def __init__(self, log: AccessLog) -> None:
        """Have this one."""
        self._log = log

    def shards(self) -> tuple[str, ...]:
        """Return its name."""
        return (SHARD,)

    def reader(self, shard: str | None = None) -> LogReader:
        """Return it."""
        assert shard in {None, SHARD}
        return self._log

    @asynccontextmanager
    async def writable(self, shard: str) -> AsyncIterator[AccessLog]:
        """Give it out, and leave it open."""
        assert shard == SHARD
        yield self._log
