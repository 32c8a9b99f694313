"""What the processes do that the parent of several workers starts: answer, or write the access log for the others."""

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from gateway.audit.book.rules import announce_changed
from gateway.audit.metrics import AuditMetrics
from gateway.audit.unavailable import LogUnavailableError
from gateway.cli.console import ExitCode
from gateway.cli.serve_one import Start, Why, open_unless, run, serve_site, stop_on
from gateway.cli.serve_words import complain_of_faults, complain_of_log, speak_in_lines
from gateway.holder.look import draft_withholding
from gateway.log_site import LogWriter, make_remote, read_steady
from gateway.metrics import number_process
from gateway.request_log import start_request_log
from gateway.site import Site, SiteError, load_site

READY: Final = "ready"


def work(site_dir: Path, listener: socket.socket, number: int, start: Start, ready: Connection) -> None:
    """Be one worker: read the site again (keys do not travel between processes) and serve on the socket given."""
    if start.why is not Why.START:
        speak_in_lines()  # others serve already
    with listener:
        site = _begin(site_dir, number)
        run(_answer(site, site_dir, listener, start, ready))


def write(site_dir: Path, number: int, ready: Connection) -> None:
    """Be the process that writes the log; USAGE when it cannot be opened."""
    site = _begin(site_dir, number)
    try:
        run(_write_until_stopped(site, ready))
    except LogUnavailableError as error:
        complain_of_log(error)
        sys.exit(ExitCode.USAGE)


async def _answer(site: Site, site_dir: Path, listener: socket.socket, start: Start, ready: Connection) -> None:
    log = make_remote(site_dir, site.settings)
    await log.open()
    with suppress(LogUnavailableError):  # then no answer leaves either
        await announce_changed(log, draft_withholding(site.withholding))  # others than when the log's process began
    try:
        await serve_site(site, listener, lambda: ready.send(READY), (signal.SIGTERM,), log, start=start)
    finally:
        await log.close()


async def _write_until_stopped(site: Site, ready: Connection) -> None:
    stop = stop_on((signal.SIGTERM,))
    lines = start_request_log()
    metrics = AuditMetrics(CollectorRegistry())  # and no others: what only workers set would stay 0 here
    writer = LogWriter(site, clock=lambda: datetime.now(UTC), metrics=metrics, steady=read_steady)
    try:
        async with AsyncExitStack() as stack:
            if await open_unless(stop, stack.enter_async_context(writer.running())):
                ready.send(READY)
                await stop.wait()
    finally:
        await asyncio.to_thread(lines.stop)


def _begin(site_dir: Path, number: int) -> Site:
    """Read the site as a child; the process ends here when it has faults.

    A terminal sends its interrupt to all of us; only the parent takes it, and passes it on as a request to stop.
    """
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):  # until there is something to reload, or to leave
        signal.signal(one, signal.SIG_IGN)
    number_process(number)
    try:
        return load_site(site_dir)
    except SiteError as error:  # the folder was changed after the parent had read it
        complain_of_faults(error)
        sys.exit(ExitCode.USAGE)
