"""``POST /v1/verifications/batch``: up to a thousand questions, one a line, answered one a line in the same order.

Each line is a question of its own: with its own decision, its own entry in the log, its own refusal. Lines are read as
they come and answered as they go, a few at once; whoever does not read his answers is not read from either, nor is he
whose limits have no room for the line that was read last. Every line that was read is answered, in its place and with
its number, unless nobody is there any more.
"""

import asyncio
from time import perf_counter
from typing import Final

import msgspec
from aiohttp import web

from gateway.http.bodies import check_headers, say_continue
from gateway.http.buffers import BodyShare
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
# An empty line is sent so often while no answer is: whoever hung up is found out by that alone, since he who sends no
# more may still read; and nobody on the way takes the connection for a dead one.
KEEP_ALIVE_SECONDS: Final = 5.0
# Between two looks whether the limits of the caller have room for the next line: twice as long each time.
FIRST_LOOK_SECONDS: Final = 0.05
LAST_LOOK_SECONDS: Final = 1.0
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
        while (line := await lines.get()) is not None and await _is_awaited(request, response, line):
            await response.write(line.result() + b"\n")
    finally:
        # Whoever went away, or did not read in time, is answered no further.
        for task in (reading, *begun):
            task.cancel()
        await asyncio.gather(reading, *begun, return_exceptions=True)
    return response


async def _is_awaited(request: web.Request, response: web.StreamResponse, line: asyncio.Task[bytes]) -> bool:
    """Wait for a line; say whether somebody waits with us until it is there."""
    now = asyncio.get_running_loop().time
    silent_since = now()
    while not line.done():
        if request.transport is None or request.transport.is_closing():
            return False
        if now() - silent_since >= KEEP_ALIVE_SECONDS:
            try:
                await response.write(b"\n")
            except ConnectionError:
                return False
            silent_since = now()
        await asyncio.wait({line}, timeout=GONE_LOOK_SECONDS)
    return True


async def _read(request: web.Request, lines: _Lines, begun: set[asyncio.Task[bytes]]) -> None:
    """Begin with each line as it comes, noting those under way; what ends the batch early is its last line.

    The next line is read once the limits of the caller have let in the one before it, so that no more than one line of
    a batch waits for them.
    """
    http, budget = request[SITE].settings.http, request.app[BUDGET]
    now, until = asyncio.get_running_loop().time, _last_moment(request)
    number = 0

    async def begin(asked: bytearray | Exception, share: BodyShare) -> None:
        is_inside = asyncio.Event()
        line = asyncio.create_task(_answer(request, number, asked, share, is_inside))
        begun.add(line)

        def end(_: object) -> None:
            begun.discard(line)
            share.keep(0)  # also of a line that was cancelled before it ran
            is_inside.set()

        line.add_done_callback(end)
        await lines.put(line)
        await is_inside.wait()

    fault: Exception | None = None
    try:
        with budget.share() as reading:
            async for body in read_lines(request.content, http, reading, until=until):
                if number == MAX_LINES:
                    fault = ProblemError(ProblemKind.BATCH_TOO_LONG, close=True)
                    break
                if now() >= until:
                    fault = ProblemError(ProblemKind.DEADLINE, close=True)
                    break
                if len(body) > http.inline_document_bytes and begun:
                    reading.resize(len(body))
                    await asyncio.wait(begun)  # large ones go one after the other, so that there is room for each
                reading.keep(0)  # the line counts for itself from here on, and nothing comes between
                share = BodyShare(budget)
                share.resize(len(body))
                number += 1
                await begin(body, share)
                del body  # which counts no more when it was answered
    except Exception as error:  # noqa: BLE001 -- a bug ends the batch in words, as all else does
        fault = error
    if number == 0 and fault is None:
        fault = ProblemError(ProblemKind.BATCH_EMPTY)
    if fault is not None:
        number += 1
        await begin(fault, BodyShare(budget))
    await lines.put(None)


