"""The wiring: one site, one application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.audit.book.report import LogReports
from gateway.audit.book.site_log import SiteLog
from gateway.background import Background, Steady
from gateway.budget.store import BudgetStore
from gateway.cache.cache import Cache
from gateway.cache_site import lease, make_verdicts, seal_verdicts
from gateway.consent.off_loop import OffLoopConsents
from gateway.consent.store import AsyncConsents
from gateway.counts_site import make_counts, share_counts
from gateway.facade.desk import FACADE_PATTERN
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
    LANES,
    LEAVING,
    LIMITS,
    LOG,
    MARKS,
    METRICS,
    NAMES,
    ONE_KEY,
    OPENAPI,
    POLICY,
    PRESENTATIONS,
    PRESSURE,
    PSEUDONYMS,
    RECORDER,
    REFUSALS,
    RELOAD,
    REPORTS,
    SHARED,
    SHARING,
    SITES,
    SOURCES,
    STATUS,
    STORE,
    TOKENS,
    TRUST,
    VERDICTS,
    VERIFIER,
    WITNESS,
    WITNESSES,
    Clock,
)
from gateway.http.steps import STEPS, Steps
from gateway.http.verifier import DocumentVerifier, VerifyDocument
from gateway.known_tokens import KnownTokens
from gateway.limits.pressure import Pressure
from gateway.metrics import PACKAGE_VERSION, Metrics, shared_folder
from gateway.policy.activation import PolicyInForce
from gateway.policy.in_force import PolicyArchive
from gateway.policy.keeper import PolicyKeeper
from gateway.presentations.desk import PresentationDesk
from gateway.pseudonym_keys import PseudonymKeys
from gateway.reload.keeper import SiteKeeper
from gateway.reload.making import SiteMaker
from gateway.reload.metrics import SiteMetrics
from gateway.request_log import HTTP_LOGGER
from gateway.settings import HttpSettings
from gateway.shared_site import make_shared, make_shared_cache, run_shared
from gateway.sharing import Sharing
from gateway.site import STATE_FOLDER, Site
from gateway.sources.source import LicenceSource
from gateway.store_site import make_source
from gateway.telemetry.recorder import Recorder, make_recorder
from gateway.witness_site import open_desk

MAX_HEADER_BYTES: Final = 10 * 1024  # one header line: the longest token (8 KiB) and its name
MAX_HEADERS: Final = 64  # proxies add a dozen
BREAKER_SECONDS: Final = 5.0  # between looks at the breakers: a third of what Prometheus usually waits


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
    shared_cache: Cache | None = None,
    recorder: Recorder | None = None,
) -> web.Application:
    """Return the application that serves the site.

    Tests pass a clock and a pipeline of their own, a source of licences, a policy in force, consents, counters, and an
    open log. ``shared_cache`` is where several processes keep verdicts; it need not be trusted.

    Raises:
        LibraryUnusableError: a second opinion is asked for, and its library is not there or answers wrongly.

    """
    app = web.Application(middlewares=[edge, sign_in])
    metrics = Metrics(shared_folder=shared_folder(), routes=(route.path for route in ROUTES))
    app[CLOCK], app[METRICS] = clock, metrics
    app[SHARED] = shared = make_shared(site, clock=clock, metrics=metrics)
    redis_cache = make_shared_cache(shared, metrics)
    app[STEPS], app[RECORDER] = Steps(metrics), recorder or make_recorder(site.settings.telemetry, PACKAGE_VERSION)
    app[DRAINING], app[LEAVING] = asyncio.Event(), asyncio.Event()
    app[PRESSURE] = Pressure(site.settings.shedding, note_lag=metrics.limits.loop_lag.set)
    counts = make_counts(shared, metrics)
    app[TOKENS], app[LIMITS], app[MARKS] = KnownTokens(), counts.limits, counts.marks
    app[ONE_KEY] = counts.one_key
    app[PRESENTATIONS] = PresentationDesk(counts.codes)
    app[BUDGET] = BodyBudget(site.settings.http.max_buffered_bytes, metrics)
    background = Background(site, clock=clock, metrics=metrics, log=log, steady=steady)
    app[TRUST], app[STATUS], app[STORE] = background.trust, background.status, background.current
    app[SOURCES] = background.sources
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
        budgets=budgets or counts.budgets,
        charging=counts.charging,
        consents=consents,
    )
    app[VERDICTS] = verdicts = make_verdicts(site, metrics)
    app[VERIFIER] = DocumentVerifier(
        verify or background.verify_document, site.settings.http, metrics, verdicts=verdicts
    )
    if licences is None and site.folder is not None:
        licences = lease(make_source(site.folder, site.settings), site, metrics)
    maker = SiteMaker(licences, marks=app[MARKS], clock=clock, metrics=metrics)
    app[SITES] = sites = SiteKeeper(
        site,
        make=maker.make,
        announce=background.announce_withholding,
        clock=clock,
        observer=SiteMetrics(metrics),
        shares_port=metrics.is_shared,
    )
    app[RELOAD] = _wake_both(background, sites)
    app[OPENAPI] = msgspec.json.encode(build_openapi(ROUTES, version=PACKAGE_VERSION))
    app.router.add_route("*", FACADE_PATTERN, answer_facade, expect_handler=expect_later)
    for route in ROUTES:
        for method in route.methods:
            app.router.add_route(method, route.pattern or route.path, route.handler, expect_handler=expect_later)
    app.on_response_prepare.append(harden)
    app.cleanup_ctx.extend((_measure_pressure, _record_traces))
    app.cleanup_ctx.append(run_shared(shared, redis_cache))
    app.cleanup_ctx.append(share_counts(counts, site))
    app.cleanup_ctx.append(background.run)
    app.cleanup_ctx.append(_share_verdicts(site, redis_cache if shared_cache is None else shared_cache))
    app.cleanup_ctx.extend((maker.run, _keep_site))  # after the log, which says in words why nothing can be written
    app.cleanup_ctx.append(_close_threads)
    app.cleanup_ctx.append(finish_changes)
    return app


async def _record_traces(app: web.Application) -> AsyncIterator[None]:
    recorder = app[RECORDER]
    async with contextlib.nullcontext() if recorder is None else recorder:
        yield


async def _measure_pressure(app: web.Application) -> AsyncIterator[None]:
    app[PRESSURE].start()
    yield
    app[PRESSURE].stop()


def _wake_both(background: Background, sites: SiteKeeper) -> Callable[[], None]:
    """Return what has everything read again that can be."""

    def wake() -> None:
        background.wake()
        sites.wake()

    return wake


async def _keep_site(app: web.Application) -> AsyncIterator[None]:
    """Put the site in force and keep it fresh; raises SecretError when it starts."""
    sites = app[SITES]
    await sites.open()
    watching = [asyncio.create_task(sites.run()), asyncio.create_task(_say_how_breakers_stand(sites))]
    yield
    for task in watching:
        task.cancel()
    await asyncio.wait(watching)
    await sites.close()


async def _say_how_breakers_stand(sites: SiteKeeper) -> None:
    """Set the gauges of breakers again and again: they change by the clock, and Prometheus may ask another process."""
    while True:
        sites.current().licences.report()
        await asyncio.sleep(BREAKER_SECONDS)


def _share_verdicts(site: Site, inner: Cache | None) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return what keeps verdicts in ``inner`` too while the application runs; raises SecretError when it starts."""

    async def share(app: web.Application) -> AsyncIterator[None]:
        verdicts = app[VERDICTS]
        if verdicts is not None and inner is not None:
            verdicts.shared = await seal_verdicts(inner, site, app[METRICS])
        yield
        if verdicts is not None:
            await verdicts.close()

    return share


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
    if consents is not None:
        consents.close()
    if witness is not None:
        witness.close()
