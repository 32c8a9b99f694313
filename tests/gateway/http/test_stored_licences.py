"""Asking for a licence that the gateway keeps itself: by identifier, by number and type, for a holder."""

import asyncio
import json
import shutil
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import pipeline
from gateway.app import create_app, server_options
from gateway.demo.issuer import IssuedLicence
from gateway.demo.licences import TYPE_CODES
from gateway.http.messages.answers import VerificationAnswer
from gateway.pipeline import Verified
from gateway.rendering import encode_time
from gateway.site import Site, load_site
from gateway.site_template import write_site
from gateway.sources.errand import Errand
from gateway.sources.intake import read_new_licence
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import (
    Found,
    LicenceKey,
    LicenceSource,
    NotFound,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredLicence,
    by_identifier,
    index_licence,
)
from gateway.sources.store import SqliteLicenceStore
from keys.ocsp_stapled import StapledAnswers
from keys.trust import TrustStore
from policies.dimension import LicenceStatus
from tests.support.callers import AUDIENCE, make_party, make_site
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, look_at_store

PARTY = make_party()
LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]
ONE = LICENCES[0]
OUR_STORE = Path("state") / "licences.sqlite"
ANOTHER_HOLDER = "91349901MADEM3415U"


class Pipeline:
    """The real pipeline, which notes what it was given."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        """Verify."""
        self.seen.append(data)
        return pipeline.verify_licence(data, store=store, at=at, stapled=stapled)


class FixedSource:
    """A source that always says the same, and knows no licence whose document came along."""

    name = "store"

    def __init__(self, found: Found | SourceUnavailableError) -> None:
        self._found = found

    async def find(self, key: LicenceKey, errand: Errand) -> Found:  # noqa: ARG002 - whatever is asked for
        """Say it."""
        if isinstance(self._found, SourceUnavailableError):
            raise self._found
        return self._found

    async def find_status(self, *_: object, **__: object) -> Registered | None:
        """Know none, or fail."""
        if isinstance(self._found, SourceUnavailableError):
            raise self._found
        return None

    def close(self) -> None:
        """Hold nothing."""


def by_parts(licence: IssuedLicence = ONE, **changes: str) -> dict[str, str]:
    draft = licence.draft
    return {"number": draft.number, "type": TYPE_CODES[draft.kind], "holder": draft.holders[0].code} | changes


def set_status(folder: Path, status: LicenceStatus, *, is_under_objection: bool = False) -> None:
    store = SqliteLicenceStore(folder / OUR_STORE)
    store.set_status(ONE.draft.identifier, status, is_under_objection=is_under_objection, reason="a test", at=NOW)
    store.close()


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a site that trusts the demo's authority, and keeps its licences, once for all tests."""
    folder = tmp_path_factory.mktemp("pattern")
    write_site(folder)
    settings = folder / "tongban.toml"
    settings.write_text(settings.read_text().replace("https://tongban.example.gov.cn", AUDIENCE))
    demo_stock().authority.write_trust_folder(folder / "trust", NOW)
    store = SqliteLicenceStore(folder / OUR_STORE, create=True)
    store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
    store.close()
    return folder


@pytest.fixture
def folder(tmp_path: Path, pattern: Path) -> Path:
    """Return the folder of a site of its own."""
    shutil.copytree(pattern, tmp_path, dirs_exist_ok=True)
    return tmp_path


def load(folder: Path) -> Site:
    return replace(load_site(folder, at=NOW), callers=make_site([PARTY]).callers)


@pytest.fixture
def site(folder: Path) -> Site:
    """Return that site, with a caller of the tests."""
    return load(folder)


async def connect(
    aiohttp_client: StartClient, site: Site, *, verify: Pipeline | None = None, source: LicenceSource | None = None
) -> Client:
    app = create_app(site, clock=lambda: NOW, verify=verify or Pipeline(), licences=source)
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def ask(client: Client, licence: object, **more: object) -> tuple[int, dict[str, Any]]:
    response = await client.post(URL, json={"licence": licence} | more, headers=bearer(PARTY.token(NOW)))
    return response.status, await response.json(content_type=response.content_type)


async def answer(client: Client, licence: object, **more: object) -> dict[str, Any]:
    status, content = await ask(client, licence, **more)
    assert status == 200, content
    msgspec.convert(content, VerificationAnswer)
    return content


