"""What a policy means, spelled out as a loop over its rules, for readers and for tests; the engine says the same."""

from collections.abc import Sequence

from policies.bundle import Bundle
from policies.catalogue import CallerKind, Field, LicenceType
from policies.compile import speaks_of
from policies.dimension import FIXED_VALUES, Context, Dimension, is_party
from policies.form import MATCH, WITHHELD
from policies.grant import parse_grant
from policies.item import Item, possible_consents
from policies.plan import FieldDecision, Plan, Withheld, make_plan, merge_obligations
from policies.rule import Rule

# The reasons that a caller is told, each with the dimensions that it stands for, in the order in which they are tried.
REASONS = (
    (Withheld.CALLER, frozenset({Dimension.CALLER, Dimension.HOME})),
    (Withheld.LICENCE_STATUS, frozenset({Dimension.STATUS})),
    (Withheld.HOLDER, frozenset({Dimension.HOLDER, Dimension.AGE})),
    (Withheld.NO_CONSENT, frozenset({Dimension.CONSENT})),
    (Withheld.NOT_VALID, frozenset({Dimension.OUTCOME})),
)


def decide(bundle: Bundle, context: Context) -> Plan:
    """Decide every field.

    1. Impossible or unknown values grant nothing.
    2. A rule matches when each of its conditions accepts the context's value.
    3. Each field is decided by the rules that match and mention it, under the item's ceiling.
    """
    licence = find_licence(bundle, context)
    if licence is None:
        return make_plan(context.licence, (), (), None)
    rules = sorted((rule for rule in bundle.rules if speaks_of(rule, licence)), key=lambda rule: rule.id)
    impossible = impossible_values(bundle, context)
    blocked = {rule.id: impossible | refusing(rule, context) for rule in rules}
    item = find_item(bundle, context)
    fields = [
        decide_field(
            name, field, [rule for rule in rules if name in rule.grant], item=item, licence=licence, blocked=blocked
        )
        for name, field in sorted(licence.fields.items())
    ]
    matched = [rule for rule in rules if not blocked[rule.id]]
    obligations = merge_obligations([rule.oblige for rule in matched])
    return make_plan(licence.id, fields, [rule.id for rule in matched], obligations)


def find_licence(bundle: Bundle, context: Context) -> LicenceType | None:
    """Return the licence type of the context, None when it is not known."""
    return next((licence for licence in bundle.licences if licence.id == context.licence), None)


def find_item(bundle: Bundle, context: Context) -> Item | None:
    """Return the item of the context, None when it is not known."""
    return next((item for item in bundle.items if item.id == context.item), None)


def find_caller(bundle: Bundle, context: Context) -> CallerKind | None:
    """Return the kind of caller of the context, None when it is not known."""
    return next((kind for kind in bundle.callers if kind.id == context.caller), None)


def impossible_values(bundle: Bundle, context: Context) -> frozenset[Dimension]:
    """Return the dimensions whose value is not known, or cannot stand beside the others."""
    licence, item, caller = find_licence(bundle, context), find_item(bundle, context), find_caller(bundle, context)
    values = dict(zip(Dimension, context, strict=True))
    found = {dimension for dimension, known in FIXED_VALUES.items() if values[dimension] not in known}
    if licence is None:
        found.add(Dimension.LICENCE)
    elif context.holder not in licence.holders:
        found.add(Dimension.HOLDER)
    if item is None or context.licence not in item.licences:
        found.add(Dimension.ITEM)
    if item is not None and context.consent not in possible_consents(item):
        found.add(Dimension.CONSENT)
    if caller is None:
        found.add(Dimension.CALLER)
    elif context.home not in caller.home:
        found.add(Dimension.HOME)
    if not is_party(context.holder, context.age):
        found.add(Dimension.AGE)
    return frozenset(found)


def conditions(rule: Rule) -> dict[Dimension, Sequence[str] | None]:
    """Return what the rule accepts of each dimension; None: every known value."""
    return {
        Dimension.ITEM: rule.item,
        Dimension.CALLER: rule.caller.kind,
        Dimension.HOME: rule.caller.home,
        Dimension.LICENCE: rule.licence.type,
        Dimension.STATUS: rule.licence.status,
        Dimension.HOLDER: rule.holder.type,
        Dimension.AGE: rule.holder.age,
        Dimension.CONSENT: rule.consent,
        Dimension.OUTCOME: rule.outcome,
    }


def refusing(rule: Rule, context: Context) -> frozenset[Dimension]:
    """Return the dimensions in which the rule does not accept the context's value."""
    accepted = conditions(rule)
    return frozenset(
        dimension
        for dimension, value in zip(Dimension, context, strict=True)
        if (values := accepted[dimension]) is not None and value not in values
    )


def decide_field(
    name: str,
    field: Field,
    rules: Sequence[Rule],
    *,
    item: Item | None,
    licence: LicenceType,
    blocked: dict[str, frozenset[Dimension]],
) -> FieldDecision:
    """Decide one field by the rules that mention it; ``blocked`` says what keeps a rule from matching.

    1. Not to be shared at all, or not of the item. 2. Explicitly withheld by a rule that matches. 3. The form of the
    rules that no other overrides, cut by the ceiling. 4. The reason why there is none.
    """
    if not field.may_be_shared:
        return _withhold(name, Withheld.UNCLASSIFIED)
    if item is None or licence.id not in item.licences or name not in item.ceiling:
        return _withhold(name, Withheld.NOT_IN_ITEM)
    matching = [rule for rule in rules if not blocked[rule.id]]
    grants = {rule.id: parse_grant(rule.grant[name]) for rule in matching}
    for rule in matching:
        if grants[rule.id].is_protected:
            return _withhold(name, Withheld.PROTECTED, rule.id)
    if matching:
        winners = select_winners(matching)
        showing = [rule for rule in winners if grants[rule.id].form != WITHHELD]
        comparing = [rule for rule in winners if grants[rule.id].may_match]
        if len({grants[rule.id].form for rule in showing}) > 1 or not winners:
            return _withhold(name, Withheld.NO_RULE)
        shown = next((rule for rule in showing if str(grants[rule.id].form) in item.ceiling[name]), None)
        compared = next((rule for rule in comparing if str(MATCH) in item.ceiling[name]), None)
        if shown is None and compared is None:
            return _withhold(name, Withheld.NOT_IN_ITEM)
        return FieldDecision(
            field=name,
            form=grants[shown.id].form if shown else WITHHELD,
            rule=shown.id if shown else None,
            match_rule=compared.id if compared else None,
        )
    granting = [rule for rule in rules if not parse_grant(rule.grant[name]).is_protected and _accepts(rule, item)]
    for reason, dimensions in REASONS:
        if granting and all(blocked[rule.id] & dimensions for rule in granting):
            return _withhold(name, reason)
    return _withhold(name, Withheld.NO_RULE)


def select_winners(matching: Sequence[Rule]) -> list[Rule]:
    """Return those of the rules that match and mention the same field that none of the others overrides."""
    overridden = {loser for rule in matching for loser in rule.overrides}
    return [rule for rule in matching if rule.id not in overridden]


def _accepts(rule: Rule, item: Item) -> bool:
    return rule.item is None or item.id in rule.item


def _withhold(name: str, reason: Withheld, rule: str | None = None) -> FieldDecision:
    return FieldDecision(field=name, form=WITHHELD, rule=rule, reason=reason)
