"""Shards: one log for each half of a year, named ``gw.REGION/access/2026h2``; a seal closes one and opens the next.

The last entry of a shard is a seal with action ``close``; behind it stand only seals of its last days, and what is
forgotten later. The first entry of the next is one with action ``open``, whose member ``previous`` is
``ORIGIN:SIZE:ROOT`` of the closed tree, so that nobody can take another in its place.
"""

import asyncio
import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.entry import OWN_CALLER, EntryDraft, Receipt
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch
from gateway.audit.reader import LogReader
from gateway.audit.tlog.checkpoint import Checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_CLOSE, SEAL_OPEN, may_follow_close
from gateway.decision import make_decision_id

_HALF: Final = 6  # months
_SHARD: Final = re.compile(r"[0-9]{4}h[12]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledOver:
    """The receipts of both seals."""

    closed: Receipt
    opened: Receipt


def shard_name(at: datetime) -> str:
    """Return the shard that entries of this moment belong to, such as 2026h2; half-years are those of China."""
    day = at.astimezone(CHINA_STANDARD_TIME)
    return f"{day.year:04}h{1 + (day.month - 1) // _HALF}"


def next_shard(shard: str) -> str:
    """Return the half-year after one."""
    year, _, half = shard.partition("h")
    return f"{year}h2" if half == "1" else f"{int(year) + 1:04}h1"


def shard_origin(region: str, shard: str) -> str:
    """Return the name that the log of a shard signs under."""
    return f"gw.{region}/access/{shard}"


def site_origin(origin: str) -> str:
    """Return the name of the log of a site, of which this is the name of a shard: all its half-years together."""
    return origin.rpartition("/")[0]


def is_shard(name: str) -> bool:
    """Answer whether this is the name of a shard."""
    return _SHARD.fullmatch(name) is not None


def shard_epoch(shard: str) -> Epoch:
    """Return the epoch of a shard's index: half-years since the year 0, so that a later shard has a higher one."""
    year, _, half = shard.partition("h")
    return Epoch(2 * int(year) + int(half) - 1)


async def roll_over(old: AccessLog, new: AccessLog, *, at: datetime) -> RolledOver:
    """Close a shard and open the next; whoever hands in entries goes to the new one before this is called.

    May be called again after it failed: a shard that is closed is not closed again.

    Raises:
        LogUnavailableError: a log does not take its seal; OTHER_LOG, the new one is not empty, or has the same name.

    """
    if new.origin == old.origin or await asyncio.to_thread(new.head) is not None:
        raise LogUnavailableError(Unavailable.OTHER_LOG, "an empty log of another name was expected")
    if not await asyncio.to_thread(is_closed, old):
        await old.append(_draft(at, {"action": SEAL_CLOSE}))
    closed = await asyncio.to_thread(find_close, old)  # by the newest checkpoint: a shred may stand behind it by now
    if closed is None:
        raise LogUnavailableError(Unavailable.OTHER_LOG, "an entry was written behind the seal")
    tree = parse_checkpoint(closed.checkpoint).checkpoint
    opened = await new.append(_draft(at, {"action": SEAL_OPEN, "previous": spell_shard(tree)}))
    return RolledOver(closed=closed, opened=opened)


def spell_shard(tree: Checkpoint) -> str:
    """Return how the first entry of a shard names the one before."""
    root = base64.urlsafe_b64encode(tree.root).rstrip(b"=").decode()
    return f"{tree.origin}:{tree.size}:{root}"


def is_closed(log: LogReader) -> bool:
    """Answer whether a shard is closed."""
    return find_close(log) is not None


def find_close(log: LogReader) -> Receipt | None:
    """Return the receipt of the seal that closed a shard, by its newest checkpoint; None for one that is open."""
    head = log.head()
    if head is None:
        return None
    for index in range(head.size - 1, -1, -1):
        data = log.leaf(index)
        leaf = parse_leaf(data)
        if leaf.content.kind is LeafKind.SEAL and leaf.content.more.get("action") == SEAL_CLOSE:
            return Receipt(
                log=log.origin,
                index=index,
                leaf_hash=leaf_hash(data),
                checkpoint=head.checkpoint,
                seq=leaf.seq,
            )
        if not may_follow_close(leaf.content):
            return None
    return None


def _draft(at: datetime, more: dict[str, str | int]) -> EntryDraft:
    req = make_decision_id(at.astimezone(UTC))
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.SEAL, req=req, caller=OWN_CALLER, more=more))
