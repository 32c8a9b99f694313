"""What is traced of a request, and what may be said of it; how it is recorded: `gateway.telemetry.library`.

Where nothing is traced, which is the usual case, each place that could be costs one look at a context variable.
"""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from enum import StrEnum
from time import time_ns
from types import TracebackType
from typing import Final, Protocol, Self


class Attribute(StrEnum):
    """All that a span may say. Values are words of ours, names from the site, numbers, and ids; nothing of content.

    The first two are names of OpenTelemetry's semantic conventions.
    """

    ROUTE = "http.route"  # the template, never the path
    STATUS = "http.response.status_code"
    REQUEST_ID = "tongban.request_id"
    DECISION = "tongban.decision"
    CALLER = "tongban.caller"
    OUTCOME = "tongban.outcome"
    FAILURE = "tongban.failure"
    SOURCE = "tongban.source"
    SYSTEM = "tongban.system"


class SpanName(StrEnum):
    """What is traced beside requests, whose spans have the name of their route, and steps."""

    LINE = "line"  # of a batch
    STEP = "step"  # which has its own name when it ends
    REST = "rest"  # what followed the last step that ended: a refusal, mostly
    SYSTEM = "system"  # one question to another system, from its turn on
    REDIS = "redis"  # one round trip
    LOG = "log.append"  # until the entry is durable


class Span(Protocol):
    """Something that takes time; moments are nanoseconds since 1970."""

    @property
    def trace(self) -> int:
        """The number of the trace that it belongs to."""

    def begin(self, name: str, at: int) -> "Span":
        """Begin something that is a part of it."""

    def note(self, attribute: Attribute, value: str | int) -> None:
        """Say something of it."""

    def end(self, at: int, *, name: str | None = None, failed: bool = False) -> None:
        """End it, once; a name replaces the one that it began with."""


class Work:
    """A request that is traced, or one line of a batch: its steps, one after the other, and what happens in them."""

    __slots__ = ("_is_over", "_root", "_since", "_step", "_token")

    def __init__(self, root: Span, at: int) -> None:
        """Begin; its first step begins now."""
        self._root = root
        self._since = at
        self._step: Span | None = None
        self._is_over = False
        self._token: Token[Work | None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended: what goes on afterwards, for others or for later, is not its own."""
        return self._is_over

    @property
    def root(self) -> Span:
        """The span of the whole."""
        return self._root

    def begin(self, name: str) -> Span:
        """Begin something in the step that is going on."""
        if self._step is None:
            self._step = self._root.begin(SpanName.STEP, self._since)
        return self._step.begin(name, time_ns())

    def end_step(self, name: str) -> None:
        """Note that a step is over, and that the next one begins."""
        now = time_ns()
        step = self._root.begin(SpanName.STEP, self._since) if self._step is None else self._step
        step.end(now, name=f"{SpanName.STEP}.{name}")
        self._since, self._step = now, None

    def end(self, notes: Mapping[Attribute, str | int | None], *, failed: bool) -> None:
        """End it; what is None is not said."""
        now = time_ns()
        if self._step is not None:
            self._step.end(now, name=f"{SpanName.STEP}.{SpanName.REST}")
        for attribute, value in notes.items():
            if value is not None:
                self._root.note(attribute, value)
        self._root.end(now, failed=failed)
        self._is_over = True

    def enter(self) -> None:
        """Make it what the task that is running works on."""
        self._token = _CURRENT.set(self)

    def leave(self) -> None:
        """Undo `enter`, in the same task."""
        if self._token is not None:
            _CURRENT.reset(self._token)
            self._token = None


_CURRENT: Final[ContextVar[Work | None]] = ContextVar("tongban_work", default=None)


def current_work() -> Work | None:
    """Return what the running task works on, if that is traced and not over."""
    work = _CURRENT.get()
    return None if work is None or work.is_over else work


class Part:
    """A part of the work that is going on, for the length of a block; where nothing is traced it is nothing."""

    __slots__ = ("_span",)

    def __init__(self, span: Span | None) -> None:
        """Use `part`."""
        self._span = span

    def note(self, attribute: Attribute, value: str | int) -> None:
        """Say something of it."""
        if self._span is not None:
            self._span.note(attribute, value)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it; of an error only that there was one is said, for its text may quote anything."""
        if self._span is not None:
            self._span.end(time_ns(), failed=kind is not None)


_NOTHING: Final = Part(None)


def part(name: SpanName) -> Part:
    """Return a part of what the running task works on."""
    work = current_work()
    return _NOTHING if work is None else Part(work.begin(name))
