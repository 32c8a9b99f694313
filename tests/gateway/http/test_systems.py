"""Licences of another system: what its answer is worth, and what is said when there is none."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.record.record import RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Deadlines
from gateway.app import create_app, server_options
from gateway.audit.leaf import LeafKind
from gateway.demo.issuer import IssuedLicence
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.readiness import Readiness
from gateway.http.state import SITES
from gateway.policy.activation import PolicyInForce
from gateway.rendering import encode_time
from gateway.settings import SourcesSettings
from gateway.site import Site, load_site
from gateway.sources.breaker import FAILURES
from gateway.sources.intake import read_new_licence
from gateway.sources.recorded import RecordedLicence
from gateway.sources.rules import SourceRule
from gateway.sources.source import NoDocument, SourceFault, SourceUnavailableError, StatedLicence
from gateway.sources.store import SqliteLicenceStore
from gateway.surface import SurfaceFlag
from policies.dimension import LicenceStatus
from tests.support.callers import make_party, make_site
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, question
from tests.support.policy import added
from tests.support.river import NAME, River, flowing, licence_of, record_of, write_river, write_trusting_site
from tests.support.sharing import ID_CARD_CODE, REAL_ESTATE, in_force, logged

PARTY = make_party()
LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]
ONE, OTHER = LICENCES[0], LICENCES[1]
SOURCE = f"system:{NAME}"
FLAGS = "tongban_system_flags_total"
STRANGER = "91349901MADEM3415U"


def key_of(licence: IssuedLicence = ONE, **changes: str) -> dict[str, str]:
    """Return the question for a licence by number, type and holder."""
    sealed = licence_of(licence.document)
    return {"number": sealed.number, "type": sealed.type_code, "holder": sealed.holders[0].code} | changes


def identifier_of(licence: IssuedLicence = ONE) -> dict[str, str]:
    return {"identifier": licence.draft.identifier}


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway with a province behind it."""

    client: Client
    river: River
    folder: Path

    async def answer(self, licence: object, **more: object) -> dict[str, Any]:
        """Ask a question that is answered."""
        body = {"licence": licence} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(NOW)))
        content = await response.json(content_type=response.content_type)
        assert response.status == 200, content
        msgspec.convert(content, VerificationAnswer)
        return content

    async def refusal(self, licence: object, **more: object) -> tuple[int, str]:
        """Ask a question that is refused."""
        body = {"licence": licence} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(NOW)))
        return response.status, (await response.json(content_type=response.content_type))["reason"]

    async def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 where nothing was counted."""
        text = await (await self.client.get("/metrics")).text()
        wanted = name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted)), 0.0)


Start = Callable[..., Any]


@pytest.fixture
def start(aiohttp_client: StartClient, tmp_path: Path) -> Start:
    """Return what starts a province with some records, and a gateway that asks it by some rules."""
    numbers = count()

    @asynccontextmanager
    async def started(
        *records: object,
        rules: str = f'[[source]]\nsystem = "{NAME}"\n',
        store: tuple[IssuedLicence, ...] = (),
        sources: SourcesSettings | None = None,
        change: Callable[[Site], Site] = lambda site: site,
        source: Any = None,
        policy: PolicyInForce | None = None,
    ) -> AsyncIterator[Stage]:
        async with flowing(*records) as river:  # type: ignore[arg-type]  # records, as the tests make them
            folder = tmp_path / f"site-{next(numbers)}"
            await asyncio.to_thread(write_trusting_site, folder)
            await asyncio.to_thread(write_river, folder, river.address, rules)
            if store:
                await asyncio.to_thread(keep, folder, store)
            site = await asyncio.to_thread(load_site, folder, at=NOW)
            site = replace(
                site,
                callers=make_site([PARTY]).callers,
                settings=replace(site.settings, sources=sources or site.settings.sources),
            )
            app = create_app(change(site), clock=lambda: NOW, licences=source, policy=policy)
            server = GatewayTestServer(app)
            await server.start_server(**server_options(site.settings.http))
            yield Stage(client=await aiohttp_client(server), river=river, folder=folder)

    return started


def keep(folder: Path, licences: tuple[IssuedLicence, ...]) -> None:
    """Put licences into the gateway's own store."""
    store = SqliteLicenceStore(folder / "state" / "licences.sqlite", create=True)
    store.add([read_new_licence(one.document) for one in licences], at=NOW)
    store.close()


