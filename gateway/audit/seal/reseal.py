"""Sealing days anew, of which something is lawfully deleted: a shred entry comes first, then this, then the deletion.

The new seals say what will be left. Whoever dies before everything is deleted leaves an index that differs from its
seals until the deletion is done again; whoever dies after it has nothing left to do. A day whose index differs from its
seal already, for whatever reason, is not sealed anew: a deletion must not hide that rows were dropped.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import NOTHING, Erasure, digest_spans
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
    log: AccessLog, erasure: Erasure, entries: Sequence[int], *, shred: int, at: datetime
) -> Resealed:
    """Seal anew the days of these entries (in order), as they will be without what ``erasure`` names.

    ``shred`` is the entry that says so. The caller holds `AccessLog.upkeep`, and deletes afterwards. The index is read
    once for all days.

    Raises:
        LogUnavailableError: the log failed; nothing may be deleted.

    """
    plan = await asyncio.to_thread(_plan, log, erasure, entries)
    for sealed, digest in plan.anew:
        await log.append(draft_reseal(sealed, digest, shred=shred, at=at))
    replaced = sorted({*plan.replaced, *(sealed.seal for sealed, _ in plan.anew)})
    await asyncio.to_thread(_erase_salts, log, replaced)
    return Resealed(days=tuple(sealed.day for sealed, _ in plan.anew), differing=tuple(plan.differing))


def _plan(log: LogReader, erasure: Erasure, entries: Sequence[int]) -> _Plan:
    sealed_days, replaced = find_sealed_days(log)
    concerned = [one for one in sealed_days if _meets(entries, one)]
    digests = digest_spans(log.store, [one.span for one in concerned], erasures=(NOTHING, erasure))
    plan = _Plan(anew=[], differing=[], replaced=replaced)
    for sealed, (now, then) in zip(concerned, digests, strict=True):
        salt = read_salt(log, sealed)
        if salt is None or now == then or sealed.is_of(then, salt):  # it cannot be compared, or says so already
            continue
        if sealed.is_of(now, salt):
            plan.anew.append((sealed, then))
        else:
            plan.differing.append(sealed.day)
    return plan


def _meets(entries: Sequence[int], sealed: SealedDay) -> bool:
    at = bisect_left(entries, sealed.first)
    return at < len(entries) and entries[at] < sealed.next


def _erase_salts(log: AccessLog, seals: Sequence[int]) -> None:
    left = [entry for entry, one in log.store.pick(seals).items() if one.private]
    if left:
        log.store.replace_privates(dict.fromkeys(left, b""))
