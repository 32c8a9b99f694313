"""Tests of the connection to a shared Redis, on real servers: who may ask, scripts, deadlines, and starting without."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError, SharedFault
from gateway.shared.metrics import SharedMetrics
from gateway.shared.report import SharedState
from gateway.shared.settings import RedisAccess, open_access
from tests.support.caches import NAME, at_once, open_cache
from tests.support.callers import NOW
from tests.support.lying_redis import answer_usually, lying_redis
from tests.support.redis_servers import QUICK, RedisCluster, RedisServer, access, off_loop, running_redis, until
from tests.support.tls import loopback_files

KEY = b"tongban:test"
PASSWORD = "correct horse"  # noqa: S105 — of a server that lives for a second
DOUBLE = Script("return redis.call('INCRBY', KEYS[1], ARGV[1]) * 2")
ROOT = Path(__file__).parents[3]
RIGHTS = re.search(r"^ACL SETUSER tongban on >PASSWORD (.*)$", (ROOT / "docs/operate.md").read_text(), re.MULTILINE)


def make(reach: RedisAccess) -> SharedRedis:
    """Return a shared Redis that is not asked yet."""
    return SharedRedis(reach, clock=lambda: NOW, metrics=SharedMetrics(CollectorRegistry()))


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[SharedRedis]:
    """Return a shared Redis on one server."""
    shared = make(access(redis_server))
    async with shared.running():
        yield shared


async def list_connections(server: RedisServer) -> set[bytes]:
    """Return the connections that gateways have to a server, by their ids."""
    clients = await off_loop(server.call, "CLIENT", "LIST")
    return set(re.findall(rb"^id=(\d+) .* name=tongban ", clients, re.MULTILINE))


async def test_the_first_question_finds_it(shared: SharedRedis) -> None:
    """When the start is over the server has been asked, and the first question is answered by it."""
    report = shared.report()
    assert (report.state, report.since, report.nodes, report.up) == (SharedState.UP, NOW, 1, 1)
    assert await shared.ask("SET", KEY, b"\x00\r\n", key=KEY) == b"OK"
    assert await shared.ask_all([("GET", KEY), ("PTTL", KEY)], key=KEY) == [b"\x00\r\n", -1]


async def test_a_script_is_sent_once(shared: SharedRedis, redis_server: RedisServer) -> None:
    """A script runs by its name, and as a whole where the server does not know it, as after a restart."""
    await off_loop(redis_server.call, "CONFIG", "RESETSTAT")
    assert await shared.evaluate(DOUBLE, keys=[KEY], arguments=[2]) == 4
    assert await shared.evaluate(DOUBLE, keys=[KEY], arguments=[3]) == 10
    await off_loop(redis_server.call, "SCRIPT", "FLUSH")
    assert await shared.evaluate(DOUBLE, keys=[KEY], arguments=[1]) == 12
    told = await off_loop(redis_server.call, "INFO", "commandstats")
    assert told["cmdstat_eval"]["calls"] == 2


async def test_an_error_leaves_the_connection_good(shared: SharedRedis, redis_server: RedisServer) -> None:
    """A command that the server refuses is an error of that question alone: the others go on, over one connection."""
    for command, fault in {("LPUSH", KEY): SharedFault.REFUSED, ("NOTHING",): SharedFault.REFUSED}.items():
        with pytest.raises(SharedError) as caught:
            await shared.ask_all([command, ("SET", KEY, b"v")], key=KEY)
        assert caught.value.fault is fault
    with pytest.raises(SharedError) as caught:
        await shared.ask("LPUSH", KEY, b"v", key=KEY)
    assert caught.value.fault is SharedFault.ODD
    assert await shared.ask("GET", KEY, key=KEY) == b"v"
    assert len(await list_connections(redis_server)) == 1


async def test_a_primary_that_became_a_replica(shared: SharedRedis, redis_server: RedisServer) -> None:
    """A server that takes no writes any more refuses them, and is connected anew: its name may lead elsewhere."""
    before = await list_connections(redis_server)
    await off_loop(redis_server.call, "REPLICAOF", "127.0.0.1", 1)
    try:
        for _ in range(4):
            with pytest.raises(SharedError) as caught:
                await shared.ask("SET", KEY, b"v", key=KEY)
            assert caught.value.fault is SharedFault.REFUSED
        assert shared.report().state is SharedState.UP
        assert before.isdisjoint(await list_connections(redis_server))
    finally:
        await off_loop(redis_server.call, "REPLICAOF", "NO", "ONE")
    assert await shared.ask("SET", KEY, b"v", key=KEY) == b"OK"


async def test_questions_at_once_are_bounded(redis_server: RedisServer) -> None:
    """No more connections are made than the settings say, and no answer goes to another question."""
    shared = make(access(redis_server, connections=4))
    async with shared.running():
        names = [b"tongban:%d" % place for place in range(200)]
        await asyncio.gather(*(shared.ask("SET", name, name, key=name) for name in names))
        assert await asyncio.gather(*(shared.ask("GET", name, key=name) for name in names)) == names
        assert len(await list_connections(redis_server)) <= 4


async def test_whoever_gives_up_leaves_no_answer_behind(shared: SharedRedis) -> None:
    """A question that is cancelled while its answer is on the way does not give it to the next one."""
    await shared.ask("SET", KEY, b"v", key=KEY)
    for rounds in range(12):
        asking = asyncio.create_task(shared.ask("GET", KEY, key=KEY))
        for _ in range(rounds):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await shared.ask("PTTL", KEY, key=KEY) == -1
    assert shared.report().state is SharedState.UP


async def test_a_start_without_it(redis_server: RedisServer) -> None:
    """A server that is not there holds up neither the start nor any question, and is asked once it is there."""
    await off_loop(redis_server.kill)
    shared = make(access(redis_server, **QUICK))
    async with shared.running():
        report = shared.report()
        assert (report.state, report.since, report.nodes, report.up) == (SharedState.AWAY, NOW, 1, 0)
        with pytest.raises(SharedError) as caught:
            at_once(shared.ask("GET", KEY, key=KEY))
        assert caught.value.fault is SharedFault.AWAY
        await off_loop(redis_server.start)
        await until(lambda: shared.report().state is SharedState.UP)
        assert await shared.ask("GET", KEY, key=KEY) is None


async def test_a_cluster_that_is_not_there(redis_cluster: RedisCluster) -> None:
    """A cluster of which nothing is known holds up no question; a server that is no cluster is none."""
    for server in redis_cluster.servers:
        server.pause()
    shared = make(access(*redis_cluster.servers, cluster=True, **QUICK))
    async with shared.running():
        assert (shared.report().state, shared.report().nodes) == (SharedState.AWAY, 0)
        with pytest.raises(SharedError):
            at_once(shared.ask("GET", KEY, key=KEY))
        for server in redis_cluster.servers:
            server.resume()
        await until(lambda: shared.report().state is SharedState.UP)
        assert await shared.ask("GET", KEY, key=KEY) is None


async def test_a_cluster_that_serves_nothing() -> None:
    """A server that says that its cluster is down is away, although it answers."""
    is_ok = True

    def answer(command: tuple[bytes, ...]) -> bytes:
        if command == (b"CLUSTER", b"SLOTS"):
            return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:%d\r\n" % port
        if command == (b"CLUSTER", b"INFO"):
            return b"$16\r\ncluster_state:ok\r\n" if is_ok else b"$18\r\ncluster_state:fail\r\n"
        return answer_usually(command) if is_ok else b"-CLUSTERDOWN The cluster is down\r\n"

    async with lying_redis(answer) as reach:
        port = reach.settings.addresses[0].port
        shared = make(replace(reach, settings=replace(reach.settings, cluster=True)))
        async with shared.running():
            await until(lambda: shared.report().state is SharedState.UP)
            is_ok = False
            await until(lambda: shared.report().state is SharedState.AWAY)
            assert shared.report().fault is SharedFault.AWAY
            is_ok = True
            await until(lambda: shared.report().state is SharedState.UP)
            assert await shared.ask("GET", KEY, key=KEY) is None


async def test_scripts_in_a_cluster(redis_cluster: RedisCluster) -> None:
    """A script runs where its keys are, and is sent to each server that does not know it."""
    shared = make(access(redis_cluster.servers[0], cluster=True))
    async with shared.running():
        keys = [b"tongban:{%d}" % place for place in range(12)]
        assert {shared.node_of(key).address for key in keys} == {one.address for one in redis_cluster.servers}
        assert [await shared.evaluate(DOUBLE, keys=[key], arguments=[1]) for key in keys] == [2] * 12
        with pytest.raises(SharedError) as caught:
            await shared.evaluate(DOUBLE, keys=keys)
        assert caught.value.fault is SharedFault.REFUSED


async def test_who_may_ask(redis_server: RedisServer) -> None:
    """With a user's name and password, the rights that the manual names are enough for the cache and its copy."""
    await off_loop(redis_server.call, "ACL", "SETUSER", "tongban", "on", f">{PASSWORD}", *RIGHTS[1].split())
    try:
        good = replace(access(redis_server, username="tongban"), password=PASSWORD)
        async with open_cache(good) as opened:
            await until(lambda: opened.cache.has_copy)
            await opened.cache.put(NAME, b"v", seconds=60)
            assert await opened.cache.get(NAME) == b"v"
            await opened.cache.forget(NAME)
            assert opened.tally.faults == []
            with pytest.raises(SharedError) as caught:
                await opened.shared.ask("GET", b"other:key", key=b"other:key")
            assert caught.value.fault is SharedFault.REFUSED
        async with open_cache(replace(good, password="wrong")) as opened:  # noqa: S106 — wrong on purpose
            report = opened.shared.report()
            assert (report.state, report.fault) == (SharedState.AWAY, SharedFault.REFUSED)
            assert opened.value("tongban_redis_commands_total", outcome="refused") >= 1
    finally:
        await off_loop(redis_server.call, "ACL", "DELUSER", "tongban")


