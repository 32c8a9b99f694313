"""Our own client, with the recipe of a system, asks our own gateway as if it were that system."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.audit.leaf import LeafKind
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.demo.licences import LicenceDraft
from gateway.http import facades
from gateway.http.facades import DECISION_HEADER, MAX_REQUEST
from gateway.http.state import LOG, PRESSURE, SITES
from gateway.limits import pressure
from gateway.limits.settings import SheddingSettings
from gateway.sources.source import LicenceKey, by_number
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret
from policies.dimension import LicenceStatus
from tests.support.facades import (
    ACCOUNTS,
    BUSINESS_NAME,
    CASE,
    COMPANY,
    OTHER_COMPANY,
    PERMIT,
    TYPE_CODE,
    Served,
    ask,
    serve_facade,
    set_status,
    write_facade_site,
)
from tests.support.policy import BUSINESS, REAL_ESTATE
from tests.support.redis_servers import until
from tests.support.river import NAME, flowing, write_river
from tests.support.sharing import Logged, logged

HOLDER = COMPANY.holders[0]
BY_IDENTIFIER = ask(Question.IDENTIFIER, identifier=COMPANY.identifier)
BY_HOLDER = ask(Question.HOLDER, holder_code=HOLDER.code, type_code=TYPE_CODE, name=BUSINESS_NAME)
PERMIT_NAME = "食品经营许可证"
NO_CODE = {"jiangsu", "national", "zhejiang"}  # of a refusal: their mappings know none
NOBODY = replace(BY_HOLDER, holder_code="91379901MADEM99999")
WriteSite = Callable[..., Awaitable[Path]]


@pytest.fixture
def write_site(tmp_path: Path) -> WriteSite:
    """Return what writes a site with a façade."""

    async def write(name: str, **changes: object) -> Path:
        await asyncio.to_thread(write_facade_site, tmp_path, name, **changes)
        return tmp_path

    return write


async def entries(served: Served, *kinds: LeafKind) -> list[Logged]:
    """Return the entries of the access log."""
    return await logged(SimpleNamespace(server=served.server), *kinds)


async def ask_once(folder: Path, name: str, inquiry: Inquiry, **serving: object) -> tuple[Answer, list[Logged]]:
    """Serve, ask once, and return the answer with the entries of the log."""
    async with serve_facade(folder, name, **serving) as served:
        return await served.client.ask(inquiry), await entries(served)


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


async def search(served: Served, *, page: int = 1, size: int = 150) -> tuple[str, int]:
    """Search at Guangdong's façade as any client can; return the answer, and how many decisions it names."""
    keeper = served.client._keeper
    if keeper._token is None:
        await served.client.ask(NOBODY)
    assert keeper._token is not None
    settings = ACCOUNTS["guangdong"].settings
    operator = {name: settings[name] for name in ("account", "division", "division_code")}
    operator |= {"role": settings["operator_role"], "identity_num": "operator-1"}
    data = {
        "identity_number": ["91379901MADEM99999"],
        "license_item_code": PERMIT_NAME,
        "service_item_code": REAL_ESTATE,
        "biz_num": CASE,
        "operator": operator,
    }
    body = {"request_id": "r", "page": str(page), "page_size": str(size), "data": data}
    token = {"access_token": keeper._token.secret.reveal().decode()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.base}/license/auth", params=token, json=body) as response,
    ):
        return await response.text(), len(response.headers[DECISION_HEADER].split(","))


@pytest.mark.parametrize("status", [LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LicenceStatus.UNKNOWN])
async def test_a_search_tells_nothing_of_what_is_not_given(
    write_site: WriteSite, monkeypatch: pytest.MonkeyPatch, status: LicenceStatus
) -> None:
    """However many such licences there are, on whichever page and with whatever status, the answer is that of none."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, PERMIT.identifier, status)
    async with serve_facade(folder, "guangdong") as served:
        nothing = await search(served)
        for count, page, size in [(1, 1, 150), (3, 1, 150), (3, 2, 1), (1, 99, 1)]:
            keys_found(monkeypatch, served, *[PERMIT] * count)
            before = len(await entries(served))
            assert await search(served, page=page, size=size) == nothing
            assert len(await entries(served)) == before + count + 1
        keys_found(monkeypatch, served, COMPANY, *[PERMIT] * 7)
        shown, decisions = await search(served, size=1)
        assert (json.loads(shown)["total_count"], decisions) == (1, 1)


async def test_a_search_that_is_not_given_where_one_is_answered(
    write_site: WriteSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one answer holds one licence, several that are not given are as if they were not there."""
    async with serve_facade(await write_site("shandong"), "shandong") as served:
        keys_found(monkeypatch, served, PERMIT, PERMIT)
        answer = await served.client.ask(NOBODY)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.NOT_FOUND, "10")


