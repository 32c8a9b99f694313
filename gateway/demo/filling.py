"""Filling a licence store with generated licences, batch by batch, so that an interrupted run goes on."""

from collections.abc import Callable
from typing import Final

from gateway.demo.generated import Generation, Press
from gateway.sources.intake import read_new_licence
from gateway.sources.recording import RecordingStore
from gateway.sources.source import NotFound, by_identifier

BATCH: Final = 16_000  # in one transaction, as an import does
REASON: Final = "generated"


def fill_store(
    store: RecordingStore,
    generation: Generation,
    press: Press,
    *,
    begin: int = 0,
    announce: Callable[[int, int], None] = lambda _first, _end: None,
    advance: Callable[[int], None] = lambda _done: None,
) -> None:
    """Store the licences from ``begin`` on; what a run before this one stored of them counts as stored.

    ``announce`` is called with the places of a batch before it is stored, and raises where it must not be; ``advance``
    with how many are stored.

    Raises:
        SourceUnavailableError: the store cannot be used.

    """
    store.expect_many()
    for first in range(begin, generation.count, BATCH):
        end = min(first + BATCH, generation.count)
        announce(first, end)
        places = range(first, end)
        recorded = [generation.record(place) for place in places if not generation.has_document(place)]
        store.record(recorded, reason=REASON, at=generation.at)
        # Sealed again, one that is there would be another document, and so another version.
        missing = [
            place for place in places if generation.has_document(place) and _is_missing(store, generation, place)
        ]
        store.add([read_new_licence(press.issue(place).document) for place in missing], at=generation.at)
        advance(end)


def _is_missing(store: RecordingStore, generation: Generation, place: int) -> bool:
    return isinstance(store.find(by_identifier(generation.record(place).identifier)), NotFound)
