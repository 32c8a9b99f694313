"""What the gateway's own store said, used again while it is known that nothing changed.

Somebody looks at the store every `LOOK_SECONDS` and learns what changed since the look before. What the store said is
used again only while the last good look began less than `LEASE_SECONDS` ago, and no look found that a licence changed
which has a name that it was found by. So a change counts in every process `LEASE_SECONDS` after its commit, at the
latest; when the store cannot be looked at, all leases end, and questions go to the store itself.

Only what was found is kept, without its document; of a document's licence also that the store does not know it, which
whoever has the document may learn. By any other name a licence that is not there takes the same way each time, decoy
included: whoever asks must not be able to tell by the time whether somebody else has asked before.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import date
from typing import Final, NamedTuple, Protocol

from gateway.cache.cache import NO_TALLY, CacheTally
from gateway.sources.errand import Errand
from gateway.sources.licence_store import Look, Mark, index_names, key_names
from gateway.sources.source import (
    ByIdentifier,
    Found,
    LicenceIndex,
    LicenceKey,
    LicenceSource,
    Registered,
    SourceUnavailableError,
    StoredHead,
)

LOOK_SECONDS: Final = 0.05  # between two looks, of some 100 microseconds each, and none while nobody asks
LEASE_SECONDS: Final = 0.25  # so long may a change be unknown; four looks may be late before questions go to the store
# However sure: what somebody changed past the store's own commands, which note what they change, counts after this.
KEPT_SECONDS: Final = 10.0
MAX_KEPT: Final = 16_384  # answers, of about 1 KB each
MAX_CHANGED: Final = 16_384  # names of licences that changed; beyond that everything ends

_LOG: Final = logging.getLogger(__name__)

Steady = Callable[[], float]


class OwnSource(LicenceSource, Protocol):
    """The gateway's own store, as far as it can be looked at."""

    async def find_head(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:
        """Return what the store knows, without a document that is there; raises SourceUnavailableError."""

    async def read_document(self, sha256: str) -> bytes:
        """Return the document that a head named; raises SourceUnavailableError."""

    async def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed; None: there was no look before.

        Raises:
            SourceUnavailableError: it cannot be looked at.

        """


class _Kept(NamedTuple):
    """An answer, as of which look the question went out, and until when it is used at most."""

    answer: StoredHead | Registered | None
    generation: int
    ends_at: float


class LeasedSource:
    """A `LicenceSource` before the gateway's own store; for one event loop."""

    def __init__(self, source: OwnSource, *, steady: Steady = time.monotonic, tally: CacheTally = NO_TALLY) -> None:
        """Ask ``source``; ``steady`` returns seconds by a clock that nobody sets."""
        self.name = source.name
        self._source = source
        self._steady = steady
        self._tally = tally
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()  # the one used last is at the end
        self._mark: Mark | None = None
        self._looked_at: float | None = None  # when the last look began; None: it was no good
        # Looks are counted, so that an answer which was under way while a change was found is not used again.
        self._generation = 0
        self._all_changed = 0  # the last one that found that everything may have changed
        self._changed: dict[str, int] = {}  # by name, the last one that found a change of it
        self._asked = asyncio.Event()

    async def find(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:
        """Return what the store knows.

        Raises:
            SourceUnavailableError: there is no store, it cannot be used, or too much is waiting for it.

        """
        # A holder is compared with what is sealed, and no part of what the store looks up.
        place = ("i", key.identifier) if isinstance(key, ByIdentifier) else ("n", key.number, key.type)
        kept = self._recall(place, key_names(key))
        if kept is not None and isinstance(kept.answer, StoredHead):
            return kept.answer
        generation, begun = self._generation, self._steady()
        found = await self._source.find_head(key, errand)
        if isinstance(found, StoredHead):
            self._keep(place, _Kept(found, generation, begun + KEPT_SECONDS))
        return found

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands; raises SourceUnavailableError, as `find` does."""
        place = ("s", index.identifier, index.number, index.type_code, index.name, issued_on)
        kept = self._recall(place, index_names(index))
        if kept is not None and not isinstance(kept.answer, StoredHead):
            return kept.answer
        generation, begun = self._generation, self._steady()
        registered = await self._source.find_status(index, errand, issued_on=issued_on)
        self._keep(place, _Kept(registered, generation, begun + KEPT_SECONDS))
        return registered

    async def read_document(self, sha256: str) -> bytes:
        """Return the document that a head named; raises SourceUnavailableError."""
        return await self._source.read_document(sha256)

    async def look(self) -> None:
        """Look at the store once; one that cannot be looked at ends all leases."""
        begun = self._steady()
        try:
            look = await self._source.look(self._mark)
        except SourceUnavailableError:
            self._looked_at = None
            return
        self._mark = look.mark
        if look.names is None or len(self._changed) + len(look.names) > MAX_CHANGED:
            self._generation += 1
            self._all_changed = self._generation
            self._changed.clear()
            self._kept.clear()
        elif look.names:
            self._generation += 1
            self._changed |= dict.fromkeys(look.names, self._generation)
        self._looked_at = begun

    def see(self) -> float:
        """Return the moment as of which whoever asks now will know the store."""
        now = self._steady()
        is_leased = self._looked_at is not None and now - self._looked_at < LEASE_SECONDS
        return self._looked_at if is_leased and self._looked_at is not None else now

    def is_recent(self, seen: float) -> bool:
        """Say whether what was asked as of that moment is as new as a lease allows."""
        return self._steady() - seen < LEASE_SECONDS

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look once, so that changes can be told from then on, and again and again while somebody asks."""
        self._asked.set()
        task = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        """Let go of the store."""
        self._source.close()

    async def _keep_looking(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the next look may be better
                self._looked_at = None
                _LOG.error("the licence store could not be looked at: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def _recall(self, place: Hashable, names: frozenset[str]) -> _Kept | None:
        """Return what was kept, if it counts now."""
        self._asked.set()
        kept, now = self._kept.get(place), self._steady()
        if (
            kept is not None
            and self._looked_at is not None
            and now - self._looked_at < LEASE_SECONDS
            and now < kept.ends_at
            and self._counts(kept.generation, names)
        ):
            self._kept.move_to_end(place)
            self._tally.hit()
            return kept
        self._tally.miss()
        return None

    def _counts(self, generation: int, names: frozenset[str]) -> bool:
        """Say whether no look after that one found a change of any of these names."""
        return self._all_changed <= generation and all(self._changed.get(name, 0) <= generation for name in names)

    def _keep(self, place: Hashable, kept: _Kept) -> None:
        self._kept[place] = kept
        self._kept.move_to_end(place)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