@pytest.mark.parametrize(
    ("licence", "licence_checks"),
    [
        ({"identifier": ONE.draft.identifier}, ["status"]),
        ({"number": ONE.draft.number, "type": str(ONE.draft.kind)}, ["status"]),
        (by_parts(), ["holder-match", "status"]),
    ],
)
async def test_a_stored_licence(
    aiohttp_client: StartClient, site: Site, licence: dict[str, str], licence_checks: list[str]
) -> None:
    """A licence of the store is verified as a document is, and its status in the store is checked besides."""
    client = await connect(aiohttp_client, site)
    content = await answer(client, licence, fields=["holder_name"])
    assert (content["outcome"], content["status"], content["reasons"]) == ("valid", "active", [])
    assert content["freshness"]["source"] == "store"
    assert content["freshness"]["as_of"] is not None
    checks = [check["check"] for check in content["checks"]]
    assert checks[-len(licence_checks) :] == licence_checks
    assert content["signatures"]
    assert content["fields"] == {"holder_name": {"form": "withheld", "reason": "no-policy"}}


async def test_nothing_of_the_licence_leaves(aiohttp_client: StartClient, site: Site) -> None:
    """The answer repeats no number and no holder, whatever way the licence was named."""
    client = await connect(aiohttp_client, site)
    for licence in LICENCES:
        for key in ({"identifier": licence.draft.identifier}, by_parts(licence)):
            text = json.dumps(await answer(client, key), ensure_ascii=False)
            for holder in licence.draft.holders:
                assert holder.code not in text
                assert holder.name not in text
            assert licence.draft.number not in text


async def test_every_stored_licence_is_found(aiohttp_client: StartClient, site: Site) -> None:
    """Each licence is found under each of its keys, for each of its holders."""
    client = await connect(aiohttp_client, site)
    for licence in LICENCES:
        assert (await answer(client, {"identifier": licence.draft.identifier.lower()}))["outcome"] == "valid"
        for holder in licence.draft.holders:
            assert (await answer(client, by_parts(licence, holder=holder.code.lower())))["outcome"] == "valid"


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (LicenceStatus.SUSPENDED, "invalid", "status.suspended"),
        (LicenceStatus.EXPIRED, "invalid", "status.expired"),
        (LicenceStatus.REVOKED, "invalid", "status.revoked"),
        (LicenceStatus.CANCELLED, "invalid", "status.cancelled"),
        (LicenceStatus.SUPERSEDED, "invalid", "status.superseded"),
        (LicenceStatus.UNKNOWN, "unknown", "status.unknown"),
    ],
)
async def test_status(
    aiohttp_client: StartClient, folder: Path, status: LicenceStatus, outcome: str, reason: str
) -> None:
    """A genuine document of a licence that is not in force is not valid, and the answer says why."""
    await asyncio.to_thread(set_status, folder, status)
    client = await connect(aiohttp_client, await asyncio.to_thread(load, folder))
    content = await answer(client, {"identifier": ONE.draft.identifier})
    assert (content["outcome"], content["status"], content["reasons"]) == (outcome, status.value, [reason])


def submitted(document: bytes = ONE.document) -> dict[str, str]:
    return {"document": b64encode(document).decode()}


async def test_a_document_that_the_register_knows(aiohttp_client: StartClient, site: Site) -> None:
    """The status of a licence whose document came along is that of the store, where the store knows the licence."""
    client = await connect(aiohttp_client, site)
    content = await answer(client, submitted())
    assert (content["outcome"], content["status"], content["reasons"]) == ("valid", "active", [])
    assert [check["check"] for check in content["checks"]][-1] == "status"
    freshness = content["freshness"]
    assert (freshness["source"], freshness["register"]) == ("document", "store")
    assert freshness["as_of"] is not None


@pytest.mark.parametrize("status", [one for one in LicenceStatus if one is not LicenceStatus.ACTIVE])
async def test_a_genuine_document_of_a_licence_that_is_not_in_force(
    aiohttp_client: StartClient, folder: Path, site: Site, status: LicenceStatus
) -> None:
    """A genuine document does not come out valid when the register knows better, and metrics count that verdict."""
    await asyncio.to_thread(set_status, folder, status, is_under_objection=True)
    client = await connect(aiohttp_client, site)
    content = await answer(client, submitted())
    outcome = "unknown" if status is LicenceStatus.UNKNOWN else "invalid"
    assert (content["outcome"], content["status"], content["reasons"]) == (outcome, status, [f"status.{status}"])
    assert content["notes"][-1] == "status.under-objection"
    metrics = await (await client.get("/metrics")).text()
    assert f'gateway_outcomes_total{{format="ofd",outcome="{outcome}"}} 1.0' in metrics
    assert 'outcome="valid"' not in metrics


