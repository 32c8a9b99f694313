"""The log of a site as a process has it that does not write it: it reads the stores itself, and asks for the rest."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.audit.book.place import LogPlace
from gateway.audit.book.readers import ShardReaders
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafError, LeafKind
from gateway.audit.link.client import LinkClient, connect_link
from gateway.audit.reader import LogReader
from gateway.audit.unavailable import LogUnavailableError, Unavailable

FIRST_DELAY_SECONDS: Final = 0.05
LONGEST_DELAY_SECONDS: Final = 1.0  # nothing is answered meanwhile, and connecting costs nearly nothing

Random = Callable[[], float]  # below 1, from 0 on


class RemoteLog:
    """Keeps a connection to the process that writes the log, and connects again when it breaks."""

    def __init__(self, place: LogPlace, folder: Path, *, random: Random) -> None:
        """Read from a place, and write over the socket in a folder; nothing is opened before `open`."""
        self._place = place
        self._folder = folder
        self._random = random
        self._client: LinkClient | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._in_force: dict[LeafKind, tuple[str, int]] = {}  # its name, and the approvals of a policy
        self._heard: dict[LeafKind, tuple[LinkClient, tuple[str, int]]] = {}  # over which connection that was said
        self._readers = ShardReaders(place)

    async def open(self) -> None:
        """Connect once, or leave it to later attempts."""
        connected = asyncio.Event()
        self._keeping = asyncio.create_task(self._keep(connected))
        await connected.wait()

    async def close(self) -> None:
        """Hang up and let go of the stores."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._client is not None:
            await self._client.close()
        await asyncio.to_thread(self._close)

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why nothing is taken: as the log said within the last second, or since it cannot be reached."""
        if self._client is None or self._client.closed.done():
            return LogUnavailableError(Unavailable.UNREACHABLE, "the process that writes the log")
        return self._client.stopped

    async def append(self, draft: EntryDraft) -> Receipt:
        """Return once the entry is durable; raises as `AccessLog.append` does, and UNREACHABLE."""
        await self._announce()
        return await self._connected().append(draft)

    async def announce_policy(self, digest: str, *, approvals: int = 0) -> None:
        """Say that this policy is in force from here on, unless that was said last.

        What the process that writes the log did not hear, with who approved it, is said before the next entry.
        """
        self._in_force[LeafKind.POLICY] = digest, approvals
        await self._announce()

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force from here on, unless that was said last; as with a policy."""
        self._in_force[LeafKind.TRUST] = version, 0
        await self._announce()

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        return self._place.shards()

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading, None: the latest; KeyError for one that there is not."""
        shards = self._place.shards()
        if not shards:
            raise LogUnavailableError(Unavailable.CLOSED, "no log was begun")
        return self._readers.reader(shards[-1] if shard is None else shard)

    def _connected(self) -> LinkClient:
        if self._client is None:
            raise LogUnavailableError(Unavailable.UNREACHABLE, "the process that writes the log")
        return self._client

    async def _keep(self, connected: asyncio.Event) -> None:
        """Connect, again and again, each time a little later; the first attempt sets the event, however it ends."""
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                self._client = await connect_link(self._folder)
            except LogUnavailableError:
                connected.set()
                await asyncio.sleep(delay * (0.5 + self._random() / 2))  # workers do not come all at once
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
                continue
            connected.set()
            delay = FIRST_DELAY_SECONDS
            await asyncio.wait([self._client.closed])

    async def _announce(self) -> None:
        """Say what is in force, unless it was heard over this connection: else the log may be of another process.

        It was heard also where the log refuses it; then it is for the other side to say it later.
        """
        client = self._connected()
        for kind, said in list(self._in_force.items()):
            if self._heard.get(kind) == (client, said):
                continue
            try:
                if kind is LeafKind.POLICY:
                    await client.announce_policy(said[0], approvals=said[1])
                else:
                    await client.announce_trust(said[0])
            except LogUnavailableError as error:
                if error.reason is not Unavailable.OVERLOADED and not client.closed.done():
                    self._heard[kind] = client, said
                raise
            except LeafError:  # what no log takes is not said again
                if self._in_force.get(kind) == said:
                    del self._in_force[kind]
                raise
            self._heard[kind] = client, said

    def _close(self) -> None:
        self._readers.close()
        self._place.close()
