"""Analysis: each kind of finding, found exactly where it is and nowhere else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from policies.analysis.analyse import Analysis, analyse
from policies.analysis.finding import Finding, FindingKind, Severity
from policies.bundle import Bundle
from policies.catalogue import About, Field, LicenceType, ShareClass, ValueType
from policies.dimension import Context, HolderType, Home
from policies.engine import Engine
from policies.fault import Place
from policies.form import WITHHELD
from policies.grant import parse_grant
from policies.reference import find_item, find_licence, impossible_values, refusing, select_winners
from policies.rule import CallerCondition, Given, HolderCondition, LicenceCondition, PolicyTest, Together
from policies.testing import run_tests
from tests.support.policies import all_contexts, bundles, context, make_bundle, make_item, make_rule

NAME = make_rule("R-1", {"holder_name": "mask:name"})


def found(bundle: Bundle, kind: FindingKind) -> list[Finding]:
    return [one for one in analyse(Engine(bundle)).findings if one.kind is kind]


def matching(bundle: Bundle, asked: Context) -> list[Any]:
    licence = find_licence(bundle, asked)
    assert licence is not None
    if impossible_values(bundle, asked):
        return []
    return [
        rule
        for rule in bundle.rules
        if not refusing(rule, asked, find_item(bundle, asked)) and not licence.fields.keys().isdisjoint(rule.grant)
    ]


def clashes(bundle: Bundle, asked: Context) -> bool:
    licence = find_licence(bundle, asked)
    assert licence is not None
    for name, field in licence.fields.items():
        rules = [rule for rule in matching(bundle, asked) if name in rule.grant]
        given_forms = [parse_grant(rule.grant[name]) for rule in rules]
        shown = {parse_grant(rule.grant[name]).form for rule in select_winners(rules)} - {WITHHELD}
        if field.may_be_shared and len(shown) > 1 and not any(one.is_protected for one in given_forms):
            return True
    return False


@settings(max_examples=15, deadline=None)
@given(bundles())
def test_conflicts_and_dead_rules_are_exact(bundle: Bundle) -> None:
    """There is a conflict exactly when some context has one, and a rule is dead exactly when none matches it."""
    analysis = analyse(Engine(bundle))
    contexts = list(all_contexts(bundle))
    conflicts = [one for one in analysis.findings if one.kind is FindingKind.CONFLICT]
    assert bool(conflicts) == any(clashes(bundle, one) for one in contexts)
    assert all(one.witness is not None and clashes(bundle, one.witness) for one in conflicts)
    alive = {rule.id for one in contexts for rule in matching(bundle, one)}
    dead = {one.subject for one in analysis.findings if one.kind is FindingKind.DEAD}
    assert dead == {f"rule {rule.id}" for rule in bundle.rules if rule.id not in alive}
    assert analysis.contexts == len(contexts)


@settings(max_examples=15, deadline=None)
@given(bundles(agreeing=True))
def test_uncovered_cells_are_exact(bundle: Bundle) -> None:
    """A field of a ceiling is uncovered for a licence type exactly when no context gives it."""
    engine = Engine(bundle)
    given_cells = {
        (one.item, one.licence, decision.field)
        for one in all_contexts(bundle)
        for decision in engine.decide(one).fields
        if not decision.is_withheld
    }
    cells = {
        (item.id, licence.id, field)
        for item in bundle.items
        for licence in bundle.licences
        if licence.id in item.licences
        for field in item.ceiling.keys() & licence.fields.keys()
        if licence.fields[field].may_be_shared
    }
    uncovered = [one for one in analyse(engine).findings if one.kind is FindingKind.UNCOVERED]
    found_cells = [
        (item, one.subject.removeprefix("licence "), field)
        for one in uncovered
        for item in one.items
        for field in one.fields
    ]
    assert sorted(found_cells) == sorted(cells - given_cells)


def test_a_conflict_names_both_rules_and_an_example() -> None:
    """A policy officer is told which rules, which forms, which field, in how many contexts."""
    (one, other) = found(make_bundle(NAME, make_rule("R-2", {"holder_name": "plain"})), FindingKind.CONFLICT)
    assert {one.witness.licence, other.witness.licence} == {"l1", "l2"}
    assert one.severity is Severity.FAULT
    assert one.key == "rule R-2.grant.holder_name"
    assert "R-1" in one.expected.zh
    assert "mask:name and plain" in one.sentence.en
    assert one.contexts > 0


@pytest.mark.parametrize(
    "second",
    [
        {"grant": {"holder_name": "mask:name"}},
        {"grant": {"holder_name": "match"}},
        {"grant": {"holder_name": "withheld"}},
        {"grant": {"phone": "exists"}},
        {"grant": {"holder_name": "plain"}, "overrides": ("R-1",)},
        {"grant": {"holder_name": "plain"}, "outcome": ("invalid",)},
    ],
)
def test_what_is_no_conflict(second: dict[str, Any]) -> None:
    """Equal forms, comparisons, protection, other fields, an override, contexts apart."""
    assert found(make_bundle(NAME, make_rule("R-2", **second)), FindingKind.CONFLICT) == []


def test_fields_that_may_not_meet_are_found_where_they_meet() -> None:
    """Each of the fields alone is fine; an answer that shows all of them is a fault."""
    limit = Together(fields=("holder_name", "phone"), forms=("mask", "plain"), why="together they identify")
    apart = [
        NAME,
        make_rule("R-2", {"phone": "mask:phone-3-4"}, caller=CallerCondition(kind=("notary",)), item=("i1",)),
    ]
    (one,) = found(make_bundle(*apart, together=(limit,)), FindingKind.TOGETHER)
    assert one.witness is not None
    assert (one.witness.caller, one.severity) == ("notary", Severity.FAULT)
    assert one.contexts == 7 * 9 * 1
    apart[0] = msgspec.structs.replace(NAME, caller=CallerCondition(kind=("counter",)))
    assert found(make_bundle(*apart, together=(limit,)), FindingKind.TOGETHER) == []


def test_a_rule_that_no_context_reaches_is_dead() -> None:
    """Conditions that exclude each other, and licence types that no item of the rule lists."""
    rules = [
        NAME,
        make_rule("R-2", {"phone": "exists"}, holder=HolderCondition(type=("organisation",), age=("adult",))),
        make_rule("R-3", {"holder_name": "mask:name"}, item=("i2",), licence=LicenceCondition(type=("l2",))),
    ]
    dead = found(make_bundle(*rules), FindingKind.DEAD)
    assert [(one.subject, one.severity) for one in dead] == [("rule R-2", "warning"), ("rule R-3", "warning")]


def test_a_rule_that_always_loses_is_shadowed() -> None:
    """It matches, and another overrides all that it grants wherever it does."""
    rules = [NAME, make_rule("R-2", {"holder_name": "plain"}, overrides=("R-1",))]
    assert [one.subject for one in found(make_bundle(*rules), FindingKind.SHADOWED)] == ["rule R-1"]
    rules[1] = msgspec.structs.replace(rules[1], item=("i1",))
    assert found(make_bundle(*rules), FindingKind.SHADOWED) == []


def test_forms_that_no_rule_gives_are_noted() -> None:
    """A ceiling is the most an item may receive; what nobody can ever get is worth a look."""
    item = make_item("i1", licences=("l1",), ceiling={"holder_name": ("plain", "mask:name"), "phone": ("exists",)})
    bundle = make_bundle(NAME, items=(item,))
    (uncovered,) = found(bundle, FindingKind.UNCOVERED)
    (unused,) = found(bundle, FindingKind.UNUSED_FORM)
    assert (uncovered.key, uncovered.severity) == ("licence l1: phone", Severity.NOTE)
    assert uncovered.items == ("i1",)
    assert unused.key == "item i1.ceiling.holder_name"
    assert "plain" in unused.found.zh


def identity_bundle(*rules: Any, **item: Any) -> Bundle:
    """Return a policy about a licence with a masked number, a birth date and an address."""
    types = {"holder_id": ValueType.CITIZEN_ID, "birth_date": ValueType.DATE, "address": ValueType.ADDRESS}
    fields = {
        name: Field(type=kind, source=name, zh=name, en=name, share=ShareClass.CONDITIONAL)
        for name, kind in types.items()
    }
    ceiling = {"holder_id": ("mask:id-1-1", "mask:id-0-4", "match"), "birth_date": ("plain",), "address": ("plain",)}
    items = (
        make_item("i1", licences=("l1",), ceiling=ceiling, **item),
        make_item("i2", licences=("l1",), ceiling=ceiling),
    )
    licence = LicenceType(id="l1", zh="证", en="licence", fields=fields)
    return make_bundle(*rules, licences=(licence,), items=items, residual=10_000)


def test_a_plan_that_leaves_few_candidates_is_a_fault_under_each_item() -> None:
    """The number is masked, but birth date and address together leave too few people."""
    masked = make_rule("R-1", {"holder_id": "mask:id-0-4"}, item=("i1",))
    around = make_rule("R-2", {"birth_date": "plain", "address": "plain"}, caller=CallerCondition(kind=("notary",)))
    (one,) = found(identity_bundle(masked, around), FindingKind.RESIDUAL)
    assert (one.key, one.severity) == ("item i1", Severity.FAULT)
    assert one.witness is not None
    assert (one.witness.item, one.witness.caller) == ("i1", "notary")
    assert "holder_id=mask:id-0-4" in one.found.en
    assert found(identity_bundle(masked, around, residual=1), FindingKind.RESIDUAL) == []
    assert found(identity_bundle(masked), FindingKind.RESIDUAL) == []


def test_a_mask_that_the_same_caller_can_complete_by_asking_is_a_fault() -> None:
    """Also when the mask and the comparison come in different contexts of one item."""
    mask = make_rule("R-1", {"holder_id": "mask:id-1-1"}, licence=LicenceCondition(status=("active",)), item=("i1",))
    match = make_rule("R-2", {"holder_id": "match"}, licence=LicenceCondition(status=("expired",)), item=("i1",))
    (one,) = found(identity_bundle(mask, match), FindingKind.MASK_AND_MATCH)
    assert (one.key, one.severity) == ("item i1.holder_id", Severity.FAULT)
    others = msgspec.structs.replace(match, caller=CallerCondition(kind=("notary",)))
    own = msgspec.structs.replace(mask, caller=CallerCondition(kind=("counter",)))
    assert found(identity_bundle(own, others), FindingKind.MASK_AND_MATCH) == []


def test_a_mask_and_a_comparison_for_different_items_are_a_warning() -> None:
    """Two items are two cases, but it is the same caller who learns both."""
    mask = make_rule("R-1", {"holder_id": "mask:id-1-1"}, item=("i1",))
    match = make_rule("R-2", {"holder_id": "match"}, item=("i2",))
    (one,) = found(identity_bundle(mask, match), FindingKind.MASK_AND_MATCH)
    assert (one.key, one.severity) == ("licence l1.holder_id", Severity.WARNING)


def test_a_name_that_is_masked_and_compared_is_a_warning() -> None:
    """Names are no numbers: there is no list of candidates to go through."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": ("mask:name", "match")}, item=("i1",)))
    assert {one.severity for one in found(bundle, FindingKind.MASK_AND_MATCH)} == {Severity.WARNING}


