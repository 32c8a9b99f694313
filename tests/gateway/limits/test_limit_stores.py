"""What every store of limits keeps to."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.callers import CallerId
from gateway.limits.memory import MemoryLimits
from gateway.limits.metrics import LimitMetrics
from gateway.limits.names import KeyedNames
from gateway.limits.redis_limits import RedisLimits, _Row
from gateway.limits.settings import CallerLimits
from gateway.limits.store import Limit, LimitStore, OverLimit
from gateway.shared.connection import SharedRedis
from gateway.shared.health import FAILURES
from tests.support.redis_servers import QUICK, RedisCluster, RedisServer, off_loop, until
from tests.support.shared_redis import connected

ONE, OTHER = CallerId("one"), CallerId("other")
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # in China
DAY_LEFT = 12 * 3600
HOLD = 100_000.0  # seconds, longer than any test by hand


def limits(**changes: float | None) -> CallerLimits:
    """Return limits of a request a second, three at once, except for the changes."""
    return CallerLimits(**({"rate_per_second": 1.0, "burst": 3, "concurrency": 10} | changes))  # type: ignore[arg-type]  # as they are named there


class Hand:
    """A clock that is moved by hand, and requests that are sent at its moments."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sent = 0

    def steady(self) -> float:
        """Return the moment on a clock that nobody sets."""
        return 1000 + self.seconds

    def now(self) -> datetime:
        """Return the moment of the day."""
        return NOON + timedelta(seconds=self.seconds)

    async def ask(self, store: LimitStore, asked: CallerLimits, caller: CallerId = ONE) -> OverLimit | None:
        """Send a request that is answered at once."""
        self.sent += 1
        place = str(self.sent).encode()
        refused = await store.enter(caller, asked, place=place, at=self.now(), hold_seconds=HOLD)
        store.leave(caller, place)
        return refused


MakeStore = Callable[[Hand], LimitStore]


class LimitStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def make(self) -> MakeStore:
        """Return what makes an empty store that goes by the clock given."""
        raise NotImplementedError

    async def test_a_burst_and_then_the_rate(self, make: MakeStore) -> None:
        """A burst is let in at once, then one for each interval of the rate; refusals say when and cost nothing."""
        hand = Hand()
        store = make(hand)
        assert [await hand.ask(store, limits()) for _ in range(3)] == [None] * 3
        for _ in range(5):
            assert await hand.ask(store, limits()) == OverLimit(limit=Limit.RATE, retry_after_seconds=1)
        assert await hand.ask(store, limits(), OTHER) is None
        hand.seconds += 1
        assert await hand.ask(store, limits()) is None
        assert await hand.ask(store, limits()) is not None
        hand.seconds += 100
        assert [await hand.ask(store, limits()) is None for _ in range(4)] == [True, True, True, False]

    async def test_a_slow_rate_says_when(self, make: MakeStore) -> None:
        """Whoever waits as long as a refusal says is let in."""
        hand = Hand()
        store, slow = make(hand), limits(rate_per_second=0.1, burst=1)
        assert await hand.ask(store, slow) is None
        hand.seconds += 2.5
        assert await hand.ask(store, slow) == OverLimit(limit=Limit.RATE, retry_after_seconds=8)
        hand.seconds += 8
        assert await hand.ask(store, slow) is None

    async def test_limits_that_become_tighter(self, make: MakeStore) -> None:
        """What was let in under wider limits holds nobody up for longer than a burst of today's."""
        hand = Hand()
        store = make(hand)
        for _ in range(100):
            assert await hand.ask(store, limits(burst=100)) is None
        assert await hand.ask(store, limits(burst=2)) == OverLimit(limit=Limit.RATE, retry_after_seconds=1)
        hand.seconds += 1
        assert await hand.ask(store, limits(burst=2)) is None

    async def test_questions_at_once(self, make: MakeStore) -> None:
        """Beyond so many inside nobody is let in; one that leaves makes room, once, however often it says so."""
        hand = Hand()
        store, few = make(hand), limits(burst=100, concurrency=2)
        for place in (b"1", b"2"):
            assert await store.enter(ONE, few, place=place, at=NOON, hold_seconds=HOLD) is None
        full = OverLimit(limit=Limit.CONCURRENCY, retry_after_seconds=1)
        assert await store.enter(ONE, few, place=b"3", at=NOON, hold_seconds=HOLD) == full
        assert await store.enter(OTHER, few, place=b"3", at=NOON, hold_seconds=HOLD) is None
        for place in (b"3", b"never"):
            store.leave(ONE, place)
        assert await store.enter(ONE, few, place=b"3", at=NOON, hold_seconds=HOLD) == full
        for _ in range(2):
            store.leave(ONE, b"1")
        await self.settle(store)
        assert await store.enter(ONE, few, place=b"3", at=NOON, hold_seconds=HOLD) is None
        assert await store.enter(ONE, few, place=b"4", at=NOON, hold_seconds=HOLD) == full

    async def test_parts_of_a_request_take_no_place(self, make: MakeStore) -> None:
        """A part of a request that is inside counts for the rate and the quota, and is let in where all is full."""
        store, scant = make(Hand()), limits(burst=3, concurrency=1, daily_quota=3)
        for place in (b"1", None, None):
            assert await store.enter(ONE, scant, place=place, at=NOON, hold_seconds=HOLD) is None
            store.leave(ONE, None)
        refused = await store.enter(ONE, scant, place=None, at=NOON, hold_seconds=HOLD)
        assert refused is not None
        assert refused.limit is Limit.RATE

    async def test_a_quota_of_a_day(self, make: MakeStore) -> None:
        """A quota is of a day in China: it begins anew at midnight there, and a refusal says when that is."""
        hand = Hand()
        store, scant = make(hand), limits(burst=100, daily_quota=2)
        assert [await hand.ask(store, scant) for _ in range(2)] == [None, None]
        assert await hand.ask(store, scant) == OverLimit(limit=Limit.QUOTA, retry_after_seconds=DAY_LEFT)
        hand.seconds += DAY_LEFT - 1
        assert await hand.ask(store, scant) == OverLimit(limit=Limit.QUOTA, retry_after_seconds=1)
        hand.seconds += 1
        assert await hand.ask(store, scant) is None

    async def test_what_is_refused_costs_nothing(self, make: MakeStore) -> None:
        """A request that one limit refuses takes nothing of the others."""
        hand = Hand()
        store, scant = make(hand), limits(burst=3, concurrency=1, daily_quota=3)
        assert await store.enter(ONE, scant, place=b"first", at=NOON, hold_seconds=HOLD) is None
        for _ in range(5):
            refused = await hand.ask(store, scant)
            assert refused is not None
            assert refused.limit is Limit.CONCURRENCY
        store.leave(ONE, b"first")
        await self.settle(store)
        for _ in range(2):
            await self.settle(store)
            assert await hand.ask(store, scant) is None

    async def settle(self, store: LimitStore) -> None:
        """Wait until what left has left."""


class TestMemory(LimitStoreContract):
    """The store in this process."""

    @pytest.fixture
    def make(self) -> MakeStore:
        """Return what makes an empty store."""
        return lambda hand: MemoryLimits(steady=hand.steady)

    async def test_a_clock_that_is_set_back_begins_no_day(self) -> None:
        """Who has used up a day's quota is not given it again by a clock that jumps to yesterday."""
        hand = Hand()
        store, scant = MemoryLimits(steady=hand.steady), limits(burst=100, daily_quota=1)
        assert await hand.ask(store, scant) is None
        for days in (-1, 0):
            hand.seconds = days * 86_400
            assert await hand.ask(store, scant) is not None

    async def test_it_grows_with_callers_alone(self) -> None:
        """However much is asked, what is kept of a caller does not grow."""
        hand = Hand()
        store = MemoryLimits(steady=hand.steady)
        for _ in range(1000):
            hand.seconds += 0.3
            await hand.ask(store, limits(burst=5))
        assert store.inside(ONE) == 0
        assert len(store._rows) == 1


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[SharedRedis]:
    """Return a connection to an empty server."""
    async with connected(redis_server) as shared:
        yield shared


