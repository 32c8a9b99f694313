"""Folding: counts are exact, examples reach their rule sets, nothing reachable is left out."""

from collections import Counter

import pytest
from hypothesis import given, settings

from policies.bundle import Bundle
from policies.catalogue import CallerKind
from policies.compile import compile_bundle
from policies.dimension import Home, LicenceStatus
from policies.engine import Engine
from policies.fold import Allowance, TooManyPlansError, fold_licence, witness
from policies.rule import CallerCondition, LicenceCondition
from tests.support.policies import all_contexts, bundles, make_bundle, make_item, make_rule


@settings(max_examples=60, deadline=None)
@given(bundles())
def test_the_counts_are_those_of_all_contexts(bundle: Bundle) -> None:
    """Every reachable rule set is there with exactly as many contexts as reach it, and no other."""
    engine = Engine(bundle)
    counted = Counter((one.licence, engine.matching(one)) for one in all_contexts(bundle))
    folded = {(name, rules): one.contexts for name, sets in engine.folds.items() for rules, one in sets.items()}
    assert folded == counted
    assert engine.reachable == len(folded)
    assert sum(folded.values()) == sum(table.contexts for table in engine.tables.values())


@settings(max_examples=100, deadline=None)
@given(bundles())
def test_every_example_reaches_its_rule_set(bundle: Bundle) -> None:
    """A witness is a possible context, and exactly the rules of its set match it."""
    engine = Engine(bundle)
    for name, sets in engine.folds.items():
        for rules, reached in sets.items():
            assert engine.matching(witness(name, reached.path)) == rules


def test_a_licence_type_that_no_item_lists_has_no_contexts() -> None:
    """Nobody can ask for it, so no rule set is reached, not even the empty one."""
    engine = Engine(make_bundle(make_rule("R-1", {"holder_name": "plain"}), items=()))
    assert engine.reachable == 0
    assert all(table.contexts == 0 for table in engine.tables.values())


def test_folding_stops_at_the_bound() -> None:
    """It gives up while it folds, not after."""
    rules = [
        make_rule(f"R-{number}", {"holder_name": "plain"}, **conditions)
        for number, conditions in enumerate(
            [{"caller": CallerCondition(kind=("notary",))}, {"licence": LicenceCondition(status=("active",))}]
        )
    ]
    table = Engine(make_bundle(*rules)).tables["l1"]
    assert len(fold_licence(table, Allowance(sets=4))) == 4
    with pytest.raises(TooManyPlansError) as caught:
        fold_licence(table, Allowance(sets=3))
    assert caught.value.reached == 4


def test_folding_is_bounded_in_steps_over_all_licence_types() -> None:
    """Sets that merge in the end may be many on the way; what was taken for one licence type is gone for the next."""
    tables = Engine(make_bundle(make_rule("R-1", {"holder_name": "plain"}))).tables
    used = Allowance()
    for table in tables.values():
        fold_licence(table, used)
    enough = Allowance(steps=used.steps_taken)
    short = Allowance(steps=used.steps_taken - 1)
    for table in tables.values():
        fold_licence(table, enough)
    fold_licence(tables["l1"], short)
    with pytest.raises(TooManyPlansError) as caught:
        fold_licence(tables["l2"], short)
    assert caught.value.reached == used.steps_taken


def test_a_policy_of_many_items_and_callers_is_folded_in_few_steps() -> None:
    """What most rules speak of, the item, is folded first: the steps grow with the items, not with all that meets."""
    items = tuple(make_item(f"i{number}", licences=("l1",)) for number in range(60))
    kinds = tuple(CallerKind(id=f"k{number}", zh="窗口", en="counter", home=(Home.OWN,)) for number in range(24))
    statuses = tuple(LicenceStatus)
    rules = [
        make_rule(
            f"R-{number:03}",
            {"holder_name": "plain"},
            item=(f"i{number % 60}",),
            caller=CallerCondition(kind=tuple(kinds[(number * step) % 24].id for step in (1, 5, 7))),
            licence=LicenceCondition(status=statuses[number % 5 : number % 5 + 3]),
        )
        for number in range(240)
    ]
    bundle = make_bundle(*rules, items=items, callers=kinds)
    allowance = Allowance(steps=20_000)
    assert sum(one.contexts for one in fold_licence(compile_bundle(bundle)["l1"], allowance).values()) > 100_000


def test_examples_are_about_adults_with_valid_licences_where_they_can_be() -> None:
    """An example that only has to match something is about nobody special."""
    engine = Engine(make_bundle(make_rule("R-1", {"holder_name": "plain"})))
    found = max(engine.folds["l1"].items())
    example = witness("l1", found[1].path)
    assert (example.age, example.status, example.outcome) == ("adult", "active", "valid")
