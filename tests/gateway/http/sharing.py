"""Questions of a counter and a notary under the policy of the tests."""

from datetime import timedelta
from typing import Any

import msgspec

from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from tests.support.callers import NOW, Party
from tests.support.http import URL, Client, bearer
from tests.support.sharing import (
    ADULT,
    NOTARY,
    caller,
)

NOTARY_OFFICE = caller("notary", may_register_consent=True)
NOTARY_CASE = "N-1"


async def ask(client: Client, party: Party, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask, and return status and content, which has the documented shape."""
    response = await client.post(URL, json=body, headers=bearer(party.token()))
    content = await response.json(content_type=response.content_type)
    msgspec.convert(content, VerificationAnswer if response.status == 200 else ProblemDocument)
    return response.status, content


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


async def consent(client: Client, **changes: Any) -> str:
    body = {
        "holders": [ADULT],
        "items": [NOTARY],
        "licences": ["driving-licence"],
        "organisations": [NOTARY_OFFICE.caller.organisation],
        "expires": (NOW + timedelta(days=30)).isoformat(),
    } | changes
    response = await client.post("/v1/consents", json=body, headers=bearer(NOTARY_OFFICE.token()))
    content = await response.json()
    assert response.status == 200, content
    return str(content["consent"])
