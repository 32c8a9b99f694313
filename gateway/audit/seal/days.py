"""Sealing days: once a day in China is over, an entry commits to the index of its entries.

Nothing is kept beside the log. What is due follows from the last seal, so that whoever dies between two steps, or calls
twice, finds the same again.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit.entry import Receipt
from gateway.audit.forgetting.retention_terms import least_days
from gateway.audit.leaf import Leaf, LeafDraft, LeafError, LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import digest_spans
from gateway.audit.seal.sealed import draft_day_seal, find_seals, read_sealed
from gateway.audit.sequencer import MAX_CLOCK_BACK_MS
from gateway.audit.shard import find_close
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_CLOSE, SEAL_DAY, day_of
from gateway.audit.verify.part import CHINA_MS, DAY_MS

_STEP: Final = 256  # leaves that are read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """A day that is over and not sealed: the entries [first, next)."""

    day: str
    first: int
    next: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEnd:
    """How far a log of ``size`` entries is sealed: ``first`` is the entry behind; and the one that closed it, if any.

    Behind the end of a half-year stand the new seals of all its days for everybody who was forgotten since. So whoever
    looks again and again keeps this, and reads what came since.
    """

    size: int
    first: int
    closed: int | None


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


def find_sealed_end(log: LogReader, now_ms: int, known: SealedEnd | None = None) -> SealedEnd:
    """Return how far a log is sealed, from what was ``known`` of it before; blocks.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = log.head()
    size = 0 if head is None else head.size
    if known is None:
        closed = find_close(log)
        first = _sealed_end(log, size, now_ms)
        return SealedEnd(size=size, first=first, closed=None if closed is None else closed.index)
    if size == known.size:
        return known
    late = list(find_seals(log, since=known.size))
    ends = [entry for entry, content in late if content.more.get("action") == SEAL_CLOSE]
    return SealedEnd(size=size, first=_last_end(late) or known.first, closed=ends[0] if ends else known.closed)


def find_due_days(log: LogReader, now_ms: int, sealed: SealedEnd | None = None) -> Iterator[DueDay]:
    """Name the days that are over and not sealed, in their order; of a closed shard, those up to its end. Blocks.

    ``sealed`` is how far it is sealed, where that is known.

    A clock that is being set may go back a little, and an entry be on its way; so a day is over a minute after its end.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = log.head()
    if head is None:
        return
    sealed = sealed or find_sealed_end(log, now_ms)
    first = sealed.first
    end = head.size if sealed.closed is None else sealed.closed  # the seals behind the end of a shard are not sealed
    while first < end:
        t = _time(log, first)
        end_ms = ((t + CHINA_MS) // DAY_MS + 1) * DAY_MS - CHINA_MS
        if end_ms + MAX_CLOCK_BACK_MS > now_ms:
            return
        later = log.store.first_at(end_ms)
        following = head.size if later is None else min(later, head.size)
        yield DueDay(day=day_of(t), first=first, next=following)
        first = following


def _sealed_end(log: LogReader, size: int, now_ms: int) -> int:
    """Return the entry behind the last one that is sealed.

    In a log that is so old that its seals may be past their time, and the index without them, the leaves tell.
    """
    end = _last_end(find_seals(log))
    if end is None and size and _time(log, 0) < now_ms - least_days(LeafKind.SEAL) * DAY_MS:
        end = _last_end(_read_back(log, size))
    return end or 0


def _last_end(seals: Iterable[tuple[int, LeafDraft]]) -> int | None:
    for entry, content in seals:
        sealed = read_sealed(entry, content)
        if sealed is not None and content.more.get("action") == SEAL_DAY:
            return sealed.next
    return None


def _read_back(log: LogReader, size: int) -> Iterator[tuple[int, LeafDraft]]:
    """Read a log from its end: behind its last seal there is a day or two."""
    for end in range(size, 0, -_STEP):
        first = max(end - _STEP, 0)
        for entry, data in reversed(list(enumerate(log.store.leaves(first, end), first))):
            yield entry, _parse(entry, data).content


def _time(log: LogReader, entry: int) -> int:
    return _parse(entry, log.leaf(entry)).t


def _parse(entry: int, data: bytes) -> Leaf:
    try:
        return parse_leaf(data)
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"entry {entry}: {error}") from error
