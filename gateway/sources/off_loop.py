"""The licence store beside the event loop: one thread, opened when it is there, opened again when it was replaced."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from gateway.sources.licence_store import SOURCE_NAME, LicenceStore
from gateway.sources.source import Found, LicenceIndex, LicenceKey, Registered, SourceFault, SourceUnavailableError
from gateway.sources.store import SqliteLicenceStore

MAX_WAITING: Final = 1000  # look-ups at once; each takes some 50 microseconds, so the last waits 50 ms

_Answer = TypeVar("_Answer")
_Identity = tuple[int, int]  # device and number of a file


class OffLoopSource:
    """A `LicenceSource` on a store that blocks; used from one event loop."""

    name = SOURCE_NAME

    def __init__(self, path: Path, *, open_store: Callable[[Path], LicenceStore] = SqliteLicenceStore) -> None:
        """Ask the store at ``path``, which need not be there yet."""
        self._path = path
        self._open_store = open_store
        self._opened: tuple[_Identity, LicenceStore] | None = None  # belongs to the thread
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="licences")

    async def find(self, key: LicenceKey) -> Found:
        """Return what the store knows.

        Raises:
            SourceUnavailableError: there is no store, it cannot be used, or too much is waiting for it.

        """
        return await self._run(lambda store: store.find(key))

    async def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands; raises SourceUnavailableError, as `find` does."""
        return await self._run(lambda store: store.find_status(index, issued_on=issued_on))

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._thread.submit(self._let_go)
        self._thread.shutdown(wait=False)

    async def _run(self, ask: Callable[[LicenceStore], _Answer]) -> _Answer:
        if self._waiting >= MAX_WAITING:
            raise SourceUnavailableError(SourceFault.BUSY, "too many look-ups")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, ask)
        finally:
            self._waiting -= 1

    def _ask(self, ask: Callable[[LicenceStore], _Answer]) -> _Answer:
        store = self._current()
        try:
            return ask(store)
        except SourceUnavailableError as error:
            if error.fault is not SourceFault.BUSY:
                self._let_go()  # opened anew for the next question, when it may have been mended
            raise

    def _current(self) -> LicenceStore:
        """Return the store that lies at the path now, which may be another one than a moment ago (a backup)."""
        try:
            found = self._path.stat()
        except FileNotFoundError as error:
            self._let_go()
            raise SourceUnavailableError(SourceFault.ABSENT) from error
        except OSError as error:
            raise SourceUnavailableError(SourceFault.UNUSABLE, error.strerror or type(error).__name__) from error
        identity = (found.st_dev, found.st_ino)
        if self._opened is None or self._opened[0] != identity:
            self._let_go()
            self._opened = (identity, self._open_store(self._path))
        return self._opened[1]

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None
