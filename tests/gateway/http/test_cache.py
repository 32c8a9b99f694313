"""What a gateway says while it knows what documents came to: what it would say if it knew nothing."""

import asyncio
import shutil
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gateway import pipeline
from gateway.app import create_app, server_options
from gateway.cache.cache import Cache
from gateway.cache.settings import CacheSettings
from gateway.cache.verdicts import MAX_LIFE_SECONDS
from gateway.demo.authority import Credential
from gateway.demo.certificates import encode_revocation_list
from gateway.http import state
from gateway.limits.settings import SheddingSettings
from gateway.pipeline import Verified
from gateway.rendering import encode_time
from gateway.settings import PolicySettings
from gateway.site import Site, load_site
from gateway.site_template import write_site
from gateway.sources.intake import read_new_licence
from gateway.sources.leased import LEASE_SECONDS
from gateway.sources.store import SqliteLicenceStore
from keys.certificate import parse_certificate
from keys.ocsp_stapled import StapledAnswers
from keys.revocation_list import parse_revocation_list
from keys.trust import TrustStore
from keys.trust_noting import NotingStore
from policies.dimension import LicenceStatus
from tests.gateway.cache.test_sealed import OpenShelf
from tests.support.callers import AUDIENCE, make_party, make_site
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, leased_source, look_at_store

PARTY = make_party()
AUTHORITY = demo_stock().authority
LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]
ONE = LICENCES[0]
STORE_FILE = Path("state") / "licences.sqlite"
SECOND = timedelta(seconds=1)
BY_DOCUMENT = {"document": b64encode(ONE.document).decode()}
BY_IDENTIFIER = {"identifier": ONE.draft.identifier}
BOTH_WAYS = pytest.mark.parametrize("licence", [BY_DOCUMENT, BY_IDENTIFIER], ids=["document", "identifier"])


