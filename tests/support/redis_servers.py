"""Real Redis servers for tests: one, and a cluster of three; tests skip in words where Redis is not installed.

The servers run as long as the tests; the fixtures ``redis_server`` and ``redis_cluster`` hand them out empty.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.shared.settings import Address, RedisAccess, RedisSettings

HOST = "127.0.0.1"
SLOTS = 16384
_PATIENCE_SECONDS = 20.0  # a loaded machine; a server takes 50 ms, a cluster two seconds (it waits after every start)
_STEP_SECONDS = 0.01
_PATIENT = {"command_seconds": 5.0, "connect_seconds": 5.0}  # on a loaded machine, for tests of something else
QUICK = {"command_seconds": 0.05, "connect_seconds": 0.2}  # the deadlines of the product, for tests of what is away


class RedisServer:
    """One server in a folder; everything here blocks, so tests on an event loop call it in a thread (`off_loop`)."""

    def __init__(self, program: str, folder: Path, *options: str, ca: Path | None = None) -> None:
        """Start the server; with a ``ca`` it speaks TLS alone, by the files that the options name."""
        self._ca = ca
        self._program = program
        self._folder = folder
        self._options = options
        self.port, self.bus_port = _free_ports()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(HOST, self.port)

    @property
    def client(self) -> Any:
        """A client of redis-py for whoever looks from outside."""
        import redis  # noqa: PLC0415 — loading it takes long, and most tests do without

        tls = {"ssl": True, "ssl_ca_certs": str(self._ca)} if self._ca else {}
        return redis.Redis(host=HOST, port=self.port, protocol=2, **tls)

    def call(self, *command: str | bytes | int) -> Any:
        """Return what the server answers to somebody else than the gateway."""
        with self.client as client:
            return client.execute_command(*command)

    def start(self) -> None:
        """Start it on its port, and wait until it answers."""
        ports = ("--port", "0", "--tls-port", str(self.port)) if self._ca else ("--port", str(self.port))
        # fmt: off
        command = [
            self._program, *ports, "--cluster-port", str(self.bus_port), "--bind", HOST,
            "--save", "", "--appendonly", "no", "--dir", str(self._folder), "--daemonize", "no", *self._options,
        ]
        # fmt: on
        self._process = subprocess.Popen(  # noqa: S603 — a server of the system, options of ours
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self.answers)
        except BaseException:
            self.kill()
            raise

    def answers(self) -> bool:
        """Say whether it takes commands."""
        from redis.exceptions import RedisError  # noqa: PLC0415 — likewise

        try:
            return bool(self.call("PING"))
        except RedisError:
            return False

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self.resume()
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """End it, and start it anew on the same port, with nothing in it."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it keep its connections, and answer nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def limit_memory(self, size: str = "0") -> None:
        """Let it have so much memory and refuse what needs more; "0": no bound."""
        self.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.call("CONFIG", "SET", "maxmemory", size)

    def flush(self) -> None:
        """Drop everything in it."""
        self.call("FLUSHALL")

    def renew(self) -> None:
        """Make it as it was at first, whatever a test did to it."""
        if self._process is None:
            self.start()
        self.resume()
        self.limit_memory()
        self.flush()

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, which)


class RedisCluster:
    """Three primaries without replicas, each with a third of the slots."""

    def __init__(self, program: str, folder: Path) -> None:
        """Start the servers and make them one cluster."""
        self.servers: list[RedisServer] = []
        try:
            for place in range(3):
                # A lost server is noticed after this time; the others go on with their slots.
                options = ("--cluster-enabled", "yes", "--cluster-config-file", f"{place}.conf")
                options += ("--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no")
                self.servers.append(RedisServer(program, folder, *options))
            third = SLOTS // 3 + 1
            for place, server in enumerate(self.servers):
                last = min(third * (place + 1), SLOTS) - 1
                server.call("CLUSTER", "ADDSLOTSRANGE", third * place, last)
                server.call("CLUSTER", "MEET", HOST, self.servers[0].port, self.servers[0].bus_port)
            wait_until(self.is_whole)
        except BaseException:
            self.kill()
            raise

    def is_whole(self) -> bool:
        """Say whether all servers know that all slots are served."""
        infos = [server.call("CLUSTER", "INFO") for server in self.servers]
        return all(b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info for info in infos)

    def kill(self) -> None:
        """End all servers."""
        for server in self.servers:
            server.kill()

    def renew(self) -> None:
        """Make it as it was at first."""
        for server in self.servers:
            server.renew()
        wait_until(self.is_whole)


def _free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens on: for clients, and for other servers of a cluster."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind((HOST, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def wait_until(is_so: Any) -> None:
    """Wait until it is so; fail when it never is."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > ends_at:
            pytest.fail("a Redis server did not come up")
        time.sleep(_STEP_SECONDS)


async def until(is_so: Any) -> None:
    """Wait on an event loop until it is so; fail when it never is."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at, "it did not come to that"
        await asyncio.sleep(_STEP_SECONDS)


async def off_loop(call: Any, *arguments: Any) -> Any:
    """Do in a thread what blocks."""
    return await asyncio.to_thread(call, *arguments)


def access(*servers: RedisServer, cluster: bool = False, **settings: Any) -> RedisAccess:
    """Return how a gateway reaches these servers; it is patient unless the settings say otherwise."""
    addresses = tuple(server.address for server in servers)
    return RedisAccess(settings=RedisSettings(addresses=addresses, cluster=cluster, **(_PATIENT | settings)))


def find_program() -> str:
    """Return redis-server; skip where it is not installed, but fail when CI is set."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Redis is needed (apt-get install redis-server)")
        pytest.skip("Redis is not installed (apt-get install redis-server)")
    return program


@contextmanager
def running_redis(*options: str, ca: Path | None = None) -> Iterator[RedisServer]:
    """Run a server as long as the block; with a ``ca`` it speaks TLS alone."""
    program = find_program()
    folder = Path(tempfile.mkdtemp(prefix="tongban-redis-"))
    try:
        server = RedisServer(program, folder, *options, ca=ca)
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_cluster() -> Iterator[RedisCluster]:
    """Run a cluster as long as the block."""
    program = find_program()
    folder = Path(tempfile.mkdtemp(prefix="tongban-redis-"))
    try:
        cluster = RedisCluster(program, folder)
        try:
            yield cluster
        finally:
            cluster.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _one_redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def _one_cluster() -> Iterator[RedisCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def redis_server(_one_redis: RedisServer) -> Iterator[RedisServer]:
    """Return an empty server, which is renewed after the test."""
    yield _one_redis
    _one_redis.renew()


@pytest.fixture
def redis_cluster(_one_cluster: RedisCluster) -> Iterator[RedisCluster]:
    """Return an empty cluster, which is renewed after the test."""
    yield _one_cluster
    _one_cluster.renew()
