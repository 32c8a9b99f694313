"""The description of the API is true: every address is asked what it allows, and what it does not."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import missing_required_header, negative_data_rejection, unsupported_method

from gateway.adapters.functions import load_recipe
from gateway.audit.witness.protocol import origin_hash
from gateway.callers import CallerRole
from gateway.cli.adapter_files import read_adapter
from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.routes import ROUTES
from tests.support.asking import BY_PATH, TRACES, Asker, Sample
from tests.support.audit import ORIGIN
from tests.support.described import BUILDER, FACADES, PERSON, Described, described, token_of
from tests.support.facades import CASE, COMPANY, LICENCES
from tests.support.http import URL, bearer
from tests.support.policy import BUSINESS, NOTARY
from tests.support.witness import Tree, body

__all__ = ["described"]  # a fixture

ADD, LATEST = "/witness/v1/add-checkpoint", "/witness/v1/{origin}/checkpoint"
EXAMPLES = 3  # of an operation and a kind of data
MANY = 150  # likewise, in the long run
OPERATIONS = [(route.method, route.path) for route in ROUTES]
SOME = {"decision": "x", "shard": "2026h2", "path": "0/000"}  # in a path
# What a shape cannot say of a member, and the description says in words: what other requests gave, or is in force.
_GIVEN = {"cursor", "log", "alarm", "items", "licences", "fields", "organisations", "holders", "operator"}
_BOUND = {"since", "until", "day", "expires", "reason", "stapled", "holder_key", "valid-on", "match"}
IN_WORDS = _GIVEN | _BOUND


@pytest.fixture(scope="module")
def asker(described: Described) -> Iterator[Asker]:
    """Ask the one gateway of these tests."""
    asker = Asker(described)
    yield asker
    asker.close()


# --- by the description alone -----------------------------------------------------------------------------------------


def takes_the_shape(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """Check that what the description allows is refused for nothing that it could have said."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    if not response.content or case.path == "/audit/v1/openings":  # HEAD; where texts must be such as people can read
        return
    problem = msgspec.json.decode(response.content, type=ProblemDocument)
    assert problem.reason not in {"body.not-json", "body.content-type", "licence.ambiguous"}
    if problem.reason == "body.invalid":
        for place in problem.errors:
            members = {part.partition("[")[0] for part in place.path.split(".")}
            is_float = isinstance(case.body, dict) and isinstance(case.body.get(place.path[2:]), float)
            assert place.path == "$" or members & IN_WORDS or is_float, place


def try_operation(asker: Asker, method: str, path: str, *, examples: int) -> set[int]:
    """Ask an address what is at the bounds of its description and beyond, and so much at random; tell how it ended."""
    operation, ended = asker.operation(method, path), set[int]()
    checks = [takes_the_shape, missing_required_header, unsupported_method]
    if path != BATCH_PATH:  # where every text is some lines, of which each has an answer
        checks.append(negative_data_rejection)
    modes = [*schemathesis.GenerationMode]
    for case in asker.schema.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=asker.schema.config.generation
    ):
        ended.add(asker.ask(case, *checks).status_code)
    for mode in modes if operation.body else modes[:1]:  # nothing else can be wrong

        @seldom(examples)
        @given(operation.as_strategy(mode))
        def ask(case: schemathesis.Case) -> None:
            ended.add(asker.ask(case, *checks).status_code)

        ask()
    return ended


def seldom(examples: int) -> Callable[[Any], Any]:
    """Return the settings of so many examples, the same each time."""
    unhurried = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(max_examples=examples, derandomize=True, database=None, suppress_health_check=unhurried)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_address_is_as_described(asker: Asker, method: str, path: str) -> None:
    """What the description allows is never refused for its shape, what it does not always, and nothing breaks."""
    ended = try_operation(asker, method, path, examples=EXAMPLES)
    assert (401 in ended) is not BY_PATH[path].is_open


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_address_in_the_long_run(asker: Asker, method: str, path: str) -> None:
    """The same holds for much more of it."""
    try_operation(asker, method, path, examples=MANY)