@dataclass
class World:
    """What may change around a gateway: trust, evidence and time; and what it verified."""

    store: TrustStore
    now: datetime = NOW
    verified: list[bytes] = field(default_factory=list)

    def verify(self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        """Be the real pipeline."""
        self.verified.append(data)
        return pipeline.verify_licence(data, store=store, at=at, stapled=stapled)

    def publish(self, ca: Credential, revoked: Sequence[int] = ()) -> None:
        """Put a new list of one CA in the place of the one before."""
        encoded = encode_revocation_list(
            issuer=ca.subject,
            issuer_spki=ca.key.public_key.spki,
            number=int(self.now.timestamp()),
            revoked=[(serial, self.now) for serial in sorted(revoked)],
            this_update=self.now,
            next_update=self.now + timedelta(days=7),
            sign=ca.key.sign,
        )
        new = parse_revocation_list(encoded)
        others = (one for one in self.store.revocation_lists if one.issuer != new.issuer)
        self.store = self.store.with_lists([*others, new])


def serial_of_signer(licence: bytes, store: TrustStore) -> int:
    """Return the serial number of the certificate that signed a document."""
    noting, ca = NotingStore.of(store), parse_certificate(AUTHORITY.signer_issuer.certificate)
    pipeline.verify_licence(licence, store=noting, at=NOW)
    (serial,) = (serial for issuer, serial in noting.consulted if issuer == ca.subject)
    return serial


def make_folder(folder: Path) -> Path:
    """Write a site that trusts the demo's authority, and keeps its licences."""
    write_site(folder)
    written = folder / "tongban.toml"
    written.write_text(written.read_text().replace("https://tongban.example.gov.cn", AUDIENCE))
    AUTHORITY.write_trust_folder(folder / "trust", NOW)
    store = SqliteLicenceStore(folder / STORE_FILE, create=True)
    store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
    store.close()
    return folder


def load(folder: Path, **changes: Any) -> Site:
    """Read the site, with a caller of the tests, and other settings where they are named."""
    site = load_site(folder, at=NOW)
    usual: dict[str, Any] = {"policy": PolicySettings(match_floor_milliseconds=0)}
    return replace(site, callers=make_site([PARTY]).callers, settings=replace(site.settings, **usual | changes))


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the folder once."""
    return make_folder(tmp_path_factory.mktemp("site"))


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    """Return a folder of one's own."""
    return Path(shutil.copytree(pattern, tmp_path / "site"))


@pytest.fixture
def site(folder: Path) -> Site:
    """Return the site."""
    return load(folder)


@pytest.fixture
def world(site: Site) -> World:
    """Return what is around it."""
    return World(site.trust)


def make_server(site: Site, world: World, shared: Cache | None = None) -> GatewayTestServer:
    """Return a gateway in this world."""
    app = create_app(site, clock=lambda: world.now, verify=world.verify, shared_cache=shared)
    app[state.STORE] = lambda: world.store
    return GatewayTestServer(app)


async def connect(start: StartClient, site: Site, world: World, shared: Cache | None = None) -> Client:
    """Start a gateway."""
    server = make_server(site, world, shared)
    await server.start_server(**server_options(site.settings.http))
    return await start(server)


async def ask(client: Client, world: World, licence: object, **more: object) -> dict[str, Any]:
    """Ask, and return the answer."""
    response = await client.post(URL, json={"licence": licence} | more, headers=bearer(PARTY.token(world.now)))
    content: dict[str, Any] = await response.json(content_type=response.content_type)
    assert response.status == 200, content
    return content


def told(content: dict[str, Any]) -> dict[str, Any]:
    """Return what an answer says of the licence: all but its own number and place in the log, and moments of asking."""
    said = {key: value for key, value in content.items() if key not in ("decision", "receipt", "freshness")}
    said["checks"] = [{k: v for k, v in check.items() if k != "as_of"} for check in content["checks"]]
    said["freshness"] = {key: value for key, value in content["freshness"].items() if key != "as_of"}
    return said


async def metric(client: Client, line: str) -> bool:
    """Say whether the metrics have a line."""
    return line in await (await client.get("/metrics")).text()


@BOTH_WAYS
async def test_what_was_verified_is_not_verified_again(
    aiohttp_client: StartClient, site: Site, world: World, licence: dict[str, str]
) -> None:
    """The second answer is the first, from what is known; and metrics say so."""
    client = await connect(aiohttp_client, site, world)
    first = await ask(client, world, licence)
    second = await ask(client, world, licence)
    assert (first["outcome"], told(first)) == ("valid", told(second))
    assert world.verified == [ONE.document]
    assert await metric(client, 'tongban_cache_lookups_total{cache="verdicts",outcome="hit",tier="local"} 1.0')


async def test_one_way_to_a_document_is_as_good_as_another(
    aiohttp_client: StartClient, site: Site, world: World
) -> None:
    """What was verified for a document is known of the same one in the store."""
    client = await connect(aiohttp_client, site, world)
    await ask(client, world, BY_DOCUMENT)
    content = await ask(client, world, BY_IDENTIFIER)
    assert (content["outcome"], content["freshness"]["source"]) == ("valid", "store")
    assert len(world.verified) == 1


@BOTH_WAYS
async def test_a_new_list_ends_what_rests_on_it(
    aiohttp_client: StartClient, site: Site, world: World, licence: dict[str, str]
) -> None:
    """A list of another CA ends nothing; one of the signer's CA makes the gateway verify anew; a revocation counts."""
    client = await connect(aiohttp_client, site, world)
    await ask(client, world, licence)
    world.now += SECOND
    world.publish(AUTHORITY.root)
    assert (await ask(client, world, licence))["outcome"] == "valid"
    assert len(world.verified) == 1
    world.publish(AUTHORITY.signer_issuer)
    content = await ask(client, world, licence)
    assert (content["outcome"], len(world.verified)) == ("valid", 2)
    world.now += SECOND
    world.publish(AUTHORITY.signer_issuer, [serial_of_signer(ONE.document, site.trust)])
    for _ in range(2):
        assert (await ask(client, world, licence))["reasons"] == ["revocation.revoked"]
    assert len(world.verified) == 4


async def test_trust_that_is_withdrawn_ends_it(aiohttp_client: StartClient, site: Site, world: World) -> None:
    """A signer whose anchor is taken away is unknown from the next question on; with the anchor back, all is known."""
    client = await connect(aiohttp_client, site, world)
    await ask(client, world, BY_DOCUMENT)
    trusted = world.store
    world.store = replace(trusted, anchors=trusted.anchors[:1])
    assert (await ask(client, world, BY_DOCUMENT))["outcome"] == "unknown"
    world.store = trusted
    assert (await ask(client, world, BY_DOCUMENT))["outcome"] == "valid"
    assert len(world.verified) == 2


async def test_the_clock_ends_it(aiohttp_client: StartClient, site: Site, world: World) -> None:
    """A verdict is verified anew after a quarter of an hour, and ends with the evidence that it rests on."""
    client = await connect(aiohttp_client, site, world)
    content = await ask(client, world, BY_DOCUMENT)
    world.now += timedelta(seconds=MAX_LIFE_SECONDS)
    await ask(client, world, BY_DOCUMENT)
    assert len(world.verified) == 2
    ends_at = datetime.fromisoformat(content["freshness"]["fresh_until"])
    world.now = ends_at - SECOND
    assert (await ask(client, world, BY_DOCUMENT))["outcome"] == "valid"
    world.now = ends_at
    assert (await ask(client, world, BY_DOCUMENT))["reasons"] == ["revocation.unavailable"]


async def test_stapled_answers_go_past_it(aiohttp_client: StartClient, site: Site, world: World) -> None:
    """A question with OCSP answers is verified each time, and teaches nothing to those without."""
    client = await connect(aiohttp_client, site, world)
    stapled = BY_DOCUMENT | {"stapled": [b64encode(b"no answer").decode()]}
    for _ in range(2):
        content = await ask(client, world, stapled)
        assert "unreadable" in str(content["signatures"])
    assert "unreadable" not in str(await ask(client, world, BY_DOCUMENT))
    assert len(world.verified) == 3
    assert "unreadable" in str(await ask(client, world, stapled))


async def test_a_wrong_guess_gains_nothing(aiohttp_client: StartClient, site: Site, world: World) -> None:
    """Somebody else's licence, and one that is not there, cost a verification each time, whoever asked before."""
    client = await connect(aiohttp_client, site, world)
    draft = ONE.draft
    right = {"number": draft.number, "type": str(draft.kind), "holder": draft.holders[0].code}
    for _ in range(2):
        assert (await ask(client, world, right))["outcome"] == "valid"
    assert len(world.verified) == 1
    wrong = [right | {"holder": "91349901MADEM3415U"}, right | {"number": "NO-SUCH-NUMBER"}]
    for count, licence in enumerate(wrong * 2, start=2):
        assert (await ask(client, world, licence))["reasons"] == ["status.not-found"]
        assert len(world.verified) == count


async def test_a_suspension_is_not_hidden(aiohttp_client: StartClient, folder: Path, site: Site, world: World) -> None:
    """However well a document is known, its licence's status is that of the store at the last look."""
    client = await connect(aiohttp_client, site, world)
    for status, outcome in [(LicenceStatus.SUSPENDED, "invalid"), (LicenceStatus.ACTIVE, "valid")] * 2:
        await asyncio.to_thread(set_status, folder, status)
        await look_at_store(client)
        for licence in (BY_DOCUMENT, BY_IDENTIFIER):
            for _ in range(2):
                content = await ask(client, world, licence)
                assert (content["status"], content["outcome"]) == (status, outcome)
    assert len(world.verified) == 1


@BOTH_WAYS
async def test_a_change_while_a_question_is_answered(
    aiohttp_client: StartClient, folder: Path, site: Site, world: World, licence: dict[str, str]
) -> None:
    """What took longer than a lease is looked at again before anything is shared, and what is worse by then counts."""
    client = await connect(aiohttp_client, site, world)
    leased, begun, passed, seconds = leased_source(client), time.monotonic(), 0.0, 0.0
    leased._steady = lambda: begun + passed
    await leased.look()
    finds: dict[str, Any] = {"find": leased.find, "find_status": leased.find_status}
    changes: list[LicenceStatus] = []

    def then_change(name: str) -> Callable[..., Any]:
        async def find(*args: Any, **more: Any) -> Any:
            nonlocal passed
            found = await finds[name](*args, **more)
            if changes:
                await asyncio.to_thread(set_status, folder, changes.pop(0))
                passed += seconds
            return found

        return find

    for name in finds:
        setattr(leased, name, then_change(name))
    # What the store says at first, what it says once it was asked, how long that takes, and what is answered.
    for first, later, seconds, status in [  # noqa: B007 -- `find` uses it
        (LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LEASE_SECONDS / 2, "active"),
        (LicenceStatus.ACTIVE, LicenceStatus.REVOKED, LEASE_SECONDS * 2, "revoked"),
        (LicenceStatus.SUSPENDED, LicenceStatus.ACTIVE, LEASE_SECONDS * 2, "suspended"),
    ]:
        await asyncio.to_thread(set_status, folder, first)
        passed += LEASE_SECONDS * 2
        await leased.look()
        changes.append(later)
        content = await ask(client, world, licence)
        assert (content["status"], content["freshness"]["status_as_of"]) == (status, encode_time(NOW))
    assert changes == []


def set_status(folder: Path, status: LicenceStatus) -> None:
    """Set the status of the licence, as another process does."""
    store = SqliteLicenceStore(folder / STORE_FILE)
    store.set_status(ONE.draft.identifier, status, is_under_objection=False, reason="a test", at=NOW)
    store.close()


async def test_a_site_that_wants_none(aiohttp_client: StartClient, folder: Path, world: World) -> None:
    """With the cache switched off every question is verified."""
    site = await asyncio.to_thread(load, folder, cache=CacheSettings(enabled=False))
    client = await connect(aiohttp_client, site, world)
    for licence in (BY_DOCUMENT, BY_DOCUMENT, BY_IDENTIFIER, BY_IDENTIFIER):
        assert (await ask(client, world, licence))["outcome"] == "valid"
    assert len(world.verified) == 4


async def test_what_lies_with_others_is_not_believed(aiohttp_client: StartClient, site: Site, world: World) -> None:
    """Another process knows what one found; what was changed or moved in between is a miss, and counted."""
    shelf = OpenShelf()
    two = LICENCES[1]
    client = await connect(aiohttp_client, site, world, shelf)
    first = await ask(client, world, BY_DOCUMENT)
    await ask(client, world, {"document": b64encode(two.document).decode()})
    await client.close()
    assert not any(ONE.draft.number.encode() in value for value in shelf.entries.values())
    client = await connect(aiohttp_client, site, world, shelf)
    assert told(await ask(client, world, BY_DOCUMENT)) == told(first)
    assert world.verified == [ONE.document, two.document]
    await client.close()
    (here, one), (there, other) = shelf.entries.items()
    for forged in ({here: other, there: one}, {here: one[:-1] + bytes([one[-1] ^ 1]), there: b""}):
        world.verified.clear()
        shelf.entries = dict(forged)
        client = await connect(aiohttp_client, site, world, shelf)
        assert told(await ask(client, world, BY_DOCUMENT)) == told(first)
        assert world.verified == [ONE.document]
        assert await metric(client, 'tongban_cache_faults_total{cache="verdicts",fault="forged",tier="redis"} 1.0')
        await client.close()


WAYS: list[Callable[[int], dict[str, str]]] = [
    lambda n: {"document": b64encode(LICENCES[n].document).decode()},
    lambda n: {"identifier": LICENCES[n].draft.identifier},
    lambda n: {
        "number": LICENCES[n].draft.number,
        "type": str(LICENCES[n].draft.kind),
        "holder": LICENCES[n].draft.holders[0].code,
    },
]
NUMBERS = st.integers(0, 1)


class TwoGateways:
    """Two gateways on one store in one world, of which only the first one keeps what it knows; for one process."""

    def __init__(self, folder: Path) -> None:
        """Start both."""
        folders = [make_folder(folder / name) for name in ("one", "two")]
        # Between two questions the loop stands still, which a gateway takes for the lag of an overload.
        unhurried = SheddingSettings(loop_lag_milliseconds=10**9)
        kept = [CacheSettings(enabled=one == folders[0]) for one in folders]
        sites = [load(one, cache=cache, shedding=unhurried) for one, cache in zip(folders, kept, strict=True)]
        store = replace(sites[1].settings.store, file=str(folders[0] / STORE_FILE))
        sites[1] = replace(sites[1], settings=replace(sites[1].settings, store=store))
        self.trusted = sites[0].trust
        self.world = World(self.trusted)
        self.writer = SqliteLicenceStore(folders[0] / STORE_FILE)
        self._runner = asyncio.Runner()
        self._clients: list[Client] = [self._runner.run(self._start(site)) for site in sites]

    async def _start(self, site: Site) -> Client:
        server = make_server(site, self.world)
        await server.start_server(**server_options(site.settings.http))
        client: Client = TestClient(server)
        await client.start_server()
        return client

    def look(self) -> None:
        """Let the first one look at its store."""
        self._runner.run(look_at_store(self._clients[0]))

    def ask(self, licence: dict[str, str]) -> list[dict[str, Any]]:
        """Ask both the same, the first one twice, and return what they say."""
        return [
            told(self._runner.run(ask(client, self.world, licence))) for client in (*self._clients, self._clients[0])
        ]

    def close(self) -> None:
        """Stop both."""
        for client in self._clients:
            self._runner.run(client.close())
        self._runner.close()
        self.writer.close()


class CachedAgainstUncached(RuleBasedStateMachine):
    """Whatever happens, a gateway that keeps what it knows says what one says that knows nothing."""

    both: ClassVar[TwoGateways]
    step = 0

    @initialize()
    def begin(self) -> None:
        """Begin with everything trusted and in force, as of where the last example ended."""
        self.world, self.revoked = self.both.world, set[int]()
        self.world.store = self.both.trusted
        self.world.now += SECOND
        for ca in (AUTHORITY.root, AUTHORITY.maker_issuer, AUTHORITY.signer_issuer):
            self.world.publish(ca)
        for number in range(2):
            self.set_status(number, LicenceStatus.ACTIVE, objected=False)

    @invariant()
    def same_answers(self) -> None:
        """Ask both the same, the one that remembers twice; each time in another way."""
        self.step += 1
        for number in range(2):
            one, two, again = self.both.ask(WAYS[(self.step + number) % len(WAYS)](number))
            assert one == two == again

    @rule(
        number=NUMBERS,
        status=st.sampled_from([LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LicenceStatus.REVOKED]),
        objected=st.booleans(),
    )
    def set_status(self, number: int, status: LicenceStatus, *, objected: bool) -> None:
        """Suspend, restore or revoke a licence."""
        identifier = LICENCES[number].draft.identifier
        self.both.writer.set_status(identifier, status, is_under_objection=objected, reason="", at=self.world.now)
        self.both.look()

    @rule(number=NUMBERS)
    def revoke_signer(self, number: int) -> None:
        """Revoke whoever signed a licence, or take that back: it was a mistake."""
        self.revoked ^= {serial_of_signer(LICENCES[number].document, self.both.trusted)}
        self.world.now += SECOND
        self.world.publish(AUTHORITY.signer_issuer, sorted(self.revoked))

    @rule(ca=st.sampled_from([AUTHORITY.root, AUTHORITY.maker_issuer]))
    def publish(self, ca: Credential) -> None:
        """Publish a new list of another CA."""
        self.world.now += SECOND
        self.world.publish(ca)

    @rule(hours=st.sampled_from([0.1, 0.5, 100, 200]))
    def pass_time(self, hours: float) -> None:
        """Let time pass, until lists end perhaps."""
        self.world.now += timedelta(hours=hours)

    @rule(count=st.integers(0, 2))
    def trust(self, count: int) -> None:
        """Withdraw trust, or give it back."""
        self.world.store = replace(self.world.store, anchors=self.both.trusted.anchors[:count])


@pytest.mark.parametrize("examples", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_cached_against_uncached(tmp_path: Path, examples: int) -> None:
    """What is kept makes no difference, as a walk through whatever may happen to two gateways shows."""
    CachedAgainstUncached.both = TwoGateways(tmp_path)
    try:
        run_state_machine_as_test(
            CachedAgainstUncached, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None)
        )
    finally:
        CachedAgainstUncached.both.close()
