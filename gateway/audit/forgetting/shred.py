"""Forgetting a person in all half-years: afterwards nothing in the log leads to them, and every proof still verifies.

Concerned are the entries about the person, and those about a licence that one of them found, in whatever half-year: a
licence identifies its holder too, also where somebody asked for it in vain. The person's own number counts as such a
name, since it is the number of their identity card. A licence that was only named beside the person's number does not
count, and entries that found others to hold a licence stay.

Nothing is kept beside the log, so that after a death the same command finds what is left. First each closed half-year
forgets the licences that only others tell to be the person's. Then the person is forgotten in each of them
(`gateway.audit.forgetting.one_shard`), beginning with the one that is written: nothing new is said in the others. At
last, what was erased leaves the files of the stores (`gateway.audit.forgetting.purge`).

Who looked, at which organisation, when and for which item, stays. So do case numbers, which belong to the official's
half: a case system may still know whose case it was.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from gateway.audit.errors import AuditError
from gateway.audit.forgetting.concerned import Names, find_about_licences, find_about_person, name_licences, owners_of
from gateway.audit.forgetting.one_shard import ShardShredding, Tally, Warrant
from gateway.audit.forgetting.purge import purge
from gateway.audit.forgetting.shred_approval import (
    APPROVERS_NEEDED,
    CountedApproval,
    ShredApproval,
    ShredOrder,
    count_approvals,
)
from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.seal.reseal import has_unsettled_salts, settle_salts
from gateway.audit.shard import site_origin
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.policy.approvers import ApproverRegistry

_LOG: Final = logging.getLogger(__name__)


class NotApprovedError(AuditError):
    """Too few approvals count; nothing was changed."""

    def __init__(self, counted: Sequence[CountedApproval]) -> None:
        super().__init__(f"{APPROVERS_NEEDED} approvals were expected")
        self.counted = tuple(counted)


class Shards(Protocol):
    """The half-years of a log, as `LogBook` has them; all raise LogUnavailableError."""

    def shards(self) -> tuple[str, ...]:
        """Return those that were begun, the oldest first; blocks."""
        ...

    def reader(self, shard: str | None = None) -> LogReader:
        """Return one for reading, None: the one that is written; blocks."""
        ...

    def writable(self, shard: str) -> AbstractAsyncContextManager[AccessLog]:
        """Open one for writing, and no other closed one before it is closed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShreddedShard:
    """What was done in one half-year, as `Tally` says."""

    shard: str
    said: tuple[int, ...]
    entries: tuple[int, ...]
    keys: int
    words: int
    differing: tuple[str, ...]
    damaged: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredded:
    """What was done, in the half-years in which anything led to the person.

    ``left``: so many entries about them came since, also in a half-year that began meanwhile; run it again. So it is
    without ``purged``: bytes of what was destroyed may still be in files, since a backup was being made.
    """

    shards: tuple[ShreddedShard, ...]
    left: int
    purged: bool


async def shred(
    book: Shards,
    order: ShredOrder,
    approvals: Iterable[ShredApproval],
    approvers: ApproverRegistry,
    *,
    at: datetime,
) -> Shredded:
    """Forget a person.

    Raises:
        NotApprovedError: too few approvals count.
        LogUnavailableError: a half-year cannot be read or written; nothing was erased, or some was: do it again.
            OTHER_LOG, the order is for the log of another site.

    """
    if order.log != site_origin(book.reader().origin):
        raise LogUnavailableError(Unavailable.OTHER_LOG, "this site has no log of that name")
    counted = await asyncio.to_thread(count_approvals, approvals, order, approvers, at=at)
    approving = tuple(one.approver for one in counted if one.refusal is None)
    if len(approving) < APPROVERS_NEEDED:
        raise NotApprovedError(counted)
    warrant = Warrant(subject=order.subject, basis=order.basis, approvers=approving, at=at)
    return await _Shredding(book, warrant, await asyncio.to_thread(book.shards)).run()


