"""What lies on disk: read by the process that asks the sources when it starts, by the others whenever it changes."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.fetch import Clock
from gateway.status.minded import MindedSource
from gateway.status.shelf import Shelf
from gateway.status.source import StatusSource
from gateway.status.track import Track
from keys.certificate import parse_certificate
from keys.errors import MalformedCertificateError

_NOBODY: Final = b""

Refused = list[tuple[MindedSource, StatusError]]


class News(NamedTuple):
    """Whether the leading process changed anything, and what of it was refused, or could not be read."""

    is_there: bool
    refused: Refused


class KeptReader:
    """Reads a shelf into sources under care, and passes on who is asked about."""

    def __init__(self, shelf: Shelf, *, clock: Clock, open_track: Callable[[StatusSource], Track]) -> None:
        """Read from ``shelf``; nothing is read yet."""
        self._shelf = shelf
        self._clock = clock
        self._open_track = open_track
        self._revision = 0
        self._leader = _NOBODY

    async def load(self, sources: Iterable[MindedSource]) -> Refused:
        """Read what was kept of each source, and return what was refused, or could not be read."""
        refused: Refused = []
        for minded in sources:
            try:
                errors = await self._read(minded, minded.track)
            except OSError as error:
                refused.append((minded, StatusError(StatusFailure.STORAGE, error.strerror or "")))
            else:
                refused += [(minded, one) for one in errors]
        return refused

    async def follow(self, sources: Mapping[str, MindedSource]) -> News:
        """Read anew what the leading process changed; what cannot be read now is tried again the next time.

        Raises:
            OSError: the folder cannot be read.

        """
        revision = await asyncio.to_thread(self._shelf.read_revision)
        if revision == self._revision:
            return News(is_there=False, refused=[])
        refused: Refused = []
        is_complete = True
        for name, minded in sources.items():
            try:
                if await asyncio.to_thread(self._shelf.read_revision, name) != minded.revision:
                    refused += [(minded, error) for error in await self._read_again(minded)]
            except OSError as error:
                refused.append((minded, StatusError(StatusFailure.STORAGE, error.strerror or "")))
                is_complete = False
        if is_complete:
            self._revision = revision
        return News(is_there=True, refused=refused)

    async def hand_over(self, sources: Mapping[str, MindedSource]) -> None:
        """Tell the leading process who is asked about.

        Raises:
            OSError: the folder cannot be read, or written; nobody is forgotten then.

        """
        leader = await asyncio.to_thread(self._shelf.leader.read_name)
        for name, minded in sources.items():
            if leader != self._leader:  # the new one knows only of those about whom there was an answer
                minded.to_hand_over |= minded.asked_about
            chosen = minded.select_to_hand_over()
            if chosen:
                await asyncio.to_thread(self._shelf.hand_over, name, chosen)
                minded.note_handed_over(chosen)
        self._leader = leader

    async def take_handed(self, sources: Mapping[str, MindedSource]) -> None:
        """Watch the certificates that the other processes were asked about.

        Raises:
            OSError: the folder cannot be read.

        """
        for name, minded in sources.items():
            for encoded in await asyncio.to_thread(self._shelf.take_handed, name):
                with contextlib.suppress(MalformedCertificateError):
                    minded.watch(parse_certificate(encoded))

    async def _read(self, minded: MindedSource, track: Track) -> tuple[StatusError, ...]:
        """Read what was kept of a source into a track; its revision first, so that a later change is seen."""
        name, now = track.source.name, self._clock()
        revision = await asyncio.to_thread(self._shelf.read_revision, name)
        kept = await asyncio.to_thread(self._shelf.read, name)
        errors = await asyncio.to_thread(track.load, kept.answers, now)
        minded.revision = revision
        return (*errors, *(StatusError(StatusFailure.STORAGE, f"{part}: no answer") for part in kept.unreadable))

    async def _read_again(self, minded: MindedSource) -> tuple[StatusError, ...]:
        """Put what is on disk in place of what is known, but for what is known better; return what was not good."""
        track = self._open_track(minded.track.source)
        errors = await self._read(minded, track)
        track.inherit(minded.track, self._clock(), is_partial=bool(errors))
        minded.replace_track(track)
        minded.folder_error = None
        return errors
