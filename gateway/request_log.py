"""What a running process tells its operator, on standard error: one JSON line per request, and what else happens.

This is not the access log that auditors check; it may be lost, and nothing waits for it.
"""

import logging
import os
import queue
import sys
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from typing import Final

from gateway.log_lines import OURS, LineFormatter

LOGGER: Final = logging.getLogger("tongban.requests")
HTTP_LOGGER: Final = logging.getLogger("tongban.http")  # for the server library: what is no HTTP at all

# Libraries that have something to say while a gateway runs; of it only who, how bad, and the type of an error are kept.
_LIBRARIES: Final = ("asyncio", "aiohttp", "asyncpg", "opentelemetry", "redis", "py.warnings")

MAX_WAITING_LINES: Final = 10_000  # about 4 MB; when nobody reads standard error, lines are dropped, not requests
STOP_SECONDS: Final = 1.0  # for lines that still wait; where nobody reads standard error, a stop goes on without them


class _DroppingQueueHandler(QueueHandler):
    """Hands lines to a thread; a full queue loses the line instead of blocking the event loop."""

    def __init__(self, lines: queue.SimpleQueue[logging.LogRecord]) -> None:
        super().__init__(lines)
        self._lines = lines

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() < MAX_WAITING_LINES:
            self._lines.put_nowait(record)


class _StandardError(logging.Handler):
    """Writes lines past `sys.stderr`: what it locks would stay locked, and end no process, once a write hangs."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = None if sys.stderr is None else sys.stderr.fileno()

    def createLock(self) -> None:  # noqa: N802 - the library's name
        self.lock = None  # only one thread writes, and the library would wait for it when the process ends

    def emit(self, record: logging.LogRecord) -> None:
        if self._descriptor is None:
            return
        line = f"{self.format(record)}\n".encode(errors="backslashreplace")
        with suppress(OSError):  # nobody is there to read it
            while line:
                line = line[os.write(self._descriptor, line) :]


class RequestLog(QueueListener):
    """The thread that writes lines; it ends no later than the process."""

    def stop(self) -> None:
        """Write the lines that wait, as far as somebody reads them in time."""
        self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)


def start_request_log() -> RequestLog:
    """Send everything to standard error through a thread; call ``stop`` on the result to flush it."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    output = _StandardError()
    output.setFormatter(logging.Formatter("%(message)s"))
    form = LineFormatter()
    for names, level in ((OURS, logging.INFO), (_LIBRARIES, logging.WARNING)):
        for name in names:
            logger = logging.getLogger(name)
            handler = _DroppingQueueHandler(lines)
            handler.setFormatter(form)
            logger.handlers = [handler]
            logger.setLevel(level)
            logger.propagate = False
    logging.captureWarnings(capture=True)
    # No line says which thread or process it is from, so that is not looked up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    listener = RequestLog(lines, output)
    listener.start()
    return listener
