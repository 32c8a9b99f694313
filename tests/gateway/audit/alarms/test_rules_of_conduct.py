"""What each rule about conduct finds, and what it nearly finds."""

import random
from typing import Any

import pytest

from gateway.audit.alarms.rule import RuleKind, make_rule
from policies.forms.citizen import check_character
from tests.gateway.audit.alarms.drafting import NIGHT, OFF, Drafts, many
from tests.support.alarms import (
    DAY,
    FACTS,
    HOUR,
    MINUTE,
    MONDAY,
    alarms_of,
    ask,
    evidence_of,
    make_engine,
    observe,
)

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