def check_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the check of a name in an answer."""
    (check,) = [one for one in content["checks"] if one["check"] == name]
    return dict(check)


# --- what is sealed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("licence", [identifier_of(), key_of()], ids=["identifier", "number"])
async def test_a_verified_answer(start: Start, licence: dict[str, str]) -> None:
    """A licence that the province knows is valid when its document verifies here and its record says so."""
    async with start(record_of(ONE.document), record_of(OTHER.document)) as stage:
        content = await stage.answer(licence)
        assert (content["outcome"], content["status"], content["reasons"]) == ("valid", "active", [])
        freshness = content["freshness"]
        assert (freshness["source"], freshness["register"], freshness["stale"]) == (SOURCE, SOURCE, False)
        assert freshness["mapping"] == stage.river.adapter.digest
        assert freshness["as_of"] is not None
        assert content["signatures"]


@pytest.mark.parametrize(
    "status",
    [
        RecordStatus.SUSPENDED,
        RecordStatus.EXPIRED,
        RecordStatus.REVOKED,
        RecordStatus.CANCELLED,
    ],
)
async def test_the_record_says_how_it_stands(start: Start, status: RecordStatus) -> None:
    """A genuine document of a licence that its province has ended is invalid, for that reason."""
    async with start(record_of(ONE.document, status)) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("invalid", [f"status.{status}"])


async def test_a_status_that_nobody_explained(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """A code that the mapping does not name is unknown, noted and never active; operators are told, once an hour."""
    async with start(record_of(ONE.document)) as stage:
        stage.river.change = lambda body: body.replace("在用".encode("gb18030"), "封存".encode("gb18030"))
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["status"], content["reasons"]) == ("unknown", "unknown", ["status.unknown"])
        assert content["notes"][-1:] == ["status.code-unseen"]
        assert await stage.metric("tongban_system_flags_total", flag="status.unseen", system=NAME) == 1
        await stage.answer(identifier_of())
        ready = msgspec.convert(await (await stage.client.get("/readyz")).json(), Readiness)
        assert ready.systems[0].unseen_at == encode_time(NOW)
    lines = [one.getMessage() for one in caplog.records if one.name == "gateway.sources.line"]
    assert lines == [f"ALARM: {SOURCE} sent a status code that its mapping does not name"]


async def test_surface_fields_that_the_catalogue_does_not_have(start: Start) -> None:
    """What a record states is held against the licence types of the policy in force; what is odd is counted."""
    surface = {"CSRQ": "soon", "ZS": "甲路1号", "XYZ": "1"}
    changes = {"identifier": "", "type_code": ID_CARD_CODE, "name": "居民身份证", "surface": surface}
    record = record_of(ONE.document, document=None, **changes)
    async with start(record, policy=in_force()) as stage:
        asked = key_of(type=ID_CARD_CODE)
        await stage.answer(asked, purpose={"item": REAL_ESTATE, "case": "BDC20260001"})
        counted = {flag: await stage.metric(FLAGS, flag=flag, system=NAME) for flag in SurfaceFlag}
        assert counted == {SurfaceFlag.TYPE_UNKNOWN: 0, SurfaceFlag.FIELD_UNKNOWN: 1, SurfaceFlag.FIELD_TYPE: 1}


async def test_no_forgery_is_believed(start: Start) -> None:
    """A forged document is invalid, whatever the province says of it."""
    forgeries = [one for one in demo_stock().forgeries if one.document != ONE.document]
    checked = 0
    for forgery in forgeries[:3]:
        record = replace(record_of(ONE.document), document=RecordDocument(content=forgery.document))
        async with start(record) as stage:
            content = await stage.answer(identifier_of())
            assert content["outcome"] != "valid", forgery.name
            checked += 1
    assert checked == 3


async def test_another_licence_is_passed_off(start: Start) -> None:
    """The document of another licence is worth nothing, and nothing of it leaves."""
    record = replace(record_of(ONE.document), document=RecordDocument(content=OTHER.document))
    async with start(record) as stage:
        content = await stage.answer(identifier_of(), fields=["holder_name"])
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.record-differs"])
        assert (content["signatures"], content["format"]) == ([], None)


async def test_record_and_document_differ(start: Start) -> None:
    """A status counts only for the licence of the document: where holder or number differ, nobody knows it."""
    holders = (RecordHolder(name="另一家", code=STRANGER, code_type="001"),)
    for record in (record_of(ONE.document, holders=holders), record_of(ONE.document, number="another")):
        async with start(record) as stage:
            content = await stage.answer(identifier_of())
            assert (content["outcome"], content["reasons"]) == ("unknown", ["status.record-differs"])


async def test_an_older_document(start: Start) -> None:
    """A document that was issued before the licence of the record is superseded."""
    issued_on = licence_of(ONE.document).issued_on
    assert issued_on is not None
    async with start(record_of(ONE.document, issued_on=issued_on.replace(year=issued_on.year + 1))) as stage:
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.superseded"]


async def test_copies_with_different_statuses(start: Start) -> None:
    """Of two copies of one licence the worst status counts."""
    records = (record_of(ONE.document, RecordStatus.CANCELLED, document=None), record_of(ONE.document))
    async with start(*records) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("invalid", ["status.cancelled"])
        assert content["signatures"]


@pytest.mark.parametrize("licence", [identifier_of(), key_of()], ids=["identifier", "number"])
async def test_a_copy_that_has_a_key_of_its_own(start: Start, licence: dict[str, str]) -> None:
    """Of the PDF and the OFD of one licence the worst status counts, though the system keeps them under two keys."""
    identifier = ONE.draft.identifier
    serial = identifier.split(".")[7]
    ofd = record_of(ONE.document)
    pdf = record_of(
        ONE.document,
        RecordStatus.CANCELLED,
        identifier=identifier.replace(serial, "9" * len(serial)),
        document=RecordDocument(content=b"%PDF-1.7"),
    )
    async with start(pdf, ofd) as stage:
        both = stage.river.adapter.render((pdf, ofd))
        stage.river.change = lambda _: both
        content = await stage.answer(licence)
        assert (content["outcome"], content["reasons"][0]) == ("invalid", "status.cancelled")
        assert await stage.metric("tongban_system_flags_total", flag="copies.differ", system=NAME) == 1


async def test_in_part_of_an_answer_only_bad_news_counts(start: Start) -> None:
    """While a record of the answer cannot be read it may be a copy with a worse status: nothing is valid."""
    spoiled = record_of(ONE.document, number="spoiled", document=None)

    def spoil(body: bytes) -> bytes:
        return body.replace(b"<no>spoiled</no><kind>", b"<no>spoiled</no><no>again</no><kind>")

    for status, reason in ((RecordStatus.ACTIVE, "status.partial"), (RecordStatus.REVOKED, "status.revoked")):
        async with start(record_of(ONE.document, status), spoiled) as stage:
            stage.river.change = spoil
            assert (await stage.answer(identifier_of()))["reasons"] == [reason]


# --- what is not sealed -----------------------------------------------------------------------------------------------


async def test_a_record_alone(start: Start) -> None:
    """Without a document nothing is valid: the answer is unknown, and says that nothing sealed was there."""
    async with start(record_of(ONE.document, document=None)) as stage:
        content = await stage.answer(key_of())
        assert (content["outcome"], content["status"]) == ("unknown", "active")
        assert content["reasons"] == ["format.no-document"]
        assert check_of(content, "status")["outcome"] == "valid"
        assert check_of(content, "validity-period")["outcome"] == "valid"


async def test_a_record_alone_that_speaks_against_it(start: Start) -> None:
    """A record without a document is enough to say that a licence is not in force."""
    async with start(record_of(ONE.document, RecordStatus.REVOKED, document=None)) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("invalid", ["status.revoked", "format.no-document"])


async def test_a_document_that_cannot_be_read(start: Start) -> None:
    """A file that is no licence proves nothing for or against one."""
    async with start(record_of(ONE.document, document=RecordDocument(content=b"%PDF-1.7"))) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["format.document-unavailable"])


# --- the holder -------------------------------------------------------------------------------------------------------


async def test_another_holder(start: Start) -> None:
    """A licence of another holder is answered as one that does not exist, down to the last character."""
    async with start(record_of(ONE.document), store=(ONE, OTHER)) as stage:
        wrong = await stage.answer(key_of(holder=STRANGER))
        nothing = await stage.answer(key_of(holder=STRANGER, number="JY00000000000000"))
        for content in (wrong, nothing):
            del content["decision"], content["receipt"]
        assert wrong == nothing
        assert wrong["reasons"] == ["status.not-found"]
        assert len(stage.river.asked) == 2


async def test_a_holder_whom_a_record_alone_masks(start: Start) -> None:
    """A system that is asked by number alone and masks the holder tells nobody that the number exists."""
    holders = (RecordHolder(name="某*", code="9134*********415U", code_type="001"),)
    masked = record_of(ONE.document, RecordStatus.REVOKED, document=None, holders=holders)
    async with start(masked) as stage:
        for key in (key_of(), key_of(holder=STRANGER)):
            assert (await stage.answer(key))["reasons"] == ["status.not-found"]


async def test_another_holder_of_a_record_alone(start: Start) -> None:
    """Where nothing is sealed the holder is that of the record, and one who is not stated is nobody."""
    holders = (RecordHolder(name="某*", code="9134*********415U", code_type="001"),)
    for record in (record_of(ONE.document, document=None), record_of(ONE.document, document=None, holders=holders)):
        async with start(record) as stage:
            assert (await stage.answer(key_of(holder=STRANGER)))["reasons"] == ["status.not-found"]


async def test_a_masked_holder(start: Start) -> None:
    """Where the record masks the holder's number, the one in the document counts."""
    holders = (RecordHolder(name="某*", code="9134*********415U", code_type="001"),)
    async with start(record_of(ONE.document, holders=holders)) as stage:
        content = await stage.answer(key_of())
        assert (content["outcome"], check_of(content, "holder-match")["outcome"]) == ("valid", "valid")


