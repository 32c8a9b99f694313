"""The routes of operators, the description of the interface, request ids, logs and metrics."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gateway.http.messages.problems import ProblemDocument
from gateway.http.messages.readiness import Health, Readiness
from gateway.http.openapi import build_openapi
from gateway.http.routes import ROUTES
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.revocation_list import parse_revocation_list
from keys.trust import Purpose, TrustStore
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import URL, StartClient, bearer, question, start
from tests.support.pki import make_root, p256_key

CA = make_root(key=p256_key())
PARTY = make_party()
TOKEN = PARTY.token()


async def test_health(aiohttp_client: StartClient) -> None:
    """A process that answers is healthy."""
    client = await start(aiohttp_client, make_site())
    response = await client.get("/healthz")
    assert msgspec.convert(await response.json(), Health) == Health(healthy=True)


async def test_readiness(aiohttp_client: StartClient) -> None:
    """Readiness counts anchors by purpose, lists, and the callers that may sign in now."""
    client = await start(aiohttp_client, make_site([PARTY, make_party(id="off", enabled=False)]))
    response = await client.get("/readyz")
    found = msgspec.convert(await response.json(), Readiness)
    assert (found.ready, found.revocation_lists, found.callers) == (True, 0, 1)
    assert found.anchors == {purpose.value: 0 for purpose in Purpose}


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("POST", "/v1/verifications/", 404, "not-found"),
        ("GET", "/v1/../../etc/passwd", 404, "not-found"),
        ("GET", URL, 405, "method-not-allowed"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
    ],
)
async def test_nothing_here(aiohttp_client: StartClient, method: str, path: str, status: int, reason: str) -> None:
    """Unknown addresses and methods are problem documents too."""
    client = await start(aiohttp_client, make_site())
    response = await client.request(method, path)
    content = await response.json(content_type="application/problem+json")
    assert (response.status, msgspec.convert(content, ProblemDocument).reason) == (status, reason)
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize("sent", ["a", "0123-abc_DEF.~", "x" * 64])
async def test_request_id_is_kept(aiohttp_client: StartClient, sent: str) -> None:
    """A sane request id comes back, in answers and in problems."""
    client = await start(aiohttp_client, make_site())
    assert (await client.get("/healthz", headers={"X-Request-Id": sent})).headers["X-Request-Id"] == sent
    response = await client.get("/nothing", headers={"X-Request-Id": sent})
    assert response.headers["X-Request-Id"] == (await response.json(content_type=None))["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "37010119900101001X;", '"}', "张三"])
async def test_request_id_is_made(aiohttp_client: StartClient, sent: str) -> None:
    """Anything else is replaced by an id of ours, so that nothing odd gets into logs."""
    client = await start(aiohttp_client, make_site())
    made = (await client.get("/healthz", headers={"X-Request-Id": sent})).headers["X-Request-Id"]
    assert made != sent
    assert len(made) == 32


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Collect the lines of the request log."""
    logger, found = logging.getLogger("tongban.requests"), []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(record.getMessage()))

    collector, level = Collector(), logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(collector)
    logger.setLevel(level)


async def test_request_log(aiohttp_client: StartClient, lines: list[dict[str, Any]]) -> None:
    """One line per request says who asked what by ids and enums, and nothing of the content or the address."""
    client = await start(aiohttp_client, make_site([PARTY]))
    body = question(b"Forged", match={"holder_name": "李四"})
    await client.post(URL + "?holder=secret", json=body, headers=bearer(TOKEN) | {"X-Request-Id": "first"})
    await client.post(URL, json=body, headers={"X-Request-Id": "second"})
    await client.get("/licences/37010119900101001X", headers={"X-Request-Id": "third"})
    for line in lines:
        assert line.pop("milliseconds") >= 0
        assert line.pop("at") == "2026-03-01T04:00:00Z"
    assert lines == [
        {
            "request_id": "first",
            "caller": "service-hall",
            "route": URL,
            "status": 200,
            "outcome": "invalid",
            "failure": None,
        },
        {
            "request_id": "second",
            "caller": None,
            "route": URL,
            "status": 401,
            "outcome": None,
            "failure": "sign-in.no-token",
        },
        {
            "request_id": "third",
            "caller": None,
            "route": "unmatched",
            "status": 404,
            "outcome": None,
            "failure": "not-found",
        },
    ]


async def test_metrics(aiohttp_client: StartClient) -> None:
    """Metrics count requests, verdicts, reasons and bytes; labels are templates and words of enums."""
    client = await start(aiohttp_client, make_site([PARTY]))
    for document in (b"genuine", b"Forged"):
        await client.post(URL, json=question(document), headers=bearer(TOKEN))
    await client.get("/licences/37010119900101001X")
    response = await client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    text = await response.text()
    for line in (
        'gateway_requests_total{route="/v1/verifications",status="200"} 2.0',
        'gateway_requests_total{route="unmatched",status="404"} 1.0',
        'gateway_outcomes_total{format="ofd",outcome="valid"} 1.0',
        'gateway_outcomes_total{format="ofd",outcome="invalid"} 1.0',
        'gateway_reasons_total{reason="references.mismatch"} 1.0',
        "gateway_document_bytes_count 2.0",
        'gateway_verify_seconds_count{thread="loop"} 2.0',
        "gateway_requests_in_flight 1.0",
        "gateway_verifications_waiting 0.0",
        'gateway_trust_anchors{purpose="signer"} 0.0',
    ):
        assert line in text
    assert "37010119900101001X" not in text


