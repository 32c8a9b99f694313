"""Witnesses over HTTP: what a gateway cosigns for others, and two gateways that witness each other."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from gateway.app import create_app, server_options
from gateway.audit.book.secrets import read_shared
from gateway.audit.book.settings import AuditSettings
from gateway.audit.shard import shard_name, shard_origin
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note import parse_signature_lines
from gateway.audit.tlog.note_key import encode_vkey
from gateway.audit.tlog.quorum import parse_policy, verify_witnessed
from gateway.audit.witness.desk import MAX_WAITING, WitnessDesk
from gateway.audit.witness.own import read_witness_key
from gateway.audit.witness.protocol import MAX_REQUEST, SIZE_TYPE, origin_hash
from gateway.audit.witness.rounds import WitnessRounds, open_session
from gateway.audit.witness.state import FolderWitnessState, WitnessStateError, WitnessStateFault
from gateway.audit.witness.witness import Witness
from gateway.http.messages.readiness import Readiness
from gateway.http.state import LOG, WITNESS, WITNESSES
from gateway.site import load_site
from gateway.site_template import write_site
from tests.support.audit import ORIGIN, make_draft
from tests.support.callers import NOW, make_site
from tests.support.http import Client, GatewayTestServer, StartClient
from tests.support.witness import NOW as SECONDS
from tests.support.witness import Tree, body, make_witness

ADD = "/witness/v1/add-checkpoint"
LATEST = f"/witness/v1/{origin_hash(ORIGIN)}/checkpoint"


async def start(aiohttp_client: StartClient, desk: WitnessDesk | None) -> Client:
    """Start a gateway that witnesses the log of the tests."""
    app = create_app(make_site(), clock=lambda: datetime.fromtimestamp(SECONDS, NOW.tzinfo))
    app[WITNESS] = desk
    server = GatewayTestServer(app)
    await server.start_server(**server_options(make_site().settings.http))
    return await aiohttp_client(server)


async def reason_of(response: Any) -> str:
    return str((await response.json(content_type="application/problem+json"))["reason"])


# --- for others -------------------------------------------------------------------------------------------------------


async def test_a_checkpoint_is_cosigned_without_a_token(aiohttp_client: StartClient) -> None:
    """The log signs for itself: its next checkpoint is cosigned, and everybody can see the latest."""
    client, tree = await start(aiohttp_client, WitnessDesk(make_witness)), Tree()
    assert await reason_of(await client.get(LATEST)) == "witness.log-unknown"
    for old, new in ((0, 5), (5, 9)):
        response = await client.post(ADD, data=body(tree, tree.grow(new), old))
        assert (response.status, response.content_type) == (200, "text/plain")
        assert len(parse_signature_lines(await response.read())) == 1
        assert response.headers["Cache-Control"] == "no-store"
    latest = await client.get(LATEST)
    assert parse_checkpoint(await latest.read()).checkpoint.size == 9
    conflict = await client.post(ADD, data=body(tree, tree.grow(12), 5))
    assert (conflict.status, conflict.content_type, await conflict.read()) == (409, SIZE_TYPE, b"9\n")


async def test_refusals_have_words(aiohttp_client: StartClient) -> None:
    """Each refusal has the status of the protocol, and a problem document that says what to do."""
    client, tree, fork = await start(aiohttp_client, WitnessDesk(make_witness)), Tree(), Tree(label="other")
    await client.post(ADD, data=body(tree, tree.grow(5), 0))
    unsigned = body(tree, tree.grow(9), 5).replace("— ".encode(), "— x".encode())
    for data, status, reason in (
        (b"", 400, "witness.malformed"),
        (body(tree, tree.grow(9), 5).replace(ORIGIN.encode() + b"\n", b"gw.340000/a\n"), 404, "witness.log-unknown"),
        (unsigned, 403, "witness.unsigned"),
        (body(fork, fork.grow(9), 5), 422, "witness.not-grown"),
        (bytes(MAX_REQUEST + 1), 413, "body.too-large"),
    ):
        response = await client.post(ADD, data=data)
        assert (response.status, await reason_of(response)) == (status, reason)
    refused = await client.post(ADD, data=b"", headers={"Content-Encoding": "gzip"})
    assert await reason_of(refused) == "body.content-encoding"
    for old in range(5, 66):
        response = await client.post(ADD, data=body(tree, tree.grow(old + 1), old))
        if response.status != 200:
            break
    assert (response.status, await reason_of(response)) == (429, "witness.too-often")
    assert response.headers["Retry-After"] == "5"
    assert (await client.get(f"/witness/v1/{'0' * 63}/checkpoint")).status == 404
    assert (await client.get(f"/witness/v1/{'0' * 64}/checkpoint")).status == 404


async def test_a_site_that_witnesses_nobody_knows_no_log(aiohttp_client: StartClient) -> None:
    """Without logs to witness every origin is unknown, and no body is read."""
    client, tree = await start(aiohttp_client, None), Tree()
    assert await reason_of(await client.post(ADD, data=body(tree, tree.grow(5), 0))) == "witness.log-unknown"
    assert await reason_of(await client.get(LATEST)) == "witness.log-unknown"


async def test_a_witness_that_cannot_work_says_so_and_is_opened_again(aiohttp_client: StartClient) -> None:
    """A key or a state that cannot be used costs cosignatures and nothing else, until it can be used."""
    broken = [True]

    def open_witness() -> Witness:
        if broken:
            raise WitnessStateError(WitnessStateFault.NOT_WRITTEN, "state/witness")
        return make_witness()

    client, tree = await start(aiohttp_client, WitnessDesk(open_witness)), Tree()
    response = await client.post(ADD, data=body(tree, tree.grow(5), 0))
    assert (response.status, await reason_of(response)) == (503, "witness.unavailable")
    assert (await client.get("/readyz")).status == 200
    broken.clear()
    assert (await client.post(ADD, data=body(tree, tree.grow(5), 0))).status == 200


async def test_a_flood_is_told_to_come_back(aiohttp_client: StartClient) -> None:
    """So many wait at the desk and no more; those who wait are answered."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()

    def open_witness() -> Witness:
        asyncio.run_coroutine_threadsafe(ready.wait(), loop).result()
        return make_witness()

    client = await start(aiohttp_client, WitnessDesk(open_witness))
    asked = [asyncio.ensure_future(client.get(LATEST)) for _ in range(MAX_WAITING + 3)]
    for first in islice(asyncio.as_completed(asked), 3):
        await first
    ready.set()
    statuses = sorted([response.status for response in await asyncio.gather(*asked)])
    assert statuses == [404] * MAX_WAITING + [503] * 3


