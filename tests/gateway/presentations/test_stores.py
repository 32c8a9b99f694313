"""What every store of presentations keeps to, and what nobody finds in Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.marks import MarksUnavailableError, NoMark
from gateway.limits.one_key import OneKey
from gateway.presentations.code import make_code
from gateway.presentations.desk import MAX_OF_HOLDER, PresentationDesk, TooManyError
from gateway.presentations.presentation import (
    Presentation,
    PresentationError,
    encode_presentation,
    parse_presentation,
)
from gateway.presentations.redis_presentations import RedisPresentations
from gateway.presentations.store import MemoryPresentations, PresentationStore
from gateway.shared.connection import SharedRedis
from gateway.sources.source import ByIdentifier, by_number
from tests.support.redis_servers import QUICK, RedisServer, off_loop
from tests.support.shared_redis import AgreedKey, connected

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=5)
SECRET = bytes(range(32))
HOLDER = "11010519491231002X"
NUMBER = "ID-0001"
SHOWN = Presentation(id="1", number=NUMBER, type="居民身份证", holder=HOLDER, ends_at=ENDS)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
presentations = st.builds(
    Presentation,
    id=texts,
    identifier=texts,
    number=texts,
    type=texts,
    holder=texts,
    items=st.none() | st.frozensets(texts, max_size=3),
    ends_at=st.datetimes(timezones=st.just(UTC)),
)


@given(presentations)
def test_round_trip(presentation: Presentation) -> None:
    """What is written is read again, all of it."""
    assert parse_presentation(encode_presentation(presentation)) == presentation


@given(st.binary(max_size=100) | st.integers(0, 80).map(lambda size: encode_presentation(SHOWN)[:size]))
def test_nothing_is_too_odd_to_be_refused(data: bytes) -> None:
    """Bytes are a presentation, or refused in one way."""
    with suppress(PresentationError):
        parse_presentation(data)


def test_the_key_asks_for_the_holder() -> None:
    """A presentation names its licence as that of its holder, by whatever it was named; nobody's number is shown."""
    assert SHOWN.key == by_number(NUMBER, "居民身份证", HOLDER)
    assert HOLDER not in repr(SHOWN)
    key = Presentation(id="1", identifier="1.2.156", holder=HOLDER, ends_at=ENDS).key
    assert isinstance(key, ByIdentifier)
    assert (key.identifier, key.asks_holder, key.holder) == ("1.2.156", True, HOLDER)


class PresentationStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def store(self) -> PresentationStore:
        """Return an empty store."""
        raise NotImplementedError

    async def test_once(self, store: PresentationStore) -> None:
        """A code stands for what it was given for, once, before its end; no other code stands for anything."""
        code = make_code()
        await store.put(code, SHOWN, at=NOW)
        assert await store.take(make_code(), at=NOW) is None
        assert await store.take(code, at=ENDS - timedelta(seconds=1)) == SHOWN
        assert await store.take(code, at=NOW) is None

    async def test_what_is_over(self, store: PresentationStore) -> None:
        """From its end on a code stands for nothing."""
        code = make_code()
        await store.put(code, SHOWN, at=NOW)
        assert await store.take(code, at=ENDS) is None


class TestMemory(PresentationStoreContract):
    """The store in this process."""

    @pytest.fixture
    def store(self) -> PresentationStore:
        """Return an empty store."""
        return MemoryPresentations()

    async def test_what_is_full_forgets_nothing(self) -> None:
        """Where there is no room none is given, also where codes were used, until the first ones have ended."""
        store, codes = MemoryPresentations(most=2), [make_code() for _ in range(3)]
        for code in codes[:2]:
            await store.put(code, SHOWN, at=NOW)
        assert await store.take(codes[0], at=NOW) == SHOWN
        with pytest.raises(MarksUnavailableError) as caught:
            await store.put(codes[2], SHOWN, at=NOW)
        assert caught.value.why is NoMark.FULL
        assert await store.take(codes[1], at=NOW) == SHOWN
        await store.put(codes[2], SHOWN, at=ENDS)
        assert store.size == 1


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[SharedRedis]:
    """Return a connection to an empty server."""
    async with connected(redis_server) as shared:
        yield shared


def in_redis(shared: SharedRedis, secret: bytes | None = SECRET) -> RedisPresentations:
    """Return a store in Redis, of a gateway that counts there as all do."""
    return RedisPresentations(shared, secret, one_key=AgreedKey(shared))


