"""What each rule about people and policies finds, and what it nearly finds."""

import random
from typing import Any

import pytest

from gateway.audit.alarms.engine import MAX_A_DAY, AlarmEngine
from gateway.audit.alarms.rule import PARAMETERS, SENTENCES, RuleKind, make_rule
from gateway.audit.alarms.words import AlarmKind
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafKind
from gateway.tokens import LEEWAY
from policies.item import CaseRule
from tests.gateway.audit.alarms.drafting import NIGHT, OFF, POLICIES, WIDENING, Drafts, many, shown
from tests.support.alarms import (
    DAY,
    FACTS,
    HOUR,
    MINUTE,
    MONDAY,
    activate,
    alarms_of,
    ask,
    evidence_of,
    make_engine,
    observe,
)
from tests.support.policies import FIELDS, make_bundle, make_item

# --- people -----------------------------------------------------------------------------------------------------------

BURST = make_rule(RuleKind.BURST, subjects=3, minutes=10)


def test_burst() -> None:
    """One official who asks about more people than allowed in a window raises one alarm, which names the entries."""
    [alarm] = alarms_of(BURST, many(6, every=MINUTE, official="o"))
    assert evidence_of([alarm]) == [[0, 1, 2, 3]]
    assert (alarm.rule, alarm.t) == ("burst", MONDAY + 3 * MINUTE)


@pytest.mark.parametrize(
    "drafts",
    [
        many(3, every=MINUTE, official="o"),  # as many as allowed
        many(9, every=MINUTE, official="o", subjects=("same",)),
        many(9, every=200_000, official="o"),  # the fourth comes when the first is just over
        many(9, every=MINUTE),  # nine officials
    ],
)
def test_nearly_a_burst(drafts: Drafts) -> None:
    """As many people as allowed, the same person, other officials, or a longer time are none."""
    assert alarms_of(BURST, drafts) == []


def test_who_names_nobody_is_the_caller() -> None:
    """Leaving the official out, or writing one that says nothing, is no way around a rule: the caller counts then."""
    for official in ("", "-", "\u200b"):
        assert evidence_of(alarms_of(BURST, many(4, every=MINUTE, official=official))) == [[0, 1, 2, 3]]
        assert len(alarms_of(SAME, many(3, every=DAY, official=official, subjects=("p",)))) == 1
        assert len(alarms_of(OFF, many(2, every=MINUTE, start=NIGHT, official=official))) == 1
    drafts = [(t, ask(n, t, official="", caller=f"hall-{n}")) for n, (t, _) in enumerate(many(9, every=1))]
    assert alarms_of(BURST, drafts) == []


