"""What a running process tells its operator, on standard error: one JSON line per request, and what else happens.

This is not the access log that auditors check; it may be lost, and nothing waits for it.
"""

import logging
import os
import queue
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Final

from gateway.log_lines import OURS, LineFormatter

LOGGER: Final = logging.getLogger("tongban.requests")
HTTP_LOGGER: Final = logging.getLogger("tongban.http")  # for the server library: what is no HTTP at all

# Libraries that have something to say while a gateway runs; of it only who, how bad, and the type of an error are kept.
_LIBRARIES: Final = ("asyncio", "aiohttp", "asyncpg", "opentelemetry", "redis", "py.warnings")

MAX_WAITING_LINES: Final = 10_000  # about 4 MB; when nobody reads standard error, lines are dropped, not requests
_LOOK_SECONDS: Final = 0.02  # between two looks for lines; what a process says is late by that
_MOST_AT_ONCE: Final = 256  # lines of one write, some 100 kB
STOP_SECONDS: Final = 1.0  # for lines that still wait; where nobody reads standard error, a stop goes on without them


class _Handler(logging.Handler):
    """Hands lines to a thread; where too many wait the line is lost instead of blocking the event loop."""

    def __init__(self, lines: "queue.SimpleQueue[str | None]") -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(LineFormatter())

    def createLock(self) -> None:  # noqa: N802 - the library's name
        self.lock = None  # a queue needs none

    def emit(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() < MAX_WAITING_LINES:
            try:
                self._lines.put(self.format(record))
            except Exception:  # noqa: BLE001 - whatever it is, nothing that is logged may stop what logs it
                self.handleError(record)


class RequestLog:
    """The thread that writes lines to standard error; it ends no later than the process.

    It looks for lines once in a while and writes those that are there in one piece: to wake it for each would cost a
    question more than the line does. It writes past `sys.stderr`: what that locks would stay locked, and end no
    process, once a write hangs.
    """

    def __init__(self, lines: "queue.SimpleQueue[str | None]") -> None:
        """Write the lines of a queue; None ends it."""
        self._lines = lines
        self._descriptor = None if sys.stderr is None else sys.stderr.fileno()
        self._thread = Thread(target=self._run, name="request-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write the lines that wait, as far as somebody reads them in time."""
        self._lines.put(None)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            taken = [line]
            with suppress(queue.Empty):
                while len(taken) < _MOST_AT_ONCE and (line := self._lines.get_nowait()) is not None:
                    taken.append(line)
            self._write("".join([f"{one}\n" for one in taken]).encode(errors="backslashreplace"))
            if line is None:
                return
            if len(taken) < _MOST_AT_ONCE:
                time.sleep(_LOOK_SECONDS)

    def _write(self, text: bytes) -> None:
        if self._descriptor is None:
            return
        with suppress(OSError):  # nobody is there to read it
            while text:
                text = text[os.write(self._descriptor, text) :]


def start_request_log() -> RequestLog:
    """Send everything to standard error through a thread; call ``stop`` on the result to flush it."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    handler = _Handler(lines)
    for names, level in ((OURS, logging.INFO), (_LIBRARIES, logging.WARNING)):
        for name in names:
            logger = logging.getLogger(name)
            logger.handlers = [handler]
            logger.setLevel(level)
            logger.propagate = False
    logging.captureWarnings(capture=True)
    # No line says which thread or process it is from, so that is not looked up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - the library's manual names it: nor from which line of the program
    log = RequestLog(lines)
    log.start()
    return log
