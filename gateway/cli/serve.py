"""``tongban serve``: the gateway in one process, or in several that share the port (SO_REUSEPORT)."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from gateway.app import create_app, server_options
from gateway.background import check_second_opinion
from gateway.cli.console import ExitCode, printable
from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_HOST, DEFAULT_PORT, MAX_WORKERS
from gateway.http.server import GatewayRunner
from gateway.http.state import RELOAD
from gateway.metrics import SHARED_FOLDER_VARIABLE
from gateway.request_log import start_request_log
from gateway.site import Site, SiteError, load_site
from keys.errors import LibraryUnusableError

CLEANUP_SECONDS: Final = 1.0  # for what is left after everything was drained, or had its time
_GOOD_ENDS: Final = (0, -signal.SIGTERM)  # the second: told to stop again after it had closed everything
_BACKLOG: Final = 1024
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_READY: Final = "ready"


def serve(site_dir: Path, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, workers: int = 1) -> ExitCode:
    """Serve the site until a signal says stop; INVALID when a worker died, USAGE when it could not start.

    Prints "listening on http://host:port" on standard output when every worker takes connections; port 0 takes a
    free one and names it.
    """
    try:
        site = load_site(site_dir)
    except SiteError as error:
        _complain_of_faults(error)
        return ExitCode.USAGE
    for notice in site.notices:
        place = f"trust/{notice.file}".rstrip("/")
        _complain(f"{place}: {say(notice.sentence_zh, notice.sentence)}")
    if not 1 <= workers <= MAX_WORKERS:
        _complain(say(f"进程数应为 1 到 {MAX_WORKERS}。", f"1 to {MAX_WORKERS} workers were expected, got {workers}"))
        return ExitCode.USAGE
    try:
        check_second_opinion(site.settings.second_opinion)
    except LibraryUnusableError as error:
        zh, en = (
            "第二核验库不可用，网关不启动",
            "the library for second opinions cannot be used, so nothing was started",
        )
        _complain(f"{say(zh, en)}: {error}")
        return ExitCode.USAGE
    try:
        listeners = _bind_group(host, port, workers)
    except OSError as error:
        place = f"{host}:{port}: {error.strerror}"
        _complain(say(f"无法监听 {place}", f"cannot listen on {place}"))
        return ExitCode.USAGE
    address = _address(listeners[0])
    try:
        if workers > 1:
            return _serve_workers(site_dir, listeners, address)
        _run(_serve_site(site, listeners[0], lambda: _announce(address)))
    finally:
        _close(listeners)
    return ExitCode.DONE


def _bind_group(host: str, port: int, size: int) -> list[socket.socket]:
    """Return ``size`` listening sockets of one port, which nobody else can listen on.

    The first one takes the port for itself alone, so that a second gateway does not start unnoticed; only then the
    port is shared (SO_REUSEPORT) among the sockets of this group, over which the kernel spreads the connections.
    """
    first = _bind(host, port, shared=False)
    group = [first]
    try:
        if size > 1:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for _ in range(size - 1):
            group.append(_bind(host, first.getsockname()[1], shared=True))  # noqa: PERF401 — those so far are closed
    except OSError:
        _close(group)
        raise
    return group


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind and listen; connections wait in the backlog until somebody accepts them."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _close(listeners: Iterable[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _complain(sentence: str) -> None:
    print(f"tongban: {printable(sentence)}", file=sys.stderr)


def _complain_of_faults(error: SiteError) -> None:
    _complain(say("站点文件夹有误：", "the site folder has faults:"))
    for fault in error.faults:
        print(f"  {printable(say(fault.sentence_zh, str(fault)))}", file=sys.stderr)


def _announce(address: str) -> None:
    print(f"listening on {address}", flush=True)


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 — optional where the platform has none
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve_site(
    site: Site,
    listener: socket.socket,
    when_ready: Callable[[], None],
    stop_signals: Iterable[signal.Signals] = _STOP_SIGNALS,
) -> None:
    """Serve one process until a stop signal; then answer what was asked, each question up to its own deadline."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals:
        loop.add_signal_handler(number, stop.set)
    log = start_request_log()
    http = site.settings.http
    app = create_app(site)
    loop.add_signal_handler(signal.SIGHUP, app[RELOAD])
    runner = GatewayRunner(app, **server_options(http), shutdown_timeout=CLEANUP_SECONDS)
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        when_ready()
        await stop.wait()
        await runner.drain(http.request_timeout_seconds + http.lingering_seconds)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(log.stop)


