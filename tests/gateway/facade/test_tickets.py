"""Tokens and what steps give: made by one process, taken by another, and by no other façade."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.facade.tickets import HANDED_SECONDS, MAX_TICKET, Tickets

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
