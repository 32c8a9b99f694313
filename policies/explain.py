"""Why a field leaves as it does, and why not: for policy staff and auditors. Callers are told the reason code only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies import reference
from policies.bundle import Bundle
from policies.compile import speaks_of
from policies.dimension import Context, Dimension
from policies.fault import Words
from policies.grant import parse_grant, spell_grant
from policies.plan import FieldDecision, Withheld
from policies.rule import Obligations, Rule
from policies.testing import spell_decision

_DIMENSIONS: Final = {
    Dimension.ITEM: Words("事项", "item"),
    Dimension.CALLER: Words("调用方类别", "kind of caller"),
    Dimension.HOME: Words("调用方归属", "home of the caller"),
    Dimension.LICENCE: Words("证照类型", "licence type"),
    Dimension.STATUS: Words("证照状态", "status of the licence"),
    Dimension.HOLDER: Words("持证主体类型", "type of holder"),
    Dimension.AGE: Words("年龄段", "age class"),
    Dimension.CONSENT: Words("授权同意", "consent"),
    Dimension.OUTCOME: Words("核验结论", "outcome of the checks"),
}
_REASONS: Final = {
    Withheld.UNCLASSIFIED: Words("该字段未分类或不予共享", "the field is not classified, or not to be shared"),
    Withheld.NOT_IN_ITEM: Words("不在该事项的用证清单内", "it is not on the item's list"),
    Withheld.PROTECTED: Words("有规则明确不予提供", "a rule withholds it"),
    Withheld.CALLER: Words("没有规则向此调用方提供", "no rule gives it to this caller"),
    Withheld.LICENCE_STATUS: Words("没有规则在此证照状态下提供", "no rule gives it for a licence of this status"),
    Withheld.HOLDER: Words("没有规则提供此类持证主体的该字段", "no rule gives it of such a holder"),
    Withheld.NO_CONSENT: Words("没有规则在此授权情况下提供", "no rule gives it on this consent"),
    Withheld.NOT_VALID: Words("没有规则在此核验结论下提供", "no rule gives it at this outcome of the checks"),
    Withheld.NO_RULE: Words("没有规则提供", "no rule gives it"),
}

_NOBODY: Final = frozenset(reason for reason, _ in reference.ASKED)


class Standing(StrEnum):
    """What became of a rule that mentions the field."""

    WINS = "wins"  # it gives the form, or lets the field be compared, or withholds it
    AGREES = "agrees"  # it gives no more than a rule that wins
    OVERRIDDEN = "overridden"
    OUTDONE = "outdone"  # another rule withholds the field explicitly
    CUT = "cut"  # by the class of the field or the ceiling of the item
    BLOCKED = "blocked"  # a condition is not met


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStanding:
    """One rule that mentions the field: what it grants, what became of it, and by which rules or dimensions.

    ``blocked_by`` are the conditions that are not met, all of them: where it is one, only that is missing.
    """

    rule: str
    grant: str
    standing: Standing
    by: tuple[str, ...] = ()
    blocked_by: tuple[Dimension, ...] = ()
    sentence: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One field in one context: the decision, and what every rule that mentions the field had to do with it.

    ``impossible`` are dimensions whose value the policy does not know, or that cannot stand beside the others.
    ``obligations`` are those of the whole plan.
    """

    context: Context
    decision: FieldDecision
    rules: tuple[RuleStanding, ...]
    impossible: tuple[Dimension, ...]
    obligations: Obligations | None
    sentence: Words


def explain(bundle: Bundle, context: Context, field: str) -> Explanation:
    """Explain one field.

    Raises:
        KeyError: the policy does not know the licence type, or the type has no such field.

    """
    licence = reference.find_licence(bundle, context)
    if licence is None or field not in licence.fields:
        raise KeyError(field)
    plan = reference.decide(bundle, context)
    decision = next(one for one in plan.fields if one.field == field)
    impossible = reference.impossible_values(bundle, context)
    rules = sorted(
        (rule for rule in bundle.rules if speaks_of(rule, licence) and field in rule.grant), key=lambda rule: rule.id
    )
    item = reference.find_item(bundle, context)
    blocked = {rule.id: impossible | reference.refusing(rule, context, item) for rule in rules}
    matching = [rule for rule in rules if not blocked[rule.id]]
    standings = [
        _block(rule, field, context, bundle) if blocked[rule.id] else _stand(rule, field, decision, matching)
        for rule in rules
    ]
    return Explanation(
        context=context,
        decision=decision,
        rules=tuple(standings),
        impossible=tuple(one for one in Dimension if one in impossible),
        obligations=plan.obligations,
        sentence=_conclude(decision),
    )


