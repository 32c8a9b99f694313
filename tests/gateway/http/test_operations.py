"""The routes of operators, the description of the interface, request ids, logs and metrics."""

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gateway.audit.witness.protocol import SIZE_TYPE, TEXT_TYPE
from gateway.facade.desk import FACADE_PATH
from gateway.http.auditors import REACHED_HEADER
from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH
from gateway.http.messages.problems import PlaceError, ProblemDocument
from gateway.http.messages.questions import LicenceQuestion
from gateway.http.messages.readiness import Health, Readiness
from gateway.http.openapi import build_openapi
from gateway.http.questions import name_place
from gateway.http.routes import ROUTES
from gateway.reason import Reason
from gateway.status.observer import SourceReport, count_lag
from gateway.status.source import SourceKind
from gateway.verdict import CheckName, Outcome
from keys.revocation_list import RevocationList, parse_revocation_list
from keys.trust import Purpose, TrustStore
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import URL, StartClient, bearer, question, start
from tests.support.pki import Entity, extension, integer, make_root, p256_key, sequence, tlv

CA = make_root(key=p256_key())
NUMBER = extension("2.5.29.20", integer(7))
DELTA = extension("2.5.29.27", integer(6), critical=True)
USERS = extension("2.5.29.28", sequence(tlv(0x81, b"\xff")), critical=True)
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
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    response = await client.post(
        URL + "?holder=secret", json=body, headers=bearer(TOKEN) | trace | {"X-Request-Id": "first"}
    )
    decision = (await response.json())["decision"]
    await client.post(URL, json=body, headers={"X-Request-Id": "second"})
    await client.get("/licences/37010119900101001X", headers={"X-Request-Id": "third"})
    for line in lines:
        assert line.pop("milliseconds") >= 0
        assert line.pop("at") == "2026-03-01T04:00:00Z"
        assert (line.pop("level"), line.pop("code"), line.pop("line")) == ("info", "request", None)
    assert lines == [
        {
            "request_id": "first",
            "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
            "caller": "service-hall",
            "route": URL,
            "status": 200,
            "decision": decision,
            "outcome": "invalid",
            "source": "document",
            "failure": None,
        },
        {
            "request_id": "second",
            "trace": None,
            "caller": None,
            "route": URL,
            "status": 401,
            "decision": None,
            "outcome": None,
            "source": None,
            "failure": "sign-in.no-token",
        },
        {
            "request_id": "third",
            "trace": None,
            "caller": None,
            "route": "unmatched",
            "status": 404,
            "decision": None,
            "outcome": None,
            "source": None,
            "failure": "not-found",
        },
    ]


async def test_lines_of_a_batch_have_lines(aiohttp_client: StartClient, lines: list[dict[str, Any]]) -> None:
    """Each line of a batch has a line of the log, with its number, its id and its decision; then comes the batch."""
    client = await start(aiohttp_client, make_site([PARTY]))
    headers = bearer(TOKEN) | {"Content-Type": BATCH_CONTENT_TYPE, "X-Request-Id": "batch"}
    response = await client.post(BATCH_PATH, data=json.dumps(question()).encode() + b"\n{", headers=headers)
    answers = [json.loads(line) for line in (await response.read()).splitlines()]
    said = {(one["line"], one["request_id"]): (one["status"], one["outcome"], one["decision"]) for one in lines}
    assert said == {
        (1, "batch-1"): (200, "valid", answers[0]["decision"]),
        (2, "batch-2"): (400, None, answers[1]["decision"]),
        (None, "batch"): (200, None, None),
    }
    assert {one["route"] for one in lines} == {BATCH_PATH}
    assert lines[-1]["line"] is None


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


