"""A thread that uses a store which blocks: opened when it is there, and opened again when it was replaced."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from gateway.sources.source import SourceFault, SourceUnavailableError

MAX_WAITING: Final = 1000  # uses at once; a look-up takes some 50 microseconds, so the last waits 50 ms


class Closable(Protocol):
    """What a store has at least."""

    def close(self) -> None:
        """Let go of what it holds."""


_Store = TypeVar("_Store", bound=Closable)
_Value = TypeVar("_Value")
_Identity = tuple[int, int]  # device and number of a file


class StoreThread(Generic[_Store]):
    """One thread and the store at one path; used from one event loop."""

    def __init__(
        self,
        path: Path,
        open_store: Callable[[Path], _Store],
        *,
        name: str,
        absent: SourceFault = SourceFault.ABSENT,
    ) -> None:
        """Use the store at ``path``, which need not be there yet.

        ``absent`` is what it means where it is not; one that was there is unusable when it is gone, for nobody knows
        what it held.
        """
        self._path = path
        self._absent = absent
        self._open_store = open_store
        self._opened: tuple[_Identity, _Store] | None = None  # belongs to the thread
        self._waiting = 0
        self._is_closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def use(self, work: Callable[[_Store], _Value], *, make: Callable[[Path], _Store] | None = None) -> _Value:
        """Do something with the store that lies there now; ``make`` makes it where there is none.

        Raises:
            SourceUnavailableError: there is no store, it cannot be used, or too much is waiting for it.

        """
        return await self.run(lambda: self._use(work, make))

    async def run(self, work: Callable[[], _Value]) -> _Value:
        """Do something else in the thread; raises SourceUnavailableError when too much is waiting, or after the end."""
        if self._is_closed:
            raise SourceUnavailableError(SourceFault.UNUSABLE, "closed")
        if self._waiting >= MAX_WAITING:
            raise SourceUnavailableError(SourceFault.BUSY, "too much is waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._let_go)
            self._thread.shutdown(wait=False)

    def _use(self, work: Callable[[_Store], _Value], make: Callable[[Path], _Store] | None) -> _Value:
        try:
            return work(self._current(make))
        except SourceUnavailableError as error:
            if error.fault is not SourceFault.BUSY:
                self._let_go()  # opened anew the next time, when it may have been mended
            raise

    def _current(self, make: Callable[[Path], _Store] | None) -> _Store:
        """Return the store that lies at the path now, which may be another one than a moment ago (a backup)."""
        identity = self._identify()
        if identity is None and make is not None:
            make(self._path).close()
            identity = self._identify()
        if identity is None:
            raise SourceUnavailableError(self._absent, "no such file" if self._absent is not SourceFault.ABSENT else "")
        if self._opened is None or self._opened[0] != identity:
            self._let_go()
            self._opened = (identity, (make or self._open_store)(self._path))  # a file may be there, and not filled yet
            self._absent = SourceFault.UNUSABLE
        return self._opened[1]

    def _identify(self) -> _Identity | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnavailableError(SourceFault.UNUSABLE, error.strerror or type(error).__name__) from error
        return found.st_dev, found.st_ino

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None
