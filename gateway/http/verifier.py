"""Verifying documents without holding up the event loop: small ones inline, large ones in a bounded pool of threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from time import perf_counter
from typing import Protocol, TypeVar

from gateway.http.problems import ProblemError, ProblemKind
from gateway.metrics import Metrics
from gateway.pipeline import Verified, judge_found
from gateway.settings import HttpSettings
from gateway.sources.source import Found, LicenceKey
from gateway.verdict import Verdict
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.trust import TrustStore

QUEUE_RETRY_AFTER_SECONDS = 5  # a large document takes a thread for about a second at worst

_Value = TypeVar("_Value")


class VerifyDocument(Protocol):
    """The pipeline as the edge sees it: pure, and no bytes make it raise."""

    def __call__(self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        """Return the verdict of the bytes as of ``at``, and the licence in them.

        ``stapled`` are OCSP answers that came with them.
        """


class DocumentVerifier:
    """Runs the pipeline.

    The pool has a fixed number of threads and a bound on what waits for them.
    A waiter that gives up does not free its thread: a started verification runs to its end, still counted.
    """

    def __init__(self, verify: VerifyDocument, settings: HttpSettings, metrics: Metrics) -> None:
        self._verify = verify
        self._inline_bytes = settings.inline_document_bytes
        self._max_pending = settings.verification_threads + settings.max_waiting_verifications
        self._metrics = metrics
        self._pending = 0
        self._threads = ThreadPoolExecutor(settings.verification_threads, thread_name_prefix="verify")

    async def verify(
        self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers = NO_ANSWERS
    ) -> Verified:
        """Return the verdict of one document, and the licence in it.

        Raises:
            ProblemError: 503, too many large documents are waiting already.

        """
        # Each stapled answer costs signatures, however small the document is.
        size = max(len(data), self._inline_bytes + 1) if stapled.responses else len(data)
        thread = "loop" if size <= self._inline_bytes else "pool"
        verified = await self.run(lambda: self._measure(data, store, at=at, stapled=stapled, thread=thread), size=size)
        self._metrics.document_bytes.observe(len(data))
        return verified

    async def verify_found(self, found: Found, key: LicenceKey, *, store: TrustStore, at: datetime) -> Verified:
        """Verify what a source found for a key; a decoy is verified just as a licence is.

        Raises:
            ProblemError: 503, too many large documents are waiting already.

        """
        data = found.document
        thread = "loop" if len(data) <= self._inline_bytes else "pool"

        def judge() -> Verified:
            verified = self._measure(data, store, at=at, stapled=NO_ANSWERS, thread=thread)
            return judge_found(verified, found, key, at=at)

        return await self.run(judge, size=len(data))

    def count_verdict(self, verdict: Verdict) -> None:
        """Count a verdict that is final."""
        reasons = (reason.value for reason in verdict.reasons)
        self._metrics.count_verdict(document_format=verdict.format, outcome=verdict.outcome.value, reasons=reasons)

    async def run(self, work: Callable[[], _Value], *, size: int) -> _Value:
        """Do a piece of work whose length grows with ``size`` bytes: inline when small, else in a thread.

        Raises:
            ProblemError: 503, too much is waiting already.

        """
        if size <= self._inline_bytes:
            return work()
        if self._pending >= self._max_pending:
            raise ProblemError(ProblemKind.BUSY, headers={"Retry-After": str(QUEUE_RETRY_AFTER_SECONDS)})
        future = self._threads.submit(work)
        self._count(1)
        loop = asyncio.get_running_loop()
        # The callback may run in the thread; the count belongs to the loop.
        future.add_done_callback(lambda _: _call_soon(loop, lambda: self._count(-1)))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits; what runs ends by itself, because every input is bounded."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _measure(
        self, data: bytes, store: TrustStore, *, at: datetime, stapled: StapledAnswers, thread: str
    ) -> Verified:
        begun = perf_counter()
        verified = self._verify(data, store=store, at=at, stapled=stapled)
        self._metrics.verify_seconds.labels(thread=thread).observe(perf_counter() - begun)
        return verified

    def _count(self, change: int) -> None:
        self._pending += change
        self._metrics.waiting.set(self._pending)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Run the callback in the loop, unless the loop is gone already (a thread that outlived the server)."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
