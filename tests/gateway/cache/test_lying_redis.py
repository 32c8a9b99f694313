"""A Redis that lies costs a miss and a metric, and is never believed."""

import random

import pytest

from gateway.cache.cache import CacheFault
from gateway.shared.report import SharedState
from tests.support.caches import NAME, OTHER, open_cache
from tests.support.lying_redis import answer_usually, lying_redis
from tests.support.redis_servers import until

LONG = {"command_seconds": 2.0}  # a bulk of 10 MB takes longer than the usual deadline allows on a loaded machine
LIES = {
    "no-redis": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "bytes": bytes(range(128, 256)) * 20,
    "10-mb": b"$10485760\r\n" + bytes(10_485_760) + b"\r\n:1000\r\n",
    "half": b"$100\r\nabc",
    "integer": b":1\r\n:1000\r\n",
    "truth": b"#t\r\n:1000\r\n",
    "list": b"*2\r\n$1\r\na\r\n$1\r\nb\r\n:1000\r\n",
    "map": b"%1\r\n$1\r\na\r\n$1\r\nb\r\n:1000\r\n",
    "no-number": b"$1\r\nv\r\n$1\r\nv\r\n",
    "never-ends": b"$1\r\nv\r\n:-1\r\n",
    "deep": b"*1\r\n" * 10_000,
    "long-list": b"*1000000\r\n",
    "large-number": b":" + b"9" * 5000 + b"\r\n",
    "odd-error": b"-\xff\xfe\r\n",
    "odd-move": b"-MOVED nowhere\r\n:1\r\n",
    "move": b"-MOVED 1 192.0.2.1:6379\r\n:1\r\n",
    "ask": b"-ASK 99999999 :0\r\n:1\r\n",
    "error": b"-ERR no\r\n:1\r\n",
    "no-script": b"-NOSCRIPT no\r\n:1\r\n",
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "password": b"-NOAUTH Authentication required.\r\n",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_lie_is_a_miss(lie: bytes) -> None:
    """Whatever a server answers that is not a value with an end is a miss and a fault."""

    def answer(command: tuple[bytes, ...]) -> bytes:
        if command[0] == b"GET":
            return lie
        return b"" if command[0] == b"PTTL" else answer_usually(command)

    settings = LONG if lie.startswith(b"$10485760") else {}
    async with lying_redis(answer, **settings) as access, open_cache(access, follows=False) as opened:
        assert opened.shared.report().state is SharedState.UP
        assert await opened.cache.get(NAME) is None
        assert (opened.tally.misses, len(opened.tally.faults)) == (1, 1)
        await opened.cache.put(NAME, b"v", seconds=60)  # the next command has a connection of its own, or a sound one
        assert len(opened.tally.faults) == 1


@pytest.mark.parametrize("seed", range(20))
async def test_noise_is_a_miss(seed: int) -> None:
    """Whatever bytes come back, from the first command on, nothing is raised and nothing is found."""
    noise = random.Random(seed)

    def answer(command: tuple[bytes, ...]) -> bytes:
        usual = answer_usually(command)
        return (
            usual
            if noise.random() < 0.5
            else noise.choice(b"+-:$*%_#,(>~=|").to_bytes() + noise.randbytes(40) + b"\r\n"
        )

    async with lying_redis(answer, command_seconds=0.02, connect_seconds=0.05) as access, open_cache(access) as opened:
        for _ in range(3):
            assert await opened.cache.get(NAME) is None
            await opened.cache.put(NAME, b"v", seconds=60)


async def test_an_answer_too_many_is_nobodys() -> None:
    """What a server sends without being asked is never the answer to the next question."""

    def answer(command: tuple[bytes, ...]) -> bytes:
        if command[:2] == (b"GET", b"tongban:cache:" + NAME):
            return b"$1\r\n1\r\n"
        if command[:2] == (b"PTTL", b"tongban:cache:" + NAME):
            return b":1000\r\n$1\r\nX\r\n:1000\r\n"
        return answer_usually(command)

    async with lying_redis(answer) as access, open_cache(access, follows=False) as opened:
        assert await opened.cache.get(NAME) == b"1"
        assert await opened.cache.get(OTHER) is None


async def test_an_answer_too_late_is_nobodys() -> None:
    """What did not come before the deadline is not waited for, and not taken for the answer to the next question."""

    def answer(command: tuple[bytes, ...]) -> bytes:
        if command[0] in {b"GET", b"PTTL"} and command[1].endswith(NAME):
            return b""
        return {b"GET": b"$1\r\no\r\n", b"PTTL": b":1000\r\n"}.get(command[0]) or answer_usually(command)

    async with lying_redis(answer) as access, open_cache(access, follows=False) as opened:
        assert [await opened.cache.get(NAME), await opened.cache.get(OTHER)] == [None, b"o"]
        assert opened.tally.faults == [CacheFault.SLOW]


async def test_pushes_that_are_odd_empty_the_copy() -> None:
    """A push that names no keys says that any may have changed, and the pushes after it are still heard."""
    pushes = (b"\r\n_\r\n", b"\r\n:1\r\n", b"\r\n*1\r\n:1\r\n")
    told = b"+OK\r\n" + b"".join(b">2\r\n$10\r\ninvalidate" + push for push in pushes)
    told += b">1\r\n$10\r\ninvalidate\r\n>2\r\n$7\r\nmessage\r\n:1\r\n"

    def answer(command: tuple[bytes, ...]) -> bytes:
        return told if command[:2] == (b"CLIENT", b"TRACKING") else answer_usually(command)

    async with lying_redis(answer) as access, open_cache(access) as opened:
        await until(lambda: opened.value("tongban_redis_invalidations_total", scope="all") == 4)
        assert opened.cache.has_copy
