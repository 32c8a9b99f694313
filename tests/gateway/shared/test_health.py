"""Tests of the breaker of a server."""

from gateway.shared.health import FAILURES, Health


def test_it_goes_after_failures_in_a_row_and_comes_back_by_a_probe() -> None:
    """It begins away, comes by a probe, goes after so many failures in a row, and no answer brings it back."""
    turns: list[bool] = []
    health = Health(on_turn=lambda: turns.append(health.is_up))
    health.answered()
    assert not health.is_up
    health.recovered()
    for _ in range(FAILURES - 1):
        health.failed()
    health.answered()
    for _ in range(FAILURES - 1):
        health.failed()
    assert (health.is_up, health.is_doubtful) == (True, True)
    health.failed()
    health.answered()
    assert (health.is_up, health.is_doubtful) == (False, False)
    health.failed()
    health.recovered()
    health.recovered()
    health.declined()
    health.declined()
    assert turns == [True, False, True, False]
