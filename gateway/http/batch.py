"""``POST /v1/verifications/batch``: up to a thousand questions, one a line, answered one a line in the same order.

Each line is a question of its own: with its own decision, its own entry in the log, its own refusal. Lines are read as
they come and answered as they go, a few at once; whoever does not read his answers is not read from either.
"""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Final

import msgspec
from aiohttp import web

from gateway.http.bodies import check_headers, say_continue
from gateway.http.business import answer_body
from gateway.http.limits import within_limits
from gateway.http.lines import read_lines
from gateway.http.problems import ProblemError, ProblemKind, problem_to_dict
from gateway.http.refusing import refuse
from gateway.http.state import (
    BEGUN,
    BUDGET,
    CALLER,
    CLOCK,
    DECISION,
    ENDS_AT,
    FACADES,
    LICENCES,
    METRICS,
    NOW,
    REQUEST_ID,
    SITE,
    SITES,
)
from gateway.http.steps import LAPS, STEPS, Step
from gateway.http.tracing import CANCELLED, begin_line, end_request
from gateway.reload.in_force import SiteInForce

BATCH_PATH: Final = "/v1/verifications/batch"
BATCH_CONTENT_TYPE: Final = "application/x-ndjson"
MAX_LINES: Final = 1000
AT_ONCE: Final = 32  # lines of a batch; systems that are asked take some eight each
LINE_RESERVE_SECONDS: Final = 2.0  # of the time of a batch, for saying that it is over
GONE_LOOK_SECONDS: Final = 1.0  # between two looks whether somebody still waits for a line
LIMIT_LOOK_SECONDS: Final = 0.05  # between two looks whether the limits of the caller have room for the next line
_WAITED_FOR: Final = frozenset({ProblemKind.RATE_EXCEEDED, ProblemKind.CONCURRENCY_EXCEEDED})

_Lines = asyncio.Queue[asyncio.Task[bytes] | None]


async def post_batch(request: web.Request) -> web.StreamResponse:
    """Answer the questions of a batch, each as soon as those before it are answered."""
    request[LAPS].end(Step.SIGN_IN)
    check_headers(request, content_types=(BATCH_CONTENT_TYPE,))
    await say_continue(request)
    response = web.StreamResponse()
    response.content_type = BATCH_CONTENT_TYPE
    await response.prepare(request)
    request[BEGUN] = True
    lines: _Lines = asyncio.Queue(AT_ONCE)
    begun: set[asyncio.Task[bytes]] = set()
    reading = asyncio.create_task(_read(request, lines, begun))
    try:
        while (line := await lines.get()) is not None and await _is_awaited(request, line):
            if not line.cancelled():
                await response.write(line.result() + b"\n")
    finally:
        # Whoever went away, or did not read in time, is answered no further.
        for task in (reading, *begun):
            task.cancel()
        await asyncio.gather(reading, *begun, return_exceptions=True)
    return response


async def _is_awaited(request: web.Request, line: asyncio.Task[bytes]) -> bool:
    """Wait for a line; say whether somebody waits with us until it is there."""
    while not line.done():
        if request.transport is None or request.transport.is_closing():
            return False
        await asyncio.wait({line}, timeout=GONE_LOOK_SECONDS)
    return True


async def _read(request: web.Request, lines: _Lines, begun: set[asyncio.Task[bytes]]) -> None:
    """Begin with each line as it comes, noting those under way; what ends the batch early is its last line."""
    http, gate = request[SITE].settings.http, asyncio.Lock()
    number = 0

    async def begin(asked: bytearray | Exception) -> None:
        line = asyncio.create_task(_answer(request, number, asked, gate))
        begun.add(line)
        line.add_done_callback(begun.discard)
        await lines.put(line)

    fault: Exception | None = None
    try:
        with request.app[BUDGET].share() as share:
            async for body in read_lines(request.content, http, share):
                if number == MAX_LINES:
                    fault = ProblemError(ProblemKind.BATCH_TOO_LONG, close=True)
                    break
                share.keep(0)  # the line counts for itself now
                number += 1
                if len(body) > http.inline_document_bytes and begun:
                    await asyncio.wait(begun)  # large ones go one after the other, so that there is room for each
                await begin(body)
    except Exception as error:  # noqa: BLE001 -- a bug ends the batch in words, as all else does
        fault = error
        if isinstance(error, ProblemError) and error.kind is ProblemKind.BODY_INCOMPLETE:
            for line in begun:  # nobody may be there any more
                line.cancel()
    if number == 0 and fault is None:
        fault = ProblemError(ProblemKind.BATCH_EMPTY)
    if fault is not None:
        number += 1
        await begin(fault)
    await lines.put(None)


