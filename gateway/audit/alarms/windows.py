"""What is remembered of the last minutes or days: bounded whatever comes, the longest untouched go first.

All times are milliseconds since 1970 and never go back by more than a shard's turn does; a window of ``span_ms`` holds
what came after ``t - span_ms``.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise
from typing import Final, Generic, TypeVar

from gateway.audit.alarms.observed import Place

# Keys of one window, such as pairs of an official and a person; about 300 bytes each. A province with a million
# accesses a day fills it in hours for pairs, and in months for officials.
MAX_KEYS: Final = 200_000

_State = TypeVar("_State")
_Value = TypeVar("_Value", bound=Hashable)
Evidence = Iterable[Place]  # read once, before the next entry comes; in no order


class Recent(Generic[_State]):
    """A state for each key that was touched within the span, and for some that were touched before it.

    There are two halves: the young one takes every key that is touched, and becomes the old one when the span is over
    or it is full; what was not touched since is let go with the one that was old. So a key costs nothing to forget.
    ``lost`` counts keys that may have gone before their time, for want of room.
    """

    def __init__(self, make: Callable[[], _State], *, span_ms: int, most: int = MAX_KEYS) -> None:
        """Begin empty; no more than ``most`` keys are ever kept, at least two."""
        self._make = make
        self._span_ms = span_ms
        self._half = max(most // 2, 1)
        self._young: dict[Hashable, _State] = {}
        self._old: dict[Hashable, _State] = {}
        self._since: int | None = None  # when the young half began
        self.lost = 0

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._young) + len(self._old)

    def touch(self, key: Hashable, t: int) -> _State:
        """Return the state of a key, or a new one."""
        state = self._young.get(key)
        if state is None:
            if self._since is None or t - self._since >= self._span_ms or len(self._young) >= self._half:
                self._turn(t)
            state = self._old.pop(key, None)
            if state is None:
                state = self._make()
            self._young[key] = state
        return state

    def _turn(self, t: int) -> None:
        if self._since is not None and t - self._since < self._span_ms:
            self.lost += len(self._old)
        self._old, self._young, self._since = self._young, {}, t


class DistinctWindow:
    """More than ``most`` different values for one key within the span."""

    def __init__(self, *, most: int, span_ms: int, keys: int = MAX_KEYS) -> None:
        """Begin empty; one value more than allowed is all that is remembered of a key."""
        self._most = most
        self._span_ms = span_ms
        self.recent: Recent[dict[Hashable, tuple[int, Place]]] = Recent(dict, span_ms=span_ms, most=keys)

    def add(self, key: Hashable, value: Hashable, t: int, place: Place) -> Evidence | None:
        """Return the entries that show it, one for each value; None where there are not too many."""
        values = self.recent.touch(key, t)
        _put(values, value, t, place, since=t - self._span_ms, most=self._most + 1)
        return (place for _, place in values.values()) if len(values) > self._most else None


class CountWindow:
    """``times`` entries for one key within the span."""

    def __init__(self, *, times: int, span_ms: int, keys: int = MAX_KEYS) -> None:
        """Begin empty."""
        self._span_ms = span_ms
        self._times = times
        self.recent: Recent[deque[tuple[int, Place]]] = Recent(lambda: deque(maxlen=times), span_ms=span_ms, most=keys)

    def add(self, key: Hashable, t: int, place: Place) -> Evidence | None:
        """Return the entries that show it; None where there are not enough."""
        entries = self.recent.touch(key, t)
        entries.append((t, place))
        is_full = len(entries) == self._times and entries[0][0] > t - self._span_ms
        return (place for _, place in entries) if is_full else None


class ShareWindow:
    """``misses`` among the last ``questions`` entries of one key, all within the span."""

    def __init__(self, *, misses: int, questions: int, span_ms: int, keys: int = MAX_KEYS) -> None:
        """Begin empty."""
        self._span_ms = span_ms
        self._misses = misses
        self.recent: Recent[deque[tuple[int, Place | None]]] = Recent(
            lambda: deque(maxlen=questions), span_ms=span_ms, most=keys
        )

    def add(self, key: Hashable, t: int, place: Place, *, is_miss: bool) -> Evidence | None:
        """Return the misses that show it; None where there are not enough."""
        entries = self.recent.touch(key, t)
        entries.append((t, place if is_miss else None))
        if not is_miss:
            return None
        missed = [place for at, place in entries if place is not None and at > t - self._span_ms]
        return missed if len(missed) >= self._misses else None


class StepWindow:
    """``numbers`` different places of one key within the span, each no further than ``step`` from another of them."""

    def __init__(self, *, numbers: int, step: int, span_ms: int, keys: int = MAX_KEYS) -> None:
        """Begin empty. Of one key, four times as many places are remembered as it takes."""
        self._numbers = numbers
        self._step = step
        self._span_ms = span_ms
        self._most = 4 * numbers
        self.recent: Recent[dict[int, tuple[int, Place]]] = Recent(dict, span_ms=span_ms, most=keys)

    def add(self, key: Hashable, number: int, t: int, place: Place) -> Evidence | None:
        """Return the entries that show it; None where they are too few, or too far from each other."""
        entries = self.recent.touch(key, t)
        _put(entries, number, t, place, since=t - self._span_ms, most=self._most)
        if len(entries) < self._numbers:
            return None
        near = {one for low, high in pairwise(sorted(entries)) if high - low <= self._step for one in (low, high)}
        return [entries[one][1] for one in near] if len(near) >= self._numbers else None


def _put(
    values: dict[_Value, tuple[int, Place]], value: _Value, t: int, place: Place, *, since: int, most: int
) -> None:
    """Put a value last, and let go of those that came first: what is over, and what is more than has to be known."""
    values.pop(value, None)
    values[value] = (t, place)
    if len(values) == 1:  # most keys are met once
        return
    while len(values) > most:
        del values[next(iter(values))]
    while values[first := next(iter(values))][0] <= since:
        del values[first]
