"""Every metric of the gateway, in one place; units are in the names, labels come from enums and route tables only."""

import os
import platform
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.audit.metrics import AuditMetrics
from gateway.audit.unavailable import Unavailable
from gateway.cache.metrics import CacheMetrics
from gateway.limits.metrics import LimitMetrics
from gateway.shared.metrics import SharedMetrics

_Child = TypeVar("_Child")

METRICS_CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
FAILED: Final = "failed"  # how the reading of a part of the site went that has a fault
SHARED_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"  # the name is prometheus_client's

_ERRORS: Final = ("500", "503")  # the statuses with which a gateway says that it cannot answer now

# 0.1 ms to 30 s: a step, a cached answer, a usual document (1 to 10 ms), a slow sender at the body's deadline.
_SECONDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
# 1 KiB to 32 MiB in fours: a bare seal, a licence, one with scans, the bound.
_BYTES: Final = tuple(float(1024 * 4**power) for power in range(8))


def _read_version() -> str:
    """Return the installed version of this package; "0" in a checkout that was never installed."""
    try:
        return version("tongban")
    except PackageNotFoundError:
        return "0"


PACKAGE_VERSION: Final = _read_version()  # once, at import: looking it up reads files


class Children(dict[tuple[str, ...], _Child]):
    """The metrics of each combination of labels, found once: the library looks for them under a lock each time.

    There are as many as the library keeps itself.
    """

    def __init__(self, find: Callable[..., _Child]) -> None:
        """Find them by this: ``labels`` of a metric."""
        super().__init__()
        self._find = find

    def __missing__(self, labels: tuple[str, ...]) -> _Child:
        """Find one."""
        found = self[labels] = self._find(*labels)
        return found


