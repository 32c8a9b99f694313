"""Mutants of a policy: one small mistake each. Tests that are good enough notice every one that changes anything."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from policies.bundle import Bundle
from policies.dimension import FIXED_VALUES, Dimension, OutcomeClass
from policies.fault import Words, same
from policies.form import MATCH, WITHHELD
from policies.grant import parse_grant
from policies.reference import conditions
from policies.rule import AuditDepth, Rule

_SOME_LIMIT: Final = 60  # questions a minute, where a rule had no limit


class Mutant(NamedTuple):
    """A policy with one mistake, and which mistake in which rule."""

    rule: str
    description: Words
    bundle: Bundle


def mutants(bundle: Bundle) -> Iterator[Mutant]:
    """Make all mutants, one by one.

    Rules are dropped; each condition is dropped, narrowed by each of its values and widened by each that it does not
    have; overrides are dropped; each field that is granted is left out, withheld, or granted in another form that the
    ceilings of the rule's items allow; each obligation is made a step stricter and a step looser. Some change no answer
    at all: `policies.survivors` leaves them out.
    """
    for rule in bundle.rules:
        rest = tuple(one for one in bundle.rules if one is not rule)
        yield Mutant(rule.id, _name(rule, "删去该规则", "is dropped"), replace(bundle, rules=rest))
        for words, changed in _change(rule, bundle):
            rules = tuple(changed if one is rule else one for one in bundle.rules)
            yield Mutant(rule.id, words, replace(bundle, rules=rules))


def _change(rule: Rule, bundle: Bundle) -> Iterator[tuple[Words, Rule]]:
    for dimension, accepted in conditions(rule).items():
        if accepted is not None:
            yield from _change_condition(rule, dimension, tuple(accepted), known_values(bundle)[dimension])
    for loser in rule.overrides:
        rest = tuple(one for one in rule.overrides if one != loser)
        words = _name(rule, f"不再优先于 {loser}", f"no longer overrides {loser}")
        yield words, replace(rule, overrides=rest)
    for field in rule.grant:
        yield from _change_grant(rule, field, bundle)
    yield from _change_obligations(rule)


def _change_condition(
    rule: Rule, dimension: Dimension, accepted: tuple[str, ...], known: Sequence[str]
) -> Iterator[tuple[Words, Rule]]:
    put = PUT[dimension]
    absent = (OutcomeClass.VALID,) if dimension is Dimension.OUTCOME else None  # what no condition means
    if accepted != absent:
        yield _name(rule, f"删去条件 {dimension}", f"has no condition on {dimension}"), put(rule, absent)
    if len(accepted) > 1:
        for value in accepted:
            words = _name(rule, f"{dimension} 不再接受 {value}", f"no longer accepts {dimension} {value}")
            yield words, put(rule, tuple(one for one in accepted if one != value))
    for value in known:
        if value not in accepted:
            words = _name(rule, f"{dimension} 多接受 {value}", f"accepts {dimension} {value} as well")
            yield words, put(rule, (*accepted, value))


def _change_grant(rule: Rule, field: str, bundle: Bundle) -> Iterator[tuple[Words, Rule]]:
    grant = parse_grant(rule.grant[field])
    items = [item for item in bundle.items if (rule.item is None or item.id in rule.item) and field in item.ceiling]
    allowed = set.intersection(*(set(item.ceiling[field]) for item in items)) if items else set()
    shown = () if grant.form == WITHHELD else (str(grant.form),)
    compared = (str(MATCH),) if grant.may_match else ()
    others: list[tuple[str, ...]] = [(form, *compared) for form in sorted(allowed - {str(MATCH), *shown})]
    if shown and (compared or str(MATCH) in allowed):
        others.append(shown if compared else (*shown, str(MATCH)))
    if not grant.is_protected:
        others.append((str(WITHHELD),))
    if len(rule.grant) > 1:
        rest = {name: forms for name, forms in rule.grant.items() if name != field}
        yield _name(rule, f"不再提及 {field}", f"says nothing of {field}"), replace(rule, grant=rest)
    for forms in others:
        spelled = "+".join(forms)
        words = _name(rule, f"{field} 改为 {spelled}", f"grants {field} as {spelled}")
        yield words, replace(rule, grant=rule.grant | {field: forms})


def _change_obligations(rule: Rule) -> Iterator[tuple[Words, Rule]]:
    """Change one obligation by one step in either direction."""
    oblige = rule.oblige
    changes: dict[str, list[tuple[Any, Words]]] = {
        "audit": [(audit, same(audit)) for audit in AuditDepth if audit is not oblige.audit],
        "keep_days": [(days, Words(f"{days} 天", f"{days} days")) for days in _beside(oblige.keep_days)],
        "per_minute": [(None, Words("不限", "no limit")), *((n, same(str(n))) for n in _beside(oblige.per_minute))]
        if oblige.per_minute
        else [(_SOME_LIMIT, same(str(_SOME_LIMIT)))],
        "watermark": [(not oblige.watermark, same(str(not oblige.watermark).lower()))],
    }
    for name, values in changes.items():
        for value, spelled in values:
            words = _name(rule, f"{name} 改为 {spelled.zh}", f"obliges to {name} {spelled.en}")
            yield words, replace(rule, oblige=replace(oblige, **{name: value}))


def _beside(number: int) -> tuple[int, ...]:
    return (number + 1, number - 1) if number > 1 else (number + 1,)


def known_values(bundle: Bundle) -> dict[Dimension, tuple[str, ...]]:
    """Return all values of every dimension."""
    return {
        **FIXED_VALUES,
        Dimension.ITEM: tuple(item.id for item in bundle.items),
        Dimension.CALLER: tuple(kind.id for kind in bundle.callers),
        Dimension.LICENCE: tuple(licence.id for licence in bundle.licences),
    }


def _name(rule: Rule, zh: str, en: str) -> Words:
    return Words(f"规则 {rule.id}：{zh}", f"rule {rule.id} {en}")


def _put_in_rule(name: str) -> Callable[[Rule, Any], Rule]:
    return lambda rule, values: replace(rule, **{name: values})


def _put_in_part(part: str, name: str) -> Callable[[Rule, Any], Rule]:
    return lambda rule, values: replace(rule, **{part: replace(getattr(rule, part), **{name: values})})


# How a condition is put into a rule; the names are those of the rule's parts.
PUT: Final[dict[Dimension, Callable[[Rule, Any], Rule]]] = {
    Dimension.ITEM: _put_in_rule("item"),
    Dimension.CALLER: _put_in_part("caller", "kind"),
    Dimension.HOME: _put_in_part("caller", "home"),
    Dimension.LICENCE: _put_in_part("licence", "type"),
    Dimension.STATUS: _put_in_part("licence", "status"),
    Dimension.HOLDER: _put_in_part("holder", "type"),
    Dimension.AGE: _put_in_part("holder", "age"),
    Dimension.CONSENT: _put_in_rule("consent"),
    Dimension.OUTCOME: _put_in_rule("outcome"),
}
