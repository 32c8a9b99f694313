"""Questions about licences under the policy: what is given, matched and attested, and what the record says."""

import asyncio
import json
import logging
from hashlib import sha256
from typing import Any

import pytest

from gateway.audit.leaf import LeafKind
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.consent.memory import MemoryConsentStore
from gateway.http import business
from gateway.http.state import LOG, SHARING
from gateway.settings import PolicySettings
from gateway.withheld import WITHHELD_SENTENCES
from keys.canonical_json import encode_canonical
from policies.dimension import Context, LicenceStatus
from tests.gateway.http.sharing import NOTARY_CASE, NOTARY_OFFICE, ask, consent, without
from tests.support.callers import Party
from tests.support.http import FORGED, URL, StartClient, bearer
from tests.support.policy import changed
from tests.support.sharing import (
    ADULT,
    CHILD,
    COMPANY,
    NOTARY,
    PUBLIC,
    REAL_ESTATE,
    SECRET,
    Register,
    asked,
    at,
    business_licence,
    caller,
    driving_licence,
    holder,
    in_force,
    logged,
    make_licence,
    start_sharing,
    verified,
    withheld,
)

COUNTER, APPROVAL, NOBODY = caller(), caller("approval"), caller("")
PARTNER = caller("partner-counter", region="340000")
PLAIN_ANSWER = {
    "address": {"form": "mask:addr-district", "value": "安徽省合肥市蜀山区***"},
    "birth_date": {"form": "general:year", "value": "1986"},
    "holder_id": {"form": "match"},
    "holder_name": {"form": "plain", "value": "欧阳晓禾"},
    "photo": withheld("unclassified"),
    "status": {"form": "plain", "value": "active"},
}


async def answer(
    aiohttp_client: StartClient, party: Party, what: Any, body: dict[str, Any] | None = None, **start: Any
) -> dict[str, Any]:
    """Start a gateway, ask it once, and return the answer."""
    client = await start_sharing(aiohttp_client, [party], what, **start)
    status, content = await ask(client, party, asked() if body is None else body)
    assert status == 200, content
    return content


async def test_every_field_of_the_type(aiohttp_client: StartClient) -> None:
    """Without names all fields of the licence type are listed, each in its form or withheld with the reason."""
    content = await answer(aiohttp_client, COUNTER, make_licence())
    assert content["fields"] == PLAIN_ANSWER
    assert content["match"] is None
    assert content["policy"]["bundle"] == in_force().digest


async def test_a_partner_sees_less(aiohttp_client: StartClient) -> None:
    """The same licence, asked for by a partner's counter: a mask, and reasons for the rest."""
    content = await answer(aiohttp_client, PARTNER, make_licence())
    assert content["fields"] == {
        "address": withheld("caller"),
        "birth_date": withheld("caller"),
        "holder_id": {"form": "match"},
        "holder_name": {"form": "mask:name", "value": "欧阳**"},
        "photo": withheld("unclassified"),
        "status": {"form": "plain", "value": "active"},
    }


@pytest.mark.parametrize(
    ("what", "party", "body", "expected"),
    [
        (make_licence(), NOBODY, asked(), {"holder_name": "caller", "status": "caller", "photo": "unclassified"}),
        (
            make_licence(holders=(holder("小明", CHILD),), elements={}),
            COUNTER,
            asked(),
            {"address": "protected", "birth_date": "protected"},
        ),
        (
            make_licence(holders=(holder("小明", CHILD),), elements={}),
            PARTNER,
            asked(),
            {"holder_name": "holder", "address": "caller"},
        ),
        (verified(make_licence(), status=LicenceStatus.REVOKED), COUNTER, asked(), {"holder_name": "licence-status"}),
        (driving_licence(), COUNTER, asked(), {"holder_name": "not-in-item", "vehicle_class": "not-in-item"}),
        (make_licence(holders=(holder(code="1"),)), COUNTER, asked(), {"holder_name": "holder", "status": "holder"}),
        (make_licence(elements={}), COUNTER, asked(), {"address": "not-known", "birth_date": "not-known"}),
        (verified(make_licence(), verdict=FORGED), COUNTER, asked(), {"holder_name": "not-valid"}),
    ],
)
async def test_reasons(
    aiohttp_client: StartClient, what: Any, party: Party, body: dict[str, Any], expected: dict[str, str]
) -> None:
    """A withheld field says why, in one of the documented words."""
    content = await answer(aiohttp_client, party, what, body)
    found = {name: one.get("reason") for name, one in content["fields"].items()}
    assert found | expected == found
    assert {reason for reason in found.values() if reason is not None} <= WITHHELD_SENTENCES.keys()


