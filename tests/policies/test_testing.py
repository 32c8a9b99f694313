"""The tests of a policy: which contexts they speak of, and that they hold every one against what they expect."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.bundle import Bundle, canonical, encode_bundle
from policies.dimension import FIXED_VALUES, PARTIES, AgeClass, Dimension, HolderType, Home, LicenceStatus, OutcomeClass
from policies.engine import Engine
from policies.fault import PolicyError
from policies.given import MAX_TEST_CONTEXTS, contexts_of, occurring
from policies.loader import load_policy
from policies.rule import AuditDepth, Except, Given, Obligations, PolicyTest
from policies.testing import context_of, known_names, run_test, run_tests
from tests.support.policies import all_contexts, make_bundle, make_rule
from tests.support.policy import REAL_ESTATE, added, small_policy

NAME = make_rule("R-1", {"holder_name": "mask:name"}, item=("i1",))


def small() -> Bundle:
    return load_policy(small_policy()).bundle


def contexts(asked: Given, bundle: Bundle) -> list[tuple[str, ...]]:
    return [tuple(one) for one in contexts_of(asked, known_names(bundle))]


def test_what_is_not_said_stands_for_everything() -> None:
    """Every caller with each of its homes, every licence type of the item, every holder; active, valid, as asked."""
    bundle = small()
    expected = [
        one
        for one in all_contexts(bundle)
        if (one.item, one.consent, one.status, one.outcome) == (REAL_ESTATE, "statutory", "active", "valid")
    ]
    assert sorted(contexts(Given(item=REAL_ESTATE), bundle)) == sorted(map(tuple, expected))


def test_all_but_some_is_all_the_others() -> None:
    """What a test excepts and what it would list otherwise share out the contexts between them."""
    bundle = small()
    some = Given(item=REAL_ESTATE, caller=("counter", "notary"), age=Except(values=(AgeClass.ADULT,)))
    rest = Given(item=REAL_ESTATE, caller=Except(values=("counter", "notary")), age=Except(values=(AgeClass.ADULT,)))
    every = Given(item=REAL_ESTATE, age=Except(values=(AgeClass.ADULT,)))
    assert sorted(contexts(some, bundle) + contexts(rest, bundle)) == sorted(contexts(every, bundle))
    assert {one[1] for one in contexts(rest, bundle)} == {"approval", "partner-counter"}


def some_of(values: list[str]) -> st.SearchStrategy[str | tuple[str, ...] | Except[str]]:
    """Return what a test can say of a dimension."""
    lists = st.lists(st.sampled_from(values), min_size=1, unique=True).map(lambda some: tuple(sorted(some)))
    return st.sampled_from(values) | lists | lists.map(lambda some: Except(values=some))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_contexts_are_exactly_those_that_can_occur(data: st.DataObject) -> None:
    """Of all contexts that there are, those whose every value the test speaks of; and they are counted right."""
    bundle = small()
    values = {
        **FIXED_VALUES,
        Dimension.ITEM: [one.id for one in bundle.items],
        Dimension.CALLER: [one.id for one in bundle.callers],
        Dimension.LICENCE: [one.id for one in bundle.licences],
    }
    said = {one.value: data.draw(some_of([str(value) for value in values[one]])) for one in Dimension}
    asked = msgspec.convert(msgspec.to_builtins(said), Given)

    def speaks(one: tuple[str, ...]) -> bool:
        for name, value in zip(Dimension, one, strict=True):
            meant = said[name.value]
            if isinstance(meant, Except):
                if value in meant.values:
                    return False
            elif value not in ((meant,) if isinstance(meant, str) else meant):
                return False
        return True

    found = contexts(asked, bundle)
    assert sorted(found) == sorted(tuple(one) for one in all_contexts(bundle) if speaks(tuple(one)))
    parts = occurring(asked, known_names(bundle))
    assert parts.count == len(found)
    if found:
        occur = parts.values()
        assert [occur[one] for one in Dimension] == [frozenset(column) for column in zip(*found, strict=True)]


def test_a_failing_test_names_the_context() -> None:
    """The first context that is otherwise than expected, and in how many of them it is so."""
    bundle = make_bundle(NAME, make_rule("R-2", {"phone": "exists"}, item=("i1",)))
    test = PolicyTest(name="a", given=Given(item=("i1", "i2"), licence="l1"), expect={"holder_name": "mask:name"})
    result = run_test(Engine(bundle), test)
    assert not result.passed
    assert (result.failures, result.contexts) == (result.contexts, len(contexts(test.given, bundle)))
    assert " / ".join(result.context) in result.sentence.zh
    assert " / ".join(result.context) in result.sentence.en
    assert f"in {result.failures} of {result.contexts} contexts" in result.sentence.en


def test_one_context_of_many_is_enough_to_fail() -> None:
    """A list of contexts passes only when each of them does."""
    bundle = make_bundle(NAME)
    asked = Given(item=("i1", "i2"), caller="counter", home=Home.OWN, licence="l1")
    result = run_test(Engine(bundle), PolicyTest(name="a", given=asked, expect={"holder_name": "mask:name"}))
    assert result.context.item == "i2"
    assert result.failures == len([one for one in contexts(asked, bundle) if one[0] == "i2"])


@pytest.mark.parametrize(
    ("oblige", "names"),
    [
        (Obligations(), []),
        (Obligations(audit=AuditDepth.BRIEF), ["obligations.audit"]),
        (Obligations(keep_days=1094), ["obligations.keep_days"]),
        (Obligations(per_minute=5, watermark=True), ["obligations.per_minute", "obligations.watermark"]),
    ],
)
def test_obligations_are_compared_exactly(oblige: Obligations, names: list[str]) -> None:
    """What a rule obliges to beyond the usual has to stand in the test, and what stands there has to be so."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": "mask:name"}, item=("i1",), oblige=oblige))
    asked = Given(item="i1", caller="counter", home=Home.OWN, licence="l1")
    usual = PolicyTest(name="a", given=asked, expect={"holder_name": "mask:name"})
    assert [one.field for one in run_test(Engine(bundle), usual).differences] == names
    assert run_test(Engine(bundle), msgspec.structs.replace(usual, obligations=oblige)).passed


