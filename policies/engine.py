"""The engine: a context in, the plan for it out. Decisions are remembered by number; nothing is granted by silence."""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import and_
from typing import Final

from policies.bundle import Bundle
from policies.compile import LicenceTable, compile_bundle
from policies.dimension import Context
from policies.fault import PolicyError, PolicyFault, Words
from policies.fold import MAX_PLANS, Allowance, Reached, TooManyPlansError, fold_licence
from policies.grant import FieldTable, rows
from policies.item import Item
from policies.plan import FieldDecision, Plan, Withheld, make_plan, merge_obligations

MAX_REMEMBERED: Final = 100_000  # decisions, about 100 bytes each; further ones are built anew in some 50 µs

# Members of an enumeration are looked up once: that takes longer than all else that is done for a field.
_UNCLASSIFIED, _NOT_IN_ITEM, _NO_RULE = Withheld.UNCLASSIFIED, Withheld.NOT_IN_ITEM, Withheld.NO_RULE
_REASONS: Final = (  # in the order of the columns: what is asked, then what is found
    Withheld.NO_RULE, Withheld.CALLER, Withheld.NO_CONSENT,
    Withheld.LICENCE_STATUS, Withheld.HOLDER, Withheld.NOT_VALID,
)  # fmt: skip


class Engine:
    """A bundle that can be asked. ``reachable`` is the number of rule sets that contexts can reach."""

    __slots__ = ("_interned", "_remembered", "bundle", "folds", "reachable", "tables")

    def __init__(self, bundle: Bundle, *, max_plans: int = MAX_PLANS) -> None:
        """Compile the bundle and fold it.

        Raises:
            PolicyError: it would reach more than ``max_plans`` rule sets.
            ValueError: a rule grants what is no form. A bundle that was loaded has no such rule.

        """
        self.bundle = bundle
        self.tables: Mapping[str, LicenceTable] = compile_bundle(bundle)
        self.folds: Mapping[str, Mapping[int, Reached]] = _fold_all(self.tables, bundle, max_plans)
        self.reachable = sum(len(sets) for sets in self.folds.values())
        self._remembered: dict[int, Plan] = {}
        self._interned: dict[str, Plan] = {}

    def decide(self, context: Context) -> Plan:
        """Return what may be shared. A value that the bundle does not know, or that cannot be here, grants nothing."""
        item, caller, home, licence, status, holder, age, consent, outcome = context
        table = self.tables.get(licence)
        if table is None:
            return make_plan(licence, (), (), None)
        try:
            number = (
                table.matter.numbers[item, consent]
                + table.asker.numbers[caller, home]
                + table.status.numbers[status]
                + table.party.numbers[holder, age]
                + table.outcome.numbers[outcome]
            )
        except KeyError:
            return build_plan(table, context)
        plan = self._remembered.get(number)
        return self._remember(number, table, context) if plan is None else plan

    def matching(self, context: Context) -> int:
        """Return the rules that match, as bits of the rows of the licence's table."""
        table = self.tables.get(context.licence)
        if table is None:
            return 0
        return (
            table.matter.columns.get((context.item, context.consent), 0)
            & table.asker.columns.get((context.caller, context.home), 0)
            & table.status.columns.get(context.status, 0)
            & table.party.columns.get((context.holder, context.age), 0)
            & table.outcome.columns.get(context.outcome, 0)
        )

    def _remember(self, number: int, table: LicenceTable, context: Context) -> Plan:
        """Build a plan, and keep one copy of equal ones."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
            self._interned.clear()
        built = build_plan(table, context)
        plan = self._remembered[number] = self._interned.setdefault(built.id, built)
        return plan


def build_plan(table: LicenceTable, context: Context) -> Plan:
    """Decide every field of the licence type in this context, remembering nothing."""
    asking = (
        table.items.get(context.item, 0),
        table.asker.columns.get((context.caller, context.home), 0),
        table.consents.get((context.item, context.consent), 0),
    )
    found = (
        table.status.columns.get(context.status, 0),
        table.party.columns.get((context.holder, context.age), 0),
        table.outcome.columns.get(context.outcome, 0),
    )
    asked = reduce(and_, asking)
    matching = reduce(and_, found, asked)
    groups = tuple(zip(_REASONS, (*asking, *found), strict=True))
    ceiling = table.ceiling_of(context.item)
    fields = [_decide(field, matching, asked, groups, ceiling.get(field.name)) for field in table.fields]
    matched = [table.rules[row] for row in rows(matching)]
    return make_plan(
        table.licence.id, fields, [rule.id for rule in matched], merge_obligations([rule.oblige for rule in matched])
    )


def _decide(
    field: FieldTable,
    matching: int,
    asked: int,
    groups: tuple[tuple[Withheld, int], ...],
    allowed: frozenset[str] | None,
) -> FieldDecision:
    """Decide one field, or find the first reason why it is withheld.

    Who is granted the field in no case, as ``asked`` says, learns nothing of the case: not even that it is protected.
    """
    if not field.may_be_shared:
        return field.withheld[_UNCLASSIFIED]
    if allowed is None:
        return field.withheld[_NOT_IN_ITEM]
    speaking = matching & field.rows
    if speaking and asked & field.granting:
        resolved = field.resolve(speaking)
        return resolved.decision if resolved.forms <= allowed else field.under(resolved, allowed)
    left = field.granting
    for reason, column in groups:
        left &= column
        if not left:
            return field.withheld[reason]
    return field.withheld[_NO_RULE]


def item_in_force(item: Item, day: date) -> bool:
    """Say whether the item is in force on this day in China Standard Time."""
    return item.valid_from <= day.isoformat() < item.valid_to


def _fold_all(tables: Mapping[str, LicenceTable], bundle: Bundle, max_plans: int) -> dict[str, Mapping[int, Reached]]:
    folds: dict[str, Mapping[int, Reached]] = {}
    allowance = Allowance(sets=max_plans)
    for name, table in tables.items():
        try:
            folds[name] = fold_licence(table, allowance)
        except TooManyPlansError as error:
            raise PolicyError([_too_many(bundle, name, error)]) from error
        allowance.sets_kept += len(folds[name])
    return folds


def _too_many(bundle: Bundle, licence: str, error: TooManyPlansError) -> PolicyFault:
    return PolicyFault(
        file=bundle.name,
        line=None,
        key=f"licence {licence}",
        expected=error.expected,
        found=Words(f"至少 {error.reached}", f"at least {error.reached}"),
    )