class TestRedis(PresentationStoreContract):
    """The store of several processes."""

    @pytest.fixture
    def store(self, shared: SharedRedis) -> PresentationStore:
        """Return a store in an empty server."""
        return in_redis(shared)

    async def test_one_of_two_takes_it(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """A code that one gateway gave is taken by another, and of all who try at once by one."""
        one, other = in_redis(shared, None), in_redis(shared)
        one.open(SECRET)
        for _ in range(10):
            code = make_code()
            await one.put(code, SHOWN, at=NOW)
            taken = await asyncio.gather(*(store.take(code, at=NOW) for store in (one, other, one, other)))
            assert [found for found in taken if found is not None] == [SHOWN]
        assert await off_loop(redis_server.call, "DBSIZE") == 0

    async def test_nothing_of_it_can_be_read_or_made(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """In Redis there is neither a code nor a number, nothing outlives its end, and what others put is none."""
        store, codes = in_redis(shared), [make_code(), make_code()]
        await store.put(codes[0], SHOWN, at=NOW)
        (key,) = await off_loop(redis_server.call, "KEYS", "*")
        value = await off_loop(redis_server.call, "GET", key)
        for secret in (codes[0], codes[0].hex().encode(), NUMBER.encode(), HOLDER.encode()):
            assert secret not in key + value
        assert 290 < await off_loop(redis_server.call, "TTL", key) <= 300
        await store.put(codes[1], SHOWN, at=NOW)
        (second,) = set(await off_loop(redis_server.call, "KEYS", "*")) - {key}
        for forged in (value, value[:-1], b"", b"x" * 100):  # that of another code, and no value at all
            await off_loop(redis_server.call, "SET", second, forged)
            assert await store.take(codes[1], at=NOW) is None
        assert await in_redis(shared, b"another secret, of 32 bytes too.").take(codes[0], at=NOW) is None
        assert await store.take(codes[0], at=NOW) == SHOWN

    async def test_what_is_put_back(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """A code is good once in the process that took it, also where somebody puts its value back into Redis."""
        store, code = in_redis(shared), make_code()
        await store.put(code, SHOWN, at=NOW)
        (key,) = await off_loop(redis_server.call, "KEYS", "*")
        value = await off_loop(redis_server.call, "GET", key)
        assert await store.take(code, at=NOW) == SHOWN
        await off_loop(redis_server.call, "SET", key, value)
        assert await store.take(code, at=NOW) is None

    async def test_another_key(self, shared: SharedRedis) -> None:
        """A gateway with another key than the first one gives no code, and says that it cannot tell of any."""
        first, second = OneKey(shared), OneKey(shared)
        async with first.running(b"one"), second.running(b"another"):
            store, code = RedisPresentations(shared, SECRET, one_key=first), make_code()
            await store.put(code, SHOWN, at=NOW)
            other = RedisPresentations(shared, SECRET, one_key=second)
            for attempt in (other.put(make_code(), SHOWN, at=NOW), other.take(code, at=NOW)):
                with pytest.raises(MarksUnavailableError) as caught:
                    await attempt
                assert caught.value.why is NoMark.ALONE
            assert await store.take(code, at=NOW) == SHOWN

    async def test_without_redis(self, redis_server: RedisServer) -> None:
        """While Redis is away no code is given, and none is taken."""
        async with connected(redis_server, seconds=QUICK["connect_seconds"]) as shared:
            store = in_redis(shared)
            await off_loop(redis_server.kill)
            for attempt in (store.put(make_code(), SHOWN, at=NOW), store.take(make_code(), at=NOW)):
                with pytest.raises(MarksUnavailableError) as caught:
                    await attempt
                assert caught.value.why is NoMark.AWAY


async def test_one_holder_has_so_many_attempts() -> None:
    """Whoever tries again and again is refused for a while; others are not."""
    passed = [0.0]
    desk = PresentationDesk(MemoryPresentations(), steady=lambda: passed[0])
    for attempt in range(MAX_OF_HOLDER):
        await desk.begin(HOLDER, str(attempt), at=NOW)
    with pytest.raises(TooManyError):
        await desk.begin(HOLDER, "more", at=NOW)
    await desk.begin("another", "1", at=NOW)
    passed[0] = 15 * 60.0
    await desk.begin(HOLDER, "more", at=NOW + timedelta(minutes=15))


async def test_where_nobody_else_would_know() -> None:
    """Beside other processes that share nothing no code is given, and none is taken."""
    desk = PresentationDesk(None)
    for attempt in (desk.begin(HOLDER, "1", at=NOW), desk.take("1", item=None, at=NOW), desk.give(SHOWN, at=NOW)):
        with pytest.raises(MarksUnavailableError) as caught:
            await attempt
        assert caught.value.why is NoMark.ALONE
