"""How many refusals that name nobody have an entry each."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import CallerId
from gateway.http.refusal_limit import MAX_A_MINUTE, RefusalLimit
from tests.support.callers import NOW

ONE, OTHER = CallerId("one"), CallerId("other")


@given(st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(0, 40)), max_size=400))
def test_nothing_goes_uncounted(steps: list[tuple[CallerId, int]]) -> None:
    """Each refusal is let in or counted, of each caller for itself, and never more than so many in a minute."""
    limit, now = RefusalLimit(), NOW
    let_in: dict[tuple[CallerId, int], int] = {}
    for caller, seconds in steps:
        now += timedelta(seconds=seconds)
        minute = (caller, int(now.timestamp()) // 60)
        let_in[minute] = let_in.get(minute, 0) + limit.admits(caller, now)
    assert all(count <= MAX_A_MINUTE for count in let_in.values())
    for caller in (ONE, OTHER):
        admitted = sum(count for (who, _), count in let_in.items() if who == caller)
        assert admitted + limit.take(caller) == [who for who, _ in steps].count(caller)
        assert limit.take(caller) == 0


def test_what_was_not_said_is_said_later() -> None:
    """Where the entry that was to say so was not written, they are counted again."""
    limit = RefusalLimit()
    for _ in range(MAX_A_MINUTE + 3):
        limit.admits(ONE, NOW)
    left_out = limit.take(ONE)
    assert left_out == 3
    limit.admits(ONE, NOW)
    limit.put_back(ONE, left_out)
    assert limit.take(ONE) == 4
    limit.put_back(OTHER, 0)
    assert limit.take(OTHER) == 0


def test_time_that_goes_back_makes_no_room() -> None:
    """Requests of the minute before that end late, and a clock that is set back, count in the latest minute."""
    limit, before = RefusalLimit(), NOW - timedelta(minutes=1)
    assert sum(limit.admits(ONE, at) for _ in range(MAX_A_MINUTE) for at in (NOW, before)) == MAX_A_MINUTE
    assert not limit.admits(ONE, NOW)
    assert limit.take(ONE) == MAX_A_MINUTE + 1
    assert limit.admits(ONE, NOW + timedelta(minutes=1))
