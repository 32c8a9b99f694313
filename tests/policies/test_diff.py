"""The diff: empty for equal versions, and otherwise exactly what brute force finds, line by line, count by count."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import reference
from policies.bundle import Bundle
from policies.catalogue import About, CallerKind, LicenceType, Sensitivity, ShareClass
from policies.difference.diff import diff
from policies.difference.line import DiffLine, Shown, Topic
from policies.dimension import Consent, Context, HolderType, Home
from policies.engine import Engine
from policies.form import EXISTS, PLAIN, WITHHELD, Form
from policies.item import CaseRule
from policies.plan import Plan
from policies.rule import (
    AuditDepth,
    Budget,
    BudgetSubject,
    CallerCondition,
    Counted,
    Given,
    LicenceCondition,
    Obligations,
    PolicyTest,
    Together,
)
from tests.support.policies import all_contexts, bundles, make_bundle, make_item, make_rule, shown

NAME = make_rule("R-1", {"holder_name": "mask:name"})
Cell = tuple[str, str, str, str, str]


def cells(old: Bundle, new: Bundle) -> dict[Cell, Counter[tuple[str, str]]]:
    """Compare every context with the naive loop's words: by item, licence type, field and forms, contexts by caller."""
    before, after = Engine(old), Engine(new)
    found: dict[Cell, Counter[tuple[str, str]]] = {}
    for one in dict.fromkeys((*all_contexts(old), *all_contexts(new))):
        then, now = spelled(before.decide(one)), spelled(after.decide(one))
        for field in then.keys() | now.keys():
            forms = then.get(field, "withheld"), now.get(field, "withheld")
            if forms[0] != forms[1]:
                found.setdefault((one.item, one.licence, field, *forms), Counter())[one.caller, one.home] += 1
    return found


def spelled(plan: Plan) -> dict[str, str]:
    return {field: str(Shown(form, match)) for field, (form, match) in shown(plan).items()}


def cell(line: DiffLine) -> Cell:
    return line.item, line.licence, line.field, line.old, line.new


def assert_exact(old: Bundle, new: Bundle) -> None:
    lines = [line for line in diff(old, new).lines if line.topic is Topic.FIELD]
    expected = cells(old, new)
    assert {cell(line): (set(line.callers), line.contexts) for line in lines} == {
        key: (set(counts), counts.total()) for key, counts in expected.items()
    }
    assert len(lines) == len(expected)
    for line in lines:
        witness = line.witness
        assert witness is not None
        assert (witness.caller, witness.home) in line.callers
        assert (witness.item, witness.licence) == (line.item, line.licence)
        assert [spelled(reference.decide(side, witness)).get(line.field, "withheld") for side in (old, new)] == [
            line.old,
            line.new,
        ]


@settings(max_examples=8, deadline=None)
@given(bundles(max_rules=4), bundles(max_rules=4))
def test_the_diff_of_two_policies_is_what_brute_force_finds(old: Bundle, new: Bundle) -> None:
    """Two policies with different rules, fields, holders, ceilings: same cells, same counts, witnesses that show it."""
    assert_exact(old, new)


@settings(max_examples=12, deadline=None)
@given(bundles(), st.data())
def test_the_diff_of_a_small_change_is_what_brute_force_finds(old: Bundle, data: st.DataObject) -> None:
    """One rule, item, kind of caller or licence type is gone, on either side."""
    name = data.draw(st.sampled_from(("rules", "items", "callers", "licences")))
    values = list(getattr(old, name))
    if values:
        values.pop(data.draw(st.integers(0, len(values) - 1)))
    new = msgspec.structs.replace(old, **{name: tuple(values)})
    assert_exact(old, new)
    assert_exact(new, old)


