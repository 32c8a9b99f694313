"""``tongban adapter stand-in``: a small server on this machine that answers as another system does."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from rich.markup import escape

from gateway.adapters.access import reveal_text
from gateway.cli import failure
from gateway.cli.console import ERR, OUT, ExitCode, print_json
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.standins.desk import Desk
from gateway.standins.fault import Fault
from gateway.standins.registry import STAND_INS, StandIn

_HOST: Final = "127.0.0.1"  # never another address: its passwords are known to everyone


def stand_in(name: str, *, port: int, faults: Sequence[str], as_json: bool) -> ExitCode:
    """Serve until a signal says stop; USAGE for a name, a fault or a port that cannot be."""

    def run(_: datetime) -> ExitCode:
        found = STAND_INS.get(name)
        if found is None:
            known = ", ".join(STAND_INS)
            raise UsageError(say(f"没有替身 {name}；可选：{known}", f"there is no stand-in {name}; there are: {known}"))
        desk = found.open_desk(found.load_adapter(), lambda: datetime.now(UTC), _choose(found, faults))
        with socket.create_server((_HOST, port)) as listener:
            asyncio.run(_serve(found, desk, listener, as_json=as_json))
        return ExitCode.DONE

    return failure.guard(run, as_json=as_json)


def _choose(found: StandIn, names: Sequence[str]) -> frozenset[Fault]:
    known = sorted(found.faults)
    for one in names:
        if one not in known:
            listed = ", ".join(known)
            raise UsageError(say(f"没有故障 {one}；可选：{listed}", f"there is no fault {one}; there are: {listed}"))
    return frozenset(Fault(one) for one in names)


async def _serve(found: StandIn, desk: Desk, listener: socket.socket, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(found.make(desk), access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        _announce(found, f"http://{_HOST}:{listener.getsockname()[1]}", as_json=as_json)
        await stop.wait()
    finally:
        await runner.cleanup()


def _announce(found: StandIn, address: str, *, as_json: bool) -> None:
    """Say where it is and with which accounts it is asked; they are no secrets, for they are in the program."""
    secrets = {name: reveal_text(secret) for name, secret in found.access.secrets.items()}
    if as_json:
        print_json({"listening": address, "settings": dict(found.access.settings), "secrets": secrets})
        return
    OUT.print(f"listening on {address}")
    for title, values in ((say("账号", "settings"), found.access.settings), (say("密钥（公开）", "secrets"), secrets)):
        for name, value in values.items():
            ERR.print(escape(f"{title}: {name} = {value}"))
