"""One server of Redis: its connections, the deadline of every command, and whether it is asked at all.

Built on connections of redis-py, not on its clients: those try again by themselves, and the one for clusters finds out
about their servers in the middle of a question. Here a question waits for nothing but its own round trip.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.shared.command import Command
from gateway.shared.deadline import Deadline
from gateway.shared.fault import ElsewhereError, SharedError, SharedFault, UnknownScriptError
from gateway.shared.health import Health
from gateway.shared.metrics import AWAY, UP, SharedMetrics
from gateway.shared.settings import Address, RedisAccess
from gateway.telemetry.span import SpanName, part

CLIENT_NAME: Final = "tongban"  # what CLIENT LIST shows to the operator of Redis
_WRONG_TYPE: Final = "WRONGTYPE"
_PROBE: Final = ("PING",)
_PROBE_OF_CLUSTER: Final = ("CLUSTER", "INFO")
_PONG: Final = b"PONG"
_CLUSTER_OK: Final = b"cluster_state:ok"


class _TlsConnection(SSLConnection):
    """A connection with a context of ours, made once: redis-py reads the files again for each connection."""

    def __init__(self, *, tls: Any, **options: Any) -> None:  # noqa: ANN401 — redis-py's own options
        super().__init__(**options)
        self.ssl_context.context = tls


class Node:
    """One server; commands that are sent together go over one connection, in order."""

    def __init__(
        self,
        address: Address,
        access: RedisAccess,
        *,
        metrics: SharedMetrics,
        on_turn: Callable[[], None],
    ) -> None:
        """Begin without a connection; ``on_turn`` is told that the server went or came back."""
        self.address = address
        self._access = access
        self._metrics = metrics
        self._on_turn = on_turn
        self.health = Health(on_turn=self._turned)
        self.fault: SharedFault | None = None  # why it did not answer the last time that it did not
        self._free: list[Connection] = []
        self._is_gone = False
        self._room = asyncio.Semaphore(access.settings.connections)

    async def ask(self, commands: Sequence[Command]) -> list[object]:
        """Return what the server answers to each of the commands; without waiting while it is away.

        Raises:
            SharedError: it is away, did not answer in time, or answered with an error or with garbage.
            ElsewhereError, UnknownScriptError: it answered, and says whom to ask, or that it needs the script.

        """
        if not self.health.is_up:
            self._metrics.faults[SharedFault.AWAY].inc()
            raise SharedError(SharedFault.AWAY)
        return await self.ask_anyway(commands)

    async def ask_anyway(self, commands: Sequence[Command]) -> list[object]:
        """Do as `ask`, of a server that may be away; for what happens in the background."""
        started = time.perf_counter()
        try:
            with part(SpanName.REDIS):
                replies = await self._exchange(commands)
        except SharedError as error:
            self.fault = error.fault
            self.health.failed()
            self._metrics.faults[error.fault].inc()
            raise
        finally:
            self._metrics.seconds.observe(time.perf_counter() - started)
        for reply in replies:
            if isinstance(reply, ResponseError):
                await self._raise_reply(reply)
        self.health.answered()
        self._metrics.done.inc()
        return replies

    async def probe(self) -> None:
        """Find out whether the server answers, and note it; of one that was away no old connection is used again."""
        if not self.health.is_up:
            await self._drop_free()
        is_cluster = self._access.settings.cluster
        try:
            (reply,) = await self.ask_anyway([_PROBE_OF_CLUSTER if is_cluster else _PROBE])
        except SharedError:  # noted already
            return
        except (ElsewhereError, UnknownScriptError):  # no answer to what was asked
            reply = None
        if isinstance(reply, bytes) and (_CLUSTER_OK in reply if is_cluster else reply == _PONG):
            self.health.recovered()
        else:
            self.fault = SharedFault.AWAY if is_cluster else SharedFault.ODD
            self.health.declined()

    def make_connection(self) -> Connection:
        """Return a connection that is not made yet; nothing about it has a time limit, so its user needs one."""
        settings = self._access.settings
        options: dict[str, Any] = {
            "host": self.address.host,
            "port": self.address.port,
            "username": settings.username or None,
            "password": self._access.password,
            "protocol": 3,
            "client_name": CLIENT_NAME,
            "driver_info": None,  # two more commands for each connection, which only describe redis-py
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": None,
            "socket_connect_timeout": None,
        }
        return _TlsConnection(tls=self._access.tls, **options) if settings.tls else Connection(**options)

    async def close(self) -> None:
        """Close all connections, those that are used now when their answers came."""
        self._is_gone = True
        await self._drop_free()

    async def _drop_free(self) -> None:
        while self._free:
            await self._free.pop().disconnect(nowait=True)

    async def _exchange(self, commands: Sequence[Command]) -> list[object]:
        """Return one reply for each command, errors of the server included.

        Raises:
            SharedError: they did not all come.

        """
        settings = self._access.settings
        try:
            async with Deadline(settings.connect_seconds) as deadline, self._room:
                connection = self._free.pop() if self._free else self.make_connection()
                try:
                    if connection.is_connected and await connection.can_read():
                        await connection.disconnect(nowait=True)  # closed by the server, or something unasked in it
                    await connection.connect()  # type: ignore[no-untyped-call]  # redis-py has no types here
                    deadline.restart(settings.command_seconds)
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    replies = [await _read(connection) for _ in commands]
                except BaseException:
                    await connection.disconnect(nowait=True)  # an answer may be on its way, and is nobody else's
                    raise
                if self._is_gone:
                    await connection.disconnect(nowait=True)
                else:
                    self._free.append(connection)
                return replies
        except (TimeoutError, RedisTimeoutError) as error:
            raise SharedError(SharedFault.SLOW) from error
        except (AuthenticationError, AuthorizationError, ResponseError) as error:
            raise SharedError(SharedFault.REFUSED) from error
        except (RedisConnectionError, OSError) as error:
            raise SharedError(SharedFault.AWAY) from error
        except Exception as error:  # what is no Redis makes redis-py and hiredis raise anything
            raise SharedError(SharedFault.ODD) from error

    async def _raise_reply(self, error: ResponseError) -> NoReturn:
        """Say what an error means that the server answered with."""
        if isinstance(error, AskError | NoScriptError):
            self.health.answered()
            if isinstance(error, NoScriptError):
                raise UnknownScriptError from error
            owner = Address(error.host or self.address.host, error.port)
            raise ElsewhereError(owner, error.slot_id if isinstance(error, MovedError) else None) from error
        fault = SharedFault.REFUSED
        if isinstance(error, ClusterDownError):
            fault = SharedFault.AWAY
        elif isinstance(error, OutOfMemoryError):
            fault = SharedFault.FULL
        elif str(error).startswith(_WRONG_TYPE):
            fault = SharedFault.ODD
        if isinstance(error, ReadOnlyError):
            await self._drop_free()  # it was a primary when we connected: its name may lead to another server by now
        if isinstance(error, ClusterDownError):
            self.fault = fault
            self.health.failed()
        else:
            self.health.answered()
        self._metrics.faults[fault].inc()
        raise SharedError(fault) from error

    def _turned(self) -> None:
        self._metrics.turns.labels(state=UP if self.health.is_up else AWAY).inc()
        self._on_turn()


async def _read(connection: Connection) -> object:
    """Return the next reply; an error of the server is one too, and the connection stays good."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
