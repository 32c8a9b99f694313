"""One source under care: what is known from it, how asking it went, and who is asked about."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from gateway.status.failure import StatusError
from gateway.status.feed_track import FeedTrack
from gateway.status.list_track import FindSigners, ListTrack
from gateway.status.observer import SourceReport
from gateway.status.ocsp_track import MAX_WATCHED, OcspTrack
from gateway.status.schedule import SHORTEST_SECONDS, Random, draw, next_delay_seconds
from gateway.status.source import SourceKind, StatusSource
from gateway.status.track import Attempt, Track
from gateway.status.turns import Responsiveness
from keys.certificate import Certificate

MAX_TO_HAND_OVER: Final = 256  # certificates left for the leader at a time; the rest a second later


@dataclass(slots=True)
class MindedSource:
    """One source under care.

    ``failures`` are rounds in a row in which nothing that it was asked for was good, ``crashes`` rounds in a row that
    ended in an error that nobody foresaw. ``folder_error`` is what was wrong with what is kept of it on disk when that
    was read or written last. ``revision`` is that of what was read from disk
    last. ``asked_about`` are certificates that something is to be fetched for, ``to_hand_over`` those of them that the
    leading process has not been told of yet, by fingerprint.
    """

    track: Track
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: aiohttp.ClientSession | None = None
    task: asyncio.Task[None] | None = None
    servers: Responsiveness = field(default_factory=Responsiveness)
    failures: int = 0
    crashes: int = 0
    last_success: datetime | None = None
    folder_error: StatusError | None = None
    skew: timedelta | None = None
    revision: int = 0
    asked_about: dict[bytes, Certificate] = field(default_factory=dict)
    to_hand_over: dict[bytes, Certificate] = field(default_factory=dict)

    def watch(self, certificate: Certificate) -> None:
        """Note that a certificate is asked about, where that is news."""
        if self.track.watch(certificate):
            self.asked_about[certificate.fingerprint] = certificate
            self.to_hand_over[certificate.fingerprint] = certificate
            while len(self.asked_about) > MAX_WATCHED:
                oldest = next(iter(self.asked_about))
                del self.asked_about[oldest]
                self.to_hand_over.pop(oldest, None)
            self.wake.set()

    def select_to_hand_over(self) -> list[Certificate]:
        """Return some of those that the leading process has not been told of."""
        return list(self.to_hand_over.values())[:MAX_TO_HAND_OVER]

    def note_handed_over(self, certificates: Iterable[Certificate]) -> None:
        """Count these as told."""
        for certificate in certificates:
            self.to_hand_over.pop(certificate.fingerprint, None)

    def note(self, attempt: Attempt, at: datetime) -> None:
        """Count a round: what failed beside something good is the failure of that thing, and not of the source."""
        self.crashes = 0
        if attempt.answered:
            self.failures, self.last_success, self.skew = 0, at, attempt.skew
        elif attempt.errors:
            self.failures += 1

    def note_crash(self) -> None:
        """Count a round that nobody foresaw to end as it did."""
        self.crashes += 1
        self.failures += 1

    async def wait(self, now: datetime, random: Random) -> None:
        """Wait until something is due, or until a new certificate is asked about."""
        interval = self.track.source.interval_seconds
        left = self.track.seconds_left(now)
        delay = interval if left is None else max(SHORTEST_SECONDS, left)
        if self.crashes:
            delay = next_delay_seconds(
                interval_seconds=interval, failures=self.crashes, now=now, ends_at=None, random=random
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self.wake.wait()

    def replace_track(self, track: Track) -> None:
        """Put what was read anew in place of what was known, and go on watching whom it watched."""
        for certificate in self.asked_about.values():
            track.watch(certificate)
        self.track = track

    def report(self) -> SourceReport:
        """Say how the source stands."""
        track = self.track
        error = next(iter(track.errors), self.folder_error)
        return SourceReport(
            source=track.source.name,
            kind=track.source.kind,
            as_of=track.as_of,
            usable_until=track.usable_until,
            last_success=self.last_success,
            failures=self.failures,
            failure=None if error is None else error.failure,
            detail="" if error is None else error.detail,
            skew=self.skew,
        )


def open_track(source: StatusSource, *, find_signers: FindSigners, random: Random = draw) -> Track:
    """Return a track of the kind of the source, with nothing known."""
    match source.kind:
        case SourceKind.LIST:
            return ListTrack(source, find_signers=find_signers, random=random)
        case SourceKind.OCSP:
            return OcspTrack(source, random=random)
        case SourceKind.FEED:
            return FeedTrack(source, random=random)


async def stop_sources(sources: Iterable[MindedSource]) -> None:
    """Stop asking these sources, and close what is open to them."""
    tasks = []
    for minded in sources:
        if minded.task is not None:
            minded.task.cancel()
            tasks.append(minded.task)
            minded.task = None
    await asyncio.gather(*tasks, return_exceptions=True)
    for minded in sources:
        if minded.session is not None:
            await minded.session.close()
