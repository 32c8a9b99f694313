"""Systems that ask in their own tongue: each gets its answer, or a refusal that it knows, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Inquiry
from gateway.audit.leaf import LeafKind
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.http import facades
from gateway.http.facades import DECISION_HEADER, MAX_REQUEST
from gateway.http.state import LOG, SITES
from policies.dimension import LicenceStatus
from tests.gateway.facade.asking import (
    BY_HOLDER,
    BY_IDENTIFIER,
    HOLDER,
    NOBODY,
    PERMIT_NAME,
    WriteSite,
    ask_once,
    entries,
)
from tests.support.facades import (
    ACCOUNTS,
    BUSINESS_NAME,
    COMPANY,
    PERMIT,
    TYPE_CODE,
    ask,
    serve_facade,
    set_status,
)
from tests.support.policy import BUSINESS


async def test_shandong(write_site: WriteSite) -> None:
    """A caller of Shandong's platform gets the record, encrypted to its own SM2 key, and nothing that is withheld."""
    answer, log = await ask_once(await write_site("shandong"), "shandong", BY_IDENTIFIER)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.FOUND, "0")
    (record,) = answer.records
    assert (record.status, record.identifier) == (RecordStatus.ACTIVE, COMPANY.identifier)
    assert [(one.name, one.code) for one in record.holders] == [(HOLDER.name, HOLDER.code)]
    assert (record.issued_on, record.issuer, dict(record.surface)) == (None, "", {})
    (entry,) = log
    assert (entry.leaf.content.kind, entry.leaf.content.caller) == (LeafKind.ACCESS, "shandong-caller")


async def test_what_travels_is_encrypted(write_site: WriteSite) -> None:
    """What Shandong's platform encrypts is not on the wire in the open, and the caller's header is checked first."""
    async with serve_facade(await write_site("shandong"), "shandong") as served, aiohttp.ClientSession() as session:
        address = f"{served.base}/CertShare/queryCertInfo"
        body = {"certIdentifier": COMPANY.identifier, "useCause": "办理"}
        token = ACCOUNTS["shandong"].secrets["access_token"]
        headers = {"accessId": "partner", "accessToken": token}
        async with session.post(address, json=body, headers=headers) as response:
            text = await response.text()
            assert response.headers[DECISION_HEADER]
    assert HOLDER.name not in text
    assert HOLDER.code in text  # which Shandong's form has outside of what it encrypts
    assert json.loads(text)["code"] == "0"


@pytest.mark.parametrize("licence_type", [TYPE_CODE, BUSINESS_NAME])
async def test_guangdong(write_site: WriteSite, licence_type: str) -> None:
    """A caller of Guangdong's interface signs in, asks for a holder's licences of a type, and gets them."""
    inquiry = replace(BY_HOLDER, type_code=licence_type)
    answer, log = await ask_once(await write_site("guangdong"), "guangdong", inquiry)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.FOUND, "SUCCESS")
    (record,) = answer.records
    assert [(one.name, one.code) for one in record.holders] == [(HOLDER.name, HOLDER.code)]
    assert record.status is RecordStatus.ACTIVE
    (entry,) = log
    assert (entry.part.case, entry.part.official) == (BY_HOLDER.case, BY_HOLDER.operator_id)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in ("exchange", "shanghai", "zhejiang", "gbt36906", "national", "jiangsu")),
        ("fujian-soap", {"type": BUSINESS_NAME}),
    ],
)
async def test_every_system_with_a_guarded_recipe(write_site: WriteSite, name: str, changes: dict[str, str]) -> None:
    """Tokens, HMAC, MD5, wrapped secrets, steps, SM4 over GBK in SOAP: recipe and mapping are all that a façade needs.

    The same holder is found however the system is asked.
    """
    async with serve_facade(await write_site(name, **changes), name) as served:
        answers = [await served.client.ask(BY_HOLDER)]
        if Question.IDENTIFIER in served.client._recipe.calls:
            answers.append(await served.client.ask(BY_IDENTIFIER))
    for answer in answers:
        assert answer.outcome is AnswerOutcome.FOUND
        assert [(one.name, one.code) for one in answer.records[0].holders] == [(HOLDER.name, HOLDER.code)]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (LicenceStatus.SUSPENDED, "23", RecordStatus.SUSPENDED),
        (LicenceStatus.EXPIRED, "22", RecordStatus.EXPIRED),
        (LicenceStatus.CANCELLED, "21", RecordStatus.CANCELLED),
        (LicenceStatus.REVOKED, "21", RecordStatus.CANCELLED),
        (LicenceStatus.SUPERSEDED, "21", RecordStatus.CANCELLED),
    ],
)
async def test_a_licence_that_is_not_in_force(
    write_site: WriteSite, status: LicenceStatus, code: str, expected: RecordStatus
) -> None:
    """The system's own code says so, and nothing of the licence leaves beside it."""
    folder = await write_site("shandong")
    await asyncio.to_thread(set_status, folder, COMPANY.identifier, status)
    answer, log = await ask_once(folder, "shandong", BY_IDENTIFIER)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.FOUND, code)
    (record,) = answer.records
    assert (record.status, record.holders, record.number) == (expected, (), "")
    assert [one.leaf.content.outcome for one in log] == ["invalid"]


