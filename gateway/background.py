"""What a gateway does beside answering: it keeps trust and revocation status fresh, and a second opinion on SM2."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway import pipeline
from gateway.metrics import Metrics
from gateway.second_opinion import Alarm, CaseFolder, SecondOpinionSettings, open_second_opinion
from gateway.site import STATE_FOLDER, TRUST_FOLDER, Site
from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from gateway.status.source_keeper import SourceKeeper
from gateway.trust_keeper import TrustKeeper
from gateway.trust_lists import TrustState
from gateway.trust_metrics import TrustMetrics
from gateway.verdict import Verdict
from keys.chain import Chain
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.trust import TrustStore

STATUS_STATE: Final = "status"  # inside the state folder: the last good answers of each source
CASES: Final = "second-opinion"  # inside the state folder: where two SM2 libraries disagreed

Clock = Callable[[], datetime]


class Background:
    """Built with the application, started and ended with it (`run`)."""

    def __init__(self, site: Site, *, clock: Clock, metrics: Metrics) -> None:
        """Build everything; nothing runs yet.

        Raises:
            LibraryUnusableError: a second opinion is asked for, and its library is not there or answers wrongly.

        """
        state = site.trust_state or TrustState(folder=site.trust)
        observer = TrustMetrics(metrics)
        settings = site.settings
        self.status: StatusKeeper | None = None
        self.sources: SourceKeeper | None = None
        if site.folder is not None:
            shelf = Shelf(site.folder / STATE_FOLDER / STATUS_STATE)
            self.status = StatusKeeper(site.trust, site.sources, shelf=shelf, clock=clock, observer=observer)
        self.trust = TrustKeeper(
            state,
            clock=clock,
            folder=None if site.folder is None else site.folder / TRUST_FOLDER,
            mark=site.trust_mark,
            max_change=settings.trust.max_change,
            poll_seconds=settings.trust.poll_seconds,
            observer=observer,
            on_change=None if self.status is None else self.status.replace_base,
        )
        if site.folder is not None and self.status is not None:
            self.sources = SourceKeeper(
                site.folder,
                store=self.trust.current,
                clock=clock,
                on_change=self.status.replace_sources,
                observer=observer,
                mark=site.status_mark,
                poll_seconds=settings.trust.poll_seconds,
            )
        cases = (site.folder or Path()) / STATE_FOLDER / CASES
        self._alarm = Alarm(
            CaseFolder(cases, max_cases=settings.second_opinion.max_cases),
            count=lambda word: metrics.second_opinions.labels(opinion=word).inc(),
            clock=clock,
        )
        self._opinion = open_second_opinion(settings.second_opinion, alarm=self._alarm)
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Read trust and sources again now, changed or not (SIGHUP)."""
        self.trust.wake()
        if self.sources is not None:
            self.sources.wake()

    def current(self) -> TrustStore:
        """Return the store in force with all evidence about revocation; a value, safe throughout a question."""
        return self.trust.current() if self.status is None else self.status.current()

    def verify_document(
        self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers = NO_ANSWERS
    ) -> Verdict:
        """Return the verdict of the pipeline, with the second opinion, and note whose status was asked about."""
        watch = self._note if self.status is not None and self.status.has_sources else None
        return pipeline.verify_document(data, store=store, at=at, opinion=self._opinion, watch=watch, stapled=stapled)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Run while the application does."""
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            if self._opinion is not None:
                self._alarm.start()
                stack.push_async_callback(asyncio.to_thread, self._alarm.close)
            if self.status is not None:
                await stack.enter_async_context(self.status)
            watching = [asyncio.create_task(self.trust.run())]
            if self.sources is not None:
                watching.append(asyncio.create_task(self.sources.run()))
            try:
                yield
            finally:
                self._loop = None
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    def _note(self, chain: Chain) -> None:
        """Tell the keeper from whatever thread a document was verified in."""
        loop, status = self._loop, self.status
        if loop is not None and status is not None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone while a thread still works
                loop.call_soon_threadsafe(status.watch, chain)


def check_second_opinion(settings: SecondOpinionSettings) -> None:
    """Try the second SM2 library, so that a gateway which cannot have its second opinion does not start.

    Raises:
        LibraryUnusableError: it is not installed, or answers wrongly.

    """
    nobody = Alarm(CaseFolder(Path(), max_cases=1), count=lambda _: None, clock=lambda: datetime.now(UTC))
    open_second_opinion(settings, alarm=nobody)
