"""Who a licence of another system is of, and what is not proved of it."""

import asyncio
from dataclasses import replace
from pathlib import Path

from adapters.record.record import RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from gateway.demo.issuer import IssuedLicence
from gateway.http.state import SITES
from gateway.settings import SourcesSettings
from gateway.sources.intake import read_new_licence
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import NoDocument, StatedLicence
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.gateway.http.systems.stage import (
    ONE,
    OTHER,
    SOURCE,
    STRANGER,
    Start,
    check_of,
    identifier_of,
    key_of,
)
from tests.support.demo import NOW
from tests.support.http import question
from tests.support.river import NAME, licence_of, record_of

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
        for key in (key_of(), identifier_of(), question(ONE.document)["licence"]):
            content = await stage.answer(key)
            assert (content["outcome"], content["reasons"]) == ("invalid", ["status.revoked"])


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
