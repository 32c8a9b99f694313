"""Each kind of rule: what it raises an alarm of, and what only nearly."""

import random
from typing import Any

import pytest

from gateway.audit.alarms.engine import MAX_A_DAY, AlarmEngine
from gateway.audit.alarms.rule import PARAMETERS, SENTENCES, RuleKind, make_rule
from gateway.audit.alarms.words import AlarmKind
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafKind
from gateway.tokens import LEEWAY
from policies.forms.citizen import check_character
from policies.item import CaseRule
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
from tests.support.policies import make_rule as make_policy_rule

Drafts = list[tuple[int, EntryDraft]]


def many(count: int, *, every: int, start: int = MONDAY, **changes: Any) -> Drafts:
    """Return so many questions, one after the other."""
    return [(start + at * every, ask(at, start + at * every, **changes)) for at in range(count)]


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


# --- conduct ----------------------------------------------------------------------------------------------------------

OFF = make_rule(RuleKind.OFF_HOURS, entries=2)
NIGHT = MONDAY + 10 * HOUR  # 20:00
HOLIDAY = MONDAY + 10 * DAY  # Thursday 1 October
WORKED_SUNDAY = MONDAY - DAY


@pytest.mark.parametrize("start", [NIGHT, HOLIDAY, MONDAY + 5 * DAY, MONDAY - 3 * HOUR])
def test_off_hours(start: int) -> None:
    """At night, on a holiday, on a weekend and before work begins an official raises an alarm."""
    assert evidence_of(alarms_of(OFF, many(2, every=MINUTE, start=start, official="o"))) == [[0, 1]]


@pytest.mark.parametrize(
    "drafts",
    [
        many(5, every=MINUTE, official="o"),
        many(5, every=MINUTE, start=WORKED_SUNDAY, official="o"),
        many(1, every=MINUTE, start=NIGHT, official="o"),
        many(2, every=DAY, start=NIGHT, official="o"),
    ],
)
def test_nearly_off_hours(drafts: Drafts) -> None:
    """Working hours, a Sunday worked for a holiday, once, and once a day are none."""
    assert alarms_of(OFF, drafts) == []


def test_a_year_without_a_calendar_is_said_and_not_judged() -> None:
    """Nobody guesses which days of a year are worked."""
    engine = make_engine(OFF)
    assert engine.observe(observe(many(5, every=MINUTE, start=NIGHT + 365 * DAY, official="o"))) == []
    assert {tuple(one) for one in engine.blind()} == {("calendar", "2027")}


COUNTING = make_rule(RuleKind.ENUMERATION, numbers=4, step=2, minutes=60)


def numbered(numbers: list[str], **changes: Any) -> Drafts:
    """Return questions for licences of these numbers."""
    return [(MONDAY + at, ask(at, MONDAY, official="o", licence=one, **changes)) for at, one in enumerate(numbers)]


@pytest.mark.parametrize(
    "numbers",
    [
        ["A-0101", "A-0102", "A-0103", "A-0104"],
        ["A-0108", "A-0102", "A-0106", "A-0104"],  # in any order
        ["1099", "1100", "1101", "1102"],
        [first + check_character(first) for first in (f"37010219900307{number:03}" for number in range(1, 8, 2))],
    ],
)
def test_enumeration(numbers: list[str]) -> None:
    """Numbers next to each other raise an alarm, also numbers of citizens, whose last character does not count."""
    assert evidence_of(alarms_of(COUNTING, numbered(numbers))) == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    "numbers",
    [
        ["A-0101", "A-0102", "A-0103"],
        ["A-0101", "A-0102", "A-0103", "A-0106"],
        ["A-0101", "A-0102", "A-0103", "B-0104"],
        ["A-0101", "A-0101", "A-0101", "A-0101"],
        ["a", "b", "c", "d"],
        ["A-101", "A-0102", "A-103", "A-0104"],  # numbers of other lengths are of another series
    ],
)
def test_nearly_enumeration(numbers: list[str]) -> None:
    """Too few, too far apart, of another series, the same again, or without digits are none."""
    assert alarms_of(COUNTING, numbered(numbers)) == []


