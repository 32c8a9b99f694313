"""What the process that writes the log does beside writing: it turns the half-year, seals days, ends retention.

Whatever fails is logged and counted, and tried again at the next look (retention of a shard: the next day); it ends
nothing.

A gateway that is not ready is asked nothing, so no question finds that the log takes entries again: the keeper does,
in a task of its own, since a look may take minutes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from gateway.audit.book.book import LogBook
from gateway.audit.book.report import read_report
from gateway.audit.book.retaining import ReadRetention, RetainedShard, retain_shard
from gateway.audit.errors import AuditError
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.seal.days import SealedEnd, find_due_days, find_sealed_end, seal_due_days
from gateway.audit.unavailable import LogUnavailableError

LOOK_SECONDS: Final = 30.0  # a day is sealed, and a half-year turned without an entry, at most so much later
PROBE_SECONDS: Final = 2.0  # a gateway is ready again at most so much later than its log
PROBE: Final = "probe"
TURN: Final = "turn"
SEAL: Final = "seal"
RETAIN: Final = "retain"

Clock = Callable[[], datetime]
Failed = Callable[[str], None]  # takes the name of a chore
Chore = Callable[[datetime], Awaitable[None]]

_LOG: Final = logging.getLogger(__name__)


class BookKeeper:
    """Two tasks beside an open book."""

    def __init__(self, book: LogBook, *, clock: Clock, read_retention: ReadRetention, failed: Failed) -> None:
        """Keep a book; ``failed`` counts what did not work."""
        self._book = book
        self._clock = clock
        self._read_retention = read_retention
        self._failed = failed
        self._retained_on: date | None = None
        self._owing: set[str] | None = None  # shards whose files may hold what was removed; None: nobody knows yet
        self._ends: dict[str, SealedEnd] = {}  # how far half-years are sealed
        self._has_resumed = False  # since the log stood well
        self._is_ending = False
        self._chores: dict[str, Chore] = {TURN: self._turn, SEAL: self._seal, RETAIN: self._retain}

    def add(self, name: str, chore: Chore) -> None:
        """Do this too at every look, after the others; it raises AuditError or OSError where it did not work."""
        self._chores[name] = chore

    async def run(self) -> None:
        """Look until cancelled, for the first time after a while: opening a book turns it if that is due.

        What is under way then is finished: the book is closed next, and must not be under a thread that deletes.
        Nothing else is begun, no other chore and no other shard: to purge one takes a minute while a backup runs.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat(self.probe, PROBE_SECONDS))
                group.create_task(self._repeat(self.look, LOOK_SECONDS))
        finally:
            self._is_ending = False

    async def probe(self) -> None:
        """Where the log takes nothing, try whether it does again."""
        await self._do(PROBE, self._probe)

    async def look(self) -> None:
        """Do every chore once."""
        for name, chore in self._chores.items():
            if not self._is_ending:
                await self._do(name, chore)

    async def _do(self, name: str, chore: Chore) -> None:
        try:
            await chore(self._clock())
        except (AuditError, OSError) as error:
            _LOG.error("the access log: %s failed: %s", name, error)
            self._failed(name)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the chores to come
            _LOG.error("the access log: %s failed: %s", name, type(error).__name__)
            self._failed(name)

    async def _probe(self, _: datetime) -> None:
        if (await read_report(self._book)).stopped is None:
            self._has_resumed = False
            return
        if self._book.stopped is None and self._has_resumed:
            return  # entries are taken, and what fails is reading
        try:
            await self._book.resume()
        except LogUnavailableError:  # readiness and metrics say so
            return
        self._has_resumed = True
        _LOG.warning("the access log takes entries again")

    async def _turn(self, _: datetime) -> None:
        await self._book.turn()

    async def _seal(self, at: datetime) -> None:
        """Seal what is due in the shard that is written, and in the one before it, whose last day ends with it."""
        for shard in (await asyncio.to_thread(self._book.shards))[-2:]:
            if await asyncio.to_thread(self._is_due, shard, at):
                async with self._book.writable(shard) as log:
                    for receipt in await seal_due_days(log, at):
                        _LOG.info("the access log: a day of %s was sealed by entry %d", receipt.log, receipt.index)

    def _is_due(self, shard: str, at: datetime) -> bool:
        log, now_ms = self._book.reader(shard), int(at.timestamp() * 1000)
        self._ends[shard] = sealed = find_sealed_end(log, now_ms, self._ends.get(shard))
        return any(True for _ in find_due_days(log, now_ms, sealed))

    async def _retain(self, at: datetime) -> None:
        """Once a day, and once after a start; a shard that fails keeps no other from it.

        What removed nothing may still owe a purge that failed, of a process before this one too. Those of the shard
        that is written are left to who removed it: to write its key table anew keeps writers waiting.
        """
        if self._retained_on == at.date():
            return
        retention = await asyncio.to_thread(self._read_retention)
        shards = await asyncio.to_thread(self._book.shards)
        if self._owing is None:
            self._owing = set(shards[:-1])
        for shard in shards:
            if self._is_ending:
                return
            await self._do(RETAIN, partial(self._retain_shard, self._owing, shard, retention))
        self._retained_on = at.date()

    async def _retain_shard(self, owing: set[str], shard: str, retention: Retention, at: datetime) -> None:
        owes_purge = shard in owing
        owing.add(shard)  # whatever fails now
        done = await retain_shard(self._book, shard, retention, at=at, owes_purge=owes_purge)
        tell_retained(done)
        if done.purged:
            owing.discard(shard)
        else:
            self._failed(RETAIN)

    async def _repeat(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        """Do some work again and again, each time to its end, also when cancelled meanwhile."""
        while True:
            await asyncio.sleep(seconds)
            task = asyncio.create_task(work())
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                self._is_ending = True
                await asyncio.wait([task])
                raise


def tell_retained(done: RetainedShard) -> None:
    """Log what was removed, unless nothing was."""
    if done.entry is not None or done.keys:
        _LOG.info(
            "the access log: %s: %d entries were past their time (entry %s), %d rows of the index, %d keys",
            *(done.shard, done.entries, done.entry, done.words, done.keys),
        )