async def test_what_could_not_be_checked_is_never_found(write_site: WriteSite) -> None:
    """A status that nobody knows is an error in the system's words, not a licence in force."""
    folder = await write_site("shandong")
    await asyncio.to_thread(set_status, folder, COMPANY.identifier, LicenceStatus.UNKNOWN)
    answer, log = await ask_once(folder, "shandong", BY_IDENTIFIER)
    assert (answer.outcome, answer.records) == (AnswerOutcome.ERROR, ())
    assert [one.leaf.content.outcome for one in log] == ["unknown"]


async def test_no_such_licence(write_site: WriteSite) -> None:
    """What the store does not know is the system's own not-found, with an entry."""
    inquiry = replace(BY_IDENTIFIER, identifier=COMPANY.identifier.replace("370015A", "370015B"))
    answer, log = await ask_once(await write_site("shandong"), "shandong", inquiry)
    assert (answer.outcome, answer.raw_outcome, answer.records) == (AnswerOutcome.NOT_FOUND, "10", ())
    assert len(log) == 1


async def test_a_holder_without_licences(write_site: WriteSite) -> None:
    """Nothing found is recorded as a question is, about the holder that was asked for."""
    answer, log = await ask_once(await write_site("guangdong"), "guangdong", NOBODY)
    assert (answer.outcome, answer.records) == (AnswerOutcome.NOT_FOUND, ())
    (entry,) = log
    assert entry.leaf.content.outcome == "unknown"


@pytest.mark.parametrize(
    ("name", "inquiry", "outcome", "decisions"),
    [
        ("shandong", ask(Question.IDENTIFIER, identifier=PERMIT.identifier), AnswerOutcome.DENIED, 1),
        (
            "guangdong",
            ask(Question.HOLDER, holder_code=PERMIT.holders[0].code, type_code=PERMIT_NAME),
            AnswerOutcome.NOT_FOUND,
            2,
        ),
    ],
)
async def test_what_the_policy_does_not_give(
    write_site: WriteSite, name: str, inquiry: Inquiry, outcome: AnswerOutcome, decisions: int
) -> None:
    """A licence of which the policy gives nothing is denied; one that was searched for is as if it were not there.

    Of the search there is an entry beside that of the licence, as where nothing is found.
    """
    answer, log = await ask_once(await write_site(name), name, inquiry)
    assert (answer.outcome, answer.records) == (outcome, ())
    assert len(log) == decisions


async def test_masks_stay_masks(write_site: WriteSite) -> None:
    """A masked field leaves masked, as a text among the surface fields; a date is a date."""
    account = replace(ACCOUNTS["guangdong"], item=BUSINESS, kind="approval")
    folder = await write_site("guangdong", account=account)
    answer, _ = await ask_once(folder, "guangdong", BY_HOLDER)
    (record,) = answer.records
    surface = dict(record.surface)
    representative = next(one.value for one in COMPANY.fields if one.tag == "KZ_FDDBR")
    assert surface["FDDBR"] != representative
    assert str(surface["FDDBR"]).startswith(representative[0])
    assert "*" in surface["FDDBR"]
    assert record.issued_on == COMPANY.issued_on


@pytest.mark.parametrize(
    "changes", [{"item": "34-999"}, {"item": BUSINESS}, {"item": ""}], ids=["unknown", "no-case", "none"]
)
async def test_a_purpose_that_is_none(write_site: WriteSite, changes: dict[str, str]) -> None:
    """Without an item of the policy, or a case where the item asks for one, all is refused, and logged."""
    answer, log = await ask_once(await write_site("shandong", **changes), "shandong", BY_IDENTIFIER)
    assert answer.outcome in {AnswerOutcome.DENIED, AnswerOutcome.ERROR}
    assert answer.records == ()
    assert [one.leaf.content.kind for one in log] == [LeafKind.DENY]


@pytest.mark.parametrize("question", [Question.CODE, Question.FILE])
async def test_what_is_not_offered(write_site: WriteSite, question: Question) -> None:
    """Presentation codes and files are not given out at a façade: the system's own not-provided, and an entry."""
    inquiry = ask(question, code="0123456789", identifier=COMPANY.identifier)
    answer, log = await ask_once(await write_site("shandong"), "shandong", inquiry)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.NOT_PROVIDED, "2")
    assert [one.leaf.content.kind for one in log] == [LeafKind.DENY]