# --- what is not proved -----------------------------------------------------------------------------------------------

MASK = (RecordHolder(name="某*", code="9134*********415U", code_type="001"),)
STORE_BEHIND = f'[[source]]\nsystem = "{NAME}"\n[[source]]\nsystem = "store"\n'


def without_holder(licence: IssuedLicence = ONE) -> dict[str, str]:
    return {name: text for name, text in key_of(licence).items() if name != "holder"}


def import_record(folder: Path, status: LicenceStatus, holders: tuple[str, ...], *, objected: bool = False) -> None:
    """Note in the gateway's own store what a register states of a licence."""
    index = read_new_licence(ONE.document).index
    record = RecordedLicence("", index.number, index.type_code, index.name, holders, "", status, objected)
    store = SqliteLicenceStore(folder / "state" / "licences.sqlite")
    store.record([record], reason="import", at=NOW)
    store.close()


async def test_a_holder_makes_nothing_better_that_was_imported(start: Start) -> None:
    """What a register says against a licence counts for its holder, though it masks him and others call it active."""
    async with start(record_of(ONE.document), store=(OTHER,)) as stage:
        await asyncio.to_thread(import_record, stage.folder, LicenceStatus.REVOKED, (MASK[0].code,))
        for key in (key_of(), without_holder()):
            content = await stage.answer(key)
            assert (content["outcome"], content["status"]) == ("invalid", "revoked")
            assert (content["reasons"], content["freshness"]["register"]) == (["status.revoked"], "store")
        for holder in (STRANGER, MASK[0].code):
            assert (await stage.answer(key_of(holder=holder)))["reasons"] == ["status.not-found"]
    async with start(record_of(ONE.document), store=(OTHER,)) as stage:
        await asyncio.to_thread(import_record, stage.folder, LicenceStatus.REVOKED, (key_of()["holder"][8:17],))
        content = await stage.answer(key_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.record-differs"])


async def test_a_holder_makes_nothing_better(start: Start) -> None:
    """What a system says against a licence without proving its holder counts once another source proves him."""
    masked = record_of(ONE.document, RecordStatus.REVOKED, document=None, holders=MASK)
    wrong_file = replace(record_of(ONE.document, RecordStatus.REVOKED), document=RecordDocument(content=OTHER.document))
    async with start(rules=STORE_BEHIND, store=(ONE, OTHER)) as stage:
        for record, source in ((masked, SOURCE), (wrong_file, "store")):
            stage.river.records = (record,)
            for key in (identifier_of(), key_of(), without_holder()):
                content = await stage.answer(key)
                assert (content["outcome"], content["status"]) == ("invalid", "revoked")
                assert content["freshness"]["register"] == SOURCE
                noted = [one for one in content["notes"] if one.startswith("source.")]
                assert noted == (["source.passed-over"] if record is wrong_file else [])
                assert content["freshness"]["source"] == ("store" if "holder" in key else source)
            wrong = await stage.answer(key_of(holder=STRANGER))
            nothing = await stage.answer(key_of(holder=STRANGER, number="JY00000000000000"))
            for content in (wrong, nothing):
                del content["decision"], content["receipt"]
            assert wrong == nothing
        stage.river.records = (replace(wrong_file, status=RecordStatus.ACTIVE),)
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["freshness"]["stale"]) == ("valid", True)


