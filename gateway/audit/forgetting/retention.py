"""Retention: how long private parts and the index are kept, by the kind of entry. Leaves and hash tiles stay.

Records of provision (access, match, deny, consent) are kept for three years at least, everything else for six months
(rules of the domain; both still to be confirmed at the source). What is removed cannot be searched or opened any more;
its proofs verify as before. A seal is as old as the day that it seals, however late that was sealed anew, and is kept
as long as the kind that is kept longest. A data key serves one epoch of the index for all kinds; once nothing private
is left of a closed half-year, `DataKeys.erase_before` destroys its keys and those of all earlier ones together.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit.entry import OWN_CALLER, EntryDraft, Receipt
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.seal.digest import NOTHING, Erasure
from gateway.audit.seal.reseal import Resealed, erase_salts, reseal_days
from gateway.audit.seal.sealed import find_seals, read_sealed
from gateway.decision import make_decision_id

BASIS: Final = "retention"
_STEP: Final = 4_096  # entries that are removed at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What was removed: the receipt of the entry that says so (None: nothing was due), and how much there was.

    ``resealed`` are the days that were sealed anew, and those that were not, since their index was damaged before.
    """

    receipt: Receipt | None
    entries: int
    words: int
    resealed: Resealed


async def retain(log: AccessLog, retention: Retention, *, at: datetime) -> Retained:
    """Remove what is past its time; the entry that says so comes first, with basis ``retention``.

    Raises:
        LogUnavailableError: nothing was removed, or some was: do it again.

    """
    async with log.upkeep:
        return await _retain(log, retention, at)


async def _retain(log: AccessLog, retention: Retention, at: datetime) -> Retained:
    now_ms = int(at.timestamp() * 1000)
    due = await asyncio.to_thread(find_due, log, retention, now_ms=now_ms)
    if not due:
        return Retained(receipt=None, entries=0, words=0, resealed=Resealed())
    more: dict[str, str | int] = {"basis": BASIS, "approvals": 0}  # what it was follows from the times of the entries
    leaf = LeafDraft(kind=LeafKind.SHRED, req=make_decision_id(at), caller=OWN_CALLER, more=more)
    receipt = await log.append(EntryDraft(leaf=leaf))
    states = (NOTHING, Erasure(entries=due))
    resealed = await reseal_days(log, states, shred=receipt.index, at=at, entries=due)
    words = await asyncio.to_thread(_remove, log, due)
    await asyncio.to_thread(erase_salts, log, resealed.replaced)
    return Retained(receipt=receipt, entries=len(due), words=words, resealed=resealed)


def find_due(log: AccessLog, retention: Retention, *, now_ms: int) -> Sequence[int]:
    """Return the entries whose private part is past its time, in order; blocks.

    Batches in which nothing is left are passed over unread. Those that hold kinds of different times are read each
    time until the last of these has passed.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    ends = {kind: retention.ends(kind, now_ms) for kind in LeafKind}
    due = _find_due_seals(log, ends.pop(LeafKind.SEAL))
    first = log.store.first_at(max(ends.values()))
    head = log.head()
    end = first if first is not None else (0 if head is None else head.size)
    for start, count in log.store.batches_with_private(end):
        for entry, one in log.store.pick(range(start, start + count)).items():
            leaf = parse_leaf(one.leaf)
            kind = leaf.content.kind
            if one.private and kind in ends and leaf.t < ends[kind]:
                due.append(entry)
    return sorted(due)


def _find_due_seals(log: AccessLog, end_ms: int) -> list[int]:
    """Return the seals with a private part whose day was over before a time."""
    if log.store.first_at(end_ms) == 0:  # nothing is as old
        return []
    sealed = [one for entry, content in find_seals(log) if (one := read_sealed(entry, content)) is not None]
    past = [one.seal for one in sealed if one.end_ms < end_ms]
    return [
        entry
        for start in range(0, len(past), _STEP)
        for entry, one in log.store.pick(past[start : start + _STEP]).items()
        if one.private
    ]


def _remove(log: AccessLog, due: Sequence[int]) -> int:
    """Remove rows of the index, then private parts: whatever dies in between, the entries are still named as due."""
    words = log.store.erase_entry_words(due)
    for start in range(0, len(due), _STEP):
        log.store.replace_privates(dict.fromkeys(due[start : start + _STEP], b""))
    return words
