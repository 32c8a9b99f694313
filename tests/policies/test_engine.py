"""The engine: the plans of the naive loop, default deny, conflicts that fail closed, reasons, bounded memory."""

import itertools
from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import engine as engine_module
from policies import reference
from policies.bundle import Bundle
from policies.catalogue import ShareClass
from policies.compile import speaks_of
from policies.dimension import Context, OutcomeClass
from policies.engine import Engine, item_in_force
from policies.fault import PolicyError
from policies.form import Form
from policies.plan import Withheld, merge_obligations
from policies.rule import AuditDepth, CallerCondition, HolderCondition, LicenceCondition, Obligations
from tests.support.policies import (
    FIELDS,
    FORMS,
    all_contexts,
    any_contexts,
    bundles,
    context,
    is_no_wider,
    make_bundle,
    make_item,
    make_rule,
    shown,
)

NAME = make_rule("R-1", {"holder_name": "mask:name"})


def reason(bundle: Bundle, asked: Context, field: str = "holder_name") -> Withheld | None:
    return {one.field: one.reason for one in Engine(bundle).decide(asked).fields}[field]


@settings(max_examples=8, deadline=None)
@given(bundles())
def test_the_engine_and_the_naive_loop_give_the_same_plan_in_every_context(bundle: Bundle) -> None:
    """In every possible context the plans are equal: fields, rules, reasons, obligations, id."""
    engine = Engine(bundle)
    for one in all_contexts(bundle):
        assert engine.decide(one) == reference.decide(bundle, one)


@settings(max_examples=60, deadline=None)
@given(bundles(), st.lists(any_contexts(), max_size=30))
def test_the_engine_and_the_naive_loop_agree_on_impossible_contexts_too(bundle: Bundle, asked: list[Context]) -> None:
    """Values that are not known, or cannot stand beside each other, grant nothing, for the same reason in both."""
    engine = Engine(bundle)
    for one in asked:
        assert engine.decide(one) == reference.decide(bundle, one)


@settings(max_examples=100, deadline=None)
@given(bundles(), st.lists(any_contexts(), max_size=20))
def test_what_is_unknown_or_impossible_grants_nothing(bundle: Bundle, asked: list[Context]) -> None:
    """A context with a value that nobody knows, or a pair that cannot be, shares nothing and obliges to nothing."""
    engine = Engine(bundle)
    for one in asked:
        if reference.impossible_values(bundle, one):
            plan = engine.decide(one)
            assert not plan.shares
            assert plan.obligations is None
            assert plan.rules == ()


@settings(max_examples=60, deadline=None)
@given(bundles(), st.randoms(use_true_random=False), st.lists(any_contexts(), max_size=20))
def test_the_order_of_rules_never_matters(bundle: Bundle, random, asked: list[Context]) -> None:
    """Rules, items, kinds and licence types in any order give the same plans."""
    mixed = {name: list(getattr(bundle, name)) for name in ("rules", "items", "licences", "callers")}
    for values in mixed.values():
        random.shuffle(values)
    other = Engine(msgspec.structs.replace(bundle, **{name: tuple(values) for name, values in mixed.items()}))
    engine = Engine(bundle)
    assert engine.reachable == other.reachable
    assert [engine.decide(one) for one in asked] == [other.decide(one) for one in asked]


def assert_never_wider(narrow: Bundle, wide: Bundle) -> None:
    """Compare in every context."""
    first, second = Engine(narrow), Engine(wide)
    for one in all_contexts(wide):
        assert is_no_wider(first.decide(one), second.decide(one))


@settings(max_examples=25, deadline=None)
@given(bundles(agreeing=True), st.sampled_from(FIELDS))
def test_withholding_explicitly_never_shares_more(bundle: Bundle, field: str) -> None:
    """One more row that withholds a field can only take something away."""
    more = msgspec.structs.replace(bundle, rules=(*bundle.rules, make_rule("W", {field: "withheld"})))
    assert_never_wider(more, bundle)


