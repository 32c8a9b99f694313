"""One JSON line per request for the operator: ids, route, status, outcome, time; no content, names, queries or paths.

This is not the access log that auditors check; it may be lost, and nothing waits for it.
"""

import json
import logging
import queue
import sys
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Final

LOGGER: Final = logging.getLogger("tongban.requests")
HTTP_LOGGER: Final = logging.getLogger("tongban.http")  # for the server library: what is no HTTP at all

# What else is for the operator: the second opinion, trust, the policy, sources of revocation status, the access log.
_ALSO: Final = ("tongban.second_opinion", "tongban.trust", "tongban.policy", "gateway.status", "gateway.audit")

UNMATCHED: Final = "unmatched"  # the route of requests that match none, so that no path becomes a label

MAX_WAITING_LINES: Final = 10_000  # about 3 MB; when nobody reads standard error, lines are dropped, not requests


def encode_line(
    *,
    at: str,
    request_id: str | None,
    caller: str | None,
    route: str,
    status: int | None,
    outcome: str | None,
    milliseconds: float,
    failure: str | None = None,
) -> str:
    """Return the line of one request; ``failure`` is a word of ours, such as why a token was refused."""
    line = {
        "at": at,
        "request_id": request_id,
        "caller": caller,
        "route": route,
        "status": status,
        "outcome": outcome,
        "failure": failure,
        "milliseconds": round(milliseconds, 3),
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


class _DroppingQueueHandler(QueueHandler):
    """Hands lines to a thread; a full queue loses the line instead of blocking the event loop."""

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


class _WithoutContent(logging.Filter):
    """Keeps what was received out of the log: the server library logs what went wrong with the bytes it was sent.

    The line that is left has the form of all others: when it was, and the type of the error.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        cause = record.exc_info[0] if record.exc_info else None
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record.msg = encode_line(
            at=at,
            request_id=None,
            caller=None,
            route=UNMATCHED,
            status=None,
            outcome=None,
            failure="server" if cause is None else f"server.{cause.__name__}",
            milliseconds=0.0,
        )
        record.args = ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def start_request_log() -> QueueListener:
    """Send the request log to standard error through a thread; call ``stop`` on the result to flush it."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MAX_WAITING_LINES)
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(logging.Formatter("%(message)s"))
    for logger in (LOGGER, HTTP_LOGGER, *(logging.getLogger(name) for name in _ALSO)):
        logger.handlers = [_DroppingQueueHandler(lines)]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    HTTP_LOGGER.filters = [_WithoutContent()]
    listener = QueueListener(lines, output)
    listener.start()
    return listener
