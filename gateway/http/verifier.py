"""Verifying documents without holding up the event loop: small ones inline, large ones in a bounded pool of threads."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from time import perf_counter
from typing import Protocol, TypeVar

from gateway.cache.verdicts import VerdictCache
from gateway.http.problems import ProblemError, ProblemKind
from gateway.metrics import Metrics
from gateway.pipeline import Verified, is_not_found, judge_found
from gateway.settings import HttpSettings
from gateway.sources.source import Found, LicenceKey, NotFound, NotReady, StoredHead, StoredLicence
from gateway.verdict import Verdict
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.trust import TrustStore
from keys.trust_noting import NotingStore

QUEUE_RETRY_AFTER_SECONDS = 5  # a large document takes a thread for about a second at worst

_Value = TypeVar("_Value")
ReadDocument = Callable[[StoredHead], Awaitable[StoredLicence]]


class VerifyDocument(Protocol):
    """The pipeline as the edge sees it: pure, and no bytes make it raise."""

    def __call__(self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        """Return the verdict of the bytes as of ``at``, and the licence in them.

        ``stapled`` are OCSP answers that came with them.
        """


class DocumentVerifier:
    """Runs the pipeline, where what it would say is not known.

    The pool has a fixed number of threads and a bound on what waits for them.
    A waiter that gives up does not free its thread: a started verification runs to its end, still counted.
    """

    def __init__(
        self,
        verify: VerifyDocument,
        settings: HttpSettings,
        metrics: Metrics,
        *,
        verdicts: VerdictCache | None = None,
    ) -> None:
        self._verify = verify
        self._verdicts = verdicts
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
        self._metrics.document_bytes.observe(len(data))
        if stapled != NO_ANSWERS:
            # Each stapled answer costs signatures, however small the document is; what is kept knows of none.
            size = max(len(data), self._inline_bytes + 1) if stapled.responses else len(data)
            return (await self._run_pipeline(data, store=store, at=at, stapled=stapled, size=size))[0]
        sha256 = await self._digest(data)
        known = await self._recall(sha256, store=store, at=at)
        return known or await self._verify_and_keep(data, sha256, store=store, at=at)

    async def verify_found(
        self,
        found: Found | StoredHead,
        key: LicenceKey,
        *,
        read: ReadDocument,
        store: TrustStore,
        at: datetime,
    ) -> Verified:
        """Verify what a source found for a key; a decoy is verified just as a licence is.

        The document of a head is read by ``read`` where what it comes to is not known.

        Raises:
            ProblemError: 503, too many large documents are waiting already.
            SourceUnavailableError: the document cannot be read.

        """
        if isinstance(found, NotFound | NotReady):
            verified, _ = await self._run_pipeline(found.document, store=store, at=at, size=len(found.document))
            return judge_found(verified, found, key, at=at)
        if isinstance(found, StoredHead | StoredLicence):
            sha256 = found.sha256
        else:
            sha256 = await self._digest(found.document)
        known = await self._recall(sha256, store=store, at=at)
        if known is not None:
            judged = judge_found(known, found, key, at=at)
            if not is_not_found(judged):
                return judged
            # Somebody else's licence takes as much work as one that is not there, whoever asked for it before.
        whole = await read(found) if isinstance(found, StoredHead) else found
        verified = await self._verify_and_keep(whole.document, sha256, store=store, at=at)
        return judge_found(verified, whole, key, at=at)

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

    async def _digest(self, data: bytes) -> str:
        """Return the name of a document in the cache; "" where nothing is kept."""
        if self._verdicts is None:
            return ""
        return await self.run(lambda: hashlib.sha256(data).hexdigest(), size=len(data))

    async def _recall(self, sha256: str, *, store: TrustStore, at: datetime) -> Verified | None:
        return None if self._verdicts is None else await self._verdicts.get(sha256, store=store, at=at)

    async def _verify_and_keep(self, data: bytes, sha256: str, *, store: TrustStore, at: datetime) -> Verified:
        verified, noting = await self._run_pipeline(data, store=store, at=at, size=len(data))
        if self._verdicts is not None:
            self._verdicts.put(sha256, verified, store=store, consulted=noting.consulted, at=at)
        return verified

    async def _run_pipeline(
        self, data: bytes, *, store: TrustStore, at: datetime, size: int, stapled: StapledAnswers = NO_ANSWERS
    ) -> tuple[Verified, NotingStore]:
        """Return what the pipeline says, and who knows whose revocation it asked about."""
        noting = NotingStore.of(store)
        thread = "loop" if size <= self._inline_bytes else "pool"

        def measure() -> Verified:
            begun = perf_counter()
            verified = self._verify(data, store=noting, at=at, stapled=stapled)
            self._metrics.verify_seconds.labels(thread=thread).observe(perf_counter() - begun)
            return verified

        return await self.run(measure, size=size), noting

    def _count(self, change: int) -> None:
        self._pending += change
        self._metrics.waiting.set(self._pending)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Run the callback in the loop, unless the loop is gone already (a thread that outlived the server)."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