async def test_a_forgery_leaves_its_status_only(aiohttp_client: StartClient) -> None:
    """Of a licence that is not valid only what the register says is told, and only by a rule for that."""
    forged = verified(make_licence(), verdict=FORGED)
    content = await answer(aiohttp_client, COUNTER, forged, asked(match={"holder_id": ADULT}))
    left = {name for name, one in content["fields"].items() if one["form"] != "withheld"}
    assert left == {"status"}
    assert content["match"] == {"outcome": None, "reason": "not-comparable"}
    assert "欧阳" not in json.dumps(content, ensure_ascii=False)


async def test_obligations(aiohttp_client: StartClient) -> None:
    """What receiving it obliges to stands beside what is given; where nothing is given it is null."""

    async def obligations(party: Party, **changes: Any) -> Any:
        return (await answer(aiohttp_client, party, make_licence(), asked(**changes)))["obligations"]

    strict = {"audit": "full", "keep_days": 1825, "watermark": True}
    assert await obligations(PARTNER) == strict
    assert await obligations(PARTNER, fields=["holder_name", "photo"]) == strict
    for code in (ADULT, CHILD):
        assert await obligations(PARTNER, fields=[], match={"holder_id": code}) == strict
    assert await obligations(COUNTER) == {"audit": "full", "keep_days": 1095, "watermark": False}
    nothing: list[dict[str, Any]] = [{"fields": []}, {"fields": ["photo", "holder_id"]}, {"match": {"photo": "x"}}]
    for changes in nothing:
        assert await obligations(PARTNER, **{"fields": []} | changes) is None
    assert await obligations(caller("")) is None


async def test_names_narrow(aiohttp_client: StartClient) -> None:
    """Only the fields that are asked for are answered; a name that the type does not have is unclassified."""
    content = await answer(aiohttp_client, COUNTER, make_licence(), asked(fields=["birth_date", "blood_type"]))
    assert content["fields"] == {
        "birth_date": {"form": "general:year", "value": "1986"},
        "blood_type": withheld("unclassified"),
    }


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (verified(None), "not-known"),
        (verified(None, verdict=FORGED), "not-valid"),
        (make_licence(type_code="", name="无名证照"), "unclassified"),
    ],
)
async def test_without_a_licence_or_type(aiohttp_client: StartClient, what: Any, reason: str) -> None:
    """Where nothing is known to be listed, the fields that were asked for are withheld, and no others."""
    content = await answer(aiohttp_client, COUNTER, what, asked(fields=["holder_name"], match={"holder_id": ADULT}))
    assert content["fields"] == {"holder_name": withheld(reason)}
    assert content["match"] == {"outcome": None, "reason": "not-comparable"}
    assert (await answer(aiohttp_client, COUNTER, what))["fields"] == {}


async def test_a_stored_licence(aiohttp_client: StartClient) -> None:
    """A licence that the gateway finds by its number is shared like one that came along."""
    body = asked(licence={"number": "ID-0001", "type": "居民身份证", "holder": ADULT})
    licence = make_licence()
    content = await answer(aiohttp_client, COUNTER, licence, body, source=Register(licence), decoy=driving_licence())
    assert content["fields"] == PLAIN_ANSWER
    assert content["freshness"]["source"] == "store"


@pytest.mark.parametrize("sealed", [ADULT, ADULT[:6] + ADULT[8:17]])
@pytest.mark.parametrize("asked_for", [ADULT, ADULT[:6] + ADULT[8:17], ADULT.lower()])
async def test_an_old_number_of_a_holder(aiohttp_client: StartClient, sealed: str, asked_for: str) -> None:
    """A holder is found by the number of 18 characters and by the old one of 15, whichever the licence states."""
    licence = make_licence(holders=(holder(code=sealed),), elements={})
    client = await start_sharing(aiohttp_client, [COUNTER], licence, source=Register(licence), decoy=driving_licence())
    named = {"number": "ID-0001", "type": "居民身份证"}
    for code, outcome in ((asked_for, "valid"), (CHILD, "unknown")):
        _, content = await ask(client, COUNTER, asked(licence=named | {"holder": code}))
        assert content["outcome"] == outcome


