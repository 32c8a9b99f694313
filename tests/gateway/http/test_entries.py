"""What handlers write into the log: one entry for one decision, about whom it is, and no more than is worth it."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

import msgspec
import pytest
from aiohttp import web

from gateway.app import create_app, server_options
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.receipts import parse_receipt
from gateway.audit.search.search import LogSearch
from gateway.audit.search.usage import find_usage, usage_query
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.budget.store import Exceeded
from gateway.demo.numbers import citizen_id
from gateway.holder.withholding import Withholding, WithholdingRule
from gateway.http import refusing
from gateway.http.audit_queries import make_query
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.problems import ProblemError
from gateway.http.refusal_limit import MAX_A_MINUTE
from gateway.http.state import LOG, POLICY, REFUSALS, STATUS, STORE
from gateway.sharing import BudgetExceededError, Sharing
from tests.support.callers import NOW, make_site
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.sharing import (
    ADULT,
    CHILD,
    REAL_ESTATE,
    Register,
    asked,
    caller,
    driving_licence,
    holder,
    logged,
    make_licence,
    start_sharing,
    verified,
)

COUNTER = caller()
BY_NUMBER = {"number": "ID-0001", "type": "居民身份证"}


async def ask(client: Client, body: Any, *, now: datetime = NOW) -> tuple[int, dict[str, Any]]:
    """Ask, and return status and content, which has the documented shape."""
    response = await client.post(URL, json=body, headers=bearer(COUNTER.token(at=now)))
    content = await response.json(content_type=response.content_type)
    msgspec.convert(content, VerificationAnswer if response.status == 200 else ProblemDocument)
    return response.status, content


def log_of(client: Client) -> Any:
    """Return the log of a gateway that was started."""
    return client.server.app[LOG]  # type: ignore[attr-defined]


# --- about what -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "reason"), [(None, "purpose.case-missing"), ("BDC-2026", "purpose.case-malformed")])
async def test_a_refused_question_names_its_item(aiohttp_client: StartClient, case: str | None, reason: str) -> None:
    """What is refused for its case is of its item all the same, and so under the rules of secrecy for the item."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    status, content = await ask(client, asked(case=case, match={"holder_id": ADULT}))
    assert (status, content["reason"]) in {(403, reason), (422, reason)}
    [entry] = await logged(client)
    assert (entry.leaf.content.kind, entry.leaf.content.item) == (LeafKind.DENY, REAL_ESTATE)
    for items in ({REAL_ESTATE}, {"34-999"}):
        rule = WithholdingRule(
            id="r", basis="law", organisations=frozenset(), items=frozenset(items), hidden_for_days=9
        )
        rules = Withholding(rules=(rule,))
        page = find_usage(
            log_of(client),
            usage_query(entry.part.subjects[0]),
            select_rule=lambda leaf, rules=rules: rules.select(leaf, at=NOW, represents=False),
        )
        assert len(page.uses) == (items != {REAL_ESTATE})


