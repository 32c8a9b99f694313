"""Budgets over HTTP: the same for those who exist and those who do not."""

from typing import Any

import pytest

from gateway.budget.memory import MemoryBudgets
from tests.support.callers import Party
from tests.support.http import URL, Client, StartClient, bearer
from tests.support.policy import added
from tests.support.sharing import (
    ADULT,
    CHILD,
    Register,
    asked,
    caller,
    driving_licence,
    in_force,
    make_licence,
    records,
    start_sharing,
)

COUNTER = caller()
PARTNER = caller("partner-counter", region="340000")
LICENCE = make_licence()
STORED = {"number": "ID-0001", "type": "居民身份证"}


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
    assert (await ask(client, PARTNER))[0] == 200
    assert len(records(client)) == 3


async def test_misses_refuse_hits_too(aiohttp_client: StartClient) -> None:
    """Once misses are spent a right guess is refused like a wrong one, so that a refusal tells nothing."""
    client = await start(aiohttp_client, policy("misses"))
    for _ in range(5):
        assert (await ask(client, match={"holder_id": ADULT}))[0] == 200
    for _ in range(2):
        assert (await ask(client, match={"holder_id": CHILD}))[0] == 200
    refused = [await ask(client, match={"holder_id": code}) for code in (CHILD, ADULT)]
    assert [status for status, _ in refused] == [429, 429]
    contents = [{name: value for name, value in content.items() if name != "request_id"} for _, content in refused]
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
    assert (await ask(client, licence=STORED | {"holder": ADULT}))[0] == 429
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


async def test_no_room_to_count(aiohttp_client: StartClient) -> None:
    """Where nothing can be counted any more, comparisons are held back, and the rest is answered."""
    client = await start(aiohttp_client, policy("questions"), budgets=MemoryBudgets(max_counts=0))
    status, content = await ask(client, match={"holder_id": ADULT})
    assert status == 200
    assert content["match"] == {"outcome": None, "reason": "not-counted"}
    assert content["fields"]["holder_name"]["form"] == "plain"