def test_an_official_is_one_of_an_organisation() -> None:
    """Others may call theirs the same: they neither add up nor keep each other quiet."""
    orgs = ["11370000MB284651XL", "11340000MB284651XL"]
    drafts = [(MONDAY + n, ask(n, MONDAY, official="1", org=f"org-{n}", caller=f"c-{n}")) for n in range(9)]
    assert alarms_of(BURST, drafts) == []
    bursts = [(MONDAY + n, ask(n, MONDAY, official="admin", org=orgs[n // 4])) for n in range(8)]
    assert evidence_of(alarms_of(BURST, bursts)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


UNKNOWN = make_rule(RuleKind.NEW_OFFICIALS, officials=3, minutes=60, days=30)


def test_new_officials() -> None:
    """A caller that names more officials than allowed whom it did not name before raises an alarm."""
    drafts = [(MONDAY + n * MINUTE, ask(n, MONDAY, official=f"o{n // 2}")) for n in range(8)]
    assert evidence_of(alarms_of(UNKNOWN, drafts)) == [[0, 2, 4, 6]]
    again = [*drafts[:5], *[(t + 30 * DAY + HOUR, draft) for t, draft in drafts]]
    assert len(alarms_of(UNKNOWN, again)) == 1  # forgotten, and new again


@pytest.mark.parametrize(
    "drafts",
    [
        many(3, every=MINUTE),  # as many as allowed
        many(9, every=MINUTE, official="o"),
        many(9, every=MINUTE, official=""),
        many(9, every=20 * MINUTE),  # the fourth comes when the first is just over
        [(t, ask(n, t, caller=f"hall-{n % 3}")) for n, (t, _) in enumerate(many(9, every=MINUTE))],
        [*many(2, every=MINUTE), *many(4, every=MINUTE, start=MONDAY + DAY)],  # two of them are known
    ],
)
def test_nearly_new_officials(drafts: Drafts) -> None:
    """As many as allowed, the same one, none, a longer time, other callers, and known ones are none."""
    assert alarms_of(UNKNOWN, drafts) == []


def test_burst_counts_the_holders_of_one_licence() -> None:
    """A licence of several people counts for each of them, and is named once."""
    draft = ask(1, MONDAY, official="o", subjects=("a", "b", "c", "d"))
    assert evidence_of(alarms_of(BURST, [(MONDAY, draft)])) == [[0]]


CASE = make_rule(RuleKind.CASE_MANY_SUBJECTS, subjects=2, days=30)


def test_case_many_subjects() -> None:
    """One case of one organisation that is given for more people than allowed raises an alarm."""
    assert evidence_of(alarms_of(CASE, many(3, every=DAY, case="c"))) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "drafts",
    [
        many(2, every=DAY, case="c"),
        many(3, every=15 * DAY, case="c"),
        many(3, every=DAY, case=""),
        [*many(2, every=DAY, case="c"), (MONDAY + DAY, ask(9, MONDAY, case="c", org="11340000MB284651XL"))],
    ],
)
def test_nearly_too_many_subjects(drafts: Drafts) -> None:
    """As many people as allowed, a longer time, no case, or the same number at another organisation are none."""
    assert alarms_of(CASE, drafts) == []


SAME = make_rule(RuleKind.SAME_OFFICIAL_SUBJECT, times=3, days=30)


def test_same_official_and_subject() -> None:
    """The same official who asks about the same person often enough raises an alarm."""
    assert evidence_of(alarms_of(SAME, many(3, every=10 * DAY, official="o", subjects=("p",)))) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "drafts",
    [
        many(2, every=DAY, official="o", subjects=("p",)),
        many(3, every=15 * DAY, official="o", subjects=("p",)),
        many(3, every=DAY, official="o"),
        many(3, every=DAY, subjects=("p",)),
    ],
)
def test_nearly_the_same(drafts: Drafts) -> None:
    """Less often, in a longer time, another person or another official are none."""
    assert alarms_of(SAME, drafts) == []


def test_lists() -> None:
    """Who is listed raises an alarm once a day for each who asks; a decoy licence each time, by any of its names."""
    [protected] = observe([(MONDAY, ask(1, MONDAY, subjects=("vip",)))])
    rule = make_rule(RuleKind.PROTECTED_PERSON, marks=frozenset(protected.subjects))
    drafts = [
        (MONDAY, ask(1, MONDAY, official="o", subjects=("vip",))),
        (MONDAY, ask(2, MONDAY, official="o", subjects=("other",))),
        (MONDAY + HOUR, ask(3, MONDAY, official="o", subjects=("a", "vip"))),
        (MONDAY + HOUR, ask(4, MONDAY, official="p", subjects=("vip",))),
        (MONDAY + HOUR, ask(5, MONDAY, official="o", caller="other", subjects=("vip",))),
        (MONDAY + DAY, ask(6, MONDAY, official="o", subjects=("vip",))),
    ]
    assert evidence_of(alarms_of(rule, drafts)) == [[0], [3], [4], [5]]
    [decoy] = observe([(MONDAY, ask(1, MONDAY, licence="trap"))])
    rule = make_rule(RuleKind.DECOY_LICENCE, marks=frozenset(decoy.licences))
    names = ["trap", "other", "number\ntrap", "trapped"]
    drafts = [(MONDAY, ask(n, MONDAY, licence=name)) for n, name in enumerate(names)]
    assert evidence_of(alarms_of(rule, drafts)) == [[0], [2]]


def test_no_case() -> None:
    """An answer without a case, for an item that demands one by the policy that decided, raises an alarm."""
    rule = make_rule(RuleKind.NO_CASE)
    drafts = [(MONDAY, ask(1, MONDAY, case="", policy="old"))]
    assert evidence_of(alarms_of(rule, drafts, policies=POLICIES)) == [[0]]


def test_nearly_no_case() -> None:
    """A case, a refusal, no policy, or an item that demands none are none; a policy that is missing is said."""
    rule = make_rule(RuleKind.NO_CASE)
    free = make_bundle(items=(make_item("i2", case=CaseRule(required=False)),))
    drafts = [
        (MONDAY, ask(1, MONDAY, policy="old")),
        (MONDAY, ask(2, MONDAY, case="", policy="old", kind=LeafKind.DENY)),
        (MONDAY, ask(3, MONDAY, case="")),
        (MONDAY, ask(4, MONDAY, case="", policy="old", item="i2")),
    ]
    assert alarms_of(rule, drafts, policies={"old": free}) == []
    engine = make_engine(rule)
    assert engine.observe(observe([(MONDAY, ask(1, MONDAY, case="", policy="old"))])) == []
    assert {tuple(one) for one in engine.blind()} == {("policy", "old")}


MASKED = make_rule(RuleKind.PLAIN_WHERE_MASKED)


def test_plain_where_masked() -> None:
    """A field that left in plain, although the item may receive it masked, raises an alarm."""
    drafts = [(MONDAY, ask(1, MONDAY, form=shown("p"), policy="old"))]
    assert evidence_of(alarms_of(MASKED, drafts, policies=POLICIES)) == [[0]]


@pytest.mark.parametrize(
    "changes",
    [
        {"form": shown("m")},
        {"form": shown("p"), "item": "i9"},
        {"form": shown("p"), "context": ("r",)},  # the licence type is not known
        {"form": ""},
        {"form": "p" * 99, "kind": LeafKind.MATCH},
    ],
)
def test_nearly_plain_where_masked(changes: dict[str, Any]) -> None:
    """Masked, for an item or a type that is not known, or nothing at all is none."""
    assert alarms_of(MASKED, [(MONDAY, ask(1, MONDAY, policy="old", **changes))], policies=POLICIES) == []


def test_plain_alone_is_no_choice() -> None:
    """Where the item may receive a field in plain alone, plain is no alarm."""
    bundle = make_bundle(items=(make_item("i1", ceiling=dict.fromkeys(FIELDS, ("plain",))),))
    drafts = [(MONDAY, ask(1, MONDAY, form=shown("p"), policy="old"))]
    assert alarms_of(MASKED, drafts, policies={"old": bundle}) == []


CHANGE = (MONDAY, activate(MONDAY, policy="new", previous="old"))


def used(after: int, **changes: Any) -> tuple[int, EntryDraft]:
    """Return a question that is given what the change gives, so long after it."""
    return MONDAY + after, ask(after % 997, MONDAY + after, **{"form": shown("p"), "policy": "new"} | changes)


def test_widening_then_traffic() -> None:
    """What a change newly gives raises an alarm when it is asked for, which names the change; once for each caller."""
    drafts = [CHANGE, used(DAY), used(2 * DAY), used(3 * DAY, caller="other")]
    assert evidence_of(alarms_of(WIDENING, drafts, policies=POLICIES)) == [[0, 1], [0, 3]]


@pytest.mark.parametrize(
    "drafts",
    [
        [CHANGE, used(7 * DAY)],
        [CHANGE, used(DAY, form=shown("m"))],
        [CHANGE, used(DAY, context=("i1", "stranger", *FACTS[2:], "r"))],
        [CHANGE, used(DAY, item="i9")],
        [(MONDAY, activate(MONDAY, policy="old", previous="new")), used(DAY, form=shown("m"))],
        [(MONDAY, activate(MONDAY, policy="new", previous="new")), used(DAY)],
        [(MONDAY, activate(MONDAY, policy="new", previous="")), used(DAY)],
        [(MONDAY, activate(MONDAY, policy="lost", previous="old")), used(DAY)],
        [used(0), CHANGE],
    ],
)
def test_nearly_widened_traffic(drafts: Drafts) -> None:
    """Later, in the old form, other callers or items, a narrowing, the same policy again, or before it are none."""
    assert alarms_of(WIDENING, drafts, policies=POLICIES) == []


# --- all of them ------------------------------------------------------------------------------------------------------


def all_rules() -> AlarmEngine:
    """Return an engine with a rule of each kind, as they are by default."""
    return make_engine(*(make_rule(kind) for kind in RuleKind), policies=POLICIES)


def test_every_kind_has_words_and_parameters() -> None:
    """No kind is without a sentence in both languages; each can be made, and put to work."""
    assert set(SENTENCES) == set(PARAMETERS) == set(RuleKind)
    assert all(words.zh and words.en for words in SENTENCES.values())
    with pytest.raises(ValueError, match="parameters"):
        make_rule(RuleKind.BURST, days=3)


def test_nothing_of_nothing() -> None:
    """An empty log raises nothing, and neither do questions that nobody has to look at."""
    assert all_rules().observe([]) == []
    uniform = many(200, every=20 * MINUTE, form=shown("m"), policy="old")
    working = [(t, draft) for t, draft in uniform if (t - MONDAY) % DAY < 6 * HOUR and (t - MONDAY) < 5 * DAY]
    assert all_rules().observe(observe(working)) == []


def test_rules_hold_for_callers_and_items() -> None:
    """A rule that names callers or items sees no others."""
    drafts = many(6, every=MINUTE, official="o")
    for names in ({"callers": frozenset({"other"})}, {"items": frozenset({"i2"})}):
        assert alarms_of(make_rule(RuleKind.BURST, subjects=3, **names), drafts) == []  # type: ignore[arg-type]  # names of two parameters
    named = make_rule(RuleKind.BURST, subjects=3, callers=frozenset({"hall"}), items=frozenset({"i1"}))
    assert len(alarms_of(named, drafts)) == 1


def test_quiet_days() -> None:
    """About one official a rule is raised once in so many days, counted from 1970: a restart changes nothing."""
    drafts = many(40, every=6 * HOUR, official="o")
    rule = make_rule(RuleKind.BURST, subjects=1, minutes=1_440)
    daily, weekly = (
        alarms_of(rule, drafts),
        alarms_of(make_rule(RuleKind.BURST, subjects=1, minutes=1_440, quiet_days=7), drafts),
    )
    assert (len(daily), len(weekly)) == (11, 3)
    seen = observe(drafts)
    assert make_engine(rule).observe(seen[20:])[1:] == daily[6:]


def test_a_day_has_bounds() -> None:
    """No caller fills the log: beyond a bound one alarm stands for all others of the rule, the caller and the day."""
    [decoy] = observe([(MONDAY, ask(1, MONDAY, licence="trap"))])
    engine = make_engine(make_rule(RuleKind.DECOY_LICENCE, marks=frozenset(decoy.licences)))
    raised = engine.observe(observe(many(MAX_A_DAY + 7, every=0, licence="trap")))
    assert [alarm.kind for alarm in raised] == [AlarmKind.FOUND] * MAX_A_DAY + [AlarmKind.SUPPRESSED]
    assert evidence_of(raised)[-1] == [MAX_A_DAY]
    assert engine.suppressed() == {"decoy-licence": 7}
    [other] = engine.observe(observe([(MONDAY, ask(1, MONDAY, licence="trap", caller="other"))], first=9_999))
    assert other.kind is AlarmKind.FOUND
    assert len(engine.observe(observe(many(3, every=0, start=MONDAY + DAY, licence="trap")))) == 3


def test_a_rule_that_fails_is_said_once() -> None:
    """Its alarm is not raised again that day for the same caller, and is for another."""
    engine = make_engine(BURST)
    [working] = engine._working
    working.observe = lambda entry: [][len(entry.leaf.caller)]
    drafts = [(MONDAY + n, ask(n, MONDAY, caller=caller)) for n, caller in enumerate(["a", "a", "b"])]
    raised = engine.observe(observe(drafts))
    assert [(one.kind, one.evidence[0].entry) for one in raised] == [(AlarmKind.FAILED, 0), (AlarmKind.FAILED, 2)]


def test_skew_that_is_told_can_be_seen() -> None:
    """A clock that is further ahead than a rule can be told to look for is refused, and so in no entry."""
    assert PARAMETERS[RuleKind.CLOCK_SKEW]["seconds"].high == LEEWAY.total_seconds()


def test_what_is_forgotten_is_counted() -> None:
    """Windows that are full let the oldest go, and say so."""
    engine = make_engine(BURST, most_keys=4)
    engine.observe(observe(many(9, every=1)))
    assert engine.lost() == {"burst": 6, "": 0}


def test_pieces_make_no_difference() -> None:
    """Entries raise the same alarms in one piece and in many."""
    chance = random.Random(7)
    drafts = [
        (
            MONDAY + at * MINUTE,
            ask(at, MONDAY, official=f"o{chance.randrange(4)}", subjects=(f"p{chance.randrange(9)}",)),
        )
        for at in range(300)
    ]
    seen = observe(drafts)
    at_once, engine = all_rules().observe(seen), all_rules()
    assert [alarm for one in seen for alarm in engine.observe([one])] == at_once
    assert at_once


def test_order_within_a_batch_makes_no_difference() -> None:
    """Entries of one batch raise alarms of the same rules, in whatever order they arrived."""
    chance = random.Random(3)
    drafts = many(20, every=0, official="o", reasons=("status.not-found",))
    expected = sorted(alarm.rule for alarm in all_rules().observe(observe(drafts)))
    assert {"no-match"} <= set(expected)
    for _ in range(10):
        chance.shuffle(drafts)
        assert sorted(alarm.rule for alarm in all_rules().observe(observe(drafts))) == expected
