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

    ``items`` and ``consents`` are the two halves of the columns of ``matter``, for the reasons.
    """

    licence: LicenceType
    rules: tuple[Rule, ...]
    fields: tuple[FieldTable, ...]
    ceilings: Mapping[str, Ceiling]
    items: Mapping[str, int]
    consents: Mapping[str, int]
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


def compile_bundle(bundle: Bundle) -> dict[str, LicenceTable]:
    """Compile each licence type; the order of rules in the bundle makes no difference.

    Raises:
        ValueError: a rule grants what is no form. A bundle that was loaded has no such rule.

    """
    rules = sorted(bundle.rules, key=lambda rule: rule.id)
    known: dict[Hashable, Ceiling] = {}
    ceilings = {item.id: _intern_ceiling(item, known) for item in bundle.items}
    tables: dict[str, LicenceTable] = {}
    start = 0
    for licence in bundle.licences:
        speaking = tuple(rule for rule in rules if speaks_of(rule, licence))
        items = [item for item in bundle.items if licence.id in item.licences]
        table = _compile_licence(bundle, licence, rules=speaking, items=items, ceilings=ceilings, start=start)
        tables[licence.id] = table
        start = table.end
    return tables


def speaks_of(rule: Rule, licence: LicenceType) -> bool:
    """Say whether the rule accepts the licence type and says something about a field of it."""
    accepts = rule.licence.type is None or licence.id in rule.licence.type
    return accepts and not licence.fields.keys().isdisjoint(rule.grant)


def _compile_licence(
    bundle: Bundle,
    licence: LicenceType,
    *,
    rules: tuple[Rule, ...],
    items: Sequence[Item],
    ceilings: Mapping[str, Ceiling],
    start: int,
) -> LicenceTable:
    item_columns = _columns([rule.item for rule in rules], [item.id for item in items])
    consents = _columns([rule.consent for rule in rules], FIXED_VALUES[Dimension.CONSENT])
    kinds = _columns([rule.caller.kind for rule in rules], [kind.id for kind in bundle.callers])
    homes = _columns([rule.caller.home for rule in rules], FIXED_VALUES[Dimension.HOME])
    statuses = _columns([rule.licence.status for rule in rules], FIXED_VALUES[Dimension.STATUS])
    holders = _columns([rule.holder.type for rule in rules], licence.holders)
    ages = _columns([rule.holder.age for rule in rules], FIXED_VALUES[Dimension.AGE])
    outcomes = _columns([rule.outcome for rule in rules], FIXED_VALUES[Dimension.OUTCOME])
    matters: dict[Pair, int] = {}
    marks: dict[Pair, Hashable] = {}
    for item in items:
        column, ceiling = item_columns[item.id], id(ceilings[item.id])
        for consent in possible_consents(item):
            pair = (item.id, consent.value)
            matters[pair] = column & consents[consent]
            marks[pair] = (column, consents[consent], ceiling)
    askers = {(kind.id, home.value): kinds[kind.id] & homes[home] for kind in bundle.callers for home in kind.home}
    parties = {(holder, age): holders[holder] & ages[age] for holder, age in PARTIES if holder in holders}
    matter = _axis(matters, 1, marks)
    asker = _axis(askers, len(matter.groups))
    status = _axis(statuses, len(matter.groups) * len(asker.groups))
    party = _axis(parties, len(matter.groups) * len(asker.groups) * len(status.groups))
    stride = len(matter.groups) * len(asker.groups) * len(status.groups) * len(party.groups)
    outcome = _axis(outcomes, stride, start=start)
    return LicenceTable(
        licence=licence,
        rules=rules,
        fields=tuple(FieldTable(name, field, rules) for name, field in sorted(licence.fields.items())),
        ceilings={item.id: ceilings[item.id] for item in items},
        items=item_columns,
        consents=consents,
        matter=matter,
        asker=asker,
        status=status,
        party=party,
        outcome=outcome,
        end=start + stride * len(outcome.groups),
    )


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