async def test_a_document_that_the_register_does_not_know(aiohttp_client: StartClient, site: Site) -> None:
    """A licence that the store does not know, a site without a store: the document is answered for itself."""
    nothing = FixedSource(NotFound(document=b"", source="store"))
    none = FixedSource(SourceUnavailableError(SourceFault.ABSENT))
    for source in (nothing, none):
        client = await connect(aiohttp_client, site, source=source)
        content = await answer(client, submitted())
        assert (content["outcome"], content["status"]) == ("valid", "unknown")
        assert (content["freshness"]["register"], content["freshness"]["stale"]) == (None, False)
        assert "status" not in [check["check"] for check in content["checks"]]
        await client.close()  # a site is served once at a time


@pytest.mark.parametrize("fault", [fault for fault in SourceFault if fault is not SourceFault.ABSENT])
async def test_a_register_that_cannot_say(aiohttp_client: StartClient, site: Site, fault: SourceFault) -> None:
    """While the register cannot be asked a document is answered, and is not valid."""
    client = await connect(aiohttp_client, site, source=FixedSource(SourceUnavailableError(fault)))
    content = await answer(client, submitted())
    assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
    assert (content["status"], content["freshness"]["stale"]) == ("unknown", True)


async def test_nobody_learns_of_the_register_by_a_forgery(aiohttp_client: StartClient, folder: Path) -> None:
    """About a document that is not genuine, or whose signers nobody here trusts, the register is not asked."""
    await asyncio.to_thread(set_status, folder, LicenceStatus.REVOKED)
    site = await asyncio.to_thread(load, folder)
    client = await connect(aiohttp_client, site)
    for forgery in demo_stock().forgeries:
        content = await answer(client, submitted(forgery.document))
        is_genuine = forgery.reason in {"validity-period.expired", "validity-period.copy-expired"}
        assert (content["freshness"]["register"] is None) >= (not is_genuine), forgery.name
    client = await connect(aiohttp_client, make_site([PARTY]), source=NeverAsked())
    content = await answer(client, submitted())
    assert (content["outcome"], content["status"]) == ("unknown", "unknown")


class NeverAsked(FixedSource):
    """A source that must not be asked."""

    def __init__(self) -> None:
        super().__init__(NotFound(document=b"", source="store"))

    async def find_status(self, *_: object, **__: object) -> Registered | None:
        """Complain."""
        raise AssertionError("the register was asked")


async def test_a_status_is_in_force_at_the_next_look(aiohttp_client: StartClient, folder: Path, site: Site) -> None:
    """What the operator sets while the gateway runs is the next answer; an objection is noted and decides nothing."""
    client = await connect(aiohttp_client, site)
    key = {"identifier": ONE.draft.identifier}
    assert (await answer(client, key))["outcome"] == "valid"
    await asyncio.to_thread(set_status, folder, LicenceStatus.SUSPENDED)
    await look_at_store(client)
    assert (await answer(client, key))["reasons"] == ["status.suspended"]
    await asyncio.to_thread(set_status, folder, LicenceStatus.ACTIVE, is_under_objection=True)
    await look_at_store(client)
    content = await answer(client, key)
    assert (content["outcome"], content["notes"][-1:]) == ("valid", ["status.under-objection"])


async def test_an_annotated_copy_says_so(aiohttp_client: StartClient, site: Site) -> None:
    """The answer about a copy that was made for one purpose notes that it is one, and not for which."""
    client = await connect(aiohttp_client, site)
    for one in demo_stock().licences:
        content = await answer(client, {"document": b64encode(one.document).decode()})
        assert ("licence.annotated-copy" in content["notes"]) is (one.draft.annotation is not None)
        if one.draft.annotation is not None:
            assert one.draft.annotation.reason not in json.dumps(content, ensure_ascii=False)


async def test_another_holder_is_answered_like_no_licence(aiohttp_client: StartClient, site: Site) -> None:
    """Nobody learns from the answer whether a licence exists whose holder he does not know, nor from the work done."""
    verify = Pipeline()
    client = await connect(aiohttp_client, site, verify=verify)
    contents = []
    for licence in (by_parts(holder=ANOTHER_HOLDER), by_parts(number="NO-SUCH-NUMBER"), by_parts(holder="无")):
        content = await answer(client, licence, fields=["holder_name"], match={"holder_name": "x"})
        del content["decision"], content["receipt"]
        contents.append(content)
    assert contents[0] == contents[1] == contents[2]
    assert (contents[0]["outcome"], contents[0]["reasons"]) == ("unknown", ["status.not-found"])
    assert (contents[0]["status"], contents[0]["signatures"], contents[0]["format"]) == ("unknown", [], None)
    stored = {one.document for one in LICENCES}
    assert len(verify.seen) == 3
    assert set(verify.seen) <= stored
    metrics = await (await client.get("/metrics")).text()
    assert 'gateway_outcomes_total{format="none",outcome="unknown"} 3.0' in metrics
    assert 'reason="status.not-found"} 3.0' in metrics


