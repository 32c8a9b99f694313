"""Who looked at mine, over HTTP: who may ask, what is told, what is not, and that the look itself is an entry first."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.app import create_app, server_options
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import MemoryPlace
from gateway.audit.entry import EntryDraft, SubjectId
from gateway.audit.errors import LogFault, UnprovenError
from gateway.audit.forgetting.shred import shred
from gateway.audit.forgetting.shred_approval import ShredOrder, make_approval
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.receipts import parse_receipt, verify_receipt
from gateway.audit.search.query import Query
from gateway.audit.search.search import FoundEntry, LogSearch
from gateway.audit.shard import site_origin
from gateway.audit.tlog.quorum import Policy, PolicyLog
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness.cosigned import Cosigned, CosignedLogs
from gateway.callers import CallerId, CallerRole
from gateway.holder.withholding import HidesFrom, Withholding, WithholdingRule
from gateway.http.holders import FLOOR_SECONDS
from gateway.http.messages.holders import AccessesAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.http.state import WITNESSES
from gateway.policy.approvers import Approver, ApproverRegistry
from gateway.site import Site
from keys.own.signer import SoftwareSigner
from tests.gateway.audit.exports import POLICY as QUORUM
from tests.gateway.audit.exports import cosigned
from tests.support.callers import NOW, Party, make_key, make_party, make_site
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, question
from tests.support.sharing import ADULT, CHILD, COMPANY, asked, caller, make_licence, verified
from tests.support.usage import OFFICIAL, POLICY, make_access, make_refusal

ACCESSES = "/holder/v1/accesses"
HALL = make_party(organisation_name="Real estate centre", organisation_name_zh="示例市不动产登记中心")
PLATFORM = make_party(id=CallerId("identity"), role=CallerRole.IDENTITY_PROVIDER)
AUDITOR = make_party(id=CallerId("auditor"), role=CallerRole.AUDITOR)
POLICE = "11370000MB2846516K"
SECRECY = WithholdingRule(
    id="investigation",
    basis="law",
    organisations=frozenset({POLICE}),
    items=frozenset(),
    hidden_for_days=10,
)


class SettableClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for no least time, but note how long each answer would have waited, in seconds."""
    noted: list[float] = []

    async def wait(moment: float) -> None:
        noted.append(moment - asyncio.get_running_loop().time())

    monkeypatch.setattr("gateway.http.floor._wait_until", wait)
    return noted


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def log(clock: SettableClock) -> AsyncIterator[LogBook]:
    """Return a log that is open, and was begun a half-year before the tests' present."""
    clock.now = NOW - timedelta(days=184)
    book = LogBook(MemoryPlace(region="370000"), clock=clock)
    await book.open()
    clock.now = NOW
    yield book
    await book.close()


def site_of(*rules: WithholdingRule) -> Site:
    return replace(make_site([HALL, PLATFORM, AUDITOR]), withholding=Withholding(rules=rules))


async def start(aiohttp_client: StartClient, log: LogBook, clock: SettableClock, *rules: WithholdingRule) -> Client:
    site = site_of(*rules)
    server = GatewayTestServer(create_app(site, clock=clock, policy=POLICY, log=log))
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def fill(log: LogBook, clock: SettableClock, *drafts: EntryDraft, at: datetime = NOW) -> None:
    """Append entries, a second apart, and go back to the present, which is an hour later at least."""
    for place, draft in enumerate(drafts):
        clock.now = at + timedelta(seconds=place)
        await log.append(draft)
    clock.now = max(NOW, at) + timedelta(hours=1)


def token(clock: SettableClock, holder: str = ADULT, party: Party = PLATFORM, **claims: Any) -> str:
    """Return a good token about a holder, except for the claims; None takes one away."""
    more = {"holder": holder, "assurance": "real-person"} | claims
    return party.token(at=clock.now, more={name: value for name, value in more.items() if value is not None})


async def ask(
    client: Client, signed: str, body: dict[str, Any] | None = None, *, language: str = ""
) -> tuple[int, Any]:
    headers = bearer(signed) | ({"Accept-Language": language} if language else {})
    response = await client.post(ACCESSES, json=body or {}, headers=headers)
    assert response.headers["Cache-Control"] == "no-store"
    content = await response.json(content_type=response.content_type)
    if response.status == 200:
        msgspec.convert(content, AccessesAnswer)
        assert response.headers["Vary"] == "Accept-Language"
    else:
        msgspec.convert(content, ProblemDocument)
    return response.status, content