async def _answer(request: web.Request, number: int, asked: bytearray | Exception, gate: asyncio.Lock) -> bytes:
    """Return the answer of one line, or its refusal; it is counted, traced and logged by itself."""
    begun, work = perf_counter(), begin_line()
    scope = _scope(request, number)
    status = CANCELLED
    try:
        status, answer = await _say(scope, asked, gate)
    finally:
        scope.app[METRICS].batch_lines.labels(status=str(status)).inc()
        end_request(scope, work, route=BATCH_PATH, status=status, seconds=perf_counter() - begun, line=number)
    return answer


async def _say(scope: web.Request, asked: bytearray | Exception, gate: asyncio.Lock) -> tuple[int, bytes]:
    """Return the status and the text of an answer, or of a refusal."""
    try:
        if isinstance(asked, Exception):
            raise asked  # noqa: TRY301 -- what ends a batch is refused as all else is
        async with asyncio.timeout_at(scope[ENDS_AT]):
            return web.HTTPOk.status_code, await _answer_when_let_in(scope, asked, gate)
    except Exception as error:  # noqa: BLE001 -- the last door of a line: a bug answers 500 and says nothing of itself
        problem = await refuse(scope, error)
    said = problem_to_dict(problem, request_id=scope[REQUEST_ID], decision=scope.get(DECISION))
    if "Retry-After" in problem.headers:  # which a line cannot have
        said["retry_after"] = int(problem.headers["Retry-After"])
    return said["status"], msgspec.json.encode(said)


async def _answer_when_let_in(scope: web.Request, body: bytearray, gate: asyncio.Lock) -> bytes:
    """Return the answer once the limits of the caller have room for the line; one line of a batch after another asks.

    Raises:
        ProblemError: the refusal; of limits only when the time is over, or the day's quota.

    """
    with scope.app[BUDGET].share() as share:
        share.resize(len(body))
        async with AsyncExitStack() as inside:
            async with gate:
                await _enter(scope, inside)
            in_force = scope.app[SITES].hold()
            inside.callback(in_force.release)
            _look_again(scope, in_force.value)
            scope[LAPS] = scope.app[STEPS].begin()
            return await answer_body(scope, body, share)


def _look_again(scope: web.Request, one: SiteInForce) -> None:
    """Answer a line by the site that is in force when its turn has come, for a caller who may still ask.

    Raises:
        ProblemError: 401, he was shut out since the batch began.

    """
    caller = scope[CALLER]
    known = one.site.callers.find(caller.id, caller.key_id)
    if known is None or known.public_key != caller.public_key or not known.is_active(scope.app[CLOCK]()):
        raise ProblemError(ProblemKind.UNAUTHENTICATED)
    scope[CALLER] = known
    scope[SITE], scope[LICENCES], scope[FACADES] = one.site, one.licences, one.facades


async def _enter(scope: web.Request, inside: AsyncExitStack) -> None:
    now = asyncio.get_running_loop().time
    while True:
        try:
            return await inside.enter_async_context(within_limits(scope))
        except ProblemError as problem:
            if problem.kind not in _WAITED_FOR or now() + LIMIT_LOOK_SECONDS > scope[ENDS_AT]:
                raise
        await asyncio.sleep(LIMIT_LOOK_SECONDS)


def _scope(request: web.Request, number: int) -> web.Request:
    """Return what one line is answered in: the request of its batch, with an id, a moment and a time of its own."""
    scope = request.clone()
    scope[REQUEST_ID] = f"{request[REQUEST_ID]}-{number}"
    scope[NOW] = request.app[CLOCK]()
    most = asyncio.get_running_loop().time() + request[SITE].settings.http.request_timeout_seconds
    scope[ENDS_AT] = min(most, request[ENDS_AT] - LINE_RESERVE_SECONDS)
    return scope
