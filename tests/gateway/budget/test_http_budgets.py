"""Budgets over HTTP: the same for those who exist and those who do not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from gateway.audit.leaf import LeafKind
from gateway.budget.memory import MemoryBudgets
from gateway.budget.store import Charge, CountersUnavailableError, Exceeded
from tests.support.callers import Party
from tests.support.http import FORGED, URL, Client, StartClient, bearer
from tests.support.policy import added
from tests.support.sharing import (
    ADULT,
    CHILD,
    COMPANY,
    ID_CARD_CODE,
    TRADER,
    Register,
    asked,
    caller,
    driving_licence,
    in_force,
    logged,
    make_licence,
    start_sharing,
    verified,
)

COUNTER = caller()
PARTNER = caller("partner-counter", region="340000")
LICENCE = make_licence()
STORED = {"number": "ID-0001", "type": "居民身份证"}
LICENCES = {CHILD: STORED | {"number": "ID-9999"}, ADULT: STORED}  # a number that nobody has, and one with its holder


def policy(counts: str, *per: str, limit: int = 2) -> Any:
    """Return the small policy with one more budget."""
    return in_force(
        added(
            "limits.toml",
            f'[[budget]]\nid = "more"\nzh = "上限"\nen = "limit"\ncounts = "{counts}"\n'
            f"per = {list(per or ('caller',))}\nlimit = {limit}\nwindow_seconds = 3600\n",
        )
    )


async def start(aiohttp_client: StartClient, what: Any, **more: Any) -> Client:
    return await start_sharing(
        aiohttp_client,
        [COUNTER, PARTNER],
        LICENCE,
        policy=what,
        source=Register(LICENCE),
        decoy=driving_licence(),
        **more,
    )


async def ask(client: Client, party: Party = COUNTER, **changes: Any) -> tuple[int, dict[str, Any]]:
    response = await client.post(URL, json=asked(**changes), headers=bearer(party.token()))
    content = await response.json(content_type=None)
    if response.status == 429:
        assert content["reason"] == "budget.exceeded"
        assert int(response.headers["Retry-After"]) > 0
    return response.status, content


async def test_questions(aiohttp_client: StartClient) -> None:
    """A budget that is spent refuses with its id and a time to come back; another caller has a budget of its own."""
    client = await start(aiohttp_client, policy("questions"))
    assert [(await ask(client))[0] for _ in range(3)] == [200, 200, 429]
    _, content = await ask(client)
    assert content["budget"] == "more"
    assert "欧阳" not in str(content)
    metrics = await (await client.get("/metrics")).text()
    assert 'gateway_budget_refusals_total{budget="more"} 2.0' in metrics
    assert "gateway_budgets_uncounted_total 0.0" in metrics
    assert (await ask(client, PARTNER))[0] == 200
    assert len(await logged(client, LeafKind.ACCESS)) == 3
    assert [one.leaf.content.reasons for one in await logged(client, LeafKind.DENY)] == [("budget.exceeded",)] * 2


async def test_misses_refuse_hits_too(aiohttp_client: StartClient) -> None:
    """Once misses are spent a right guess is refused like a wrong one, so that a refusal tells nothing."""
    client = await start(aiohttp_client, policy("misses"))
    for _ in range(5):
        assert (await ask(client, match={"holder_id": ADULT}))[0] == 200
    for _ in range(2):
        assert (await ask(client, match={"holder_id": CHILD}))[0] == 200
    refused = [await ask(client, match={"holder_id": code}) for code in (CHILD, ADULT)]
    assert [status for status, _ in refused] == [429, 429]
    contents = [without(content, "request_id", "decision") for _, content in refused]
    assert contents[0] == contents[1]
    assert (await ask(client))[0] == 200


@pytest.mark.parametrize(
    "licence",
    [STORED | {"holder": CHILD}, STORED | {"number": "ID-9999", "holder": ADULT}, STORED | {"number": "ID-9999"}],
)
async def test_looking_up_in_vain(aiohttp_client: StartClient, licence: dict[str, str]) -> None:
    """Another's licence and one that does not exist are misses alike."""
    client = await start(aiohttp_client, policy("misses"))
    assert [(await ask(client, licence=licence))[0] for _ in range(3)] == [200, 200, 429]
    assert (await ask(client, licence=STORED | {"holder": ADULT}))[0] == 429