async def test_guessing_holders_costs_the_same_document(aiohttp_client: StartClient, site: Site) -> None:
    """Asking again for other holders of one number always costs one and the same document, existing or not."""
    verify = Pipeline()
    client = await connect(aiohttp_client, site, verify=verify)
    for number in (ONE.draft.number, "NO-SUCH-NUMBER"):
        verify.seen.clear()
        for guess in range(10):
            await answer(client, by_parts(number=number, holder=f"GUESS-{guess}"))
        assert len(set(verify.seen)) == 1


async def test_a_source_cannot_pass_one_licence_off_for_another(aiohttp_client: StartClient) -> None:
    """What is sealed decides which licence a document is, and not where it was found."""
    other = LICENCES[1]
    found = StoredLicence(
        document=other.document,
        sha256="",
        status=LicenceStatus.ACTIVE,
        status_since=NOW,
        is_under_objection=False,
        stored_at=NOW,
        source="store",
    )
    client = await connect(aiohttp_client, make_site([PARTY]), source=FixedSource(found))
    assert (await answer(client, {"identifier": ONE.draft.identifier}))["reasons"] == ["status.not-found"]
    assert (await answer(client, {"identifier": other.draft.identifier}))["status"] == "active"


async def test_a_forged_document_in_the_store(aiohttp_client: StartClient, folder: Path) -> None:
    """A document that somebody put into the store by other ways is found out like any other."""
    forgery = next(one for one in demo_stock().forgeries if one.reason == "references.mismatch")

    def put() -> str:
        new = read_new_licence(forgery.document)
        store = SqliteLicenceStore(folder / OUR_STORE)
        store.add([replace(new, issued_on=NOW.date())], at=NOW)
        store.close()
        return new.index.identifier

    identifier = await asyncio.to_thread(put)
    client = await connect(aiohttp_client, await asyncio.to_thread(load, folder))
    content = await answer(client, {"identifier": identifier})
    assert (content["outcome"], content["reasons"]) == ("invalid", ["references.mismatch"])


async def test_known_but_not_ready(aiohttp_client: StartClient, folder: Path, site: Site) -> None:
    """A licence whose document is not made yet is unknown for that reason; with a holder it is not found."""
    verified = pipeline.verify_licence(ONE.document, store=TrustStore.empty(), at=NOW)
    assert verified.licence is not None
    announced = replace(index_licence(verified.licence), identifier="1.2.3", number="NEW", holders=())

    def announce() -> None:
        store = SqliteLicenceStore(folder / OUR_STORE)
        store.announce(announced, at=NOW)
        store.close()

    await asyncio.to_thread(announce)
    client = await connect(aiohttp_client, site)
    content = await answer(client, {"identifier": "1.2.3"})
    assert (content["outcome"], content["status"], content["reasons"]) == ("unknown", "active", ["status.not-ready"])
    content = await answer(client, by_parts(number="NEW"))
    assert content["reasons"] == ["status.not-found"]


async def test_what_a_register_states_is_as_of_its_import(
    aiohttp_client: StartClient, folder: Path, site: Site
) -> None:
    """A recorded licence is told of to who names its holder, and of another holder's it is as if it were not there."""
    holder, imported = "91349901MADEM3431H", NOW - timedelta(days=3)
    record = RecordedLicence("", "NEW", "", str(ONE.draft.kind), (holder,), "", LicenceStatus.REVOKED, False)

    def fill() -> None:
        store = SqliteLicenceStore(folder / OUR_STORE)
        store.record([record], reason="import: test", at=imported)
        store.close()

    await asyncio.to_thread(fill)
    client = await connect(aiohttp_client, site)
    key = {"number": "NEW", "type": str(ONE.draft.kind)}
    for asked in (key, key | {"holder": holder.lower()}):
        content = await answer(client, asked)
        assert (content["outcome"], content["reasons"]) == ("invalid", ["status.revoked"])
        assert content["freshness"]["as_of"] == encode_time(imported)
    others, nobodys = [
        await answer(client, asked | {"holder": "91379901MADEM99999"}) for asked in (key, key | {"number": "NONE"})
    ]
    assert others["reasons"] == nobodys["reasons"] == ["status.not-found"]
    assert others["freshness"] == nobodys["freshness"]


