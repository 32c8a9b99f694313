"""What is traced of real requests: each step, question, round trip and entry, and nothing personal."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.app import create_app, server_options
from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH
from gateway.http.steps import Step
from gateway.site import load_site
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.settings import TelemetrySettings
from gateway.telemetry.span import Attribute, SpanName
from tests.support.callers import make_party, make_site
from tests.support.cli import ROOT
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.redis_servers import RedisServer
from tests.support.river import NAME, flowing, licence_of, record_of, write_river, write_trusting_site

PARTY = make_party()
ONE = next(one for one in demo_stock().licences if one.draft.annotation is None)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"}
ALL = TelemetrySettings(endpoint="http://127.0.0.1:9/v1/traces", sample=1.0)
WORDS = re.compile(r"[A-Za-z0-9./:_{}-]{1,80}")  # of values: one word of ours, a route, a number or an id


@asynccontextmanager
async def traced(
    aiohttp_client: StartClient, folder: Path, redis: RedisServer
) -> AsyncIterator[tuple[Client, InMemorySpanExporter]]:
    """Start a gateway that asks a province and has a Redis, and records its traces in memory."""
    exporter = InMemorySpanExporter()
    async with flowing(record_of(ONE.document)) as river:

        def write() -> None:
            write_trusting_site(folder)
            write_river(folder, river.address)
            file = folder / "tongban.toml"
            text = file.read_text("utf-8")
            file.write_text(f'{text}\n[redis]\nurls = ["redis://127.0.0.1:{redis.port}"]\n', "utf-8")

        await asyncio.to_thread(write)
        site = replace(await asyncio.to_thread(load_site, folder, at=NOW), callers=make_site([PARTY]).callers)
        recorder = Recorder(ALL, version="1", exporter=exporter)
        server = GatewayTestServer(create_app(site, clock=lambda: NOW, recorder=recorder))
        await server.start_server(**server_options(site.settings.http))
        yield await aiohttp_client(server), exporter


def asked(**changes: object) -> dict[str, object]:
    """Return a question that names a person in every place that can hold one."""
    sealed = licence_of(ONE.document)
    holder = sealed.holders[0]
    return {
        "licence": {"number": sealed.number, "type": sealed.type_code, "holder": holder.code},
        "purpose": {"item": "EX-不动产登记", "case": "BDC-欧阳晓禾", "use": "为欧阳晓禾办理"},
        "operator": {"id": "clerk-7777", "name": "经办人甲"},
        "match": {"holder_name": holder.name, "holder_id": holder.code},
        "fields": ["holder_name"],
    } | changes


def personal(question: object) -> set[str]:
    """Return every text of a question."""
    match question:
        case dict():
            return set().union(*(personal(one) for one in question.values()))
        case list():
            return set()  # names of fields
        case _:
            return {str(question)}


def by_name(spans: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [one for one in spans if one.name == name]


def is_below(one: ReadableSpan, other: ReadableSpan) -> bool:
    return one.parent is not None and one.parent.span_id == other.context.span_id


async def test_nothing_personal_is_in_any_span(
    aiohttp_client: StartClient, tmp_path: Path, redis_server: RedisServer
) -> None:
    """No text of a question or of a licence is in a span, answered or refused; attributes are those of the list."""
    async with traced(aiohttp_client, tmp_path / "site", redis_server) as (client, exporter):
        token = bearer(PARTY.token(NOW))
        for body in (asked(), asked(licence={"identifier": ONE.draft.identifier}), asked(match={"holder_id": []})):
            for route in (URL, f"{URL}?holder=欧阳晓禾"):
                await client.post(route, json=body, headers=token)
            lines = b"\n".join([json.dumps(body).encode(), b"{", b'{"licence": "\xe6\xac\xa7\xe9\x98\xb3"}'])
            await client.post(BATCH_PATH, data=lines, headers=token | {"Content-Type": BATCH_CONTENT_TYPE})
        await client.post(
            "/licences/欧阳晓禾", headers=token | {"tracestate": "who=欧阳晓禾".encode().decode("latin-1")}
        )
        await client.post(URL, json=asked(), headers=bearer("欧阳晓禾".encode().decode("latin-1")))
        spans = exporter.get_finished_spans()
    assert {SpanName.SYSTEM, SpanName.REDIS, SpanName.LOG, SpanName.LINE} <= {one.name for one in spans}
    sealed = licence_of(ONE.document)
    values = personal(asked()) | {ONE.draft.identifier, sealed.name, "欧阳", "clerk", "BDC", sealed.issuer}
    written = "\n".join(json.dumps(json.loads(one.to_json()), ensure_ascii=False) for one in spans)
    assert all(value not in written for value in values if value)
    for one in spans:
        assert one.events == ()
        assert one.status.description is None
        assert set(one.attributes or {}) <= set(Attribute)
        assert all(WORDS.fullmatch(str(value)) for value in (one.attributes or {}).values())
        assert WORDS.fullmatch(one.name)


async def test_one_question_from_end_to_end(
    aiohttp_client: StartClient, tmp_path: Path, redis_server: RedisServer
) -> None:
    """A question is one trace, that of its sender: its steps in order, and in them whom and what was asked."""
    async with traced(aiohttp_client, tmp_path / "site", redis_server) as (client, exporter):
        headers = bearer(PARTY.token(NOW)) | PARENT | {"X-Request-Id": "both-sides-see-this"}
        body = {"licence": {"identifier": ONE.draft.identifier}}
        response = await client.post(URL, json=body, headers=headers)
        answer = await response.json()
        spans = exporter.get_finished_spans()
    assert (response.status, answer["outcome"]) == (200, "valid")
    (root,) = by_name(spans, URL)
    assert root.attributes == {
        Attribute.ROUTE: URL,
        Attribute.STATUS: 200,
        Attribute.REQUEST_ID: "both-sides-see-this",
        Attribute.CALLER: PARTY.caller.id,
        Attribute.DECISION: answer["decision"],
        Attribute.OUTCOME: "valid",
        Attribute.SOURCE: f"system:{NAME}",
    }
    assert root.parent is not None
    assert {f"{one.context.trace_id:032x}" for one in spans} == {TRACE}
    steps = sorted((one for one in spans if is_below(one, root)), key=lambda one: one.start_time or 0)
    assert [one.name for one in steps] == [f"step.{step}" for step in Step]
    assert [one.start_time for one in steps[1:]] == [one.end_time for one in steps[:-1]]
    named = {one.name: one for one in steps}
    (system,) = by_name(spans, SpanName.SYSTEM)
    assert is_below(system, named["step.licence"])
    assert system.attributes == {Attribute.SYSTEM: NAME, Attribute.OUTCOME: "found"}
    (log,) = by_name(spans, SpanName.LOG)
    assert is_below(log, named["step.log"])
    trips = by_name(spans, SpanName.REDIS)
    assert trips
    assert all(any(is_below(one, step) for step in steps) for one in trips)


async def test_a_refusal_and_a_batch(aiohttp_client: StartClient, tmp_path: Path, redis_server: RedisServer) -> None:
    """A refusal says why, by our word; each line of a batch is a span below it, with the id of its own."""
    async with traced(aiohttp_client, tmp_path / "site", redis_server) as (client, exporter):
        await client.post(URL, json={})
        (refused,) = by_name(exporter.get_finished_spans(), URL)
        assert (refused.attributes or {})[Attribute.FAILURE] == "sign-in.no-token"
        exporter.clear()
        headers = bearer(PARTY.token(NOW)) | {"Content-Type": BATCH_CONTENT_TYPE, "X-Request-Id": "batch"}
        line = json.dumps({"licence": {"identifier": ONE.draft.identifier}}).encode()
        await (await client.post(BATCH_PATH, data=line + b"\n{", headers=headers)).read()
        spans = exporter.get_finished_spans()
    (batch,) = by_name(spans, BATCH_PATH)
    lines = by_name(spans, SpanName.LINE)
    assert all(is_below(one, batch) for one in lines)
    assert {(one.attributes or {})[Attribute.REQUEST_ID] for one in lines} == {"batch-1", "batch-2"}
    assert {(one.attributes or {})[Attribute.STATUS] for one in lines} == {200, 400}


def test_the_library_is_loaded_only_where_something_is_traced() -> None:
    """The gateway starts without the extra: nothing of it is imported by the application."""
    code = "import sys, gateway.app, gateway.cli.serve_one; print([n for n in sys.modules if 'opentelemetry' in n])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 -- our own program
    assert done.stdout == "[]\n"
