"""What can be done with consents, whoever keeps them."""

from datetime import datetime
from typing import Protocol

from gateway.consent.record import ConsentId, ConsentRecord


class ConsentStore(Protocol):
    """A store of consents; every method blocks, and raises SourceUnavailableError when the store cannot be used.

    What was added or withdrawn is durable when the method returns; after an error it may be either.
    """

    def add(self, record: ConsentRecord) -> None:
        """Keep a consent; one that is there already under its id is left as it is."""

    def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent; None for an id that nobody has."""

    def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent and return since when it is: the first withdrawal counts.

        ``organisation``: only a consent that it registered; None: any. Unknown and foreign consents are None alike.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class AsyncConsents(Protocol):
    """The same beside the event loop, as questions use it."""

    async def add(self, record: ConsentRecord) -> None:
        """Keep a consent."""

    async def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent; None for an id that nobody has."""

    async def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent and return since when it is."""

    async def secret(self) -> bytes:
        """Return the key that holders' numbers are hashed with."""

    def close(self) -> None:
        """Let go of what it holds."""
