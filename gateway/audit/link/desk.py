"""What the process that writes the log does for others: as they see it, and around its book."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from gateway.audit.book.book import LogBook
from gateway.audit.book.retaining import ReadRetention, RetainedShard, retain_shard
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.shred import Shredded, shred
from gateway.audit.forgetting.shred_approval import ShredApproval, ShredOrder
from gateway.policy.approvers import ApproverRegistry

Clock = Callable[[], datetime]
ReadApprovers = Callable[[], ApproverRegistry]  # blocks; raises LogUnavailableError (UNUSABLE)


class LogDesk(Protocol):
    """What can be asked of the process that writes the log; everything raises LogUnavailableError."""

    async def append(self, draft: EntryDraft) -> Receipt:
        """Write an entry, and return once it is durable; raises LeafError too, as `AccessLog.append` does."""
        ...

    async def announce_policy(self, digest: str, *, approvals: int) -> None:
        """Say that this policy is in force, unless that was said last."""
        ...

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force, unless that was said last."""
        ...

    async def shred(self, order: ShredOrder, approvals: Sequence[ShredApproval]) -> Shredded:
        """Forget a person in every shard; raises NotApprovedError when too few approvals count."""
        ...

    async def retain(self) -> tuple[RetainedShard, ...]:
        """Remove what is past its time, in every shard."""
        ...


class BookDesk:
    """The desk of an open book."""

    def __init__(
        self, book: LogBook, *, read_approvers: ReadApprovers, read_retention: ReadRetention, clock: Clock
    ) -> None:
        """Work on a book; who may approve, and for how long things are kept, is read anew each time."""
        self.book = book
        self._read_approvers = read_approvers
        self._read_retention = read_retention
        self._clock = clock

    async def append(self, draft: EntryDraft) -> Receipt:
        """Write an entry."""
        return await self.book.append(draft)

    async def announce_policy(self, digest: str, *, approvals: int) -> None:
        """Say that this policy is in force."""
        await self.book.announce_policy(digest, approvals=approvals)

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force."""
        await self.book.announce_trust(version)

    async def shred(self, order: ShredOrder, approvals: Sequence[ShredApproval]) -> Shredded:
        """Forget a person; the keys that this process remembers are forgotten with them."""
        approvers = await asyncio.to_thread(self._read_approvers)
        return await shred(self.book, order, approvals, approvers, at=self._clock())

    async def retain(self) -> tuple[RetainedShard, ...]:
        """Remove what is past its time, the oldest shard first; whoever asks for it wants the files to be clear too."""
        shards = await asyncio.to_thread(self.book.shards)
        retention = await asyncio.to_thread(self._read_retention)
        return tuple(
            [await retain_shard(self.book, one, retention, at=self._clock(), owes_purge=True) for one in shards]
        )