async def test_a_search_of_what_is_not_in_force(write_site: WriteSite) -> None:
    """A licence of which the policy would give something is told of with its status."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, COMPANY.identifier, LicenceStatus.SUSPENDED)
    answer, _ = await ask_once(folder, "guangdong", BY_HOLDER)
    assert [(one.status, one.holders[0].name) for one in answer.records] == [(RecordStatus.SUSPENDED, "")]


async def test_a_search_for_what_another_system_knows(write_site: WriteSite) -> None:
    """Where a system is named for the type, which nobody can search, nothing found is no "not found"."""
    async with flowing() as river:
        folder = await write_site("guangdong")
        rules = f'[[source]]\nsystem = "{NAME}"\ntypes = ["{BUSINESS_NAME}"]\n'
        await asyncio.to_thread(write_river, folder, river.address, rules)
        inquiry = replace(NOBODY, type_code=BUSINESS_NAME)
        answer, log = await ask_once(folder, "guangdong", inquiry)
        assert river.asked == []
    assert answer.outcome is AnswerOutcome.ERROR
    (entry,) = log
    assert (entry.leaf.content.kind, entry.part.subjects != ()) == (LeafKind.DENY, True)


def keys_found(monkeypatch: pytest.MonkeyPatch, served: Served, *drafts: LicenceDraft) -> None:
    """Let a search find these licences, whoever holds them."""
    found = tuple(by_number(one.number, one.kind) for one in drafts)

    async def find(*_: object, **__: object) -> tuple[LicenceKey, ...]:
        return found

    monkeypatch.setattr(served.server.app[SITES].current().facades.search, "find", find)


async def test_several_licences(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each licence is a decision of its own, with its entry; one that may not be shown is left out, and not counted."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, PERMIT, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
        assert answer.outcome is AnswerOutcome.FOUND
        names = [one.holders[0].name for one in answer.records]
        assert names == [COMPANY.holders[0].name, OTHER_COMPANY.holders[0].name]
        log = await entries(served)
        assert len({entry.leaf.content.req for entry in log}) == len(log) == 3


async def test_all_that_were_found_are_decided(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are not given, those behind them are told of, and the number of all counts those alone."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, *[PERMIT] * 20, COMPANY, *[PERMIT] * 2, OTHER_COMPANY)
        text, decisions = await search(served, size=1)
        assert (json.loads(text)["total_count"], decisions) == (2, 1)
        assert len(await entries(served)) == 2 * 24  # with those of the question that signed in


async def test_pages(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that asks page by page gets all of them, each once; all are decided for each page."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        recipe = served.client._recipe
        call = recipe.calls[Question.HOLDER]
        paged = replace(call, paging=replace(call.paging, size=1))
        served.client._recipe = replace(recipe, calls={**recipe.calls, Question.HOLDER: paged})
        answer = await served.client.ask(BY_HOLDER)
        assert (answer.outcome, len(answer.records)) == (AnswerOutcome.FOUND, 2)
        assert len(await entries(served)) == 4


async def test_one_that_could_not_be_checked(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list without it is said to be only a part."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, OTHER_COMPANY.identifier, LicenceStatus.UNKNOWN)
    async with serve_facade(folder, "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
    assert (answer.outcome, len(answer.records)) == (AnswerOutcome.PARTIAL, 1)


async def test_more_than_the_system_has_room_for(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one answer holds one licence, several that may be shown are an error, and none of them is chosen."""
    async with serve_facade(await write_site("shandong"), "shandong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
        assert (answer.outcome, answer.records) == (AnswerOutcome.ERROR, ())
        assert [one.leaf.content.kind for one in await entries(served)] == [LeafKind.ACCESS] * 2


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


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("shandong", {"access_token": "other"}),
        ("zhejiang", {"app_secret": "other"}),
        ("jiangsu", {"sign": ""}),
        ("national", {"access_token": "other"}),
    ],
)
async def test_a_wrong_secret(write_site: WriteSite, name: str, change: dict[str, str]) -> None:
    """Who does not have what was agreed is refused in the system's words; nobody's requests have no entry."""
    known = ACCOUNTS[name].access
    wrong = {key: Secret((text or "-").encode()) for key, text in change.items()}
    access = replace(known, secrets={**known.secrets, **wrong})
    async with serve_facade(await write_site(name), name, access=access) as served:
        if name in NO_CODE:
            with pytest.raises(AskError) as caught:
                await served.client.ask(BY_HOLDER)
            assert (caught.value.fault, caught.value.where) == (AskFault.HTTP_STATUS, "401")
        else:
            answer = await served.client.ask(BY_HOLDER)
            assert answer.outcome in {AnswerOutcome.DENIED, AnswerOutcome.ERROR}
        assert await entries(served) == []


