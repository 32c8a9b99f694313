"""Licences of another system: what its answer is worth, sealed or not, with a document or without."""

from dataclasses import replace

import msgspec
import pytest

from adapters.record.record import RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from gateway.http.messages.readiness import Readiness
from gateway.rendering import encode_time
from gateway.surface import SurfaceFlag
from tests.gateway.http.systems.stage import ONE, OTHER, SOURCE, STRANGER, Start, check_of, identifier_of, key_of
from tests.support.demo import NOW, demo_stock
from tests.support.river import NAME, licence_of, record_of
from tests.support.sharing import ID_CARD_CODE, REAL_ESTATE, in_force

FLAGS = "tongban_system_flags_total"


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