async def test_an_item_out_of_force_is_named(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item that the policy has is named on days on which the policy does not decide; one that it has not is not."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    monkeypatch.setattr(client.server.app[POLICY], "current", lambda: None)  # type: ignore[attr-defined]
    for item, named in ((REAL_ESTATE, REAL_ESTATE), ("34-999", "")):
        status, _ = await ask(client, asked(item))
        assert status == 200
        assert (await logged(client))[-1].leaf.content.item == named


async def test_one_official_however_typed(aiohttp_client: StartClient) -> None:
    """An auditor who searches for an official finds what they asked in any spelling, and each as it was typed in."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    spellings = ["3701-1", "３７０１-1", "3701\u20111", "3701-1\u200b", "3701-1" + "\u200b" * 120]
    for official in (*spellings, "3701-2"):
        assert (await ask(client, asked(operator={"id": official})))[0] == 200
    search = LogSearch.of(log_of(client).reader())
    for official in spellings:
        found = search.find(make_query(official=official)).entries
        assert len(found) == len(spellings)
        officials = [one.private.part.official for one in found if one.private is not None]
        assert officials == ["3701-1", *reversed(spellings[:4])]


# --- refusals of budgets ----------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no budget have room."""

    async def share(*_: object, **__: object) -> NoReturn:
        raise BudgetExceededError(Exceeded(budget="b", retry_after_seconds=5))

    monkeypatch.setattr(Sharing, "share", share)


@pytest.mark.usefixtures("nothing_left")
async def test_a_refused_document_names_its_holders(aiohttp_client: StartClient) -> None:
    """Whoever has the document knows whose it is: so the holders learn that somebody tried."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    for body in (asked(), asked(match={"holder_id": CHILD})):
        assert (await ask(client, body))[0] == 429
        entry = (await logged(client))[-1]
        assert (entry.leaf.content.kind, entry.part.subjects, entry.part.licence) == (
            LeafKind.DENY,
            (ADULT,),
            "ID-0001",
        )


async def test_a_document_of_another_format_names_its_holders(aiohttp_client: StartClient) -> None:
    """A question that is refused once its document was read is about the licence in it."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    status, content = await ask(client, asked(licence={"document": "QUJD", "format": "signed-data"}))
    assert (status, content["reason"]) == (422, "licence.format-differs")
    [entry] = await logged(client)
    assert (entry.part.subjects, entry.part.licence) == ((ADULT,), "ID-0001")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("number", ["ID-0001", "ID-0002"])
async def test_a_refused_number_tells_nothing(aiohttp_client: StartClient, number: str) -> None:
    """By the commitments of a refusal nobody sees whether there is such a licence, or who holds it."""
    licence = make_licence()
    client = await start_sharing(aiohttp_client, [COUNTER], licence, source=Register(licence), decoy=driving_licence())
    for more in ({}, {"holder": ADULT}, {"holder": CHILD}):
        assert (await ask(client, asked(licence=BY_NUMBER | {"number": number} | more)))[0] == 429
        entry = (await logged(client))[-1]
        assert (entry.part.subjects, entry.part.licence) == ((), number)
        assert entry.leaf.content.commits.subj is None


@pytest.mark.usefixtures("nothing_left")
async def test_numbers_beyond_a_budget_make_no_keys(aiohttp_client: StartClient) -> None:
    """Whoever types in numbers beyond their budget fills neither the index nor the keys with them."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence(holders=(holder(code="x"),)))
    numbers = {f"f{n}": citizen_id("349901", date(1980, 1, n + 1), n) for n in range(8)}
    assert (await ask(client, asked(match=numbers)))[0] == 429
    [entry] = await logged(client)
    assert entry.part.subjects == ("X",)


# --- how many ---------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_makes_no_entry(aiohttp_client: StartClient) -> None:
    """Asking for receipts that nobody has fills no log; the refusal names no decision."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    before = log_of(client).reader().head().size
    for _ in range(20):
        response = await client.get("/v1/receipts/x", headers=bearer(COUNTER.token()))
        assert response.status == 404
        assert "decision" not in await response.json(content_type=None)
    assert log_of(client).reader().head().size == before


class Moment:
    """A clock that a test sets."""

    now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


async def test_malformed_questions_are_counted(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many a minute, by no clock that is set, they have no entry each; the next one says how many.

    Answers all have theirs.
    """
    moment, site = Moment(), make_site([COUNTER])
    app = create_app(site, clock=moment, verify=lambda *_, **__: verified(make_licence()))
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    client = await aiohttp_client(server)
    moment.now = NOW + timedelta(days=400)
    assert (await ask(client, {}, now=moment.now))[0] == 503  # the log does not believe it
    moment.now = NOW
    contents = [(await ask(client, {}, now=moment.now))[1] for _ in range(MAX_A_MINUTE + 4)]
    entries = await logged(client)
    assert len(entries) == MAX_A_MINUTE - 1
    assert [content["decision"] for content in contents if "decision" in content] == [
        one.leaf.content.req for one in entries
    ]
    for _ in range(3):
        assert (await ask(client, {"licence": {"document": "QUJD"}}, now=moment.now))[0] == 200
    monkeypatch.setattr("gateway.http.refusal_limit.MINUTE", 0.0)
    for _ in range(2):
        await ask(client, {}, now=moment.now)
    told = [one.leaf.content.reasons for one in (await logged(client))[MAX_A_MINUTE - 1 :]]
    assert [reasons for reasons in told if "body.invalid" in reasons] == [
        ("body.invalid", "left-out:5"),
        ("body.invalid",),
    ]
    assert len(told) == 5


@pytest.mark.usefixtures("nothing_left")
async def test_whoever_asks_about_somebody_is_logged(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal of a question that names somebody has an entry also where the entry does not name them."""
    monkeypatch.setattr("gateway.http.refusal_limit.MAX_A_MINUTE", 0)
    client = await start_sharing(aiohttp_client, [COUNTER], verified(None))
    status, content = await ask(client, asked("34-004", case=None, match={"holder_id": ADULT}))
    assert status == 429
    [entry] = await logged(client)
    assert (entry.leaf.content.req, entry.part.subjects) == (content["decision"], ())


@pytest.mark.parametrize(("error", "still_untold"), [(None, 0), (Unavailable.UNREACHABLE, 2)])
async def test_what_is_told_late_is_told_once(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, error: Unavailable | None, still_untold: int
) -> None:
    """What an entry says was left out is counted again when that entry failed, not when it may arrive yet."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    with monkeypatch.context() as full:
        full.setattr("gateway.http.refusal_limit.MAX_A_MINUTE", 0)
        for _ in range(2):
            assert "decision" not in (await ask(client, {}))[1]
    monkeypatch.setattr("gateway.http.entries.REFUSAL_SECONDS", 0.0)
    over, append = asyncio.Event(), log_of(client).append

    async def append_late(draft: EntryDraft) -> Receipt:
        await over.wait()
        if error is not None:
            raise LogUnavailableError(error)
        receipt: Receipt = await append(draft)
        return receipt

    appending: list[asyncio.Task[Receipt]] = []

    def begin(draft: EntryDraft) -> "asyncio.Task[Receipt]":
        appending.append(asyncio.create_task(append_late(draft)))
        return appending[-1]

    monkeypatch.setattr(log_of(client), "append", begin)
    assert (await ask(client, {}))[0] == 503
    over.set()
    await asyncio.wait(appending)
    await asyncio.sleep(0)
    limit = client.server.app[REFUSALS]  # type: ignore[attr-defined]
    assert limit.take(COUNTER.caller.id) == still_untold
    assert [one.leaf.content.reasons for one in await logged(client)] == (
        [("body.invalid", "left-out:2")] if error is None else []
    )


# --- the deadline -----------------------------------------------------------------------------------------------------


class SlowLog:
    """A log that tells nobody how an append ended before the time of the request is over."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch, *, error: Unavailable | None = None) -> None:
        self.over = asyncio.Event()
        self.drafts: list[EntryDraft] = []
        self._error = error
        self._append, self._refuse = log_of(client).append, refusing.record_refusal
        monkeypatch.setattr(log_of(client), "append", self.append)
        monkeypatch.setattr(refusing, "record_refusal", self.refuse)

    async def append(self, draft: EntryDraft) -> Receipt:
        """Write it, and say so late."""
        self.drafts.append(draft)
        if self._error is not None:
            await self.over.wait()
            raise LogUnavailableError(self._error)
        receipt: Receipt = await self._append(draft)
        await self.over.wait()
        return receipt

    async def refuse(self, request: web.Request, problem: ProblemError) -> ProblemError:
        """Go on as the time is over."""
        asyncio.get_running_loop().call_soon(self.over.set)
        return await self._refuse(request, problem)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every request little time."""
    monkeypatch.setattr(
        "tests.support.sharing.make_site", lambda parties: make_site(parties, request_timeout_seconds=0.3)
    )


@pytest.mark.usefixtures("hasty")
async def test_one_decision_is_one_entry(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time ends while an entry is written that entry stays the only one, and the refusal leads to it."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    SlowLog(client, monkeypatch)
    status, content = await ask(client, asked())
    assert (status, content["reason"]) == (504, "deadline")
    [entry] = await logged(client)
    assert (entry.leaf.content.kind, entry.leaf.content.req) == (LeafKind.ACCESS, content["decision"])
    response = await client.get(f"/v1/receipts/{content['decision']}", headers=bearer(COUNTER.token()))
    leaf = parse_receipt(await response.read()).leaf
    assert leaf is not None
    assert parse_leaf(leaf).content.kind is LeafKind.ACCESS


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("seconds", [5.0, 0.0])
async def test_an_entry_that_nobody_knows_of(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Where an entry failed, or it is not known in time, nothing else is written, and the refusal says so."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    monkeypatch.setattr("gateway.http.entries.REFUSAL_SECONDS", seconds)
    slow = SlowLog(client, monkeypatch, error=Unavailable.UNREACHABLE)
    status, content = await ask(client, asked())
    assert (status, content["reason"]) == (503, "log.unavailable")
    assert len(slow.drafts) == 1


# --- what was known ---------------------------------------------------------------------------------------------------


class Growing:
    """A revocation store whose number grows whenever somebody looks."""

    def __init__(self) -> None:
        self.looked = 0

    @property
    def sequence(self) -> int:
        """Tell the number."""
        self.looked += 1
        return self.looked


async def test_an_answer_rests_on_one_state(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry and the answer name what was known when the question was judged, whatever came meanwhile."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    state = client.server.app._state  # type: ignore[attr-defined]
    looked: list[Any] = []
    store = state[STORE]
    monkeypatch.setitem(state, STORE, lambda: looked.append(1) or store())
    monkeypatch.setitem(state, STATUS, Growing())
    _, content = await ask(client, asked())
    [entry] = await logged(client)
    assert content["freshness"]["revocation_seq"] == entry.leaf.content.revocation == 1
    assert looked == [1]
