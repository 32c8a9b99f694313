"""All sources of a gateway, and which of them are asked about a licence."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.adapters.asked import AskedSystem
from gateway.metrics import Metrics
from gateway.settings import SourcesSettings
from gateway.sources.licence_store import SOURCE_NAME
from gateway.sources.rules import SourceRule, Wanted, select_rules, undecided_rules
from gateway.sources.source import LicenceSource
from gateway.sources.system import SystemReport, SystemSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A source that is asked about a licence.

    ``takes_documents``: also about one whose document is at hand. ``is_authoritative``: no later one is asked.
    """

    source: LicenceSource
    is_store: bool
    takes_documents: bool
    is_authoritative: bool


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
    ) -> None:
        """Ask by these rules."""
        self._store = store
        self._rules = tuple(rules)
        self._systems = {
            one.name: SystemSource(one, settings=settings, clock=clock, metrics=metrics.systems) for one in asked
        }
        self.deadline_seconds = settings.deadline_seconds

    @property
    def asks_systems(self) -> bool:
        """Whether there is any source beside the gateway's own store."""
        return bool(self._systems)

    def select(self, wanted: Wanted) -> tuple[Chosen, ...]:
        """Return the sources that are asked about a licence, in order."""
        found = ((rule, self._source(rule.system)) for rule in select_rules(self._rules, wanted))
        return tuple(
            Chosen(
                source=source,
                is_store=source is self._store,
                takes_documents=rule.takes_documents,
                is_authoritative=rule.is_authoritative,
            )
            for rule, source in found
            if source is not None
        )

    def undecided(self, wanted: Wanted, *, is_document: bool = False) -> tuple[str, ...]:
        """Return the names of the systems of which nobody can tell whether they are to be asked, in order.

        Of a document only those count that are asked about documents.
        """
        rules = undecided_rules(self._rules, wanted)
        names = (rule.system for rule in rules if rule.takes_documents or not is_document)
        return tuple(self._systems[name].name for name in dict.fromkeys(names) if name in self._systems)

    def report(self) -> list[SystemReport]:
        """Return how each system answered last."""
        return [one.report() for one in self._systems.values()]

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Keep connections to the systems while the application runs."""
        async with AsyncExitStack() as stack:
            for system in self._systems.values():
                await system.open(stack)
            yield

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()

    def _source(self, system: str) -> LicenceSource | None:
        return self._store if system == SOURCE_NAME else self._systems.get(system)
