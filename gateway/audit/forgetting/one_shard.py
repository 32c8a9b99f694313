"""Forgetting a person in one half-year, of which the caller holds `AccessLog.upkeep`; what is needed to know goes last.

1. The entry that says so is durable: basis, number of approvals, and a commitment to the entries concerned. So are new
   seals of all days (`gateway.audit.seal.reseal`).
2. Entries that only name a licence of the person lose the subject's half of their private part; the index forgets the
   licences. An entry that found others to hold such a licence stays as it is, and the index keeps that licence.
3. Entries about the person lose that half too, but for one that names each licence.
4. The person's data keys are destroyed, which also undoes copies of those halves in backups of the log.
5. The last halves go, and the index forgets the person. Then the seals that were replaced lose their salts.

Steps 4 and 5 are taken between two batches, after a look for what came since the first: an entry written before them is
forgotten with the others, though the entry of step 1 does not count it; a later one is a later access. Where such an
entry names another licence, steps 1 and 2 come first for that too: of sealed days nothing is deleted without new seals.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.audit.commitment import make_commitment
from gateway.audit.entry import OWN_CALLER, EntryDraft, SubjectId, make_private
from gateway.audit.forgetting.concerned import (
    NamedLicences,
    Names,
    digest_entries,
    erase_licences,
    erase_person,
    find_about_licences,
    find_about_person,
    licence_words,
    name_licences,
    name_of_others,
    owners_of,
    person_words,
)
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.private import PrivatePartError, erase_subject
from gateway.audit.seal.digest import NOTHING, Erasure
from gateway.audit.seal.reseal import erase_salts, reseal_days
from gateway.audit.search.entry import encode_digest
from gateway.decision import make_decision_id

MAX_LOOKS: Final = 16  # for licences named meanwhile; without entries of others about these, one takes milliseconds
_STEP: Final = 256  # entries that are rewritten at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """Whom to forget, by which clause of law, who approved it, and when it is done."""

    subject: SubjectId
    basis: str
    approvers: Sequence[str]
    at: datetime


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was done in one half-year: the entries that say so, those that were concerned, keys and rows destroyed.

    ``differing`` are days whose index was damaged before, which are not sealed anew; ``damaged`` are entries about the
    person that cannot be opened, so that a licence that nothing else names was not followed.
    """

    said: list[int] = field(default_factory=list)
    entries: set[int] = field(default_factory=set)
    keys: int = 0
    words: int = 0
    differing: set[str] = field(default_factory=set)
    damaged: set[int] = field(default_factory=set)


