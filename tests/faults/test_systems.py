"""The wire to a province breaks: nothing is called valid by what did not arrive, and the next question is answered."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.transport.recipe import Deadlines
from gateway.app import create_app, server_options
from gateway.settings import SourcesSettings
from gateway.site import Site, load_site
from tests.gateway.http.test_kept_answers import BY_IDENTIFIER, DOCUMENT, ONE, PARTY, SOURCE
from tests.support.callers import make_site
from tests.support.demo import NOW
from tests.support.fault_proxy import HOST, Fault, FaultProxy, run_proxy
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.river import NAME, flowing, record_of, write_river, write_trusting_site

SHORT = Deadlines(total_ms=500)  # of a question that is never answered
LONG = Deadlines(total_ms=10_000)  # of one that is answered, on a loaded machine too
PORT = 1


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway, and the wire to the province behind it."""

    client: Client
    proxy: FaultProxy

    async def answer(self, licence: object, **more: object) -> dict[str, Any]:
        """Ask a question that is answered."""
        body = {"licence": licence} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(NOW)))
        content = await response.json(content_type=response.content_type)
        assert response.status == 200, content
        return dict(content)

    async def count(self, word: str) -> float:
        """Return how many questions ended with this word."""
        text = await (await self.client.get("/metrics")).text()
        wanted = f'tongban_system_questions_total{{outcome="{word}",system="{NAME}"}}'
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted)), 0.0)


Start = Callable[..., Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a site that asks the province; the wire to it is put in by `start`."""
    folder = Path(tmp_path_factory.mktemp("site") / "site")
    write_trusting_site(folder)
    write_river(folder, f"http://{HOST}:{PORT}")
    site = load_site(folder, at=NOW)
    settings = replace(site.settings, sources=SourcesSettings(retries=0))
    return replace(site, folder=None, callers=make_site([PARTY]).callers, settings=settings)


@pytest.fixture
def start(aiohttp_client: StartClient, site: Site) -> Start:
    """Return what starts the province, a wire, and a gateway that asks over it."""

    @asynccontextmanager
    async def started(deadlines: Deadlines = LONG) -> AsyncIterator[Stage]:
        async with flowing(record_of(ONE.document)) as river, run_proxy(int(river.address.rpartition(":")[2])) as proxy:
            (asked,) = site.asked
            access = replace(asked.access, base=f"http://{HOST}:{proxy.port}")
            recipe = replace(asked.recipe, deadlines=deadlines)
            app = create_app(replace(site, asked=(replace(asked, access=access, recipe=recipe),)), clock=lambda: NOW)
            server = GatewayTestServer(app)
            await server.start_server(**server_options(site.settings.http))
            client = await aiohttp_client(server)
            yield Stage(client=client, proxy=proxy)
            await client.close()

    return started


@pytest.mark.parametrize(
    ("fault", "reason", "word"),
    [
        (Fault.REFUSED, "status.unavailable", "unreachable"),
        (Fault.SILENT, "status.unavailable", "timeout"),
        (Fault.DELAYED, "status.unavailable", "timeout"),
        (Fault.DRIPPED, "status.unavailable", "timeout"),
        (Fault.LOST, "status.unavailable", "timeout"),  # the last byte of the announced length is waited for
        (Fault.RESET, "status.unavailable", "unreachable"),
        (Fault.FLOODED, "status.unusable-answer", "protocol"),
    ],
)
@pytest.mark.parametrize(
    "licence", [BY_IDENTIFIER, pytest.param(DOCUMENT, marks=pytest.mark.slow)], ids=["key", "document"]
)
async def test_a_wire_that_breaks(start: Start, fault: Fault, reason: str, word: str, licence: dict[str, str]) -> None:
    """The answer is unknown, with the reason, and counted by its word; once the wire is mended it is valid again."""
    async with start(SHORT if word == "timeout" else LONG) as stage:
        assert (await stage.answer(licence))["outcome"] == "valid"
        await stage.proxy.set(back=fault)
        broken = await stage.answer(licence)
        assert (broken["outcome"], broken["reasons"]) == ("unknown", [reason])
        assert (broken["freshness"]["stale"], await stage.count(word)) == (True, 1)
        assert f"{SOURCE}: {word}" in [one["detail"] for one in broken["checks"]]
        await stage.proxy.set()
        assert (await stage.answer(licence))["outcome"] == "valid"


async def test_one_wrong_bit(start: Start) -> None:
    """A document in which one bit arrived wrong is worth nothing; the next one that arrives as it was sent is."""
    async with start() as stage:
        await stage.proxy.set(back=Fault.FLIPPED)
        assert (await stage.answer(BY_IDENTIFIER))["outcome"] != "valid"
        await stage.proxy.set()
        assert (await stage.answer(BY_IDENTIFIER))["outcome"] == "valid"


async def test_a_kept_answer_over_a_broken_wire(start: Start) -> None:
    """Whoever tolerates an older answer has it while nothing arrives, and it says that it is one."""
    async with start() as stage:
        await stage.answer(BY_IDENTIFIER)
        await stage.proxy.set(back=Fault.RESET)
        kept = await stage.answer(BY_IDENTIFIER, tolerance_seconds=60)
        assert (kept["outcome"], kept["freshness"]["stale"]) == ("valid", True)
        assert "source.kept-answer" in kept["notes"]
        assert (await stage.answer(BY_IDENTIFIER))["outcome"] == "unknown"
