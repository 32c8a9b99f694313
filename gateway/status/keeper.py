"""The keeper of revocation status: asks every source in the background and swaps in what it learns in one step.

Nothing here runs on the request path: a question reads `StatusKeeper.current` and may call `StatusKeeper.watch`, which
only notes. What is known ages by itself, because every piece carries until when it may be used.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.feed_track import FeedTrack
from gateway.status.fetch import Clock, Fetched, fetch, open_session
from gateway.status.list_track import ListTrack
from gateway.status.observer import SilentObserver, SourceReport, StatusObserver
from gateway.status.ocsp_track import OcspTrack
from gateway.status.schedule import next_delay_seconds
from gateway.status.shelf import KeptAnswer, Shelf
from gateway.status.source import SourceKind, StatusSource
from gateway.status.track import Attempt, Track
from keys.certificate import Certificate
from keys.chain import Chain
from keys.status_feed_state import FeedState
from keys.trust import TrustStore

MAX_CONCURRENT: Final = 8  # requests under way over all sources

_LOGGER: Final = logging.getLogger("gateway.status")
_SPREAD: Final = 10_000  # steps of the jitter
_TRACKS: Final[Mapping[SourceKind, Callable[[StatusSource], Track]]] = {
    SourceKind.LIST: ListTrack,
    SourceKind.OCSP: OcspTrack,
    SourceKind.FEED: FeedTrack,
}


@dataclass(slots=True)
class _Minded:
    """One source under care."""

    track: Track
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: aiohttp.ClientSession | None = None
    failures: int = 0
    last_success: datetime | None = None
    last_error: StatusError | None = None
    skew: timedelta | None = None


def _random() -> float:
    return secrets.randbelow(_SPREAD + 1) / _SPREAD


class StatusKeeper:
    """Holds the trust store with the newest revocation evidence.

    ``async with`` reads what was kept on disk before anything else, then asks in the background until left.
    """

    def __init__(
        self,
        base: TrustStore,
        sources: Iterable[StatusSource],
        *,
        shelf: Shelf,
        clock: Clock,
        observer: StatusObserver | None = None,
        resolver: AbstractResolver | None = None,
        random: Callable[[], float] = _random,
    ) -> None:
        """Start from ``base`` (anchors, and lists of the trust folder); nothing is read or fetched yet."""
        self._base = base
        self._current = base
        self._sequence = 0
        self._shelf = shelf
        self._clock = clock
        self._observer = observer or SilentObserver()
        self._resolver = resolver
        self._random = random
        self._minded = {source.name: _Minded(_TRACKS[source.kind](source)) for source in sources}
        self._by_issuer: dict[bytes, list[_Minded]] = {}
        for minded in self._minded.values():
            self._by_issuer.setdefault(minded.track.source.issuer.spki, []).append(minded)
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._publishing = asyncio.Lock()
        self._closing = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    def current(self) -> TrustStore:
        """Return the store in force: anchors as given, and all evidence; a value, safe to use throughout a question."""
        return self._current

    @property
    def sequence(self) -> int:
        """The number of what is known about revocation; it grows with every change, also over restarts."""
        return self._sequence

    def feed_states(self) -> tuple[FeedState, ...]:
        """Return the states of the status feeds, for questions about licences; each says until when it is current."""
        found = (minded.track for minded in self._minded.values())
        return tuple(track.state for track in found if isinstance(track, FeedTrack) and track.state is not None)

    def watch(self, chain: Chain) -> None:
        """Note whose status is asked about, so that OCSP answers and divided lists are there the next time."""
        for certificate, issuer in pairwise(chain.certificates):
            self.watch_certificate(certificate, issuer)

    def watch_certificate(self, certificate: Certificate, issuer: Certificate) -> None:
        """Note one certificate; its issuer must have been verified by its chain."""
        for minded in self._by_issuer.get(issuer.spki, ()):
            if minded.track.watch(certificate):
                minded.wake.set()

    async def replace_base(self, base: TrustStore) -> None:
        """Take other anchors and lists of the trust folder, and keep what was fetched."""
        self._base = base
        await self._publish()

    def report(self) -> tuple[SourceReport, ...]:
        """Say how each source stands."""
        return tuple(_report(minded) for minded in self._minded.values())

    async def __aenter__(self) -> Self:
        """Read what was kept, then begin to ask."""
        await self.load()
        self._tasks = [asyncio.create_task(self._mind(minded)) for minded in self._minded.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop asking and close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.close()

    async def close(self) -> None:
        """Close the connections; only needed where `refresh` was used without ``async with``."""
        await self._closing.aclose()
        for minded in self._minded.values():
            minded.session = None

    async def load(self) -> None:
        """Read what was kept on disk; each answer is verified again, and one that is not good is not used."""
        now = self._clock()
        for name, minded in self._minded.items():
            try:
                kept = await asyncio.to_thread(self._shelf.read, name)
            except OSError as error:
                self._fail(minded, StatusError(StatusFailure.STORAGE, error.strerror or ""))
                continue
            for refused in await asyncio.to_thread(minded.track.load, kept, now):
                self._fail(minded, refused)
        with contextlib.suppress(OSError):
            self._sequence = await asyncio.to_thread(self._shelf.read_sequence)
        await self._publish()

    async def refresh(self, name: str) -> Attempt:
        """Ask one source now; whatever fails is noted, and what was known stays.

        Raises:
            KeyError: there is no source of this name.

        """
        minded = self._minded[name]
        async with minded.lock:
            attempt = await minded.track.refresh(lambda url, question: self._ask(minded, url, question), self._clock())
            await self._publish()
            for error in attempt.errors:
                self._fail(minded, error)
            if attempt.answered:
                minded.last_success, minded.skew = self._clock(), attempt.skew
            if not attempt.errors:
                minded.failures, minded.last_error = 0, None
                if attempt.answered:
                    self._observer.succeeded(name, at=self._clock(), as_of=minded.track.as_of)
            await self._keep(minded, attempt.changes)
            return attempt

    async def _ask(self, minded: _Minded, url: str, question: bytes | None) -> Fetched:
        source = minded.track.source
        if minded.session is None:
            minded.session = await self._closing.enter_async_context(open_session(source, resolver=self._resolver))
        async with self._slots:
            return await fetch(minded.session, url, source=source, clock=self._clock, question=question)

    async def _keep(self, minded: _Minded, changes: Mapping[str, KeptAnswer | None]) -> None:
        """Put what changed on disk; a full disk costs the memory over a restart and nothing else."""
        for part, kept in changes.items():
            try:
                if kept is None:
                    await asyncio.to_thread(self._shelf.remove, minded.track.source.name, part)
                else:
                    await asyncio.to_thread(self._shelf.write, minded.track.source.name, part, kept)
            except OSError as error:
                self._fail(minded, StatusError(StatusFailure.STORAGE, error.strerror or ""))

    async def _publish(self) -> None:
        """Swap in a store with all evidence; another content gets the next number, on disk before it is used."""
        async with self._publishing:
            evidence = [one for minded in self._minded.values() for one in minded.track.evidence()]
            store = self._base.with_lists((*self._base.revocation_lists, *evidence))
            if _content(store) != _content(self._current):
                sequence = self._sequence + 1
                try:
                    await asyncio.to_thread(self._shelf.write_sequence, sequence)
                except OSError as error:
                    _LOGGER.warning("status sequence not kept: %s", error.strerror)
                self._sequence = sequence
                self._observer.changed(sequence)
            self._current = store

    def _fail(self, minded: _Minded, error: StatusError) -> None:
        minded.failures += 1
        minded.last_error = error
        self._observer.failed(minded.track.source.name, error.failure)
        _LOGGER.warning("status source %s: %s", minded.track.source.name, error)

    async def _mind(self, minded: _Minded) -> None:
        """Ask one source for ever; an error that nobody foresaw is reported and does not end it."""
        source = minded.track.source
        while True:
            minded.wake.clear()
            try:
                await self.refresh(source.name)
            except Exception:
                minded.failures += 1
                _LOGGER.exception("status source %s", source.name)
            delay = next_delay_seconds(
                interval_seconds=source.interval_seconds,
                failures=minded.failures,
                now=self._clock(),
                ends_at=minded.track.usable_until,
                random=self._random,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await minded.wake.wait()


def _content(store: TrustStore) -> frozenset[bytes]:
    return frozenset(evidence.fingerprint for evidence in store.revocation_lists)


def _report(minded: _Minded) -> SourceReport:
    track, error = minded.track, minded.last_error
    return SourceReport(
        source=track.source.name,
        kind=track.source.kind,
        as_of=track.as_of,
        usable_until=track.usable_until,
        last_success=minded.last_success,
        failures=minded.failures,
        failure=None if error is None else error.failure,
        detail="" if error is None else error.detail,
        skew=minded.skew,
    )