def test_noise_hides_no_counting() -> None:
    """However many other numbers are asked for in between, neighbours raise an alarm."""
    chance = random.Random(1)
    numbers = [
        one
        for number in range(4)
        for one in (*(f"{chance.randrange(10**9):010}" for _ in range(500)), f"{5_000_000_000 + 2 * number}")
    ]
    assert evidence_of(alarms_of(COUNTING, numbered(numbers))) == [[500, 1001, 1502, 2003]]


def test_people_are_counted_through_too() -> None:
    """Whoever asks about people by numbers next to each other raises an alarm, whatever the licences are called."""
    people = [f"X{number}" for number in range(100, 104)]
    drafts = [(MONDAY, ask(n, MONDAY, official="o", subjects=(one,), licence="")) for n, one in enumerate(people)]
    assert evidence_of(alarms_of(COUNTING, drafts)) == [[0, 1, 2, 3]]


GUESSING = make_rule(RuleKind.NO_MATCH, misses=3, questions=5, minutes=60)


def met(found: str, *, every: int = MINUTE) -> Drafts:
    """Return questions of one official; x met nothing."""
    reasons = {"x": ("status.not-found",), "-": ()}
    drafts = many(len(found), every=every, official="o")
    return [
        (t, ask(n, t, official="o", reasons=reasons[one]))
        for n, ((t, _), one) in enumerate(zip(drafts, found, strict=True))
    ]


def test_no_match() -> None:
    """Enough misses among the last questions raise an alarm, which names the misses."""
    assert evidence_of(alarms_of(GUESSING, met("x-x-x"))) == [[0, 2, 4]]


def test_questions_that_meet_something_hide_no_guesses() -> None:
    """So many misses within the window raise an alarm, whatever else is asked in between."""
    rule = make_rule(RuleKind.NO_MATCH, misses=3, questions=5, total=6, minutes=60)
    assert evidence_of(alarms_of(rule, met("x---" * 6, every=MINUTE))) == [[0, 4, 8, 12, 16, 20]]
    assert alarms_of(rule, met("x---" * 6, every=4 * MINUTE)) == []


@pytest.mark.parametrize("drafts", [met("x-x--x"), met("xx---"), met("xxx", every=30 * MINUTE)])
def test_nearly_no_match(drafts: Drafts) -> None:
    """Too few among the last ones, or in a longer time, are none."""
    assert alarms_of(GUESSING, drafts) == []


DORMANT = make_rule(RuleKind.DORMANT_ACCOUNT, days=30)


def test_dormant_account() -> None:
    """A caller, and an official of one that is busy, who ask again after so many days raise alarms."""
    assert evidence_of(alarms_of(DORMANT, many(2, every=30 * DAY))) == [[0, 1]]
    busy = [(MONDAY + day * DAY, ask(day, MONDAY, official="o" if day in {0, 30} else "p")) for day in range(31)]
    assert evidence_of(alarms_of(DORMANT, busy)) == [[0, 30]]


def test_nearly_dormant() -> None:
    """A shorter silence is none, and who was never seen before is not dormant."""
    assert alarms_of(DORMANT, many(3, every=30 * DAY - 1, official="o")) == []
    assert alarms_of(DORMANT, many(1, every=0, start=MONDAY + 300 * DAY)) == []


TWICE = make_rule(RuleKind.DUPLICATE_REQUEST, minutes=60)


def requests(*said: tuple[int, str, str]) -> Drafts:
    """Return questions: after how long, by which caller, under which request id."""
    return [
        (MONDAY + after, ask(n, MONDAY, caller=caller, context=(*FACTS, request)))
        for n, (after, caller, request) in enumerate(said)
    ]


def test_duplicate_request() -> None:
    """The same request id of one caller in two decisions raises an alarm."""
    assert evidence_of(alarms_of(TWICE, requests((0, "a", "r"), (1, "a", "s"), (2, "a", "r")))) == [[0, 2]]


