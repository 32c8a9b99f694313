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
    items = [known.item[name] for name in select(given.item, known.item)]
    callers = [known.caller[name] for name in select(given.caller, known.caller)]
    listed = dict.fromkeys(name for item in items for name in item.licences if name in known.licence)
    holders, ages = select(given.holder, tuple(HolderType)), select(given.age, tuple(AgeClass))
    parties = {
        name: [
            (holder, age)
            for holder, age in PARTIES
            if holder in known.licence[name].holders and holder in holders and age in ages
        ]
        for name in select(given.licence, listed)
    }
    return Occurring(
        matters=[
            (item.id, licence, consent.value)
            for item in items
            for licence in item.licences
            if parties.get(licence)
            for consent in (
                (item.consent,) if given.consent is None else select(given.consent, possible_consents(item))
            )
        ],
        askers=[(caller.id, home.value) for caller in callers for home in select(given.home, caller.home)],
        statuses=[one.value for one in select(given.status, tuple(LicenceStatus))],
        parties=parties,
        outcomes=[one.value for one in select(given.outcome, tuple(OutcomeClass))],
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


def select(values: V | tuple[V, ...] | Except[V] | None, known: Collection[V]) -> list[V]:
    """Return those of the known values that a test speaks of, all where it does not say."""
    match values:
        case None:
            return list(known)
        case Except():
            excepted = frozenset(values.values)
            return [one for one in known if one not in excepted]
        case _:
            return [one for one in named(values) if one in known]