@pytest.mark.parametrize(
    ("name", "secret"), [("guangdong", "password"), ("exchange", "app_key"), ("fujian-soap", "password")]
)
async def test_a_sign_in_that_is_refused(write_site: WriteSite, name: str, secret: str) -> None:
    """A wrong password gives no token, or one that cannot be used; a question without one is refused."""
    known = ACCOUNTS[name].access
    access = replace(known, secrets={**known.secrets, secret: Secret(b"another-app-key.")})
    changes = {"type": BUSINESS_NAME} if name == "fujian-soap" else {}
    async with serve_facade(await write_site(name, **changes), name, access=access) as served:
        with pytest.raises(AskError):
            await served.client.ask(BY_HOLDER)
        assert await entries(served) == []


async def test_a_token_of_nobody(write_site: WriteSite) -> None:
    """A token that was made elsewhere is no token."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served, aiohttp.ClientSession() as session:
        for token in ("", "0" * 32, "某"):
            address = f"{served.base}/license/auth"
            async with session.post(address, params={"access_token": token}, json={}) as response:
                assert json.loads(await response.text())["ack_code"] == "FAILURE"
        assert await entries(served) == []


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


ENCRYPTED = """[[transport.encryption]]
direction = "out"
at = "$.holderCode"
key = "sm4_key"
name = "sm4-cbc"
iv_place = "front"
spelling = "hex"
key_spelling = "hex"

"""


async def test_what_cannot_be_decrypted(write_site: WriteSite) -> None:
    """Nobody without the account learns whether something could be decrypted; the caller is told, with an entry."""
    key = "0123456789abcdef" * 2
    known = ACCOUNTS["shandong"]
    account = replace(known, secrets={**known.secrets, "sm4_key": key})
    folder = await write_site("shandong", account=account)
    mapping = folder / "adapters" / "shandong.toml"
    text = await asyncio.to_thread(mapping.read_text)
    text = text.replace('"sm2_private_key"]', '"sm2_private_key", "sm4_key"]', 1)
    text = text.replace("[[transport.call]]", ENCRYPTED + "[[transport.call]]", 1)
    await asyncio.to_thread(mapping.write_text, text)
    recipe = {"name": "sm4-cbc", "iv_place": "front", "spelling": "hex", "key_spelling": "hex"}
    good = parse_encryption(recipe).make_encryptor(Secret(key.encode())).encrypt_text(HOLDER.code).text
    changed = good[:-2] + f"{int(good[-2:], 16) ^ 0x55:02x}"
    right = {"accessId": "partner", "accessToken": known.secrets["access_token"]}
    said = []
    async with serve_facade(folder, "shandong", access=known.access) as served, aiohttp.ClientSession() as session:
        for headers in (right | {"accessToken": "none"}, right):
            for code in (good, changed):
                body = {"certTypeCode": TYPE_CODE, "holderCode": code, "holderTypeCode": "001", "useCause": "x"}
                address = f"{served.base}/CertShare/queryCertInfoByHolderCode"
                async with session.post(address, json=body, headers=headers) as response:
                    said.append(json.loads(await response.text())["code"])
        assert [one.leaf.content.kind for one in await entries(served)] == [LeafKind.ACCESS, LeafKind.DENY]
    assert said == ["100", "100", "0", "101"]


async def test_a_token_ends_with_the_account(write_site: WriteSite) -> None:
    """When the password is another one, or the façade another caller's, the tokens of before are good no more."""
    folder = await write_site("guangdong")
    async with serve_facade(folder, "guangdong") as served:
        assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        token = served.client._keeper._token
    await asyncio.to_thread((folder / "state" / "guangdong-password").write_text, "another password of the tests\n")
    async with serve_facade(folder, "guangdong") as served:
        served.client._keeper._token = token
        assert (await served.client.ask(BY_HOLDER)).outcome is not AnswerOutcome.FOUND
        assert len(await entries(served)) == 1  # that of before


