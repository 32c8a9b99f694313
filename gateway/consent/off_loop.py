"""Consents beside the event loop: opened when they are first needed, made when one is registered.

There is a thread that looks up and one that writes, so that questions do not wait behind what waits for the disk.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from gateway.consent.record import ConsentId, ConsentRecord
from gateway.consent.sqlite import SqliteConsentStore
from gateway.consent.store import ConsentStore
from gateway.secret_file import SecretError, read_or_make_secret
from gateway.sources.source import SourceFault, SourceUnavailableError
from gateway.sources.store_thread import StoreThread

CONSENTS_FILE: Final = "consents.sqlite"  # inside the state folder of a site
KEY_FILE: Final = "consents.key"  # beside it

_Value = TypeVar("_Value")


class OpenStore(Protocol):
    """How the store is opened."""

    def __call__(self, path: Path, *, create: bool) -> ConsentStore:
        """Open what lies there, or make it; raises SourceUnavailableError."""


class OffLoopConsents:
    """An `AsyncConsents` on a store that blocks; used from one event loop."""

    def __init__(self, state: Path, *, open_store: OpenStore = SqliteConsentStore) -> None:
        """Keep consents in the state folder of a site, which need not be there yet."""
        self._key_path = state / KEY_FILE

        def open_made(path: Path) -> ConsentStore:
            return open_store(path, create=False)

        def make(path: Path) -> ConsentStore:
            return open_store(path, create=True)

        self._make = make
        self._reading = StoreThread(state / CONSENTS_FILE, open_made, name="consents")
        self._writing = StoreThread(state / CONSENTS_FILE, open_made, name="consents-write")

    async def add(self, record: ConsentRecord) -> None:
        """Keep a consent.

        Raises:
            SourceUnavailableError: it cannot be told whether it is kept; or too much is waiting.

        """
        await self._writing.use(lambda store: store.add(record), make=self._make)

    async def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent; raises SourceUnavailableError."""
        return await _use(self._reading, lambda store: store.find(consent))

    async def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent and return since when it is; raises SourceUnavailableError."""
        return await _use(self._writing, lambda store: store.withdraw(consent, at=at, organisation=organisation))

    async def secret(self) -> bytes:
        """Return the key that holders' numbers are hashed with, made when it is not there.

        It is read each time, so that one which comes back with a backup counts at once, as the register does.

        Raises:
            SourceUnavailableError: it cannot be read.

        """
        return await self._reading.run(self._read_key)

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._reading.close()
        self._writing.close()

    def _read_key(self) -> bytes:
        try:
            return read_or_make_secret(self._key_path)
        except SecretError as error:
            raise SourceUnavailableError(SourceFault.UNUSABLE, f"{KEY_FILE}: {error.fault}") from error


async def _use(thread: StoreThread[ConsentStore], work: Callable[[ConsentStore], _Value | None]) -> _Value | None:
    """Use what is there; where nobody ever registered a consent there is nothing to find."""
    try:
        return await thread.use(work)
    except SourceUnavailableError as error:
        if error.fault is SourceFault.ABSENT:
            return None
        raise
