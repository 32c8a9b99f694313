"""What happens around every request: its id, its moment, its deadline, its log line, and who asks."""

import asyncio
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.callers import CallerRole
from gateway.facade.desk import FACADE_PATH
from gateway.holder.sign_in import parse_holder
from gateway.http.batch import BATCH_PATH
from gateway.http.limits import from_anybody, shed, use_token, within_limits
from gateway.http.problems import ProblemError, ProblemKind, render_problem
from gateway.http.refusing import refuse
from gateway.http.request_id import select_request_id
from gateway.http.routes import OPEN_PATHS, PATHS, PUBLIC_PATHS, ROLES, WATCH_PATHS
from gateway.http.state import (
    BEGUN,
    CALLER,
    CLOCK,
    DECISION,
    ENDS_AT,
    FACADES,
    FAILURE,
    HOLDER,
    ISSUED_AT,
    LEAVING,
    LICENCES,
    METRICS,
    NOW,
    PRESSURE,
    REQUEST_ID,
    SITE,
    SITES,
    SPEAKS,
    TOKENS,
)
from gateway.http.steps import LAPS, STEPS
from gateway.http.tracing import CANCELLED, begin_request, end_request
from gateway.log_lines import UNMATCHED
from gateway.metrics import Metrics
from gateway.tokens import SignInError, SignInFailure

_REQUEST_ID_HEADER: Final = "X-Request-Id"
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tongban"'}  # RFC 6750 section 3, without saying what is wrong


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id and moment, bound its time, turn every failure into a problem document, and log it."""
    begun, app = perf_counter(), request.app
    metrics, route = app[METRICS], route_of(request)
    request[REQUEST_ID] = _request_id(request)
    request[NOW] = app[CLOCK]()
    work = begin_request(request, route)
    request[LAPS] = app[STEPS].begin()
    in_force = app[SITES].hold()
    one = in_force.value
    request[SITE], request[LICENCES], request[FACADES] = one.site, one.licences, one.facades
    metrics.in_flight.inc()
    status = CANCELLED
    try:
        response = await _answer(request, handler, route)
        status = response.status
    finally:
        metrics.in_flight.dec()
        in_force.release()
        seconds = perf_counter() - begun
        _count(metrics, route=route, status=status, seconds=seconds)
        end_request(request, work, route=route, status=status, seconds=seconds)
    if app[LEAVING].is_set():
        response.force_close()
    return response


def refuse_unhandled(
    app: web.Application, request: web.BaseRequest, problem: ProblemError, cause: BaseException | None
) -> web.Response:
    """Return the problem document of a request that never came through `edge`; it is counted and logged all the same.

    Nothing of what was sent is repeated, neither in the answer nor in the log.
    """
    if REQUEST_ID not in request:
        request[REQUEST_ID] = _request_id(request)
    request[NOW] = app[CLOCK]()
    is_ours = problem.kind is ProblemKind.INTERNAL and cause is not None
    request[FAILURE] = type(cause).__name__ if is_ours else problem.kind.value
    response = render_problem(problem, request_id=request[REQUEST_ID])
    response.headers[_REQUEST_ID_HEADER] = request[REQUEST_ID]
    _harden(response)
    _count(app[METRICS], route=UNMATCHED, status=response.status, seconds=0.0)
    end_request(request, None, route=UNMATCHED, status=response.status, seconds=0.0)
    return response


def _request_id(request: web.BaseRequest) -> str:
    """Return the id that the sender gave to the request, if it may stand in logs, else one of ours."""
    return select_request_id(request.headers.get(_REQUEST_ID_HEADER, ""))


def _count(metrics: Metrics, *, route: str, status: int, seconds: float) -> None:
    metrics.requests_of[route, str(status)].inc()
    metrics.request_seconds_of[route,].observe(seconds)


async def _answer(request: web.Request, handler: Handler, route: str) -> web.StreamResponse:
    """Return the handler's answer, or the problem document of whatever it raised.

    Raises:
        ConnectionError: it raised in the midst of an answer, which can only be broken off.

    """
    http = request[SITE].settings.http
    seconds = http.batch_timeout_seconds if route == BATCH_PATH else http.request_timeout_seconds
    try:
        async with asyncio.timeout(seconds) as deadline:
            request[ENDS_AT] = deadline.when() or 0.0  # which is always there
            return await handler(request)
    except Exception as error:  # noqa: BLE001 — the last door: a bug answers 500 and says nothing of itself
        problem = await refuse(request, error)
    if request.get(BEGUN):
        raise ConnectionError("the answer had begun; another one cannot follow it")
    if SPEAKS in request:
        return request[SPEAKS](problem)
    return render_problem(problem, request_id=request[REQUEST_ID], decision=request.get(DECISION))


@web.middleware
async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody but a registered caller past, except to the open routes; the body is not read before.

    1. the load of the process; 2. who asks; 3. the limits of the caller. At a façade the caller is found out by what
    the other system's requests carry, in their bodies too, and its limits count from there.
    """
    route = route_of(request)
    if request.match_info.http_exception is not None or route in WATCH_PATHS:
        return await handler(request)
    # 1. load
    shed(request, route)
    if route == FACADE_PATH:
        return await handler(request)  # its callers sign in as those of the other system do
    # 2. who asks
    if route in OPEN_PATHS or (route in PUBLIC_PATHS and request[SITE].settings.audit.auditing.public):
        with from_anybody(request):
            return await handler(request)
    await _authenticate(request)
    if ROLES.get(route) is not request[CALLER].role:
        raise ProblemError(ProblemKind.ROLE_NOT_ALLOWED, close=True)
    # 3. limits
    with request.app[PRESSURE].answering():
        async with within_limits(request):
            return await handler(request)


async def _authenticate(request: web.Request) -> None:
    """Note who asks, or refuse with one answer for everything that can be wrong.

    What a token says of a holder is read from those alone that may vouch for holders.
    """
    site = request[SITE]
    try:
        signed_in = request.app[TOKENS].authenticate(
            _bearer_token(request), callers=site.callers, audience=site.settings.audience, at=request[NOW]
        )
        await use_token(request, signed_in)
        # First: a platform that signed, but vouches for nobody, is refused with an entry.
        request[CALLER] = signed_in.caller
        request[ISSUED_AT] = signed_in.issued_at
        if signed_in.caller.role is CallerRole.IDENTITY_PROVIDER:
            request[HOLDER] = parse_holder(signed_in.claims)
    except SignInError as error:
        request.app[METRICS].sign_in_failures.labels(failure=error.failure.value).inc()
        request[FAILURE] = f"sign-in.{error.failure.value}"
        raise ProblemError(ProblemKind.UNAUTHENTICATED, headers=_CHALLENGE) from error


def _bearer_token(request: web.Request) -> str:
    values = request.headers.getall("Authorization", [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise SignInError(SignInFailure.NO_TOKEN)
    return token


def route_of(request: web.Request) -> str:
    """Return the template of the matched route, never the path: that is what labels and logs may hold.

    A method that a known address does not take belongs to that address.
    """
    resource = request.match_info.route.resource
    if resource is not None:
        return resource.canonical
    return request.path if request.path in PATHS else UNMATCHED


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Set what every answer carries."""
    if REQUEST_ID in request:
        response.headers[_REQUEST_ID_HEADER] = request[REQUEST_ID]
    _harden(response)


def _harden(response: web.StreamResponse) -> None:
    """No caching of verdicts, no guessing of types, no version of the server."""
    response.headers["Server"] = "tongban"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