@settings(max_examples=25, deadline=None)
@given(bundles(agreeing=True), st.sampled_from(FIELDS), st.integers(0, 2))
def test_a_lower_ceiling_never_shares_more(bundle: Bundle, field: str, removed: int) -> None:
    """Taking a form from the ceilings can only take something away, also where a rule still grants it."""
    form = (*FORMS[field], "match")[removed]
    items = tuple(
        msgspec.structs.replace(
            item,
            ceiling={
                name: tuple(one for one in forms if (name, one) != (field, form))
                for name, forms in item.ceiling.items()
            },
        )
        for item in bundle.items
    )
    assert_never_wider(msgspec.structs.replace(bundle, items=items), bundle)


@settings(max_examples=25, deadline=None)
@given(bundles(agreeing=True), st.integers(0, 5))
def test_dropping_a_rule_that_overrides_and_protects_nothing_never_shares_more(bundle: Bundle, place: int) -> None:
    """What only grants can only be missed."""
    rules = [one for one in bundle.rules if not one.overrides and "withheld" not in one.grant.values()]
    if rules:
        dropped = rules[place % len(rules)]
        rest = tuple(one for one in bundle.rules if one is not dropped)
        assert_never_wider(msgspec.structs.replace(bundle, rules=rest), bundle)


@settings(max_examples=25, deadline=None)
@given(bundles(agreeing=True), st.integers(0, 5))
def test_narrowing_a_rule_that_overrides_and_protects_nothing_never_shares_more(bundle: Bundle, place: int) -> None:
    """One more condition on what only grants can only take something away."""
    rules = [one for one in bundle.rules if not one.overrides and "withheld" not in one.grant.values()]
    if rules:
        narrowed = rules[place % len(rules)]
        home = narrowed.caller.home[:1] if narrowed.caller.home else ("own",)
        caller = msgspec.structs.replace(narrowed.caller, home=home)
        rest = tuple(msgspec.structs.replace(one, caller=caller) if one is narrowed else one for one in bundle.rules)
        assert_never_wider(msgspec.structs.replace(bundle, rules=rest), bundle)


def test_silence_withholds() -> None:
    """A field that no rule grants is withheld and named."""
    plan = Engine(make_bundle()).decide(context())
    assert [one.field for one in plan.fields] == sorted(FIELDS)
    assert {one.reason for one in plan.fields} == {Withheld.NO_RULE}


def test_two_forms_for_one_field_withhold_it() -> None:
    """A conflict, which no bundle that loads has, shares nothing; nobody wins by chance."""
    bundle = make_bundle(NAME, make_rule("R-2", {"holder_name": "plain"}))
    assert reason(bundle, context()) is Withheld.NO_RULE


def test_an_override_decides_between_two_forms() -> None:
    """The overriding rule wins, whatever the ids; where it does not match, the other holds."""
    plain = make_rule("R-0", {"holder_name": "plain"})
    mask = make_rule("R-9", {"holder_name": "mask:name"}, overrides=("R-0",), caller=CallerCondition(home=("partner",)))
    engine = Engine(make_bundle(plain, mask))
    assert shown(engine.decide(context(home="partner"))) == {"holder_name": (Form.parse("mask:name"), False)}
    assert shown(engine.decide(context())) == {"holder_name": (Form.parse("plain"), False)}


def test_an_override_concerns_only_fields_that_both_rules_grant() -> None:
    """The losing rule still gives what the winning one says nothing about."""
    loser = make_rule("R-1", {"holder_name": "plain", "phone": "exists"})
    winner = make_rule("R-2", {"holder_name": "match"}, overrides=("R-1",))
    found = shown(Engine(make_bundle(loser, winner)).decide(context()))
    assert found == {"holder_name": (Form.parse("withheld"), True), "phone": (Form.parse("exists"), False)}


