"""Explanations: what became of every rule that mentions a field, and the one condition that is missing."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policies import reference
from policies.bundle import Bundle
from policies.catalogue import ShareClass
from policies.dimension import Context, Dimension, OutcomeClass
from policies.engine import Engine
from policies.explain import Explanation, RuleStanding, Standing, explain
from policies.mutate import PUT, known_values
from policies.plan import Withheld
from policies.rule import CallerCondition, HolderCondition, LicenceCondition
from tests.support.policies import (
    any_contexts,
    bundles,
    context,
    make_bundle,
    make_item,
    make_rule,
    possible_contexts,
)

NAME = make_rule("R-1", {"holder_name": "mask:name"})


def standing(explanation: Explanation, rule: str = "R-1") -> RuleStanding:
    return next(one for one in explanation.rules if one.rule == rule)


@settings(max_examples=60, deadline=None)
@given(bundles(), any_contexts(), st.data())
def test_an_explanation_agrees_with_the_decision(bundle: Bundle, asked: Context, data: st.DataObject) -> None:
    """The decision is the engine's; rules are blocked exactly when they do not match; who wins is who is named."""
    licence = reference.find_licence(bundle, asked)
    assume(licence is not None)
    assert licence is not None
    field = data.draw(st.sampled_from(sorted(licence.fields)))
    found = explain(bundle, asked, field)
    plan = Engine(bundle).decide(asked)
    assert found.decision in plan.fields
    assert found.obligations == plan.obligations
    matched = {one.rule for one in found.rules if one.standing is not Standing.BLOCKED}
    assert matched == {one.rule for one in found.rules} & set(plan.rules)
    winners = {one.rule for one in found.rules if one.standing is Standing.WINS}
    assert winners == {one for one in (found.decision.rule, found.decision.match_rule) if one}
    assert all(bool(one.blocked_by) == (one.standing is Standing.BLOCKED) for one in found.rules)
    assert all(all(one.sentence) for one in found.rules)
    assert all(found.sentence)


@settings(max_examples=60, deadline=None)
@given(bundles(), st.data())
def test_without_the_one_condition_that_blocks_it_a_rule_matches(bundle: Bundle, data: st.DataObject) -> None:
    """Removing the named dimension flips the answer, and removing any other one does not."""
    asked = data.draw(possible_contexts(bundle))
    licence = reference.find_licence(bundle, asked)
    assert licence is not None
    for field in licence.fields:
        for one in explain(bundle, asked, field).rules:
            if len(one.blocked_by) != 1:
                continue
            for dimension in Dimension:
                changed = matches_without(bundle, one.rule, dimension, asked)
                assert changed == (dimension in one.blocked_by)


def matches_without(bundle: Bundle, rule_id: str, dimension: Dimension, asked: Context) -> bool:
    """Say whether the rule matches when it accepts everything in one dimension."""
    everything = known_values(bundle)[dimension] if dimension in {Dimension.CONSENT, Dimension.OUTCOME} else None
    rules = tuple(PUT[dimension](rule, everything) if rule.id == rule_id else rule for rule in bundle.rules)
    return rule_id in reference.decide(msgspec.structs.replace(bundle, rules=rules), asked).rules


BLOCKED = [
    ({"caller": CallerCondition(kind=("notary",))}, {}, (Dimension.CALLER,)),
    ({"caller": CallerCondition(kind=("notary",), home=("partner",))}, {}, (Dimension.CALLER, Dimension.HOME)),
    ({"item": ("i3",)}, {}, (Dimension.ITEM,)),
    ({"licence": LicenceCondition(status=("revoked",))}, {"outcome": "unknown"}, (Dimension.STATUS, Dimension.OUTCOME)),
    ({"holder": HolderCondition(age=("minor",))}, {}, (Dimension.AGE,)),
    ({"consent": ("given",)}, {}, (Dimension.CONSENT,)),
    ({"outcome": (OutcomeClass.INVALID,)}, {}, (Dimension.OUTCOME,)),
    ({}, {"caller": "unheard-of"}, (Dimension.CALLER,)),
    ({}, {"caller": "notary", "home": "partner"}, (Dimension.HOME,)),
    ({}, {"holder": "organisation"}, (Dimension.AGE,)),
]


@pytest.mark.parametrize(("conditions", "asked", "expected"), BLOCKED)
def test_every_condition_that_is_not_met_is_named(
    conditions: dict, asked: dict, expected: tuple[Dimension, ...]
) -> None:
    """One where one is missing, all where several are; a value that is not known counts as one."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": "mask:name"}, **conditions))
    one = standing(explain(bundle, context(**asked), "holder_name"))
    assert (one.standing, one.blocked_by) == (Standing.BLOCKED, expected)


def test_what_is_missing_is_said_in_words() -> None:
    """An auditor reads what was needed and what was there, in either language."""
    bundle = make_bundle(msgspec.structs.replace(NAME, consent=("given",)))
    one = standing(explain(bundle, context(), "holder_name"))
    assert one.sentence.zh == "规则 R-1（mask:name）不匹配：授权同意应为 given，实际为 statutory"
    assert one.sentence.en == "rule R-1 (mask:name) is blocked: consent given is needed, not statutory"


def test_why_losers_lost() -> None:
    """Overridden, outdone by an explicit withholding, or nothing to add."""
    over = make_rule("R-2", {"holder_name": "plain"}, overrides=("R-1",))
    found = explain(make_bundle(NAME, over), context(), "holder_name")
    assert standing(found).standing is Standing.OVERRIDDEN
    assert standing(found).by == ("R-2",)
    assert standing(found, "R-2").standing is Standing.WINS
    protect = make_rule("R-3", {"holder_name": "withheld"})
    found = explain(make_bundle(NAME, over, protect), context(), "holder_name")
    assert [one.standing for one in found.rules] == [Standing.OUTDONE, Standing.OUTDONE, Standing.WINS]
    same = make_rule("R-2", {"holder_name": "mask:name"})
    found = explain(make_bundle(NAME, same), context(), "holder_name")
    assert [one.standing for one in found.rules] == [Standing.WINS, Standing.AGREES]
    assert "R-1" in found.sentence.zh
    assert found.sentence.en == "holder_name leaves as mask:name, by rule R-1"


def test_what_the_catalogue_or_the_item_cuts() -> None:
    """A rule that matches and is cut says by what."""
    bundle = make_bundle(NAME, items=(make_item("i1", ceiling={"phone": ("exists",)}),))
    found = explain(bundle, context(), "holder_name")
    assert standing(found).standing is Standing.CUT
    assert found.decision.reason is Withheld.NOT_IN_ITEM
    licence = bundle.licences[0]
    field = msgspec.structs.replace(licence.fields["holder_name"], share=ShareClass.NONE, basis="law")
    bundle = make_bundle(NAME, licences=(msgspec.structs.replace(licence, fields={"holder_name": field}),))
    found = explain(bundle, context(), "holder_name")
    assert standing(found).standing is Standing.CUT
    assert found.sentence.zh == "holder_name 不予提供：该字段未分类或不予共享"


@pytest.mark.parametrize(("licence", "field"), [("unheard-of", "holder_name"), ("l1", "unheard_of")])
def test_what_the_policy_does_not_know_cannot_be_explained(licence: str, field: str) -> None:
    """The caller of this function has asked for a licence type or field that is none."""
    with pytest.raises(KeyError):
        explain(make_bundle(NAME), context(licence=licence), field)