async def test_no_such_person_and_no_such_licence(aiohttp_client: StartClient) -> None:
    """The answer about another holder's licence is, word for word, the one about a licence that does not exist."""
    licence = make_licence()
    client = await start_sharing(aiohttp_client, [COUNTER], licence, source=Register(licence), decoy=driving_licence())
    answers = []
    for number, code in (("ID-0001", CHILD), ("ID-9999", ADULT)):
        named = {"number": number, "type": "居民身份证", "holder": code}
        body = asked(licence=named, match={"holder_name": "欧阳晓禾"}, fields=["holder_name"])
        status, content = await ask(client, COUNTER, body)
        assert status == 200
        answers.append(without(content, "decision", "receipt"))
    assert answers[0] == answers[1]
    assert answers[0]["match"] == {"outcome": None, "reason": "not-comparable"}
    assert answers[0]["fields"] == {"holder_name": withheld("not-valid")}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"holder_id": ADULT}, {"outcome": True}),
        ({"holder_id": ADULT.lower()}, {"outcome": True}),
        ({"holder_id": CHILD}, {"outcome": False}),
        ({"holder_id": ADULT, "holder_name": "欧阳晓禾"}, {"outcome": None, "reason": "not-comparable"}),
        ({"holder_id": ADULT, "photo": "x"}, {"outcome": None, "reason": "not-comparable"}),
        ({"unheard_of": "x"}, {"outcome": None, "reason": "not-comparable"}),
    ],
)
async def test_match(aiohttp_client: StartClient, match: dict[str, str], expected: dict[str, Any]) -> None:
    """One bit for the whole tuple, or none, without a word about which element it was."""
    content = await answer(aiohttp_client, COUNTER, make_licence(), asked(match=match))
    assert content["match"] == expected


@pytest.mark.parametrize(
    ("match", "path"),
    [
        ({}, "$.match"),
        ({"holder_id": 7}, "$.match.holder_id"),
        ({"holder_id": ""}, "$.match.holder_id"),
        ({"Holder-Id": "1"}, "$.match.Holder-Id"),
        ({f"f{place}": "1" for place in range(9)}, "$.match"),
    ],
)
async def test_wrong_match_questions(aiohttp_client: StartClient, match: dict[str, Any], path: str) -> None:
    """What is compared is bounded in number and size, by names of fields."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    status, content = await ask(client, COUNTER, asked(match=match))
    assert (status, content["reason"]) == (422, "body.invalid")
    assert [place["path"] for place in content["errors"]] == [path]


@pytest.mark.parametrize(
    ("purpose", "status", "reason"),
    [
        (None, 422, "purpose.item-missing"),
        ({"case": "BDC20260001"}, 422, "purpose.item-missing"),
        ({"item": "34-999", "case": "1"}, 422, "purpose.item-unknown"),
        ({"item": REAL_ESTATE}, 422, "purpose.case-missing"),
        ({"item": REAL_ESTATE, "case": "BDC2026"}, 422, "purpose.case-malformed"),
        ({"item": REAL_ESTATE, "case": "BDC20260001\n"}, 422, "body.invalid"),
        ({"item": PUBLIC, "case": "!"}, 422, "purpose.case-malformed"),
    ],
)
async def test_purpose(aiohttp_client: StartClient, purpose: Any, status: int, reason: str) -> None:
    """A question that is not bound to an item of the policy, with a case of its form, is refused in both languages."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    found, content = await ask(client, COUNTER, asked() | {"purpose": purpose})
    assert (found, content["reason"]) == (status, reason)
    (refused,) = await logged(client)
    assert (refused.leaf.content.kind, refused.leaf.content.reasons) == (LeafKind.DENY, (reason,))
    assert refused.leaf.content.req == content["decision"]
    found, _ = await ask(client, COUNTER, asked(PUBLIC, None))
    assert found == 200


