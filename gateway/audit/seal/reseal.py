"""Sealing days anew, of which something is lawfully deleted: a shred entry comes first, then this, then the deletion.

The new seals say what will be left. Whoever dies before everything is deleted leaves an index that differs from its
seals until the deletion is done again. A day whose index differs from its seals already, for whatever reason, is not
sealed anew: a deletion must not hide that rows were dropped.

What an earlier seal says was there before its deletion, so it loses its salt; but only behind the deletion. Until then
its day is also in order as that seal says, since another deletion cannot know what the one that was cut short promised.

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
from gateway.audit.seal.sealed import SealedDay, draft_reseal, find_sealed_days, find_seals_of_days, read_salt


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """Days that were sealed anew, and days that were not, since their index differs from their seal.

    ``replaced`` are the earlier seals of the former, whose salts go behind the deletion (`erase_salts`).
    """

    days: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be written, and which earlier seals that replaces."""

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

    The caller holds `AccessLog.upkeep`, deletes afterwards, and erases the salts of what was replaced then
    (`erase_salts`). The index is read once for all days.

    Raises:
        LogUnavailableError: the log failed; nothing may be deleted.

    """
    plan = await asyncio.to_thread(_plan, log, states, entries)
    await asyncio.gather(
        *(log.append(draft_reseal(sealed, digest, shred=shred, at=at)) for sealed, digest in plan.anew)
    )
    return Resealed(
        days=tuple(sealed.day for sealed, _ in plan.anew),
        differing=tuple(plan.differing),
        replaced=tuple(sorted(plan.replaced)),
    )


def erase_salts(log: AccessLog, seals: Sequence[int]) -> None:
    """Destroy the salts of seals that were replaced, once everything is deleted that the newest ones promise; blocks.

    Raises:
        LogUnavailableError: some are left, until the days are sealed anew once more, or `settle_salts` is called.

    """
    left = [entry for entry, one in log.store.pick(seals).items() if one.private]
    if left:
        log.store.replace_privates(dict.fromkeys(left, b""))


def has_unsettled_salts(log: LogReader) -> bool:
    """Answer whether a seal that was replaced has its salt, since a deletion was cut short; blocks."""
    _, replaced = find_sealed_days(log)
    return any(one.private for one in log.store.pick(replaced).values())


def settle_salts(log: AccessLog) -> None:
    """Destroy the salts of replaced seals of those days whose deletion is done, as the index shows; blocks.

    Raises:
        LogUnavailableError: as `erase_salts` does.

    """
    days = [seals for _, seals in sorted(find_seals_of_days(log).items()) if len(seals) > 1]
    digests = digest_spans(log.store, [seals[0].span for seals in days])
    done = [seals[1:] for seals, several in zip(days, digests, strict=True) if _is_of(log, seals[0], several)]
    erase_salts(log, sorted(one.seal for seals in done for one in seals))


def _plan(log: LogReader, states: Sequence[Erasure], entries: Sequence[int] | None) -> _Plan:
    days = find_seals_of_days(log)
    sealed_days = [days[span][0] for span in sorted(days)]
    if entries is not None:
        sealed_days = [one for one in sealed_days if _meets(entries, one.span) and not _has(entries, one.seal)]
    digests = digest_spans(log.store, [one.span for one in sealed_days], erasures=states)
    plan = _Plan(anew=[], differing=[], replaced=[])
    for sealed, several in zip(sealed_days, digests, strict=True):
        if read_salt(log, sealed) is None:  # it cannot be compared any more
            continue
        if any(_is_of(log, one, several) for one in days[sealed.span]):
            plan.anew.append((sealed, several[-1]))
            plan.replaced.extend(one.seal for one in days[sealed.span])
        else:
            plan.differing.append(sealed.day)
    return plan


def _is_of(log: LogReader, sealed: SealedDay, digests: Sequence[bytes]) -> bool:
    salt = read_salt(log, sealed)
    return salt is not None and any(sealed.is_of(digest, salt) for digest in digests)


def _has(entries: Sequence[int], entry: int) -> bool:
    return _meets(entries, (entry, entry + 1))


def _meets(entries: Sequence[int], span: Span) -> bool:
    at = bisect_left(entries, span[0])
    return at < len(entries) and entries[at] < span[1]
