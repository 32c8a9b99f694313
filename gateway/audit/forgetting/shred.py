"""Forgetting a person: afterwards nothing in the log leads to them any more, and every proof still verifies.

Concerned are the entries about the person, and those about a licence that one of them names: a licence identifies its
holder too, also where somebody asked for it in vain. What is done, in this order, so that after a death in between the
same command finds what is left:

1. The entry that says so is durable: basis, number of approvals, number and digest of the entries concerned. So are
   new seals of the days whose index will differ (`gateway.audit.seal.reseal`).
2. Entries that only name such a licence lose the subject's half of their private part; the index forgets the licences.
3. Entries about the person lose that half too.
4. The person's data keys are destroyed, which also undoes copies of those halves in backups of the log.
5. The index forgets the person.
6. What was erased leaves the files of the stores (`gateway.audit.forgetting.purge`).

Who looked, at which organisation, when and for which item, stays. So do case numbers, which belong to the official's
half: a case system may still know whose case it was. The index forgets licences, and steps 4 and 5 are taken, between
two batches, after a look for what came since the first: an entry written before them is forgotten with the others,
though the entry of step 1 does not count it; a later one is a later access.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from gateway.audit.entry import OWN_CALLER, EntryDraft, Receipt, SubjectId, make_private, split_names
from gateway.audit.errors import AuditError
from gateway.audit.forgetting.purge import purge
from gateway.audit.forgetting.shred_approval import (
    APPROVERS_NEEDED,
    CountedApproval,
    ShredApproval,
    ShredOrder,
    count_approvals,
)
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.lookup import KeyOwner, LookupKind
from gateway.audit.private import PrivatePartError, erase_subject
from gateway.audit.seal.digest import Erasure
from gateway.audit.seal.reseal import Resealed, reseal_days
from gateway.audit.search.entry import encode_digest
from gateway.decision import make_decision_id
from gateway.policy.approvers import ApproverRegistry

_STEP: Final = 256  # entries that are read or rewritten at a time
_LAST: Final = 2**63 - 1


class NotApprovedError(AuditError):
    """Too few approvals count; nothing was changed."""

    def __init__(self, counted: Sequence[CountedApproval]) -> None:
        super().__init__(f"{APPROVERS_NEEDED} approvals were expected")
        self.counted = tuple(counted)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Concerned:
    """What leads to a person: entries about them, the licences these name, and further entries about those.

    Entries from ``until`` on were not looked for.
    """

    entries: tuple[int, ...]
    licences: tuple[str, ...]
    others: tuple[int, ...]
    until: int

    @property
    def all(self) -> tuple[int, ...]:
        """All entries concerned, in order."""
        return tuple(sorted({*self.entries, *self.others}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredded:
    """What was done. ``receipt`` is that of the entry, None where nothing led to the person; ``left``: run it again.

    So it is without ``purged``: bytes of what was destroyed may still be in files, since a backup was being made.
    ``resealed`` are the days that were sealed anew, and those that were not, since their index was damaged before.
    """

    receipt: Receipt | None
    entries: tuple[int, ...]
    keys: int
    words: int
    left: int
    resealed: Resealed
    purged: bool = True


async def shred(
    log: AccessLog,
    order: ShredOrder,
    approvals: Iterable[ShredApproval],
    approvers: ApproverRegistry,
    *,
    at: datetime,
) -> Shredded:
    """Forget a person.

    Raises:
        NotApprovedError: too few approvals count.
        LogUnavailableError: the log failed; nothing was erased, or some was: do it again.

    """
    counted = await asyncio.to_thread(count_approvals, approvals, order, approvers, at=at)
    approving = [one.approver for one in counted if one.refusal is None]
    if len(approving) < APPROVERS_NEEDED or order.log != log.origin:
        raise NotApprovedError(counted)
    async with log.upkeep:
        done = await _shred(log, order, approving, at)
    return replace(done, purged=await purge(log))  # 6


async def _shred(log: AccessLog, order: ShredOrder, approving: Sequence[str], at: datetime) -> Shredded:
    concerned = await asyncio.to_thread(find_concerned, log, order.subject)
    if not concerned.entries:
        keys, words = await asyncio.to_thread(_erase_person, log, order.subject)
        return Shredded(receipt=None, entries=(), keys=keys, words=words, left=0, resealed=Resealed())
    receipt = await log.append(_draft(order, approving, concerned, at))  # 1
    erasure = _erasure(log, order.subject, concerned)
    resealed = await reseal_days(log, erasure, concerned.all, shred=receipt.index, at=at)
    keys, words = await asyncio.to_thread(_erase, log, order.subject, concerned)  # 2 to 5
    left = await asyncio.to_thread(find_concerned, log, order.subject)
    return Shredded(
        receipt=receipt,
        entries=concerned.all,
        keys=keys,
        words=words,
        left=len(left.entries),
        resealed=resealed,
    )


def find_concerned(log: AccessLog, subject: SubjectId, *, since: int = 0, known: Collection[str] = ()) -> Concerned:
    """Return what leads to a person, by entries about them from ``since`` on; blocks.

    Entries about the licences that are ``known`` are looked for from ``since`` on too.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = log.head()
    entries = _follow(log, LookupKind.SUBJECT, subject, since=since)
    licences: dict[str, None] = {}
    for entry in entries:
        try:
            opened = log.private(entry)
        except PrivatePartError:  # damaged: what it said is lost already, and what is left of it will be
            continue
        if opened is not None:
            licences |= dict.fromkeys(split_names(opened.part.licence))
    firsts = dict.fromkeys(licences, 0) | dict.fromkeys(known, since)
    others = {entry for one, first in firsts.items() for entry in _follow(log, LookupKind.LICENCE, one, since=first)}
    return Concerned(
        entries=tuple(sorted(set(entries))),
        licences=tuple(firsts),
        others=tuple(sorted(others.difference(entries))),
        until=0 if head is None else head.size,
    )