async def test_one_holder_and_all_callers(aiohttp_client: StartClient) -> None:
    """A budget of the subject holds for all callers together, and whichever way the licence is named."""
    client = await start(aiohttp_client, policy("matches", "subject"))
    assert (await ask(client, match={"holder_id": ADULT}))[0] == 200
    assert (await ask(client, PARTNER, licence=STORED, match={"holder_id": CHILD}))[0] == 200
    assert (await ask(client, match={"holder_id": ADULT}))[0] == 429
    assert (await ask(client, licence=STORED, match={"holder_id": ADULT}))[0] == 429
    assert (await ask(client))[0] == 200


async def test_nobody_is_counted_like_somebody(aiohttp_client: StartClient) -> None:
    """Asking about a person who is not there is spent as quickly as asking about one who is."""
    for code in (ADULT, CHILD):
        client = await start(aiohttp_client, policy("matches", "subject"))
        found = [(await ask(client, licence=STORED | {"holder": code}))[0] for _ in range(3)]
        assert found == [200, 200, 429]


async def test_neighbours(aiohttp_client: StartClient) -> None:
    """Numbers asked one after another are seen, whether they exist or not; the same one again is not."""
    client = await start(aiohttp_client, policy("neighbours", limit=1))
    numbers = ["ID-0000001", "ID-0000001", "ID-0000002", "ID-0000002", "ID-7777777", "ID-0000003"]
    found = [(await ask(client, licence=STORED | {"number": number}))[0] for number in numbers]
    assert found == [200, 200, 200, 200, 200, 429]


async def test_subjects(aiohttp_client: StartClient) -> None:
    """Different persons are counted, not questions."""
    client = await start(aiohttp_client, policy("subjects"))
    people = [ADULT, ADULT, CHILD, ADULT, "E12345678"]
    found = [(await ask(client, licence=STORED | {"holder": code}))[0] for code in people]
    assert found == [200, 200, 200, 200, 429]


async def test_what_a_rule_obliges_to(aiohttp_client: StartClient) -> None:
    """A rule may hold an official to so many questions a minute."""
    client = await start(aiohttp_client, in_force())
    found = [(await ask(client, PARTNER, operator={"id": "clerk"}))[0] for _ in range(31)]
    assert found == [200] * 30 + [429]
    assert (await ask(client, PARTNER, operator={"id": "another"}))[0] == 200


@pytest.mark.parametrize("changes", [{}, {"match": {"holder_id": ADULT}}, {"licence": STORED | {"holder": ADULT}}])
async def test_no_room_to_count(aiohttp_client: StartClient, changes: dict[str, Any]) -> None:
    """A question that cannot be counted is not answered, and says when to come back."""
    client = await start(aiohttp_client, policy("questions", "official"), budgets=MemoryBudgets(max_counts=0))
    response = await client.post(URL, json=asked(**changes), headers=bearer(COUNTER.token()))
    content = await response.json(content_type=None)
    assert (response.status, content["reason"]) == (503, "budget.unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "欧阳" not in str(content)
    assert not await logged(client, LeafKind.ACCESS, LeafKind.MATCH)


class Uncounted:
    """Budgets that cannot be counted together now."""

    async def spend(self, _: Sequence[Charge], *, at: datetime, asks_yes_or_no: bool = True) -> Exceeded | None:  # noqa: ARG002 - the protocol's
        """Count alone what may be."""
        if asks_yes_or_no:
            raise CountersUnavailableError
        return None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"licence": STORED}, 200),
        ({"match": {"holder_id": ADULT}}, 503),
        ({"attest": {"valid-on": "2026-01-01"}}, 503),
        ({"licence": STORED | {"holder": ADULT}}, 503),
        ({"licence": STORED | {"number": ADULT}}, 503),  # whoever's number it is has such a licence, or not
    ],
)
async def test_what_is_counted_together_or_not_at_all(
    aiohttp_client: StartClient, changes: dict[str, Any], status: int
) -> None:
    """While processes cannot count together nobody guesses a holder; what else is asked is answered."""
    client = await start(aiohttp_client, policy("questions"), budgets=Uncounted())
    assert (await ask(client, **changes))[0] == status