def identity(fields: dict[str, Field], grant: dict[str, Any], **changes: Any) -> Bundle:
    """Return a policy with one licence type of these fields, one item that allows what one rule grants."""
    ceiling = {name: (forms,) if isinstance(forms, str) else forms for name, forms in grant.items()}
    items = (make_item("i1", licences=("l1",), ceiling=ceiling), make_item("i2", licences=("l1",), ceiling=ceiling))
    licence = LicenceType(id="l1", zh="证", en="licence", fields=fields)
    rules = changes.pop("rules", None) or (make_rule("R-1", grant),)
    return make_bundle(*rules, licences=(licence,), items=items, **changes)


def field(kind: ValueType, source: str, about: About | None = None) -> Field:
    return Field(type=kind, source=source, zh="字段", en="field", share=ShareClass.CONDITIONAL, about=about)


NUMBER = field(ValueType.CITIZEN_ID, "holder-code")


def test_one_value_in_two_fields_is_one_value() -> None:
    """A number that is masked in one field can be completed through another of the same source."""
    fields = {"holder_id": NUMBER, "owner_id": NUMBER}
    bundle = identity(fields, {"holder_id": "mask:id-1-1", "owner_id": "match"})
    guesses = found(bundle, FindingKind.MASK_AND_MATCH)
    assert {(one.key, one.severity) for one in guesses} == {
        ("item i1.holder_id+owner_id", Severity.FAULT),
        ("item i2.holder_id+owner_id", Severity.FAULT),
    }
    other = fields | {"owner_id": field(ValueType.CITIZEN_ID, "KZ_QLR")}
    assert found(identity(other, {"holder_id": "mask:id-1-1", "owner_id": "match"}), FindingKind.MASK_AND_MATCH) == []


