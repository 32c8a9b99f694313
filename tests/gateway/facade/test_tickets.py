"""Tokens and what steps give: made by one process, taken by another, and by no other façade."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.facade.replays import Replays
from gateway.facade.tickets import HANDED_SECONDS, MAX_TICKET, Tickets
from keys.payload.request_signature import ReplayMark

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TICKETS = Tickets(name="one", key=b"k" * 32, lifetime_seconds=600)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds


@given(at=MOMENTS, seconds=st.integers(0, 599))
def test_a_token_is_good_for_its_lifetime(at: datetime, seconds: int) -> None:
    """From when it was given a token is good for its lifetime at least, until the moment that is said."""
    token, until = TICKETS.make_token(at)
    assert token in TICKETS.tokens(at + timedelta(seconds=seconds))
    assert timedelta(seconds=600) <= until - at <= timedelta(seconds=1201)
    assert token in TICKETS.tokens(until - timedelta(seconds=1))
    assert token not in TICKETS.tokens(until)


def test_a_token_is_of_one_facade() -> None:
    """Another façade, or another key, makes other tokens."""
    token, _ = TICKETS.make_token(NOW)
    for other in (Tickets(name="two", key=b"k" * 32), Tickets(name="one", key=b"l" * 32)):
        assert token not in other.tokens(NOW)


@given(words=st.dictionaries(st.sampled_from(["holder_code", "link", "use"]), st.text(max_size=50)))
def test_what_a_step_gave_is_read_back(words: dict[str, str]) -> None:
    """A ticket says what the step was asked about, to this façade and this step, for some minutes."""
    try:
        ticket = TICKETS.seal("grant", words, NOW)
    except UnicodeEncodeError:  # half a surrogate pair, which no request has
        return
    assert TICKETS.open("grant", ticket, NOW) == words
    assert TICKETS.open("other", ticket, NOW) is None
    assert TICKETS.open("grant", ticket, NOW + timedelta(seconds=HANDED_SECONDS)) is None
    assert TICKETS.open("grant", ticket, NOW - timedelta(seconds=1)) is None
    assert Tickets(name="two", key=b"k" * 32).open("grant", ticket, NOW) is None


def test_a_ticket_shows_nothing() -> None:
    """What a step was asked about is not in the text, and two tickets about the same differ."""
    first, second = (TICKETS.seal("grant", {"holder_code": "11010519491231002X"}, NOW) for _ in range(2))
    assert "11010519491231002X" not in first
    assert first != second


@given(st.text() | st.text("AZaz09-_=").map(lambda text: text * 10))
def test_no_other_text_is_a_ticket(text: str) -> None:
    """Whatever else is brought is none."""
    assert TICKETS.open("grant", text, NOW) is None


def test_a_long_text_is_not_read() -> None:
    """A text beyond the bound is none."""
    assert TICKETS.open("grant", "A" * (MAX_TICKET + 1), NOW) is None


def test_a_signed_request_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time is refused while it counts; a guard that is full of what counts lets nothing in."""
    monkeypatch.setattr("gateway.facade.replays.MAX_MARKS", 2)
    guard = Replays()
    marks = [ReplayMark(value=f"{number:064x}", until=NOW + timedelta(minutes=5)) for number in range(3)]
    assert [guard.admit(one, NOW) for one in (marks[0], marks[0], marks[1], marks[2])] == [True, False, True, False]
    assert guard.admit(marks[2], NOW + timedelta(minutes=5))


def test_a_signed_question_without_a_nonce_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words under the same signature are refused, in whatever order; others push out what ends first."""
    monkeypatch.setattr("gateway.facade.replays.MAX_MARKS", 2)
    guard = Replays()
    first, second, third = ({"signature": "s", "holder_code": code} for code in "123")
    ends = NOW + timedelta(minutes=5)
    assert [guard.admit_like(one, ends, NOW) for one in (first, dict(reversed(first.items())))] == [True, False]
    assert guard.admit_like(second, ends + timedelta(seconds=1), NOW)
    assert guard.admit_like(third, ends + timedelta(seconds=1), NOW)
    assert [guard.admit_like(one, ends, NOW) for one in (third, first)] == [False, True]
    assert guard.admit_like(third, ends, NOW + timedelta(hours=1))
