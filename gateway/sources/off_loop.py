"""The licence store beside the event loop."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from gateway.sources.errand import Errand
from gateway.sources.licence_store import SOURCE_NAME, LicenceStore, Look, Mark
from gateway.sources.source import Found, LicenceIndex, LicenceKey, Registered, StoredHead
from gateway.sources.store import SqliteLicenceStore
from gateway.sources.store_thread import StoreThread


class OffLoopSource:
    """A `LicenceSource` on a store that blocks; used from one event loop."""

    name = SOURCE_NAME

    def __init__(self, path: Path, *, open_store: Callable[[Path], LicenceStore] = SqliteLicenceStore) -> None:
        """Ask the store at ``path``, which need not be there yet."""
        self._thread = StoreThread(path, open_store, name="licences")
        self._looked_at: LicenceStore | None = None  # belongs to the thread

    async def find(self, key: LicenceKey, errand: Errand) -> Found:  # noqa: ARG002 - it tells everybody the same
        """Return what the store knows.

        Raises:
            SourceUnavailableError: there is no store, it cannot be used, or too much is waiting for it.

        """
        return await self._thread.use(lambda store: store.find(key))

    async def find_head(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:  # noqa: ARG002 - likewise
        """Return what the store knows, without a document that is there; raises SourceUnavailableError."""
        return await self._thread.use(lambda store: store.find_head(key))

    async def read_document(self, sha256: str) -> bytes:
        """Return the document that a head named; raises SourceUnavailableError."""
        return await self._thread.use(lambda store: store.read_document(sha256))

    async def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed; all of it may have in one that was opened anew.

        Raises:
            SourceUnavailableError: as `find` does.

        """
        return await self._thread.use(lambda store: self._look(store, since))

    async def find_status(
        self,
        index: LicenceIndex,
        errand: Errand,  # noqa: ARG002 - likewise
        *,
        issued_on: date | None,
    ) -> Registered | None:
        """Return how the licence of a document stands; raises SourceUnavailableError, as `find` does."""
        return await self._thread.use(lambda store: store.find_status(index, issued_on=issued_on))

    def _look(self, store: LicenceStore, since: Mark | None) -> Look:
        look = store.look(since if store is self._looked_at else None)
        self._looked_at = store  # only now: one that could not be looked at is as unknown as before
        return look

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._thread.close()