@settings(max_examples=60, deadline=None)
@given(bundles(), st.randoms(use_true_random=False))
def test_a_policy_does_not_differ_from_itself(bundle: Bundle, random) -> None:
    """Also not when everything in it is written in another order."""
    values = {name: list(getattr(bundle, name)) for name in ("rules", "items", "licences", "callers")}
    for one in values.values():
        random.shuffle(one)
    mixed = msgspec.structs.replace(bundle, **{name: tuple(one) for name, one in values.items()})
    for other in (bundle, mixed):
        found = diff(bundle, other)
        assert found.lines == ()
        assert not found.widens


@settings(max_examples=40, deadline=None)
@given(bundles(max_rules=5), bundles(max_rules=5))
def test_a_diff_that_does_not_widen_shows_nobody_more(old: Bundle, new: Bundle) -> None:
    """Turned round, what one direction gains the other loses: at least one of the two widens, or neither differs."""
    there, back = diff(old, new), diff(new, old)
    forwards = [line for line in there.lines if line.topic is Topic.FIELD]
    backwards = [line for line in back.lines if line.topic is Topic.FIELD]
    assert {(cell(line), line.contexts) for line in forwards} == {
        ((line.item, line.licence, line.field, line.new, line.old), line.contexts) for line in backwards
    }
    assert there.widens or back.widens or not forwards


def only(old: Bundle, new: Bundle) -> DiffLine:
    (line,) = diff(old, new).lines
    return line


def test_a_line_says_who_sees_what_more_in_words() -> None:
    """Callers, item, licence type, field and forms stand in one sentence in each language."""
    more = make_rule(
        "R-2",
        {"phone": "mask:phone-3-4"},
        item=("i1",),
        caller=CallerCondition(kind=("counter",), home=("partner",)),
        licence=LicenceCondition(status=("active",)),
    )
    line = only(make_bundle(NAME), make_bundle(NAME, more))
    assert line.sentence.zh == "窗口（合作方）在事项i1（i1）中对证一可多见 phone（mask:phone-3-4），涉及 9 种情形"
    assert line.sentence.en == (
        "counter (of partners), for item i1 (i1), can now see phone (mask:phone-3-4) of licence 1; 9 contexts"
    )
    assert (line.contexts, line.widens, line.callers) == (9, True, (("counter", "partner"),))
    gone = only(make_bundle(NAME, more), make_bundle(NAME))
    assert "不再可见 phone" in gone.sentence.zh
    assert "no longer see phone" in gone.sentence.en
    assert not gone.widens


def test_callers_that_see_the_same_change_share_a_line() -> None:
    """All askers of an item are one line, named without their homes when all are concerned."""
    rule = make_rule("R-1", {"phone": "exists"}, item=("i1",))
    line = only(make_bundle(), make_bundle(rule))
    assert set(line.callers) == {("counter", "own"), ("counter", "partner"), ("notary", "own")}
    assert "窗口、公证（本省）在" in line.sentence.zh


@pytest.mark.parametrize(
    ("old", "new", "widens"),
    [
        ("mask:name", "plain", True),
        ("plain", "mask:name", False),
        ("mask:name", "withheld", False),
        ("mask:name", "match", True),
        (("mask:name", "match"), "mask:name", False),
        ("mask:name", ("mask:name", "match"), True),
        ("plain", ("plain", "match"), True),
        (("plain", "match"), "match", False),
        ("mask:name", "exists", True),
        ("exists", "mask:name", True),
    ],
)
def test_what_is_not_certainly_no_wider_is_a_widening(old: Any, new: Any, widens: bool) -> None:  # noqa: FBT001 - of the table
    """Masks, years and existence have no natural order; a comparison is something of its own."""
    items = (make_item("i1", ceiling={"holder_name": ("plain", "mask:name", "exists", "match")}),)
    before, after = (make_bundle(make_rule("R-1", {"holder_name": one}), items=items) for one in (old, new))
    found = diff(before, after)
    assert found.lines
    assert found.widens is widens
    assert {line.widens for line in found.lines} == {widens}


