"""What lies on disk: read by the process that asks the sources when it starts, by the others whenever it changes."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.fetch import Clock
from gateway.status.minded import MindedSource
from gateway.status.shelf import Shelf
from gateway.status.source import StatusSource
from gateway.status.track import Track
from keys.certificate import parse_certificate
from keys.errors import MalformedCertificateError

_NOBODY: Final = b""


class KeptReader:
    """Reads a shelf into sources under care, and passes on who is asked about."""

    def __init__(self, shelf: Shelf, *, clock: Clock, open_track: Callable[[StatusSource], Track]) -> None:
        """Read from ``shelf``; nothing is read yet."""
        self._shelf = shelf
        self._clock = clock
        self._open_track = open_track
        self._revision = 0
        self._leader = _NOBODY

    async def load(self, sources: Iterable[MindedSource]) -> list[tuple[MindedSource, StatusError]]:
        """Read what was kept of each source, and return what was refused, or could not be read."""
        refused: list[tuple[MindedSource, StatusError]] = []
        for minded in sources:
            try:
                errors = await self._read(minded, minded.track)
            except OSError as error:
                refused.append((minded, StatusError(StatusFailure.STORAGE, error.strerror or "")))
            else:
                refused += [(minded, one) for one in errors]
        return refused

    async def follow(self, sources: Mapping[str, MindedSource]) -> bool:
        """Read anew what the leading process changed, and tell it who is asked about; returns whether there was news.

        Raises:
            OSError: the folder cannot be read, or written.

        """
        sources = dict(sources)  # it may change meanwhile
        revision = await asyncio.to_thread(self._shelf.read_revision)
        has_news = revision != self._revision
        if has_news:
            is_complete = True
            for name, minded in sources.items():
                if await asyncio.to_thread(self._shelf.read_revision, name) != minded.revision:
                    is_complete &= await self._read_again(minded)
            if is_complete:
                self._revision = revision
        leader = await asyncio.to_thread(self._shelf.leader.read_name)
        for name, minded in sources.items():
            if leader != self._leader:  # the new one knows only of those about whom there was an answer
                minded.to_hand_over |= minded.asked_about
            chosen = minded.take_to_hand_over()
            if chosen:
                await asyncio.to_thread(self._shelf.hand_over, name, chosen)
        self._leader = leader
        return has_news

    async def take_handed(self, sources: Mapping[str, MindedSource]) -> None:
        """Watch the certificates that the other processes were asked about.

        Raises:
            OSError: the folder cannot be read.

        """
        for name, minded in dict(sources).items():
            for encoded in await asyncio.to_thread(self._shelf.take_handed, name):
                with contextlib.suppress(MalformedCertificateError):
                    minded.watch(parse_certificate(encoded))

    async def _read(self, minded: MindedSource, track: Track) -> tuple[StatusError, ...]:
        """Read what was kept of a source into a track; its revision first, so that a later change is seen."""
        name, now = track.source.name, self._clock()
        revision = await asyncio.to_thread(self._shelf.read_revision, name)
        kept = await asyncio.to_thread(self._shelf.read, name)
        errors = await asyncio.to_thread(track.load, kept, now)
        minded.revision = revision
        return errors

    async def _read_again(self, minded: MindedSource) -> bool:
        """Put what is on disk in place of what is known; False: not yet, since it counts from a later moment only."""
        before = minded.revision
        track = self._open_track(minded.track.source)
        await self._read(minded, track)
        if any(minded.track.evidence()) and any(one.this_update > self._clock() for one in track.evidence()):
            minded.revision = before
            return False
        minded.replace_track(track)
        return True