class ShardShredding:
    """The work in one half-year."""

    def __init__(self, log: AccessLog, warrant: Warrant, tally: Tally) -> None:
        """Carry out a warrant, and add to the tally what was done."""
        self._log = log
        self._warrant = warrant
        self._tally = tally
        self._promised = NOTHING  # by the newest seals
        self._kept = Names()  # licences that others hold too, when the newest seals were written
        self._replaced: set[int] = set()  # seals, by these
        self._until = 0  # the entries that were there at first

    async def forget_licences(self, names: Names) -> None:
        """Take steps 1 and 2 for licences that no entry about the person tells of here.

        Raises:
            LogUnavailableError: it failed; as much is done as is done, and the rest is found again.

        """
        self._until = await asyncio.to_thread(self._size)
        found = await asyncio.to_thread(self._find_named, names)
        if found:
            await self._announce(found, erase_licences(self._log, names - self._kept))  # 1
            await asyncio.to_thread(self._erase_licences, names, found)  # 2
            await asyncio.to_thread(erase_salts, self._log, sorted(self._replaced))

    async def forget_person(self, names: Names) -> Names:
        """Take all steps; ``names`` are all licences of the person, also those that only other half-years tell of.

        Returns the licences that were named at the last moment, for which steps 1 and 2 are still to be taken.

        Raises:
            LogUnavailableError: as `forget_licences` does.

        """
        log, subject = self._log, self._warrant.subject
        until = self._until = await asyncio.to_thread(self._size)
        about = await asyncio.to_thread(find_about_person, log, subject)
        done, named = Names(), await asyncio.to_thread(self._name, about)
        names |= named.by_name.keys()
        for _ in range(MAX_LOOKS):
            found = await asyncio.to_thread(self._find_named, names - done)
            concerned = {entry for entry in (found if done else found | about) if entry < until}
            if concerned:
                await self._announce(concerned, erase_person(log, subject, names - self._kept))  # 1
            await asyncio.to_thread(self._erase_licences, names, found)  # 2
            late = await asyncio.to_thread(self._name, await asyncio.to_thread(self._find_late, until))
            done, names = names, names | late.by_name.keys()
            if done == names:
                break
        await asyncio.to_thread(self._erase_halves, about.difference(named.by_name.values()))  # 3
        unknown = await asyncio.to_thread(self._erase_person, names, until, named)  # 4, 5
        await asyncio.to_thread(erase_salts, log, sorted(self._replaced))
        return unknown

    async def _announce(self, concerned: Collection[int], erasure: Erasure) -> None:
        receipt = await self._log.append(_draft(self._warrant, concerned))
        self._tally.said.append(receipt.index)
        self._tally.entries.update(concerned)
        states = (NOTHING, self._promised, erasure) if self._promised != NOTHING else (NOTHING, erasure)
        resealed = await reseal_days(self._log, states, shred=receipt.index, at=self._warrant.at)
        self._tally.differing.update(resealed.differing)
        self._replaced.update(resealed.replaced)
        self._promised = erasure

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _size(self) -> int:
        head = self._log.head()
        return 0 if head is None else head.size

    def _find_late(self, since: int) -> frozenset[int]:
        return find_about_person(self._log, self._warrant.subject, since=since)

    def _name(self, entries: Collection[int]) -> NamedLicences:
        named = name_licences(self._log, entries)
        self._tally.damaged.update(named.damaged)
        return named

    def _find_named(self, names: Names) -> frozenset[int]:
        """Return the entries that name these licences, without those that are about others; note what these hold."""
        found = find_about_licences(self._log, names)
        others = name_of_others(self._log, found, self._warrant.subject)
        self._kept |= names & Names().union(*others.values())
        return found.difference(others)

    def _erase_licences(self, names: Names, found: Collection[int]) -> None:
        """Take step 2; only what came since it was ``found`` is rewritten between two batches: the rest may be much."""
        log = self._log
        self._erase_halves(set(found).difference(self._find_late(0)))
        with log.keys.between_batches:
            named = find_about_licences(log, names - self._kept)
            late = (named | find_about_licences(log, self._kept, since=self._until)).difference(found)
            if late:
                late -= self._find_late(0)
                self._erase_halves(late.difference(name_of_others(log, late, self._warrant.subject)))
            self._tally.words += log.store.erase_words(licence_words(log, names - self._kept))  # as the seals say

    def _erase_person(self, names: Names, until: int, named: NamedLicences) -> Names:
        """Take steps 4 and 5 with no batch between them; return licences that are first named by what came last."""
        log, subject = self._log, self._warrant.subject
        with log.keys.between_batches:
            late = self._find_late(until)
            unknown = Names(self._name(late).by_name).difference(names)
            self._erase_licences(names, ())  # those that came since
            self._tally.keys += log.keys.erase(owners_of(log, subject))
            self._erase_halves({*late, *named.by_name.values()})
            self._tally.words += log.store.erase_words(person_words(log, subject))
        return unknown

    def _erase_halves(self, entries: Collection[int]) -> None:
        ordered = sorted(entries)
        for start in range(0, len(ordered), _STEP):
            picked = self._log.store.pick(ordered[start : start + _STEP])
            self._log.store.replace_privates({entry: _without_subject(one.private) for entry, one in picked.items()})


def _draft(warrant: Warrant, concerned: Collection[int]) -> EntryDraft:
    """Return the entry that says so: how many entries and whose approval only its private part tells."""
    said = [*(f"approver={one}" for one in warrant.approvers), f"entries={len(concerned)}"]
    private = make_private(context=said)
    more: dict[str, str | int] = {
        "basis": warrant.basis,
        "approvals": len(warrant.approvers),
        "digest": encode_digest(make_commitment(private.salts.resp, digest_entries(concerned))),
    }
    leaf = LeafDraft(kind=LeafKind.SHRED, req=make_decision_id(warrant.at), caller=OWN_CALLER, more=more)
    return EntryDraft(leaf=leaf, private=private)


def _without_subject(data: bytes) -> bytes:
    try:
        return erase_subject(data) if data else b""
    except PrivatePartError:  # damaged: no half can be told from the other
        return b""
