"""How many refusals that name nobody have an entry each."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import CallerId
from gateway.http.refusal_limit import MAX_A_MINUTE, MINUTE, RefusalLimit

ONE, OTHER = CallerId("one"), CallerId("other")
NOW = 86_400.5  # seconds on a clock that nobody sets


@given(st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.sampled_from([0, 0, 0, 1, 40])), max_size=400))
def test_nothing_goes_uncounted(steps: list[tuple[CallerId, int]]) -> None:
    """Each refusal is let in or counted, of each caller for itself, and no more than so many a minute."""
    limit, now = RefusalLimit(), NOW
    let_in: dict[CallerId, list[float]] = {ONE: [], OTHER: []}
    for caller, seconds in steps:
        now += seconds
        let_in[caller] += [now] * limit.admits(caller, now)
    for caller, admitted in let_in.items():
        assert len(admitted) + limit.take(caller) == [who for who, _ in steps].count(caller)
        assert limit.take(caller) == 0
        later = admitted[2 * MAX_A_MINUTE :]
        assert all(end - begin >= MINUTE for begin, end in zip(admitted, later, strict=False))


def test_each_minute_has_room_for_as_many() -> None:
    """A minute begins with its first refusal; those beyond the limit are let in from the next one on."""
    limit = RefusalLimit()
    assert [limit.admits(ONE, NOW + second / 2) for second in range(140)] == [
        *[True] * MAX_A_MINUTE, *[False] * (120 - MAX_A_MINUTE), *[True] * 20,
    ]  # fmt: skip


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