async def test_a_caller_without_room_leaves_others_theirs(aiohttp_client: StartClient) -> None:
    """Made-up officials fill the room of the caller that made them up, and nobody else's; the rest is still counted."""
    client = await start(aiohttp_client, policy("questions", "official", limit=9), budgets=MemoryBudgets(max_counts=8))
    found = [(await ask(client, operator={"id": f"made-up-{number}"}))[0] for number in range(6)]
    assert found == [200] * 4 + [503] * 2
    assert (await ask(client, operator={"id": "made-up-0"}))[0] == 200
    assert (await ask(client, PARTNER, operator={"id": "clerk"}))[0] == 200


async def test_nobody_is_locked_out_by_a_number(aiohttp_client: StartClient) -> None:
    """Whoever types in the number of a person spends what it may ask itself, and nothing of what others may."""
    client = await start(aiohttp_client, policy("misses", "subject"))
    for number in range(2):
        vain = STORED | {"number": f"NONE-{number}", "holder": ADULT}
        assert (await ask(client, PARTNER, licence=vain))[0] == 200
    assert (await ask(client, PARTNER, licence=STORED | {"holder": ADULT}))[0] == 429
    assert (await ask(client, match={"holder_id": ADULT}))[0] == 200
    assert (await ask(client, licence=STORED | {"holder": ADULT}))[0] == 200


async def test_a_right_guess_is_refused_like_a_wrong_one(aiohttp_client: StartClient) -> None:
    """What others have spent of a holder does not tell who guesses that the guess is right."""
    client = await start(aiohttp_client, policy("matches", "subject"))
    for _ in range(2):
        assert (await ask(client, PARTNER, match={"holder_name": "x"}))[0] == 200
    seen = []
    for code in (CHILD, ADULT):
        found = [await ask(client, operator={"id": code}, licence=LICENCES[code] | {"holder": code}) for _ in range(3)]
        assert [status for status, _ in found] == [200, 200, 429]
        seen.append([without(content, "decision", "request_id", "receipt") for _, content in found])
    assert seen[0] == seen[1]
    assert seen[0][0]["reasons"] == ["status.not-found"]


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


async def test_a_right_guess_and_what_a_rule_obliges_to(aiohttp_client: StartClient) -> None:
    """Nor does a limit that holds only for who is given something."""
    client = await start(aiohttp_client, in_force())
    for _ in range(30):
        assert (await ask(client, PARTNER, operator={"id": "clerk"}))[0] == 200
    assert (await ask(client, PARTNER, operator={"id": "clerk"}))[0] == 429
    found = [
        await ask(client, PARTNER, operator={"id": "clerk"}, licence=STORED | {"holder": code})
        for code in (CHILD, ADULT)
    ]
    assert [status for status, _ in found] == [200, 200]
    assert without(found[0][1], "decision", "receipt") == without(found[1][1], "decision", "receipt")
    assert [one.context.outcome for one in await logged(client, LeafKind.MATCH)][-2:] == ["unknown", "unknown"]


async def test_a_forgery_spends_nobody_s(aiohttp_client: StartClient) -> None:
    """A document that names a person, and is not genuine, spends nothing of what is counted for that person."""
    forged = verified(LICENCE, verdict=FORGED)
    client = await start_sharing(aiohttp_client, [COUNTER], forged, policy=policy("matches", "subject"))
    assert [(await ask(client, match={"holder_id": ADULT}))[0] for _ in range(4)] == [200] * 4


async def test_one_licence_by_any_name_of_its_type(aiohttp_client: StartClient) -> None:
    """Guesses about one number are counted together, however the type beside it is spelled."""
    client = await start(aiohttp_client, policy("misses", "subject"))
    types = ("居民身份证", ID_CARD_CODE, "身份证")
    guesses = zip(types, (CHILD, COMPANY, TRADER), strict=True)
    found = [
        (await ask(client, licence={"number": "ID-0001", "type": kind, "holder": code}))[0] for kind, code in guesses
    ]
    assert found == [200, 200, 429]


async def test_one_official_by_any_spelling(aiohttp_client: StartClient) -> None:
    """An official is counted as one, however the number is typed."""
    client = await start(aiohttp_client, policy("questions", "official"))
    found = [(await ask(client, operator={"id": name}))[0] for name in ("clerk-7", "CLERK-7 ", "ｃlerk‑7\u200b")]
    assert found == [200, 200, 429]
    assert (await ask(client, operator={"id": "clerk-8"}))[0] == 200