def test_shown_forms_are_ordered_only_where_that_is_certain() -> None:
    """Silence is below everything, `plain` above every form but not above a comparison."""
    mask, year = Form.parse("mask:name"), Form.parse("general:year")
    assert Shown(WITHHELD).is_no_wider_than(Shown(EXISTS))
    assert Shown(mask).is_no_wider_than(Shown(PLAIN))
    assert not Shown(mask).is_no_wider_than(Shown(year))
    assert not Shown(WITHHELD, may_match=True).is_no_wider_than(Shown(PLAIN))
    assert str(Shown(mask, may_match=True)) == "mask:name+match"


@pytest.mark.parametrize(
    ("name", "old", "new", "widens"),
    [
        ("audit", AuditDepth.FULL, AuditDepth.BRIEF, True),
        ("audit", AuditDepth.BRIEF, AuditDepth.FULL, False),
        ("keep_days", 1095, 30, True),
        ("keep_days", 30, 1095, False),
        ("per_minute", 5, None, True),
        ("per_minute", 5, 60, True),
        ("per_minute", None, 5, False),
        ("watermark", True, False, True),
        ("watermark", False, True, False),
    ],
)
def test_a_looser_obligation_is_a_line_of_its_own(name: str, old: Any, new: Any, widens: bool) -> None:  # noqa: FBT001 - of the table
    """What is asked of the same callers in return has become less."""
    versions = [
        make_bundle(make_rule("R-1", {"phone": "exists"}, item=("i1",), oblige=Obligations(**{name: value})))
        for value in (old, new)
    ]
    line = only(*versions)
    assert (line.topic, line.field, line.widens) == (Topic.OBLIGATION, name, widens)
    assert line.contexts == 3 * 7 * 9


def changed(name: str, **changes: Any) -> Bundle:
    """Return the policy with one item, licence type, kind, limit or budget changed."""
    values = getattr(BASE, name)
    return msgspec.structs.replace(BASE, **{name: (msgspec.structs.replace(values[0], **changes), *values[1:])})


def with_field(**changes: Any) -> Bundle:
    fields = BASE.licences[0].fields
    return changed("licences", fields=fields | {"issue_date": msgspec.structs.replace(fields["issue_date"], **changes)})