def test_nothing_overrides_an_explicit_withheld() -> None:
    """Not even a rule that names the withholding one."""
    protect = make_rule("R-1", {"holder_name": "withheld"})
    loud = make_rule("R-2", {"holder_name": ("plain", "match")}, overrides=("R-1",))
    plan = Engine(make_bundle(protect, loud)).decide(context())
    decision = next(one for one in plan.fields if one.field == "holder_name")
    assert (decision.reason, decision.rule) == (Withheld.PROTECTED, "R-1")


def test_match_stands_beside_a_form() -> None:
    """Granting only a comparison is no conflict with another rule's form."""
    bundle = make_bundle(NAME, make_rule("R-2", {"holder_name": "match"}))
    decision = next(one for one in Engine(bundle).decide(context()).fields if one.field == "holder_name")
    assert (str(decision.form), decision.rule, decision.match_rule) == ("mask:name", "R-1", "R-2")


def test_plain_does_not_imply_match() -> None:
    """A comparison is a grant of its own."""
    decision = Engine(make_bundle(make_rule("R-1", {"holder_name": "plain"}))).decide(context()).fields[1]
    assert (str(decision.form), decision.match_rule) == ("plain", None)


REASONS = [
    ({}, {"holder": "organisation", "age": "adult"}, Withheld.HOLDER),
    ({}, {"outcome": "unknown"}, Withheld.NOT_VALID),
    ({}, {"outcome": "unheard-of"}, Withheld.NOT_VALID),
    ({}, {"caller": "unheard-of"}, Withheld.CALLER),
    ({}, {"caller": "notary", "home": "partner"}, Withheld.CALLER),
    ({}, {"consent": "given"}, Withheld.NO_CONSENT),
    ({}, {"status": "lost"}, Withheld.LICENCE_STATUS),
    ({}, {"item": "unheard-of"}, Withheld.NOT_IN_ITEM),
    ({"caller": CallerCondition(kind=("notary",))}, {}, Withheld.CALLER),
    ({"caller": CallerCondition(home=("partner",))}, {"outcome": "invalid"}, Withheld.CALLER),
    ({"licence": LicenceCondition(status=("revoked",))}, {}, Withheld.LICENCE_STATUS),
    ({"licence": LicenceCondition(status=("revoked",))}, {"consent": "none"}, Withheld.NO_CONSENT),
    ({}, {"item": "i2", "consent": "none"}, Withheld.NO_CONSENT),
    ({"holder": HolderCondition(age=("minor",))}, {}, Withheld.HOLDER),
    ({"holder": HolderCondition(type=("organisation",))}, {}, Withheld.HOLDER),
    ({"consent": ("given",)}, {}, Withheld.NO_CONSENT),
    ({"outcome": (OutcomeClass.INVALID,)}, {}, Withheld.NOT_VALID),
    ({"item": ("i3",)}, {}, Withheld.NO_RULE),
    ({"licence": LicenceCondition(type=("l2",))}, {}, Withheld.NO_RULE),
]


