"""Registering and withdrawing consents over HTTP."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.receipts import parse_receipt
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.consent.memory import Failing, MemoryConsentStore
from gateway.consent.record import CONSENT_ID_PATTERN, MAX_LIFE, ConsentId, ConsentRecord, hash_holder
from gateway.http.consents import OWED_ATTEMPTS
from gateway.http.messages.consents import ConsentAnswer, WithdrawalAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.state import CHANGES, CLOCK, CONSENTS, LOG, POLICY
from gateway.sources.source import SourceFault, SourceUnavailableError
from tests.support.callers import NOW, Party, make_site
from tests.support.http import Client, StartClient, bearer
from tests.support.sharing import ADULT, CHILD, COMPANY, SECRET, caller, logged, make_licence, start_sharing

REGISTRAR = caller("notary", may_register_consent=True)
OTHER = caller("approval", may_register_consent=True, organisation=COMPANY)
COUNTER = caller()
WITHDRAWALS = "/v1/consents/withdrawals"
BODY = {
    "holders": [ADULT],
    "items": ["34-002"],
    "licences": ["driving-licence"],
    "fields": ["holder_name"],
    "organisations": ["11370000000000000X"],
    "expires": "2026-04-01T00:00:00+08:00",
}


async def start(aiohttp_client: StartClient, store: MemoryConsentStore) -> Client:
    return await start_sharing(aiohttp_client, [REGISTRAR, OTHER, COUNTER], make_licence(), consents=store)


async def post(client: Client, party: Party, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    response = await client.post(path, json=body, headers=bearer(party.token()))
    content = await response.json(content_type=response.content_type)
    if response.status != 200:
        msgspec.convert(content, ProblemDocument)
    return response.status, content


async def test_register_and_withdraw(aiohttp_client: StartClient) -> None:
    """A consent is kept as it was given, its holder as a keyed hash; it is withdrawn once."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert status == 200
    msgspec.convert(content, ConsentAnswer)
    assert re.fullmatch(CONSENT_ID_PATTERN, content["consent"])
    assert content["expires"] == "2026-03-31T16:00:00Z"
    record = store.find(ConsentId(content["consent"]))
    assert record is not None
    assert record.holders == {hash_holder(ADULT, SECRET)}
    assert record.fields == {"holder_name"}
    assert record.registered_by == REGISTRAR.caller.organisation
    for _ in range(2):
        status, withdrawn = await post(client, REGISTRAR, WITHDRAWALS, {"consent": content["consent"]})
        assert status == 200
        msgspec.convert(withdrawn, WithdrawalAnswer)
        assert withdrawn["withdrawn"] == "2026-03-01T04:00:00Z"