# --- from good requests -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(asker: Asker) -> Mapping[str, list[Sample]]:
    """Return requests to each address that has something to say, with what answers gave in them."""
    document = {"document": base64.b64encode(LICENCES[0].document).decode(), "format": "ofd"}
    purpose = {"item": BUSINESS, "case": CASE, "use": "变更登记"}
    code = COMPANY.holders[0].code
    by_number = {"number": COMPANY.number, "type": "营业执照", "holder": code}
    keys = [{"licence": one, "purpose": purpose} for one in (document, {"identifier": COMPANY.identifier}, by_number)]
    match = {"match": {"holder_id": code}, "operator": {"id": "3701-1", "name": "经办人"}, "tolerance_seconds": 60}
    attest = {"attest": {"valid-on": "2026-09-01", "covers": "软件开发"}, "fields": ["holder_name", "capital"]}
    asked: dict[str, list[Sample]] = {URL: [({}, one) for one in (*keys, keys[0] | match, keys[1] | attest)]}
    answer = json.loads(asker.ask_with(URL, asked[URL][0]).content)
    assert answer["outcome"] == "valid", answer
    asked["/v1/receipts/{decision}"] = [({"decision": answer["decision"]}, None)]
    consent = {
        "holders": [PERSON.code],
        "items": [NOTARY],
        "licences": ["driving-licence"],
        "organisations": ["11370000000000000X"],
        "expires": "2026-12-31T00:00:00+08:00",
        "fields": ["holder_name"],
    }
    asked["/v1/consents"] = [({}, consent)]
    given_id = json.loads(asker.ask_with("/v1/consents", ({}, consent)).content)["consent"]
    asked["/v1/consents/withdrawals"] = [({}, {"consent": given_id})]
    period = {"since": "2026-08-01T00:00:00+08:00", "until": "2026-12-01T00:00:00Z"}
    terms = period | {"subject": PERSON.code, "kinds": ["access", "match"]}
    opening = terms | {"reason": "投诉 12 号", "operator": {"id": "3701-1"}}
    opened = json.loads(asker.ask_with("/audit/v1/openings", ({}, opening)).content)["opening"]
    approval = {"opening": opened, "operator": {"id": "3701-2"}}
    tree = Tree()
    asker.ask_with(ADD, ({}, body(tree, tree.grow(5), 0).decode()))
    shard = answer["receipt"]["log"].rpartition("/")[2]
    page = period | {"limit": 3, "log": shard}
    asked |= {
        "/audit/v1/openings": [({}, opening)],
        "/audit/v1/openings/approvals": [({}, approval)],
        "/audit/v1/openings/lookups": [({}, {"opening": opened})],
        "/audit/v1/searches": [({}, terms | {"opening": opened}), ({}, page | {"caller": "service-hall"})],
        "/audit/v1/cases": [({}, page | {"case": CASE})],
        "/audit/v1/official-days": [({}, {"official": "3701000042", "day": "2026-08-31", "log": shard})],
        "/audit/v1/licence-histories": [({}, page | {"licence": "ID-0001"})],
        "/audit/v1/exports": [({}, terms | {"format": one, "limit": 5}) for one in ("csv", "xlsx", "bundle")],
        "/audit/v1/alarms": [({}, period | {"scope": "all", "limit": 5})],
        "/holder/v1/accesses": [({}, period | {"limit": 2, "proofs": True})],
        "/holder/v1/presentations": [({}, {"identifier": BUILDER.identifier, "items": [NOTARY], "seconds": 60})],
        LATEST: [({"origin": origin_hash(ORIGIN)}, None)],
        "/log/{shard}/checkpoint": [({"shard": shard}, None)],
        "/log/{shard}/tile/{path}": [({"shard": shard, "path": one}, None) for one in ("0/000", "1/000.p/1")],
        "/log/{shard}/tile/entries/{path}": [({"shard": shard, "path": "000"}, None)],
    }
    return asked


def test_good_requests_are_answered_as_described(asker: Asker, samples: Mapping[str, list[Sample]]) -> None:
    """Every address has an answer that its description fits, also to HEAD."""
    for path, requests_ in samples.items():
        for sample in requests_:
            for method in BY_PATH[path].methods:
                response = asker.ask_with(path, sample, method)
                assert response.status_code == 200, (path, sample, response.content)
    silent = {path for path in BY_PATH if path not in samples and not BY_PATH[path].is_open}
    assert silent == {BATCH_PATH, "/audit/v1/alarms/verdicts"}  # one below, the other needs an alarm


def break_one(content: Any, drawn: Mapping[str, Any]) -> Any:
    """Return a good body with some of what was drawn in it, or beside it, at every depth."""
    if not isinstance(content, dict):
        return content
    known = {
        name: break_one(content[name], one) for name, one in drawn.items() if isinstance(one, dict) and name in content
    }
    return content | drawn | known


def try_changes(asker: Asker, path: str, samples: list[Sample], *, examples: int) -> None:
    """Ask an address good requests in which something is as drawn from the description, or against it."""
    operation = asker.operation(BY_PATH[path].method, path)
    for mode in schemathesis.GenerationMode:

        @seldom(examples)
        @given(operation.as_strategy(mode), st.sampled_from(samples), st.data())
        def ask(case: schemathesis.Case, sample: Sample, data: st.DataObject) -> None:
            parameters, content = sample
            if content is None:
                kept = data.draw(st.sets(st.sampled_from(sorted(parameters)), min_size=1))
                asked = operation.Case(path_parameters=parameters | {one: case.path_parameters[one] for one in kept})
            elif isinstance(case.body, dict) and case.body:
                kept = data.draw(st.sets(st.sampled_from(sorted(case.body)), min_size=1, max_size=2))
                changed = break_one(content, {one: case.body[one] for one in kept})
                asked = operation.Case(body=changed, media_type="application/json")
            else:
                return
            asker.ask(asked)

        ask()


WITH_SAMPLES = [route.path for route in ROUTES if not route.is_open and route.path != BATCH_PATH] + [LATEST]