async def test_a_record_that_names_another_holder(start: Start) -> None:
    """What is said against a licence under another holder's number makes it unknown for its own, and is kept secret."""
    organisation = key_of()["holder"][8:17]
    async with start(rules=STORE_BEHIND, store=(ONE, OTHER), sources=SourcesSettings(retries=0)) as stage:
        for code, document in ((organisation, None), (STRANGER, ONE.document), (STRANGER, OTHER.document)):
            holders = (RecordHolder(name="x", code=code, code_type="001"),)
            file = None if document is None else RecordDocument(content=document)
            stage.river.records = (record_of(ONE.document, RecordStatus.REVOKED, holders=holders, document=file),)
            for key in (key_of(), identifier_of(), without_holder()):
                content = await stage.answer(key)
                is_alone = document is None and "holder" not in key
                assert content["outcome"] == ("invalid" if is_alone else "unknown")
                assert content["reasons"][0] == ("status.revoked" if is_alone else "status.record-differs")
            nobody = f"0{STRANGER[1:]}"
            assert (await stage.answer(key_of(holder=nobody)))["reasons"] == ["status.not-found"]
        stage.river.result = "LATER"
        content = await stage.answer(key_of(), tolerance_seconds=600)
        assert (content["reasons"], content["notes"][-1:]) == (["status.record-differs"], ["source.kept-answer"])


async def test_an_outage_makes_nothing_of_another_licence(start: Start) -> None:
    """A kept record that came with the document of another licence is no more of an answer than it was."""
    file = RecordDocument(content=OTHER.document)
    async with start(record_of(ONE.document, RecordStatus.REVOKED, document=file)) as stage:
        assert (await stage.answer(without_holder()))["reasons"] == ["status.record-differs"]
        stage.river.result = "LATER"
        content = await stage.answer(without_holder(), tolerance_seconds=600)
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])


async def test_an_imported_objection(start: Start) -> None:
    """An objection that a register states is noted, whoever has the document, and however the licence was named."""
    async with start(record_of(ONE.document), store=(OTHER,)) as stage:
        await asyncio.to_thread(import_record, stage.folder, LicenceStatus.ACTIVE, (MASK[0].code,), objected=True)
        for key in (key_of(), without_holder()):
            content = await stage.answer(key)
            assert (content["outcome"], content["notes"][-1:]) == ("valid", ["status.under-objection"])


