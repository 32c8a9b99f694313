"""Retention in one shard of a book: what is past its time goes, and at last the data keys of a closed shard."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.book.book import LogBook
from gateway.audit.forgetting.purge import purge
from gateway.audit.forgetting.retention import retain
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch
from gateway.audit.seal.sealed import find_sealed_days

SETTLED_DAYS: Final = 7  # on which a clock that is wrong would have to be wrong

ReadRetention = Callable[[], Retention]  # blocks; raises LogUnavailableError (UNUSABLE) where nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedShard:
    """What was removed of one shard: entries that lost their private part, rows of the index, data keys.

    ``entry`` is the number of the entry that says so; None: nothing was due. Not ``purged``: bytes of what was removed
    may still be in files, and it is to be done again with ``owes_purge``, for nothing is due then.
    """

    shard: str
    entry: int | None
    entries: int
    words: int
    keys: int
    purged: bool = True


async def retain_shard(
    book: LogBook, shard: str, retention: Retention, *, at: datetime, owes_purge: bool
) -> RetainedShard:
    """Remove what is past its time, and its bytes from the files; ``owes_purge``: these also where nothing is due.

    What is removed does not come back, so the clock alone does not say what is old: a machine that started in another
    year would empty the log. Time is counted from the day that `SETTLED_DAYS` others were sealed after.

    Raises:
        LogUnavailableError: nothing was removed, or some was: do it again.

    """
    settled = await asyncio.to_thread(_settled_until, book)
    done = RetainedShard(shard=shard, entry=None, entries=0, words=0, keys=0)
    if settled is None and not owes_purge:
        return done
    async with book.writable(shard) as log:
        if settled is not None:
            is_closed = log is not book.current
            done = await _retain(log, shard, retention, at=min(at, settled), is_closed=is_closed)
        return replace(done, purged=await purge(log)) if owes_purge or done.entries or done.keys else done


async def _retain(log: AccessLog, shard: str, retention: Retention, *, at: datetime, is_closed: bool) -> RetainedShard:
    retained = await retain(log, retention, at=at)
    keys = await asyncio.to_thread(_erase_keys, log) if is_closed else 0
    return RetainedShard(
        shard=shard,
        entry=None if retained.receipt is None else retained.receipt.index,
        entries=retained.entries,
        words=retained.words,
        keys=keys,
    )


def _settled_until(book: LogBook) -> datetime | None:
    """Return the end of the newest day that enough later ones were sealed after; None: there is none."""
    days: list[str] = []
    for shard in reversed(book.shards()):
        days = [sealed.day for sealed in find_sealed_days(book.reader(shard))[0]] + days
        if len(days) > SETTLED_DAYS:
            day = datetime.fromisoformat(days[-1 - SETTLED_DAYS])
            return day.replace(tzinfo=CHINA_STANDARD_TIME) + timedelta(days=1)
    return None


def _erase_keys(log: AccessLog) -> int:
    """Destroy the data keys of a closed shard in which nothing is sealed any more; return how many there were."""
    head = log.head()
    if head is None or log.store.batches_with_private(head.size):
        return 0
    return log.keys.erase_before(Epoch(log.lookup.current + 1))
