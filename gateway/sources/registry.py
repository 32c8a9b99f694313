"""All sources of a gateway, and which of them are asked about a licence."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Final

from gateway.adapters.asked import AskedSystem
from gateway.cache.local import MIB, LocalCache
from gateway.metrics import Metrics
from gateway.settings import SourcesSettings
from gateway.sources.errand import Errand
from gateway.sources.kept import FRESH, KEPT, KeptAnswers
from gateway.sources.leased import LeasedSource
from gateway.sources.licence_store import SOURCE_NAME
from gateway.sources.line import SystemLine, SystemReport
from gateway.sources.outage import Outage
from gateway.sources.rules import SourceRule, Wanted, select_rules, undecided_rules
from gateway.sources.source import (
    SYSTEM_PREFIX,
    Found,
    LicenceIndex,
    LicenceKey,
    LicenceSource,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StatedLicence,
    StoredHead,
    StoredLicence,
    SystemFault,
    SystemUnavailableError,
)
from gateway.sources.store_watch import StoreReport, StoreWatch
from gateway.sources.system import SystemSource

_SECRET_BYTES: Final = 32
_MOMENT: Final = timedelta(microseconds=1)  # what is as old as ``fresh_seconds`` is not fresh any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A source that is asked about a licence.

    ``takes_documents``: also about one whose document is at hand. ``is_authoritative``: no later one is asked.
    ``system`` is the source where that is another system; ``fresh_seconds`` is how long an answer of it counts.
    ``watch`` notes how the gateway's own store answers; None: it is another source.
    """

    source: LicenceSource
    system: SystemSource | None
    is_store: bool
    takes_documents: bool
    is_authoritative: bool
    fresh_seconds: int
    watch: StoreWatch | None

    async def find(self, key: LicenceKey, errand: Errand, *, now: datetime) -> Found | StoredHead:
        """Return what the source knows of a licence, or said a moment ago; raises as `LicenceSource.find`."""
        if self.system is not None and self.fresh_seconds:
            found = await self.system.recall(key, errand, oldest=self._fresh_since(now), now=now)
            if found is not None:
                self.system.count_spared(FRESH)
                return found
        with _noting(self.watch):
            return await self.source.find(key, errand)

    async def find_status(
        self, index: LicenceIndex, errand: Errand, *, issued_on: date | None, now: datetime
    ) -> Registered | None:
        """Return how a licence stands, or stood a moment ago; raises as `LicenceSource.find_status`."""
        if self.system is not None and self.fresh_seconds:
            oldest = self._fresh_since(now)
            found = await self.system.recall_status(index, errand, issued_on=issued_on, oldest=oldest, now=now)
            if found is not None:
                self.system.count_spared(FRESH)
                return found
        with _noting(self.watch):
            return await self.source.find_status(index, errand, issued_on=issued_on)

    async def recall(self, key: LicenceKey, errand: Errand, error: Exception, *, now: datetime) -> StatedLicence | None:
        """Return what the source said before it failed so, if the caller tolerates that; None: nothing that counts."""
        if self.system is None or not _may_recall(errand, error):
            return None
        found = await self.system.recall(key, errand, oldest=_tolerated_since(errand, now), now=now)
        if found is not None:
            self.system.count_spared(KEPT)
        return found

    async def recall_status(
        self, index: LicenceIndex, errand: Errand, error: Exception, *, issued_on: date | None, now: datetime
    ) -> Registered | None:
        """Return the same of how a licence stood; what was said against it counts, whatever question it was said to."""
        if self.system is None or not _may_recall(errand, error):
            return None
        oldest = _tolerated_since(errand, now)
        found = await self.system.recall_news(index, issued_on=issued_on, oldest=oldest, now=now)
        if found is None:
            found = await self.system.recall_status(index, errand, issued_on=issued_on, oldest=oldest, now=now)
        if found is not None:
            self.system.count_spared(KEPT)
        return found

    def _fresh_since(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self.fresh_seconds) + _MOMENT