def _serve_workers(site_dir: Path, listeners: list[socket.socket], address: str) -> ExitCode:
    """Start one worker for each socket, announce them when all are ready, pass stop signals on, and end with them.

    A worker that dies ends all: whoever supervises this process starts it anew, with its full strength.
    """
    context = multiprocessing.get_context("spawn")  # no thread or lock of this process is copied halfway
    with tempfile.TemporaryDirectory(prefix="tongban-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder  # the metrics library reads it when a worker imports it
        processes: list[SpawnProcess] = []
        pipes: list[Connection] = []
        stopped = _stop_on_signals(processes)
        for listener in listeners:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(site_dir, listener, sender))
            process.start()
            sender.close()
            processes.append(process)
            pipes.append(receiver)
        _close(listeners)  # each worker has its own now, and connections to one that dies must not wait here
        if stopped():
            _stop(processes)  # the signal came while they were being started
        if all(_is_ready(pipe) for pipe in pipes):
            _announce(address)
        else:
            _stop(processes)
        ended = wait([process.sentinel for process in processes])  # the first that ends ends all
        first = [process for process in processes if process.sentinel in ended]
        for process in first:
            process.join()
        _stop(processes)
        for process in processes:
            process.join()
    if stopped() and all(process.exitcode in _GOOD_ENDS for process in processes):
        return ExitCode.DONE
    for process in first:
        number = f"{processes.index(process) + 1}/{len(processes)}"
        _complain(
            say(
                f"工作进程 {number} 意外结束（{_end_of(process)}），全部进程已停止。",
                f"worker {number} ended unexpectedly ({_end_of(process)}); all workers were stopped",
            )
        )
    return ExitCode.INVALID


def _end_of(process: SpawnProcess) -> str:
    """Name how a process ended: by which signal, or with which code."""
    code = process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else say(f"退出码 {code}", f"exit code {code}")


def _work(site_dir: Path, listener: socket.socket, ready: Connection) -> None:
    """Be one worker: read the site again (keys do not travel between processes) and serve on the socket given.

    A terminal sends its interrupt to all of us; only the parent takes it, and passes it on as a request to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    with listener:
        try:
            site = load_site(site_dir)
        except SiteError as error:  # the folder was changed after the parent had read it
            _complain_of_faults(error)
            sys.exit(ExitCode.USAGE)
        _run(_serve_site(site, listener, lambda: ready.send(_READY), (signal.SIGTERM,)))


def _is_ready(pipe: Connection) -> bool:
    """Wait until a worker is ready (True) or has died (False)."""
    try:
        return bool(pipe.recv() == _READY)
    except EOFError:
        return False


def _stop_on_signals(processes: list[SpawnProcess]) -> Callable[[], bool]:
    """Pass stop signals on to the workers; the result says whether there was one."""
    received: list[int] = []

    def handle(number: int, _: object) -> None:
        received.append(number)
        _stop(processes)

    def reload(number: int, _: object) -> None:
        for process in processes:
            with suppress(ProcessLookupError, ValueError, TypeError):
                os.kill(process.pid or 0, number) if process.pid else None

    for number in _STOP_SIGNALS:
        signal.signal(number, handle)
    signal.signal(signal.SIGHUP, reload)
    return lambda: bool(received)


def _stop(processes: list[SpawnProcess]) -> None:
    for process in processes:
        with suppress(ProcessLookupError, ValueError):
            process.terminate()
