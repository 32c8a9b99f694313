"""Spans as OpenTelemetry's library records and sends them (``pip install 'tongban[telemetry]'``).

Nothing that it would find out by itself is recorded: no context of its own, no texts of errors, no hosts or processes.
"""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as LibrarySpan

from gateway.telemetry.settings import TelemetrySettings
from gateway.telemetry.span import Attribute, Span
from gateway.telemetry.traceparent import TraceParent

MAX_WAITING: Final = 8192  # spans, of some ten a request; further ones are dropped
MAX_BATCH: Final = 512  # spans that are sent together
SEND_SECONDS: Final = 5  # for one batch, in a thread of the library


class Library:
    """What records and sends; ``close`` sends what waits, and may take long."""

    def __init__(self, settings: TelemetrySettings, *, version: str, exporter: SpanExporter | None) -> None:
        """Begin its thread, where there is an endpoint to send to."""
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # what begins here was chosen
            resource=Resource({"service.name": settings.service, "service.version": version}),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(_make_processor(settings.endpoint, exporter))
        self._tracer = provider.get_tracer("tongban", version)
        self.close = provider.shutdown

    def begin(self, name: str, parent: TraceParent | None, at: int) -> Span:
        """Return the span of a request."""
        above = Context()
        if parent is not None:
            flags = TraceFlags(TraceFlags.SAMPLED)
            remote = SpanContext(parent.trace, parent.span, is_remote=True, trace_flags=flags)
            above = set_span_in_context(NonRecordingSpan(remote), above)
        return _Recorded(self._tracer, self._tracer.start_span(name, above, SpanKind.SERVER, start_time=at))


def _make_processor(endpoint: str, exporter: SpanExporter | None) -> SpanProcessor:
    if exporter is not None:
        return SimpleSpanProcessor(exporter)
    return BatchSpanProcessor(
        OTLPSpanExporter(endpoint, timeout=SEND_SECONDS),
        max_queue_size=MAX_WAITING,
        max_export_batch_size=MAX_BATCH,
    )


class _Recorded:
    """One span."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: Tracer, span: LibrarySpan) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def trace(self) -> int:
        return self._span.get_span_context().trace_id

    def begin(self, name: str, at: int) -> Span:
        above = set_span_in_context(self._span, Context())
        return _Recorded(self._tracer, self._tracer.start_span(name, above, start_time=at))

    def note(self, attribute: Attribute, value: str | int) -> None:
        self._span.set_attribute(attribute.value, value)

    def end(self, at: int, *, name: str | None = None, failed: bool = False) -> None:
        if name is not None:
            self._span.update_name(name)
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end(end_time=at)
