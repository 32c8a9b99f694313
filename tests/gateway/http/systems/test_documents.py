"""Documents that come along, what the system is told of them, and what is kept."""

import asyncio
from dataclasses import replace

import pytest

from adapters.record.record import RecordDocument
from adapters.record.status import RecordStatus
from gateway.audit.leaf import LeafKind
from gateway.site import Site
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.gateway.http.systems.stage import (
    ONE,
    OTHER,
    PARTY,
    SOURCE,
    Start,
    identifier_of,
    key_of,
)
from tests.support.demo import NOW, demo_stock
from tests.support.http import question
from tests.support.river import NAME, licence_of, record_of
from tests.support.sharing import logged

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