async def test_a_slow_body_gains_no_time(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consent is given, and withdrawn, when the whole question is there."""
    client = await start(aiohttp_client, MemoryConsentStore())
    moments: list[datetime] = []
    state = client.server.app._state  # type: ignore[attr-defined]
    monkeypatch.setitem(state, CLOCK, lambda: moments.pop() if moments else NOW + timedelta(seconds=20))
    moments.append(NOW)
    _, content = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert content["given"] == "2026-03-01T04:00:20Z"
    moments.append(NOW)
    _, content = await post(client, REGISTRAR, WITHDRAWALS, {"consent": content["consent"]})
    assert content["withdrawn"] == "2026-03-01T04:00:20Z"


async def test_unknown_and_foreign(aiohttp_client: StartClient) -> None:
    """Another organisation's consent is answered as one that does not exist."""
    client = await start(aiohttp_client, MemoryConsentStore())
    _, content = await post(client, REGISTRAR, "/v1/consents", BODY)
    answers = []
    for consent in (content["consent"], "A" * 26):
        status, problem = await post(client, OTHER, WITHDRAWALS, {"consent": consent})
        assert status == 404
        answers.append({name: value for name, value in problem.items() if name not in {"request_id", "decision"}})
    assert answers[0] == answers[1]
    assert answers[0]["reason"] == "consent.unknown"


@pytest.mark.parametrize(("path", "body"), [("/v1/consents", BODY), (WITHDRAWALS, {"consent": "A" * 26})])
async def test_not_everybody(aiohttp_client: StartClient, path: str, body: dict[str, Any]) -> None:
    """Only callers that the operator lets register consents may, and they must sign in."""
    client = await start(aiohttp_client, MemoryConsentStore())
    status, content = await post(client, COUNTER, path, body)
    assert (status, content["reason"]) == (403, "consent.not-allowed")
    assert (await client.post(path, json=body)).status == 401
    closed = await start_sharing(aiohttp_client, [REGISTRAR], make_licence())
    status, content = await post(closed, REGISTRAR, path, body)
    assert (status, content["reason"]) == (403, "consent.not-allowed")


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"items": ["34-999", "34-002"]}, ["$.items[0]"]),
        ({"items": ["34-001"]}, ["$.items[0]", "$.licences[0]", "$.fields[0]"]),
        ({"licences": ["passport", "driving-licence"]}, ["$.licences[0]"]),
        ({"licences": ["business-licence"]}, ["$.items[0]", "$.licences[0]", "$.fields[0]"]),
        ({"fields": ["vehicle_class", "birth_date"]}, ["$.fields[1]"]),
        ({"organisations": ["11370000000000000X", "the notary"]}, ["$.organisations[1]"]),
        ({"items": ["x"] * 100}, [f"$.items[{place}]" for place in range(20)]),
    ],
)
async def test_what_could_never_count(aiohttp_client: StartClient, changes: dict[str, Any], paths: list[str]) -> None:
    """A consent to what the policy in force does not know, or would never ask a consent for, is not registered."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY | changes)
    assert (status, content["reason"]) == (422, "body.invalid")
    assert [place["path"] for place in content["errors"]] == paths
    assert {place["error"] for place in content["errors"]} == {"wrong-value"}


async def test_without_a_policy_nothing_counts(aiohttp_client: StartClient) -> None:
    """While no policy is in force nobody can tell what a consent is to, and none is registered."""
    client = await start(aiohttp_client, MemoryConsentStore())
    client.server.app[POLICY].current = lambda: None  # type: ignore[attr-defined, method-assign]
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert (status, [place["path"] for place in content["errors"]]) == (
        422,
        ["$.items[0]", "$.licences[0]", "$.fields[0]"],
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"holders": []}, "$.holders"),
        ({"holders": [ADULT, "无"]}, "$.holders[1]"),
        ({"holders": [ADULT] * 17}, "$.holders"),
        ({"items": "34-002"}, "$.items"),
        ({"licences": []}, "$.licences"),
        ({"fields": []}, "$.fields"),
        ({"organisations": [""]}, "$.organisations[0]"),
        ({"expires": "2026-04-01"}, "$.expires"),
        ({"expires": "2026-04-01T00:00:00"}, "$.expires"),
        ({"expires": NOW.isoformat()}, "$.expires"),
        ({"expires": (NOW + MAX_LIFE + timedelta(seconds=1)).isoformat()}, "$.expires"),
        ({"expires": "0001-01-01T00:00:00+14:00"}, "$.expires"),
        ({"expires": "9999-12-31T23:59:59-14:00"}, "$.expires"),
        ({"holder": ADULT}, "$.holder"),
    ],
)
async def test_wrong_consents(aiohttp_client: StartClient, changes: dict[str, Any], path: str) -> None:
    """What is wrong is named by its place, and never repeated."""
    client = await start(aiohttp_client, MemoryConsentStore())
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY | changes)
    assert (status, content["reason"]) == (422, "body.invalid")
    assert [place["path"] for place in content["errors"]] == [path]
    assert ADULT not in json.dumps(content)
    assert CHILD not in json.dumps(content)


async def test_a_large_body(aiohttp_client: StartClient) -> None:
    """A body beyond what lists can fill is refused as too large."""
    client = await start(aiohttp_client, MemoryConsentStore())
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY | {"items": ["x" * 300_000]})
    assert (status, content["reason"]) == (413, "body.too-large")


@pytest.mark.parametrize("when", Failing)
async def test_failing(aiohttp_client: StartClient, when: Failing) -> None:
    """Where it cannot be told whether a consent is kept, no id is given out."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    store.failing = when
    status, content = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert (status, content["reason"]) == (503, "consent.unavailable")
    assert "consent" not in content


