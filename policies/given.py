"""The contexts of a test: every combination of the values it gives that can occur."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol, TypeVar

from policies.catalogue import CallerKind, LicenceType
from policies.dimension import PARTIES, AgeClass, Context, Dimension, HolderType, LicenceStatus, OutcomeClass
from policies.item import Item, possible_consents
from policies.rule import Except, Given

V = TypeVar("V", bound=str)

# Of all tests of a policy together: decided in some seconds. Twenty-five times as many as a province's examples need.
MAX_TEST_CONTEXTS: Final = 250_000


class Known(Protocol):
    """What items, kinds of callers and licence types there are, by id."""

    @property
    def item(self) -> Mapping[str, Item]:
        """The items."""

    @property
    def caller(self) -> Mapping[str, CallerKind]:
        """The kinds of callers."""

    @property
    def licence(self) -> Mapping[str, LicenceType]:
        """The licence types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurring:
    """The parts that the contexts of a test are combined from; ``parties`` are by licence type."""

    matters: Sequence[tuple[str, str, str]]  # item, licence, consent
    askers: Sequence[tuple[str, str]]  # caller, home
    statuses: Sequence[str]
    parties: Mapping[str, Sequence[tuple[str, str]]]  # holder, age
    outcomes: Sequence[str]

    def values(self) -> dict[Dimension, frozenset[str]]:
        """Return the values of each dimension that occur in some context."""
        parties = [party for _, licence, _ in self.matters for party in self.parties[licence]]
        return {
            Dimension.ITEM: frozenset(item for item, _, _ in self.matters),
            Dimension.CALLER: frozenset(caller for caller, _ in self.askers),
            Dimension.HOME: frozenset(home for _, home in self.askers),
            Dimension.LICENCE: frozenset(licence for _, licence, _ in self.matters),
            Dimension.STATUS: frozenset(self.statuses),
            Dimension.HOLDER: frozenset(holder for holder, _ in parties),
            Dimension.AGE: frozenset(age for _, age in parties),
            Dimension.CONSENT: frozenset(consent for _, _, consent in self.matters),
            Dimension.OUTCOME: frozenset(self.outcomes),
        }

    @property
    def count(self) -> int:
        """How many contexts there are."""
        parties = sum(len(self.parties[licence]) for _, licence, _ in self.matters)
        return parties * len(self.askers) * len(self.statuses) * len(self.outcomes)

    def contexts(self) -> Iterator[Context]:
        """Return the contexts, one by one."""
        for item, licence, consent in self.matters:
            rest = product(self.askers, self.statuses, self.parties[licence], self.outcomes)
            for (caller, home), status, (holder, age), outcome in rest:
                yield Context(item, caller, home, licence, status, holder, age, consent, outcome)


def occurring(given: Given, known: Known) -> Occurring:
    """Return what the contexts of a test are combined from; names that are not known occur in none."""
    items = [known.item[name] for name in _names(given.item, known.item)]
    callers = [known.caller[name] for name in _names(given.caller, known.caller)]
    listed = dict.fromkeys(name for item in items for name in item.licences if name in known.licence)
    parties = {name: _parties(given, known.licence[name]) for name in listed if _accepts(given.licence, name)}
    return Occurring(
        matters=[
            (item.id, licence, consent.value)
            for item in items
            for licence in item.licences
            if parties.get(licence)
            for consent in possible_consents(item)
            if _accepts(given.consent, consent, (item.consent,))
        ],
        askers=[(caller.id, home.value) for caller in callers for home in caller.home if _accepts(given.home, home)],
        statuses=[one.value for one in LicenceStatus if _accepts(given.status, one)],
        parties=parties,
        outcomes=[one.value for one in OutcomeClass if _accepts(given.outcome, one)],
    )


def contexts_of(given: Given, known: Known) -> Iterator[Context]:
    """Return the contexts of a test, one by one."""
    return occurring(given, known).contexts()


def named(values: V | tuple[V, ...] | Except[V] | None) -> tuple[V, ...]:
    """Return the values that a test names, be it to except them."""
    match values:
        case None:
            return ()
        case tuple():
            return values
        case Except():
            return values.values
        case _:
            return (values,)


def _parties(given: Given, licence: LicenceType) -> list[tuple[str, str]]:
    return [
        (holder, age)
        for holder, age in PARTIES
        if holder in licence.holders
        and _accepts(given.holder, HolderType(holder))
        and _accepts(given.age, AgeClass(age))
    ]


def _names(values: str | tuple[str, ...] | Except[str] | None, known: Collection[str]) -> list[str]:
    if values is None or isinstance(values, Except):
        return [name for name in known if _accepts(values, name)]
    return [name for name in named(values) if name in known]


def _accepts(values: V | tuple[V, ...] | Except[V] | None, value: V, usual: Sequence[V] | None = None) -> bool:
    """Say whether a test speaks of a value; what it does not say accepts ``usual`` values, None: all."""
    match values:
        case None:
            return usual is None or value in usual
        case Except():
            return value not in values.values
        case _:
            return value in named(values)
