"""Shards: one log for each half of a year, named ``gw.REGION/access/2026h2``; a seal closes one and opens the next.

The last entry of a shard is a seal with action ``close``. The first entry of the next is one with action ``open``,
whose member ``previous`` is ``ORIGIN:SIZE:ROOT`` of the closed tree, so that nobody can take another in its place.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.shred import OWN_CALLER
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.tlog.checkpoint import Checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_CLOSE, SEAL_OPEN
from gateway.decision import make_decision_id

_CHINA: Final = timezone(timedelta(hours=8))
_HALF: Final = 6  # months


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledOver:
    """The receipts of both seals."""

    closed: Receipt
    opened: Receipt


def shard_origin(region: str, at: datetime) -> str:
    """Return the name of the shard that entries of this moment belong to; half-years are those of China."""
    day = at.astimezone(_CHINA)
    return f"gw.{region}/access/{day.year}h{1 + (day.month - 1) // _HALF}"


async def roll_over(old: AccessLog, new: AccessLog, *, at: datetime) -> RolledOver:
    """Close a shard and open the next; whoever hands in entries goes to the new one before this is called.

    May be called again after it failed: a shard that is closed is not closed again.

    Raises:
        LogUnavailableError: a log does not take its seal; OTHER_LOG, the new one is not empty, or has the same name.

    """
    if new.origin == old.origin or new.head() is not None:
        raise LogUnavailableError(Unavailable.OTHER_LOG, "an empty log of another name was expected")
    closed = _last_seal(old) or await old.append(_draft(at, {"action": SEAL_CLOSE}))
    head = old.head()
    tree = parse_checkpoint(closed.checkpoint).checkpoint
    if head is None or head.size != tree.size:
        raise LogUnavailableError(Unavailable.OTHER_LOG, "an entry was written behind the seal")
    opened = await new.append(_draft(at, {"action": SEAL_OPEN, "previous": spell_shard(tree)}))
    return RolledOver(closed=closed, opened=opened)


def spell_shard(tree: Checkpoint) -> str:
    """Return how the first entry of a shard names the one before."""
    root = base64.urlsafe_b64encode(tree.root).rstrip(b"=").decode()
    return f"{tree.origin}:{tree.size}:{root}"


def is_closed(log: AccessLog) -> bool:
    """Answer whether the last entry is the seal that closes a shard."""
    return _last_seal(log) is not None


def _last_seal(log: AccessLog) -> Receipt | None:
    head = log.head()
    if head is None:
        return None
    data = log.leaf(head.size - 1)
    leaf = parse_leaf(data)
    if leaf.content.kind is not LeafKind.SEAL or leaf.content.more.get("action") != SEAL_CLOSE:
        return None
    return Receipt(
        log=log.origin,
        index=head.size - 1,
        leaf_hash=leaf_hash(data),
        checkpoint=head.checkpoint,
        seq=leaf.seq,
    )


def _draft(at: datetime, more: dict[str, str | int]) -> EntryDraft:
    req = make_decision_id(at.astimezone(UTC))
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.SEAL, req=req, caller=OWN_CALLER, more=more))
