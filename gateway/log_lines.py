"""One JSON object a line: the form of everything that a running process says on standard error.

Each line has ``at``, ``level`` and ``code``; those of requests and of lines of batches have ``code`` "request" and the
fields of `encode_line`, the others what they have to say. No content, names, queries or paths stand in any.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import PurePath
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final

import msgspec

REQUEST: Final = "request"  # the code of requests
SERVER: Final = "server"  # of what the server library says of itself
LIBRARY: Final = "library"  # of what other libraries say
UNMATCHED: Final = "unmatched"  # the route of requests that match none, so that no path becomes a label
OURS: Final = ("tongban", "gateway")  # whose texts are known to hold nothing of content
MAX_PLACES: Final = 8  # of a fault in our program: the innermost ones name it
_ENCODER: Final = msgspec.json.Encoder()  # of words that are ours: a text that is no Unicode it would refuse


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
    trace: str | None = None,
    line: int | None = None,
    decision: str | None = None,
    source: str | None = None,
    level: int = logging.INFO,
    code: str = REQUEST,
) -> str:
    """Return the line of one request, or of one line of a batch, whose number is ``line``.

    ``failure`` is a word of ours, such as why a token was refused; ``source`` is whose word on the licence counted.
    """
    return _ENCODER.encode(
        {
            "at": at,
            "level": _level(level),
            "code": code,
            "request_id": request_id,
            "trace": trace,
            "caller": caller,
            "route": route,
            "line": line,
            "status": status,
            "decision": decision,
            "outcome": outcome,
            "source": source,
            "failure": failure,
            "milliseconds": round(milliseconds, 3),
        }
    ).decode()


def encode_event(event: str, *, at: str, **more: object) -> str:
    """Return the message that a logger of ours is given about something that happened; `LineFormatter` reads it."""
    return _encode({"at": at, "event": event, **more})


class LineFormatter(logging.Formatter):
    """Gives every record of every logger that form.

    A message of ours that is an object already keeps its fields, and its ``event`` or ``alarm`` is its code. Of an
    error the type and the places in the program are said, and never the text, which may quote what was received. Of
    other libraries nothing else is said either.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        cause = record.exc_info[1] if record.exc_info else None
        area = _area(record.name)
        if area == SERVER:
            return encode_line(
                at=_moment(record),
                level=record.levelno,
                code=SERVER,
                request_id=None,
                caller=None,
                route=UNMATCHED,
                status=None,
                outcome=None,
                failure=SERVER if cause is None else f"{SERVER}.{type(cause).__name__}",
                milliseconds=0.0,
            )
        message = record.getMessage() if area != LIBRARY else ""
        if area == REQUEST:
            return message
        line: dict[str, Any] = {"at": _moment(record), "level": _level(record.levelno), "code": area}
        said = _read(message)
        if said is not None:
            line |= said
            line["code"] = said.get("event") or said.get("alarm") or area
        elif message:
            line["text"] = message
        if area == LIBRARY:
            line["logger"] = record.name
        if cause is not None:
            line |= {"error": type(cause).__name__, "places": _places(cause.__traceback__)}
        return _encode(line)


def _area(logger: str) -> str:
    """Return what a logger speaks of, one word."""
    first, _, rest = logger.partition(".")
    if first not in OURS:
        return LIBRARY
    names = rest.split(".")
    word = names[1] if names[0] == "http" and len(names) > 1 else names[0]
    word = word.removesuffix("_site").replace("_", "-")
    return {"requests": REQUEST, "http": SERVER, "": "gateway"}.get(word, word)


def _read(message: str) -> dict[str, Any] | None:
    """Return the fields of a message that is an object; None: it is a text."""
    if not message.startswith("{"):
        return None
    try:
        said = json.loads(message)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(number: int) -> str:
    return logging.getLevelName(number).lower()


def _places(traceback: TracebackType | None) -> list[str]:
    """Return where an error came from, the innermost place last, by file and line alone."""
    frames = extract_tb(traceback)[-MAX_PLACES:]
    return [f"{'/'.join(PurePath(one.filename).parts[-3:])}:{one.lineno}" for one in frames]


def _encode(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))
