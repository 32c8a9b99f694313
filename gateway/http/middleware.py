"""What happens around every request: its id, its moment, its deadline, its log line, and who asks."""

import asyncio
import logging
import re
import secrets
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.callers import CallerRole
from gateway.facade.desk import FACADE_PATH
from gateway.holder.sign_in import parse_holder
from gateway.http.entries import record_refusal
from gateway.http.problems import ProblemError, ProblemKind, problem_of_http_error, render_problem
from gateway.http.routes import OPEN_PATHS, PATHS, PUBLIC_PATHS, ROLES
from gateway.http.state import (
    CALLER,
    CLOCK,
    DECISION,
    DRAINING,
    ENDS_AT,
    FAILURE,
    HOLDER,
    ISSUED_AT,
    METRICS,
    NOW,
    OUTCOME,
    REQUEST_ID,
    SITE,
    SPEAKS,
)
from gateway.rendering import encode_time
from gateway.request_log import LOGGER, UNMATCHED, encode_line
from gateway.tokens import SignInError, SignInFailure, authenticate

_REQUEST_ID_HEADER: Final = "X-Request-Id"
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tongban"'}  # RFC 6750 section 3, without saying what is wrong


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id and moment, bound its time, turn every failure into a problem document, and log it."""
    begun = perf_counter()
    metrics, route = request.app[METRICS], route_of(request)
    request[REQUEST_ID] = _request_id(request)
    request[NOW] = request.app[CLOCK]()
    metrics.in_flight.inc()
    status = 499  # nobody waits for the answer any more; the word of usual proxies
    try:
        response = await _answer(request, handler)
        status = response.status
    finally:
        metrics.in_flight.dec()
        _note(request.app, request, route=route, status=status, seconds=perf_counter() - begun)
    response.headers[_REQUEST_ID_HEADER] = request[REQUEST_ID]
    if request.app[DRAINING].is_set():
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
    _note(app, request, route=UNMATCHED, status=response.status, seconds=0.0)
    return response


def _request_id(request: web.BaseRequest) -> str:
    """Return the id that the sender gave to the request, if it is sane, else one of ours."""
    sent = request.headers.get(_REQUEST_ID_HEADER, "")
    return sent if _SANE_ID.fullmatch(sent) else secrets.token_hex(16)


def _note(app: web.Application, request: web.BaseRequest, *, route: str, status: int, seconds: float) -> None:
    """Count one request that was answered, and write its line."""
    app[METRICS].requests.labels(route=route, status=str(status)).inc()
    app[METRICS].request_seconds.labels(route=route).observe(seconds)
    if LOGGER.isEnabledFor(logging.INFO):
        caller = request.get(CALLER)
        line = encode_line(
            at=encode_time(request[NOW]),
            request_id=request[REQUEST_ID],
            caller=None if caller is None else caller.id,
            route=route,
            status=status,
            outcome=request.get(OUTCOME),
            failure=request.get(FAILURE),
            milliseconds=seconds * 1000,
        )
        LOGGER.info(line)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's answer, or the problem document of whatever it raised."""
    try:
        async with asyncio.timeout(request.app[SITE].settings.http.request_timeout_seconds) as deadline:
            request[ENDS_AT] = deadline.when() or 0.0  # which is always there
            return await handler(request)
    except ProblemError as error:
        problem = error
    except web.HTTPException as error:
        problem = problem_of_http_error(error)
    except TimeoutError:
        problem = ProblemError(ProblemKind.DEADLINE, close=True)
    except Exception as error:  # noqa: BLE001 — the last door: a bug answers 500 and says nothing of itself
        # Only the type: a message may quote the request.
        request[FAILURE] = type(error).__name__
        problem = ProblemError(ProblemKind.INTERNAL)
    problem = await record_refusal(request, problem)
    if FAILURE not in request:
        request[FAILURE] = problem.kind.value
    if SPEAKS in request:
        return request[SPEAKS](problem)
    return render_problem(problem, request_id=request[REQUEST_ID], decision=request.get(DECISION))


@web.middleware
async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody but a registered caller past, except to the open routes; the body is not read before.

    At a façade the caller is found out by what the other system's requests carry, in their bodies too.
    """
    route = route_of(request)
    if route == FACADE_PATH:
        return await handler(request)  # whose callers sign in as those of the other system do
    is_public = route in PUBLIC_PATHS and request.app[SITE].settings.audit.auditing.public
    if request.match_info.http_exception is None and route not in OPEN_PATHS and not is_public:
        _authenticate(request)
        if ROLES.get(route) is not request[CALLER].role:
            raise ProblemError(ProblemKind.ROLE_NOT_ALLOWED, close=True)
    return await handler(request)


def _authenticate(request: web.Request) -> None:
    """Note who asks, or refuse with one answer for everything that can be wrong.

    What a token says of a holder is read from those alone that may vouch for holders.
    """
    site = request.app[SITE]
    try:
        signed_in = authenticate(
            _bearer_token(request), callers=site.callers, audience=site.settings.audience, at=request[NOW]
        )
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


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """Set what every answer carries."""
    _harden(response)


def _harden(response: web.StreamResponse) -> None:
    """No caching of verdicts, no guessing of types, no version of the server."""
    response.headers["Server"] = "tongban"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
