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
from gateway.cli.console import ExitCode
from gateway.cli.language import say
from gateway.metrics import SHARED_FOLDER_VARIABLE
from gateway.request_log import start_request_log
from gateway.site import Site, SiteError, load_site

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8440
MAX_WORKERS: Final = 256
SHUTDOWN_SECONDS: Final = 15.0  # requests under way may end; documents take a second at worst
_GOOD_ENDS: Final = (0, -signal.SIGTERM)  # the second: told to stop again after it had closed everything
_BACKLOG: Final = 1024
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_READY: Final = "ready"


def serve(site_dir: Path, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, workers: int = 1) -> ExitCode:
    """Serve the site until a signal says stop; INVALID when a worker died, USAGE when it could not start.

    Prints "listening on http://host:port" on standard output when every worker takes connections; port 0 takes a
    free one and names it.
    """
    try:
        site = load_site(site_dir)
    except SiteError as error:
        _complain(say("站点文件夹有误：", "the site folder has faults:"))
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
        return ExitCode.USAGE
    for notice in site.notices:
        place = f"trust/{notice.file}".rstrip("/")
        _complain(f"{place}: {say(notice.sentence_zh, notice.sentence)}")
    if not 1 <= workers <= MAX_WORKERS:
        _complain(say(f"进程数应为 1 到 {MAX_WORKERS}。", f"1 to {MAX_WORKERS} workers were expected, got {workers}"))
        return ExitCode.USAGE
    try:
        listener = _bind(host, port, shared=workers > 1)
    except OSError as error:
        place = f"{host}:{port}: {error.strerror}"
        _complain(say(f"无法监听 {place}", f"cannot listen on {place}"))
        return ExitCode.USAGE
    with listener:
        address = _address(listener)
        if workers == 1:
            _run(_serve_site(site, listener, lambda: _announce(address)))
            return ExitCode.DONE
        return _serve_workers(site_dir, listener, workers, address)


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind, without listening yet; a ``shared`` port may be bound by other processes of ours too.

    One process alone does not share: a second gateway on the same port would go unnoticed.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _complain(sentence: str) -> None:
    print(f"tongban: {sentence}", file=sys.stderr)


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
    """Serve one process until a stop signal, then let requests under way end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals:
        loop.add_signal_handler(number, stop.set)
    log = start_request_log()
    runner = web.AppRunner(create_app(site), **server_options(site.settings.http), shutdown_timeout=SHUTDOWN_SECONDS)
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        when_ready()
        await stop.wait()
    finally:
        await runner.cleanup()
        await asyncio.to_thread(log.stop)


def _serve_workers(site_dir: Path, listener: socket.socket, workers: int, address: str) -> ExitCode:
    """Start the workers, announce them when all are ready, pass stop signals on, and end when they have ended.

    A worker that dies ends all: whoever supervises this process starts it anew, with its full strength.
    """
    context = multiprocessing.get_context("spawn")  # no thread or lock of this process is copied halfway
    with tempfile.TemporaryDirectory(prefix="tongban-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder  # the metrics library reads it when a worker imports it
        host, port = listener.getsockname()[:2]
        processes: list[SpawnProcess] = []
        pipes: list[Connection] = []
        stopped = _stop_on_signals(processes)
        for _ in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(site_dir, host, port, sender))
            process.start()
            sender.close()
            processes.append(process)
            pipes.append(receiver)
        if all(_is_ready(pipe) for pipe in pipes):
            _announce(address)
        else:
            _stop(processes)
        wait([process.sentinel for process in processes])  # the first that ends ends all
        _stop(processes)
        for process in processes:
            process.join()
    ended_well = stopped() and all(process.exitcode in _GOOD_ENDS for process in processes)
    return ExitCode.DONE if ended_well else ExitCode.INVALID


def _work(site_dir: Path, host: str, port: int, ready: Connection) -> None:
    """Be one worker: read the site again (keys do not travel between processes) and serve on a socket of our own.

    A terminal sends its interrupt to all of us; only the parent takes it, and passes it on as a request to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _bind(host, port, shared=True) as listener:
        _run(_serve_site(load_site(site_dir), listener, lambda: ready.send(_READY), (signal.SIGTERM,)))


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

    for number in _STOP_SIGNALS:
        signal.signal(number, handle)
    return lambda: bool(received)


def _stop(processes: list[SpawnProcess]) -> None:
    for process in processes:
        with suppress(ProcessLookupError, ValueError):
            process.terminate()
