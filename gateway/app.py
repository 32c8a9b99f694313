"""The wiring: one site, one application."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.background import Background
from gateway.http.bodies import expect_later
from gateway.http.buffers import BodyBudget
from gateway.http.middleware import edge, harden, sign_in
from gateway.http.openapi import build_openapi
from gateway.http.routes import ROUTES
from gateway.http.state import (
    BUDGET,
    CLOCK,
    DRAINING,
    METRICS,
    OPENAPI,
    RELOAD,
    SITE,
    SOURCES,
    STATUS,
    STORE,
    TRUST,
    VERIFIER,
    Clock,
)
from gateway.http.verifier import DocumentVerifier, VerifyDocument
from gateway.metrics import PACKAGE_VERSION, Metrics, shared_folder
from gateway.request_log import HTTP_LOGGER
from gateway.settings import HttpSettings
from gateway.site import Site

MAX_HEADER_BYTES: Final = 10 * 1024  # one header line: the longest token (8 KiB) and its name
MAX_HEADERS: Final = 64  # proxies add a dozen


def read_clock() -> datetime:
    """Return the current moment in UTC; only the edge calls this, once for each request."""
    return datetime.now(UTC)


def create_app(site: Site, *, clock: Clock = read_clock, verify: VerifyDocument | None = None) -> web.Application:
    """Return the application that serves the site; tests pass a clock, and a pipeline of their own.

    Raises:
        LibraryUnusableError: a second opinion is asked for, and its library is not there or answers wrongly.

    """
    app = web.Application(middlewares=[edge, sign_in])
    metrics = Metrics(shared_folder=shared_folder())
    app[SITE], app[CLOCK], app[METRICS] = site, clock, metrics
    app[DRAINING] = asyncio.Event()
    app[BUDGET] = BodyBudget(site.settings.http.max_buffered_bytes, metrics)
    background = Background(site, clock=clock, metrics=metrics)
    app[TRUST], app[STATUS], app[STORE] = background.trust, background.status, background.current
    app[SOURCES], app[RELOAD] = background.sources, background.wake
    app[VERIFIER] = DocumentVerifier(verify or background.verify_document, site.settings.http, metrics)
    app[OPENAPI] = msgspec.json.encode(build_openapi(ROUTES, version=PACKAGE_VERSION))
    for route in ROUTES:
        for method in route.methods:
            app.router.add_route(method, route.path, route.handler, expect_handler=expect_later)
    app.on_response_prepare.append(harden)
    app.cleanup_ctx.append(background.run)
    app.cleanup_ctx.append(_close_verifier)
    return app


def server_options(settings: HttpSettings) -> dict[str, Any]:
    """Return what the server around the application is started with (``GatewayRunner``)."""
    return {
        "keepalive_timeout": settings.keepalive_timeout_seconds,
        "lingering_time": settings.lingering_seconds,
        "max_line_size": MAX_HEADER_BYTES,
        "max_field_size": MAX_HEADER_BYTES,
        "max_headers": MAX_HEADERS,
        "auto_decompress": False,  # compressed bodies are refused, and must not be inflated while they are dropped
        "access_log": None,  # the middleware writes its own line
        "logger": HTTP_LOGGER,
    }


async def _close_verifier(app: web.Application) -> AsyncIterator[None]:
    yield
    app[VERIFIER].close()