class Sources:
    """The gateway's own store, None where it has none, and the systems that it asks; used from one event loop."""

    def __init__(
        self,
        store: LicenceSource | None,
        *,
        rules: Iterable[SourceRule],
        asked: Iterable[AskedSystem] = (),
        settings: SourcesSettings,
        clock: Callable[[], datetime],
        metrics: Metrics,
        outages: Iterable[Outage] = (),
        kept: KeptAnswers | None = None,
    ) -> None:
        """Ask by these rules, once they were opened; ``kept`` is what other sources know of the same systems."""
        self._store = store
        self._watch = None if store is None else StoreWatch(metrics.store_failures, clock)
        self._rules = tuple(rules)
        announced = tuple(outages)
        asked = tuple(asked)
        self._lines = {
            one.name: SystemLine(one, settings=settings, clock=clock, metrics=metrics.systems, outages=announced)
            for one in asked
        }
        cache = LocalCache(max_bytes=settings.kept_mib * MIB)
        self.kept = kept or KeptAnswers(cache, secrets.token_bytes(_SECRET_BYTES))
        self._systems = {one.name: SystemSource(one, self._lines[one.name], self.kept) for one in asked}
        there = ((rule, self._source(rule.system)) for rule in self._rules)
        rule, first = next(((rule, source) for rule, source in there if source is not None), (None, None))
        self._first = None if rule is None or first is None or rule.areas or rule.types else first.name
        self._stack = AsyncExitStack()
        self.deadline_seconds = settings.deadline_seconds

    @property
    def asks_systems(self) -> bool:
        """Whether there is any source beside the gateway's own store."""
        return bool(self._systems)

    def select(self, wanted: Wanted) -> tuple[Chosen, ...]:
        """Return the sources that are asked about a licence, in order."""
        selected = select_rules(self._rules, wanted)
        found = ((rule, self._source(rule.system), self._systems.get(rule.system)) for rule in selected)
        return tuple(
            Chosen(
                source=source,
                system=system if source is system else None,
                is_store=source is self._store,
                takes_documents=rule.takes_documents,
                is_authoritative=rule.is_authoritative,
                fresh_seconds=rule.fresh_seconds,
                watch=self._watch if source is self._store else None,
            )
            for rule, source, system in found
            if source is not None
        )

    def undecided(self, wanted: Wanted, *, is_document: bool = False) -> tuple[str, ...]:
        """Return the names of the systems of which nobody can tell whether they are to be asked, in order.

        Of a document only those count that are asked about documents.
        """
        return self._name_undecided(self._rules, wanted, is_document=is_document)

    def _name_undecided(self, rules: tuple[SourceRule, ...], wanted: Wanted, *, is_document: bool) -> tuple[str, ...]:
        rules = undecided_rules(rules, wanted)
        names = (rule.system for rule in rules if rule.takes_documents or not is_document)
        return tuple(self._systems[name].name for name in dict.fromkeys(names) if name in self._systems)

    def comes_first(self, source: str) -> bool:
        """Say whether no other source comes before the one of this name, whatever the licence is."""
        return source == self._first

    def select_before(self, wanted: Wanted, source: str) -> tuple[Chosen, ...]:
        """Return the sources that are asked about a licence before the one of this name."""
        return tuple(takewhile(lambda one: one.source.name != source, self.select(wanted)))

    def undecided_before(self, wanted: Wanted, source: str, *, is_document: bool = False) -> tuple[str, ...]:
        """Return the names as `undecided` does of those whose rules come before the one of this source."""

        def is_other(rule: SourceRule) -> bool:
            found = self._source(rule.system)
            return found is None or found.name != source or not rule.fits(wanted)

        return self._name_undecided(tuple(takewhile(is_other, self._rules)), wanted, is_document=is_document)

    def mapping_of(self, source: str) -> str | None:
        """Return the digest of the mapping that reads the answers of a source; None: it is no other system."""
        name = source.removeprefix(SYSTEM_PREFIX)
        return self._systems[name].mapping if source != name and name in self._systems else None

    def report_store(self) -> StoreReport | None:
        """Return how the gateway's own store answered last; None: it has none."""
        return None if self._watch is None else self._watch.report()

    def report(self) -> list[SystemReport]:
        """Return how each system answered last."""
        return [one.report() for one in self._lines.values()]

    async def read_document(self, head: StoredHead) -> StoredLicence:
        """Return a licence of the gateway's own store with its document; raises SourceUnavailableError."""
        if not isinstance(self._store, LeasedSource):
            raise SourceUnavailableError(SourceFault.UNUSABLE, "no store that hands out heads")
        with _noting(self._watch):
            return head.with_document(await self._store.read_document(head.sha256))

    def see(self) -> float | None:
        """Return the moment as of which whoever asks now will know the gateway's own store; None: nothing is kept."""
        return self._store.see() if isinstance(self._store, LeasedSource) else None

    def is_recent(self, seen: float | None) -> bool:
        """Say whether what was asked since is so new that there is nothing to look for."""
        return seen is None or not isinstance(self._store, LeasedSource) or self._store.is_recent(seen)

    async def open(self) -> None:
        """Make connections to the systems possible."""
        for line in self._lines.values():
            await line.open(self._stack)

    async def close(self) -> None:
        """Close the connections to the systems; the store is whoever's it was."""
        await self._stack.aclose()

    def _source(self, system: str) -> LicenceSource | None:
        return self._store if system == SOURCE_NAME else self._systems.get(system)


def _noting(watch: StoreWatch | None) -> AbstractContextManager[None]:
    return nullcontext() if watch is None else watch.asking()


def _may_recall(errand: Errand, error: Exception) -> bool:
    """Say whether an answer that is kept may stand in: the caller tolerates it, and the system could not be asked."""
    is_away = isinstance(error, SystemUnavailableError) and error.fault is SystemFault.UNREACHABLE
    return is_away and errand.tolerance_seconds > 0


def _tolerated_since(errand: Errand, now: datetime) -> datetime:
    return now - timedelta(seconds=errand.tolerance_seconds)
