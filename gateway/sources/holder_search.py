"""Which licences of one type a holder has, in the gateway's own store: only to ask for each of them afterwards."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gateway.sources.licence_store import LicenceStore, Selection
from gateway.sources.source import LicenceKey, by_identifier, by_number, key_text, normal_code
from gateway.sources.store import SqliteLicenceStore
from gateway.sources.store_thread import StoreThread


class HolderSearch:
    """Looks in the store beside the event loop; used from one event loop."""

    def __init__(self, path: Path) -> None:
        """Look in the store at ``path``, which need not be there yet."""
        self._thread: StoreThread[LicenceStore] = StoreThread(path, SqliteLicenceStore, name="holders")

    async def find(self, holder: str, licence_type: str, *, most: int) -> tuple[LicenceKey, ...]:
        """Return the keys of a holder's licences of a type, by code or name; at most ``most`` of them.

        Nothing of a licence is known by its key that was not asked for, but its number. A holder or a type that says
        nothing has none: nobody is given a list of all that somebody has.

        Raises:
            SourceUnavailableError: the store cannot be asked.

        """
        return await self._thread.use(lambda store: tuple(islice(_find(store, holder, licence_type), most)))

    def close(self) -> None:
        """Close the store as soon as what is under way has ended."""
        self._thread.close()


def _find(store: LicenceStore, holder: str, licence_type: str) -> Iterator[LicenceKey]:
    wanted = key_text(licence_type)
    # The store keeps what documents state, where a citizen number may have its old form.
    for code in dict.fromkeys((key_text(holder), normal_code(holder))):
        if not (code and wanted):
            continue
        for entry in store.entries(Selection(licence_type=wanted, holder=code)):
            index = store.index(entry.identifier or entry.sha256) if entry.identifier or entry.sha256 else None
            if index is None:
                continue
            if index.number:
                yield by_number(index.number, index.type_code or index.name, holder)
            else:
                yield by_identifier(index.identifier)