LIMIT = Together(fields=("holder_name", "phone"), forms=("plain",), why="why")
BUDGET = Budget(
    id="b",
    zh="额",
    en="budget",
    counts=Counted.MATCHES,
    per=(BudgetSubject.CALLER,),
    limit=10,
    window_seconds=60,
    item=("i1",),
)
BASE = make_bundle(NAME, together=(LIMIT,), budgets=(BUDGET,), residual=100)
WRITTEN = [
    (msgspec.structs.replace(BASE, residual=50), Topic.BUNDLE, True),
    (msgspec.structs.replace(BASE, residual=500), Topic.BUNDLE, False),
    (msgspec.structs.replace(BASE, forms="2"), Topic.BUNDLE, True),
    (msgspec.structs.replace(BASE, valid_to="2098-01-01"), Topic.BUNDLE, False),
    (msgspec.structs.replace(BASE, valid_to="2100-01-01"), Topic.BUNDLE, True),
    (msgspec.structs.replace(BASE, valid_from="2025-01-01"), Topic.BUNDLE, True),
    (msgspec.structs.replace(BASE, valid_from="2026-02-01"), Topic.BUNDLE, False),
    (msgspec.structs.replace(BASE, together=(msgspec.structs.replace(LIMIT, why="else"),)), Topic.TOGETHER, False),
    (msgspec.structs.replace(BASE, together=()), Topic.TOGETHER, True),
    (
        msgspec.structs.replace(BASE, together=(LIMIT, msgspec.structs.replace(LIMIT, forms=("mask",)))),
        Topic.TOGETHER,
        False,
    ),
    (msgspec.structs.replace(BASE, budgets=()), Topic.BUDGET, True),
    (msgspec.structs.replace(BASE, budgets=(BUDGET, msgspec.structs.replace(BUDGET, id="c"))), Topic.BUDGET, False),
    (changed("budgets", limit=11), Topic.BUDGET, True),
    (changed("budgets", limit=9), Topic.BUDGET, False),
    (changed("budgets", window_seconds=30), Topic.BUDGET, True),
    (changed("budgets", window_seconds=90), Topic.BUDGET, False),
    (changed("budgets", counts=Counted.MISSES), Topic.BUDGET, True),
    (changed("budgets", per=(BudgetSubject.CALLER, BudgetSubject.CASE)), Topic.BUDGET, True),
    (changed("budgets", item=()), Topic.BUDGET, False),
    (changed("budgets", item=("i2",)), Topic.BUDGET, True),
    (changed("budgets", caller=("counter",)), Topic.BUDGET, True),
    (with_field(share=ShareClass.UNCONDITIONAL), Topic.CATALOGUE, True),
    (with_field(share=ShareClass.NONE), Topic.CATALOGUE, False),
    (with_field(en="another"), Topic.CATALOGUE, False),
    (with_field(sensitivity=Sensitivity.PUBLIC), Topic.CATALOGUE, True),
    (with_field(sensitivity=Sensitivity.SENSITIVE), Topic.CATALOGUE, False),
    (with_field(source="other"), Topic.CATALOGUE, True),
    (with_field(type="text"), Topic.CATALOGUE, True),
    (changed("licences", codes=("123",)), Topic.LICENCE, True),
    (changed("items", purpose="other"), Topic.ITEM, True),
    (changed("items", case=CaseRule(required=False)), Topic.ITEM, True),
    (changed("items", valid_to="2100-01-01"), Topic.ITEM, True),
    (changed("items", valid_to="2098-01-01"), Topic.ITEM, False),
    (changed("items", valid_from="2026-02-01"), Topic.ITEM, False),
    (changed("items", residual=50), Topic.ITEM, True),
    (changed("items", ceiling=BASE.items[0].ceiling | {"phone": ("plain",)}), Topic.CEILING, True),
    (changed("items", ceiling=BASE.items[0].ceiling | {"phone": ("exists",)}), Topic.CEILING, False),
]


@pytest.mark.parametrize(("new", "topic", "widens"), WRITTEN)
def test_what_was_written_otherwise_is_a_line(new: Bundle, topic: Topic, widens: bool) -> None:  # noqa: FBT001 - of the table
    """Limits, budgets, catalogue and ceilings are compared as they are written, though no context shows it yet."""
    line = only(BASE, new)
    assert (line.topic, line.widens) == (topic, widens)
    assert all(line.sentence)


ADDED = [
    ("callers", CallerKind(id="tax", zh="税务", en="tax", home=(Home.OWN,)), Topic.CALLER, False),
    ("items", make_item("i9"), Topic.ITEM, True),
    (
        "licences",
        LicenceType(id="l9", zh="证九", en="l9", fields={"phone": BASE.licences[0].fields["phone"]}),
        Topic.LICENCE,
        False,
    ),
]


@pytest.mark.parametrize(("name", "added", "topic", "widens"), ADDED)
def test_what_one_side_does_not_have_is_silence_there(name: str, added: Any, topic: Topic, widens: bool) -> None:  # noqa: FBT001 - of the table
    """A new item, kind of caller or licence type is a line; what it gets is in lines of its own, all gains."""
    new = msgspec.structs.replace(BASE, **{name: (*getattr(BASE, name), added)})
    found = diff(BASE, new)
    first = found.lines[0]
    assert (first.topic, first.old, first.new, first.widens) == (topic, "", added.id, widens)
    assert all(line.old == "withheld" for line in found.lines if line.topic is Topic.FIELD)
    back = diff(new, BASE)
    assert not back.widens
    assert_exact(BASE, new)