def digest_entries(entries: Collection[int]) -> bytes:
    """Return SHA-256 over entry numbers in order, a line each: what an entry about them says."""
    return sha256("".join(f"{entry}\n" for entry in sorted(entries)).encode()).digest()


def _draft(order: ShredOrder, approving: Sequence[str], concerned: Concerned, at: datetime) -> EntryDraft:
    leaf = LeafDraft(
        kind=LeafKind.SHRED,
        req=make_decision_id(at),
        caller=OWN_CALLER,
        more={
            "basis": order.basis,
            "approvals": len(approving),
            "count": len(concerned.all),
            "digest": encode_digest(digest_entries(concerned.all)),
        },
    )
    return EntryDraft(leaf=leaf, private=make_private(context=[f"approver={one}" for one in approving]))


def _erasure(log: AccessLog, subject: SubjectId, concerned: Concerned) -> Erasure:
    """Return what steps 2 to 5 delete of the index."""
    words = {word for name in concerned.licences for word in log.lookup.words(LookupKind.LICENCE, name)}
    return Erasure(
        words=frozenset({*words, *log.lookup.words(LookupKind.SUBJECT, subject)}),
        owners=frozenset(_owners(log, subject)),
    )


def _owners(log: AccessLog, subject: SubjectId) -> list[KeyOwner]:
    return [log.lookup.owner(LookupKind.SUBJECT, subject, epoch) for epoch in log.lookup.keys]


def _erase(log: AccessLog, subject: SubjectId, concerned: Concerned) -> tuple[int, int]:
    """Take steps 2 to 5; return how many keys and rows of the index there were."""
    erased = _erase_parts(log, subject, concerned)
    concerned = _find_late(log, subject, concerned)  # it may name another licence, and there may be much about that
    erased += _erase_parts(log, subject, concerned)
    with log.keys.between_batches:
        erased += _erase_parts(log, subject, _find_late(log, subject, concerned))
        keys, rows = _erase_person(log, subject)
    return keys, erased + rows


def _find_late(log: AccessLog, subject: SubjectId, concerned: Concerned) -> Concerned:
    """Return what came since."""
    return find_concerned(log, subject, since=concerned.until, known=concerned.licences)


def _erase_parts(log: AccessLog, subject: SubjectId, concerned: Concerned) -> int:
    """Take steps 2 and 3; return how many rows of the index there were.

    Only what came since ``concerned`` was found is rewritten between two batches: the rest may be much.
    """
    _erase_halves(log, concerned.others)  # 2
    with log.keys.between_batches:
        about = _follow(log, LookupKind.SUBJECT, subject, since=concerned.until)  # may name others, and is found again
        late = {
            entry
            for licence in concerned.licences
            for entry in _follow(log, LookupKind.LICENCE, licence, since=concerned.until)
        }
        _erase_halves(log, sorted(late.difference(about)))
        words = [word for licence in concerned.licences for word in log.lookup.words(LookupKind.LICENCE, licence)]
        erased = log.store.erase_words(words) if words else 0
    _erase_halves(log, concerned.entries)  # 3
    return erased


def _erase_person(log: AccessLog, subject: SubjectId) -> tuple[int, int]:
    """Take steps 4 and 5, with no batch between them."""
    with log.keys.between_batches:
        keys = log.keys.erase(_owners(log, subject))
        return keys, log.store.erase_words(log.lookup.words(LookupKind.SUBJECT, subject))


def _erase_halves(log: AccessLog, entries: Sequence[int]) -> None:
    for start in range(0, len(entries), _STEP):
        picked = log.store.pick(entries[start : start + _STEP])
        log.store.replace_privates({entry: _without_subject(one.private) for entry, one in picked.items()})


def _without_subject(data: bytes) -> bytes:
    try:
        return erase_subject(data) if data else b""
    except PrivatePartError:  # damaged: no half can be told from the other
        return b""


def _follow(log: AccessLog, kind: LookupKind, value: str, *, since: int = 0) -> list[int]:
    """Return all entries that a value leads to, in all epochs."""
    found: list[int] = []
    for word in log.lookup.words(kind, value):
        before = _LAST
        while page := log.store.find(word, before=before, limit=_STEP, since=since):
            found += page
            before = page[-1]
    return found