def test_a_coarser_value_that_may_be_compared_is_one_to_complete() -> None:
    """A year and month leave thirty days to try."""
    bundle = identity({"day": field(ValueType.DATE, "KZ_RQ")}, {"day": ("general:year-month", "match")})
    assert {one.severity for one in found(bundle, FindingKind.MASK_AND_MATCH)} == {Severity.WARNING}


def test_a_number_that_is_only_compared_leaves_what_stands_beside_it() -> None:
    """Who sees birth date, district and sex can try out the rest of the number, as if it were masked."""
    fields = {
        "holder_id": NUMBER,
        "born": field(ValueType.TERM, "KZ_SR", About.BIRTH),
        "home": field(ValueType.ADDRESS, "KZ_ZZ", About.PLACE),
        "sex": field(ValueType.TERM, "KZ_XB", About.SEX),
    }
    grant = {"holder_id": "match", "born": "plain", "home": "general:district", "sex": "plain"}
    faults = found(identity(fields, grant, residual=10_000), FindingKind.RESIDUAL)
    assert {(one.key, one.severity) for one in faults} == {("item i1", Severity.FAULT), ("item i2", Severity.FAULT)}
    assert "holder_id=match" in faults[0].found.en
    assert found(identity(fields, grant | {"born": "exists"}, residual=10_000), FindingKind.RESIDUAL) == []


