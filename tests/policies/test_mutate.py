"""Mutants: one mistake each, of every sort; the diff notices exactly those that change an answer."""

import itertools
from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import reference
from policies.bundle import Bundle
from policies.difference.diff import diff
from policies.dimension import Context, LicenceStatus, OutcomeClass
from policies.mutate import mutants
from policies.rule import AuditDepth, CallerCondition, HolderCondition, LicenceCondition, Obligations
from tests.support.policies import all_contexts, bundles, make_bundle, make_rule, shown


def answer(bundle: Bundle, asked: Context) -> object:
    """Return what leaves, and what is asked in return."""
    plan = reference.decide(bundle, asked)
    return shown(plan), plan.obligations


@settings(max_examples=12, deadline=None)
@given(bundles(max_rules=3), st.integers(0, 10_000))
def test_the_diff_notices_a_mutant_exactly_when_some_answer_differs(bundle: Bundle, start: int) -> None:
    """By brute force over every context, for some mutants of each policy."""
    contexts = list(all_contexts(bundle))
    made = list(mutants(bundle))
    before = {one: answer(bundle, one) for one in contexts} if made else {}
    for place in range(min(2, len(made))):
        mutant = made[(start + place * 7) % len(made)]
        differs = any(answer(mutant.bundle, one) != before[one] for one in contexts)
        assert bool(diff(bundle, mutant.bundle).lines) == differs


@settings(max_examples=50, deadline=None)
@given(bundles())
def test_every_mutant_differs_from_the_policy_in_one_rule(bundle: Bundle) -> None:
    """One mistake at a time, described, and none of them twice."""
    made = list(mutants(bundle))
    for mutant in made:
        assert mutant.bundle != bundle
        changed = [one for one in bundle.rules if one not in mutant.bundle.rules]
        assert [one.id for one in changed] == [mutant.rule]
        assert mutant.rule in mutant.description.zh
        assert mutant.rule in mutant.description.en
    descriptions = Counter(mutant.description for mutant in made)
    assert not descriptions or max(descriptions.values()) == 1


def test_all_sorts_of_mistakes_are_made() -> None:
    """Drop the rule, each condition, each value, the override; add each value; other forms, other obligations."""
    rule = make_rule(
        "R-1",
        {"holder_name": "mask:name"},
        item=("i1", "i2"),
        caller=CallerCondition(kind=("counter",)),
        licence=LicenceCondition(status=("active",)),
        holder=HolderCondition(age=("adult", "minor")),
        outcome=(OutcomeClass.VALID, OutcomeClass.UNKNOWN),
        overrides=("R-2",),
    )
    bundle = make_bundle(rule, make_rule("R-2", {"holder_name": "plain"}))
    made = [one.description.en.removeprefix("rule R-1 ") for one in mutants(bundle) if one.rule == "R-1"]
    assert made == [
        "is dropped",
        "has no condition on item",
        "no longer accepts item i1",
        "no longer accepts item i2",
        *(f"accepts item {one.id} as well" for one in bundle.items if one.id not in {"i1", "i2"}),
        "has no condition on caller",
        *(f"accepts caller {one.id} as well" for one in bundle.callers if one.id != "counter"),
        "has no condition on status",
        *(f"accepts status {one} as well" for one in LicenceStatus if one != "active"),
        "has no condition on age",
        "no longer accepts age adult",
        "no longer accepts age minor",
        "accepts age under-14 as well",
        "accepts age undetermined as well",
        "accepts age not-applicable as well",
        "has no condition on outcome",
        "no longer accepts outcome valid",
        "no longer accepts outcome unknown",
        "accepts outcome invalid as well",
        "no longer overrides R-2",
        "grants holder_name as plain",
        "grants holder_name as mask:name+match",
        "grants holder_name as withheld",
        "obliges to audit brief",
        "obliges to keep_days 1096 days",
        "obliges to keep_days 1094 days",
        "obliges to per_minute 60",
        "obliges to watermark true",
    ]


def test_a_limit_is_loosened_and_tightened() -> None:
    """An obligation that a rule states is made stricter, looser and dropped."""
    rule = make_rule("R-1", {"holder_name": "plain"}, oblige=Obligations(audit=AuditDepth.BRIEF, per_minute=1))
    made = [one.description.en for one in mutants(make_bundle(rule)) if "obliges" in one.description.en]
    assert [one.removeprefix("rule R-1 obliges to ") for one in made] == [
        "audit full",
        "keep_days 1096 days",
        "keep_days 1094 days",
        "per_minute no limit",
        "per_minute 2",
        "watermark true",
    ]


def test_a_mutant_can_be_encoded_like_any_policy() -> None:
    """It is a bundle like others, so that whatever reads bundles can be tried with it."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": ("mask:name", "match")}, item=("i1",)))
    for mutant in itertools.islice(mutants(bundle), 30):
        assert msgspec.json.decode(msgspec.json.encode(mutant.bundle), type=Bundle) == mutant.bundle