async def test_a_file_that_might_have_shown_the_holder(start: Start) -> None:
    """While the file of a masked holder's licence cannot be fetched, nobody says that whom the mask fits has none."""
    async with start(record_of(ONE.document)) as stage:
        found = StatedLicence(
            document=b"",
            absence=NoDocument.UNAVAILABLE,
            stated=licence_of(ONE.document),
            index=replace(read_new_licence(ONE.document).index, holders=()),
            status=LicenceStatus.ACTIVE,
            is_unseen=False,
            is_under_objection=False,
            source=SOURCE,
            masked=(key_of()["holder"][:4] + "***",),
            detail="timeout",
        )

        async def find(*_: object) -> StatedLicence:
            return found

        source = stage.client.server.app[SITES].current().licences._systems[NAME]
        source.find = find
        content = await stage.answer(key_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: timeout"
        assert (await stage.answer(key_of(holder=f"0{STRANGER[1:]}")))["reasons"] == ["status.not-found"]
        assert (await stage.answer(without_holder()))["reasons"] == ["format.document-unavailable"]


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reason", "word"),
    [
        ("LATER", "status.unavailable", "retry"),
        ("STOP", "status.denied", "denied"),
        ("NO", "status.not-provided", "not-provided"),
        ("PART", "status.partial", "partial"),
        ("NEW", "status.unusable-answer", "error"),
    ],
)
async def test_the_province_says_no(start: Start, result: str, reason: str, word: str) -> None:
    """What a province answers in place of a licence is unknown, with a reason of its own, and counted."""
    async with start(record_of(ONE.document), sources=SourcesSettings(retries=0)) as stage:
        stage.river.result = result
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", [reason])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: {word}"
        assert content["freshness"]["stale"]
        assert await stage.metric("tongban_system_questions_total", outcome=word, system=NAME) == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda body: body.decode("gb18030").encode("utf-16"), "malformed"),
        (lambda body: body[:-20], "malformed"),
        (lambda _: b"<reply><result>OK</result>" + b" " * (10 * 1024 * 1024), "too-large"),
        (lambda body: body.replace("许可证".encode("gb18030"), b"\xff\xff"), "charset"),
    ],
    ids=["another charset", "cut off", "too large", "half a character"],
)
async def test_an_answer_that_cannot_be_used(start: Start, change: Callable[[bytes], bytes], word: str) -> None:
    """What cannot be read is unknown, and never not-found."""
    one = next(one for one in LICENCES if "许可证" in licence_of(one.document).name)
    async with start(record_of(one.document)) as stage:
        stage.river.change = change
        content = await stage.answer(identifier_of(one))
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unusable-answer"])
        assert check_of(content, "status")["detail"] in {f"{SOURCE}: {word}", f"{SOURCE}: charset"}


def two_misses() -> PolicyInForce:
    """Return a policy that allows two misses."""
    budget = '[[budget]]\nid = "more"\nzh = "上限"\nen = "limit"\ncounts = "misses"\n'
    return in_force(added("limits.toml", budget + 'per = ["caller"]\nlimit = 2\nwindow_seconds = 3600\n'))


@pytest.mark.parametrize(("result", "reason"), [("NO", "status.not-provided"), ("STOP", "status.denied")])
async def test_what_is_never_said_spends_misses(start: Start, result: str, reason: str) -> None:
    """No holder is guessed for nothing at a store that has the licence, while a province never speaks of it."""
    purpose = {"item": REAL_ESTATE, "case": "BDC20260001"}
    async with start(policy=two_misses(), store=(ONE, OTHER)) as stage:
        stage.river.result = result
        for _ in range(2):
            assert (await stage.answer(key_of(holder=STRANGER), purpose=purpose))["reasons"] == [reason]
        for holder in (STRANGER, key_of()["holder"]):
            assert await stage.refusal(key_of(holder=holder), purpose=purpose) == (429, "budget.exceeded")


async def test_an_outage_spends_no_misses(start: Start) -> None:
    """However often somebody asks while a province cannot answer, that is no miss; a licence that nobody has is one."""
    record = record_of(ONE.document, identifier="")
    purpose = {"item": REAL_ESTATE, "case": "BDC20260001"}
    async with start(record, policy=two_misses(), store=(OTHER,), sources=SourcesSettings(retries=0)) as stage:
        stage.river.result = "LATER"
        for holder in (STRANGER, key_of()["holder"], STRANGER):
            content = await stage.answer(key_of(holder=holder), purpose=purpose)
            assert content["reasons"] == ["status.unavailable"]
        stage.river.result = ""
        assert (await stage.answer(key_of(), purpose=purpose))["status"] == "active"
        for _ in range(2):
            content = await stage.answer(key_of(holder=STRANGER), purpose=purpose)
            assert content["reasons"] == ["status.not-found"]
        assert await stage.refusal(key_of(), purpose=purpose) == (429, "budget.exceeded")


