"""The shared Redis as the gateway asks it: one server or a cluster, by key.

Commands it needs, for an ACL: PING, GET, SET, PTTL, DEL, EVALSHA, EVAL, CLIENT|SETNAME, CLIENT|TRACKING, and for a
cluster CLUSTER|SLOTS, CLUSTER|INFO, ASKING; besides those that scripts of limits and budgets call.
"""

import asyncio
import contextlib
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gateway.shared.command import Argument, Command
from gateway.shared.fault import ElsewhereError, SharedError, SharedFault, UnknownScriptError
from gateway.shared.health import PROBE_SECONDS
from gateway.shared.metrics import AWAY, UP, SharedMetrics
from gateway.shared.report import SharedReport, SharedState
from gateway.shared.settings import Address, RedisAccess
from gateway.shared.slots import SlotMap, SlotsError, parse_slots

if TYPE_CHECKING:
    from gateway.shared.node import Node

LOGGER: Final = logging.getLogger("tongban.redis")
# Between two looks, however often one is asked for: while slots of a cluster move, every question may ask for one.
_LEAST_SECONDS: Final = 0.1
_COMMANDS_OF_A_LOOK: Final = 2  # which server has which keys, and whether it is well
_ASKING: Final[Command] = ("ASKING",)
_CLUSTER_SLOTS: Final[Command] = ("CLUSTER", "SLOTS")