async def test_what_a_step_did_not_give(write_site: WriteSite) -> None:
    """A text that no step gave leads nowhere; who brought it is known, and the refusal is logged."""
    async with serve_facade(await write_site("shanghai"), "shanghai") as served, aiohttp.ClientSession() as session:
        await served.client.ask(BY_IDENTIFIER)
        token = served.client._keeper._token.secret.reveal().decode()
        body = {"CertificateHolderCode": HOLDER.code, "CertificateType": TYPE_CODE, "UseFor": "办理"}
        address = f"{served.base}/GetCertificateDataByHolder"
        async with session.post(address, json=body, headers={"Authorization": token}) as response:
            assert response.status == 422  # for which the system has no words
        assert [one.leaf.content.kind for one in await entries(served)] == [LeafKind.ACCESS, LeafKind.DENY]


async def test_a_file_where_the_answer_would_hold_it(write_site: WriteSite) -> None:
    """A step that leads to a file is taken, and the file is refused by the system's code, in a message without it."""
    answer, log = await ask_once(await write_site("guangdong"), "guangdong", ask(Question.FILE, link="20260102030405"))
    assert (answer.outcome, answer.raw_outcome, answer.file) == (AnswerOutcome.ERROR, "FAILURE", b"")
    assert [one.leaf.content.kind for one in log] == [LeafKind.DENY]


async def test_a_call_that_no_recipe_has(write_site: WriteSite) -> None:
    """An address of the system that we do not serve is answered by its code; another façade's is nobody's."""
    folder = await write_site("shandong")
    async with serve_facade(folder, "shandong") as served, aiohttp.ClientSession() as session:
        async with session.post(f"{served.base}/CertShare/verifyFile", json={}) as response:
            assert (response.status, (await response.json())["code"]) == (200, "2")
        async with session.post(served.base.replace("shandong", "guangdong"), json={}) as response:
            assert response.status == 404


async def test_without_a_log_nothing_leaves(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes no entry means no answer, in the system's words."""
    async with serve_facade(await write_site("shandong"), "shandong") as served:

        async def fail(_: object) -> None:
            raise LogUnavailableError(Unavailable.UNUSABLE, "a test")

        monkeypatch.setattr(served.server.app[LOG], "append", fail)
        answer = await served.client.ask(BY_IDENTIFIER)
    assert (answer.outcome, answer.records) == (AnswerOutcome.ERROR, ())


async def test_a_caller_that_is_switched_off(write_site: WriteSite) -> None:
    """A caller outside of its period is refused as anybody is."""
    folder = await write_site("shandong")
    path = folder / "callers" / "shandong.toml"
    text = await asyncio.to_thread(path.read_text)
    await asyncio.to_thread(path.write_text, "enabled = false\n" + text)
    answer, log = await ask_once(folder, "shandong", BY_IDENTIFIER)
    assert answer.outcome is AnswerOutcome.DENIED
    assert log == []


@pytest.mark.parametrize(("inquiry", "held"), [(BY_HOLDER, 1), (BY_IDENTIFIER, 0)])
async def test_the_floor_of_comparisons(
    write_site: WriteSite, monkeypatch: pytest.MonkeyPatch, inquiry: Inquiry, held: int
) -> None:
    """A question that names a holder takes a least time, like every one that compares; no other does."""
    moments: list[float] = []

    @asynccontextmanager
    async def note(moment: float) -> AsyncIterator[None]:
        moments.append(moment)
        yield

    monkeypatch.setattr(facades, "not_before", note)
    await ask_once(await write_site("shandong"), "shandong", inquiry)
    assert sum(moment > 0 for moment in moments) == held


async def test_none_without_being_asked_for(write_site: WriteSite) -> None:
    """A site whose settings name no façade has none."""
    folder = await write_site("shandong")
    settings = folder / "tongban.toml"
    text = await asyncio.to_thread(settings.read_text)
    await asyncio.to_thread(settings.write_text, text.partition("[[facade]]")[0])
    async with serve_facade(folder, "shandong") as served:
        assert served.server.app[SITES].current().facades is None
        with pytest.raises(AskError) as caught:
            await served.client.ask(BY_IDENTIFIER)
    assert (caught.value.fault, caught.value.where) == (AskFault.HTTP_STATUS, "404")


async def test_garbage(write_site: WriteSite) -> None:
    """Whatever a body is, the answer is one of the system's, and it is no error of ours."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served, aiohttp.ClientSession() as session:
        bodies = [b"", b"{", b"[]", b"null", b'{"a": 1, "a": 2}', b"\xff", b"[" * 5000, b'{"app_key": {"a": []}}']
        for body in bodies:
            async with session.post(f"{served.base}/security/login", data=body) as response:
                assert response.status == 200
                assert json.loads(await response.text())["ack_code"] == "FAILURE"
        too_large = b" " * (MAX_REQUEST + 1)
        async with session.post(f"{served.base}/security/login", data=too_large) as response:
            assert json.loads(await response.text())["ack_code"] == "FAILURE"
        assert await entries(served) == []