async def test_what_is_said_again(write_site: WriteSite) -> None:
    """Of what a question names beside the identifier nothing was compared, and nothing is said again."""
    folder = await write_site("shandong")
    mapping = folder / "adapters" / "shandong.toml"
    text = await asyncio.to_thread(mapping.read_text)
    old = 'json = { certIdentifier = "{identifier}", useCause = "{use}" }'
    new = 'json = { certIdentifier = "{identifier}", holder = "{holder_code}", no = "{number}", useCause = "{use}" }'
    await asyncio.to_thread(mapping.write_text, text.replace(old, new, 1))
    token = ACCOUNTS["shandong"].secrets["access_token"]
    headers = {"accessId": "partner", "accessToken": token}
    body = {"certIdentifier": COMPANY.identifier, "holder": "91110000000000000X", "no": "N-1", "useCause": "x"}
    async with (
        serve_facade(folder, "shandong") as served,
        aiohttp.ClientSession() as session,
        session.post(f"{served.base}/CertShare/queryCertInfo", json=body, headers=headers) as response,
    ):
        text = await response.text()
    assert json.loads(text)["code"] == "0"
    assert "91110000000000000X" not in text
    assert "N-1" not in text


@pytest.mark.parametrize("name", ["zhejiang", "exchange"])
async def test_a_signed_question_comes_once(write_site: WriteSite, name: str) -> None:
    """Where a signature has nothing that is fresh each time, the same question under it is refused all the same."""
    async with serve_facade(await write_site(name), name) as served:
        assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        if name in NO_CODE:
            with pytest.raises(AskError):
                await served.client.ask(BY_HOLDER)
        else:
            assert (await served.client.ask(BY_HOLDER)).outcome is AnswerOutcome.DENIED
        assert len(await entries(served)) == 1


async def test_strangers_shed_nobody(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not signed in yet, and sends slowly, keeps out others like him at most, and no caller of ours."""
    monkeypatch.setattr(pressure, "UNSIGNED_SHARE", 2 / SheddingSettings().requests)
    async with (
        serve_facade(await write_site("shandong"), "shandong") as served,
        aiohttp.ClientSession(base_url=served.server.make_url("/")) as session,
    ):
        load, path = served.server.app[PRESSURE], "/facades/shandong/CertShare/queryCertInfo"
        slow = [await asyncio.open_connection(served.server.host, served.server.port) for _ in range(2)]
        for _, writer in slow:
            writer.write(f"POST {path} HTTP/1.1\r\nHost: g\r\nContent-Length: 99\r\n\r\n{{".encode())
        await until(lambda: load.is_full_of_unsigned)
        assert load._requests == 0
        async with session.post(path) as busy, session.post("/v1/verifications", json={}) as ours:
            assert (busy.headers["Retry-After"], ours.status) == ("1", 401)
        for _, writer in slow:
            writer.close()
        await until(lambda: not load.is_full_of_unsigned)
        assert (await served.client.ask(BY_IDENTIFIER)).outcome is AnswerOutcome.FOUND


async def test_every_process_takes_the_tokens_of_the_others(write_site: WriteSite) -> None:
    """A token of one process of the site is good in another: its key is the site's."""
    folder = await write_site("guangdong")
    async with serve_facade(folder, "guangdong") as one:
        assert (await one.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND
        token = one.client._keeper._token
    async with serve_facade(folder, "guangdong") as other:
        other.client._keeper._token = token
        assert (await other.client.ask(BY_HOLDER)).outcome is AnswerOutcome.FOUND


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
