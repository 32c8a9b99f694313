"""A site that is put in force while the gateway runs: all of it or nothing."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec
import pytest

from gateway.app import create_app, server_options
from gateway.audit.leaf import parse_leaf
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH
from gateway.http.messages.readiness import Readiness, SiteReadiness
from gateway.http.state import LOG, SITES
from gateway.reload.keeper import SiteKeeper
from gateway.reload.roster import ask_to_reload, read_standings
from gateway.site import load_site
from tests.gateway.test_serve import register
from tests.support.callers import NOW, make_party
from tests.support.http import (
    URL,
    Client,
    GatewayTestServer,
    RawConnection,
    StartClient,
    bearer,
    question,
    verify_by_first_byte,
)
from tests.support.river import NAME, flowing, write_river, write_trusting_site

PARTY = make_party()
WITHHOLDING = """
[[rule]]
id = "r"
basis = "law"
items = ["11100000000013338W001"]
hidden_for_days = 180
hides_from = "everybody"
"""


@dataclass(kw_only=True)
class Stage:
    """A gateway with its folder, which is looked at when a test says so."""

    folder: Path
    client: Client

    @property
    def keeper(self) -> SiteKeeper:
        """Return the keeper of the gateway."""
        return self.client.app[SITES]

    async def look(self, *, forced: bool = False) -> bool:
        """Let the gateway look at its folder now."""
        return await self.keeper.look(forced=forced)

    async def settle(self) -> bool:
        """Let a change come to rest."""
        await self.look()
        return await self.look()

    async def ask(self) -> int:
        """Return the status of the answer to a good question."""
        answer = await self.client.post(URL, json=question(), headers=bearer(PARTY.token(NOW)))
        return answer.status

    async def report(self) -> SiteReadiness:
        """Return what readiness says of the site."""
        return msgspec.convert(await (await self.client.get("/readyz")).json(), Readiness).site

    async def count(self, result: str) -> str | None:
        """Return how many readings had this result."""
        lines = (await (await self.client.get("/metrics")).text()).splitlines()
        return next((one.split()[1] for one in lines if f'site_reloads_total{{result="{result}"}}' in one), None)


async def make_stage(aiohttp_client: StartClient, folder: Path, prepare: Callable[[], object] = bool) -> Stage:
    def make() -> Any:
        write_trusting_site(folder)
        rmtree(folder / "policies")  # to read one takes a second
        settings = folder / "tongban.toml"
        settings.write_text(settings.read_text().replace("[gateway]", '[gateway]\nreload = "signal"', 1))
        prepare()
        site = load_site(folder, at=NOW)
        return create_app(site, clock=lambda: NOW, verify=verify_by_first_byte), site

    app, site = await asyncio.to_thread(make)
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    return Stage(folder=folder, client=await aiohttp_client(server))


@pytest.fixture
async def stage(aiohttp_client: StartClient, tmp_path: Path) -> Stage:
    return await make_stage(aiohttp_client, tmp_path)


async def test_a_caller_comes_and_goes(stage: Stage) -> None:
    """Whoever is registered is let in once the site is read, and whoever is removed no more, tokens known or not."""
    assert await stage.ask() == 401
    await asyncio.to_thread(register, stage.folder, PARTY)
    await stage.look(forced=True)
    assert await stage.ask() == 200
    await asyncio.to_thread((stage.folder / "callers" / "party.toml").unlink)
    await stage.look(forced=True)
    assert await stage.ask() == 401
    assert await stage.count("ok") == "2.0"


async def test_a_fault_anywhere_leaves_everything(stage: Stage) -> None:
    """With one fault nothing new is in force; it is counted once and not shown to everybody, until it is mended."""
    await asyncio.to_thread(register, stage.folder, PARTY)
    broken = stage.folder / "callers" / "broken.toml"
    await asyncio.to_thread(broken.write_text, "id = 7\n")
    await stage.look(forced=True)
    await stage.look(forced=True)
    assert await stage.ask() == 401
    found = await stage.report()
    assert (found.state, found.failed_at) == ("failed", "2026-03-01T04:00:00.000Z")
    assert found.faults > 0
    assert "broken" not in json.dumps(msgspec.to_builtins(found))
    assert await stage.count("failed") == "1.0"
    (standing,) = (await asyncio.to_thread(read_standings, stage.folder / "state")).values()
    assert standing is not None
    assert any("callers/broken.toml" in text for _, _, text in standing.faults)
    await asyncio.to_thread(broken.unlink)
    await stage.look(forced=True)
    assert await stage.ask() == 200
    assert (await stage.report()).state == "ok"


async def test_a_fault_of_the_policy_or_of_trust_is_for_their_keepers(stage: Stage) -> None:
    """A draft of a policy that has faults keeps nobody from being registered or removed."""
    await asyncio.to_thread(register, stage.folder, PARTY)
    broken = stage.folder / "policies" / "broken.toml"
    await asyncio.to_thread(broken.parent.mkdir)
    await asyncio.to_thread(broken.write_text, "=")
    await stage.look(forced=True)
    assert await stage.ask() == 200


async def test_what_takes_a_restart_is_said_and_the_rest_is_in_force(stage: Stage) -> None:
    """A table that is built into the process stays as it is, and readiness says so, without making it unready."""
    await asyncio.to_thread(register, stage.folder, PARTY)
    settings = stage.folder / "tongban.toml"
    text = await asyncio.to_thread(settings.read_text)
    await asyncio.to_thread(settings.write_text, text.replace("requests = 1024", "requests = 7"))
    await stage.look(forced=True)
    assert await stage.ask() == 200
    assert (await stage.report()).state == "needs-restart"
    assert stage.keeper.current().site.settings.shedding.requests != 7
    assert (await stage.client.get("/readyz")).status == 200
    await stage.look(forced=True)
    assert (await stage.report()).state == "needs-restart"


async def test_a_change_is_read_when_it_has_come_to_rest(aiohttp_client: StartClient, tmp_path: Path) -> None:
    """A site that is watched is read at the second look at a change, a site that is not only when it is told."""
    stage = await make_stage(aiohttp_client, tmp_path)
    await asyncio.to_thread(register, stage.folder, PARTY)
    assert not await stage.settle()
    settings = stage.folder / "tongban.toml"
    text = await asyncio.to_thread(settings.read_text)
    await asyncio.to_thread(settings.write_text, text.replace('reload = "signal"', 'reload = "watch"'))
    assert await stage.look(forced=True)
    await asyncio.to_thread((stage.folder / "callers" / "party.toml").unlink)
    assert not await stage.look()
    assert await stage.look()
    assert await stage.ask() == 401
    assert not await stage.look()


async def test_whoever_asks_is_answered(stage: Stage) -> None:
    """A process repeats the word of whoever asked once it has read the site, and says what changed."""
    await asyncio.to_thread(register, stage.folder, PARTY)
    word = await asyncio.to_thread(ask_to_reload, stage.folder / "state")
    assert await stage.look()
    (standing,) = (await asyncio.to_thread(read_standings, stage.folder / "state")).values()
    assert standing is not None
    assert (standing.asked, standing.result, standing.applied) == (word, "ok", ("callers/party.toml",))
    assert not await stage.look()


async def test_a_request_ends_with_the_site_that_it_began_with(stage: Stage) -> None:
    """Who was let in is answered, although he is removed before his body is there."""
    await asyncio.to_thread(register, stage.folder, PARTY)
    await stage.look(forced=True)
    body = json.dumps(question()).encode()
    slow = await RawConnection.open(stage.client)
    await slow.send_head(PARTY.token(NOW), "Content-Type: application/json", f"Content-Length: {len(body)}")
    await slow.send(body[:-1])
    before = stage.keeper.current()
    async with asyncio.timeout(5):
        while before.site.callers is stage.keeper.current().site.callers:
            await asyncio.to_thread((stage.folder / "callers" / "party.toml").unlink, missing_ok=True)
            await stage.look(forced=True)
    assert await stage.ask() == 401
    await slow.send(body[-1:])
    assert await slow.read_status() == 200
    await slow.close()


async def test_sources_go_on_and_are_closed_after_use(aiohttp_client: StartClient, tmp_path: Path) -> None:
    """Connections to systems outlive a change of callers; after one of sources they close when nobody uses them."""
    async with flowing() as river:
        stage = await make_stage(aiohttp_client, tmp_path, lambda: write_river(tmp_path, river.address))
        first = stage.keeper.current().licences
        await asyncio.to_thread(register, stage.folder, PARTY)
        await stage.look(forced=True)
        assert stage.keeper.current().licences is first
        under_way = stage.keeper.hold()
        sources = under_way.value.sources
        await asyncio.to_thread((stage.folder / "sources.toml").unlink)
        await stage.look(forced=True)
        assert stage.keeper.current().licences is not first
        assert [one.system for one in under_way.value.licences.report()] == [NAME]
        assert not sources.is_closed
        under_way.release()
        await under_way.closed()
        await sources.closed()
        assert sources.is_closed
        assert not stage.keeper.current().licences.asks_systems


async def test_rules_of_secrecy_are_in_the_log_before_they_count(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rules of withholding come into force with an entry of the log, and not without it."""
    log = stage.client.app[LOG]
    await asyncio.to_thread((stage.folder / "withholding.toml").write_text, WITHHOLDING)
    with monkeypatch.context() as broken:

        async def refuse(_: object) -> None:
            raise LogUnavailableError(Unavailable.OVERLOADED, "")

        broken.setattr(log, "append", refuse)
        await stage.look(forced=True)
        assert (await stage.report()).state == "failed"
        assert stage.keeper.current().site.withholding.rules == ()
    await stage.look(forced=True)
    written = stage.keeper.current().site.withholding
    assert [rule.id for rule in written.rules] == ["r"]
    leaves = await asyncio.to_thread(lambda: [parse_leaf(one) for one in log.reader().store.leaves(0, 100)])
    said = [one.content.more for one in leaves if one.content.kind == "admin"]
    assert said[-1]["target"] == written.digest


async def test_a_caller_who_is_shut_out_gets_no_further_line(aiohttp_client: StartClient, tmp_path: Path) -> None:
    """In a batch that has begun the next line is refused as soon as its caller is shut out."""
    stage = await make_stage(aiohttp_client, tmp_path)
    await asyncio.to_thread(register, stage.folder, PARTY)
    await stage.look(forced=True)
    raw = await RawConnection.open(stage.client)
    head = [f"POST {BATCH_PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {PARTY.token(NOW)}"]
    head += [f"Content-Type: {BATCH_CONTENT_TYPE}", "Transfer-Encoding: chunked", "", ""]
    await raw.send("\r\n".join(head).encode())
    line = json.dumps(question()).encode() + b"\n"
    said = []
    for is_known in (True, False):
        if not is_known:
            await asyncio.to_thread((stage.folder / "callers" / "party.toml").unlink)
            await stage.look(forced=True)
        await raw.send(b"%x\r\n%s\r\n" % (len(line), line))
        got = b""
        async with asyncio.timeout(5):
            while not (b'"outcome"' in got or b'"reason":"unauthenticated"' in got):
                got += await raw.read_some()
        said.append(b'"outcome":"valid"' in got)
    await raw.close()
    assert said == [True, False]
