"""Sealing days anew, of which something is lawfully deleted: a shred entry comes first, then this, then the deletion.

The new seals say what will be left. Whoever dies before everything is deleted leaves an index that differs from its
seals until the deletion is done again; whoever dies after it has nothing left to do. A day whose index differs from its
seal already, for whatever reason, is not sealed anew: a deletion must not hide that rows were dropped.

Which days a person was asked about on follows from the person, and a leaf is for ever; so forgetting one seals all days
of the half-year anew. What goes by its age says which days it is of anyway.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import Erasure, Span, digest_spans
from gateway.audit.seal.sealed import SealedDay, draft_reseal, find_sealed_days, read_salt


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """Days that were sealed anew, and days that were not, since their index differs from their seal."""

    days: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be written, and which earlier seals have private parts that are replaced."""

    anew: list[tuple[SealedDay, bytes]]
    differing: list[str]
    replaced: list[int]


async def reseal_days(
    log: AccessLog, states: Sequence[Erasure], *, shred: int, at: datetime, entries: Sequence[int] | None = None
) -> Resealed:
    """Seal days anew, as their index will be without what the last of ``states`` names.

    ``states`` are what the index may lack now or by its seals: nothing, what an earlier new seal promised, and what
    will be gone. ``shred`` is the entry that says so. The days are those of ``entries`` (in order) whose own seal is
    not among them; None: all, so that nobody learns which of them were concerned.

    The caller holds `AccessLog.upkeep`, and deletes afterwards. The index is read once for all days.

    Raises:
        LogUnavailableError: the log failed; nothing may be deleted.

    """
    plan = await asyncio.to_thread(_plan, log, states, entries)
    await asyncio.gather(
        *(log.append(draft_reseal(sealed, digest, shred=shred, at=at)) for sealed, digest in plan.anew)
    )
    replaced = sorted({*plan.replaced, *(sealed.seal for sealed, _ in plan.anew)})
    await asyncio.to_thread(_erase_salts, log, replaced)
    return Resealed(days=tuple(sealed.day for sealed, _ in plan.anew), differing=tuple(plan.differing))


def _plan(log: LogReader, states: Sequence[Erasure], entries: Sequence[int] | None) -> _Plan:
    sealed_days, replaced = find_sealed_days(log)
    if entries is not None:
        sealed_days = [one for one in sealed_days if _meets(entries, one.span) and not _has(entries, one.seal)]
    digests = digest_spans(log.store, [one.span for one in sealed_days], erasures=states)
    plan = _Plan(anew=[], differing=[], replaced=replaced)
    for sealed, several in zip(sealed_days, digests, strict=True):
        salt = read_salt(log, sealed)
        if salt is None:  # it cannot be compared any more
            continue
        if any(sealed.is_of(digest, salt) for digest in several):
            plan.anew.append((sealed, several[-1]))
        else:
            plan.differing.append(sealed.day)
    return plan


def _has(entries: Sequence[int], entry: int) -> bool:
    return _meets(entries, (entry, entry + 1))


def _meets(entries: Sequence[int], span: Span) -> bool:
    at = bisect_left(entries, span[0])
    return at < len(entries) and entries[at] < span[1]


def _erase_salts(log: AccessLog, seals: Sequence[int]) -> None:
    left = [entry for entry, one in log.store.pick(seals).items() if one.private]
    if left:
        log.store.replace_privates(dict.fromkeys(left, b""))