@pytest.mark.parametrize("path", WITH_SAMPLES)
def test_good_requests_with_something_else_in_them(
    asker: Asker, samples: Mapping[str, list[Sample]], path: str
) -> None:
    """What goes wrong behind the shape of a request is described as well."""
    if path in samples:
        try_changes(asker, path, samples[path], examples=20 if path == URL else EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_SAMPLES)
def test_good_requests_in_the_long_run(asker: Asker, samples: Mapping[str, list[Sample]], path: str) -> None:
    """The same holds for much more of it."""
    if path in samples:
        try_changes(asker, path, samples[path], examples=MANY)


# --- what the description cannot say ----------------------------------------------------------------------------------


def try_batches(asker: Asker, described: Described, samples: list[Sample], *, examples: int) -> None:
    """Send batches of good and bad lines, and hold each answer against the description of a single one."""
    operation = asker.operation("POST", URL)
    drawn = st.one_of(*(operation.as_strategy(mode) for mode in schemathesis.GenerationMode)).map(
        lambda case: case.body
    )
    line = st.sampled_from([content for _, content in samples]) | drawn

    @seldom(examples)
    @given(st.lists(line, min_size=1, max_size=6))
    def ask(contents: list[Any]) -> None:
        lines = [one for one in map(encode_line, contents) if one.strip()]
        headers = bearer(token_of(CallerRole.BUSINESS)) | {"Content-Type": BATCH_CONTENT_TYPE}
        url = described.base_url + BATCH_PATH
        response = requests.post(url, data=b"\n".join(lines), headers=headers, timeout=30)
        assert (response.status_code, response.headers["Content-Type"]) == (200, BATCH_CONTENT_TYPE)
        answers = response.content.splitlines()
        assert len(answers) == max(1, len(lines))
        for one in answers:
            is_refusal = isinstance(status := msgspec.json.decode(one)["status"], int)
            assert not is_refusal or status < 500, one
            msgspec.json.decode(one, type=ProblemDocument if is_refusal else VerificationAnswer)

    ask()


def encode_line(content: Any) -> bytes:
    """Return a line: JSON, or what was drawn as bytes."""
    return content.replace(b"\n", b"") if isinstance(content, bytes) else json.dumps(content, default=str).encode()


def test_batches(asker: Asker, described: Described, samples: Mapping[str, list[Sample]]) -> None:
    """Each line of a batch is answered as the description says of one question, whatever the others are."""
    try_batches(asker, described, samples[URL], examples=30)


@pytest.mark.slow
def test_batches_in_the_long_run(asker: Asker, described: Described, samples: Mapping[str, list[Sample]]) -> None:
    """The same holds for many of them."""
    try_batches(asker, described, samples[URL], examples=MANY)


SIGNS = st.sampled_from(["access_token", "sign", "timestamp", "xml"])
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
CONTENTS = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4))


def test_facades(described: Described) -> None:
    """Whatever is sent to an address of another system is answered in its words, and nothing breaks."""
    ways = []
    for name in FACADES:
        recipe = load_recipe(read_adapter(name)[1])
        for one in filter(None, (recipe.sign_in, *recipe.steps, *recipe.calls.values())):
            path = "".join(part if isinstance(part, str) else "x" for part in one.request.url.parts[1:])
            ways.append((one.request.method.value, f"{described.base_url}/facades/{name}{path}"))

    @seldom(120)
    @given(st.sampled_from(sorted(set(ways))), st.dictionaries(SIGNS, TEXTS, max_size=3), CONTENTS | st.binary())
    def ask(way: tuple[str, str], query: Mapping[str, str], content: object) -> None:
        method, url = way
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        response = requests.request(method, url, params=query, data=data, timeout=30)
        assert response.status_code < 500
        assert response.headers["X-Request-Id"]
        assert not any(trace in response.text for trace in TRACES)

    ask()


def test_callers_of_another_role(asker: Asker) -> None:
    """A token of another role is refused at every address, as described, and before anything is read."""
    for route in ROUTES:
        if not route.is_open:
            other = CallerRole.AUDITOR if route.role is CallerRole.BUSINESS else CallerRole.BUSINESS
            response = asker.ask(asker.operation(route.method, route.path).Case(path_parameters=SOME), role=other)
            assert (response.status_code, json.loads(response.content)["reason"]) == (403, "role.not-allowed")


def test_checkpoints_of_others(asker: Asker) -> None:
    """The witness's answers are as described: cosigned, behind the tree that is known here, or no checkpoint at all."""
    tree = Tree()
    signed = [body(tree, tree.grow(size), old).decode() for old, size in ((0, 5), (5, 9), (9, 12), (5, 13))]
    statuses = [asker.ask_with(ADD, ({}, text)).status_code for text in (*signed, signed[3].replace("— ", "— x"), "\0")]
    assert statuses[1:] == [200, 200, 409, 403, 400]
    assert asker.ask_with(LATEST, ({"origin": origin_hash(ORIGIN)}, None)).status_code == 200