async def looks(log: LogBook, holder: str = ADULT) -> list[FoundEntry]:
    """Return the entries about looks at a holder's entries in the newest shard, the latest first."""
    query = Query(subject=holder, kinds=frozenset({LeafKind.AUDITOR_QUERY}))
    return list(LogSearch.of(log.reader()).find(query).entries)


def withheld_by(look: FoundEntry) -> list[str]:
    """Return which rules hid how much, as the entry says; its leaf says nothing of it."""
    assert look.private is not None
    assert look.leaf.content.reasons == ()
    assert b"investigation" not in look.data
    return [text for text in look.private.part.context if text.startswith("withheld=")]


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_one_look_in_words(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """When, which organisation and system, for which item, which fields in which form, and why; no official."""
    await fill(log, clock, make_access())
    client = await start(aiohttp_client, log, clock)
    status, content = await ask(client, token(clock))
    assert status == 200
    [line] = content["accesses"]
    assert line["time"] == "2026-03-01T04:00:00Z"
    assert line["organisation"] == {"code": "11370000000000000X", "name": "示例市不动产登记中心"}
    assert line["system"] == {"id": "service-hall", "name": "政务服务大厅"}
    assert (line["item"], line["licence"]) == ({"code": "34-001", "name": "不动产登记"}, "居民身份证")
    assert line["fields"][2] == {"name": "姓名", "form": "m", "words": "姓名：部分遮蔽", "count": 1}
    assert line["why"].startswith("示例市不动产登记中心为办理“不动产登记”，")
    assert (line["province"], line["damaged"], "proof" in line) == (None, False, False)
    assert content["heartbeat"] == "2026-03-01T05:00:00Z"  # that the gateway was started
    assert content["period_from"] == "2025-08-29T04:00:00Z"
    assert content["cursor"] is None
    text = json.dumps(content, ensure_ascii=False)
    assert OFFICIAL not in text
    assert ADULT not in text


async def test_languages(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """Sentences are in the language that is wanted; codes stay."""
    await fill(log, clock, make_access(partner="340000"), make_refusal())
    client = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock), language="en-GB, zh;q=0.5")
    refusal, access = content["accesses"]
    assert access["province"] == {"region": "340000", "name": "Anhui"}
    assert access["fields"][0]["words"].startswith("date of birth: ")
    title = PROBLEMS[ProblemKind.BUDGET_EXCEEDED].title_en
    assert refusal["why"].endswith(f"It was not answered, and nothing was given. {title}.")
    assert content["notice"].isascii()
    _, content = await ask(client, token(clock), language="zh-CN")
    assert content["accesses"][0]["why"].startswith("示例市不动产登记中心")


async def test_a_real_question_is_told(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """What a business system was answered over HTTP is what the holder is told: the same fields in the same forms."""
    counter = caller("counter", organisation_name_zh="示例市不动产登记中心")
    app = create_app(
        make_site([counter, PLATFORM]),
        clock=clock,
        policy=POLICY,
        log=log,
        verify=lambda *_, **__: verified(make_licence()),
    )
    server = GatewayTestServer(app)
    await server.start_server(**server_options(make_site().settings.http))
    client = await aiohttp_client(server)
    response = await client.post(URL, json=asked(), headers=bearer(counter.token()))
    fields = (await response.json())["fields"]
    _, content = await ask(client, token(clock))
    [line] = content["accesses"]
    told = {field["name"]: field["words"] for field in line["fields"]}
    assert fields["holder_name"]["form"] == "plain"
    assert told["姓名"] == "姓名：原样提供"
    assert "照片" not in told
    assert line["why"].startswith("示例市不动产登记中心为办理“不动产登记”，通过“政务服务大厅”查询了居民身份证。")


async def test_nobody_sees_what_is_about_another(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock
) -> None:
    """Each holder is told of their own; an entry about two is told to both, and neither learns of the other."""
    await fill(log, clock, make_access(ADULT), make_access(CHILD), make_access(ADULT, COMPANY))
    client = await start(aiohttp_client, log, clock)
    places = {}
    for holder in (ADULT, CHILD, COMPANY, "11010519491231002X"):
        _, content = await ask(client, token(clock, holder))
        places[holder] = [line["time"][-3:-1] for line in content["accesses"]]
        assert not any(other in json.dumps(content) for other in (ADULT, CHILD, COMPANY))
    assert list(places.values()) == [["02", "00"], ["01"], ["02"], []]


async def test_a_representative_sees_what_the_represented_sees(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock
) -> None:
    """The entry about the look names both, so that either finds it; the asker's own uses are not mixed in."""
    await fill(log, clock, make_access(ADULT), make_access(CHILD))
    client = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock, ADULT, acting_for=CHILD))
    assert [line["time"][-3:-1] for line in content["accesses"]] == ["01"]
    assert len(await looks(log, ADULT)) == len(await looks(log, CHILD)) == 1
    opened = log.reader().private(content["receipt"]["index"])
    assert opened is not None
    assert opened.part.subjects == (CHILD, ADULT)