async def test_a_province_that_is_down(start: Start) -> None:
    """Nobody listens: unknown, the readiness says so, and the gateway stays ready."""
    async with start(change=lambda site: replace(site, asked=tuple(map(unreachable, site.asked)))) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        response = await stage.client.get("/readyz")
        ready = msgspec.convert(await response.json(), Readiness)
        assert (response.status, ready.ready) == (200, True)
        assert [(one.system, one.answered) for one in ready.systems] == [(NAME, "unreachable")]
        assert ready.systems[0].mapping == stage.river.adapter.digest


def unreachable(system: Any) -> Any:
    return replace(system, access=replace(system.access, base="http://127.0.0.1:1"))


async def test_a_province_that_does_not_answer(start: Start) -> None:
    """The time for other systems ends before that of the request."""
    async with start(record_of(ONE.document), sources=SourcesSettings(deadline_seconds=0.1)) as stage:
        stage.river.hold = asyncio.Event()
        content = await stage.answer(identifier_of())
        stage.river.hold.set()
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: timeout"


async def test_more_questions_than_it_takes_at_once(start: Start) -> None:
    """A system is asked so many questions at once, so many more wait, and the next one is told at once."""
    sources = SourcesSettings(concurrency=1, waiting=1)
    async with start(record_of(ONE.document), sources=sources) as stage:
        stage.river.hold = asyncio.Event()
        asked = [asyncio.create_task(stage.answer(identifier_of())) for _ in range(3)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert refused["reasons"] == ["status.unavailable"]
        assert check_of(refused, "status")["detail"] == f"{SOURCE}: busy"
        assert len(stage.river.asked) == 1
        stage.river.hold.set()
        outcomes = [(await one)["outcome"] for one in asked]
        assert sorted(outcomes) == ["unknown", "valid", "valid"]


async def test_a_dead_province_leaves_time_for_the_next_one(start: Start) -> None:
    """However many questions wait for a province that hangs, the one behind it is asked; then that one alone."""
    async with flowing(record_of(ONE.document)) as lake:

        def add_lake(site: Site) -> Site:
            (river,) = site.asked
            system = replace(river.adapter.rules.system, id="lake")
            adapter = replace(river.adapter, rules=replace(river.adapter.rules, system=system))
            access = replace(river.access, base=lake.address)
            rules = (SourceRule(system=NAME), SourceRule(system="lake"))
            hasty = replace(river, recipe=replace(river.recipe, deadlines=Deadlines(total_ms=200)))
            return replace(site, asked=(hasty, replace(river, adapter=adapter, access=access)), rules=rules)

        sources = SourcesSettings(deadline_seconds=8.0, concurrency=FAILURES)
        async with start(change=add_lake, sources=sources) as stage:
            stage.river.hold = asyncio.Event()
            answers = await asyncio.gather(*(stage.answer(identifier_of()) for _ in range(12)))
            assert {(one["outcome"], one["freshness"]["source"]) for one in answers} == {("valid", "system:lake")}
            assert len(lake.asked) == 12
            asked = len(stage.river.asked)
            assert FAILURES <= asked < 2 * FAILURES  # those that were let out while the fifth failure was to come
            await stage.answer(identifier_of())
            assert len(stage.river.asked) == asked
            assert await stage.metric("tongban_system_questions_total", outcome="paused", system=NAME) > 0
            stage.river.hold.set()


# --- several sources --------------------------------------------------------------------------------------------------


class Failing:
    """A store of the gateway that cannot say."""

    name = "store"

    async def find(self, *_: object) -> None:
        """Fail."""
        raise SourceUnavailableError(SourceFault.BUSY)

    async def find_status(self, *_: object, **__: object) -> None:
        """Fail."""
        raise SourceUnavailableError(SourceFault.BUSY)

    def close(self) -> None:
        """Hold nothing."""


async def test_the_own_store_comes_first(start: Start) -> None:
    """What the store knows is not asked for elsewhere; what it does not know is."""
    async with start(record_of(OTHER.document), store=(ONE,)) as stage:
        assert (await stage.answer(identifier_of()))["freshness"]["source"] == "store"
        assert stage.river.asked == []
        content = await stage.answer(identifier_of(OTHER))
        assert (content["outcome"], content["freshness"]["source"]) == ("valid", SOURCE)


async def test_a_rule_places_the_store_last(start: Start) -> None:
    """Where the province is placed first, its status counts, and not that of the store's copy."""
    rules = f'[[source]]\nsystem = "{NAME}"\n[[source]]\nsystem = "store"\n'
    async with start(record_of(ONE.document, RecordStatus.REVOKED), store=(ONE, OTHER), rules=rules) as stage:
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.revoked"]
        assert (await stage.answer(identifier_of(OTHER)))["freshness"]["source"] == "store"


async def test_nobody_knows_it(start: Start) -> None:
    """Not found is said when everybody who was asked said so."""
    async with start(store=(OTHER,)) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.not-found"])
        assert not content["freshness"]["stale"]


async def test_one_could_not_be_asked(start: Start) -> None:
    """While one of the sources cannot say, what the others do not know is not called not-found."""
    async with start(store=(OTHER,)) as stage:
        stage.river.result = "LATER"
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.unavailable"]


async def test_one_could_not_be_asked_and_another_has_it(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """What another source knows is answered, with the note that one before could not be asked; the log says which."""
    caplog.set_level(logging.INFO, "tongban.requests")
    rules = f'[[source]]\nsystem = "{NAME}"\n[[source]]\nsystem = "store"\n'
    async with start(store=(ONE,), rules=rules) as stage:
        stage.river.result = "LATER"
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["freshness"]["source"]) == ("valid", "store")
        assert (content["notes"][-1:], content["freshness"]["stale"]) == (["source.passed-over"], True)
    assert json.loads(caplog.messages[-1])["failure"] == f"{SOURCE}.retry"


async def test_an_authoritative_source(start: Start) -> None:
    """Where a source is authoritative its word is final, also when it has none."""
    rules = f'[[source]]\nsystem = "{NAME}"\ntypes = ["{licence_of(ONE.document).name}"]\nauthoritative = true\n'
    rules += '[[source]]\nsystem = "store"\n'
    async with start(store=(ONE, OTHER), rules=rules) as stage:
        by_name = key_of(type=licence_of(ONE.document).name)
        assert (await stage.answer(by_name))["reasons"] == ["status.not-found"]
        stage.river.result = "STOP"
        assert (await stage.answer(by_name))["reasons"] == ["status.denied"]


async def test_an_authoritative_source_and_a_store_that_no_rule_names(start: Start) -> None:
    """The store's old copy does not come before the word of a source that is final."""
    rules = f'[[source]]\nsystem = "{NAME}"\nauthoritative = true\n'
    async with start(record_of(ONE.document, RecordStatus.REVOKED), store=(ONE,), rules=rules) as stage:
        content = await stage.answer(identifier_of())
        assert (content["reasons"], content["freshness"]["register"]) == (["status.revoked"], SOURCE)


async def test_an_area_that_nobody_knows(start: Start) -> None:
    """A number does not tell where its licence was issued: not-found is no word where a rule goes by that."""
    rules = f'[[source]]\nsystem = "{NAME}"\nareas = ["11"]\n'
    async with start(store=(OTHER,), rules=rules) as stage:
        content = await stage.answer(key_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.not-provided"])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: undecided"
        assert stage.river.asked == []
        content = await stage.answer(key_of(OTHER))
        assert (content["outcome"], content["notes"][-1:]) == ("valid", [])


async def test_areas(start: Start) -> None:
    """A system is asked for licences that were issued in its area, and for no others."""
    area = licence_of(ONE.document).issuer_code[2:4]
    other = "11" if area != "11" else "12"
    for rule, outcome in ((area, "valid"), (other, "unknown")):
        rules = f'[[source]]\nsystem = "{NAME}"\nareas = ["{rule}"]\n'
        async with start(record_of(ONE.document), rules=rules) as stage:
            content = await stage.answer(identifier_of())
            assert content["outcome"] == outcome
    assert (content["reasons"], content["freshness"]["source"]) == (["status.not-provided"], "none")


async def test_the_own_store_cannot_say(start: Start) -> None:
    """A store that is ours to mend refuses the question, unless another source knows the licence."""
    async with start(record_of(ONE.document), source=Failing()) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["notes"][-1:]) == ("valid", ["source.passed-over"])
        assert await stage.refusal(identifier_of(OTHER)) == (503, "source.unavailable")


async def test_a_document_while_the_own_store_cannot_say(start: Start) -> None:
    """Nobody says how the licence of a document stands while the store cannot and the province does not know it."""
    async with start(source=Failing()) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
    async with start(record_of(ONE.document), source=Failing()) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["notes"][-1:]) == ("valid", ["source.passed-over"])


