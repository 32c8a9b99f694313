"""What a running process tells its operator, on standard error: one JSON line per request, and what else happens.

This is not the access log that auditors check; it may be lost, and nothing waits for it.
"""

import logging
import queue
import sys
from logging.handlers import QueueHandler, QueueListener
from typing import Final

from gateway.log_lines import OURS, LineFormatter

LOGGER: Final = logging.getLogger("tongban.requests")
HTTP_LOGGER: Final = logging.getLogger("tongban.http")  # for the server library: what is no HTTP at all

# Libraries that have something to say while a gateway runs; of it only who, how bad, and the type of an error are kept.
_LIBRARIES: Final = ("asyncio", "aiohttp", "asyncpg", "opentelemetry", "redis", "py.warnings")

MAX_WAITING_LINES: Final = 10_000  # about 4 MB; when nobody reads standard error, lines are dropped, not requests


class _DroppingQueueHandler(QueueHandler):
    """Hands lines to a thread; a full queue loses the line instead of blocking the event loop."""

    def __init__(self, lines: queue.SimpleQueue[logging.LogRecord]) -> None:
        super().__init__(lines)
        self._lines = lines

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() < MAX_WAITING_LINES:
            self._lines.put_nowait(record)


def start_request_log() -> QueueListener:
    """Send everything to standard error through a thread; call ``stop`` on the result to flush it."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    output = logging.StreamHandler(sys.stderr)
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
    listener = QueueListener(lines, output)
    listener.start()
    return listener