def test_more_holders_and_homes_are_lines_beside_what_they_get() -> None:
    """Whom a licence type or a kind of caller takes in is said, and what these get is compared."""
    holders = msgspec.structs.replace(BASE.licences[1], holders=(HolderType.PERSON, HolderType.ORGANISATION))
    new = msgspec.structs.replace(
        BASE,
        licences=(BASE.licences[0], holders),
        callers=(BASE.callers[0], msgspec.structs.replace(BASE.callers[1], home=tuple(Home))),
    )
    topics = {line.topic for line in diff(BASE, new).lines}
    assert topics == {Topic.LICENCE, Topic.CALLER, Topic.FIELD}
    assert_exact(BASE, new)
    assert_exact(new, BASE)


def test_another_mode_of_consent_is_a_widening() -> None:
    """Where consent has to be given, a question without it is possible too, and one on other grounds is not."""
    new = changed("items", consent=Consent.GIVEN)
    found = diff(BASE, new)
    assert any(line.subject == "i1.consent" and line.widens for line in found.lines)
    assert_exact(BASE, new)


def test_what_people_read_is_a_line_and_widens_nothing() -> None:
    """Reasons, bases, names, tests: an approver sees that they are others, though nobody is shown more."""
    rule = msgspec.structs.replace(NAME, why="another", basis="another")
    items = (make_item("i1", zh="另名", basis="another", residual=5, why_residual="other"), *BASE.items[1:])
    test = PolicyTest(name="a test", given=Given(item="i1", caller="counter", home="own", licence="l1"), expect={})
    field = msgspec.structs.replace(BASE.licences[0].fields["phone"], zh="有效期", basis="law")
    licence = msgspec.structs.replace(BASE.licences[0], en="another", fields=BASE.licences[0].fields | {"phone": field})
    before = msgspec.structs.replace(
        BASE, tests=(test,), items=(make_item("i1", residual=5, why_residual="one"), *BASE.items[1:])
    )
    after = msgspec.structs.replace(BASE, rules=(rule,), items=items, licences=(licence, *BASE.licences[1:]))
    found = diff(before, after)
    assert {line.subject for line in found.lines} == {
        "R-1.why", "R-1.basis", "i1.zh", "i1.basis", "i1.why_residual", "l1.en", "l1.phone.zh", "l1.phone.basis",
        "a test",
    }  # fmt: skip
    assert not found.widens
    assert all(all(line.sentence) for line in found.lines)


def test_what_an_item_demands_of_residuals_is_compared_with_what_holds_for_it() -> None:
    """An item without a threshold has that of the bundle: to drop a stricter one is a widening, a looser one is not."""
    plain = msgspec.structs.replace(BASE, residual=10_000)

    def demanding(residual: int) -> Bundle:
        item = make_item("i1", residual=residual, why_residual="why")
        return msgspec.structs.replace(plain, items=(item, *BASE.items[1:]))

    assert diff(demanding(50_000), plain).widens
    assert not diff(plain, demanding(50_000)).widens
    assert diff(plain, demanding(100)).widens
    assert not diff(demanding(100), plain).widens


def test_what_a_field_tells_of_its_holder_is_not_forgotten_in_silence() -> None:
    """A field that no longer counts as the holder's birth leaves more of a number than is counted: a widening."""
    fields = BASE.licences[0].fields
    told = msgspec.structs.replace(fields["phone"], about=About.BIRTH)
    licence = msgspec.structs.replace(BASE.licences[0], fields=fields | {"phone": told})
    new = msgspec.structs.replace(BASE, licences=(licence, *BASE.licences[1:]))
    assert diff(new, BASE).widens
    assert not diff(BASE, new).widens


def test_many_callers_are_counted_and_not_all_named() -> None:
    """A sentence stays one."""
    kinds = tuple(CallerKind(id=f"k{number}", zh=f"类{number}", en=f"kind {number}") for number in range(7))
    rule = make_rule("R-1", {"phone": "exists"}, item=("i1",))
    line = only(make_bundle(callers=kinds), make_bundle(rule, callers=kinds))
    assert "等 7 类调用方" in line.sentence.zh
    assert "and 3 more kinds of callers" in line.sentence.en
    assert isinstance(line.witness, Context)