@pytest.mark.parametrize(
    "counter",
    [
        'gateway_site_reloads_total{result="failed"}',
        'gateway_trust_reloads_total{result="failed"}',
        'gateway_status_reloads_total{result="failed"}',
        'gateway_policy_reloads_total{result="failed"}',
        'gateway_second_opinions_total{opinion="disagreed"}',
        'gateway_log_unavailable_total{reason="disk-full"}',
    ],
)
async def test_what_wakes_somebody_begins_at_zero(aiohttp_client: StartClient, counter: str) -> None:
    """Prometheus sees the first time that something went wrong, since the counter showed 0 before."""
    client = await start(aiohttp_client, make_site())
    assert f"{counter} 0.0" in (await (await client.get("/metrics")).text()).splitlines()


async def test_two_applications_do_not_mix(aiohttp_client: StartClient) -> None:
    """Each application has metrics of its own."""
    first = await start(aiohttp_client, make_site([PARTY]))
    second = await start(aiohttp_client, make_site([PARTY]))
    await first.post(URL, json=question(), headers=bearer(TOKEN))
    assert 'outcome="valid"' in await (await first.get("/metrics")).text()
    assert 'outcome="valid"' not in await (await second.get("/metrics")).text()


async def test_openapi_is_served(aiohttp_client: StartClient) -> None:
    """The description that is served names every route of the application but façades, and no other."""
    client = await start(aiohttp_client, make_site())
    document = await (await client.get("/openapi.json")).json()
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    routed = {
        (route.resource.canonical, route.method) for route in client.app.router.routes() if route.resource is not None
    }
    assert described == routed - {(FACADE_PATH, "*")}


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
    refusals = {"400", "401", "403", "404", "405", "408", "413", "415", "417", "422", "429", "500", "503", "504"}
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
    """A licence is named in exactly one way, beside which nothing of another one stands."""
    ways = build_openapi(ROUTES, version="1")["components"]["schemas"]["LicenceQuestion"]["oneOf"]
    assert [way["required"] for way in ways] == [["document"], ["identifier"], ["number", "type"], ["code"]]
    beside = [{"format", "stapled"}, set(), {"holder"}, set()]
    for way, free in zip(ways, beside, strict=True):
        empty = {name for name, schema in way["properties"].items() if schema == {"type": "null"}}
        assert empty == set(LicenceQuestion.__struct_fields__) - {*way["required"]} - free


def patterns(part: Any) -> Iterator[str]:
    """Yield every pattern inside a JSON document."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from patterns(value)


def test_openapi_has_patterns_for_everybody() -> None:
    """Patterns are anchored as ECMA-262 has it, where Python's end of a text is a letter, and need no surrogates."""
    found = set(patterns(build_openapi(ROUTES, version="1")))
    assert "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" in found
    for pattern in found:
        assert (pattern[0], pattern[-1]) == ("^", "$")
        assert not re.search(r"\\[AZz]|\\u[dD][89a-fA-F]", pattern), pattern


def test_openapi_lists_the_types() -> None:
    """What is no JSON of ours has its own type: exports, the size that a witness knows, and what it is sent."""
    paths = build_openapi(ROUTES, version="1")["paths"]
    export = paths["/audit/v1/exports"]["post"]["responses"]["200"]
    assert {"text/csv", "application/zip"} < set(export["content"])
    assert {"Content-Disposition", REACHED_HEADER} < set(export["headers"])
    witness = paths["/witness/v1/add-checkpoint"]["post"]
    assert set(witness["requestBody"]["content"]) == {TEXT_TYPE}
    assert set(witness["responses"]["409"]["content"]) == {SIZE_TYPE}
    assert set(paths["/readyz"]["get"]["responses"]["503"]["content"]) == {"application/json"}


def test_openapi_lists_how_signing_in_may_fail() -> None:
    """Every address that takes a token refuses one that proves nothing, and one of another role; no other does."""
    document = build_openapi(ROUTES, version="1")
    for route in ROUTES:
        responses = document["paths"][route.path][route.method.lower()]["responses"]
        assert ("401" in responses) is not route.is_open
        assert ("`role.not-allowed`" in responses.get("403", {}).get("description", "")) is not route.is_open


