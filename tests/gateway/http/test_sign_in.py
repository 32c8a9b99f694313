"""Sign-in over HTTP: whatever is wrong with a token, the answer is the same; the operator knows more."""

import json
from typing import Any

import pytest

from gateway.callers import CallerId, KeyId, TokenAlgorithm
from tests.support.callers import (
    AUDIENCE,
    NOW,
    encode_part,
    encode_pem,
    make_key,
    make_party,
    make_site,
    moments_before,
)
from tests.support.http import URL, StartClient, bearer, question, start

PARTY = make_party()
SM2_PARTY = make_party(TokenAlgorithm.SM2, id=CallerId("sm2-hall"))
OFF = make_party(id=CallerId("off"), enabled=False)
TOKEN = PARTY.token()
HEAD, CLAIMS, SIGNATURE = TOKEN.split(".")

BAD_HEADERS: dict[str, dict[str, str]] = {
    "none at all": {},
    "empty": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic aGFsbDpoYWxs"},
    "no token": {"Authorization": "Bearer "},
    "two tokens": {"Authorization": f"Bearer {TOKEN} {TOKEN}"},
    "no token form": bearer("token"),
    "head changed": bearer(f"{encode_part(PARTY.header(typ='jwt '))}.{CLAIMS}.{SIGNATURE}"),
    "claims changed": bearer(f"{HEAD}.{encode_part(PARTY.claims(jti='2'))}.{SIGNATURE}"),
    "signature changed": bearer(f"{HEAD}.{CLAIMS}.{encode_part(b'0' * 64)}"),
    "signature of another key": bearer(PARTY.token(private_key=make_key(TokenAlgorithm.EDDSA))),
    "signature missing": bearer(f"{HEAD}.{CLAIMS}."),
    "unknown caller": bearer(PARTY.token(caller_id="nobody")),
    "unknown key": bearer(PARTY.token(key_id="2027-1")),
    "caller switched off": bearer(OFF.token()),
    "algorithm none": bearer(f"{encode_part(PARTY.header(alg='none'))}.{CLAIMS}.{SIGNATURE}"),
    "algorithm of another caller": bearer(SM2_PARTY.sign(PARTY.header(alg="SM2"), PARTY.claims())),
    "public key as a secret": bearer(f"{encode_part(PARTY.header(alg='HS256'))}.{CLAIMS}.{SIGNATURE}"),
    "expired": bearer(PARTY.token(at=moments_before(400))),
    "from the future": bearer(PARTY.token(at=moments_before(-60))),
    "too long lived": bearer(PARTY.sign(PARTY.header(), PARTY.claims(exp=int(NOW.timestamp()) + 3600))),
    "wrong audience": bearer(PARTY.token(audience="https://elsewhere.test")),
    "no token id": bearer(PARTY.sign(PARTY.header(), PARTY.claims(jti=None))),
    "too long": bearer(PARTY.sign(PARTY.header(), PARTY.claims(more="x" * 6200))),
    "sm2 with another key": bearer(SM2_PARTY.token(private_key=make_key(TokenAlgorithm.SM2))),
}


async def test_every_refusal_is_the_same(aiohttp_client: StartClient) -> None:
    """All bad tokens get the same status, headers and body; only the request id and the date differ."""
    client = await start(aiohttp_client, make_site([PARTY, SM2_PARTY, OFF]))
    answers: dict[str, list[str]] = {}
    for name, headers in BAD_HEADERS.items():
        response = await client.post(URL, json=question(), headers=headers | {"X-Request-Id": "r"})
        assert response.status == 401, name
        assert response.content_type == "application/problem+json"
        seen = {key: value for key, value in response.headers.items() if key != "Date"}
        answers.setdefault(json.dumps(seen) + await response.text(), []).append(name)
    assert len(answers) == 1
    content = json.loads(next(iter(answers)).partition("}")[2])
    assert content["reason"] == "unauthenticated"
    assert content["request_id"] == "r"
    assert not {"errors", "detail"} & set(content)


async def test_challenge(aiohttp_client: StartClient) -> None:
    """A 401 names the scheme (RFC 9110 section 11.6.1) and says no error code."""
    client = await start(aiohttp_client, make_site([PARTY]))
    response = await client.post(URL, json=question())
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tongban"'


async def test_operator_knows_more(aiohttp_client: StartClient) -> None:
    """The metrics count why tokens were refused, by the words of an enum."""
    client = await start(aiohttp_client, make_site([PARTY]))
    for headers in ({}, bearer(PARTY.token(caller_id="nobody")), bearer(PARTY.token(at=moments_before(400)))):
        await client.post(URL, json=question(), headers=headers)
    metrics = await (await client.get("/metrics")).text()
    for failure in ("no-token", "unknown-caller", "expired"):
        assert f'gateway_sign_in_failures_total{{failure="{failure}"}} 1.0' in metrics
    assert "nobody" not in metrics


async def test_two_authorization_lines(aiohttp_client: StartClient) -> None:
    """Two Authorization lines are no token, even if both are good."""
    client = await start(aiohttp_client, make_site([PARTY]))
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
    response = await client.post(URL, json=question(), headers=headers)
    assert response.status in {400, 401}


async def test_scheme_in_any_case(aiohttp_client: StartClient) -> None:
    """The scheme is case-insensitive (RFC 9110 section 11.1)."""
    client = await start(aiohttp_client, make_site([PARTY]))
    response = await client.post(URL, json=question(), headers={"Authorization": f"bearer {TOKEN}"})
    assert response.status == 200


async def test_two_keys_of_one_caller(aiohttp_client: StartClient) -> None:
    """A caller that changes keys signs in with either while both are registered."""
    new = make_party(TokenAlgorithm.ES256, key_id=KeyId("2026-2"))
    client = await start(aiohttp_client, make_site([PARTY, new]))
    for party in (PARTY, new):
        assert (await client.post(URL, json=question(), headers=bearer(party.token()))).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
async def test_open_routes(aiohttp_client: StartClient, path: str) -> None:
    """Operators' routes need no token, and tell nothing of callers."""
    client = await start(aiohttp_client, make_site([PARTY]))
    response = await client.get(path)
    assert response.status == 200
    text = await response.text()
    assert PARTY.caller.id not in text
    assert AUDIENCE not in text


def test_the_cases_are_different_tokens() -> None:
    """The registered key is a real one, and every bad header is bad in its own way."""
    assert "BEGIN PUBLIC KEY" in encode_pem(PARTY.caller.public_key)
    values: list[Any] = [headers.get("Authorization") for headers in BAD_HEADERS.values()]
    assert len(set(values)) == len(values)
