"""The licence store beside the event loop."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from gateway.sources.errand import Errand
from gateway.sources.licence_store import SOURCE_NAME, LicenceStore
from gateway.sources.source import Found, LicenceIndex, LicenceKey, Registered
from gateway.sources.store import SqliteLicenceStore
from gateway.sources.store_thread import StoreThread


class OffLoopSource:
    """A `LicenceSource` on a store that blocks; used from one event loop."""

    name = SOURCE_NAME

    def __init__(self, path: Path, *, open_store: Callable[[Path], LicenceStore] = SqliteLicenceStore) -> None:
        """Ask the store at ``path``, which need not be there yet."""
        self._thread = StoreThread(path, open_store, name="licences")

    async def find(self, key: LicenceKey, errand: Errand) -> Found:  # noqa: ARG002 - it tells everybody the same
        """Return what the store knows.

        Raises:
            SourceUnavailableError: there is no store, it cannot be used, or too much is waiting for it.

        """
        return await self._thread.use(lambda store: store.find(key))

    async def find_status(
        self,
        index: LicenceIndex,
        errand: Errand,  # noqa: ARG002 - likewise
        *,
        issued_on: date | None,
    ) -> Registered | None:
        """Return how the licence of a document stands; raises SourceUnavailableError, as `find` does."""
        return await self._thread.use(lambda store: store.find_status(index, issued_on=issued_on))

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._thread.close()
