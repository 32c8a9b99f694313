"""When a system is left alone: after failures in a row, for a while, with one question to try it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.breaker import (
    FAILURES,
    LONGEST_PAUSE_SECONDS,
    PAUSE_SECONDS,
    SPREAD,
    Breaker,
    BreakerState,
    Ticket,
)


def fresh(chance: float = 0.0) -> Breaker:
    return Breaker(chance=lambda: chance)


def out(breaker: Breaker, now: float = 0.0) -> Ticket:
    """Let a question out that must be admitted."""
    ticket = breaker.admit(now)
    assert ticket is not None
    return ticket


def broken(now: float = 0.0, chance: float = 0.0) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = fresh(chance)
    for _ in range(FAILURES):
        breaker.failed(out(breaker, now), now)
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    """An answer between failures begins the count anew."""
    breaker = fresh()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(out(breaker), 0.0)
        out(breaker)
        breaker.answered()
    assert breaker.state(0.0) is BreakerState.CLOSED
    assert broken().state(PAUSE_SECONDS / 2) is BreakerState.OPEN


def test_one_question_tries_it() -> None:
    """After the pause one question is admitted, and no other one before that has ended, however it does."""
    breaker = broken()
    probe = out(breaker, PAUSE_SECONDS)
    assert breaker.state(PAUSE_SECONDS) is BreakerState.HALF_OPEN
    assert breaker.refuses(100 * PAUSE_SECONDS)
    breaker.left(probe)
    assert breaker.admit(PAUSE_SECONDS) is not None
    breaker.left(probe)  # which is over already
    assert breaker.refuses(PAUSE_SECONDS)


def test_the_try_decides() -> None:
    """Its answer lets everybody through again, its failure nobody, for twice as long."""
    breaker = broken()
    breaker.failed(out(breaker, PAUSE_SECONDS), PAUSE_SECONDS)
    assert breaker.refuses(3 * PAUSE_SECONDS - 1)
    out(breaker, 3 * PAUSE_SECONDS)
    breaker.answered()
    assert all(breaker.admit(3 * PAUSE_SECONDS) for _ in range(9))


def test_questions_from_before() -> None:
    """What went out before it opened makes no pause longer, and its answer is one."""
    breaker = fresh()
    tickets = [out(breaker) for _ in range(FAILURES + 3)]
    for ticket in tickets[:-1]:
        breaker.failed(ticket, 0.0)
    probe = out(breaker, PAUSE_SECONDS)
    breaker.failed(tickets[0], PAUSE_SECONDS)
    assert breaker.refuses(PAUSE_SECONDS)
    assert breaker.state(PAUSE_SECONDS) is BreakerState.HALF_OPEN
    breaker.answered()
    breaker.failed(probe, PAUSE_SECONDS)
    assert breaker.state(PAUSE_SECONDS) is BreakerState.CLOSED


def test_the_pause_grows_to_a_bound() -> None:
    """Each pause is twice the one before, by chance a little longer, and never beyond the longest one."""
    for chance in (0.0, 1.0):
        breaker, now, pauses = broken(chance=chance), 0.0, []
        for _ in range(40):
            begun = now
            while breaker.refuses(now):
                now += 0.5
            pauses.append(now - begun)
            breaker.failed(out(breaker, now), now)
        longer = 1 + SPREAD * chance
        assert pauses[:3] == [PAUSE_SECONDS * longer, 2 * PAUSE_SECONDS * longer, 4 * PAUSE_SECONDS * longer]
        assert max(pauses) == LONGEST_PAUSE_SECONDS * longer


def test_the_words_and_numbers() -> None:
    """A state has a word for people, and the number of the metric."""
    assert [(one.word, int(one)) for one in BreakerState] == [("closed", 0), ("half-open", 1), ("open", 2)]


@given(st.lists(st.tuples(st.sampled_from(["answered", "failed", "left", "admit"]), st.floats(0, 90)), max_size=60))
def test_it_is_never_closed_for_good(steps: list[tuple[str, float]]) -> None:
    """Whatever happened, one probe at most is out, and once all have ended a question is admitted after a pause."""
    breaker, now = fresh(1.0), 0.0
    probes: set[Ticket] = set()
    tickets: list[Ticket] = []
    for step, seconds in steps:
        now += seconds
        if step == "admit":
            is_tried = breaker.state(now) is BreakerState.HALF_OPEN
            ticket = breaker.admit(now)
            if ticket is not None:
                tickets.append(ticket)
                probes |= {ticket} if is_tried else set()
                assert not is_tried or len(probes) == 1
        elif tickets:
            ticket = tickets.pop(0)
            probes.discard(ticket)
            if step == "answered":
                breaker.answered()
                probes.clear()
            elif step == "failed":
                breaker.failed(ticket, now)
            else:
                breaker.left(ticket)
    for ticket in tickets:
        breaker.left(ticket)
    assert breaker.admit(now + LONGEST_PAUSE_SECONDS * (1 + SPREAD)) is not None