class SystemMetrics:
    """The metrics of the systems that are asked, and of those as which we answer; names are those of the site."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.questions = Counter(
            "tongban_system_questions",
            "Questions to another system, by how they went.",
            ("system", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "tongban_system_seconds",
            "One question to another system, from waiting for its turn to the answer.",
            ("system",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.flags = Counter(
            "tongban_system_flags",
            "What is odd in answers of another system: codes and fields that its mapping does not name.",
            ("system", "flag"),
            registry=registry,
        )
        self.breaker = Gauge(
            "tongban_system_breaker",
            "0: the system is asked; 1: one question tries it; 2: it is left alone.",
            ("system",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.spared = Counter(
            "tongban_system_spared",
            "Questions that another system was spared: merged with one under way, or answered by what is kept.",
            ("system", "by"),
            registry=registry,
        )
        self.facade_answers = Counter(
            "tongban_facade_answers",
            "Our answers in the form of another system, by what they say in it.",
            ("facade", "outcome"),
            registry=registry,
        )


class Metrics:
    """The metrics of one application in a registry of its own, so that two applications never mix."""

    def __init__(self, *, shared_folder: str | None = None, routes: Iterable[str] = ()) -> None:
        """Register everything; ``shared_folder`` is where several worker processes put their numbers together.

        ``routes`` are those whose first error is to be seen as one.
        """
        self._shared_folder = shared_folder
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("gateway_requests", "Requests answered.", ("route", "status"), registry=registry)
        for route in routes:
            for status in _ERRORS:
                self.requests.labels(route, status)  # as `begin_at_zero` does
        self.request_seconds = Histogram(
            "gateway_request_seconds", "First header to answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self.step_seconds = Histogram(
            "gateway_step_seconds", "One step of an answer.", ("step",), buckets=_SECONDS, registry=registry
        )
        self.batch_lines = Counter("gateway_batch_lines", "Lines of batches answered.", ("status",), registry=registry)
        self.in_flight = Gauge(
            "gateway_requests_in_flight", "Requests being answered.", registry=registry, multiprocess_mode="livesum"
        )
        self.sign_in_failures = Counter(
            "gateway_sign_in_failures", "Requests whose token proved nothing.", ("failure",), registry=registry
        )
        self.verify_seconds = Histogram(
            "gateway_verify_seconds", "One document, read and judged.", ("thread",), buckets=_SECONDS, registry=registry
        )
        self.document_bytes = Histogram(
            "gateway_document_bytes", "Size of the documents received.", buckets=_BYTES, registry=registry
        )
        self.buffered_bytes = Gauge(
            "gateway_buffered_bytes", "Bodies in memory.", registry=registry, multiprocess_mode="livesum"
        )
        self.waiting = Gauge(
            "gateway_verifications_waiting",
            "Documents waiting for a thread, or in one.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.outcomes = Counter("gateway_outcomes", "Verdicts.", ("format", "outcome"), registry=registry)
        self.reasons = Counter(
            "gateway_reasons", "Reasons in verdicts, each once per document.", ("reason",), registry=registry
        )
        self.store_failures = Counter(
            "tongban_store_failures",
            "Questions that the gateway's own store of licences could not answer.",
            ("fault",),
            registry=registry,
        )
        self.systems = SystemMetrics(registry)
        self.caches = CacheMetrics(registry)
        self.limits = LimitMetrics(registry)
        self.shared = SharedMetrics(registry)
        self.anchors = Gauge(
            "gateway_trust_anchors",
            "Certificates and keys that are trusted now.",
            ("purpose",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.revocation_seconds_left = Gauge(
            "gateway_revocation_list_seconds_left",
            "Until the next update of the revocation list that ends first, of each the newest; negative: it has ended.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.site_reloads = Counter(
            "gateway_site_reloads",
            "The site was read again: ok, needs-restart or failed.",
            ("result",),
            registry=registry,
        )
        self.worker_starts = Counter(
            "gateway_worker_starts",
            "Processes that began to answer: with the gateway, in place of others, or after one that died.",
            ("why",),
            registry=registry,
        )
        self.reload_failed = Gauge(
            "gateway_reload_failed",
            "1 while what is written in a part of the site has a fault, and is not in force.",
            ("part",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.started = Gauge(
            "gateway_start_timestamp_seconds",
            "When the gateway was started, all of its processes.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.second_opinions = Counter(
            "gateway_second_opinions", "SM2 verifications chosen for the second stack.", ("opinion",), registry=registry
        )
        self.trust_reloads = Counter(
            "gateway_trust_reloads", "The trust folder was read again: ok or failed.", ("result",), registry=registry
        )
        self.trust_held = Gauge(
            "gateway_trust_lists_held",
            "Trust lists that wait for approval.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.trust_age = Gauge(
            "gateway_trust_list_age_seconds",
            "Since the oldest trust list was issued, in force or over; 0 without one.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.trust_next_end = Gauge(
            "gateway_trust_next_end_seconds",
            "Until the next sunset, end of a trusted certificate or expiry of a list; +Inf without one.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.trust_expiry = Gauge(
            "gateway_trust_list_expiry_seconds",
            "Until the trust list expires, negative when it has; +Inf once it was given up.",
            ("list",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.status_reloads = Counter(
            "gateway_status_reloads",
            "Reloads of the sources of revocation status.",
            ("result",),
            registry=registry,
        )
        self.status_success = Gauge(
            "gateway_status_success_timestamp_seconds",
            "When a source of revocation status last answered well.",
            ("source",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.status_as_of = Gauge(
            "gateway_status_as_of_timestamp_seconds",
            "As of when the oldest answer of a source speaks.",
            ("source",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.revocation_lag = Gauge(
            "gateway_revocation_lag_seconds",
            "How old the oldest knowledge of the sources of revocation status is; +Inf: one that fails has given none.",
            registry=registry,
            multiprocess_mode="livemax",  # who follows says 0: only who asks knows of failures
        )
        self.status_failures = Counter(
            "gateway_status_failures", "Attempts that gave nothing.", ("source", "failure"), registry=registry
        )
        self.revocation_sequence = Gauge(
            "gateway_revocation_sequence",
            "Number of what is known about revocation; grows with every change.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.policy_reloads = Counter(
            "gateway_policy_reloads",
            "The policy was read again: ok, waiting or failed.",
            ("result",),
            registry=registry,
        )
        self.policy_in_force = Gauge(
            "gateway_policy_in_force",
            "1 while a sharing policy decides; 0: every field is withheld.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.policy_waiting = Gauge(
            "gateway_policy_waiting",
            "1 while a version of the policy waits for approval or for its day.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.policy_end_seconds = Gauge(
            "gateway_policy_end_seconds",
            "Until the policy in force ends; +Inf without one.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.audit = AuditMetrics(registry)
        self.log_size = Gauge(
            "gateway_log_size",
            "Entries of the shard of the access log that is written.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.log_append_seconds = Histogram(
            "gateway_log_append_seconds",
            "Until the entries of one answer were durable.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.log_unavailable = Counter(
            "gateway_log_unavailable", "Answers that did not leave for want of the log.", ("reason",), registry=registry
        )
        begin_at_zero(self.log_unavailable, Unavailable)
        self.log_stopped = Gauge(
            "gateway_log_stopped",
            "1: the access log takes nothing, and nothing is answered.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        Gauge(
            "gateway_build_info", "Always 1.", ("version", "python"), registry=registry, multiprocess_mode="livemax"
        ).labels(version=PACKAGE_VERSION, python=platform.python_version()).set(1)

    @cached_property
    def requests_of(self) -> Children[Counter]:
        """Those of ``requests``, by route and status."""
        return Children(self.requests.labels)

    @cached_property
    def request_seconds_of(self) -> Children[Histogram]:
        """Those of ``request_seconds``, by route."""
        return Children(self.request_seconds.labels)

    @cached_property
    def outcomes_of(self) -> Children[Counter]:
        """Those of ``outcomes``, by format and outcome."""
        return Children(self.outcomes.labels)

    def count_verdict(self, *, document_format: str | None, outcome: str, reasons: Iterable[str]) -> None:
        """Count one verdict; the words are those of the enums."""
        self.outcomes_of[document_format or "none", outcome].inc()
        for reason in reasons:
            self.reasons.labels(reason).inc()

    def count_reload(self, part: str, reloads: Counter, result: str) -> None:
        """Count that a part of the site was read again, and note whether what is written there has a fault."""
        reloads.labels(result=result).inc()
        self.reload_failed.labels(part=part).set(result == FAILED)

    @property
    def is_shared(self) -> bool:
        """Say whether exposing reads the files of several processes (and so belongs off the event loop)."""
        return self._shared_folder is not None

    def expose(self) -> bytes:
        """Return the text that Prometheus reads: of this process, or of all workers when they share a folder."""
        if self._shared_folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=self._shared_folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def begin_at_zero(counter: Counter, words: Iterable[str]) -> None:
    """Let a counter show 0 for each word of its label: to Prometheus, what first shows 1 has not increased."""
    for word in words:
        counter.labels(word)


def number_process(number: int) -> None:
    """Let this process put its numbers into the files of ``number``, before it makes any `Metrics`.

    Its counters go on from where the process ended that had the number before, so that there are never more files than
    processes at once, and no count is lost. No two processes may have one number at a time.
    """
    if shared_folder() is not None:
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def forget_process(folder: str, number: int) -> None:
    """Remove what a process that has ended said of itself, but for its counts: it is nothing any more."""
    for path in Path(folder).glob(f"gauge_*_{number}.db"):
        path.unlink(missing_ok=True)


def shared_folder() -> str | None:
    """Return the folder that the parent of several workers prepared for their numbers; None: one process."""
    return os.environ.get(SHARED_FOLDER_VARIABLE)
