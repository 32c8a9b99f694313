"""``tongban adapter stand-in``: a small server on this machine that answers as another system does."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web
from rich.markup import escape

from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from gateway.adapters.access import reveal_text
from gateway.cli.adapter_commands import guard
from gateway.cli.adapter_files import find_adapter
from gateway.cli.adapter_samples import load_samples, make_samples
from gateway.cli.adapter_transport import check_transport
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.standins.desk import Desk
from gateway.standins.fault import Fault
from gateway.standins.mirror import NOTE
from gateway.standins.registry import STAND_INS, StandIn, reflect
from gateway.trust.files import read_file

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST: Final = "127.0.0.1"  # never another address: its passwords are known to everyone


def stand_in(
    name: str, *, port: int, faults: Sequence[str], samples: Sequence[Path], file: Path | None, as_json: bool
) -> ExitCode:
    """Serve until a signal says stop; USAGE for a name, a fault or a port that cannot be, INVALID for a bad mapping."""

    def run(_: datetime) -> ExitCode:
        found = _find(name)
        adapter = found.load_adapter()
        records = load_samples(adapter, samples) if samples else make_samples(adapter)
        handed_out = b"" if file is None else read_file(file, MAX_DOCUMENT_MESSAGE)
        desk = found.open_desk(adapter, lambda: datetime.now(UTC), _choose(found, faults), records, handed_out)
        with socket.create_server((_HOST, port)) as listener:
            asyncio.run(_serve(found, desk, listener, as_json=as_json))
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _find(name: str) -> StandIn:
    """Return a stand-in by its name, or the one of a mapping file; raises UsageError."""
    path = Path(name)
    if path.suffix != ".toml" and not path.exists():
        found = STAND_INS.get(name)
        if found is None:
            known = ", ".join(STAND_INS)
            raise UsageError(say(f"没有替身 {name}；可选：{known}", f"there is no stand-in {name}; there are: {known}"))
        return found
    adapter = find_adapter(name)
    if not adapter.transport:
        raise UsageError(say(f"{name} 没有 [transport]", f"{name} has no [transport]"))
    check_transport(adapter)
    return reflect(adapter)


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
    app = found.make(desk)
    app.middlewares.append(_tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        _announce(desk, f"http://{_HOST}:{listener.getsockname()[1]}", as_json=as_json)
        await stop.wait()
    finally:
        await runner.cleanup()


@web.middleware
async def _tell(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say on standard error what became of a request; its query is left out, for it may hold anything."""
    status = 500
    try:
        answered = await handler(request)
        status = answered.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        note = request.get(NOTE, "")
        ERR.print(escape(printable(f"{request.method} {request.path} {status} {note}".rstrip())))
    return answered


def _announce(desk: Desk, address: str, *, as_json: bool) -> None:
    """Say where it is and with which accounts it is asked; they are no secrets, for they are in the program."""
    secrets = {name: reveal_text(secret) for name, secret in desk.access.secrets.items()}
    licences = len(desk.find(lambda _: True))
    if as_json:
        print_json(
            {"listening": address, "settings": dict(desk.access.settings), "secrets": secrets, "licences": licences}
        )
        return
    OUT.print(f"listening on {address}")
    for title, values in ((say("账号", "settings"), desk.access.settings), (say("密钥（公开）", "secrets"), secrets)):
        for name, value in values.items():
            ERR.print(escape(f"{title}: {name} = {value}"))
    ERR.print(say(f"证照：{licences} 件", f"licences: {licences}"))