def test_nearly_duplicate_request() -> None:
    """Another caller's, a later one, no id, and several entries of one decision are none."""
    assert alarms_of(TWICE, requests((0, "a", "r"), (1, "b", "r"), (HOUR, "a", "r"))) == []
    assert alarms_of(TWICE, many(3, every=1, context=())) == []
    draft = ask(1, MONDAY)
    assert alarms_of(TWICE, [(MONDAY, draft), (MONDAY, draft)]) == []


SKEW = make_rule(RuleKind.CLOCK_SKEW, seconds=20)


def skewed(*, held: int = 0, ahead: int = 0) -> Drafts:
    """Return a question that was written so late, by a caller whose clock is so far ahead, in ms."""
    issued = f"iat={(MONDAY + ahead) // 1000}"
    return [(MONDAY + held, ask(1, MONDAY, context=(*FACTS, issued, "r")))]


@pytest.mark.parametrize(("change", "count"), [({"held": 20_000}, 1), ({"held": -20_000}, 1), ({"ahead": 20_000}, 1)])
def test_clock_skew(change: dict[str, int], count: int) -> None:
    """An entry that is too late or too early for its decision, and a token from the future, raise an alarm."""
    assert len(alarms_of(SKEW, skewed(**change))) == count


@pytest.mark.parametrize("change", [{"held": 19_999}, {"held": -19_999}, {"ahead": 19_000}, {"ahead": -200_000}])
def test_nearly_clock_skew(change: dict[str, int]) -> None:
    """Less is none; nor is an older token, which a caller may use for minutes."""
    assert alarms_of(SKEW, skewed(**change)) == []


VOLUME = make_rule(RuleKind.VOLUME, weeks=2, times=3, least=4)
WEEK = 7 * DAY


def hours(*counts: int) -> Drafts:
    """Return so many questions in the same hour of weeks one after the other."""
    return [
        (MONDAY + week * WEEK + at, ask(at, MONDAY + week * WEEK))
        for week, count in enumerate(counts)
        for at in range(count)
    ]


@pytest.mark.parametrize(("counts", "entry"), [((2, 2, 7), 10), ((1, 1, 5), 6), ((3, 1, 7), 10), ((9, 1, 1, 5), 15)])
def test_volume(counts: tuple[int, ...], entry: int) -> None:
    """More than so many times the median of the same hour, and more than the least, raises an alarm."""
    assert evidence_of(alarms_of(VOLUME, hours(*counts))) == [[entry]]


def test_a_new_caller_has_a_ceiling() -> None:
    """A caller of whom not enough is known may ask so often and no more."""
    rule = make_rule(RuleKind.VOLUME, weeks=2, times=3, least=4, ceiling=9)
    assert evidence_of(alarms_of(rule, hours(10))) == [[9]]
    assert evidence_of(alarms_of(rule, hours(2, 10))) == [[11]]
    assert alarms_of(rule, hours(9, 9)) == []


@pytest.mark.parametrize("counts", [(2, 2, 6), (1, 1, 4), (2, 99), (99,), (2, 2, 6, 6)])
def test_nearly_too_much_volume(counts: tuple[int, ...]) -> None:
    """As many as allowed are none, and a new caller may ask more often than others."""
    assert alarms_of(VOLUME, hours(*counts)) == []


# --- policies ---------------------------------------------------------------------------------------------------------

OLD = make_bundle(make_policy_rule("r", {"holder_name": "mask:name"}))
NEW = make_bundle(make_policy_rule("r", {"holder_name": "plain"}), version="2")
POLICIES = {"old": OLD, "new": NEW}
AT = sorted(FIELDS).index("holder_name")


def shown(character: str, *, at: int = AT) -> str:
    """Return the form of an entry that shows one field."""
    return "".join(character if place == at else "-" for place in range(len(FIELDS)))


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


WIDENING = make_rule(RuleKind.WIDENING_THEN_TRAFFIC, days=7)
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