def in_redis(shared: SharedRedis, *, by_hand: bool = True) -> RedisLimits:
    """Return a store in Redis that is told the moment, or goes by the clock of Redis."""
    metrics = LimitMetrics(CollectorRegistry())
    return RedisLimits(shared, KeyedNames(b"secret"), metrics=metrics, clock=not by_hand)


class TestRedis(LimitStoreContract):
    """The store of several processes."""

    @pytest.fixture
    def make(self, shared: SharedRedis) -> MakeStore:
        """Return what makes a store in an empty server."""
        return lambda _: in_redis(shared)

    async def settle(self, store: LimitStore) -> None:
        """Wait until what left has left."""
        assert isinstance(store, RedisLimits)
        await store.settle()

    async def test_processes_count_together(self, shared: SharedRedis) -> None:
        """What one process lets in counts for the other, and by the clock of Redis, whatever theirs say."""
        one, other = in_redis(shared, by_hand=False), in_redis(shared, by_hand=False)
        asked = limits(rate_per_second=0.001, burst=3)
        for store, at in ((one, NOON), (other, NOON + timedelta(days=3)), (one, NOON - timedelta(days=3))):
            assert await store.enter(ONE, asked, place=str(at).encode(), at=at, hold_seconds=HOLD) is None
        for store in (one, other):
            refused = await store.enter(ONE, asked, place=b"more", at=NOON, hold_seconds=HOLD)
            assert refused is not None
            assert refused.limit is Limit.RATE
            assert 900 < refused.retry_after_seconds <= 1000

    async def test_a_place_that_nobody_leaves_ends(self, shared: SharedRedis) -> None:
        """The places of a process that died are free again after the longest time that a request may take."""
        store, one = in_redis(shared), limits(burst=10, concurrency=1)
        assert await store.enter(ONE, one, place=b"1", at=NOON, hold_seconds=10) is None
        assert await store.enter(ONE, one, place=b"2", at=NOON + timedelta(seconds=9), hold_seconds=HOLD) is not None
        assert await store.enter(ONE, one, place=b"2", at=NOON + timedelta(seconds=10), hold_seconds=HOLD) is None

    async def test_nobody_reads_who_asks(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """No name of a caller is in Redis."""
        caller = CallerId("a-very-special-caller")
        assert await in_redis(shared).enter(caller, limits(), place=b"1", at=NOON, hold_seconds=HOLD) is None
        keys = await off_loop(redis_server.call, "KEYS", "*")
        assert len(keys) == 2
        assert not any(b"special" in key for key in keys)

    async def test_without_redis_a_process_counts_for_itself(self, redis_server: RedisServer) -> None:
        """While Redis is away limits hold in each process, and a metric says so."""
        async with connected(redis_server, seconds=0.2) as shared:
            store, few = in_redis(shared), limits(rate_per_second=0.001, burst=2)
            assert await store.enter(ONE, few, place=b"0", at=NOON, hold_seconds=HOLD) is None
            await off_loop(redis_server.kill)
            assert [
                await store.enter(ONE, few, place=place, at=NOON, hold_seconds=HOLD) is None
                for place in (b"1", b"2", b"3")
            ] == [
                *(True, True),
                False,
            ]
            store.leave(ONE, b"1")
            await store.settle()
            assert store._metrics.unshared._value.get() == 3

    @pytest.mark.parametrize("inside", [0, 3])
    async def test_an_absence_of_redis_locks_nobody_out(
        self, redis_server: RedisServer, inside: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Places that could not be left, or are taken when Redis goes on, are free with the caller's next request."""
        monkeypatch.setattr("gateway.limits.redis_limits.PAY_SECONDS", 1000.0)  # so that nothing else leaves them
        few, hand = limits(rate_per_second=1000, burst=1000, concurrency=3), Hand()
        places = [bytes([number]) for number in range(3)]
        async with connected(redis_server, **QUICK) as shared:
            metrics = LimitMetrics(CollectorRegistry())
            store = RedisLimits(shared, KeyedNames(b"secret"), metrics=metrics, steady=hand.steady)
            key = store._keys(ONE)[1]

            async def taken() -> object:
                return await off_loop(redis_server.call, "ZCARD", key)

            async def enter(these: list[bytes]) -> list[OverLimit | None]:
                entering = [store.enter(ONE, few, place=one, at=NOON, hold_seconds=HOLD) for one in these]
                return await asyncio.gather(*entering)

            async def leave(these: list[bytes]) -> None:
                for one in these:
                    store.leave(ONE, one)
                await store.settle()

            # There are connections then, and the script is known: a server that stops has the requests already.
            assert await enter(places) == [None] * 3
            await leave(places[inside:])
            await off_loop(redis_server.pause)
            assert await enter(places[inside:]) == [None] * (3 - inside)
            await asyncio.gather(*(shared.ask("PING", key=key) for _ in range(FAILURES)), return_exceptions=True)
            await leave(places)
            await off_loop(redis_server.resume)
            await until(lambda: shared.report().up == 1)
            assert await taken() == 3  # whoever was not told was let in after all
            assert await enter([b"next"]) == [None]
            assert await taken() == 1
            # What is still on its way is left each time, until nothing of that can come any more.
            await off_loop(redis_server.call, "ZADD", key, 2e9, places[2])
            hand.seconds += 31
            assert await enter([b"later"]) == [None]
            assert await taken() == 2 + (inside > 0)
            assert not store._rows[ONE].owed

    @pytest.mark.parametrize("way", ["meanwhile", "at-the-end"])
    async def test_what_is_owed_is_paid_without_the_caller(
        self, redis_server: RedisServer, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All places that a process could not leave are free for others soon, and when the process ends."""
        monkeypatch.setattr("gateway.limits.redis_limits.PAY_SECONDS", 0.02 if way == "meanwhile" else 1000.0)
        many = limits(rate_per_second=10_000, burst=10_000, concurrency=1500)
        places = [b"%d" % number for number in range(many.concurrency)]
        async with connected(redis_server, **QUICK) as shared:
            metrics = LimitMetrics(CollectorRegistry())
            store = RedisLimits(shared, KeyedNames(b"secret"), metrics=metrics)
            key = store._keys(ONE)[1]
            shared_until, inside = datetime.now(UTC).timestamp() + HOLD, store._rows.setdefault(ONE, _Row())
            inside.most, inside.inside = many.concurrency, set(places)  # as if they had been let in
            row = [part for place in places for part in (shared_until, place)]
            await off_loop(redis_server.call, "ZADD", key, *row)
            await off_loop(redis_server.pause)
            await asyncio.gather(*(shared.ask("PING", key=key) for _ in range(FAILURES)), return_exceptions=True)
            for place in places:
                store.leave(ONE, place)
            await store.settle() if way == "at-the-end" else None
            await off_loop(redis_server.resume)
            await until(lambda: shared.report().up == 1)
            if way == "at-the-end":
                await store.settle()
            else:
                await until(lambda: not store._rows[ONE].owed)
            assert await off_loop(redis_server.call, "ZCARD", key) == 0

    async def test_whoever_gives_up_leaves_what_he_may_have_taken(self, shared: SharedRedis) -> None:
        """A request that ends while it is let in has no place, whenever Redis hears of it."""
        store, one = in_redis(shared), limits(concurrency=1)
        entering = asyncio.create_task(store.enter(ONE, one, place=b"1", at=NOON, hold_seconds=HOLD))
        await asyncio.sleep(0)
        entering.cancel()
        await asyncio.wait([entering])
        store.leave(ONE, b"1")
        await store.settle()
        key = store._keys(ONE)[1]
        await shared.ask("ZADD", key, 2e9, b"1", key=key)  # only now
        assert await store.enter(ONE, one, place=b"2", at=NOON, hold_seconds=HOLD) is None

    async def test_who_owes_nothing_costs_nothing(self, shared: SharedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of all callers only those are looked at who owe something."""
        store, named = in_redis(shared), list[CallerId]()
        for caller in (ONE, OTHER):
            assert await store.enter(caller, limits(), place=b"1", at=NOON, hold_seconds=HOLD) is None
        keys = store._keys

        def count(caller: CallerId) -> tuple[bytes, bytes]:
            named.append(caller)
            return keys(caller)

        monkeypatch.setattr(store, "_keys", count)
        store._rows[OTHER].owe(b"1")
        await store.settle()
        assert (named, store._rows[OTHER].owed) == ([OTHER], {})

    async def test_what_is_owed_is_bounded(self, shared: SharedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
        """However much goes wrong, the places that are remembered of a caller are bounded, and it asks on."""
        monkeypatch.setattr(shared, "asks", lambda _: False)
        store, many = in_redis(shared), limits(rate_per_second=1000, burst=1000, concurrency=1000)
        for number in range(300):
            assert await store.enter(ONE, many, place=b"%d" % number, at=NOON, hold_seconds=HOLD) is None
        few = limits(rate_per_second=1000, burst=1000, concurrency=20)
        assert await store.enter(ONE, few, place=None, at=NOON, hold_seconds=HOLD) is None
        for number in range(300):
            store.leave(ONE, b"%d" % number)
        assert (len(store._rows[ONE].owed), store._rows[ONE].inside) == (20 + 256, set())

    @pytest.mark.parametrize("reply", [[3, -7], [3, 1], [1, 0], [1, 3], [1, 10**30], [2, 5], [0, 1], [4, 1], [0], None])
    async def test_answers_that_are_none_of_ours(
        self, shared: SharedRedis, monkeypatch: pytest.MonkeyPatch, reply: object
    ) -> None:
        """What no script of ours says of these limits is no answer: the process counts for itself then."""

        async def lie(*_: object, **__: object) -> object:
            return reply

        monkeypatch.setattr(shared, "evaluate", lie)
        store = in_redis(shared)
        assert await store.enter(ONE, limits(), place=b"1", at=NOON, hold_seconds=HOLD) is None
        assert store._metrics.unshared._value.get() == 1

    async def test_on_a_cluster(self, redis_cluster: RedisCluster) -> None:
        """Each caller is counted by one server of a cluster."""
        async with connected(*redis_cluster.servers, cluster=True) as shared:
            store = in_redis(shared)
            for name in ("a", "b", "c", "d"):
                refused = [
                    await store.enter(CallerId(name), limits(), place=str(number).encode(), at=NOON, hold_seconds=HOLD)
                    for number in range(4)
                ]
                assert [one is None for one in refused] == [True, True, True, False]
            assert store._metrics.unshared._value.get() == 0


@given(
    st.lists(st.floats(0, 5).map(lambda seconds: round(seconds, 3)), max_size=80),
    st.sampled_from([0.25, 1, 3, 7, 200]),
    st.integers(1, 6),
)
async def test_no_window_has_more_than_burst_and_rate(steps: list[float], rate: float, burst: int) -> None:
    """Whatever the times, no window of any length has more than the burst and what the rate gives in it."""
    hand, let_in = Hand(), deque[float]()
    store, asked = MemoryLimits(steady=hand.steady), limits(rate_per_second=rate, burst=burst)
    for step in steps:
        hand.seconds += step
        refused = await hand.ask(store, asked)
        if refused is None:
            let_in.append(hand.seconds)
            for count, begin in enumerate(reversed(let_in), 1):
                assert count <= burst + rate * (hand.seconds - begin) + 1e-6
        else:
            assert refused.retry_after_seconds >= 1
            assert refused.retry_after_seconds <= burst / rate + 2


@given(st.lists(st.integers(0, 5), max_size=60))
async def test_places_are_those_inside(steps: list[int]) -> None:
    """Whatever the order of coming and leaving, as many are counted as are inside, never more than the limit."""
    store, inside = MemoryLimits(), set[bytes]()
    few = limits(rate_per_second=1_000_000, burst=1000, concurrency=3)
    for number, step in enumerate(steps):
        if step < 3:
            place = str(number).encode()
            if await store.enter(ONE, few, place=place, at=NOON, hold_seconds=HOLD) is None:
                inside.add(place)
            else:
                assert len(inside) == 3
        else:
            place = min(inside, default=b"nobody") if step < 5 else b"nobody"
            store.leave(ONE, place)
            inside.discard(place)
        assert store.inside(ONE) == len(inside)
