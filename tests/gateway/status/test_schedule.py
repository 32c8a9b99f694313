"""Schedules: never hammering, never later than the interval, and in time for what ends."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.schedule import FIRST_RETRY_SECONDS, SHORTEST_SECONDS, Schedule
from tests.support import pki

SECONDS = st.floats(min_value=-(10.0**6), max_value=10.0**6)
STEPS = st.lists(st.tuples(st.booleans(), SECONDS | st.none()), min_size=1, max_size=30)


@given(interval=st.floats(min_value=1, max_value=604_800), share=st.floats(min_value=0, max_value=1), steps=STEPS)
def test_every_wait_is_bounded(interval, share, steps):
    """Whatever happens, the wait is from 1 second to the interval, and what has ended does not shorten it."""
    schedule = Schedule(interval, lambda: share)
    for good, left in steps:
        ends_at = None if left is None else pki.NOW + timedelta(seconds=left)
        before = schedule.failures
        if good:
            schedule.succeed(pki.NOW, ends_at=ends_at)
        else:
            schedule.fail(StatusError(StatusFailure.TIMEOUT), pki.NOW, ends_at=ends_at)
        wait = schedule.seconds_left(pki.NOW)
        assert SHORTEST_SECONDS * 0.9 <= wait <= max(interval * 1.11, SHORTEST_SECONDS)
        assert (schedule.failures, schedule.error is None) == ((0, True) if good else (before + 1, False))
        if good and (left is None or left <= 0):
            assert wait >= interval * 0.89
        if left is not None and left > 4 * FIRST_RETRY_SECONDS:
            assert wait < left
        assert not schedule.is_due(pki.NOW)
        assert schedule.is_due(pki.NOW + timedelta(seconds=wait + 1))


@given(back=st.integers(min_value=2, max_value=10**8))
def test_a_clock_that_was_set_back(back):
    """A wait that is longer than any that is planned counts as over."""
    schedule = Schedule(60.0, lambda: 1.0)
    schedule.succeed(pki.NOW, ends_at=None)
    assert schedule.seconds_left(pki.NOW - timedelta(seconds=10 * back)) <= 72
