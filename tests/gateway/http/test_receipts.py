"""Receipts over HTTP: each answer carries one, the full one proves itself, and only who asked gets it."""

import asyncio
import base64
from typing import Any

import msgspec
import pytest

from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.receipts import parse_receipt, verify_receipt
from gateway.audit.tlog.quorum import Policy, PolicyLog
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.callers import CallerId
from gateway.decision import make_decision_id
from gateway.http.messages.answers import FullReceiptAnswer
from gateway.http.problems import ProblemKind
from gateway.http.state import LOG
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import URL, Client, StartClient, bearer, question, start
from tests.support.sharing import logged

HALL, OFFICE = make_party(id=CallerId("hall")), make_party(id=CallerId("office"))
SITE = make_site([HALL, OFFICE])


async def ask(client: Client, party: Any = HALL, **changes: Any) -> dict[str, Any]:
    """Ask one question and return what came back, whatever it is."""
    response = await client.post(URL, json=question(**changes), headers=bearer(party.token()))
    return await response.json(content_type=None)  # type: ignore[no-any-return]


async def fetch(client: Client, decision: str, party: Any = HALL) -> tuple[int, bytes]:
    """Ask for a receipt in full."""
    response = await client.get(f"/v1/receipts/{decision}", headers=bearer(party.token()))
    return response.status, await response.read()


def policy_of(client: Client) -> Policy:
    """Return whom an auditor believes: the keys that the log has published."""
    log = client.server.app[LOG].current  # type: ignore[attr-defined]
    return Policy(logs=tuple(PolicyLog(key=signer.key) for signer in log.signers))


async def test_an_answer_carries_the_log_s_word(aiohttp_client: StartClient) -> None:
    """The receipt of an answer verifies against the published keys, and its numbers follow each other."""
    client = await start(aiohttp_client, SITE)
    for number in range(1, 4):
        content = await ask(client)
        receipt = parse_receipt(msgspec.json.encode(content))
        assert (receipt.seq, receipt.proof) == (number, None)
        assert not verify_receipt(receipt, policy_of(client)).is_proven


async def test_the_full_receipt_proves_itself(aiohttp_client: StartClient) -> None:
    """The receipt in full has the entry and its proof, also after the log has grown."""
    client = await start(aiohttp_client, SITE)
    content = await ask(client)
    for _ in range(20):
        await ask(client, OFFICE)
    status, body = await fetch(client, content["decision"])
    assert status == 200
    msgspec.json.decode(body, type=FullReceiptAnswer)
    receipt = parse_receipt(body)
    checked = verify_receipt(receipt, policy_of(client))
    assert checked.is_proven
    assert checked.size >= content["receipt"]["index"] + 20
    assert receipt.leaf is not None
    leaf = parse_leaf(receipt.leaf).content
    assert (leaf.kind, leaf.req, leaf.caller) == (LeafKind.ACCESS, content["decision"], "hall")
    assert base64.b64encode(receipt.leaf_hash).decode() == content["receipt"]["leaf_hash"]


async def test_refusals_have_receipts_too(aiohttp_client: StartClient) -> None:
    """A refusal names its decision, under which its entry is found, with the reason and nothing of the question."""
    client = await start(aiohttp_client, SITE)
    content = await ask(client, licence={"number": "370102198001010017"})
    assert content["reason"] == "body.invalid"
    status, body = await fetch(client, content["decision"])
    receipt = parse_receipt(body)
    assert status == 200
    assert verify_receipt(receipt, policy_of(client)).is_proven
    assert receipt.leaf is not None
    leaf = parse_leaf(receipt.leaf).content
    assert (leaf.kind, leaf.outcome, leaf.reasons) == (LeafKind.DENY, "refused", ("body.invalid",))
    assert b"370102198001010017" not in body


@pytest.mark.parametrize("decision", ["x", "01J00000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "%00"])
async def test_no_such_receipt(aiohttp_client: StartClient, decision: str) -> None:
    """What is no decision, or none of this log, is answered as unknown."""
    client = await start(aiohttp_client, SITE)
    status, body = await fetch(client, decision)
    assert (status, msgspec.json.decode(body)["reason"]) == (404, "receipt.unknown")


async def test_another_caller_s_receipt(aiohttp_client: StartClient) -> None:
    """A receipt of another caller is answered exactly as one that does not exist."""
    client = await start(aiohttp_client, SITE)
    content = await ask(client)
    answers = []
    for decision in (content["decision"], make_decision_id(NOW)):
        status, body = await fetch(client, decision, OFFICE)
        found = msgspec.json.decode(body)
        answers.append((status, {name: found[name] for name in found if name not in {"request_id", "decision"}}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_who_has_not_signed_in_is_not_logged(aiohttp_client: StartClient) -> None:
    """A request without a caller makes no entry; one by a caller who may not makes one."""
    client = await start(aiohttp_client, SITE)
    assert (await client.post(URL, json=question())).status == 401
    assert await logged(client) == []
    response = await client.post("/audit/v1/searches", json={}, headers=bearer(HALL.token()))
    assert response.status == 403
    (entry,) = await logged(client)
    assert (entry.leaf.content.caller, entry.leaf.content.reasons) == ("hall", ("role.not-allowed",))


async def test_an_entry_for_each_answer(aiohttp_client: StartClient) -> None:
    """Many questions at once have each an entry, the numbers of a caller without a gap."""
    client = await start(aiohttp_client, SITE)
    contents = await asyncio.gather(*(ask(client, party) for party in (HALL, OFFICE) for _ in range(40)))
    entries = await logged(client)
    assert {one.leaf.content.req for one in entries} == {content["decision"] for content in contents}
    for caller in ("hall", "office"):
        assert [one.leaf.seq for one in entries if one.leaf.content.caller == caller] == list(range(1, 41))
    assert {content["receipt"]["index"] for content in contents} == {one.index for one in entries}


async def test_a_log_that_cannot_be_read(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt that cannot be read now is a 503 with a time to come back."""
    client = await start(aiohttp_client, SITE)
    content = await ask(client)

    def fail(_: object = None) -> None:
        raise LogUnavailableError(Unavailable.UNREACHABLE)

    monkeypatch.setattr(client.server.app[LOG], "reader", fail)  # type: ignore[attr-defined]
    response = await client.get(f"/v1/receipts/{content['decision']}", headers=bearer(HALL.token()))
    assert (response.status, (await response.json(content_type=None))["reason"]) == (503, ProblemKind.LOG_UNAVAILABLE)
    assert int(response.headers["Retry-After"]) > 0
