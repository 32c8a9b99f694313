"""What a gateway does beside answering: it opens the access log, and keeps trust, status and policy fresh."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway import pipeline
from gateway.audit.alarms.watch import AlarmWatch
from gateway.audit.book.rules import announce_changed
from gateway.audit.book.site_log import SiteLog
from gateway.audit.unavailable import LogUnavailableError
from gateway.holder.look import draft_withholding
from gateway.log_site import LogWriter
from gateway.metrics import Metrics, begin_at_zero
from gateway.policy.keeper import PolicyKeeper
from gateway.policy.observer import PolicyMetrics
from gateway.policy.policy_site import PolicySite
from gateway.second_opinion import CASE_DROPPED, Alarm, CaseFolder, SecondOpinionSettings, open_second_opinion
from gateway.site import STATE_FOLDER, STATUS_STATE, TRUST_FOLDER, Site
from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from gateway.status.source_keeper import SourceKeeper
from gateway.trust.keeper import TrustKeeper
from gateway.trust.lists import TrustState
from gateway.trust.metrics import TrustMetrics
from gateway.witness_site import open_kept
from keys.chain import Chain
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.second_opinion import Opinion
from keys.trust import TrustStore

CASES: Final = "second-opinion"  # inside the state folder: where two SM2 libraries disagreed

Clock = Callable[[], datetime]
Steady = Callable[[], float]  # seconds by a clock that nobody sets


class Background:
    """Built with the application, started and ended with it (`run`)."""

    def __init__(
        self, site: Site, *, clock: Clock, metrics: Metrics, log: SiteLog | None = None, steady: Steady | None = None
    ) -> None:
        """Build everything; nothing runs yet. A ``log`` that is handed in is open, and stays open.

        Raises:
            LibraryUnusableError: a second opinion is asked for, and its library is not there or answers wrongly.

        """
        state = site.trust_state or TrustState(folder=site.trust)
        observer = TrustMetrics(metrics)
        settings = site.settings
        self.status: StatusKeeper | None = None
        self.sources: SourceKeeper | None = None
        self.trust = TrustKeeper(
            state,
            clock=clock,
            folder=None if site.folder is None else site.folder / TRUST_FOLDER,
            mark=site.trust_mark,
            memory=site.trust_memory,
            max_change=settings.trust.max_change,
            poll_seconds=settings.trust.poll_seconds,
            observer=observer,
            on_change=self._replace_trust,
        )
        if site.folder is not None:
            shelf = Shelf(site.folder / STATE_FOLDER / STATUS_STATE)
            base = self.trust.current()  # not that of the site: a list may have ended since that was read
            self.status = StatusKeeper(base, site.sources, shelf=shelf, clock=clock, observer=observer)
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
        self.policy = PolicyKeeper(
            None if site.folder is None else PolicySite(site.folder, settings.policy.approvals),
            clock=clock,
            poll_seconds=settings.policy.poll_seconds,
            observer=PolicyMetrics(metrics),
            on_change=self._announce_policy,
        )
        self._writer: LogWriter | None = None
        self.log: SiteLog
        if log is None:
            self._writer = LogWriter(site, clock=clock, metrics=metrics.audit, steady=steady)
            self.log = self._writer.book
        else:
            self.log = log
        self._kept = open_kept(site) if self._writer is None else None
        self.witnesses = self._kept or (None if self._writer is None else self._writer.rounds)
        cases = (site.folder or Path()) / STATE_FOLDER / CASES
        begin_at_zero(metrics.second_opinions, (*Opinion, CASE_DROPPED))
        self._alarm = Alarm(
            CaseFolder(cases, max_cases=settings.second_opinion.max_cases),
            count=lambda word: metrics.second_opinions.labels(opinion=word).inc(),
            clock=clock,
        )
        self._opinion = open_second_opinion(settings.second_opinion, alarm=self._alarm)
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Read trust, policy and sources again now, changed or not (SIGHUP)."""
        self.trust.wake()
        self.policy.wake()
        if self.sources is not None:
            self.sources.wake()

    def watch(self) -> AlarmWatch | None:
        """Return the watch over the log; None: there are no rules, or another process watches."""
        return None if self._writer is None else self._writer.watch

    def current(self) -> TrustStore:
        """Return the store in force with all evidence about revocation; a value, safe throughout a question."""
        return self.trust.current() if self.status is None else self.status.current()

    def verify_document(
        self, data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers = NO_ANSWERS
    ) -> pipeline.Verified:
        """Return what the pipeline finds, with the second opinion, and note whose status was asked about."""
        watch = self._note if self.status is not None and self.status.has_sources else None
        return pipeline.verify_licence(data, store=store, at=at, opinion=self._opinion, watch=watch, stapled=stapled)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Run while the application does."""
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            if self._opinion is not None:
                self._alarm.start()
                stack.push_async_callback(asyncio.to_thread, self._alarm.close)
            if self.status is not None:
                await stack.enter_async_context(self.status)
            if self._writer is not None:
                await stack.enter_async_context(self._writer.running())
            await self._announce_trust(self.current())
            await self.policy.look()
            watching = [asyncio.create_task(self.trust.run()), asyncio.create_task(self.policy.run())]
            if self._kept is not None:
                watching.append(asyncio.create_task(self._kept.run()))
            if self.sources is not None:
                watching.append(asyncio.create_task(self.sources.run()))
            try:
                yield
            finally:
                self._loop = None
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _replace_trust(self, store: TrustStore) -> None:
        """Give the anchors that are in force now to what knows about revocation, once the log says so."""
        await self._announce_trust(store)
        if self.status is not None:
            await self.status.replace_base(store)

    async def _announce_trust(self, store: TrustStore) -> None:
        with contextlib.suppress(LogUnavailableError):  # then no answer leaves; it is said before the next that does
            await self.log.announce_trust(store.anchors_version)

    async def announce_withholding(self, site: Site) -> None:
        """Say in the log which rules of secrecy are in force from now on, unless it said that last.

        Raises:
            LogUnavailableError: it is not said.

        """
        await announce_changed(self.log, draft_withholding(site.withholding))

    async def _announce_policy(self, digest: str, approvals: int) -> None:
        with contextlib.suppress(LogUnavailableError):
            await self.log.announce_policy(digest, approvals=approvals)

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
