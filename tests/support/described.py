"""A gateway with everything that can be asked over HTTP, in a thread of its own, for clients that block."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiohttp import web

from gateway.app import create_app, server_options
from gateway.audit.witness.desk import WitnessDesk
from gateway.budget.store import Charge, Exceeded
from gateway.callers import CallerId, CallerRegistry, CallerRole
from gateway.demo.licences import Kind
from gateway.http.routes import Route
from gateway.http.state import LOG, WITNESS
from gateway.limits.settings import MAX_BURST, MAX_RATE, OwnLimits, SheddingSettings
from gateway.site import Site, load_site
from tests.support.callers import make_party
from tests.support.demo import NOW
from tests.support.facades import ACCOUNTS, LICENCES, write_caller, write_facade_site
from tests.support.http import GatewayTestServer, bearer
from tests.support.sharing import in_force
from tests.support.usage import make_access
from tests.support.witness import make_witness

_LIMITS = OwnLimits(rate_per_second=MAX_RATE, burst=MAX_BURST, concurrency=64)  # the clock of the tests stands still
HALL = make_party(kind="counter", may_register_consent=True, limits=_LIMITS)
AUDITOR = make_party(id=CallerId("auditor"), role=CallerRole.AUDITOR, may_open=True, limits=_LIMITS)
SECOND = make_party(id=CallerId("second"), role=CallerRole.AUDITOR, may_approve_opening=True, limits=_LIMITS)
PLATFORM = make_party(id=CallerId("identity"), role=CallerRole.IDENTITY_PROVIDER, limits=_LIMITS)
BUILDER = next(one.draft for one in LICENCES if one.draft.kind is Kind.CONSTRUCTOR)  # whose holder is a person
PERSON = BUILDER.holders[0]
ENTRIES = 256  # of the log: one tile of it is full
FACADES = [name for name, account in ACCOUNTS.items() if account.secrets]  # without any nothing proves who asks
PARTIES = (HALL, AUDITOR, SECOND, PLATFORM)
CALM = SheddingSettings(requests=100_000, loop_lag_milliseconds=60_000, log_waiting=100_000)  # on a busy machine too


class Unlimited:
    """Budgets that always have room."""

    async def spend(self, charges: Sequence[Charge], *, at: Any, asks_yes_or_no: bool = True) -> Exceeded | None:  # noqa: ARG002
        """Count nothing."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A gateway that runs, and who may ask it."""

    app: web.Application
    base_url: str

    def headers(self, route: Route) -> dict[str, str]:
        """Return the headers of whoever may ask an address."""
        if route.is_open:
            return {}
        return bearer(SECOND.token(NOW) if route.operation == "audit-opening-approval" else token_of(route.role))


def token_of(role: CallerRole) -> str:
    """Return a good token of the caller of a role; an identity platform vouches for somebody in it."""
    match role:
        case CallerRole.AUDITOR:
            return AUDITOR.token(NOW)
        case CallerRole.IDENTITY_PROVIDER:
            return PLATFORM.token(NOW, more={"holder": PERSON.code, "assurance": "real-person"})
        case CallerRole.BUSINESS:
            return HALL.token(NOW)


@contextmanager
def serve_everything(folder: Path) -> Iterator[Described]:
    """Serve a site with licences, a policy in force, a log with entries, façades and a desk for other logs."""
    first, *others = FACADES
    write_facade_site(folder, first)
    for name in others:
        (folder / "callers" / f"{name}.toml").write_text(write_caller(folder, name, ACCOUNTS[name]))
        table = f'system = "{name}"\ncaller = "{name}-caller"\nitem = "{ACCOUNTS[name].item}"\n'
        with (folder / "tongban.toml").open("a") as settings:
            settings.write(f"\n[[facade]]\n{table}")
    site = load_site(folder, at=NOW)
    site = replace(site, settings=replace(site.settings, shedding=CALM))
    partners = filter(None, (site.callers.find_facade(f"{name}-caller") for name in FACADES))
    site = replace(site, callers=CallerRegistry([*partners, *(one.caller for one in PARTIES)]))
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(_start(site), loop).result()
        try:
            yield Described(app=server.app, base_url=str(server.make_url("")).rstrip("/"))
        finally:
            asyncio.run_coroutine_threadsafe(server.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(site: Site) -> GatewayTestServer:
    app = create_app(site, clock=lambda: NOW, policy=in_force(), budgets=Unlimited())
    app[WITNESS] = WitnessDesk(make_witness)
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    await asyncio.gather(*(app[LOG].append(make_access(PERSON.code, policy="")) for _ in range(ENTRIES)))
    return server


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    """Serve it for all tests of a module; no answer waits for a least time, and nobody has shown too much."""

    async def wait(_: float) -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.http.floor._wait_until", wait)
        patch.setattr("gateway.presentations.desk.MAX_OF_HOLDER", 100_000)
        with serve_everything(tmp_path_factory.mktemp("site") / "site") as served:
            yield served
