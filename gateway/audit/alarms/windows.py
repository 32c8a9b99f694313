"""What is remembered of the last minutes or days: bounded whatever comes, the longest untouched go first.

All times are milliseconds since 1970 and never go back by more than a shard's turn does; a window of ``span_ms`` holds
what came after ``t - span_ms``.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

from gateway.audit.alarms.observed import Place

# Keys of one window, such as pairs of an official and a person; about 300 bytes each. A province with a million
# accesses a day fills it in hours for pairs, and in months for officials.
MAX_KEYS: Final = 200_000

# Places that are remembered of one key of a window of steps: whoever counts through numbers and puts others in between
# has to put in hundreds for each. Every place costs a question within the span, and about 200 bytes.
MAX_PLACES: Final = 4_096

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


class _Steps(dict[int, tuple[int, Place]]):
    """When each place was met, in the order of arrival; and once they are many, how many of them have another one near.

    Most keys are met once, so ``places``, which are in the order of their numbers, are kept from the second look on.
    """

    __slots__ = ("near", "places")

    def __init__(self) -> None:
        super().__init__()
        self.near = 0
        self.places: list[int] = []

    def is_near(self, at: int, step: int) -> bool:
        """Answer whether the place number ``at`` has another one near; False where there is no such number."""
        places = self.places
        if not 0 <= at < len(places):
            return False
        here = places[at]
        return (at > 0 and here - places[at - 1] <= step) or (at + 1 < len(places) and places[at + 1] - here <= step)

    def insert(self, place: int, step: int) -> None:
        """Take a place in."""
        at = bisect_left(self.places, place)
        self.near -= self.is_near(at - 1, step) + self.is_near(at, step)
        self.places.insert(at, place)
        self.near += self.is_near(at - 1, step) + self.is_near(at, step) + self.is_near(at + 1, step)

    def remove(self, place: int, step: int) -> None:
        """Let a place go."""
        at = bisect_left(self.places, place)
        self.near -= self.is_near(at - 1, step) + self.is_near(at, step) + self.is_near(at + 1, step)
        del self.places[at]
        self.near += self.is_near(at - 1, step) + self.is_near(at, step)


class StepWindow:
    """``numbers`` different places of one key within the span, each no further than ``step`` from another of them."""

    def __init__(self, *, numbers: int, step: int, span_ms: int, keys: int = MAX_KEYS) -> None:
        """Begin empty. Of one key `MAX_PLACES` are remembered, so that others in between hide nothing."""
        self._numbers = numbers
        self._step = step
        self._span_ms = span_ms
        self.recent: Recent[_Steps] = Recent(_Steps, span_ms=span_ms, most=keys)

    def add(self, key: Hashable, number: int, t: int, place: Place) -> Evidence | None:
        """Return the entries that show it; None where they are too few, or too far from each other."""
        entries = self.recent.touch(key, t)
        if not entries:
            entries[number] = (t, place)
            return None
        if not entries.places:
            entries.places.append(next(iter(entries)))
        if entries.pop(number, None) is None:
            entries.insert(number, self._step)
        entries[number] = (t, place)
        while len(entries) > MAX_PLACES or entries[next(iter(entries))][0] <= t - self._span_ms:
            first = next(iter(entries))
            del entries[first]
            entries.remove(first, self._step)
        if entries.near < self._numbers:
            return None
        return (entries[one][1] for at, one in enumerate(entries.places) if entries.is_near(at, self._step))


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