def test_a_masked_name_that_hides_nobody_is_a_warning() -> None:
    """A surname, the district and the birth date are one person."""
    fields = {
        "holder_name": field(ValueType.NAME, "holder-name"),
        "born": field(ValueType.DATE, "KZ_CSRQ", About.BIRTH),
        "home": field(ValueType.ADDRESS, "KZ_ZZ", About.PLACE),
    }
    grant = {"holder_name": "mask:name", "born": "plain", "home": "general:district"}
    warnings = found(identity(fields, grant), FindingKind.RESIDUAL)
    assert {(one.key, one.severity) for one in warnings} == {
        ("item i1", Severity.WARNING),
        ("item i2", Severity.WARNING),
    }
    assert warnings[0].witness is not None
    assert all(warnings[0].sentence)
    assert found(identity(fields, {"holder_name": "mask:name", "home": "general:city"}), FindingKind.RESIDUAL) == []


def test_a_mask_that_may_show_all_counts_as_plain_where_fields_may_not_meet() -> None:
    """An organisation's code is shown whole by its mask."""
    fields = {"code": field(ValueType.HOLDER_CODE, "holder-code"), "name": field(ValueType.NAME, "holder-name")}
    limit = Together(fields=("code", "name"), forms=("plain",), why="why")
    bundle = identity(fields, {"code": "mask:credit-code", "name": "plain"}, together=(limit,))
    assert [one.severity for one in found(bundle, FindingKind.TOGETHER)] == [Severity.FAULT]


