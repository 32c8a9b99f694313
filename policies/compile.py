"""A bundle compiled: for each licence type the rules that speak of it as rows, and who accepts what as columns of bits.

A column is an integer whose bit *i* says whether row *i* accepts a value. Values that no rule tells apart form a group.
Everything within a licence type is a product of five axes, so that a rule set is the AND of five columns.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from policies.bundle import Bundle
from policies.catalogue import LicenceType
from policies.dimension import FIXED_VALUES, PARTIES, Dimension
from policies.grant import FieldTable
from policies.item import Item, possible_consents
from policies.rule import Rule

V = TypeVar("V", bound=Hashable)
Pair = tuple[str, str]
Ceiling = Mapping[str, frozenset[str]]

_NOTHING: Final[Ceiling] = {}


@dataclass(frozen=True, slots=True)
class Group(Generic[V]):
    """Values that nothing tells apart, with the rows that accept them."""

    column: int
    values: tuple[V, ...]


@dataclass(frozen=True, slots=True)
class Axis(Generic[V]):
    """The possible values of one or two dimensions; ``numbers`` add up to the number of a decision."""

    groups: tuple[Group[V], ...]
    numbers: Mapping[V, int]
    columns: Mapping[V, int]

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceTable:
    """All that decides about one licence type.

    ``items`` and ``consents`` (by item and consent) are the two halves of the columns of ``matter``, for the reasons.
    """

    licence: LicenceType
    rules: tuple[Rule, ...]
    fields: tuple[FieldTable, ...]
    ceilings: Mapping[str, Ceiling]
    items: Mapping[str, int]
    consents: Mapping[Pair, int]
    matter: Axis[Pair]  # item, consent
    asker: Axis[Pair]  # kind of caller, home
    status: Axis[str]
    party: Axis[Pair]  # holder, age
    outcome: Axis[str]
    end: int  # the number after the last decision of this table

    @property
    def contexts(self) -> int:
        """How many different questions there are about this licence type."""
        return self.matter.size * self.asker.size * self.status.size * self.party.size * self.outcome.size

    def ceiling_of(self, item: str) -> Ceiling:
        """Return what the item may receive of this licence type; nothing of an item that does not list it."""
        return self.ceilings.get(item, _NOTHING)


def compile_bundle(bundle: Bundle, known: dict[Hashable, Ceiling] | None = None) -> dict[str, LicenceTable]:
    """Compile each licence type; the order of rules in the bundle makes no difference.

    Bundles that share ``known`` have the same object for equal ceilings.

    Raises:
        ValueError: a rule grants what is no form. A bundle that was loaded has no such rule.

    """
    known = {} if known is None else known
    ceilings = {item.id: _intern_ceiling(item, known) for item in bundle.items}
    askers = tuple((kind.id, home.value) for kind in bundle.callers for home in kind.home)
    rules = _rules_by_licence(bundle)
    tables: dict[str, LicenceTable] = {}
    start = 0
    for licence in bundle.licences:
        items = [item for item in bundle.items if licence.id in item.licences]
        table = _compile_licence(
            licence,
            rules=tuple(rules[licence.id]),
            items=items,
            askers=askers,
            ceilings={item.id: ceilings[item.id] for item in items},
            start=start,
        )
        tables[licence.id] = table
        start = table.end
    return tables


def _rules_by_licence(bundle: Bundle) -> dict[str, list[Rule]]:
    """Return for each licence type the rules that speak of it, by id."""
    licences = {licence.id: licence for licence in bundle.licences}
    found: dict[str, list[Rule]] = {name: [] for name in licences}
    for rule in sorted(bundle.rules, key=lambda rule: rule.id):
        for name in licences if rule.licence.type is None else rule.licence.type:
            if name in licences and speaks_of(rule, licences[name]):
                found[name].append(rule)
    return found


def speaks_of(rule: Rule, licence: LicenceType) -> bool:
    """Say whether the rule accepts the licence type and says something about a field of it."""
    accepts = rule.licence.type is None or licence.id in rule.licence.type
    return accepts and not licence.fields.keys().isdisjoint(rule.grant)


def _compile_licence(
    licence: LicenceType,
    *,
    rules: tuple[Rule, ...],
    items: Sequence[Item],
    askers: Sequence[Pair],
    ceilings: Mapping[str, Ceiling],
    start: int,
) -> LicenceTable:
    item_columns = _columns([rule.item for rule in rules], ceilings)
    consents = _consents(rules, items)
    kinds = _columns([rule.caller.kind for rule in rules], dict.fromkeys(kind for kind, _ in askers))
    homes = _columns([rule.caller.home for rule in rules], FIXED_VALUES[Dimension.HOME])
    statuses = _columns([rule.licence.status for rule in rules], FIXED_VALUES[Dimension.STATUS])
    holders = _columns([rule.holder.type for rule in rules], licence.holders)
    ages = _columns([rule.holder.age for rule in rules], FIXED_VALUES[Dimension.AGE])
    outcomes = _columns([rule.outcome for rule in rules], FIXED_VALUES[Dimension.OUTCOME])
    matter_columns = {pair: item_columns[pair[0]] & column for pair, column in consents.items()}
    marks = {pair: (item_columns[pair[0]], column, id(ceilings[pair[0]])) for pair, column in consents.items()}
    asker_columns = {pair: kinds[pair[0]] & homes[pair[1]] for pair in askers}
    party_columns = {(holder, age): holders[holder] & ages[age] for holder, age in PARTIES if holder in holders}
    matter = _axis(matter_columns, 1, marks)
    asker = _axis(asker_columns, len(matter.groups))
    status = _axis(statuses, len(matter.groups) * len(asker.groups))
    party = _axis(party_columns, len(matter.groups) * len(asker.groups) * len(status.groups))
    stride = len(matter.groups) * len(asker.groups) * len(status.groups) * len(party.groups)
    outcome = _axis(outcomes, stride, start=start)
    return LicenceTable(
        licence=licence,
        rules=rules,
        fields=tuple(FieldTable(name, field, rules) for name, field in sorted(licence.fields.items())),
        ceilings=ceilings,
        items=item_columns,
        consents=consents,
        matter=matter,
        asker=asker,
        status=status,
        party=party,
        outcome=outcome,
        end=start + stride * len(outcome.groups),
    )


def _consents(rules: Sequence[Rule], items: Sequence[Item]) -> dict[Pair, int]:
    """Return for each item and consent the rules that accept it; one that does not say accepts what the item asks."""
    said = _columns(
        [() if rule.wants_consent_asked else rule.consent for rule in rules], FIXED_VALUES[Dimension.CONSENT]
    )
    silent = sum(1 << row for row, rule in enumerate(rules) if rule.wants_consent_asked)
    return {
        (item.id, consent.value): said[consent] | (silent if consent is item.consent else 0)
        for item in items
        for consent in possible_consents(item)
    }


def _columns(conditions: Sequence[Collection[str] | None], values: Iterable[str]) -> dict[str, int]:
    """Return for each value the rows that accept it; a row without the condition accepts them all."""
    everything, named = 0, dict[str, int]()
    for row, accepted in enumerate(conditions):
        if accepted is None:
            everything |= 1 << row
        else:
            for value in accepted:
                named[value] = named.get(value, 0) | 1 << row
    return {str(value): everything | named.get(value, 0) for value in values}


def _axis(columns: Mapping[V, int], stride: int, marks: Mapping[V, Hashable] | None = None, start: int = 0) -> Axis[V]:
    """Group the values by column, or by mark where there is more that tells them apart."""
    members: dict[Hashable, list[V]] = {}
    for value, mark in (marks or columns).items():
        members.setdefault(mark, []).append(value)
    groups = tuple(Group(columns[values[0]], tuple(values)) for values in members.values())
    numbers = {value: start + place * stride for place, group in enumerate(groups) for value in group.values}
    return Axis(groups, numbers, columns)


def _intern_ceiling(item: Item, known: dict[Hashable, Ceiling]) -> Ceiling:
    """Return the one copy of this ceiling, so that items with equal ones can share a group."""
    ceiling = {field: frozenset(forms) for field, forms in item.ceiling.items()}
    return known.setdefault(frozenset(ceiling.items()), ceiling)