async def test_two_applications_do_not_mix(aiohttp_client: StartClient) -> None:
    """Each application has metrics of its own."""
    first = await start(aiohttp_client, make_site([PARTY]))
    second = await start(aiohttp_client, make_site([PARTY]))
    await first.post(URL, json=question(), headers=bearer(TOKEN))
    assert 'outcome="valid"' in await (await first.get("/metrics")).text()
    assert 'outcome="valid"' not in await (await second.get("/metrics")).text()


async def test_openapi_is_served(aiohttp_client: StartClient) -> None:
    """The description that is served names every route of the application, and no other."""
    client = await start(aiohttp_client, make_site())
    document = await (await client.get("/openapi.json")).json()
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    routed = {
        (route.resource.canonical, route.method) for route in client.app.router.routes() if route.resource is not None
    }
    assert described == routed


def references(part: Any) -> Iterator[str]:
    """Yield every reference inside a JSON document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_openapi_structure() -> None:
    """The description has what OpenAPI 3.1 requires: references that lead somewhere, unique ids, full responses."""
    document = build_openapi(ROUTES, version="1")
    assert document["openapi"].startswith("3.1")
    assert {"title", "version"} <= set(document["info"])
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert found
    for reference in found:
        prefix, _, name = reference.rpartition("/")
        assert (prefix, name in schemas) == ("#/components/schemas", True), reference
    operations = {
        operation["operationId"]: (method, operation)
        for item in document["paths"].values()
        for method, operation in item.items()
    }
    assert len(operations) == sum(len(route.methods) for route in ROUTES)
    for method, operation in operations.values():
        assert {"405", "500"} <= set(operation["responses"])
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert status.isdigit()
            assert response["description"]
            assert response["headers"]["X-Request-Id"]
            assert response.get("content") or method == "head"
        for requirement in operation["security"]:
            assert set(requirement) <= set(document["components"]["securitySchemes"])
    json.dumps(document)


def test_openapi_lists_the_refusals() -> None:
    """The question's description names every status by which it may be refused."""
    responses = build_openapi(ROUTES, version="1")["paths"][URL]["post"]["responses"]
    refusals = {"400", "401", "403", "405", "408", "413", "415", "417", "422", "429", "500", "503", "504"}
    assert set(responses) == {"200", *refusals}


def test_openapi_names_the_words() -> None:
    """Outcomes, checks and reasons are listed one by one, so that a client can hold its own table against them."""
    schemas = build_openapi(ROUTES, version="1")["components"]["schemas"]
    assert set(schemas["Reason"]["enum"]) == set(Reason)
    assert set(schemas["Outcome"]["enum"]) == set(Outcome)
    assert set(schemas["CheckName"]["enum"]) == set(CheckName)
    answer = schemas["VerificationAnswer"]["properties"]
    assert answer["reasons"]["items"] == {"$ref": "#/components/schemas/Reason"}
    assert answer["fields"]["additionalProperties"] == {"$ref": "#/components/schemas/FieldAnswer"}
    assert {"type": "null"} in answer["policy"]["anyOf"]
    assert len(answer["policy"]["anyOf"]) == 2
    assert answer["receipt"] == {"$ref": "#/components/schemas/ReceiptAnswer"}


def test_openapi_names_one_way_for_a_licence() -> None:
    """A licence is named in exactly one way."""
    ways = build_openapi(ROUTES, version="1")["components"]["schemas"]["LicenceQuestion"]["oneOf"]
    assert [way["required"] for way in ways] == [["document"], ["identifier"], ["number", "type"], ["code"]]


def test_openapi_names_the_headers() -> None:
    """The headers that come with a refusal are there."""
    responses = build_openapi(ROUTES, version="1")["paths"][URL]["post"]["responses"]
    for status, header in (("401", "WWW-Authenticate"), ("405", "Allow"), ("503", "Retry-After")):
        assert header in responses[status]["headers"]


@pytest.mark.parametrize(
    ("ends", "seconds"), [((), "+Inf"), ((2, 1), "3600.0"), ((None,), "+Inf"), ((-1, 5), "-3600.0")]
)
async def test_time_left_of_revocation_lists(
    aiohttp_client: StartClient, ends: tuple[int | None, ...], seconds: str
) -> None:
    """An alarm can be set on the seconds until the first revocation list ends."""
    lists = tuple(
        parse_revocation_list(
            CA.revocation_list(
                this_update=NOW - timedelta(days=1), next_update=None if end is None else NOW + timedelta(hours=end)
            )
        )
        for end in ends
    )
    client = await start(aiohttp_client, make_site(trust=TrustStore(anchors=(), revocation_lists=lists)))
    assert f"gateway_revocation_list_seconds_left {seconds}\n" in await (await client.get("/metrics")).text()


def test_only_routes_of_operators_and_witnesses_are_open() -> None:
    """A new route asks for a token unless it says otherwise; tlog-witness has none, and the log signs what it sends."""
    operators = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
    witnesses = {"/witness/v1/add-checkpoint", "/witness/v1/{origin}/checkpoint"}
    assert {route.path for route in ROUTES if route.is_open} == operators | witnesses