def test_rights_of_scripts() -> None:
    """The rights that the manual names are enough for every command of our scripts."""
    texts = [file.read_text() for folder in ("limits", "budget") for file in (ROOT / "gateway" / folder).glob("*.py")]
    called = {name.lower() for text in texts for name in re.findall(r"redis\.call\('([A-Za-z]+)'", text)}
    assert called <= {right.removeprefix("+") for right in RIGHTS[1].split()}


@pytest.fixture(scope="module")
def tls_server() -> Iterator[tuple[RedisServer, Path]]:
    """Return a server that speaks TLS alone, and the file of its certificate."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = loopback_files(Path(folder))
        files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no")
        with running_redis(*files, ca=certificate) as server:
            yield server, certificate


async def test_tls(tls_server: tuple[RedisServer, Path]) -> None:
    """With TLS, a server is asked whose certificate is of the named CA, and no other one."""
    server, certificate = tls_server
    for ca_file, state in {str(certificate): SharedState.UP, "": SharedState.AWAY}.items():
        settings = access(server, tls=True, ca_file=ca_file).settings
        reach = await off_loop(partial(open_access, Path(), settings, file="", faults=[]))
        shared = make(reach)
        async with shared.running():
            assert shared.report().state is state


async def test_a_server_that_never_answers_is_waited_for_as_long_as_the_settings_say() -> None:
    """A question ends by its deadline, the connection's included, whatever the server does."""

    def answer(command: tuple[bytes, ...]) -> bytes:
        return b"" if command[0] == b"GET" else answer_usually(command)

    async with lying_redis(answer, command_seconds=0.02, connect_seconds=0.02) as reach:
        shared = make(reach)
        async with shared.running():
            for _ in range(3):
                with pytest.raises(SharedError) as caught:
                    await shared.ask("GET", KEY, key=KEY)
                assert caught.value.fault is SharedFault.SLOW
            assert shared.report().state is SharedState.AWAY