def test_fields_that_one_caller_gets_for_different_items_are_noted() -> None:
    """What may not meet in one answer meets at the caller all the same."""
    limit = Together(fields=("holder_name", "phone"), forms=("plain", "mask"), why="why")
    name = make_rule("R-1", {"holder_name": "plain"}, item=("i1",))
    phone = make_rule("R-2", {"phone": "mask:phone-3-4"}, item=("i2",), caller=CallerCondition(kind=("notary",)))
    (one,) = found(make_bundle(name, phone, together=(limit,)), FindingKind.TOGETHER)
    assert (one.severity, one.subject) == (Severity.NOTE, "together 1")
    assert "notary" in one.found.en
    assert "counter" not in one.found.en


def with_tests(bundle: Bundle, *tests: PolicyTest) -> Analysis:
    return analyse(Engine(msgspec.structs.replace(bundle, tests=tests)))


def test_the_share_of_plans_that_tests_reach() -> None:
    """Each reachable rule set counts once, however many tests reach it; the largest that are missed come first."""
    bundle = make_bundle(
        NAME, make_rule("R-2", {"phone": "exists"}, licence=LicenceCondition(status=("active",)), item=("i1",))
    )
    given_facts = Given(item="i1", caller="counter", home=Home.OWN, licence="l1")
    test = PolicyTest(name="a", given=given_facts, expect={"holder_name": "mask:name", "phone": "exists"})
    none, one = with_tests(bundle), with_tests(bundle, test, msgspec.structs.replace(test, name="b"))
    assert (none.plans, none.tested, none.coverage) == (5, 0, 0.0)
    assert (one.plans, one.tested, one.coverage) == (5, 1, 0.2)
    sizes = [missed.contexts for missed in one.untested]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 4
    engine = Engine(bundle)
    assert engine.matching(context()) not in {engine.matching(missed.witness) for missed in one.untested}


def test_tests_compare_exactly_what_leaves() -> None:
    """A field that is not expected and leaves fails a test, as does one that is expected and does not."""
    bundle = make_bundle(NAME, make_rule("R-2", {"phone": ("mask:phone-3-4", "match"), "holder_id": "match"}))
    given_facts = Given(item="i1", caller="counter", home=Home.OWN, licence="l1")
    right = {"holder_name": "mask:name", "phone": ("match", "mask:phone-3-4"), "holder_id": "match"}
    expectations: list[dict[str, Any]] = [
        right,
        right | {"issue_date": "withheld"},
        {name: form for name, form in right.items() if name != "phone"},
        right | {"issue_date": "plain"},
        right | {"holder_name": ("mask:name", "match")},
        right | {"unheard_of": "plain"},
    ]
    tests = [PolicyTest(name=str(place), given=given_facts, expect=one) for place, one in enumerate(expectations)]
    results = run_tests(Engine(msgspec.structs.replace(bundle, tests=tuple(tests))))
    assert [one.passed for one in results] == [True, True, False, False, False, False]
    (difference,) = results[2].differences
    assert (difference.field, difference.expected, difference.got) == ("phone", "withheld", "mask:phone-3-4+match")
    assert "phone" in results[2].sentence.zh
    assert results[0].sentence.en == "passed: 0"


def test_a_test_completes_its_context() -> None:
    """Organisations have no age; consent is the item's own where a test does not say."""
    organisation = Given(item="i2", caller="counter", home=Home.OWN, licence="l1", holder=HolderType.ORGANISATION)
    bundle = make_bundle(tests=(PolicyTest(name="t", given=organisation, expect={}),))
    (result,) = run_tests(Engine(bundle))
    assert (result.context.age, result.context.consent) == ("not-applicable", "given")


def test_faults_have_the_places_of_what_they_are_about() -> None:
    """What the loader knows about files and lines is in the fault; findings that are no faults are left out."""
    bundle = make_bundle(NAME, make_rule("R-2", {"holder_name": "plain"}))
    analysis = analyse(Engine(bundle))
    first, *_ = analysis.faults({"rule R-2": Place("rules.toml", 12)}, "policies")
    assert (first.file, first.line) == ("rules.toml", 12)
    assert all(fault.file == "policies" for fault in analysis.faults({}, "policies"))
    assert len(analysis.faults({}, "policies")) < len(analysis.findings)
