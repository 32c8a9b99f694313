"""What every store of budgets keeps to."""

from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.budget.memory import MemoryBudgets
from gateway.budget.redis_budgets import RedisBudgets
from gateway.budget.store import PARTS, BudgetStore, Charge, CountersUnavailableError, Exceeded
from gateway.limits.metrics import LimitMetrics
from gateway.shared.connection import SharedRedis
from tests.support.redis_servers import RedisCluster, RedisServer, off_loop
from tests.support.shared_redis import connected

BEGIN = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
HOUR = 3600


def charge(key: bytes = b"key", limit: int = 2, window_seconds: int = HOUR, **changes: object) -> Charge:
    """Return a charge of a budget of two uses an hour, except for the changes."""
    content = {"budget": "b", "key": key, "limit": limit, "window_seconds": window_seconds, "owner": b"hall"} | changes
    return Charge(**content)  # type: ignore[arg-type]  # as they are named there


def after(seconds: float) -> datetime:
    """Return a moment so long after the first."""
    return BEGIN + timedelta(seconds=seconds)


class BudgetStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def store(self) -> BudgetStore:
        """Make an empty store."""
        raise NotImplementedError

    async def test_no_more_than_the_limit(self, store: BudgetStore) -> None:
        """As many uses as the limit allows pass; the next is refused, with the budget's id and when to come back."""
        assert await store.spend([charge()], at=BEGIN) is None
        assert await store.spend([charge()], at=BEGIN) is None
        refused = await store.spend([charge()], at=after(60))
        assert refused is not None
        assert refused.budget == "b"
        assert HOUR - 60 <= refused.retry_after_seconds <= HOUR + HOUR / PARTS
        assert await store.spend([charge(key=b"another")], at=after(60)) is None

    async def test_room_comes_back(self, store: BudgetStore) -> None:
        """After the seconds that a refusal names, and not a window's sixteenth later, there is room again."""
        for _ in range(2):
            await store.spend([charge()], at=BEGIN)
        refused = await store.spend([charge()], at=BEGIN)
        assert refused is not None
        assert await store.spend([charge()], at=after(refused.retry_after_seconds)) is None

    async def test_all_or_nothing(self, store: BudgetStore) -> None:
        """When one of several budgets has no room nothing is counted, and the first of those is named."""
        small, large = charge(key=b"small", limit=1), charge(key=b"large", limit=2)
        assert await store.spend([large, small], at=BEGIN) is None
        for _ in range(3):
            assert await store.spend([large, small], at=BEGIN) is not None
        assert await store.spend([large], at=BEGIN) is None
        assert await store.spend([large], at=BEGIN) is not None

    async def test_the_same_budget_twice(self, store: BudgetStore) -> None:
        """Two charges of one budget in one question count as two."""
        assert await store.spend([charge(limit=1), charge(limit=1)], at=BEGIN) is not None
        assert await store.spend([charge(), charge()], at=BEGIN) is None
        assert await store.spend([charge()], at=BEGIN) is not None

    async def test_a_free_use_needs_room(self, store: BudgetStore) -> None:
        """A use that costs nothing passes for ever while there is room, and is refused when there is none."""
        for _ in range(5):
            assert await store.spend([charge(is_free=True)], at=BEGIN) is None
        for _ in range(2):
            await store.spend([charge()], at=BEGIN)
        free = await store.spend([charge(is_free=True)], at=BEGIN)
        assert free == await store.spend([charge()], at=BEGIN)
        assert free is not None

    async def test_members_are_counted_once(self, store: BudgetStore) -> None:
        """Different members are counted; one that was seen in the window costs nothing, also without room."""
        for member in (b"1", b"1", b"2", b"1", b"2"):
            assert await store.spend([charge(member=member)], at=BEGIN) is None
        assert await store.spend([charge(member=b"3")], at=BEGIN) is not None
        assert await store.spend([charge(member=b"2")], at=BEGIN) is None

    async def test_a_member_is_forgotten(self, store: BudgetStore) -> None:
        """Whoever was last seen more than a window and a part ago is new."""
        one = charge(limit=1, member=b"1")
        assert await store.spend([one], at=BEGIN) is None
        assert await store.spend([one], at=after(HOUR / 2)) is None
        assert await store.spend([charge(limit=1, member=b"2")], at=after(HOUR / 2)) is not None
        assert await store.spend([charge(limit=1, member=b"2")], at=after(3 * HOUR)) is None

    async def test_neighbours(self, store: BudgetStore) -> None:
        """Only what is near something that was seen costs; the same again does not, nor does what is far."""

        async def ask(member: bytes, *near: bytes) -> Exceeded | None:
            return await store.spend([charge(limit=1, member=member, near=lambda: frozenset(near))], at=BEGIN)

        assert await ask(b"5", b"4", b"6") is None
        assert await ask(b"5", b"4", b"6") is None
        assert await ask(b"9", b"8", b"10") is None
        assert await ask(b"6", b"5", b"7") is None
        assert await ask(b"7", b"6", b"8") is not None
        assert await ask(b"6", b"5", b"7") is None
        assert await ask(b"1", b"0", b"2") is None

    async def test_what_is_near_is_looked_for_when_it_matters(self, store: BudgetStore) -> None:
        """Neighbours are made where others were seen before, and for two new numbers of a question."""
        made: list[bytes] = []

        def ask(*members: bytes) -> list[Charge]:
            def near(member: bytes) -> frozenset[bytes]:
                made.append(member)
                return frozenset()

            return [charge(member=one, near=lambda one=one: near(one)) for one in members]  # type: ignore[misc]

        await store.spend(ask(b"1"), at=BEGIN)
        await store.spend(ask(b"1"), at=BEGIN)
        assert made == []
        await store.spend(ask(b"1", b"2", b"3", b"4"), at=BEGIN)
        assert made == [b"2", b"3"]
        await store.spend(ask(b"2", b"3", b"4", b"5"), at=BEGIN)
        assert made == [b"2", b"3", b"5"]

    async def test_a_free_use_remembers_nobody(self, store: BudgetStore) -> None:
        """A use that costs nothing leaves no trace, so that the next of the same is not taken for a second one."""
        assert await store.spend([charge(limit=1, member=b"1", is_free=True)], at=BEGIN) is None
        assert await store.spend([charge(limit=1, member=b"2")], at=BEGIN) is None
        assert await store.spend([charge(limit=1, member=b"1")], at=BEGIN) is not None

    async def test_a_clock_that_is_set_back_gives_no_room(self, store: BudgetStore) -> None:
        """Nobody gains by a clock that jumps back, and nobody loses: the window ends when its length has passed."""
        for _ in range(2):
            await store.spend([charge()], at=BEGIN)
        assert await store.spend([charge()], at=after(-10 * HOUR)) is not None
        assert await store.spend([charge()], at=after(-9.5 * HOUR)) is not None
        assert await store.spend([charge()], at=after(-8.5 * HOUR)) is None

    async def test_a_clock_that_was_ahead(self, store: BudgetStore) -> None:
        """A clock that was ahead once does not hold anybody up for as long as it was ahead."""
        await store.spend([charge(key=b"another")], at=after(10 * 365 * 24 * HOUR))
        for _ in range(2):
            assert await store.spend([charge()], at=BEGIN) is None
        assert await store.spend([charge()], at=BEGIN) is not None
        assert await store.spend([charge()], at=after(2 * HOUR)) is None

    async def test_questions_that_overtake_each_other(self, store: BudgetStore) -> None:
        """A use is counted from when the store was told of it, however much earlier its question began."""
        one = charge(limit=1, window_seconds=PARTS)
        await store.spend([charge(key=b"another")], at=after(100))
        assert await store.spend([one], at=after(95)) is None
        assert await store.spend([one], at=after(113)) is not None
        assert await store.spend([one], at=after(118)) is None

    async def test_nothing_to_count(self, store: BudgetStore) -> None:
        """A question without budgets passes."""
        assert await store.spend([], at=BEGIN) is None


