"""Which licences of one type a holder has, in the gateway's own store: only to ask for each of them afterwards."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from gateway.sources.licence_store import LicenceStore, Selection
from gateway.sources.source import LicenceKey, SourceFault, by_identifier, by_number, key_text, normal_code
from gateway.sources.store import SqliteLicenceStore
from gateway.sources.store_thread import StoreThread


class HolderSearch:
    """Looks in the store beside the event loop; used from one event loop."""

    def __init__(
        self,
        path: Path,
        *,
        open_store: Callable[[Path], LicenceStore] = SqliteLicenceStore,
        absent: SourceFault = SourceFault.ABSENT,
    ) -> None:
        """Look in the store at ``path``, which need not be there yet; ``absent`` is what it means where it is not."""
        self._thread = StoreThread(path, open_store, name="holders", absent=absent)

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
        for index in store.indexes(Selection(licence_type=wanted, holder=code)):
            if index.number:
                yield by_number(index.number, index.type_code or index.name, holder)
            elif index.identifier:
                yield by_identifier(index.identifier, holder)
