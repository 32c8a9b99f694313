"""Decides which requests are traced; the library that records them is loaded when some are, and only then."""

import asyncio
import random
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from gateway.telemetry.settings import TelemetrySettings
from gateway.telemetry.span import Span
from gateway.telemetry.traceparent import TraceParent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from gateway.telemetry.library import Library

CLOSE_SECONDS: Final = 2.0  # at the end, for spans that wait; a collector that hangs delays a stop by no more
_NUMBERS: Final = 2**64  # of traces, without their first half: those who sample by number go by the last 64 bits


def make_recorder(settings: TelemetrySettings, version: str) -> "Recorder | None":
    """Return what traces requests; None: nothing does."""
    return Recorder(settings, version=version) if settings.is_on else None


class Recorder:
    """Traces a share of the requests, while it is open."""

    def __init__(
        self,
        settings: TelemetrySettings,
        *,
        version: str,
        exporter: "SpanExporter | None" = None,
        draw: "random.Random | None" = None,
    ) -> None:
        """Load nothing yet; ``exporter`` is told of spans at once, in place of the endpoint of the settings."""
        self._settings = settings
        self._version = version
        self._exporter = exporter
        self._draw = draw or random.Random()
        self._library: Library | None = None

    async def __aenter__(self) -> Self:
        """Load the library, off the loop."""
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what waits, as far as there is time for it."""
        library, self._library = self._library, None
        if library is not None:
            closing = threading.Thread(target=library.close, daemon=True)
            closing.start()
            await asyncio.to_thread(closing.join, CLOSE_SECONDS)

    def begin(self, name: str, parent: TraceParent | None, at: int) -> Span | None:
        """Return the span of a request that begins ``at`` nanoseconds since 1970; None: it is not traced.

        Where the sender names a trace its number decides, so that systems which sample by it too record the same
        requests; else chance. What the sender says of its own recording decides nothing.
        """
        if self._library is None:
            return None
        drawn = self._draw.random() if parent is None else (parent.trace % _NUMBERS) / _NUMBERS
        return self._library.begin(name, parent, at) if drawn < self._settings.sample else None

    def _open(self) -> None:
        from gateway.telemetry.library import Library  # noqa: PLC0415 -- an extra, loaded where it is used

        self._library = Library(self._settings, version=self._version, exporter=self._exporter)
