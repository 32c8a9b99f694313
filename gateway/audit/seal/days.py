"""Sealing days: once a day in China is over, an entry commits to the index of its entries.

Nothing is kept beside the log. What is due follows from the last seal, so that whoever dies between two steps, or calls
twice, finds the same again.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.entry import Receipt
from gateway.audit.leaf import LeafError, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import digest_spans
from gateway.audit.seal.sealed import draft_day_seal, find_seals, read_sealed
from gateway.audit.sequencer import MAX_CLOCK_BACK_MS
from gateway.audit.shard import find_close
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_DAY, day_of
from gateway.audit.verify.part import CHINA_MS, DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """A day that is over and not sealed: the entries [first, next)."""

    day: str
    first: int
    next: int


async def seal_due_days(log: AccessLog, at: datetime) -> tuple[Receipt, ...]:
    """Seal all days that were over a minute before ``at`` and are not sealed yet, and return the receipts of the seals.

    A day without entries has no seal. Where no day is due, one row of the index and two entries are read.

    Raises:
        LogUnavailableError: the log failed; what is sealed is sealed, and the rest is due at the next call.

    """
    async with log.upkeep:
        due = await asyncio.to_thread(lambda: list(find_due_days(log, int(at.timestamp() * 1000))))
        spans = [(one.first, one.next) for one in due]
        digests = await asyncio.to_thread(digest_spans, log.store, spans)
        return tuple(
            [
                await log.append(draft_day_seal(one.day, span, digest, at=at))
                for one, span, (digest,) in zip(due, spans, digests, strict=True)
            ]
        )


def find_due_days(log: LogReader, now_ms: int) -> Iterator[DueDay]:
    """Name the days that are over and not sealed, in their order; of a closed shard, those up to its end. Blocks.

    A clock that is being set may go back a little, and an entry be on its way; so a day is over a minute after its end.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = log.head()
    if head is None:
        return
    closed, first = find_close(log), _sealed_end(log)
    end = head.size if closed is None else closed.index  # the seals behind the end of a shard are not sealed
    while first < end:
        t = _time(log, first)
        end_ms = ((t + CHINA_MS) // DAY_MS + 1) * DAY_MS - CHINA_MS
        if end_ms + MAX_CLOCK_BACK_MS > now_ms:
            return
        later = log.store.first_at(end_ms)
        following = head.size if later is None else min(later, head.size)
        yield DueDay(day=day_of(t), first=first, next=following)
        first = following


def _sealed_end(log: LogReader) -> int:
    """Return the entry behind the last one that is sealed."""
    for entry, content in find_seals(log):
        sealed = read_sealed(entry, content)
        if sealed is not None and content.more.get("action") == SEAL_DAY:
            return sealed.next
    return 0


def _time(log: LogReader, entry: int) -> int:
    try:
        return parse_leaf(log.leaf(entry)).t
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"entry {entry}: {error}") from error