async def test_proofs_can_be_checked_without_the_log(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock
) -> None:
    """Each line opens into a full receipt that proves its entry, and holds nothing personal."""
    await fill(log, clock, make_access(), make_access(), make_access(CHILD), at=NOW - timedelta(days=183))
    await fill(log, clock, make_access())
    client = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock), {"proofs": True})
    assert len(content["accesses"]) == 3
    for line, shard in zip(content["accesses"], ("2026h1", "2025h2", "2025h2"), strict=True):
        receipt = parse_receipt(msgspec.json.encode(line["proof"]))
        own = Policy(logs=tuple(PolicyLog(key=signer.key) for signer in log.reader(shard).signers))
        checked = verify_receipt(receipt, own)
        assert checked.is_proven
        assert (receipt.log, receipt.index) == (line["log"], line["index"])
        assert receipt.leaf is not None
        assert parse_leaf(receipt.leaf).content.kind is LeafKind.ACCESS
        assert ADULT not in json.dumps(line)


async def test_proofs_stand_in_what_witnesses_saw(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the published policy asks for witnesses a line's proof reaches their number, once they saw the entry."""
    await fill(log, clock, make_access())
    client = await start(aiohttp_client, log, clock)
    known = cosigned(log.reader().prove(0).checkpoint)
    witnesses = CosignedLogs()
    witnesses._know(Cosigned(signed=known, at=NOW, times={}))
    monkeypatch.setitem(client.server.app._state, WITNESSES, witnesses)  # type: ignore[attr-defined]
    await fill(log, clock, make_access(), at=clock.now)
    _, content = await ask(client, token(clock), {"proofs": True})
    published = replace(QUORUM, logs=tuple(PolicyLog(key=signer.key) for signer in log.current.signers))
    newer, seen = (parse_receipt(msgspec.json.encode(line["proof"])) for line in content["accesses"])
    assert verify_receipt(seen, published).is_proven
    assert verify_receipt(seen, published).size == known.checkpoint.size
    with pytest.raises(UnprovenError) as caught:
        verify_receipt(newer, published)
    assert caught.value.fault is LogFault.TOO_FEW_WITNESSES


async def test_pages_over_half_years(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """One cursor leads through all shards; it belongs to the holder and the times it was made for."""
    await fill(log, clock, make_access(), make_access(), at=NOW - timedelta(days=183))
    await fill(log, clock, make_access(), make_access())
    client = await start(aiohttp_client, log, clock)
    assert log.shards() == ("2025h2", "2026h1")
    seen, cursor = [], None
    while True:
        _, content = await ask(client, token(clock), {"limit": 1} | ({} if cursor is None else {"cursor": cursor}))
        seen += [(line["log"], line["time"]) for line in content["accesses"]]
        assert len(content["accesses"]) == 1
        cursor = content["cursor"]
        if cursor is None:
            break
        for signed, more in ((token(clock, CHILD), {}), (token(clock), {"until": "2027-01-01T00:00:00Z"})):
            status, problem = await ask(client, signed, {"limit": 1, "cursor": cursor} | more)
            assert (status, problem["errors"][0]["path"]) == (422, "$.cursor")
    assert len(seen) == 4
    assert seen == sorted(seen, key=lambda one: one[1], reverse=True)
    since = {"since": "2026-03-01T12:00:00+08:00", "until": "2026-03-01T12:00:01+08:00"}
    assert len((await ask(client, token(clock), since))[1]["accesses"]) == 1


async def test_a_damaged_entry_is_told(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """A use whose private part was changed is still told, by its forms alone."""
    await fill(log, clock, make_access(), make_access())
    client = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock))
    store, index = log.reader().store, content["accesses"][0]["index"]
    sealed = store.private(index)
    assert sealed is not None
    store.replace_privates({index: sealed[:-1] + bytes([sealed[-1] ^ 1])})
    _, content = await ask(client, token(clock))
    damaged, sound = content["accesses"]
    assert (damaged["damaged"], damaged["licence"], damaged["fields"][0]["name"]) == (True, None, None)
    assert (sound["damaged"], sound["licence"], sound["fields"][0]["name"]) == (False, "居民身份证", "出生日期")


async def test_an_erased_entry_is_told(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """Whoever is forgotten finds nothing; who shared a licence with them still sees that it was used."""
    await fill(log, clock, make_access(licence="A"), make_access(ADULT, CHILD, licence="B"), make_access(CHILD))
    client = await start(aiohttp_client, log, clock)
    order = ShredOrder(log=site_origin(log.reader().origin), subject=SubjectId(CHILD), basis="PIPL-47")
    signers = {name: SoftwareSigner(Ed25519PrivateKey.generate()) for name in ("chen", "li")}
    approvers = [
        Approver(id=name, name=name, name_zh=name, algorithm=signer.algorithm, public_key=signer.public_key)
        for name, signer in signers.items()
    ]
    approvals = [make_approval(order, one, signers[one.id], at=clock.now) for one in approvers]
    await shred(log, order, approvals, ApproverRegistry(approvers), at=clock.now)
    assert (await ask(client, token(clock, CHILD)))[1]["accesses"] == []
    _, content = await ask(client, token(clock))
    joint, own = content["accesses"]
    assert (joint["damaged"], joint["licence"], joint["fields"][0]["name"]) == (False, None, None)
    assert own["licence"] == "居民身份证"


# --- the look itself --------------------------------------------------------------------------------------------------


async def test_the_look_is_an_entry_first(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """The platform, the count and a commitment stand in the leaf; who asked, and how surely, in the private part."""
    await fill(log, clock, make_access(), make_access())
    client = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock), {"limit": 1, "since": "2026-01-01T00:00:00Z"})
    reader, index = log.reader(), content["receipt"]["index"]
    leaf = parse_leaf(reader.leaf(index)).content
    assert (leaf.kind, leaf.caller, leaf.org) == (LeafKind.AUDITOR_QUERY, "identity", PLATFORM.caller.organisation)
    assert (leaf.more["count"], leaf.reasons) == (1, ())
    opened = reader.private(index)
    assert opened is not None
    assert opened.part.subjects == (ADULT,)
    assert opened.part.context == (
        "since=1767225600000",
        "assurance=real-person",
        f"withholding={Withholding().digest}",
    )
    assert ADULT.encode() not in reader.leaf(index)
    await ask(client, token(clock), {"limit": 1, "since": "2026-01-01T00:00:00Z", "cursor": content["cursor"]})
    assert len(await looks(log)) == 2
    _, content = await ask(client, token(clock))
    assert len(content["accesses"]) == 2, "looks of holders are no uses"


async def test_no_answer_without_its_entry(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """When the log takes nothing, or cannot be read, nothing of what was found leaves."""
    await fill(log, clock, make_access())
    client = await start(aiohttp_client, log, clock)
    log.freeze(LogUnavailableError(Unavailable.FORKED))
    status, content = await ask(client, token(clock))
    assert (status, content["reason"]) == (503, "log.unavailable")
    assert "accesses" not in content


async def test_no_answer_from_a_log_that_cannot_be_read(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nobody looked is never said because the log could not be asked."""
    client = await start(aiohttp_client, log, clock)

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise LogUnavailableError(Unavailable.UNREACHABLE)

    monkeypatch.setattr(log.reader().store, "find", fail)
    status, content = await ask(client, token(clock))
    assert (status, content["reason"]) == (503, "log.unavailable")


# --- secrecy ----------------------------------------------------------------------------------------------------------


async def test_secrecy_ends_with_its_day(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """What a rule hides is left out until the last of its days is over in China, and nothing tells that it is."""
    await fill(log, clock, make_access(), make_access(org=POLICE), make_access())
    client = await start(aiohttp_client, log, clock, SECRECY)
    over = datetime(2026, 3, 11, tzinfo=CHINA_STANDARD_TIME)
    answers = []
    for at in (over - timedelta(seconds=1), over):
        clock.now = at
        answers.append((await ask(client, token(clock)))[1])
    hidden, shown = answers
    assert [len(answer["accesses"]) for answer in answers] == [2, 3]
    assert shown["accesses"][1]["organisation"]["code"] == POLICE
    assert POLICE not in json.dumps(hidden)
    assert hidden["notice"] == shown["notice"]
    assert hidden.keys() == shown.keys()
    assert [withheld_by(look) for look in await looks(log)] == [[], ["withheld=investigation:1"]]


async def test_an_answer_with_secrets_is_like_one_without(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock
) -> None:
    """Where only secret uses are left there is no further page, just as if there were none."""
    await fill(log, clock, *[make_access(org=POLICE)] * 3, make_access(), make_access(), make_access(CHILD))
    client = await start(aiohttp_client, log, clock, SECRECY)
    _, content = await ask(client, token(clock), {"limit": 2})
    assert (len(content["accesses"]), content["cursor"]) == (2, None)
    assert withheld_by((await looks(log))[0]) == ["withheld=investigation:3"]
    _, of_child = await ask(client, token(clock, CHILD), {"limit": 2})
    assert of_child.keys() == content.keys()


async def test_a_small_page_is_filled(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """However few lines are asked for, secret uses before them neither empty the page nor show in its cursor."""
    await fill(log, clock, make_access(), make_access(), *[make_access(org=POLICE)] * 130)
    client = await start(aiohttp_client, log, clock, SECRECY)
    plain = await start(aiohttp_client, log, clock)
    _, content = await ask(client, token(clock), {"limit": 1})
    _, other = await ask(plain, token(clock), {"limit": 1})
    assert len(content["accesses"]) == 1
    assert len(content["cursor"]) == len(other["cursor"])
    _, last = await ask(client, token(clock), {"limit": 1, "cursor": content["cursor"]})
    assert (len(last["accesses"]), last["cursor"]) == (1, None)


async def test_answers_take_a_least_time(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, waits: list[float]
) -> None:
    """Every answer waits for the same moment after its question, whatever was found or passed over, refusals too."""
    await fill(log, clock, make_access(), *[make_access(org=POLICE)] * 3)
    client = await start(aiohttp_client, log, clock, SECRECY)
    for holder, body in ((ADULT, {}), (CHILD, {}), (ADULT, {"cursor": "AAAA"})):
        waits.clear()
        await ask(client, token(clock, holder), body)
        assert [0 < seconds <= FLOOR_SECONDS for seconds in waits] == [True]


async def test_only_from_representatives(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """A rule may hide from whoever asks for a ward what the ward would be shown."""
    protected = replace(SECRECY, id="child", organisations=frozenset(), items=frozenset({"34-001"}))
    await fill(log, clock, make_access(CHILD))
    client = await start(aiohttp_client, log, clock, replace(protected, hides_from=HidesFrom.REPRESENTATIVES))
    assert len((await ask(client, token(clock, CHILD)))[1]["accesses"]) == 1
    assert (await ask(client, token(clock, ADULT, acting_for=CHILD)))[1]["accesses"] == []


# --- who may ask ------------------------------------------------------------------------------------------------------


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no holder": {"holder": None},
    "no number": {"holder": "somebody"},
    "wrong check character": {"holder": ADULT[:-1] + "0"},
    "acts for nobody": {"acting_for": ""},
    "acts for itself": {"acting_for": ADULT},
    "no person acts": {"holder": COMPANY, "acting_for": CHILD},
    "no assurance": {"assurance": None},
    "another assurance": {"assurance": "certain"},
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
async def test_every_claim_is_needed(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, name: str
) -> None:
    """A token whose claims name no holder lets nobody in; since the platform signed it, there is an entry about it."""
    client = await start(aiohttp_client, log, clock)
    status, content = await ask(client, token(clock, **BAD_CLAIMS[name]))
    assert (status, content["reason"]) == (401, "unauthenticated")
    assert await looks(log) == []
    leaf = parse_leaf(log.reader().leaf(log.reader().head().size - 1)).content  # type: ignore[union-attr]  # it has some
    assert (leaf.kind, leaf.caller, leaf.reasons) == (LeafKind.DENY, "identity", ("unauthenticated",))


async def test_tokens_are_checked_as_everywhere(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock
) -> None:
    """Signature, audience, life, expiry and id of the token count; five minutes is the longest life."""
    client = await start(aiohttp_client, log, clock)
    claims = PLATFORM.claims(holder=ADULT, assurance="real-person")
    bad = (
        PLATFORM.token(private_key=make_key(PLATFORM.caller.algorithm), more=claims),
        PLATFORM.token(audience="https://elsewhere.test", more=claims),
        PLATFORM.token(lifetime=timedelta(minutes=6), more=claims),
        PLATFORM.token(at=NOW - timedelta(minutes=10), more=claims),
        PLATFORM.token(token_id="", more=claims),
    )
    assert [(await ask(client, signed))[0] for signed in bad] == [401] * len(bad)
    assert (await ask(client, PLATFORM.sign(PLATFORM.header(), claims)))[0] == 200


async def test_real_names_are_not_enough(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """Whoever only typed a name and a number is sent back to the platform."""
    client = await start(aiohttp_client, log, clock)
    status, content = await ask(client, token(clock, assurance="real-name"))
    assert (status, content["reason"]) == (403, "holder.assurance-too-low")


async def test_roles_keep_apart(aiohttp_client: StartClient, log: LogBook, clock: SettableClock) -> None:
    """Nobody but a platform vouches for holders, and a platform uses nothing else."""
    client = await start(aiohttp_client, log, clock)
    for party in (HALL, AUDITOR):
        status, content = await ask(client, token(clock, party=party))
        assert (status, content["reason"]) == (403, "role.not-allowed")
    for path, body in ((URL, question()), ("/audit/v1/searches", {"subject": ADULT})):
        response = await client.post(path, json=body, headers=bearer(token(clock)))
        assert response.status == 403
    assert (await client.get(ACCESSES, headers=bearer(token(clock)))).status == 405


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"holder": ADULT}, "$.holder"),
        ({"subject": ADULT}, "$.subject"),
        ({"limit": 51}, "$.limit"),
        ({"limit": 0}, "$.limit"),
        ({"since": "2026-03-01"}, "$.since"),
        ({"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "$.since"),
        ({"since": "1969-01-01T00:00:00Z"}, "$.since"),
        ({"proofs": "yes"}, "$.proofs"),
        ({"cursor": "2026h1~AAAA"}, "$.cursor"),
    ],
)
async def test_what_is_no_request(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, body: dict[str, Any], place: str
) -> None:
    """Whom it is about stands in the token alone; the place that is wrong is named, without its value."""
    client = await start(aiohttp_client, log, clock)
    status, content = await ask(client, token(clock), body)
    assert (status, content["errors"][0]["path"]) == (422, place)
    assert ADULT not in json.dumps(content)
    assert await looks(log) == []


async def test_no_number_in_a_log_line(
    aiohttp_client: StartClient, log: LogBook, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator's log names the platform; nobody's number stands in it, in metrics or in a problem document."""
    await fill(log, clock, make_access())
    client = await start(aiohttp_client, log, clock)
    with caplog.at_level(logging.INFO):
        await ask(client, token(clock, ADULT, acting_for=CHILD))
        _, refused = await ask(client, token(clock, ADULT, acting_for=ADULT))
        _, wrong = await ask(client, token(clock), {"cursor": ADULT})
    metrics = await (await client.get("/metrics")).text()
    said = caplog.text + metrics + json.dumps([refused, wrong])
    assert '"caller":"identity"' in said
    assert 'failure="acting-for"' in said
    assert ADULT not in said
    assert CHILD not in said