@dataclass(frozen=True, slots=True)
class Script:
    """A script in Lua that Redis runs as one step; all its keys have to be in one slot."""

    text: str
    sha1: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it as Redis does."""
        name = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha1", name)


class SharedRedis:
    """Asks the server that has a key; while that is away nobody waits for it, and a probe brings it back.

    Nothing depends on it at the start: what cannot be asked is a `SharedError`, as it is later.
    """

    def __init__(self, access: RedisAccess, *, clock: Callable[[], datetime], metrics: SharedMetrics) -> None:
        """Ask nothing yet."""
        self._access = access
        self._clock = clock
        self._metrics = metrics
        settings = access.settings
        self._is_cluster = settings.cluster
        self._prefix = settings.prefix.encode()
        self._seeds = tuple(self._make_node(address) for address in settings.addresses)
        self._nodes = {} if self._is_cluster else {node.address: node for node in self._seeds}
        self._slots = SlotMap()
        self._state = SharedState.AWAY
        self._since: datetime | None = None
        self._wake = asyncio.Event()

    @property
    def is_cluster(self) -> bool:
        """Whether several servers have the keys, by slots."""
        return self._is_cluster

    @property
    def nodes(self) -> "tuple[Node, ...]":
        """The servers that keys are asked of now."""
        return tuple(self._nodes.values())

    def key(self, *parts: bytes) -> bytes:
        """Return the key of this gateway that consists of these parts."""
        return self._prefix + b":".join(parts)

    def node_of(self, key: bytes) -> "Node | None":
        """Return the server that has a key; None: nobody is known to have it."""
        if not self._is_cluster:
            return self._seeds[0]
        owner = self._slots.owner(key)
        return None if owner is None else self._nodes.get(owner)

    def asks(self, key: bytes) -> bool:
        """Say whether the server that has a key is asked at all now, and not known to be away."""
        node = self.node_of(key)
        return node is not None and node.health.is_up

    async def ask(self, *command: Argument, key: bytes) -> object:
        """Return what the server that has the key answers; whoever asks looks at its type, for servers may lie.

        Raises:
            SharedError: there is no answer.

        """
        (reply,) = await self.ask_all([command], key=key)
        return reply

    async def ask_all(self, commands: Sequence[Command], *, key: bytes) -> list[object]:
        """Do as `ask` for several commands about keys in one slot, in one round trip.

        Raises:
            SharedError: there is not an answer to each; any of them may have been carried out.

        """
        try:
            return await self._ask(commands, key)
        except UnknownScriptError as error:  # a script that `evaluate` did not send
            raise SharedError(SharedFault.REFUSED) from error

    async def evaluate(self, script: Script, *, keys: Sequence[bytes], arguments: Sequence[Argument] = ()) -> object:
        """Return what a script returns; it is sent as a whole where the server does not know it.

        Raises:
            SharedError: there is no answer; the script may have run.

        """
        rest = (len(keys), *keys, *arguments)
        try:
            (reply,) = await self._ask([("EVALSHA", script.sha1, *rest)], keys[0])
        except UnknownScriptError:
            return await self.ask("EVAL", script.text, *rest, key=keys[0])
        return reply

    def report(self) -> SharedReport:
        """Return how Redis stands."""
        up = sum(node.health.is_up for node in self.nodes)
        return SharedReport(
            state=self._state, since=self._since, nodes=len(self._nodes), up=up, fault=self._find_fault()
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the servers during the block; its start waits for one look at most, and for that not long."""
        settings = self._access.settings
        first = asyncio.Event()
        looking = asyncio.create_task(self._keep_looking(first))
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.connect_seconds + _COMMANDS_OF_A_LOOK * settings.command_seconds):
                    await first.wait()
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            for node in {*self._seeds, *self.nodes}:
                await node.close()

    async def _ask(self, commands: Sequence[Command], key: bytes) -> list[object]:
        """Ask the server that has the key, and one other where that says so.

        Raises:
            SharedError, UnknownScriptError: there is no answer.

        """
        node = self.node_of(key)
        if node is None:
            self._metrics.faults[SharedFault.AWAY].inc()
            raise SharedError(SharedFault.AWAY)
        try:
            return await node.ask(commands)
        except ElsewhereError as error:
            other, has_moved = self._redirected(error), error.slot is not None
        try:
            if has_moved:
                return await other.ask(commands)
            # While a slot moves, each command about a key that has moved already is announced.
            replies = await other.ask([one for command in commands for one in (_ASKING, command)])
            return replies[1::2]
        except ElsewhereError as error:
            raise SharedError(SharedFault.REFUSED) from error

    def _redirected(self, error: ElsewhereError) -> "Node":
        """Return the server that another one named; one that is not known yet is looked for, and not waited for.

        Raises:
            SharedError: it is not known yet.

        """
        if error.slot is not None:
            self._slots.move(error.slot, error.owner)
            self._wake.set()
        if error.owner not in self._nodes:
            self._metrics.faults[SharedFault.AWAY].inc()
            raise SharedError(SharedFault.AWAY) from error
        return self._nodes[error.owner]

    def _make_node(self, address: Address) -> "Node":
        from gateway.shared.node import Node  # noqa: PLC0415 — loading redis-py takes long, and most sites do without

        return Node(address, self._access, metrics=self._metrics, on_turn=self._restate)

    async def _keep_looking(self, first: asyncio.Event) -> None:
        while True:
            self._wake.clear()
            if self._is_cluster:
                await self._learn()
            await asyncio.gather(*(node.probe() for node in self.nodes))
            self._restate()
            first.set()
            if any(node.health.is_doubtful for node in self.nodes):
                self._wake.set()
            await asyncio.sleep(_LEAST_SECONDS)
            with contextlib.suppress(TimeoutError):
                # Not all processes at the same moment.
                async with asyncio.timeout(PROBE_SECONDS * random.uniform(0.8, 1.2) - _LEAST_SECONDS):
                    await self._wake.wait()

    async def _learn(self) -> None:
        """Learn from any server which ones have which keys; where none tells, what was known stays."""
        known = [node for node in self.nodes if node.health.is_up]
        random.shuffle(known)
        for node in (*known, *self._seeds):
            try:
                (reply,) = await node.ask_anyway([_CLUSTER_SLOTS])
                slots = parse_slots(reply, asked=node.address)
            except (SharedError, ElsewhereError, UnknownScriptError, SlotsError):
                continue
            if slots.primaries:
                await self._take_over(slots)
                return

    async def _take_over(self, slots: SlotMap) -> None:
        """Ask the servers of this map from now on, with their connections where they are known."""
        before = self._nodes
        seeds = {node.address: node for node in self._seeds}
        self._slots = slots
        self._nodes = {
            address: before.get(address) or seeds.get(address) or self._make_node(address)
            for address in slots.primaries
        }
        for address, node in before.items():
            if address not in self._nodes and address not in seeds:
                await node.close()

    def _restate(self) -> None:
        """Note how Redis stands, and since when."""
        up = sum(node.health.is_up for node in self.nodes)
        away = len(self._nodes) - up
        state = SharedState.PARTLY if up else SharedState.AWAY
        if up and not away and (self._slots.is_whole or not self._is_cluster):
            state = SharedState.UP
        self._metrics.nodes.labels(state=UP).set(up)
        self._metrics.nodes.labels(state=AWAY).set(away)
        if state is not self._state or self._since is None:
            self._state, self._since = state, self._clock()
            LOGGER.log(
                logging.INFO if state is SharedState.UP else logging.WARNING,
                "redis is %s: %d of %d servers answer (%s)",
                state,
                up,
                len(self._nodes),
                self._find_fault() or "no fault",
            )

    def _find_fault(self) -> SharedFault | None:
        """Return why a server that is away did not answer; before a cluster is known, why none tells of it."""
        away = [node for node in self.nodes or self._seeds if not node.health.is_up]
        return next((node.fault for node in away if node.fault is not None), None)
