"""What Redis pushes about keys that changed (CLIENT TRACKING of RESP3), so that copies of values can be kept here.

One connection to each server, which broadcasts every change under a prefix, whoever makes it. Copies are only right
while it is there: whoever keeps some is told when it is lost, and may keep none of that server's until it is back.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from gateway.shared.connection import SharedRedis
from gateway.shared.fault import SharedError, SharedFault
from gateway.shared.metrics import SharedMetrics

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

    from gateway.shared.node import Node

# So long the server may say nothing before it is asked whether it is there, and so long it may take to answer that. A
# change that a server which was cut off could not push is so noticed after twice this time.
SILENCE_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.25  # between two looks at which servers there are
RETRY_SECONDS: Final = 1.0  # until a server that pushes nothing, for want of rights for instance, is asked again
_PUSHED: Final = "pushed"
_ONE: Final = "one"
_ALL: Final = "all"


class Tracking:
    """Follows every server; ``on_change`` gets a key that changed, ``on_loss`` says that any may have."""

    def __init__(
        self,
        shared: SharedRedis,
        prefix: bytes,
        *,
        metrics: SharedMetrics,
        on_change: Callable[[bytes], None],
        on_loss: Callable[[], None],
    ) -> None:
        """Follow nothing yet."""
        self._shared = shared
        self._prefix = prefix
        self._metrics = metrics
        self._on_change = on_change
        self._on_loss = on_loss
        self._followed: set[Node] = set()
        self._tasks: dict[Node, asyncio.Task[None]] = {}

    def covers(self, key: bytes) -> bool:
        """Say whether a change of this key would be pushed to us."""
        node = self._shared.node_of(key)
        return node is not None and node in self._followed

    @property
    def is_whole(self) -> bool:
        """Whether every server pushes its changes."""
        return bool(self._followed) and self._followed.issuperset(self._shared.nodes)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the servers during the block."""
        looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            tasks = [looking, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.clear()

    async def _keep_looking(self) -> None:
        """Begin with servers that are new or back, and end with those that are gone."""
        while True:
            nodes = self._shared.nodes
            for node, task in list(self._tasks.items()):
                if task.done():
                    del self._tasks[node]
                elif node not in nodes:
                    task.cancel()
            for node in nodes:
                if node.health.is_up and node not in self._tasks:
                    self._tasks[node] = asyncio.create_task(self._follow(node))
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self, node: "Node") -> None:
        """Follow one server until it is lost."""
        connection, was_followed = node.make_connection(), False
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._begin(connection)
            was_followed = True
            self._followed.add(node)
            self._metrics.tracked.set(len(self._followed))
            await self._listen(connection)
        except Exception:  # noqa: BLE001, S110 — what is no Redis makes redis-py and hiredis raise anything; it is counted
            pass
        finally:
            if node in self._followed:
                self._followed.discard(node)
                self._metrics.tracked.set(len(self._followed))
                self._metrics.tracking_losses.inc()
                self._on_loss()
            await connection.disconnect(nowait=True)
        if not was_followed:
            await asyncio.sleep(RETRY_SECONDS)

    async def _begin(self, connection: "Connection") -> None:
        await connection.connect()  # type: ignore[no-untyped-call]  # redis-py has no types here
        parser: Any = connection._parser  # noqa: SLF001 — only the clients of redis-py set this handler by a public name
        parser.set_invalidation_push_handler(self._take)
        await connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", self._prefix)
        if await connection.read_response() != b"OK":
            raise SharedError(SharedFault.REFUSED)

    async def _listen(self, connection: "Connection") -> None:
        """Take what is pushed, until the server is silent although it was asked."""
        is_asked = False
        while True:
            said = await connection.read_response(timeout=SILENCE_SECONDS, push_request=True)
            if said is not None:
                is_asked = False
            elif is_asked:
                return
            else:
                await connection.send_command("PING")
                is_asked = True

    async def _take(self, message: list[Any]) -> str:
        """Pass on which keys changed; None in their place means any (FLUSHALL), and so does what we cannot read."""
        keys = message[1] if len(message) > 1 else None
        if isinstance(keys, list) and all(isinstance(key, bytes) for key in keys):
            self._metrics.invalidations.labels(scope=_ONE).inc(len(keys))
            for key in keys:
                self._on_change(key)
        else:
            self._metrics.invalidations.labels(scope=_ALL).inc()
            self._on_loss()
        return _PUSHED
