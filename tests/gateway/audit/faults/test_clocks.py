"""Clocks that jump: the order of entries never changes, and one wrong clock does not stop the log for years."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.leaf import parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.sequencer import MAX_CLOCK_BACK_MS
from gateway.audit.steady_clock import MAX_AHEAD, SteadyClock
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import START_MS, Clock, make_draft, opened, sqlite_setup, verify_log

NOW = datetime.fromtimestamp(START_MS / 1000, UTC)
YEARS = timedelta(days=5 * 365)


class TwoClocks:
    """A clock that somebody sets, and one that nobody can."""

    def __init__(self) -> None:
        self.wall = NOW
        self.steady = 1_000.0

    def pass_by(self, time: timedelta, *, told: timedelta | None = None) -> None:
        """Let time pass; the wall clock tells another length of it."""
        self.steady += time.total_seconds()
        self.wall += time if told is None else told

    def watched(self) -> SteadyClock:
        """Return the wall clock, held against the steady one."""
        return SteadyClock(lambda: self.wall, lambda: self.steady)


def refusal(clock: Callable[[], datetime]) -> Unavailable | None:
    """Return why a clock tells no time; it is a reason that passes."""
    try:
        clock()
    except LogUnavailableError as error:
        return error.reason if error.passes else Unavailable.BROKEN
    return None


def is_written(clock: SteadyClock) -> bool:
    """Answer whether a clock tells a time, and write something under it."""
    if refusal(clock) is not None:
        return False
    clock.note_written()
    return True


def test_a_clock_that_was_set_far_ahead_is_not_believed() -> None:
    """Not the first time, nor later on; once it is set right, or the process started again, it is."""
    clocks = TwoClocks()
    clock = clocks.watched()
    clocks.pass_by(timedelta(days=3))
    assert is_written(clock)
    clocks.pass_by(timedelta(seconds=1), told=YEARS)
    assert [refusal(clock), refusal(clock)] == [Unavailable.CLOCK_WENT_AHEAD] * 2
    assert refusal(clocks.watched()) is None
    clocks.pass_by(timedelta(seconds=1), told=-YEARS)
    assert clock() == clocks.wall


JUMPS = st.timedeltas(-timedelta(days=400), timedelta(days=400)) | st.timedeltas(-2 * MAX_AHEAD, 2 * MAX_AHEAD)


@given(st.lists(st.tuples(JUMPS, st.booleans()), max_size=20))
def test_no_time_is_told_that_is_far_ahead(jumps: list[tuple[timedelta, bool]]) -> None:
    """However a clock is set, it is believed where it is an hour ahead of all that was written at most, or behind."""
    clocks = TwoClocks()
    clock, gained = clocks.watched(), timedelta()
    assert is_written(clock)
    highest = gained
    for jump, writes in jumps:
        clocks.pass_by(timedelta(minutes=1), told=timedelta(minutes=1) + jump)
        gained += jump
        assert (refusal(clock) is None) == (gained - highest <= MAX_AHEAD)
        if writes and is_written(clock):
            highest = max(highest, gained)


def test_a_clock_that_was_behind_is_set_right() -> None:
    """Where nothing was written under it, as the log was ahead, it is believed wherever it goes; else if it is back."""
    clocks = TwoClocks()
    clocks.wall -= YEARS
    clock = clocks.watched()
    assert refusal(clock) is None
    clocks.pass_by(timedelta(minutes=1), told=YEARS)
    assert is_written(clock)
    clocks.pass_by(timedelta(minutes=1), told=-timedelta(hours=3))
    assert refusal(clock) is None
    clocks.pass_by(timedelta(minutes=1), told=timedelta(hours=3, minutes=2))
    assert refusal(clock) is None


def attempt(log: AccessLog) -> Unavailable | int:
    """Append an entry and return its time, or why it was refused."""
    try:
        receipt = asyncio.run(log.append(make_draft(0)))
    except LogUnavailableError as error:
        return error.reason if error.passes else Unavailable.BROKEN
    return parse_leaf(log.leaf(receipt.index)).t


def test_a_clock_that_jumps_in_a_running_log(tmp_path: Path) -> None:
    """A jump ahead writes nothing; a little back keeps the latest time; a lot back waits until the clock caught up."""
    clocks = TwoClocks()
    watched = clocks.watched()
    setup = sqlite_setup(tmp_path, lambda: int(watched().timestamp() * 1000))
    with opened(replace(setup, committed=lambda *_: watched.note_written())) as log:
        assert attempt(log) == START_MS
        clocks.wall += YEARS
        assert attempt(log) is Unavailable.CLOCK_WENT_AHEAD
        clocks.wall -= YEARS + timedelta(seconds=50)
        assert attempt(log) == START_MS
        clocks.wall -= timedelta(hours=3)
        assert attempt(log) is Unavailable.CLOCK_WENT_BACK
        clocks.wall += timedelta(hours=3)
        assert attempt(log) == START_MS
        clocks.wall -= timedelta(hours=3)
        clocks.pass_by(timedelta(hours=4))
        assert attempt(log) == START_MS + 3_600_000 - 50_000
        assert verify_log(log) == 4


def test_a_log_that_was_opened_under_a_clock_far_ahead(tmp_path: Path) -> None:
    """Its entries keep their times; afterwards it refuses in words until then, and loses nothing."""
    clock = Clock(START_MS + 10**10)
    with opened(sqlite_setup(tmp_path, clock)) as log:
        assert attempt(log) == clock.now
    clock.now = START_MS
    with opened(sqlite_setup(tmp_path, clock)) as log:
        assert attempt(log) is Unavailable.CLOCK_WENT_BACK
        clock.now = START_MS + 10**10 - MAX_CLOCK_BACK_MS
        assert attempt(log) == START_MS + 10**10
        assert verify_log(log) == 2
