"""What a policy means, spelled out as a loop over its rules, for readers and for tests; the engine says the same."""

from collections.abc import Sequence

from policies.bundle import Bundle
from policies.catalogue import CallerKind, Field, LicenceType
from policies.compile import speaks_of
from policies.dimension import FIXED_VALUES, Consent, Context, Dimension, is_party
from policies.form import MATCH, WITHHELD
from policies.grant import parse_grant
from policies.item import Item, possible_consents
from policies.plan import FieldDecision, Plan, Withheld, make_plan, merge_obligations
from policies.rule import Rule

# The reasons that a caller is told, each with the dimensions that it stands for, in the order in which they are tried:
# what is asked comes first, so that who is granted a field in no case learns nothing of licence and holder.
ASKED = (
    (Withheld.NO_RULE, frozenset({Dimension.ITEM})),
    (Withheld.CALLER, frozenset({Dimension.CALLER, Dimension.HOME})),
    (Withheld.NO_CONSENT, frozenset({Dimension.CONSENT})),
)
FOUND = (
    (Withheld.LICENCE_STATUS, frozenset({Dimension.STATUS})),
    (Withheld.HOLDER, frozenset({Dimension.HOLDER, Dimension.AGE})),
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
    item = find_item(bundle, context)
    blocked = {rule.id: impossible | refusing(rule, context, item) for rule in rules}
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
    """Return what the rule says that it accepts of each dimension.

    None: every known value; of consent, `accepted_consents` says what.
    """
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


def accepted_consents(rule: Rule, item: Item | None) -> tuple[str, ...]:
    """Return the grounds of consent that the rule accepts for an item.

    Where it does not say: all of them if it only withholds, else what the item asks for.
    """
    if not rule.wants_consent_asked:
        return rule.consent or tuple(Consent)
    return () if item is None else (item.consent,)


def refusing(rule: Rule, context: Context, item: Item | None) -> frozenset[Dimension]:
    """Return the dimensions in which the rule does not accept the context's value; ``item`` is that of the context."""
    accepted = conditions(rule) | {Dimension.CONSENT: accepted_consents(rule, item)}
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

    1. Not to be shared at all, or not of the item. 2. No rule grants it to whoever asks so, in any case. 3. Explicitly
    withheld by a rule that matches. 4. No rule grants it in this case. 5. The form of the rules that no other
    overrides, cut by the ceiling.
    """
    if not field.may_be_shared:
        return _withhold(name, Withheld.UNCLASSIFIED)
    if item is None or licence.id not in item.licences or name not in item.ceiling:
        return _withhold(name, Withheld.NOT_IN_ITEM)
    grants = {rule.id: parse_grant(rule.grant[name]) for rule in rules}
    left = [rule for rule in rules if not grants[rule.id].is_protected]
    for reason, dimensions in ASKED:
        left = [rule for rule in left if not blocked[rule.id] & dimensions]
        if not left:
            return _withhold(name, reason)
    matching = [rule for rule in rules if not blocked[rule.id]]
    for rule in matching:
        if grants[rule.id].is_protected:
            return _withhold(name, Withheld.PROTECTED, rule.id)
    for reason, dimensions in FOUND:
        left = [rule for rule in left if not blocked[rule.id] & dimensions]
        if not left:
            return _withhold(name, reason)
    return _give(name, matching, item.ceiling[name])


def _give(name: str, matching: Sequence[Rule], ceiling: Sequence[str]) -> FieldDecision:
    """Decide a field that rules that match grant and none withholds."""
    grants = {rule.id: parse_grant(rule.grant[name]) for rule in matching}
    winners = select_winners(matching)
    showing = [rule for rule in winners if grants[rule.id].form != WITHHELD]
    comparing = [rule for rule in winners if grants[rule.id].may_match]
    if len({grants[rule.id].form for rule in showing}) > 1 or not winners:
        return _withhold(name, Withheld.NO_RULE)
    shown = next((rule for rule in showing if str(grants[rule.id].form) in ceiling), None)
    compared = next((rule for rule in comparing if str(MATCH) in ceiling), None)
    if shown is None and compared is None:
        return _withhold(name, Withheld.NOT_IN_ITEM)
    return FieldDecision(
        field=name,
        form=grants[shown.id].form if shown else WITHHELD,
        rule=shown.id if shown else None,
        match_rule=compared.id if compared else None,
    )


def select_winners(matching: Sequence[Rule]) -> list[Rule]:
    """Return those of the rules that match and mention the same field that none of the others overrides."""
    overridden = {loser for rule in matching for loser in rule.overrides}
    return [rule for rule in matching if rule.id not in overridden]


def _withhold(name: str, reason: Withheld, rule: str | None = None) -> FieldDecision:
    return FieldDecision(field=name, form=WITHHELD, rule=rule, reason=reason)