@pytest.mark.parametrize(("now", "status"), [(at(2026), 200), (at(2026, 12, 31), 200), (at(2027), 403)])
async def test_item_in_force(aiohttp_client: StartClient, now: Any, status: int) -> None:
    """An item counts from its first day in China to the day before its end."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence(), now=now)
    response = await client.post(URL, json=asked(), headers=bearer(COUNTER.token(at=now)))
    content = await response.json(content_type=None)
    assert response.status == status
    assert (content.get("reason") == "purpose.item-not-in-force") is (status == 403)


async def test_record(aiohttp_client: StartClient) -> None:
    """An answer stands in the log with its context, bundle and plan, with whom it was about, and with what left."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    _, content = await ask(client, COUNTER, asked(match={"holder_id": ADULT}))
    context = Context(REAL_ESTATE, "counter", "own", "id-card", "active", "person", "adult", "statutory", "valid")
    plan = in_force().engine.decide(context)
    (entry,) = await logged(client)
    leaf = entry.leaf.content
    assert (leaf.kind, leaf.req, leaf.caller) == (LeafKind.ACCESS, content["decision"], COUNTER.caller.id)
    assert (leaf.item, leaf.org) == (REAL_ESTATE, COUNTER.caller.organisation)
    assert (leaf.policy, leaf.plan) == (content["policy"]["bundle"], plan.id)
    assert (content["policy"]["plan"], entry.context) == (plan.id, context)
    assert entry.part.subjects == (ADULT,)
    released = {"fields": content["fields"], "match": content["match"]}
    assert entry.part.response == sha256(encode_canonical(released)).digest()


async def test_no_record_no_answer(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that the log does not take does not leave, and neither does a refusal."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())

    async def refuse(_: object) -> None:
        raise LogUnavailableError(Unavailable.DISK_FULL, "told to")

    monkeypatch.setattr(client.server.app[LOG], "append", refuse)  # type: ignore[attr-defined]
    for question in (asked(), asked() | {"purpose": {"item": "nothing"}}):
        status, content = await ask(client, COUNTER, question)
        assert (status, content["reason"]) == (503, "log.unavailable")
    assert "欧阳" not in json.dumps(content, ensure_ascii=False)


async def test_attest(aiohttp_client: StartClient) -> None:
    """A predicate is answered with yes or no, and its value does not leave."""
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], make_licence(), consents=MemoryConsentStore())
    given = await consent(client, licences=["id-card"])
    _, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, consent=given))
    assert content["fields"]["birth_date"] == {"form": "attest:age>=18", "value": True}
    assert "1986" not in json.dumps(content["fields"])