def test_where_nothing_leaves_nothing_is_owed() -> None:
    """A test that expects nothing passes whatever the rules that match without effect oblige to."""
    bundle = make_bundle(make_rule("R-1", {"phone": "withheld"}, oblige=Obligations(watermark=True)))
    assert run_test(Engine(bundle), PolicyTest(name="a", given=Given(item="i1"), expect={})).passed


def test_a_test_of_no_context_is_refused() -> None:
    """It would pass whatever the policy says."""
    asked = Given(item="unheard-of")
    with pytest.raises(ValueError, match="no context"):
        run_test(Engine(make_bundle(NAME)), PolicyTest(name="a", given=asked, expect={}))


def test_one_context_of_what_a_test_gives() -> None:
    """An adult first where the test does not say; one that cannot occur is still the one that was meant."""
    bundle = small()
    assert context_of(Given(item=REAL_ESTATE, licence="id-card"), bundle).age == AgeClass.ADULT
    wrong = Given(item=REAL_ESTATE, caller="counter", home=Home.PARTNER, licence="id-card", holder=HolderType.PERSON)
    context = context_of(wrong, bundle)
    assert (context.home, context.age, context.consent) == ("partner", "adult", "statutory")
    organisation = Given(item="?", caller="?", home=Home.OWN, licence="?", holder=HolderType.ORGANISATION)
    assert context_of(organisation, bundle).age == AgeClass.NOT_APPLICABLE


def test_one_in_a_list_is_written_as_one() -> None:
    """The order of a list and the brackets around one value make no difference to the bundle."""
    listed = Given(item=("b", "a"), caller=("x",), status=(LicenceStatus.UNKNOWN, LicenceStatus.ACTIVE))
    plain = Given(item=("a", "b"), caller="x", status=(LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN))
    assert canonical(listed) == plain
    expected = PolicyTest(name="t", given=plain, expect={}, obligations=Obligations(keep_days=1095))
    assert msgspec.json.encode(canonical(expected)).count(b"obligations") == 0


def test_a_list_survives_the_bundle() -> None:
    """What a test gives is in the bundle as it was written, lists and exceptions alike."""
    text = """
[[test]]
name = "nobody else"
given = { item = ["34-001", "34-002"], caller = { except = ["counter", "partner-counter", "notary"] } }
expect = {}
"""
    bundle = load_policy(added("limits.toml", text)).bundle
    assert b'"caller":{"except":["counter","notary","partner-counter"]}' in encode_bundle(bundle)
    assert [one.sentence.en for one in run_tests(Engine(bundle)) if not one.passed] == []


def test_contexts_of_all_tests_are_bounded() -> None:
    """Tests that try more contexts than can be tried in some seconds are refused as a whole."""
    number = len(contexts(Given(item=REAL_ESTATE), small()))
    given_all = "{ item = '34-001', status = { except = ['active'] } }"
    each = number * (len(LicenceStatus) - 1)
    tests = MAX_TEST_CONTEXTS // each + 1
    text = "".join(f'[[test]]\nname = "t{place}"\ngiven = {given_all}\nexpect = {{}}\n' for place in range(tests))
    with pytest.raises(PolicyError, match=f"at most {MAX_TEST_CONTEXTS} contexts in all tests"):
        load_policy(added("limits.toml", text))


def test_organisations_have_no_age() -> None:
    """A holder and an age class that never occur together are in no context."""
    bundle = small()
    parties = {(one[5], one[6]) for one in contexts(Given(item=REAL_ESTATE, outcome=tuple(OutcomeClass)), bundle)}
    assert parties == {one for one in itertools.product(HolderType, AgeClass) if one in PARTIES}
