"""The trace and the log line of a request, and of each line of a batch: what both sides can find it by again."""

import logging
from time import time_ns
from typing import Final

from aiohttp import web

from gateway.http.request_id import names_somebody
from gateway.http.state import CALLER, DECISION, FAILURE, NOW, OUTCOME, RECORDER, REQUEST_ID, SOURCE
from gateway.log_lines import encode_line
from gateway.rendering import encode_time
from gateway.request_log import LOGGER
from gateway.telemetry.span import Attribute, SpanName, Work, current_work
from gateway.telemetry.traceparent import HEADER, TraceParent, encode_span, encode_trace

TRACE: Final = web.RequestKey("trace", str)  # the id of the trace that it belongs to, ours or the sender's
CANCELLED: Final = 499  # nobody waits for the answer any more; the word of usual proxies
_OUR_FAULTS: Final = 500  # statuses from here on


def begin_request(request: web.Request, route: str) -> Work | None:
    """Note to which trace a request belongs, and return its work where it is traced; `end_request` ends that."""
    text = request.headers.get(HEADER)
    parent = None if text is None else TraceParent.parse(text)
    if parent is not None and (names_somebody(encode_trace(parent.trace)) or names_somebody(encode_span(parent.span))):
        parent = None  # as an id of a request that does
    if parent is not None:
        request[TRACE] = encode_trace(parent.trace)
    recorder = request.app[RECORDER]
    if recorder is None:
        return None
    at = time_ns()
    root = recorder.begin(route, parent, at)
    if root is None:
        return None
    request[TRACE] = encode_trace(root.trace)
    work = Work(root, at)
    work.enter()
    return work


def begin_line() -> Work | None:
    """Return the work of one line, if its batch is traced, for the task that answers it; `end_request` ends it too."""
    batch = current_work()
    if batch is None:
        return None
    at = time_ns()
    work = Work(batch.root.begin(SpanName.LINE, at), at)
    work.enter()
    return work


def end_request(
    request: web.BaseRequest, work: Work | None, *, route: str, status: int, seconds: float, line: int | None = None
) -> None:
    """Write the line of a request that was answered, or of a line of a batch, and end its trace."""
    caller = request.get(CALLER)
    caller_id = None if caller is None else caller.id
    if LOGGER.isEnabledFor(logging.INFO):
        text = encode_line(
            at=encode_time(request[NOW]),
            request_id=request[REQUEST_ID],
            trace=request.get(TRACE),
            caller=caller_id,
            route=route,
            line=line,
            status=status,
            decision=request.get(DECISION),
            outcome=request.get(OUTCOME),
            source=request.get(SOURCE),
            failure=request.get(FAILURE),
            milliseconds=seconds * 1000,
        )
        LOGGER.info(text)
    if work is not None:
        work.leave()
        notes = {
            Attribute.ROUTE: route,
            Attribute.STATUS: status,
            Attribute.REQUEST_ID: request[REQUEST_ID],
            Attribute.CALLER: caller_id,
            Attribute.DECISION: request.get(DECISION),
            Attribute.OUTCOME: request.get(OUTCOME),
            Attribute.SOURCE: request.get(SOURCE),
            Attribute.FAILURE: request.get(FAILURE),
        }
        work.end(notes, failed=status >= _OUR_FAULTS)
