"""Several processes of ``tongban serve``: workers that share the port, and one that writes the access log for them.

The log's process is open before the first worker starts, and ends after the last one has ended. One that dies ends all:
whoever supervises the parent starts it anew, with its full strength. Where the parent is killed log and workers stop at
once, and what is still asked is refused, as the log takes nothing any more.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Final

from gateway.audit.unavailable import LogUnavailableError
from gateway.cli.console import ExitCode
from gateway.cli.language import say
from gateway.cli.serve_one import STOP_SIGNALS, open_unless, run, serve_site, stop_on
from gateway.cli.serve_words import complain, complain_of_faults, complain_of_log
from gateway.log_site import LogWriter, make_remote, read_steady
from gateway.metrics import SHARED_FOLDER_VARIABLE, Metrics, shared_folder
from gateway.request_log import start_request_log
from gateway.site import Site, SiteError, load_site

_GOOD_ENDS: Final = (0, -signal.SIGTERM)  # the second: told to stop again after it had closed everything
_READY: Final = "ready"


@dataclass(slots=True, kw_only=True)
class _Child:
    """A process of ours; ``name`` in Chinese and in English."""

    name: tuple[str, str]
    process: SpawnProcess
    ready: Connection

    def is_ready(self) -> bool:
        """Wait until it is ready (True) or has died (False)."""
        try:
            return bool(self.ready.recv() == _READY)
        except EOFError:
            return False


def serve_workers(site_dir: Path, listeners: Sequence[socket.socket], announce: Callable[[], None]) -> ExitCode:
    """Start the log, then one worker for each socket, announce them when all are ready, and end with them."""
    context = multiprocessing.get_context("spawn")  # no thread or lock of this process is copied halfway
    with tempfile.TemporaryDirectory(prefix="tongban-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder  # the metrics library reads it when a child imports it
        workers: list[_Child] = []
        children: list[_Child] = []
        stopped = _stop_on_signals(workers, children)
        log = _start(context, ("日志进程", "the log's process"), _write, site_dir)
        children.append(log)
        is_open = log.is_ready()
        if is_open and not stopped():
            for number, listener in enumerate(listeners, 1):
                name = f"{number}/{len(listeners)}"
                worker = _start(context, (f"工作进程 {name}", f"worker {name}"), _work, site_dir, listener)
                workers.append(worker)
                children.append(worker)
        for listener in listeners:
            listener.close()  # each worker has its own now, and connections to one that dies must not wait here
        if stopped():
            _stop(workers)  # the signal came while they were being started
        if workers and all(worker.is_ready() for worker in workers):
            announce()
        elif is_open:  # else the log ends by itself, with the code that says why
            _stop(workers or children)
        first = _end_all(workers, log)
    return _judge(children, first, is_open=is_open, stopped=stopped())


def _end_all(workers: list[_Child], log: _Child) -> list[_Child]:
    """Wait for the first to end, then end all, the log last; return the first."""
    children = [*workers, log]
    ended = wait([child.process.sentinel for child in children])
    first = [child for child in children if child.process.sentinel in ended]
    _join(first)
    _stop(workers)
    _join(workers)
    _stop([log])
    _join([log])
    return first


def _judge(children: list[_Child], first: list[_Child], *, is_open: bool, stopped: bool) -> ExitCode:
    """Say what went wrong, and return what the parent ends with."""
    if stopped and all(child.process.exitcode in _GOOD_ENDS for child in children):
        return ExitCode.DONE
    if not is_open and any(child.process.exitcode == ExitCode.USAGE for child in first):
        return ExitCode.USAGE  # it said why
    for child in first:
        end = _end_of(child.process)
        zh, en = child.name
        complain(
            say(
                f"{zh} 意外结束（{end}），全部进程已停止。",
                f"{en} ended unexpectedly ({end}); all processes were stopped",
            )
        )
    return ExitCode.INVALID


def _end_of(process: SpawnProcess) -> str:
    """Name how a process ended: by which signal, or with which code."""
    code = process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else say(f"退出码 {code}", f"exit code {code}")


def _start(context: SpawnContext, name: tuple[str, str], main: Callable[..., None], *arguments: Any) -> _Child:  # noqa: ANN401 - what ``main`` takes
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=main, args=(*arguments, sender))
    process.start()
    sender.close()
    return _Child(name=name, process=process, ready=receiver)


# --- children ---------------------------------------------------------------------------------------------------------


def _work(site_dir: Path, listener: socket.socket, ready: Connection) -> None:
    """Be one worker: read the site again (keys do not travel between processes) and serve on the socket given."""
    with listener:
        site = _begin(site_dir)
        run(_answer(site, site_dir, listener, ready))


async def _answer(site: Site, site_dir: Path, listener: socket.socket, ready: Connection) -> None:
    log = make_remote(site_dir, site.settings)
    await log.open()
    try:
        await serve_site(site, listener, lambda: ready.send(_READY), (signal.SIGTERM,), log)
    finally:
        await log.close()


def _write(site_dir: Path, ready: Connection) -> None:
    """Be the process that writes the log; USAGE when it cannot be opened."""
    site = _begin(site_dir)
    try:
        run(_write_until_stopped(site, ready))
    except LogUnavailableError as error:
        complain_of_log(error)
        sys.exit(ExitCode.USAGE)


async def _write_until_stopped(site: Site, ready: Connection) -> None:
    stop = stop_on((signal.SIGTERM,))
    lines = start_request_log()
    metrics = Metrics(shared_folder=shared_folder())
    writer = LogWriter(site, clock=lambda: datetime.now(UTC), metrics=metrics, steady=read_steady)
    try:
        async with AsyncExitStack() as stack:
            if await open_unless(stop, stack.enter_async_context(writer.running())):
                ready.send(_READY)
                await stop.wait()
    finally:
        await asyncio.to_thread(lines.stop)


def _begin(site_dir: Path) -> Site:
    """Read the site as a child; the process ends here when it has faults.

    A terminal sends its interrupt to all of us; only the parent takes it, and passes it on as a request to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    try:
        return load_site(site_dir)
    except SiteError as error:  # the folder was changed after the parent had read it
        complain_of_faults(error)
        sys.exit(ExitCode.USAGE)


# --- signals ----------------------------------------------------------------------------------------------------------


def _stop_on_signals(workers: list[_Child], children: list[_Child]) -> Callable[[], bool]:
    """Pass stop signals on, to the log only while there are no workers; the result says whether there was one."""
    received: list[int] = []

    def handle(number: int, _: object) -> None:
        received.append(number)
        _stop(workers or children)

    def reload(number: int, _: object) -> None:
        for child in workers:
            with suppress(ProcessLookupError):
                os.kill(child.process.pid or 0, number) if child.process.pid else None

    for number in STOP_SIGNALS:
        signal.signal(number, handle)
    signal.signal(signal.SIGHUP, reload)
    return lambda: bool(received)


def _stop(children: Iterable[_Child]) -> None:
    for child in children:
        with suppress(ProcessLookupError, ValueError):
            child.process.terminate()


def _join(children: Iterable[_Child]) -> None:
    for child in children:
        child.process.join()