class TestMemory(BudgetStoreContract):
    """The store in this process."""

    @pytest.fixture
    def store(self) -> BudgetStore:
        """Make an empty store."""
        return MemoryBudgets()

    async def test_memory_is_bounded(self) -> None:
        """A store without room counts nothing more, and says so; what ended makes room."""
        store = MemoryBudgets(max_counts=4, max_members=2)
        assert await store.spend([charge(key=b"1"), charge(key=b"2")], at=BEGIN) is None
        with pytest.raises(CountersUnavailableError):
            await store.spend([charge(key=b"3")], at=BEGIN)
        assert await store.spend([charge(key=b"1", member=b"a", limit=9)], at=BEGIN) is None
        assert await store.spend([charge(key=b"1", member=b"a", limit=9)], at=BEGIN) is None
        with pytest.raises(CountersUnavailableError):
            await store.spend([charge(key=b"1", member=b"b", limit=9)], at=BEGIN)
        assert store.size == (2, 1)
        assert await store.spend([charge(key=b"3")], at=after(3 * HOUR)) is None
        assert store.size == (1, 0)

    async def test_nobody_takes_the_room_of_others(self) -> None:
        """However much one caller asks, others are counted; and keys known beforehand always have room."""
        store = MemoryBudgets(max_counts=100, max_members=100)

        async def fill(owner: bytes) -> int:
            """Return how many are counted before there is no room."""
            for number in range(200):
                key, member = owner + str(number).encode(), str(number).encode()
                try:
                    await store.spend([charge(key=key, owner=owner, member=member)], at=BEGIN)
                except CountersUnavailableError:
                    return number
            return 200

        assert [await fill(owner) for owner in (b"a", b"b", b"c")] == [50, 25, 12]
        assert await store.spend([charge(key=b"d", owner=b"a", is_fixed=True)], at=BEGIN) is None
        assert await store.spend([charge(key=b"d", owner=b"a", is_fixed=True)], at=BEGIN) is None
        assert await store.spend([charge(key=b"d", owner=b"a", is_fixed=True)], at=BEGIN) is not None

    async def test_room_is_needed_by_free_uses_too(self) -> None:
        """A use that costs nothing is refused for want of room like one that costs, and takes none."""
        store = MemoryBudgets(max_counts=2)
        for number in range(5):
            assert await store.spend([charge(key=str(number).encode(), is_free=True)], at=BEGIN) is None
        assert store.size == (0, 0)
        assert await store.spend([charge()], at=BEGIN) is None
        for is_free in (True, False):
            with pytest.raises(CountersUnavailableError):
                await store.spend([charge(key=b"1", is_free=is_free)], at=BEGIN)

    async def test_a_use_costs_the_same_however_much_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing goes through all counts for one question."""

        class Counts(dict[Any, Any]):
            def __iter__(self) -> Any:
                raise AssertionError("went through all counts")

            keys = values = items = __iter__  # type: ignore[assignment]

        store = MemoryBudgets()
        monkeypatch.setattr(store, "_counts", Counts())
        for number in range(3):
            assert await store.spend([charge(), charge(key=str(number).encode())][number == 2 :], at=BEGIN) is None

    async def test_counts_end(self) -> None:
        """What was counted is forgotten; a store that is used for a long time does not grow."""
        store = MemoryBudgets()
        for step in range(500):
            key = str(step % 7).encode()
            await store.spend(
                [charge(key=key, limit=10, window_seconds=60, member=str(step).encode())], at=after(step * 9)
            )
        counts, members = store.size
        assert counts <= 7
        assert members <= 8


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[SharedRedis]:
    """Return a connection to an empty server."""
    async with connected(redis_server) as shared:
        yield shared


class TestRedis(BudgetStoreContract):
    """The store of several processes."""

    @pytest.fixture
    def store(self, shared: SharedRedis) -> BudgetStore:
        """Make a store in an empty server."""
        return RedisBudgets(shared, clock=False)

    async def test_processes_count_together(self, shared: SharedRedis) -> None:
        """What one process counts is spent for the other too, by the clock of Redis, whatever theirs say."""
        one, other = RedisBudgets(shared), RedisBudgets(shared)
        assert await one.spend([charge()], at=BEGIN) is None
        assert await other.spend([charge()], at=after(30 * HOUR)) is None
        for store in (one, other):
            refused = await store.spend([charge()], at=after(60 * HOUR))
            assert refused is not None
            assert HOUR - 60 <= refused.retry_after_seconds <= HOUR + HOUR / PARTS

    async def test_nobody_takes_the_room_of_others(self, shared: SharedRedis) -> None:
        """A caller that has its share is counted no more until something has ended; others are, and what is fixed."""
        store = RedisBudgets(shared, clock=False, max_places=2)
        for number in range(2):
            assert await store.spend([charge(key=b"%d" % number, owner=b"a")], at=BEGIN) is None
        for is_free in (True, False):
            with pytest.raises(CountersUnavailableError):
                await store.spend([charge(key=b"3", owner=b"a", is_free=is_free)], at=BEGIN, asks_yes_or_no=False)
        assert await store.spend([charge(key=b"1", owner=b"a")], at=BEGIN) is None
        with pytest.raises(CountersUnavailableError):
            await store.spend([charge(key=b"1", owner=b"a", member=b"m", limit=9)], at=BEGIN)
        assert await store.spend([charge(key=b"3", owner=b"b")], at=BEGIN) is None
        assert await store.spend([charge(key=b"4", owner=b"a", is_fixed=True)], at=BEGIN) is None
        assert await store.spend([charge(key=b"5", owner=b"a")], at=after(3 * HOUR)) is None

    async def test_what_ended_is_gone(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """Every key but that of the clock ends by itself, soon after its window."""
        store = RedisBudgets(shared, clock=False)
        await store.spend([charge(member=b"1"), charge(key=b"plain"), charge(key=b"f", is_fixed=True)], at=BEGIN)
        keys = await off_loop(redis_server.call, "KEYS", "*")
        lives = sorted([await off_loop(redis_server.call, "TTL", key) for key in keys])
        assert lives[0] == -1
        assert len(lives) == 6
        assert all(HOUR < life <= 2 * HOUR for life in lives[1:])

    async def test_without_redis(self, redis_server: RedisServer) -> None:
        """Where Redis has no memory left, or is away, who asks yes or no is refused; others are counted here alone."""
        async with connected(redis_server, seconds=0.2) as shared:
            registry = CollectorRegistry()
            store = RedisBudgets(shared, metrics=LimitMetrics(registry), clock=False)
            few = charge(limit=2)
            await off_loop(redis_server.limit_memory, "1")
            with pytest.raises(CountersUnavailableError):
                await store.spend([few], at=BEGIN)
            assert await store.spend([few], at=BEGIN, asks_yes_or_no=False) is None
            await off_loop(redis_server.kill)
            with pytest.raises(CountersUnavailableError):
                await store.spend([few], at=BEGIN)
            assert await store.spend([few], at=BEGIN, asks_yes_or_no=False) is None
            refused = await store.spend([few], at=BEGIN, asks_yes_or_no=False)
            assert refused is not None
            assert refused.budget == few.budget
            assert await store.spend([], at=BEGIN) is None
            assert registry.get_sample_value("gateway_budgets_unshared_total") == 3

    @pytest.mark.parametrize(
        "reply", [[b"exceeded", 1, -3], [b"exceeded", 1, 0], [b"exceeded", 1, 10**30], [b"exceeded", 2, 1], [b"no"], 1]
    )
    async def test_answers_that_are_none_of_ours(
        self, shared: SharedRedis, monkeypatch: pytest.MonkeyPatch, reply: object
    ) -> None:
        """What no script of ours says is no answer, and the question is refused uncounted."""

        async def lie(*_: object, **__: object) -> object:
            return reply

        monkeypatch.setattr(shared, "evaluate", lie)
        with pytest.raises(CountersUnavailableError):
            await RedisBudgets(shared).spend([charge()], at=BEGIN)

    async def test_on_a_cluster(self, redis_cluster: RedisCluster) -> None:
        """All budgets of a question, of whatever keys and owners, are counted in one step."""
        async with connected(*redis_cluster.servers, cluster=True) as shared:
            store = RedisBudgets(shared, clock=False)
            charges = [charge(key=b"%d" % number, owner=b"%d" % number, member=b"m") for number in range(8)]
            assert await store.spend(charges, at=BEGIN) is None


async def test_both_stores_say_the_same(shared: SharedRedis) -> None:
    """Whatever is asked in whatever order, the store in Redis says what the store in memory says."""
    chance = Random(20260301)
    stores, now = (RedisBudgets(shared, clock=False), MemoryBudgets()), 0.0

    def any_charge() -> Charge:
        window, kind, member = chance.choice([60, HOUR]), chance.randrange(3), chance.randrange(6)
        near = frozenset(b"%d" % other for other in (member - 1, member + 1))
        changes: dict[str, Any] = [{}, {"member": b"%d" % member}, {"member": b"%d" % member, "near": lambda: near}][
            kind
        ]
        key = b"%d of kind %d" % (chance.randrange(3), kind)
        return charge(key, chance.randrange(1, 4), window, is_free=chance.random() < 0.2, **changes)

    for _ in range(400):
        now += chance.choice([0, 0, 1, 3, 20, 300, 2000])
        asked = [any_charge() for _ in range(chance.randrange(1, 4))]
        at = after(now - chance.choice([0, 0, 5]))
        said = [await store.spend(asked, at=at) for store in stores]
        assert said[0] == said[1], (asked, at)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60), st.integers(1, 5), st.integers(1, 64))
async def test_no_window_holds_more_than_the_limit(steps: list[tuple[int, bool]], limit: int, window: int) -> None:
    """Whatever the times, no window of the budget's length ever holds more uses than its limit."""
    store, now, passed = MemoryBudgets(), 0.0, deque[float]()
    for step, fine in steps:
        now += step / 4 if fine else step
        if await store.spend([charge(limit=limit, window_seconds=window)], at=after(now)) is None:
            passed.append(now)
        while passed and passed[0] <= now - window:
            passed.popleft()
        assert len(passed) <= limit


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 5), st.integers(1, 64))
async def test_a_refusal_says_when(steps: list[int], limit: int, window: int) -> None:
    """Whoever waits as long as a refusal says is not refused, if nobody else asked meanwhile."""
    store, now = MemoryBudgets(), 0.0
    for step in steps:
        now += step
        refused = await store.spend([charge(limit=limit, window_seconds=window)], at=after(now))
        if refused is not None:
            assert 1 <= refused.retry_after_seconds <= window + window / PARTS + 1
            now += refused.retry_after_seconds
            assert await store.spend([charge(limit=limit, window_seconds=window)], at=after(now)) is None