@pytest.mark.parametrize(("conditions", "asked", "expected"), REASONS)
def test_a_withheld_field_says_why(conditions: dict, asked: dict, expected: Withheld) -> None:
    """The first group of conditions that no granting rule meets is the reason."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": "mask:name"}, **conditions))
    assert reason(bundle, context(**asked)) is expected


def test_rules_for_others_do_not_meet_a_condition() -> None:
    """The conditions add up: the first at which no rule is left is the reason, not one that another rule would meet."""
    first = make_rule("R-1", {"holder_name": "plain"}, caller=CallerCondition(kind=("notary",)))
    second = make_rule("R-2", {"holder_name": "plain"}, licence=LicenceCondition(status=("revoked",)))
    assert reason(make_bundle(first, second), context()) is Withheld.LICENCE_STATUS


def test_only_those_who_are_granted_a_field_hear_that_it_is_protected() -> None:
    """That a holder is protected says something of the holder."""
    grants = make_rule("R-1", {"holder_name": "plain"}, caller=CallerCondition(kind=("counter",), home=("own",)))
    protects = make_rule("R-2", {"holder_name": "withheld"}, holder=HolderCondition(age=("under-14",)))
    bundle = make_bundle(grants, protects)
    assert reason(bundle, context(age="under-14")) is Withheld.PROTECTED
    for age in ("under-14", "minor", "adult"):
        assert reason(bundle, context(age=age, caller="notary")) is Withheld.CALLER
        assert reason(bundle, context(age=age, home="partner")) is Withheld.CALLER
        assert reason(bundle, context(age=age, consent="none")) is Withheld.NO_CONSENT


@settings(max_examples=60, deadline=None)
@given(bundles())
def test_who_is_granted_a_field_in_no_case_learns_nothing_of_the_case(bundle: Bundle) -> None:
    """For one item, consent and caller, reasons differ by status, holder and outcome only where a rule grants it."""
    engine = Engine(bundle)
    licences = {licence.id: licence for licence in bundle.licences}
    heard: dict[tuple[str, ...], set[Withheld | None]] = {}
    for asked in all_contexts(bundle):
        for one in engine.decide(asked).fields:
            key = (asked.licence, asked.item, asked.consent, asked.caller, asked.home, one.field)
            heard.setdefault(key, set()).add(one.reason)
    for (licence, item, consent, caller, home, field), reasons in heard.items():
        is_granted = any(
            field in rule.grant
            and rule.grant[field] != "withheld"
            and speaks_of(rule, licences[licence])
            and (rule.item is None or item in rule.item)
            and (rule.caller.kind is None or caller in rule.caller.kind)
            and (rule.caller.home is None or home in rule.caller.home)
            and (rule.consent is None or consent in rule.consent)
            for rule in bundle.rules
        )
        assert is_granted or len(reasons) == 1


def test_silence_on_consent_is_what_the_item_asks_for() -> None:
    """A rule that gives something without the consent that an item asks for says so; to withhold it need not."""
    silent = make_bundle(NAME)
    assert shown(Engine(silent).decide(context(item="i2", consent="given")))
    assert shown(Engine(silent).decide(context(item="i3", consent="none")))
    assert reason(silent, context(item="i2", consent="none")) is Withheld.NO_CONSENT
    said = make_rule("R-1", {"holder_name": "plain"}, consent=("none", "given"))
    assert shown(Engine(make_bundle(said)).decide(context(item="i2", consent="none")))
    protects = make_rule("R-2", {"holder_name": "withheld"})
    assert reason(make_bundle(said, protects), context(item="i2", consent="none")) is Withheld.PROTECTED


def test_what_nobody_classified_is_withheld_first() -> None:
    """The class of a field comes before its item and its rules."""
    bundle = make_bundle(NAME)
    licence = bundle.licences[0]
    field = msgspec.structs.replace(licence.fields["holder_name"], share=ShareClass.UNCLASSIFIED)
    licence = msgspec.structs.replace(licence, fields={"holder_name": field})
    bundle = msgspec.structs.replace(bundle, licences=(licence,))
    assert reason(bundle, context()) is Withheld.UNCLASSIFIED
    assert reason(bundle, context(item="unheard-of")) is Withheld.UNCLASSIFIED


def test_a_licence_that_the_item_does_not_list_gets_nothing() -> None:
    """Item and licence type are one dimension."""
    bundle = make_bundle(NAME)
    assert reason(bundle, context(item="i2", licence="l2", consent="given")) is Withheld.NOT_IN_ITEM


def test_a_form_above_the_ceiling_is_cut() -> None:
    """Should a rule exceed the ceiling nevertheless, the ceiling holds; what it allows beside that stays."""
    item = make_item("i1", ceiling={"holder_name": ("match",)})
    bundle = make_bundle(make_rule("R-1", {"holder_name": ("plain", "match"), "phone": "exists"}), items=(item,))
    plan = Engine(bundle).decide(context())
    assert shown(plan) == {"holder_name": (Form.parse("withheld"), True)}
    assert plan == reference.decide(bundle, context())


def test_an_unknown_licence_has_no_fields() -> None:
    """Of a type that nobody described nothing is known, not even what is withheld."""
    plan = Engine(make_bundle(NAME)).decide(context(licence="unheard-of"))
    assert (plan.fields, plan.obligations, plan.shares) == ((), None, False)


def test_obligations_are_the_stricter_of_each() -> None:
    """Fullest audit, longest keeping, lowest rate, any watermark, from every rule that matches."""
    mild = Obligations(audit=AuditDepth.BRIEF, keep_days=30, per_minute=60)
    strict = Obligations(audit=AuditDepth.FULL, keep_days=10, watermark=True)
    assert merge_obligations([mild, strict]) == Obligations(keep_days=30, per_minute=60, watermark=True)
    assert merge_obligations([]) is None
    overridden = make_rule("R-1", {"holder_name": "plain"}, oblige=strict)
    winner = make_rule("R-2", {"holder_name": "mask:name"}, oblige=mild, overrides=("R-1",))
    plan = Engine(make_bundle(overridden, winner)).decide(context())
    assert plan.obligations == merge_obligations([mild, strict])


def test_equal_plans_are_one_object() -> None:
    """What contexts share is kept once, and found by number from then on."""
    engine = Engine(make_bundle(NAME))
    first = engine.decide(context())
    assert engine.decide(context()) is first
    assert engine.decide(context(status="revoked", age="minor")) is first


def test_the_id_of_a_plan_is_what_it_says() -> None:
    """Equal plans have equal ids, others have not; the id does not depend on the rest of the policy."""
    one = Engine(make_bundle(NAME)).decide(context())
    same = Engine(make_bundle(NAME, make_rule("R-9", {"phone": "exists"}, item=("i3",)))).decide(context())
    other = Engine(make_bundle(make_rule("R-1", {"holder_name": "plain"}))).decide(context())
    assert one.id == same.id != other.id


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the memo is full it starts again; the answers stay the same."""
    monkeypatch.setattr(engine_module, "MAX_REMEMBERED", 3)
    bundle = make_bundle(NAME, make_rule("R-2", {"phone": "exists"}, licence=LicenceCondition(status=("active",))))
    engine = Engine(bundle)
    for one in itertools.islice(all_contexts(bundle), 0, None, 5):
        assert engine.decide(one) == reference.decide(bundle, one)
        assert len(engine._remembered) <= 3
        assert len(engine._interned) <= 3


def test_unknown_values_are_not_remembered() -> None:
    """Nobody can grow the memo by asking for what does not exist."""
    engine = Engine(make_bundle(NAME))
    for number in range(20):
        engine.decide(context(item=f"no-{number}"))
    assert engine._remembered == {}


def test_too_many_plans_are_refused_with_the_number() -> None:
    """A policy whose rules combine without end is refused while it is built."""
    rules = [
        make_rule(f"R-{number}", {"phone": "exists"}, licence=LicenceCondition(status=(status,)))
        for number, status in enumerate(("active", "revoked", "expired"))
    ]
    assert Engine(make_bundle(*rules)).reachable == 5
    with pytest.raises(PolicyError) as caught:
        Engine(make_bundle(*rules), max_plans=3)
    (fault,) = caught.value.faults
    assert "at most 3" in fault.expected.en
    assert "4" in fault.found.zh


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-12-31", True), ("2027-01-01", False)],
)
def test_an_item_is_in_force_from_a_day_to_before_another(day: str, expected: bool) -> None:  # noqa: FBT001 - of the table
    """The last day is not included."""
    item = make_item("i1", valid_from="2026-01-01", valid_to="2027-01-01")
    assert item_in_force(item, date.fromisoformat(day)) is expected