async def test_a_licence_that_is_only_announced(start: Start) -> None:
    """Where the store has no document yet the province is asked for it; where it has none either, it is not ready."""
    index = read_new_licence(ONE.document).index

    def announce(folder: Path) -> None:
        store = SqliteLicenceStore(folder / "state" / "licences.sqlite")
        store.announce(index, at=NOW)
        store.close()

    for records, reasons in (((record_of(ONE.document),), []), ((), ["status.not-ready"])):
        async with start(*records, store=(OTHER,)) as stage:
            await asyncio.to_thread(announce, stage.folder)
            assert (await stage.answer(identifier_of()))["reasons"] == reasons


# --- documents that come along ----------------------------------------------------------------------------------------


async def test_the_document_of_a_revoked_licence(start: Start) -> None:
    """A genuine document that came with the question is invalid when its province says that the licence has ended."""
    async with start(record_of(ONE.document, RecordStatus.REVOKED)) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["reasons"]) == ("invalid", ["status.revoked"])
        assert (content["freshness"]["source"], content["freshness"]["register"]) == ("document", SOURCE)
        stage.river.result = "LATER"
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])


@pytest.mark.parametrize("licence", [identifier_of(), question(ONE.document)["licence"]], ids=["key", "document"])
@pytest.mark.parametrize("identifier", ["", "asked", "short"])
async def test_the_record_of_another_licence(start: Start, identifier: str, licence: dict[str, str]) -> None:
    """A record of another licence says nothing of the one that was asked for, however its status is."""
    asked = ONE.draft.identifier
    sent = {"": "", "asked": asked, "short": asked.rpartition(".")[0]}[identifier]
    other = replace(record_of(ONE.document if identifier == "short" else OTHER.document), identifier=sent)
    async with start(record_of(ONE.document, RecordStatus.REVOKED)) as stage:
        body = stage.river.adapter.render((replace(other, document=RecordDocument(content=ONE.document)),))
        stage.river.change = lambda _: body
        content = await stage.answer(licence)
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.record-differs"])
        assert content["freshness"]["stale"]


