"""The wiring: one site, one application."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.audit.book.report import LogReports
from gateway.audit.book.site_log import SiteLog
from gateway.background import Background, Steady
from gateway.budget.charging import SECRET_BYTES, Charging
from gateway.budget.memory import MemoryBudgets
from gateway.budget.store import BudgetStore
from gateway.consent.off_loop import OffLoopConsents
from gateway.consent.store import AsyncConsents
from gateway.facade.desk import FACADE_PATTERN, KEY_FILE, FacadeDesk
from gateway.holder.names import BundleNames, reads_bundles
from gateway.http.bodies import expect_later
from gateway.http.buffers import BodyBudget
from gateway.http.consents import finish_changes
from gateway.http.facades import answer_facade
from gateway.http.middleware import edge, harden, sign_in
from gateway.http.openapi import build_openapi
from gateway.http.reading import Lanes
from gateway.http.refusal_limit import RefusalLimit
from gateway.http.routes import ROUTES
from gateway.http.state import (
    ALARMS,
    BUDGET,
    CHANGES,
    CLOCK,
    CONSENTS,
    DRAINING,
    FACADES,
    LANES,
    LICENCES,
    LOG,
    METRICS,
    NAMES,
    OPENAPI,
    POLICY,
    PSEUDONYMS,
    REFUSALS,
    RELOAD,
    REPORTS,
    SHARING,
    SITE,
    SOURCES,
    STATUS,
    STORE,
    TRUST,
    VERIFIER,
    WITNESS,
    WITNESSES,
    Clock,
)
from gateway.http.verifier import DocumentVerifier, VerifyDocument
from gateway.metrics import PACKAGE_VERSION, Metrics, shared_folder
from gateway.policy.activation import PolicyInForce
from gateway.policy.in_force import PolicyArchive
from gateway.policy.keeper import PolicyKeeper
from gateway.pseudonym_keys import PseudonymKeys
from gateway.request_log import HTTP_LOGGER
from gateway.secret_file import SHORTEST_SECRET, read_or_make_secret
from gateway.settings import HttpSettings
from gateway.sharing import Sharing
from gateway.site import STATE_FOLDER, Site, store_file
from gateway.sources.holder_search import HolderSearch
from gateway.sources.off_loop import OffLoopSource
from gateway.sources.registry import Sources
from gateway.sources.source import LicenceSource
from gateway.witness_site import open_desk

MAX_HEADER_BYTES: Final = 10 * 1024  # one header line: the longest token (8 KiB) and its name
MAX_HEADERS: Final = 64  # proxies add a dozen


def read_clock() -> datetime:
    """Return the current moment in UTC; only the edge calls this, once for each request."""
    return datetime.now(UTC)


def create_app(
    site: Site,
    *,
    clock: Clock = read_clock,
    verify: VerifyDocument | None = None,
    licences: LicenceSource | None = None,
    policy: PolicyInForce | None = None,
    consents: AsyncConsents | None = None,
    budgets: BudgetStore | None = None,
    log: SiteLog | None = None,
    steady: Steady | None = None,
) -> web.Application:
    """Return the application that serves the site.

    Tests pass a clock and a pipeline of their own, a source of licences, a policy in force, consents, counters, and an
    open log.

    Raises:
        LibraryUnusableError: a second opinion is asked for, and its library is not there or answers wrongly.

    """
    app = web.Application(middlewares=[edge, sign_in])
    metrics = Metrics(shared_folder=shared_folder())
    app[SITE], app[CLOCK], app[METRICS] = site, clock, metrics
    app[DRAINING] = asyncio.Event()
    app[BUDGET] = BodyBudget(site.settings.http.max_buffered_bytes, metrics)
    background = Background(site, clock=clock, metrics=metrics, log=log, steady=steady)
    app[TRUST], app[STATUS], app[STORE] = background.trust, background.status, background.current
    app[SOURCES], app[RELOAD] = background.sources, background.wake
    app[POLICY], app[LOG], app[REFUSALS] = background.policy, background.log, RefusalLimit()
    if policy is not None:
        app[POLICY] = PolicyKeeper(None, clock=clock, in_force=policy)
    archive = None if site.folder is None else PolicyArchive(site.folder / STATE_FOLDER)
    app[NAMES] = BundleNames(reads_bundles(app[POLICY], archive))
    app[PSEUDONYMS] = PseudonymKeys(site.pseudonym_master, epoch=site.settings.policy.pseudonym_epoch)
    if consents is None and site.folder is not None:
        consents = OffLoopConsents(site.folder / STATE_FOLDER)
    app[CONSENTS], app[CHANGES] = consents, set()
    app[WITNESS], app[WITNESSES] = open_desk(site), background.witnesses
    app[ALARMS] = background.watch
    app[LANES] = lanes = Lanes()
    app[REPORTS] = LogReports(app[LOG], lanes.reports.run)
    app[SHARING] = Sharing(
        region=site.settings.region,
        pseudonyms=app[PSEUDONYMS],
        budgets=budgets or MemoryBudgets(),
        charging=Charging(secrets.token_bytes(SECRET_BYTES)),
        consents=consents,
    )
    app[VERIFIER] = DocumentVerifier(verify or background.verify_document, site.settings.http, metrics)
    if licences is None and site.folder is not None:
        licences = OffLoopSource(store_file(site.folder, site.settings))
    app[LICENCES] = Sources(
        licences,
        rules=site.rules,
        asked=site.asked,
        settings=site.settings.sources,
        clock=clock,
        metrics=metrics,
    )
    app[OPENAPI] = msgspec.json.encode(build_openapi(ROUTES, version=PACKAGE_VERSION))
    app[FACADES] = _make_facades(site)
    if app[FACADES] is not None:
        app.router.add_route("*", FACADE_PATTERN, answer_facade, expect_handler=expect_later)
    for route in ROUTES:
        for method in route.methods:
            app.router.add_route(method, route.pattern or route.path, route.handler, expect_handler=expect_later)
    app.on_response_prepare.append(harden)
    app.cleanup_ctx.append(background.run)
    app.cleanup_ctx.append(app[LICENCES].run)
    app.cleanup_ctx.append(_open_facades)  # after the log, which says in words why nothing can be written
    app.cleanup_ctx.append(_close_threads)
    app.cleanup_ctx.append(finish_changes)
    return app


def _make_facades(site: Site) -> FacadeDesk | None:
    """Return the façades of a site; None where it has none."""
    if not site.facades:
        return None
    search = None if site.folder is None else HolderSearch(store_file(site.folder, site.settings))
    return FacadeDesk(site.facades, search=search)


async def _open_facades(app: web.Application) -> AsyncIterator[None]:
    """Open the façades with the key in the state folder, where every process finds it, and close them in the end.

    Raises:
        SecretError: it can be neither read nor made.

    """
    desk, folder = app[FACADES], app[SITE].folder
    if desk is not None:
        if folder is None:
            desk.open(secrets.token_bytes(SHORTEST_SECRET))
        else:
            desk.open(await asyncio.to_thread(read_or_make_secret, folder / STATE_FOLDER / KEY_FILE))
    yield
    if desk is not None:
        desk.close()


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


async def _close_threads(app: web.Application) -> AsyncIterator[None]:
    yield
    app[VERIFIER].close()
    app[LANES].close()
    consents, witness = app[CONSENTS], app[WITNESS]
    app[LICENCES].close()
    if consents is not None:
        consents.close()
    if witness is not None:
        witness.close()
