"""Questions that need consent, and the register of consents."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.licence import Licence
from gateway.consent.memory import Failing, MemoryConsentStore
from gateway.http.state import CLOCK, CONSENTS
from gateway.sources.source import SourceFault, SourceUnavailableError
from tests.gateway.http.sharing import NOTARY_CASE, NOTARY_OFFICE, ask, consent, without
from tests.support.callers import NOW
from tests.support.http import URL, StartClient, bearer
from tests.support.sharing import (
    ADULT,
    CHILD,
    COMPANY,
    NOTARY,
    Register,
    asked,
    driving_licence,
    holder,
    make_licence,
    start_sharing,
    withheld,
)


async def ask_with_consent(
    aiohttp_client: StartClient, licence: Licence, consents: MemoryConsentStore | None = None, **changes: Any
) -> dict[str, Any]:
    """Register a consent, ask with it, and return the fields."""
    store = MemoryConsentStore() if consents is None else consents
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], licence, consents=store)
    given = await consent(client, **changes)
    _, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, consent=given))
    return dict(content["fields"])


async def test_consent(aiohttp_client: StartClient) -> None:
    """With the holder's consent an item that needs it receives what its rules grant."""
    fields = await ask_with_consent(aiohttp_client, driving_licence())
    assert fields["vehicle_class"] == {"form": "plain", "value": "A2"}
    assert fields["valid_to"] == {"form": "plain", "value": "2040-05-01"}
    assert fields["holder_phone"] == withheld("unclassified")


@pytest.mark.parametrize(
    "changes",
    [
        {"holders": [CHILD]},
        {"licences": ["id-card"]},
        {"organisations": [COMPANY]},
    ],
)
async def test_a_consent_to_something_else(aiohttp_client: StartClient, changes: dict[str, Any]) -> None:
    """A consent of another holder, or to another type or organisation, is none."""
    fields = await ask_with_consent(aiohttp_client, driving_licence(), **changes)
    assert fields["vehicle_class"] == withheld("no-consent")
    assert {one["form"] for one in fields.values()} == {"withheld"}


async def test_scope(aiohttp_client: StartClient) -> None:
    """Fields outside the scope of the consent are withheld."""
    fields = await ask_with_consent(aiohttp_client, driving_licence(), fields=["vehicle_class"])
    assert fields["vehicle_class"] == {"form": "plain", "value": "A2"}
    assert fields["holder_name"] == withheld("consent-scope")
    assert fields["holder_id"] == withheld("consent-scope")


async def test_every_holder_consents(aiohttp_client: StartClient) -> None:
    """A licence of two holders needs both; they may declare together."""
    two = driving_licence(holders=(holder(), holder("小明", CHILD)))
    assert (await ask_with_consent(aiohttp_client, two))["vehicle_class"] == withheld("no-consent")
    both = await ask_with_consent(aiohttp_client, two, holders=[ADULT, CHILD])
    assert both["vehicle_class"] == {"form": "plain", "value": "A2"}


async def test_no_consent(aiohttp_client: StartClient) -> None:
    """Without a consent, with an unknown one, and with one that was withdrawn, the answers are the same."""
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], driving_licence(), consents=MemoryConsentStore())
    given = await consent(client)
    response = await client.post(
        "/v1/consents/withdrawals", json={"consent": given}, headers=bearer(NOTARY_OFFICE.token())
    )
    assert response.status == 200
    answers = []
    for extra in ({}, {"consent": "A" * 26}, {"consent": given}):
        status, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, **extra))
        assert status == 200
        answers.append(without(content, "decision", "receipt"))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["fields"]["vehicle_class"] == withheld("no-consent")


async def test_a_consent_that_ended(aiohttp_client: StartClient) -> None:
    """From its end on a consent counts no more."""
    store = MemoryConsentStore()
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], driving_licence(), consents=store)
    given = await consent(client)
    later = NOW + timedelta(days=30)
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], driving_licence(), consents=store, now=later)
    body = asked(NOTARY, NOTARY_CASE, consent=given)
    response = await client.post(URL, json=body, headers=bearer(NOTARY_OFFICE.token(at=later)))
    assert (await response.json())["fields"]["vehicle_class"] == withheld("no-consent")


async def test_consents_that_cannot_be_looked_up(aiohttp_client: StartClient) -> None:
    """Where it cannot be told whether the holder consented, the question is refused, and only then."""
    store = MemoryConsentStore()
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], driving_licence(), consents=store)
    given = await consent(client)
    store.failing = Failing.BEFORE
    status, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, consent=given))
    assert (status, content["reason"]) == (503, "consent.unavailable")
    store.failing = Failing.BEFORE
    status, _ = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE))
    assert status == 200


@pytest.mark.parametrize("fails", ["find", "secret"])
@pytest.mark.parametrize("code", [ADULT, CHILD])
async def test_a_register_that_fails_tells_nothing(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, code: str, fails: str
) -> None:
    """A right guess of a holder and a wrong one are refused alike while consents cannot be looked up."""
    licence = driving_licence()
    client = await start_sharing(
        aiohttp_client,
        [NOTARY_OFFICE],
        licence,
        consents=MemoryConsentStore(),
        source=Register(licence),
        decoy=make_licence(),
    )
    given = await consent(client)

    async def fail(*_: object) -> None:
        raise SourceUnavailableError(SourceFault.UNUSABLE)

    monkeypatch.setattr(client.server.app[CONSENTS], fails, fail)  # type: ignore[attr-defined]
    named = {"number": "DL-0001", "type": "机动车驾驶证", "holder": code}
    status, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, consent=given, licence=named))
    assert (status, content["reason"]) == (503, "consent.unavailable")


async def test_a_slow_body_gains_no_time(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consent that ends while the body is on its way does not count any more."""
    client = await start_sharing(aiohttp_client, [NOTARY_OFFICE], driving_licence(), consents=MemoryConsentStore())
    given = await consent(client, expires=(NOW + timedelta(seconds=1)).isoformat())
    moments = [NOW]  # of the head; the body is there two seconds later
    later = NOW + timedelta(seconds=2)
    state = client.server.app._state  # type: ignore[attr-defined]
    monkeypatch.setitem(state, CLOCK, lambda: moments.pop() if moments else later)
    _, content = await ask(client, NOTARY_OFFICE, asked(NOTARY, NOTARY_CASE, consent=given))
    assert content["fields"]["vehicle_class"] == withheld("no-consent")
