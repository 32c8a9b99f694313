"""Tests of the cache in the process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.cache import MAX_SECONDS, CacheFault
from gateway.cache.local import OVERHEAD_BYTES, LocalCache
from tests.support.caches import NAME, OTHER, CacheContract, RecordedTally


class TestLocalCache(CacheContract):
    """The contract, in the process."""

    @pytest.fixture
    def cache(self) -> LocalCache:
        """Return an empty cache."""
        return LocalCache()


class SteadyHand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return what the hand points at."""
        return self.now


def test_an_entry_ends() -> None:
    """An entry is there until its last moment, not at it, and takes no room once that was noticed."""
    clock = SteadyHand()
    cache = LocalCache(steady=clock)
    cache.put_now(NAME, b"v", seconds=5)
    clock.now = 104.999
    assert cache.get_now(NAME) == b"v"
    clock.now = 105.0
    assert cache.get_now(NAME) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_nothing_is_kept_for_longer_than_a_day() -> None:
    """Whatever an entry asks for, it ends after the longest time."""
    clock = SteadyHand()
    cache = LocalCache(steady=clock)
    cache.put_now(NAME, b"v", seconds=MAX_SECONDS * 10)
    clock.now += MAX_SECONDS
    assert cache.get_now(NAME) is None


def test_what_was_not_used_for_longest_goes_first() -> None:
    """When there is no room, the entry goes that was neither read nor written for longest."""
    cache = LocalCache(max_entries=2)
    cache.put_now(b"a", b"1", seconds=60)
    cache.put_now(b"b", b"2", seconds=60)
    assert cache.get_now(b"a") == b"1"
    cache.put_now(b"c", b"3", seconds=60)
    assert [cache.get_now(name) for name in (b"a", b"b", b"c")] == [b"1", None, b"3"]


def test_it_says_what_it_did() -> None:
    """Hits, misses and entries that are too large are counted."""
    tally = RecordedTally()
    cache = LocalCache(max_bytes=OVERHEAD_BYTES + 100, tally=tally)
    cache.put_now(NAME, b"v", seconds=60)
    cache.put_now(OTHER, bytes(101), seconds=60)
    cache.get_now(NAME)
    cache.get_now(OTHER)
    assert (tally.hits, tally.misses, tally.faults) == (1, 1, [CacheFault.TOO_LARGE])


def test_everything_goes_at_once() -> None:
    """After `clear` nothing is there, and there is room for everything."""
    cache = LocalCache()
    cache.put_now(NAME, b"v", seconds=60)
    cache.clear()
    assert (cache.get_now(NAME), len(cache), cache.size_bytes) == (None, 0, 0)


_names = st.sampled_from([b"a", b"bb", b"ccc", b"dddd"])
_steps = st.one_of(
    st.tuples(st.just("put"), _names, st.binary(max_size=40), st.integers(0, 3)),
    st.tuples(st.just("forget"), _names, st.none(), st.none()),
    st.tuples(st.just("wait"), st.none(), st.none(), st.integers(1, 2)),
)


@given(st.lists(_steps, max_size=30))
def test_it_never_says_anything_else(steps: list) -> None:
    """Whatever happens, it has no more than it may, and what it returns was put last and has not ended."""
    clock = SteadyHand()
    most = 2 * OVERHEAD_BYTES + 50
    cache = LocalCache(max_bytes=most, max_entries=3, steady=clock)
    model: dict[bytes, tuple[bytes, float]] = {}
    for verb, name, value, seconds in steps:
        if verb == "put":
            cache.put_now(name, value, seconds=seconds)
            model[name] = (value, clock.now + seconds)
        elif verb == "forget":
            cache.forget_now(name)
            model.pop(name, None)
        else:
            clock.now += seconds
        assert cache.size_bytes <= most
        assert len(cache) <= 3
        for one in (b"a", b"bb", b"ccc", b"dddd"):
            found = cache.get_now(one)
            kept, ends_at = model.get(one, (None, 0.0))
            assert found is None or (found == kept and clock.now < ends_at)