def test_several_processes_share_a_state(tmp_path: Path) -> None:
    """What one worker cosigned is what another one starts from."""
    tree = Tree()
    for worker, (old, new) in enumerate(((0, 5), (5, 9), (9, 9))):
        witness = make_witness(state=FolderWitnessState(tmp_path))
        assert witness.add_checkpoint(body(tree, tree.grow(new), old), SECONDS + worker).status == 200


# --- two gateways -----------------------------------------------------------------------------------------------------


@dataclass
class Gateway:
    """A gateway with a site folder and a port of its own."""

    folder: Path
    region: str
    port: int
    now: datetime = NOW
    server: GatewayTestServer | None = None

    @property
    def app(self) -> web.Application:
        """The application that runs."""
        assert self.server is not None
        return self.server.app

    @property
    def origin(self) -> str:
        """The name of its log."""
        return shard_origin(self.region, shard_name(self.now))

    @property
    def rounds(self) -> WitnessRounds:
        """Its rounds."""
        rounds = self.app[WITNESSES]
        assert isinstance(rounds, WitnessRounds)
        return rounds

    async def start(self) -> None:
        """Read the site and serve it."""
        site = await asyncio.to_thread(load_site, self.folder, at=self.now)
        app = await asyncio.to_thread(create_app, site, clock=lambda: self.now)
        self.server = GatewayTestServer(app, port=self.port)
        await self.server.start_server(**server_options(site.settings.http))

    async def stop(self) -> None:
        """Stop serving."""
        if self.server is not None:
            await self.server.close()
            self.server = None

    async def look(self) -> None:
        """Go round once."""
        async with open_session() as session:
            await self.rounds.look(session)

    async def readiness(self) -> Readiness:
        """Return what ``/readyz`` says."""
        async with open_session() as session, session.get(f"http://127.0.0.1:{self.port}/readyz") as response:
            return msgspec.json.decode(await response.read(), type=Readiness)


def prepare(one: Gateway, other: Gateway) -> None:
    """Write a site whose log the other gateway witnesses, and which witnesses the other's."""
    settings = AuditSettings()
    witness = read_witness_key(other.folder, settings, region=other.region).key
    shard = shard_name(NOW)
    origin = shard_origin(other.region, shard)
    signers = read_shared(other.folder / settings.keys, origin=origin, shard=shard, make=True).signers
    vkeys = ", ".join(f'"{encode_vkey(signer.key)}"' for signer in signers)
    address = f"http://127.0.0.1:{other.port}/witness/v1"
    (one.folder / "witness/own.policy").write_text(
        f"witness other {encode_vkey(witness)} {address}\ngroup partners 1 other\nquorum partners\n"
    )
    (one.folder / "witness/other.toml").write_text(
        f'origin_prefix = "{other.origin.removesuffix(shard)}"\nkeys = [{vkeys}]\nsince = 2026-01-01T00:00:00+08:00\n'
    )


