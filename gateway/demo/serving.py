"""What a demo that goes on serving does for whoever asks at its desk: servers, revocations, questions, the board."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from gateway.demo.asking import RunningGateway
from gateway.demo.board import Board, read_board
from gateway.demo.desk import Desk, Request, Wish
from gateway.demo.prometheus import NAME as PROMETHEUS
from gateway.demo.revoking import RevocationAnswer, Revoker
from gateway.demo.server import Action, Server, ServerDidNotStartError, ServerState, act, read_state, select_actions
from gateway.demo.servers import Servers
from gateway.demo.stage import Stage
from gateway.demo.standing import StandingAnswers, ask_standing, let_keep, make_standing

GATEWAY: Final = "gateway"
LICENCE: Final = "licence"  # how: revoke it, and not its signer


class ServerNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process of the demo; ``actions`` are the words of what can be done to it now."""

    name: str
    address: str
    pid: int | None
    state: ServerState
    actions: list[str]


class ServersNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them; ``error`` is why what was wanted was not done: one of our words, or what a server said."""

    error: str = ""
    servers: list[ServerNow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A demo that serves."""

    stage: Stage
    folder: Path
    gateway: RunningGateway
    servers: Servers
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open_desk(self) -> Desk:
        """Return the desk; before, the gateway was given answers to keep."""
        asyncio.run(let_keep(self.gateway.address, make_standing(self.stage)))
        handlers: Mapping[Wish, Callable[[Request], Struct]] = {
            Wish.SERVERS: self._act,
            Wish.REVOKE: self._revoke,
            Wish.ASK: self._ask,
            Wish.BOARD: self._read_board,
        }
        return Desk(self.folder, handlers)

    def describe(self, error: str = "") -> ServersNow:
        """Return how all processes stand."""
        state = read_state(self.gateway)  # of a child that was killed as well: its number is kept until it is asked for
        gateway = ServerNow(
            name=GATEWAY,
            address=self.gateway.address,
            pid=None if state is ServerState.STOPPED else self.gateway.pid,
            state=state,
            actions=[],
        )
        return ServersNow(error=error, servers=[gateway, *map(_describe, self.servers.by_name.values())])

    def _act(self, wanted: Request) -> ServersNow:
        """Do what is wanted, if anything is, and say how all stand then."""
        if not wanted.how:
            return self.describe()
        server = self.servers.by_name.get(wanted.name)
        if server is None:
            return self.describe("no-such-server")
        if wanted.how not in select_actions(server):
            return self.describe("not-now")
        try:
            act(server, Action(wanted.how))
        except (ServerDidNotStartError, OSError) as error:
            return self.describe(str(error))
        return self.describe()

    def _revoke(self, wanted: Request) -> RevocationAnswer:
        revoker = Revoker(stage=self.stage, folder=self.folder, address=self.gateway.address)
        if wanted.how == LICENCE:
            return revoker.revoke_licence(wanted.name)
        return revoker.revoke_signer(wanted.name, self.clock().replace(microsecond=0))

    def _ask(self, _: Request) -> StandingAnswers:
        return asyncio.run(ask_standing(self.gateway.address, make_standing(self.stage)))

    def _read_board(self, _: Request) -> Board:
        watching = self.servers.by_name.get(PROMETHEUS)
        return asyncio.run(read_board(self.gateway.address, None if watching is None else watching.address))


def _describe(server: Server) -> ServerNow:
    return ServerNow(
        name=server.name,
        address=server.address,
        pid=server.pid,
        state=read_state(server),
        actions=[one.value for one in select_actions(server)],
    )
