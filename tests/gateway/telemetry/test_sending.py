"""Where spans go: to the collector when there is one, and nobody waits for it."""

import asyncio
from random import Random
from time import time_ns

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.telemetry import library, recorder
from gateway.telemetry.recorder import Recorder, make_recorder
from gateway.telemetry.settings import TelemetrySettings
from gateway.telemetry.span import Attribute, Work, current_work
from gateway.telemetry.traceparent import TraceParent


def trace(one: Recorder) -> None:
    """Record a request with a step."""
    at = time_ns()
    root = one.begin("/v1/verifications", None, at)
    assert root is not None
    work = Work(root, at)
    work.enter()
    assert current_work() is work
    work.end_step("body")
    work.leave()
    work.end({Attribute.STATUS: 200, Attribute.CALLER: None}, failed=False)
    assert current_work() is None


async def test_a_collector_gets_what_was_recorded() -> None:
    """Spans arrive in OpenTelemetry's own form, at the latest when the gateway stops, and say of us our name alone."""
    got: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with TestServer(app) as server:
        settings = TelemetrySettings(endpoint=str(server.make_url("/v1/traces")), sample=1.0, service="own-name")
        async with Recorder(settings, version="7") as one:
            trace(one)
    (resource,) = ExportTraceServiceRequest.FromString(b"".join(got)).resource_spans
    said = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert said == {"service.name": "own-name", "service.version": "7"}
    (scope,) = resource.scope_spans
    assert {span.name for span in scope.spans} == {"/v1/verifications", "step.body"}


async def test_a_collector_that_hangs_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a request nor a stop waits for a collector that does not answer."""
    monkeypatch.setattr(recorder, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(library, "SEND_SECONDS", 0.2)
    ended = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await ended.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", hang)
    async with TestServer(app) as server:
        settings = TelemetrySettings(endpoint=str(server.make_url("/v1/traces")), sample=1.0)
        async with Recorder(settings, version="7") as one:
            trace(one)
        assert not ended.is_set()
        ended.set()


def test_nothing_is_made_where_nothing_is_traced() -> None:
    """Without an endpoint there is no recorder; one that is not open traces nothing."""
    assert make_recorder(TelemetrySettings(), "1") is None
    closed = make_recorder(TelemetrySettings(endpoint="http://127.0.0.1:9/", sample=1.0), "1")
    assert closed is not None
    assert closed.begin("/", None, 0) is None


async def test_a_share_is_drawn() -> None:
    """Of requests that belong to no trace yet about the share is recorded that the settings say."""
    settings = TelemetrySettings(endpoint="http://127.0.0.1:9/", sample=0.25)
    async with Recorder(settings, version="1", exporter=InMemorySpanExporter(), draw=Random(1)) as one:
        begun = sum(one.begin("/", None, 0) is not None for _ in range(1000))
    assert 200 < begun < 300


@pytest.mark.parametrize(("share", "is_traced"), [(0.63, False), (0.65, True)])
async def test_the_number_of_a_trace_decides(*, share: float, is_traced: bool) -> None:
    """A trace of the sender is recorded by its number, so that all who sample by it have the same ones."""
    parent = TraceParent.parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")  # a3ce… is 0.64 of 64 bits
    settings = TelemetrySettings(endpoint="http://127.0.0.1:9/", sample=share)
    async with Recorder(settings, version="1", exporter=InMemorySpanExporter()) as one:
        span = one.begin("/", parent, 0)
        assert (span is not None) == is_traced
        assert parent is not None
        assert span is None or span.trace == parent.trace
