"""Consents beside the event loop: one thread, opened when they are first needed, made when one is registered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from gateway.consent.record import ConsentId, ConsentRecord
from gateway.consent.sqlite import SqliteConsentStore
from gateway.consent.store import ConsentStore
from gateway.secret_file import SecretError, read_or_make_secret
from gateway.sources.source import SourceFault, SourceUnavailableError

CONSENTS_FILE: Final = "consents.sqlite"  # inside the state folder of a site
KEY_FILE: Final = "consents.key"  # beside it
MAX_WAITING: Final = 1000  # uses at once; a look-up takes some 50 microseconds, a registration waits for the disk

_Value = TypeVar("_Value")


class OpenStore(Protocol):
    """How the store is opened."""

    def __call__(self, path: Path, *, create: bool) -> ConsentStore:
        """Open what lies there, or make it; raises SourceUnavailableError."""


class OffLoopConsents:
    """An `AsyncConsents` on a store that blocks; used from one event loop."""

    def __init__(self, state: Path, *, open_store: OpenStore = SqliteConsentStore) -> None:
        """Keep consents in the state folder of a site, which need not be there yet."""
        self._state = state
        self._open_store = open_store
        self._opened: ConsentStore | None = None  # this and the key belong to the thread
        self._key: bytes | None = None
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consents")

    async def add(self, record: ConsentRecord) -> None:
        """Keep a consent.

        Raises:
            SourceUnavailableError: it cannot be told whether it is kept; or too much is waiting.

        """
        await self._run(lambda: self._store(create=True).add(record))

    async def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent; raises SourceUnavailableError."""
        return await self._run(lambda: self._read(lambda store: store.find(consent)))

    async def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent and return since when it is; raises SourceUnavailableError."""
        return await self._run(
            lambda: self._read(lambda store: store.withdraw(consent, at=at, organisation=organisation))
        )

    async def secret(self) -> bytes:
        """Return the key that holders' numbers are hashed with, made when it is not there.

        Raises:
            SourceUnavailableError: it cannot be read.

        """
        return await self._run(self._read_key)

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._thread.submit(self._let_go)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _Value]) -> _Value:
        if self._waiting >= MAX_WAITING:
            raise SourceUnavailableError(SourceFault.BUSY, "too many uses of consents")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        finally:
            self._waiting -= 1

    def _guarded(self, work: Callable[[], _Value]) -> _Value:
        try:
            return work()
        except SourceUnavailableError as error:
            if error.fault is not SourceFault.BUSY:
                self._let_go()  # opened anew next time, when it may have been mended
            raise

    def _read(self, use: Callable[[ConsentStore], _Value | None]) -> _Value | None:
        """Use what is there; where nobody ever registered a consent there is nothing to find."""
        try:
            return use(self._store(create=False))
        except SourceUnavailableError as error:
            if error.fault is SourceFault.ABSENT:
                return None
            raise

    def _store(self, *, create: bool) -> ConsentStore:
        if self._opened is None:
            self._opened = self._open_store(self._state / CONSENTS_FILE, create=create)
        return self._opened

    def _read_key(self) -> bytes:
        if self._key is None:
            try:
                self._key = read_or_make_secret(self._state / KEY_FILE)
            except SecretError as error:
                raise SourceUnavailableError(SourceFault.UNUSABLE, f"{KEY_FILE}: {error.fault}") from error
        return self._key

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
