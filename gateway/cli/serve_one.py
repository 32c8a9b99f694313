"""One process of ``tongban serve`` that answers: alone and writing the log itself, or as one worker of several."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from multiprocessing import parent_process
from typing import Any, Final

from aiohttp import web

from gateway.app import create_app, server_options
from gateway.audit.book.site_log import SiteLog
from gateway.http.server import GatewayRunner
from gateway.http.state import RELOAD
from gateway.log_site import read_steady
from gateway.request_log import start_request_log
from gateway.site import Site

BACKLOG: Final = 1024
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
CLEANUP_SECONDS: Final = 1.0  # for what is left after everything was drained, or had its time


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 — optional where the platform has none
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve_site(
    site: Site,
    listener: socket.socket,
    when_ready: Callable[[], None],
    stop_signals: Iterable[signal.Signals] = STOP_SIGNALS,
    log: SiteLog | None = None,
) -> None:
    """Serve one process until a stop signal; then answer what was asked, each question up to its own deadline.

    Raises:
        LogUnavailableError: no ``log`` is given, and that of the site cannot be opened.

    """
    stop = stop_on(stop_signals)
    lines = start_request_log()
    http = site.settings.http
    app = create_app(site, log=log, steady=read_steady)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app[RELOAD])
    runner = GatewayRunner(app, **server_options(http), shutdown_timeout=CLEANUP_SECONDS)
    try:
        if await open_unless(stop, runner.setup()):
            await web.SockSite(runner, listener, backlog=BACKLOG).start()
            when_ready()
            await stop.wait()
            await runner.drain(http.request_timeout_seconds + http.lingering_seconds)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(lines.stop)


async def open_unless(stop: asyncio.Event, opening: Coroutine[Any, Any, None]) -> bool:
    """Open something, which may wait for the log, and give up when a stop comes first; answer whether it is open."""
    opens = asyncio.create_task(opening)
    tasks = (opens, asyncio.create_task(stop.wait()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if opens.cancelled():
        return False
    opens.result()
    return True


def stop_on(signals: Iterable[signal.Signals]) -> asyncio.Event:
    """Return an event that is set by these signals, and when the process that started this one is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def end() -> None:
            loop.remove_reader(sentinel)
            stop.set()

        loop.add_reader(sentinel, end)
    return stop
