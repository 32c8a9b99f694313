"""What happens around every request: its id, its moment, its deadline, its log line, and who asks."""

import asyncio
import logging
import re
import secrets
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.callers import Caller
from gateway.http.problems import ProblemError, ProblemKind, problem_of_http_error, render_problem
from gateway.http.routes import OPEN_PATHS
from gateway.http.state import CALLER, CLOCK, FAILURE, METRICS, NOW, OUTCOME, REQUEST_ID, SITE
from gateway.rendering import encode_time
from gateway.request_log import LOGGER, encode_line
from gateway.tokens import SignInError, SignInFailure, authenticate

UNMATCHED: Final = "unmatched"  # the route of requests that match none, so that no path becomes a label

_REQUEST_ID_HEADER: Final = "X-Request-Id"
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tongban"'}  # RFC 6750 section 3, without saying what is wrong


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id and moment, bound its time, turn every failure into a problem document, and log it."""
    begun = perf_counter()
    metrics, route = request.app[METRICS], route_of(request)
    sent = request.headers.get(_REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = sent if _SANE_ID.fullmatch(sent) else secrets.token_hex(16)
    request[NOW] = request.app[CLOCK]()
    metrics.in_flight.inc()
    status = 499  # nobody waits for the answer any more; the word of usual proxies
    try:
        response = await _answer(request, handler)
        status = response.status
    finally:
        metrics.in_flight.dec()
        seconds = perf_counter() - begun
        metrics.requests.labels(route=route, status=str(status)).inc()
        metrics.request_seconds.labels(route=route).observe(seconds)
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
    response.headers[_REQUEST_ID_HEADER] = request[REQUEST_ID]
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's answer, or the problem document of whatever it raised."""
    try:
        async with asyncio.timeout(request.app[SITE].settings.http.request_timeout_seconds):
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
    if FAILURE not in request:
        request[FAILURE] = problem.kind.value
    return render_problem(problem, request_id=request[REQUEST_ID])


@web.middleware
async def sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody but a registered caller past, except to the open routes; the body is not read before."""
    if request.match_info.http_exception is None and route_of(request) not in OPEN_PATHS:
        request[CALLER] = _authenticate(request)
    return await handler(request)


def _authenticate(request: web.Request) -> Caller:
    """Return who asks, or refuse with one answer for everything that can be wrong."""
    site = request.app[SITE]
    try:
        return authenticate(
            _bearer_token(request), callers=site.callers, audience=site.settings.audience, at=request[NOW]
        )
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
    """Return the template of the matched route, never the path: that is what labels and logs may hold."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """Set what every answer carries: no caching of verdicts, no guessing of types, no version of the server."""
    response.headers["Server"] = "tongban"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
