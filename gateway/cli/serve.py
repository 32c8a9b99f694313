"""``tongban serve``: the gateway in one process, or in several that share the port (SO_REUSEPORT)."""

import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from gateway.audit.unavailable import LogUnavailableError
from gateway.background import check_second_opinion
from gateway.cli.console import ExitCode
from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_HOST, DEFAULT_PORT, MAX_WORKERS
from gateway.cli.serve_anew import start_anew, take_inherited
from gateway.cli.serve_one import BACKLOG, Start, Why, run, serve_site
from gateway.cli.serve_signals import hold_signals
from gateway.cli.serve_words import complain, complain_of_faults, complain_of_log, speak_in_lines
from gateway.cli.serve_workers import serve_workers
from gateway.site import Site, SiteError, check_tokens_used_once, load_site
from keys.errors import LibraryUnusableError


def serve(site_dir: Path, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, workers: int = 1) -> ExitCode:
    """Serve the site until a signal says stop; INVALID when workers died too often, USAGE when it could not start.

    Prints "listening on http://host:port" on standard output when every worker takes connections; port 0 takes a
    free one and names it.
    """
    if not 1 <= workers <= MAX_WORKERS:
        complain(say(f"进程数应为 1 到 {MAX_WORKERS}。", f"1 to {MAX_WORKERS} workers were expected, got {workers}"))
        return ExitCode.USAGE
    with hold_signals():
        return _serve(site_dir, host, port, workers)


def _serve(site_dir: Path, host: str, port: int, workers: int) -> ExitCode:
    site = _load(site_dir, workers)
    if site is None:
        return ExitCode.USAGE
    try:
        inherited = take_inherited()
        listeners = _bind_group(host, port, workers) if inherited is None else [inherited]
    except OSError as error:
        place = f"{host}:{port}: {error.strerror}"
        complain(say(f"无法监听 {place}", f"cannot listen on {place}"))
        return ExitCode.USAGE
    address = _address(listeners[0])
    try:
        if workers > 1:
            return serve_workers(site, site_dir, listeners, lambda: _announce(address))
        start = Start(why=Why.START if inherited is None else Why.REPLACED, gateway_at=time.time())
        if run(serve_site(site, listeners[0], lambda: _announce(address), start=start)):
            start_anew(listeners[0])
    except LogUnavailableError as error:
        complain_of_log(error)
        return ExitCode.USAGE
    finally:
        _close(listeners)
    return ExitCode.DONE


def _load(site_dir: Path, workers: int) -> Site | None:
    """Read the site and say what is worth saying about it; None: it cannot be served."""
    try:
        site = load_site(site_dir)
        if workers > 1:
            check_tokens_used_once(site)
    except SiteError as error:
        complain_of_faults(error)
        return None
    for notice in site.notices:
        place = f"trust/{notice.file}".rstrip("/")
        complain(f"{place}: {say(notice.sentence_zh, notice.sentence)}")
    for caution in site.cautions:
        complain(say(f"注意：{caution.sentence_zh}", f"caution: {caution}"))
    try:
        check_second_opinion(site.settings.second_opinion)
    except LibraryUnusableError as error:
        zh, en = (
            "第二核验库不可用，网关不启动",
            "the library for second opinions cannot be used, so nothing was started",
        )
        complain(f"{say(zh, en)}: {error}")
        return None
    return site


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
        listener.listen(BACKLOG)
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


def _announce(address: str) -> None:
    try:
        print(f"listening on {address}", flush=True)
    except OSError:  # whoever started this does not listen any more; what was written must not fail again at the end
        with Path(os.devnull).open("w", encoding="ascii") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    speak_in_lines()