async def _answer(
    request: web.Request, number: int, asked: bytearray | Exception, share: BodyShare, is_inside: asyncio.Event
) -> bytes:
    """Return the answer of one line, or its refusal; it is counted, traced and logged by itself."""
    begun, work = perf_counter(), begin_line()
    scope = _scope(request, number)
    status = CANCELLED
    try:
        status, answer = await _say(scope, asked, share, is_inside)
    finally:
        scope.app[METRICS].batch_lines.labels(status=str(status)).inc()
        end_request(scope, work, route=BATCH_PATH, status=status, seconds=perf_counter() - begun, line=number)
    return b'{"line":%d,%b' % (number, answer.removeprefix(b"{"))  # it is an object, and has members


async def _say(
    scope: web.Request, asked: bytearray | Exception, share: BodyShare, is_inside: asyncio.Event
) -> tuple[int, bytes]:
    """Return the status and the text of an answer, or of a refusal."""
    try:
        if isinstance(asked, Exception):
            raise asked  # noqa: TRY301 -- what ends a batch is refused as all else is
        async with asyncio.timeout_at(scope[ENDS_AT]):
            return web.HTTPOk.status_code, await _answer_when_let_in(scope, asked, share, is_inside)
    except Exception as error:  # noqa: BLE001 -- the last door of a line: a bug answers 500 and says nothing of itself
        problem = await refuse(scope, error)
    said = problem_to_dict(problem, request_id=scope[REQUEST_ID], decision=scope.get(DECISION))
    if "Retry-After" in problem.headers:  # which a line cannot have
        said["retry_after"] = int(problem.headers["Retry-After"])
    return said["status"], msgspec.json.encode(said)


async def _answer_when_let_in(scope: web.Request, body: bytearray, share: BodyShare, is_inside: asyncio.Event) -> bytes:
    """Return the answer once the limits of the caller have room for the line, as they are by then.

    Raises:
        ProblemError: the refusal; of limits only when the time is over, or the day's quota.

    """
    now, pause = asyncio.get_running_loop().time, FIRST_LOOK_SECONDS
    while True:
        in_force = scope.app[SITES].hold()
        try:
            _look_again(scope, in_force.value)
            async with within_limits(scope):
                is_inside.set()
                scope[LAPS] = scope.app[STEPS].begin()
                return await answer_body(scope, body, share)
        except ProblemError as problem:
            left = scope[ENDS_AT] - now() - FIRST_LOOK_SECONDS
            if is_inside.is_set() or problem.kind not in _WAITED_FOR or left <= 0:
                raise
            # Whole seconds, rounded up: a second less is too early, never too late.
            wait = max(pause, int(problem.headers["Retry-After"]) - 1)
        finally:
            in_force.release()
        await asyncio.sleep(min(wait, left))
        pause = min(2 * pause, LAST_LOOK_SECONDS)


def _look_again(scope: web.Request, one: SiteInForce) -> None:
    """Answer a line by the site that is in force when its turn has come, for a caller who may still ask.

    Raises:
        ProblemError: 401 or 403, he was shut out since the batch began, or is somebody else now.

    """
    caller = scope[CALLER]
    known = one.site.callers.find(caller.id, caller.key_id)
    if known is None or known.public_key != caller.public_key or not known.is_active(scope.app[CLOCK]()):
        raise ProblemError(ProblemKind.UNAUTHENTICATED)
    if known.role is not caller.role:
        raise ProblemError(ProblemKind.ROLE_NOT_ALLOWED)
    scope[CALLER] = known
    scope[SITE], scope[LICENCES], scope[FACADES] = one.site, one.licences, one.facades


def _scope(request: web.Request, number: int) -> web.Request:
    """Return what one line is answered in: the request of its batch, with an id, a moment and a time of its own."""
    scope = request.clone()
    scope[REQUEST_ID] = f"{request[REQUEST_ID]}-{number}"
    scope[NOW] = request.app[CLOCK]()
    most = asyncio.get_running_loop().time() + request[SITE].settings.http.request_timeout_seconds
    scope[ENDS_AT] = min(most, _last_moment(request))
    return scope


def _last_moment(request: web.Request) -> float:
    """Return when no more of a batch is read or answered, on the clock of the event loop: what is left is for words."""
    return request[ENDS_AT] - LINE_RESERVE_SECONDS