def test_every_member_has_words_of_its_own() -> None:
    """Whatever is wrong in a request, it is said what belongs there, and not just that it is a text."""
    usual = name_place("$.nothing", PlaceError.WRONG_VALUE)["expected"]
    shapes = {route.request for route in ROUTES if route.request is not None}
    members = {field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)}
    vague = {name for name in members if name_place(f"$.{name}", PlaceError.WRONG_VALUE)["expected"] == usual}
    assert vague == set()


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
    """An alarm can be set on the seconds until the first revocation list ends, each being of another issuer."""
    lists = [list_of(make_root(f"CA {number}"), ends=end) for number, end in enumerate(ends)]
    assert await time_left(aiohttp_client, *lists) == seconds


@pytest.mark.parametrize(
    ("other", "seconds"),
    [
        (lambda: list_of(CA, ends=-24, days=2), "3600.0"),
        (lambda: list_of(CA, ends=-24, days=2, extensions=[DELTA]), "-86400.0"),
        (lambda: list_of(CA, ends=-24, days=2, extensions=[USERS]), "-86400.0"),
        (lambda: list_of(make_root("Other CA"), ends=-24, days=2), "-86400.0"),
    ],
    ids=["the one before", "another kind", "another scope", "another issuer"],
)
async def test_a_list_that_was_replaced_does_not_count(
    aiohttp_client: StartClient, other: Callable[[], RevocationList], seconds: str
) -> None:
    """An ended list beside its successor alarms nobody; one whose successor is missing does."""
    assert await time_left(aiohttp_client, list_of(CA, ends=1), other()) == seconds


def list_of(issuer: Entity, *, ends: int | None, days: int = 1, extensions: Sequence[bytes] = ()) -> RevocationList:
    """Return a list as of so many days ago, which ends in so many hours."""
    begin, end = NOW - timedelta(days=days), None if ends is None else NOW + timedelta(hours=ends)
    more = [NUMBER, *extensions]
    return parse_revocation_list(issuer.revocation_list(this_update=begin, next_update=end, extensions=more))


async def time_left(aiohttp_client: StartClient, *lists: RevocationList) -> str:
    """Return what the metrics of a gateway with these lists say."""
    client = await start(aiohttp_client, make_site(trust=TrustStore(anchors=(), revocation_lists=lists)))
    found = re.search(
        r"^gateway_revocation_list_seconds_left (\S+)$", await (await client.get("/metrics")).text(), re.MULTILINE
    )
    assert found is not None
    return found[1]


def source_of_status(*, hours: float | None, failures: int = 0) -> SourceReport:
    """Return how a source stands whose oldest knowledge is so old."""
    return SourceReport(
        source="ca",
        kind=SourceKind.LIST,
        as_of=None if hours is None else NOW - timedelta(hours=hours),
        usable_until=None,
        last_success=None,
        failures=failures,
        failure=None,
        detail="",
        skew=None,
    )


@pytest.mark.parametrize(
    ("sources", "seconds"),
    [
        ([], 0.0),
        ([source_of_status(hours=1), source_of_status(hours=2, failures=3)], 7200.0),
        ([source_of_status(hours=None), source_of_status(hours=1)], 3600.0),
        ([source_of_status(hours=None, failures=1), source_of_status(hours=1)], math.inf),
    ],
    ids=["none", "the oldest", "asked for nothing yet", "never answered"],
)
def test_the_lag_of_revocation(sources: list[SourceReport], seconds: float) -> None:
    """The lag is that of the oldest knowledge; a source that fails and has told nothing is behind without end."""
    assert count_lag(sources, NOW) == seconds


def test_only_routes_of_operators_and_witnesses_are_open() -> None:
    """A new route asks for a token unless it says otherwise; tlog-witness has none, and the log signs what it sends."""
    operators = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
    witnesses = {"/witness/v1/add-checkpoint", "/witness/v1/{origin}/checkpoint"}
    assert {route.path for route in ROUTES if route.is_open} == operators | witnesses