async def test_no_store_is_a_kind_that_is_not_offered(aiohttp_client: StartClient, folder: Path, site: Site) -> None:
    """Without a store nothing is asked of it, and one that comes later answers without a restart."""
    path, aside = folder / OUR_STORE, folder / "state" / "aside"
    await asyncio.to_thread(path.replace, aside)
    client = await connect(aiohttp_client, site)
    status, content = await ask(client, {"identifier": ONE.draft.identifier})
    assert (status, content["reason"]) == (422, "licence.kind-not-offered")
    await asyncio.to_thread(aside.replace, path)
    assert (await answer(client, {"identifier": ONE.draft.identifier}))["outcome"] == "valid"


@pytest.mark.parametrize("fault", [fault for fault in SourceFault if fault is not SourceFault.ABSENT])
async def test_a_store_that_cannot_say(aiohttp_client: StartClient, fault: SourceFault) -> None:
    """A store that is locked or broken is our fault: 503 with when to come back, and no word about the licence."""
    client = await connect(aiohttp_client, make_site([PARTY]), source=FixedSource(SourceUnavailableError(fault, "x")))
    response = await client.post(URL, json={"licence": {"identifier": "1.2.156"}}, headers=bearer(PARTY.token(NOW)))
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert (await response.json(content_type=None))["reason"] == "source.unavailable"


async def test_an_empty_store(aiohttp_client: StartClient) -> None:
    """Where nothing is stored nothing is found, and there is nothing to verify in its place."""
    client = await connect(
        aiohttp_client, make_site([PARTY]), source=FixedSource(NotFound(document=b"", source="store"))
    )
    assert (await answer(client, {"identifier": "1.2.156"}))["reasons"] == ["status.not-found"]


@pytest.mark.parametrize(
    ("licence", "reason", "places"),
    [
        ({"number": "1"}, "body.invalid", ["$.licence.type"]),
        ({"type": "1"}, "body.invalid", ["$.licence.number"]),
        ({"holder": "1"}, "body.invalid", ["$.licence.number", "$.licence.type"]),
        ({"identifier": "1", "holder": "2"}, "licence.ambiguous", ["$.licence"]),
        ({"identifier": "1", "format": "ofd"}, "licence.ambiguous", ["$.licence"]),
        ({"identifier": "1", "stapled": []}, "licence.ambiguous", ["$.licence"]),
        ({"identifier": ""}, "body.invalid", ["$.licence.identifier"]),
        ({"identifier": "x" * 201}, "body.invalid", ["$.licence.identifier"]),
        ({"code": "1", "identifier": "1"}, "licence.ambiguous", ["$.licence"]),
        ({"code": "1", "holder": "2"}, "licence.ambiguous", ["$.licence"]),
    ],
)
async def test_wrong_keys(
    aiohttp_client: StartClient, licence: dict[str, object], reason: str, places: list[str]
) -> None:
    """A licence is named by identifier, or by number and type; anything else is refused by name."""
    client = await connect(
        aiohttp_client, make_site([PARTY]), source=FixedSource(NotFound(document=b"", source="store"))
    )
    status, content = await ask(client, licence)
    assert (status, content["reason"]) == (422, reason)
    assert [place["path"] for place in content["errors"]] == places


async def test_memory_is_counted(aiohttp_client: StartClient, site: Site) -> None:
    """A document of the store counts against the memory for bodies while it is worked on, and no longer."""
    client = await connect(aiohttp_client, site)
    await answer(client, {"identifier": ONE.draft.identifier})
    metrics = await (await client.get("/metrics")).text()
    assert "gateway_buffered_bytes 0.0" in metrics


def test_the_moment_of_the_register() -> None:
    """The status is as of the moment of the question, and the licence goes on to whoever discloses its fields."""
    found = StoredLicence(
        document=ONE.document,
        sha256="",
        status=LicenceStatus.ACTIVE,
        status_since=NOW - timedelta(days=9),
        is_under_objection=False,
        stored_at=NOW - timedelta(days=9),
        source="store",
    )
    verified = pipeline.verify_licence(ONE.document, store=TrustStore.empty(), at=NOW)
    assert verified.licence is not None
    judged = pipeline.judge_found(verified, found, by_identifier(ONE.draft.identifier), at=NOW)
    assert judged.verdict.as_of == NOW
    assert judged.licence == verified.licence