class _Shredding:
    """The work in all half-years, the last of which is the one that is written."""

    def __init__(self, book: Shards, warrant: Warrant, shards: Sequence[str]) -> None:
        self._book = book
        self._warrant = warrant
        self._shards = shards
        self._tallies = {shard: Tally() for shard in shards}

    async def run(self) -> Shredded:
        *closed, current = self._shards
        named = {shard: await asyncio.to_thread(self._name, shard) for shard in self._shards}
        names = Names({self._warrant.subject}).union(*named.values())
        for shard in closed:
            await self._forget_licences(shard, names - named[shard])
        late = Names()
        for shard in (current, *closed):
            late |= await self._forget_person(shard, names)
        for shard in self._shards:  # named at the last moment: only here a death leaves what is not found again
            await self._forget_licences(shard, late)
        await self._settle_salts()
        shards = await asyncio.to_thread(self._book.shards)  # one may have begun meanwhile, in which nothing was done
        return Shredded(
            shards=tuple(_sum_up(shard, tally) for shard, tally in self._tallies.items() if tally != Tally()),
            left=sum([len(await asyncio.to_thread(self._find, shard)) for shard in shards]),
            purged=await self._purge(),
        )

    async def _forget_licences(self, shard: str, names: Names) -> None:
        if await asyncio.to_thread(self._is_named, shard, names):
            async with self._book.writable(shard) as log, log.upkeep:
                await ShardShredding(log, self._warrant, self._tallies[shard]).forget_licences(names)

    async def _forget_person(self, shard: str, names: Names) -> Names:
        """Return licences that were named at the last moment, which are not forgotten yet."""
        if not await asyncio.to_thread(self._is_known, shard, names):
            return Names()
        async with self._book.writable(shard) as log, log.upkeep:
            return await ShardShredding(log, self._warrant, self._tallies[shard]).forget_person(names)

    async def _settle_salts(self) -> None:
        """Let no earlier seal tell what a run forgot that died at the very end."""
        for shard in self._shards:
            if await asyncio.to_thread(has_unsettled_salts, self._book.reader(shard)):
                async with self._book.writable(shard) as log, log.upkeep:
                    await asyncio.to_thread(settle_salts, log)

    async def _purge(self) -> bool:
        """Clear the files of every half-year, also of one that an earlier run could not clear; stop where one is not.

        What keeps one from it keeps the others of the same database from it too, and each takes its time to find out.
        """
        try:
            for shard in self._shards:
                async with self._book.writable(shard) as log:
                    if not await purge(log):
                        return False
        except LogUnavailableError as error:
            _LOG.warning("the access log: what was erased may still be in files: %s", error)
            return False
        return True

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _find(self, shard: str) -> frozenset[int]:
        return find_about_person(self._book.reader(shard), self._warrant.subject)

    def _name(self, shard: str) -> Names:
        """Return the licences that a half-year tells to be the person's, until the person is forgotten in it."""
        entries = self._find(shard)
        named = name_licences(self._book.reader(shard), entries).by_name.keys()
        return Names({self._warrant.subject, *named}) if entries else Names()

    def _is_named(self, shard: str, names: Names) -> bool:
        return bool(find_about_licences(self._book.reader(shard), names))

    def _is_known(self, shard: str, names: Names) -> bool:
        reader = self._book.reader(shard)
        owners = owners_of(reader, self._warrant.subject)
        return bool(self._find(shard) or self._is_named(shard, names) or reader.store.owners(owners))


def _sum_up(shard: str, tally: Tally) -> ShreddedShard:
    return ShreddedShard(
        shard=shard,
        said=tuple(tally.said),
        entries=tuple(sorted(tally.entries)),
        keys=tally.keys,
        words=tally.words,
        differing=tuple(sorted(tally.differing)),
        damaged=tuple(sorted(tally.damaged)),
    )