async def test_a_province_that_cannot_be_asked_about_documents(start: Start) -> None:
    """A document whose register is named and cannot be asked is not valid."""

    def without_status(site: Site) -> Site:
        (river,) = site.asked
        adapter = replace(river.adapter, rules=replace(river.adapter.rules, status=None))
        return replace(site, asked=(replace(river, adapter=adapter),))

    async with start(record_of(ONE.document), change=without_status) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.not-provided"])
        assert stage.river.asked == []


async def test_a_final_source_that_does_not_know_a_document(start: Start) -> None:
    """A genuine document that the source with the final word does not know is valid with a note."""
    for authoritative, notes in (("true", ["status.not-registered"]), ("false", [])):
        async with start(rules=f'[[source]]\nsystem = "{NAME}"\nauthoritative = {authoritative}\n') as stage:
            content = await stage.answer(question(ONE.document)["licence"])
            assert (content["outcome"], content["freshness"]["register"]) == ("valid", None)
            assert [one for one in content["notes"] if one.startswith("status.")] == notes


async def test_documents_may_be_left_out(start: Start) -> None:
    """A rule may spare a system questions about documents; they are then answered for themselves."""
    rules = f'[[source]]\nsystem = "{NAME}"\ndocuments = false\n'
    async with start(record_of(ONE.document, RecordStatus.REVOKED), rules=rules) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["freshness"]["register"]) == ("valid", None)
        assert stage.river.asked == []


async def test_a_forgery_that_came_along(start: Start) -> None:
    """Nobody is asked about a document that is not genuine."""
    async with start(record_of(ONE.document)) as stage:
        forgery = demo_stock().forgeries[0]
        assert (await stage.answer(question(forgery.document)["licence"]))["outcome"] != "valid"
        assert stage.river.asked == []


# --- what is told, and what is kept -----------------------------------------------------------------------------------


async def test_what_a_system_is_told(start: Start) -> None:
    """Its questions carry what its recipe names: why, for whom, and the id under which our log has it."""
    async with start(record_of(ONE.document)) as stage:
        more = {
            "purpose": {"item": "EX-QT-05", "case": "C-1", "use": "核验"},
            "operator": {"id": "clerk-7", "name": "经办人"},
        }
        first = await stage.answer(identifier_of(), **more)
        second = await stage.answer(key_of(), **more)
        sealed = licence_of(ONE.document)
        assert stage.river.asked == [
            {
                "oid": ONE.draft.identifier,
                "why": "核验",
                "who": "clerk-7",
                "desk": "7",
                "question": first["decision"],
            },
            {
                "no": sealed.number,
                "kind": sealed.type_code,
                "case": "C-1",
                "org": PARTY.caller.organisation,
                "area": PARTY.caller.region,
                "question": second["decision"],
            },
        ]


async def test_what_the_log_says(start: Start) -> None:
    """The entry of an answer names the system that it is from and its mapping, beside its reasons, and nobody."""
    async with start(record_of(ONE.document), store=(OTHER,)) as stage:
        await stage.answer(identifier_of())
        await stage.answer(identifier_of(OTHER))
        stage.river.result = "STOP"
        await stage.answer(identifier_of())
        entries = [one.leaf.content for one in await logged(stage.client, LeafKind.ACCESS)]
        mapping = "mapping:" + stage.river.adapter.digest.removeprefix("sha256:")[:16]
        assert [one.reasons for one in entries] == [
            (SOURCE, mapping),
            (),
            ("status.denied", SOURCE, mapping),
        ]


async def test_a_status_set_here_is_not_that_of_the_province(start: Start) -> None:
    """The store's own word counts for what the store knows, whatever the province says later in the order."""
    async with start(record_of(ONE.document), store=(ONE,)) as stage:

        def suspend() -> None:
            store = SqliteLicenceStore(stage.folder / "state" / "licences.sqlite")
            status = LicenceStatus.SUSPENDED
            store.set_status(ONE.draft.identifier, status, is_under_objection=False, reason="a test", at=NOW)
            store.close()

        await asyncio.to_thread(suspend)
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.suspended"]
