"""One process of ``tongban serve`` that answers: alone and writing the log itself, or as one worker of several."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import parent_process
from typing import Any, Final, TypeVar

from aiohttp import web

from gateway.app import create_app, server_options
from gateway.audit.book.site_log import SiteLog
from gateway.cli.serve_signals import take_signals
from gateway.cli.serve_words import complain_of_faults, complain_of_no_restart
from gateway.http.server import IDLE_GRACE_SECONDS, GatewayRunner
from gateway.http.state import METRICS, RELOAD
from gateway.log_site import read_steady
from gateway.metrics import begin_at_zero
from gateway.request_log import start_request_log
from gateway.site import Site, SiteError, load_site

BACKLOG: Final = 1024
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
CLEANUP_SECONDS: Final = 1.0  # for what is left after everything was drained, or had its time

_Result = TypeVar("_Result")


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 — optional where the platform has none
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


class Why(StrEnum):
    """Why a process began to answer; words of a metric."""

    START = "start"  # with the gateway
    REPLACED = "replaced"  # in the place of others, which were told to leave
    DIED = "died"  # in the place of one that died


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Why a process begins to answer, and when the gateway was started, all of its processes (Unix time)."""

    why: Why
    gateway_at: float


async def serve_site(
    site: Site,
    listener: socket.socket,
    when_ready: Callable[[], None],
    stop_signals: Iterable[signal.Signals] = STOP_SIGNALS,
    log: SiteLog | None = None,
    *,
    start: Start,
) -> bool:
    """Serve one process until a stop signal; then answer what was asked, each question up to its own deadline.

    On SIGUSR2 it answers what was asked and leaves. Where it writes the log itself, nobody answers until it was started
    anew: then True is returned, ``listener`` stays open, and whoever connects meanwhile waits.

    Raises:
        LogUnavailableError: no ``log`` is given, and that of the site cannot be opened.

    """
    stop, leave = stop_on(stop_signals), asyncio.Event()
    lines = start_request_log()
    http = site.settings.http
    app = create_app(site, log=log, steady=read_steady)
    begin_at_zero(app[METRICS].worker_starts, Why)
    app[METRICS].worker_starts.labels(why=start.why).inc()
    app[METRICS].started.set(start.gateway_at)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, app[RELOAD])
    loop.add_signal_handler(signal.SIGUSR2, leave.set)
    runner = GatewayRunner(app, **server_options(http), shutdown_timeout=CLEANUP_SECONDS)
    leaves = False
    try:
        with take_signals():
            if await open_unless(stop, runner.setup()):
                await web.SockSite(runner, listener.dup(), backlog=BACKLOG).start()
                when_ready()
                leaves = await _is_told_to_leave(site, stop, leave, check=log is None)
                if log is not None or not leaves:
                    listener.close()  # at once: nobody is to wait for somebody who does not come
                longest = max(http.request_timeout_seconds, http.batch_timeout_seconds) + http.lingering_seconds
                if leaves and log is None:
                    await runner.leave(longest, idle_seconds=IDLE_GRACE_SECONDS, stop=stop)
                elif leaves:  # others answer: nobody who keeps a connection has to be surprised
                    longest += http.keepalive_timeout_seconds
                    await runner.leave(longest, idle_seconds=http.keepalive_timeout_seconds, stop=stop)
                if stop.is_set():
                    await runner.drain(http.request_timeout_seconds + http.lingering_seconds)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(lines.stop)
    return leaves and log is None and not stop.is_set()


async def _is_told_to_leave(site: Site, stop: asyncio.Event, leave: asyncio.Event, *, check: bool) -> bool:
    """Wait for a signal; answer whether it is that to leave, and not that to stop.

    With ``check`` a process does not leave that could not be started anew: the site has faults.
    """
    while True:
        waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(leave.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        if stop.is_set():
            return False
        leave.clear()
        try:
            if check and site.folder is not None:
                await asyncio.to_thread(load_site, site.folder)
        except SiteError as error:
            complain_of_faults(error)
            complain_of_no_restart()
        else:
            return True


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
