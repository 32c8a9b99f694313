"""Windows against a naive evaluator that keeps everything."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.windows import CountWindow, DistinctWindow, Evidence, Recent, ShareWindow, StepWindow

SPAN = 10
# (how long after the last one, key, value); times repeat, as they do within a batch
events = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 3, 9, 10, 11]), st.sampled_from("ab"), st.integers(0, 7)), max_size=60
)
Past = list[tuple[int, str, int, int]]  # time, key, value, entry


def told(evidence: Evidence | None) -> set[int] | None:
    return None if evidence is None else {place.entry for place in evidence}


def timed(said: list[tuple[int, str, int]]) -> Past:
    t, past = 1_000, list[tuple[int, str, int, int]]()
    for entry, (after, key, value) in enumerate(said):
        t += after
        past.append((t, key, value, entry))
    return past


def window_of(past: Past, upto: int) -> Past:
    """Return what the window of the key of an entry holds when it has just come."""
    t, key, *_ = past[upto]
    return [one for one in past[: upto + 1] if one[1] == key and one[0] > t - SPAN]


@given(said=events, most=st.integers(1, 4))
def test_distinct(said: list[tuple[int, str, int]], most: int) -> None:
    """More different values than allowed are noticed exactly then, each by its latest entry, the latest ones first."""
    past, window = timed(said), DistinctWindow(most=most, span_ms=SPAN)
    for upto, (t, key, value, entry) in enumerate(past):
        latest = {one[2]: one[3] for one in window_of(past, upto)}
        expected = set(sorted(latest.values())[-most - 1 :]) if len(latest) > most else None
        assert told(window.add(key, value, t, Place("s", entry))) == expected


@given(said=events, times=st.integers(1, 5))
def test_count(said: list[tuple[int, str, int]], times: int) -> None:
    """Enough entries are noticed exactly then."""
    past, window = timed(said), CountWindow(times=times, span_ms=SPAN)
    for upto, (t, key, _, entry) in enumerate(past):
        held = [one[3] for one in window_of(past, upto)]
        expected = set(held[-times:]) if len(held) >= times else None
        assert told(window.add(key, t, Place("s", entry))) == expected


@given(said=events, misses=st.integers(1, 4), more=st.integers(0, 3))
def test_share(said: list[tuple[int, str, int]], misses: int, more: int) -> None:
    """Enough misses among the last questions are noticed when a miss comes."""
    questions = misses + more
    past, window = timed(said), ShareWindow(misses=misses, questions=questions, span_ms=SPAN)
    for upto, (t, key, value, entry) in enumerate(past):
        missed = [one[3] for one in window_of(past, upto)[-questions:] if one[2] % 2]
        expected = set(missed) if value % 2 and len(missed) >= misses else None
        assert told(window.add(key, t, Place("s", entry), is_miss=bool(value % 2))) == expected


@given(said=events, numbers=st.integers(3, 5), step=st.integers(1, 3))
def test_step(said: list[tuple[int, str, int]], numbers: int, step: int) -> None:
    """Enough numbers near each other are noticed exactly then, each by its latest entry."""
    past, window = timed(said), StepWindow(numbers=numbers, step=step, span_ms=SPAN)
    for upto, (t, key, value, entry) in enumerate(past):
        latest = {one[2]: one[3] for one in window_of(past, upto)}
        near = {one for one in latest if any(0 < abs(one - other) <= step for other in latest)}
        expected = {latest[one] for one in near} if len(near) >= numbers else None
        assert told(window.add(key, value, t, Place("s", entry))) == expected


@given(keys=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=80), most=st.integers(2, 30))
def test_recent_is_bounded(keys: list[tuple[int, int]], most: int) -> None:
    """However many keys come, no more than allowed are kept; unless some are said to be lost, all of the span are."""
    recent, t, latest = Recent[Counter[str]](Counter, span_ms=SPAN, most=most), 0, dict[int, int]()
    counted = Counter[int]()
    for after, key in keys:
        t += after
        if latest.get(key, -SPAN) <= t - SPAN:
            counted[key] = 0  # older than the span: whether it is known any more does not matter
        counted[key] += 1
        latest[key] = t
        state = recent.touch(key, t)
        state["seen"] += 1
        assert len(recent) <= most
        assert recent.lost or state["seen"] >= counted[key]


def test_recent_keeps_the_latest() -> None:
    """Where there is no room, the latest half is kept, and what went is counted."""
    recent = Recent[Counter[str]](Counter, span_ms=SPAN, most=10)
    for key in range(20):
        recent.touch(key, 0)["seen"] += 1
    assert recent.lost == 10
    assert [recent.touch(key, 1)["seen"] for key in range(15, 20)] == [1] * 5
