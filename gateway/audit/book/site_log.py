"""The log of a site, as everybody has it who does not write the book."""

from typing import Protocol

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.reader import LogReader
from gateway.audit.unavailable import LogUnavailableError


class SiteLog(Protocol):
    """The log of a site as everybody else has it; reading blocks, and is for threads."""

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why nothing is taken: any more, not yet, or since it last failed; None while it is."""
        ...

    async def append(self, draft: EntryDraft) -> Receipt:
        """Return once the entry is durable and stands in a signed tree; raises as `AccessLog.append` does."""
        ...

    async def announce_policy(self, digest: str, *, approvals: int) -> None:
        """Say that this policy is in force from here on, unless that was said last."""
        ...

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force from here on, unless that was said last."""
        ...

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        ...

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading, None: the one that is written; KeyError for one that there is not.

        Raises:
            LogUnavailableError: it cannot be opened.

        """
        ...