def write_both(tmp_path: Path) -> list[Gateway]:
    both = [Gateway(tmp_path / region, region, unused_port()) for region in ("370000", "340000")]
    for one in both:
        write_site(one.folder)
        shutil.rmtree(one.folder / "policies")
        settings = one.folder / "tongban.toml"
        text = settings.read_text().replace('region = "370000"', f'region = "{one.region}"')
        settings.write_text(text.replace('# policy = "own.policy"', 'policy = "own.policy"'))
    for one, other in (both, both[::-1]):
        prepare(one, other)
    return both


@pytest.fixture
async def gateways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Gateway]]:
    """Serve two gateways that witness each other; their rounds begin when a test says so."""

    async def wait(_: WitnessRounds) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(WitnessRounds, "run", wait)
    both = await asyncio.to_thread(write_both, tmp_path)
    for one in both:
        await one.start()
    yield both
    for one in both:
        await one.stop()


async def append(gateway: Gateway, count: int, label: str = "c") -> None:
    for number in range(count):
        draft = make_draft(number, caller=label)
        await gateway.app[LOG].append(replace(draft, leaf=replace(draft.leaf, policy="", trust="")))


async def test_two_gateways_witness_each_other(gateways: list[Gateway]) -> None:
    """Both logs are cosigned by the other gateway, round after round, also when one of them was away for a while."""
    one, other = gateways
    for gateway in (*gateways, one, other):
        await append(gateway, 5)
        gateway.now += timedelta(seconds=15)
        await gateway.look()
        witnessed = gateway.rounds.latest_witnessed(gateway.origin)
        head = await asyncio.to_thread(gateway.app[LOG].reader().head)
        assert witnessed is not None
        assert head is not None
        assert witnessed.size == head.size
        found = (await gateway.readiness()).witnesses
        assert found is not None
        assert (found.outlook, found.size, found.witnesses[0].fault) == ("current", head.size, None)
    await other.stop()
    await append(one, 5)
    one.now += timedelta(seconds=71)
    await one.look()
    found = (await one.readiness()).witnesses
    assert found is not None
    assert (found.outlook, found.witnesses[0].fault) == ("stale", "unreachable")
    assert found.since == found.as_of is not None
    other.now = one.now
    await other.start()
    await one.look()
    found = (await one.readiness()).witnesses
    assert found is not None
    assert found.outlook == "current"
    folder = one.folder / "state/audit" / shard_name(NOW)
    kept = parse_checkpoint(await asyncio.to_thread((folder / "cosigned").read_bytes))
    policy = parse_policy(await asyncio.to_thread((folder / "trust.policy").read_bytes))
    assert verify_witnessed(kept, policy).cosigned.keys() == {"other"}
    async with open_session() as session, session.get(f"http://127.0.0.1:{one.port}/metrics") as response:
        text = await response.text()
    assert re.search(r"^tongban_audit_witnessed_size \d+\.0$", text, re.MULTILINE)
    assert 'tongban_audit_witness_age_seconds{witness="other"} 0.0' in text
    assert 'tongban_audit_witness_faults_total{fault="unreachable",witness="other"} 1.0' in text


async def test_a_gateway_with_a_restored_log_is_stopped_by_the_other(gateways: list[Gateway], tmp_path: Path) -> None:
    """The other province remembers what this one signed: after a restored backup it answers nothing, and says why."""
    one, _ = gateways
    audit, backup = one.folder / "state/audit", tmp_path / "backup"
    await one.stop()
    await asyncio.to_thread(shutil.copytree, audit, backup)
    await one.start()
    await append(one, 20)
    await one.look()
    await one.stop()
    await asyncio.to_thread(shutil.rmtree, audit)
    await asyncio.to_thread(shutil.copytree, backup, audit)
    await one.start()
    await append(one, 30, "other")
    await one.look()
    stopped = one.app[LOG].stopped
    assert stopped is not None
    assert stopped.reason == "fork-witnessed"
    found = (await one.readiness()).witnesses
    assert found is not None
    assert found.outlook == "forked"
    assert "docs/operate.md" in found.en
    evidence = audit / shard_name(NOW) / "fork"
    assert await asyncio.to_thread(lambda: sorted(path.name for path in evidence.iterdir())) == [
        "ours",
        "report.json",
        "seen",
    ]