@pytest.mark.parametrize("attest", [{"valid-on": "1 March"}, {"valid-on": 7}, {"covers": ""}, {"age": "18"}])
async def test_wrong_attest_questions(aiohttp_client: StartClient, attest: dict[str, Any]) -> None:
    """What predicates are about has a form."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    status, content = await ask(client, COUNTER, asked(attest=attest))
    assert (status, content["reason"]) == (422, "body.invalid")
    assert content["errors"][0]["path"] == f"$.attest.{next(iter(attest))}"


PSEUDONYMOUS = changed(
    "items.toml", 'credit_code = ["plain"]\nissued_on', 'credit_code = ["pseudonym:holder"]\nissued_on'
)


async def test_pseudonyms(aiohttp_client: StartClient) -> None:
    """Two organisations get different pseudonyms of one holder, each always the same; without a key none."""
    files = PSEUDONYMOUS | {
        "rules.toml": PSEUDONYMOUS["rules.toml"].replace(
            b'credit_code = "plain", issued_on', b'credit_code = "pseudonym:holder", issued_on'
        )
    }
    files["limits.toml"] = files["limits.toml"].replace(
        b'credit_code = "plain", issued_on', b'credit_code = "pseudonym:holder", issued_on'
    )
    one, other = caller("counter"), caller("approval", organisation=COMPANY)
    found = []
    for party, master in ((one, SECRET), (one, SECRET), (other, SECRET), (one, None)):
        policy = in_force(files)
        content = await answer(
            aiohttp_client, party, business_licence(), asked(PUBLIC, None), policy=policy, master=master
        )
        found.append(content["fields"]["credit_code"])
    assert found[0] == found[1] != found[2]
    assert {one["form"] for one in found[:3]} == {"pseudonym:holder"}
    assert found[3] == withheld("no-key")


async def test_readiness(aiohttp_client: StartClient) -> None:
    """/readyz says whether there is a key for pseudonyms."""
    for master, expected in ((None, False), (SECRET, True)):
        client = await start_sharing(aiohttp_client, [COUNTER], make_licence(), master=master)
        content = await (await client.get("/readyz")).json()
        assert content["pseudonyms"]["configured"] is expected


async def test_nothing_personal_in_logs_metrics_and_refusals(
    aiohttp_client: StartClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Log lines, metrics and refusals hold no value of a field, and nothing that was asked."""
    logger = logging.getLogger("tongban.requests")
    logger.setLevel(logging.INFO)
    caplog.set_level(logging.INFO)
    licence = make_licence()
    client = await start_sharing(aiohttp_client, [COUNTER], licence, source=Register(licence), decoy=driving_licence())
    refusals = []
    for body in (
        asked(match={"holder_id": ADULT, "holder_name": "欧阳晓禾"}),
        asked(match={"holder_id": CHILD}, operator={"id": "clerk-7777", "name": "经办人甲"}),
        asked(licence={"number": "ID-0001", "type": "居民身份证", "holder": CHILD}),
        asked(case="BDC-欧阳晓禾"),
        asked(item="欧阳晓禾"),
        asked(match={"holder_id": ["欧阳晓禾"]}),
    ):
        status, content = await ask(client, COUNTER, body)
        if status != 200:
            refusals.append(json.dumps(content, ensure_ascii=False))
    assert len(refusals) == 3
    metrics = await (await client.get("/metrics")).text()
    spoken = "\n".join([*refusals, metrics, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    for value in ("欧阳", ADULT, ADULT.lower(), CHILD, "蜀山", "ID-0001", "clerk-7777", "经办人", "BDC20260001"):
        assert value not in spoken


async def test_the_policy_that_a_question_began_with(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that comes into force while a question is under way does not touch it."""
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence())
    sharing = client.server.app[SHARING]  # type: ignore[attr-defined]
    share = sharing.share

    async def later(view: Any, *rest: Any, **named: Any) -> Any:
        other = in_force(changed("rules.toml", 'address = "mask:addr-district", status', "status"))
        sharing.view(other)
        return await share(view, *rest, **named)

    monkeypatch.setattr(sharing, "share", later)
    _, content = await ask(client, COUNTER, asked())
    assert content["fields"] == PLAIN_ANSWER
    assert content["policy"]["bundle"] == in_force().digest


async def test_match_floor(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer to a question that compares waits for the floor, refusals too; no other question does."""
    waited = []

    async def wait(moment: float) -> None:
        waited.append(moment - asyncio.get_running_loop().time())

    monkeypatch.setattr("gateway.http.floor._wait_until", wait)
    licence = make_licence()
    client = await start_sharing(
        aiohttp_client,
        [COUNTER],
        licence,
        source=Register(licence),
        decoy=driving_licence(),
        settings=PolicySettings(match_floor_milliseconds=10_000),
    )
    stored = {"number": "ID-0001", "type": "居民身份证"}
    for body, waits in (
        (asked(), False),
        (asked(licence=stored), False),
        (asked(match={"holder_id": ADULT}), True),
        (asked(match={"holder_id": CHILD}), True),
        (asked(match={"holder_id": CHILD}, case="?"), True),
        (asked(licence=stored | {"holder": CHILD}), True),
        (asked(licence=stored | {"holder": ADULT}), True),
    ):
        waited.clear()
        await ask(client, COUNTER, body)
        assert [seconds > 0 for seconds in waited] == [True] * waits


async def test_the_floor_stands_on_the_whole_question(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least time begins when the whole question is there, however slowly it came."""
    begun, ends = [], []
    read = business.read_body

    async def read_slowly(*rest: Any) -> Any:
        body = await read(*rest)
        begun.append(asyncio.get_running_loop().time())
        return body

    async def wait(moment: float) -> None:
        ends.append(moment)

    monkeypatch.setattr(business, "read_body", read_slowly)
    monkeypatch.setattr("gateway.http.floor._wait_until", wait)
    floor = PolicySettings(match_floor_milliseconds=10_000)
    client = await start_sharing(aiohttp_client, [COUNTER], make_licence(), settings=floor)
    await ask(client, COUNTER, asked(match={"holder_id": ADULT}))
    assert ends[0] >= begun[0] + 10
