"""When a system is left alone: after failures in a row, for a while, with one question to try it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.breaker import FAILURES, PAUSE_SECONDS, Breaker


def broken(now: float = 0.0) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(now)
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    """An answer between failures begins the count anew."""
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0)
        assert breaker.admit(0.0)
        breaker.answered()
    assert not broken().admit(PAUSE_SECONDS / 2)


def test_one_question_tries_it() -> None:
    """After the pause one question is admitted, and no other one while it may be under way."""
    breaker = broken()
    assert breaker.admit(PAUSE_SECONDS)
    assert breaker.is_open(PAUSE_SECONDS)
    assert not breaker.admit(1.9 * PAUSE_SECONDS)
    assert breaker.admit(2 * PAUSE_SECONDS)  # whoever asked went away


def test_the_try_decides() -> None:
    """Its answer lets everybody through again, its failure nobody for another pause."""
    breaker = broken()
    assert breaker.admit(PAUSE_SECONDS)
    breaker.failed(PAUSE_SECONDS + 3)
    assert not breaker.admit(2 * PAUSE_SECONDS + 2)
    assert breaker.admit(2 * PAUSE_SECONDS + 3)
    breaker.answered()
    assert all(breaker.admit(2 * PAUSE_SECONDS + 3) for _ in range(9))


@given(st.lists(st.tuples(st.sampled_from(["answered", "failed", "admit"]), st.floats(0, 8)), max_size=40))
def test_it_is_never_closed_for_good(steps: list[tuple[str, float]]) -> None:
    """Whatever happened, a question is admitted once a pause has passed."""
    breaker, now = Breaker(), 0.0
    for step, seconds in steps:
        now += seconds
        match step:
            case "answered":
                breaker.answered()
            case "failed":
                breaker.failed(now)
            case _:
                breaker.admit(now)
    assert breaker.admit(now + PAUSE_SECONDS)