def _stand(rule: Rule, field: str, decision: FieldDecision, matching: list[Rule]) -> RuleStanding:
    """Say what became of a rule that matches."""
    by: tuple[str, ...] = ()
    winners = reference.select_winners(matching)
    if rule.id in {decision.rule, decision.match_rule}:
        standing, words = Standing.WINS, Words("匹配并生效", "matches and holds")
    elif decision.reason is Withheld.PROTECTED:
        standing, by = Standing.OUTDONE, (decision.rule or "",)
        words = Words(f"匹配，但规则 {by[0]} 明确不予提供", f"matches, but rule {by[0]} withholds the field")
    elif parse_grant(rule.grant[field]).is_protected and decision.reason in _NOBODY:
        standing, reason = Standing.AGREES, _REASONS[_reason(decision)]
        words = Words(
            f"匹配，但该字段本已不予提供：{reason.zh}", f"matches, and the field is withheld anyhow: {reason.en}"
        )
    elif rule not in winners:
        standing, by = Standing.OVERRIDDEN, tuple(one.id for one in matching if rule.id in one.overrides)
        words = Words(f"匹配，但让位于规则 {'、'.join(by)}", f"matches, but {', '.join(by)} overrides it")
    elif decision.is_withheld:
        standing = Standing.CUT
        words = Words(f"匹配，但{_REASONS[_reason(decision)].zh}", f"matches, but {_REASONS[_reason(decision)].en}")
    else:
        standing = Standing.AGREES
        by = tuple(one for one in (decision.rule, decision.match_rule) if one)
        words = Words(f"匹配，不多于规则 {'、'.join(by)} 所提供", f"matches, and adds nothing to {', '.join(by)}")
    return _standing(rule, field, standing, words, by=by)


def _block(rule: Rule, field: str, context: Context, bundle: Bundle) -> RuleStanding:
    """Say which conditions a rule is missing."""
    item = reference.find_item(bundle, context)
    impossible = reference.impossible_values(bundle, context)
    blocked = impossible | reference.refusing(rule, context, item)
    conditions = reference.conditions(rule) | {Dimension.CONSENT: reference.accepted_consents(rule, item)}
    dimensions = tuple(one for one in Dimension if one in blocked)
    values = dict(zip(Dimension, context, strict=True))
    zh, en = [], []
    for one in dimensions:
        name = _DIMENSIONS[one]
        if one in impossible:
            zh.append(f"{name.zh} {values[one]} 未知或不可能出现")
            en.append(f"{name.en} {values[one]} is not known or cannot be here")
        else:
            accepted = conditions[one] or ()
            zh.append(f"{name.zh}应为 {'、'.join(accepted)}，实际为 {values[one]}")
            en.append(f"{name.en} {' or '.join(accepted)} is needed, not {values[one]}")
    return _standing(
        rule,
        field,
        Standing.BLOCKED,
        Words(f"不匹配：{'；'.join(zh)}", f"is blocked: {'; '.join(en)}"),
        blocked_by=dimensions,
    )


def _standing(
    rule: Rule,
    field: str,
    standing: Standing,
    words: Words,
    *,
    by: tuple[str, ...] = (),
    blocked_by: tuple[Dimension, ...] = (),
) -> RuleStanding:
    grant = spell_grant(rule.grant[field])
    return RuleStanding(
        rule=rule.id,
        grant=grant,
        standing=standing,
        by=by,
        blocked_by=blocked_by,
        sentence=Words(f"规则 {rule.id}（{grant}）{words.zh}", f"rule {rule.id} ({grant}) {words.en}"),
    )


def _conclude(decision: FieldDecision) -> Words:
    if decision.reason is not None:
        words = _REASONS[decision.reason]
        by = Words(f"（规则 {decision.rule}）", f" (rule {decision.rule})") if decision.rule else Words("", "")
        return Words(
            f"{decision.field} 不予提供：{words.zh}{by.zh}", f"{decision.field} is withheld: {words.en}{by.en}"
        )
    by_rules = tuple(dict.fromkeys(one for one in (decision.rule, decision.match_rule) if one))
    form = spell_decision(decision)
    return Words(
        f"{decision.field} 以 {form} 提供，依据规则 {'、'.join(by_rules)}",
        f"{decision.field} leaves as {form}, by rule {', '.join(by_rules)}",
    )


def _reason(decision: FieldDecision) -> Withheld:
    return decision.reason or Withheld.NO_RULE