async def entries_of(client: Client) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the entries about consents: what was done, to which, and whose numbers they name."""
    entries = await logged(client, LeafKind.CONSENT)
    return [
        (str(one.leaf.content.more["action"]), str(one.leaf.content.more["consent"]), one.part.subjects)
        for one in entries
    ]


async def test_answers_carry_their_receipts(aiohttp_client: StartClient) -> None:
    """A registration names its holders, a withdrawal the consent alone; the numbers of the caller have no gap."""
    client = await start(aiohttp_client, MemoryConsentStore())
    _, given = await post(client, REGISTRAR, "/v1/consents", BODY)
    _, withdrawn = await post(client, REGISTRAR, WITHDRAWALS, {"consent": given["consent"]})
    assert await entries_of(client) == [("register", given["consent"], (ADULT,)), ("withdraw", given["consent"], ())]
    entries = await logged(client, LeafKind.CONSENT)
    for content, entry in zip((given, withdrawn), entries, strict=True):
        assert (content["decision"], content["receipt"]["seq"]) == (entry.leaf.content.req, entry.leaf.seq)
        assert content["receipt"]["index"] == entry.index
    assert [entry.leaf.seq for entry in entries] == [1, 2]


@pytest.mark.parametrize("when", Failing)
async def test_what_failed_is_said_to_have(aiohttp_client: StartClient, when: Failing) -> None:
    """An entry says that a change failed, which the refusal leads to; that of a registration comes before it."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    _, given = await post(client, REGISTRAR, "/v1/consents", BODY)
    add, withdraw = store.add, store.withdraw

    def fail_to_add(record: ConsentRecord) -> None:
        store.failing = when
        add(record)

    def fail_to_withdraw(*args: Any, **options: Any) -> datetime | None:
        store.failing = when
        return withdraw(*args, **options)

    store.add, store.withdraw = fail_to_add, fail_to_withdraw  # type: ignore[method-assign]
    for path, body, action, said in (
        ("/v1/consents", BODY, "register", ["register", "register-failed"]),
        (WITHDRAWALS, {"consent": given["consent"]}, "withdraw", ["withdraw-failed"]),
    ):
        before = await entries_of(client)
        status, problem = await post(client, REGISTRAR, path, body)
        assert (status, problem["reason"]) == (503, "consent.unavailable")
        entries = (await entries_of(client))[len(before) :]
        assert [action for action, _, _ in entries] == said
        assert len({about for _, *about in map(tuple, entries) for about in [tuple(about)]}) == 1
        response = await client.get(f"/v1/receipts/{problem['decision']}", headers=bearer(REGISTRAR.token()))
        leaf = parse_receipt(await response.read()).leaf
        assert leaf is not None
        assert parse_leaf(leaf).content.more["action"] == f"{action}-failed"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is owed be tried again at once."""
    monkeypatch.setattr("gateway.http.consents.OWED_SECONDS", 0.001)


class Doubt:
    """A log of which nobody knows whether it takes what it is handed, as when a connection breaks."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch, *, stores: bool) -> None:
        self.log = client.server.app[LOG]  # type: ignore[attr-defined]
        self.failing = True
        self._append, self._stores = self.log.append, stores
        monkeypatch.setattr(self.log, "append", self.append)
        monkeypatch.setattr(type(self.log), "stopped", property(lambda _: self.stopped))

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Tell how it stands."""
        return LogUnavailableError(Unavailable.UNREACHABLE) if self.failing else None

    async def append(self, draft: EntryDraft) -> Receipt:
        """Take an entry, or not, and fail."""
        failing = self.stopped
        receipt: Receipt | None = await self._append(draft) if self._stores or failing is None else None
        self._stores = False
        if failing is not None or receipt is None:
            raise failing or LogUnavailableError(Unavailable.UNREACHABLE)
        return receipt


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("stores", [True, False])
async def test_a_registration_of_which_nobody_knows(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, *, stores: bool
) -> None:
    """Where the log may have the entry nothing is registered, and it says so as soon as it takes something."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    doubt = Doubt(client, monkeypatch, stores=stores)
    status, problem = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert (status, problem["reason"]) == (503, "log.unavailable")
    assert store._records == {}
    owed = set(client.server.app[CHANGES])  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)
    doubt.failing = False
    await asyncio.wait(owed)
    assert [action for action, _, _ in await entries_of(client)] == ["register"] * stores + ["register-failed"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("stores", [True, False])
async def test_a_withdrawal_of_which_nobody_knows(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, *, stores: bool
) -> None:
    """A withdrawal counts, whatever becomes of its entry, which is written as soon as the log takes something."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    _, given = await post(client, REGISTRAR, "/v1/consents", BODY)
    doubt = Doubt(client, monkeypatch, stores=stores)
    status, problem = await post(client, REGISTRAR, WITHDRAWALS, {"consent": given["consent"]})
    assert (status, problem["reason"]) == (503, "log.unavailable")
    record = store.find(ConsentId(given["consent"]))
    assert record is not None
    assert record.withdrawn_at == NOW
    owed = set(client.server.app[CHANGES])  # type: ignore[attr-defined]
    doubt.failing = False
    await asyncio.wait(owed)
    assert [action for action, _, _ in await entries_of(client)][1:] == ["withdraw"] * (1 + stores)


@pytest.mark.usefixtures("impatient")
async def test_what_the_log_never_takes_is_given_up(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An entry that the log does not take while it takes others is tried some times, and named for operators."""
    client = await start(aiohttp_client, MemoryConsentStore())
    log = client.server.app[LOG]  # type: ignore[attr-defined]
    attempts: list[EntryDraft] = []

    async def refuse(draft: EntryDraft) -> None:
        attempts.append(draft)
        raise LogUnavailableError(Unavailable.CORRUPT)

    monkeypatch.setattr(log, "append", refuse)
    assert (await post(client, REGISTRAR, "/v1/consents", BODY))[0] == 503
    await asyncio.wait(set(client.server.app[CHANGES]))  # type: ignore[attr-defined]
    consent = str(attempts[0].leaf.more["consent"])
    assert len(attempts) == 1 + OWED_ATTEMPTS
    assert f"register-failed {consent}" in caplog.text


@pytest.mark.usefixtures("impatient")
async def test_what_is_owed_is_paid_after_any_rush(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that has too much to do, however often it says so, does not end what it is owed."""
    client = await start(aiohttp_client, MemoryConsentStore())
    log = client.server.app[LOG]  # type: ignore[attr-defined]
    append, attempts = log.append, 0

    async def be_busy(draft: EntryDraft) -> Receipt:
        nonlocal attempts
        attempts += 1
        if attempts <= 3 * OWED_ATTEMPTS:
            raise LogUnavailableError(Unavailable.OVERLOADED)
        receipt: Receipt = await append(draft)
        return receipt

    monkeypatch.setattr(log, "append", be_busy)
    assert (await post(client, REGISTRAR, "/v1/consents", BODY))[0] == 503
    await asyncio.wait(set(client.server.app[CHANGES]))  # type: ignore[attr-defined]
    assert [action for action, _, _ in await entries_of(client)] == ["register-failed"]


async def test_too_many_changes_at_once(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as too much is owed to the log no change is begun."""
    monkeypatch.setattr("gateway.http.consents.MAX_CHANGES", 0)
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    assert (await post(client, REGISTRAR, "/v1/consents", BODY))[0] == 503
    assert (await entries_of(client), store._records) == ([], {})


async def test_a_consent_that_goes_meanwhile(aiohttp_client: StartClient) -> None:
    """A consent that is taken out of the register while it is withdrawn is answered as unknown, with an entry."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    _, given = await post(client, REGISTRAR, "/v1/consents", BODY)
    store.withdraw = lambda *_, **__: None  # type: ignore[method-assign]
    status, problem = await post(client, REGISTRAR, WITHDRAWALS, {"consent": given["consent"]})
    assert (status, problem["reason"]) == (404, "consent.unknown")
    assert [action for action, _, _ in await entries_of(client)] == ["register", "withdraw-failed"]


class Waiting:
    """A change that is made only when it is let go, and fails then if there is an ``error``."""

    def __init__(self, client: Client, name: str, error: Exception | None = None) -> None:
        self.go_on = asyncio.Event()
        self._error = error
        self._consents = client.server.app[CONSENTS]  # type: ignore[attr-defined]
        self._change = getattr(self._consents, name)
        setattr(self._consents, name, self)

    async def __call__(self, *args: Any, **options: Any) -> Any:
        """Make the change."""
        await self.go_on.wait()
        if self._error is not None:
            raise self._error
        return await self._change(*args, **options)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every request little time."""
    monkeypatch.setattr(
        "tests.support.sharing.make_site", lambda parties: make_site(parties, request_timeout_seconds=0.3)
    )


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", [None, SourceUnavailableError(SourceFault.BUSY), RuntimeError("a bug")])
@pytest.mark.parametrize(("action", "name"), [("register", "add"), ("withdraw", "withdraw")])
async def test_changes_outlive_their_requests(
    aiohttp_client: StartClient, action: str, name: str, error: Exception | None
) -> None:
    """Where the time ends before the change it is made all the same, or the log says that it failed."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    _, given = await post(client, REGISTRAR, "/v1/consents", BODY)
    waiting = Waiting(client, name, error)
    path, body = {"register": ("/v1/consents", BODY), "withdraw": (WITHDRAWALS, {"consent": given["consent"]})}[action]
    status, problem = await post(client, REGISTRAR, path, body)
    assert (status, problem["reason"]) == (504, "deadline")
    changing = set(client.server.app[CHANGES])  # type: ignore[attr-defined]
    waiting.go_on.set()
    await asyncio.wait(changing)
    after = [said for said, _, _ in await entries_of(client)]
    failed = {"register": ["register", "register-failed"], "withdraw": ["withdraw-failed"]}[action]
    assert after == ["register"] + ([action] if error is None else failed)
    record = store.find(ConsentId(given["consent"]))
    assert record is not None
    assert (record.withdrawn_at is not None) == (action == "withdraw" and error is None)
    assert len(store._records) == 1 + (action == "register" and error is None)


@pytest.mark.usefixtures("hasty")
async def test_a_late_entry_is_followed_by_its_change(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time ends before the entry is durable the consent is registered when it is."""
    monkeypatch.setattr("gateway.http.entries.REFUSAL_SECONDS", 0.0)
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    app = client.server.app  # type: ignore[attr-defined]
    go_on, append = asyncio.Event(), app[LOG].append

    async def append_late(draft: EntryDraft) -> Receipt:
        await go_on.wait()
        receipt: Receipt = await append(draft)
        return receipt

    monkeypatch.setattr(app[LOG], "append", append_late)
    status, problem = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert (status, problem["reason"]) == (503, "log.unavailable")
    assert store._records == {}
    changing = set(app[CHANGES])
    go_on.set()
    await asyncio.wait(changing)
    assert [(action, consent) for action, consent, _ in await entries_of(client)] == [("register", *store._records)]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", [None, SourceUnavailableError(SourceFault.BUSY)])
async def test_a_stop_waits_for_changes(aiohttp_client: StartClient, error: SourceUnavailableError | None) -> None:
    """The register and the log are closed when changes under way are made, or their failure is in the log."""
    store = MemoryConsentStore()
    client = await start(aiohttp_client, store)
    waiting = Waiting(client, "add", error)
    assert (await post(client, REGISTRAR, "/v1/consents", BODY))[0] == 504
    app = client.server.app  # type: ignore[attr-defined]
    [changing] = app[CHANGES]
    asyncio.get_running_loop().call_soon(waiting.go_on.set)
    await app.cleanup()
    assert changing.done()
    assert changing.exception() is error  # and not that the log took no entry
    assert len(store._records) == (error is None)


async def test_a_bug_is_a_failure_too(aiohttp_client: StartClient) -> None:
    """Whatever a change fails by, the log says that it failed."""
    client = await start(aiohttp_client, MemoryConsentStore())
    Waiting(client, "add", RuntimeError("a bug")).go_on.set()
    status, problem = await post(client, REGISTRAR, "/v1/consents", BODY)
    assert (status, problem["reason"]) == (500, "internal")
    assert [action for action, _, _ in await entries_of(client)] == ["register", "register-failed"]


@pytest.mark.parametrize("changes", [{"expires": NOW.isoformat()}, {"items": ["34-999"]}, {"holders": [ADULT, "无"]}])
async def test_refusals_name_their_holders(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Whoever types in numbers for a consent that is refused has an entry about them, however many there were."""
    monkeypatch.setattr("gateway.http.refusal_limit.MAX_A_MINUTE", 0)
    client = await start(aiohttp_client, MemoryConsentStore())
    assert (await post(client, REGISTRAR, "/v1/consents", BODY | changes))[0] == 422
    [entry] = await logged(client)
    assert (entry.leaf.content.kind, entry.part.subjects) == (LeafKind.DENY, (ADULT,))
