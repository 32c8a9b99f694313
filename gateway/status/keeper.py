"""The keeper of revocation status: asks every source in the background and swaps in what it learns in one step.

Nothing here runs on the request path: a question reads `StatusKeeper.current` and may call `StatusKeeper.watch`, which
only notes. What is known ages by itself, because every piece carries until when it may be used.
Of several processes with one folder one asks the sources and writes (`gateway.status.leader`); the others read what it
wrote, verify it again, leave it the certificates that they are asked about, and one of them takes over when it ends.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, Self

from aiohttp.abc import AbstractResolver

from gateway.status.conditional import Known
from gateway.status.failure import StatusError, StatusFailure
from gateway.status.feed_track import FeedTrack
from gateway.status.fetch import Clock, Fetched, fetch, open_session
from gateway.status.kept import KeptReader
from gateway.status.minded import MindedSource, open_track, stop_sources
from gateway.status.observer import SilentObserver, SourceReport, StatusObserver, count_lag
from gateway.status.schedule import Random, draw
from gateway.status.shelf import KeptAnswer, Shelf
from gateway.status.source import StatusSource, bound_stapled
from gateway.status.track import Attempt, Track
from gateway.status.turns import Turns
from keys.certificate import Certificate
from keys.chain import Chain
from keys.revocation import find_list_signers_of
from keys.status_feed_state import FeedState
from keys.trust import TrustStore

LOOK_SECONDS: Final = 1.0  # how often a process that only reads looks for something new, and whether it is to lead

_LOGGER: Final = logging.getLogger("gateway.status")


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
        random: Random = draw,
        look_seconds: float = LOOK_SECONDS,
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
        self._look_seconds = look_seconds
        self._kept = KeptReader(shelf, clock=clock, open_track=self._open_track)
        self._minded = {source.name: self._open(source) for source in sources}
        self._by_issuer = _index(self._minded.values())
        self._is_following = False
        self._turns = Turns()
        self._publishing = asyncio.Lock()
        self._changing = asyncio.Lock()  # held by whoever changes which sources there are, or who asks them
        self._closing = contextlib.AsyncExitStack()
        self._watching: asyncio.Task[None] | None = None

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
            minded.watch(certificate)

    async def replace_base(self, base: TrustStore) -> None:
        """Take other anchors and lists of the trust folder, and keep what was fetched."""
        self._base = base
        await self._publish()

    @property
    def has_sources(self) -> bool:
        """Say whether there is anything to watch certificates for."""
        return bool(self._minded)

    @property
    def is_leading(self) -> bool:
        """Say whether this process asks the sources, and not another one with the same folder."""
        return not self._is_following

    async def replace_sources(self, sources: Iterable[StatusSource]) -> None:
        """Take other sources: what is known from unchanged ones stays, the others start from what is on disk."""
        async with self._changing:
            old, new = self._minded, {}
            for source in sources:
                kept = old.get(source.name)
                new[source.name] = kept if kept is not None and kept.track.source == source else self._open(source)
            gone = [minded for name, minded in old.items() if new.get(name) is not minded]
            await stop_sources(gone)
            fresh = [minded for name, minded in new.items() if old.get(name) is not minded]
            self._note_refused(await self._kept.load(fresh))
            self._minded, self._by_issuer = new, _index(new.values())
            await self._publish()
            if self._watching is not None and self.is_leading:
                self._start()

    def report(self) -> tuple[SourceReport, ...]:
        """Say how each source stands."""
        return tuple(minded.report() for minded in self._minded.values())

    async def __aenter__(self) -> Self:
        """Read what was kept, then begin to ask, or to follow the process that does."""
        self._is_following = not await self._try_to_lead()
        await self.load()
        if self.is_leading:
            self._start()
        self._observe()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop asking, close every connection, and let another process lead."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        await stop_sources(self._minded.values())
        await self.close()
        self._observer.lags(0.0)

    async def close(self) -> None:
        """Close the connections; only needed where `refresh` was used without ``async with``."""
        await self._closing.aclose()
        for minded in self._minded.values():
            minded.session = None
        await asyncio.to_thread(self._shelf.leader.release)

    async def load(self) -> None:
        """Read what was kept on disk; each answer is verified again, and one that is not good is not used."""
        refused = await self._kept.load(self._minded.values())
        self._note_refused(refused)
        with contextlib.suppress(OSError):
            self._sequence = await asyncio.to_thread(self._shelf.read_sequence)
        await self._publish()
        again = [minded for minded, error in refused if error.failure is StatusFailure.BAD_SIGNATURE]
        if again:  # whether another key of a CA may sign its lists depends on lists that are only known now
            for minded in again:
                minded.track = self._open(minded.track.source).track
            await self._kept.load(again)
            await self._publish()

    async def look(self) -> None:
        """Do what is due without being asked for: follow, take over, or take what those who follow have left.

        Whatever comes of it, say how far behind the sources are.
        """
        try:
            await self._do_what_is_due()
        finally:
            self._observe()

    async def _do_what_is_due(self) -> None:
        async with self._changing:
            if not self._is_following:
                with contextlib.suppress(OSError):  # nothing can be left in a folder that cannot be used
                    await self._kept.take_handed(self._minded)
                return
            leads = await self._try_to_lead()
            try:
                news = await self._kept.follow(self._minded)
                self._note_refused(news.refused)
                if news.is_there:
                    await self._publish()
                await self._kept.hand_over(self._minded)
            except OSError as error:  # whoever leads asks all the same
                _LOGGER.warning("status folder: %s", error.strerror)
            if leads:
                self._is_following = False
                await self._publish(takes_over=True)
                _LOGGER.info("status: this process asks the sources now")
                self._start()

    async def refresh(self, name: str) -> Attempt:
        """Ask one source for everything now, due or not; whatever fails is noted, and what was known stays.

        Raises:
            KeyError: there is no source of this name.

        """
        self._minded[name].track.make_due()
        return await self.refresh_due(name)

    async def refresh_due(self, name: str) -> Attempt:
        """Ask one source for what is due.

        Raises:
            KeyError: there is no source of this name.

        """
        minded = self._minded[name]
        async with minded.lock:
            attempt = await minded.track.refresh(
                lambda url, question, known: self._ask(minded, url, question, known), self._clock
            )
            await self._publish()
            for error in attempt.errors:
                self._note_failure(minded, error)
            for _ in range(attempt.crowded_out):
                self._note_failure(minded, StatusError(StatusFailure.CROWDED_OUT))
            minded.note(attempt, self._clock())
            if attempt.answered:
                self._observer.succeeded(name, at=self._clock(), as_of=minded.track.as_of)
            await self._keep(minded, attempt.changes)
            return attempt

    async def _ask(self, minded: MindedSource, url: str, question: bytes | None, known: Known | None) -> Fetched:
        source = minded.track.source
        if minded.session is None:
            minded.session = await self._closing.enter_async_context(open_session(source, resolver=self._resolver))
        async with self._turns.take(minded.servers):
            try:
                found = await fetch(
                    minded.session, url, source=source, clock=self._clock, question=question, known=known
                )
            except StatusError as error:
                minded.servers.note(error.failure)
                raise
            minded.servers.note(None)
            return found

    async def _keep(self, minded: MindedSource, changes: Mapping[str, KeptAnswer | None]) -> None:
        """Put what changed on disk; a full disk costs the memory over a restart and nothing else."""
        if not changes:
            return
        minded.folder_error = None
        for part, kept in changes.items():
            try:
                if kept is None:
                    await asyncio.to_thread(self._shelf.remove, minded.track.source.name, part)
                else:
                    await asyncio.to_thread(self._shelf.write, minded.track.source.name, part, kept)
            except OSError as error:
                minded.folder_error = StatusError(StatusFailure.STORAGE, error.strerror or "")
                self._note_failure(minded, minded.folder_error)
        await self._mark_changed(minded)

    async def _mark_changed(self, minded: MindedSource | None = None) -> None:
        """Tell those who follow, after everything was written."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._shelf.mark_changed, None if minded is None else minded.track.source.name)

    async def _publish(self, *, takes_over: bool = False) -> None:
        """Swap in a store with all evidence; another content gets the next number, on disk before it is used.

        One who follows takes the number from the one who leads. One who takes over begins with a number of its own: the
        last one on disk may have been that of a content which only the process that ended knew.
        """
        async with self._publishing:
            evidence = [one for minded in self._minded.values() for one in minded.track.evidence()]
            within = bound_stapled(minded.track.source for minded in self._minded.values())
            store = self._base.with_lists((*self._base.revocation_lists, *evidence), stapled_within=within)
            is_other = _content(store) != _content(self._current)
            if is_other and self._is_following:
                with contextlib.suppress(OSError):
                    self._sequence = await asyncio.to_thread(self._shelf.read_sequence)
                self._observer.changed(self._sequence)
            elif is_other or takes_over:
                sequence = self._sequence + 1
                try:
                    sequence = max(sequence, await asyncio.to_thread(self._shelf.read_sequence) + 1)
                    await asyncio.to_thread(self._shelf.write_sequence, sequence)
                except OSError as error:
                    _LOGGER.warning("status sequence not kept: %s", error.strerror)
                self._sequence = sequence
                self._observer.changed(sequence)
            self._current = store

    def _note_refused(self, refused: Iterable[tuple[MindedSource, StatusError]]) -> None:
        for minded, error in refused:
            if str(error) != str(minded.folder_error):  # what cannot be read is tried every second, and said once
                self._note_failure(minded, error)
            minded.folder_error = error

    def _note_failure(self, minded: MindedSource, error: StatusError) -> None:
        self._observer.failed(minded.track.source.name, error.failure)
        _LOGGER.warning("status source %s: %s", minded.track.source.name, error)

    def _open(self, source: StatusSource) -> MindedSource:
        return MindedSource(self._open_track(source))

    def _open_track(self, source: StatusSource) -> Track:
        return open_track(source, find_signers=self._find_signers, random=self._random)

    def _find_signers(self, issuer: Certificate, at: datetime) -> Sequence[Certificate]:
        """Name the other certificates of a CA whose lists count, by what is known now; called in threads too."""
        return find_list_signers_of(issuer, store=self._current, now=at)

    def _start(self) -> None:
        for minded in self._minded.values():
            if minded.task is None:
                minded.task = asyncio.create_task(self._mind(minded))

    async def _try_to_lead(self) -> bool:
        """Return whether this process leads now; where there can be no lock, each one does for itself."""
        try:
            return await asyncio.to_thread(self._shelf.leader.try_acquire)
        except OSError as error:
            _LOGGER.warning("status: no lock, so this process asks for itself: %s", error.strerror)
            return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                await self.look()
            except Exception:  # whatever nobody foresaw must not end the watch
                _LOGGER.exception("status folder")

    def _observe(self) -> None:
        """Say how far behind the sources are; who does not ask them knows of no failure, and says nothing of them."""
        self._observer.lags(count_lag(self.report(), self._clock()) if self.is_leading else 0.0)

    async def _mind(self, minded: MindedSource) -> None:
        """Ask one source for ever; an error that nobody foresaw is reported and does not end it."""
        while True:
            minded.wake.clear()
            try:
                await self.refresh_due(minded.track.source.name)
            except Exception:
                minded.note_crash()
                _LOGGER.exception("status source %s", minded.track.source.name)
            await minded.wait(self._clock(), self._random)


def _content(store: TrustStore) -> frozenset[bytes]:
    return frozenset(evidence.fingerprint for evidence in store.revocation_lists)


def _index(sources: Iterable[MindedSource]) -> dict[bytes, list[MindedSource]]:
    found: dict[bytes, list[MindedSource]] = {}
    for minded in sources:
        found.setdefault(minded.track.source.issuer.spki, []).append(minded)
    return found
