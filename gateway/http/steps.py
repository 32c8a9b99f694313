"""How long each step of an answer took: measured one after the other, so that together they are the whole."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from time import perf_counter
from typing import Final

from aiohttp import web

from gateway.metrics import Metrics
from gateway.telemetry.span import Work, current_work


class Step(StrEnum):
    """The steps of a question, in their order (the frame of one request, design section 3)."""

    SIGN_IN = "sign-in"
    BODY = "body"  # its bytes, and the question in it
    LICENCE = "licence"  # found and judged: sources, document, register
    SHARING = "sharing"  # the policy, budgets, and the forms of the fields
    LOG = "log"  # until the entry is durable
    ANSWER = "answer"  # written as JSON


Observe = Callable[[float], None]


class Laps:
    """The steps of one request."""

    __slots__ = ("_observe", "_since", "_work")

    def __init__(self, observe: Mapping[Step, Observe], work: Work | None) -> None:
        """Begin with the first step now; ``work`` is where they are traced too."""
        self._observe = observe
        self._work = work
        self._since = perf_counter()

    def end(self, step: Step) -> None:
        """Note that a step is over, and that the next one begins."""
        now = perf_counter()
        self._observe[step](now - self._since)
        self._since = now
        if self._work is not None:
            self._work.end_step(step)


class Steps:
    """Where the steps of all requests are noted."""

    def __init__(self, metrics: Metrics) -> None:
        """Note them in these metrics."""
        self._observe = {step: metrics.step_seconds.labels(step=step.value).observe for step in Step}

    def begin(self) -> Laps:
        """Begin with a request."""
        return Laps(self._observe, current_work())


STEPS: Final = web.AppKey("steps", Steps)
LAPS: Final = web.RequestKey("laps", Laps)
