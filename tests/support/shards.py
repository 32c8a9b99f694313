"""A log of several shards in memory, to search over; each shard is an open log."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gateway.audit.entry import EntryDraft
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch, LookupKeys
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from tests.support.audit import Clock, opened, sqlite_setup

HALF_YEAR_MS = 184 * 86_400_000
TICK_MS = 1_000  # between two entries


class OpenShards:
    """Logs by the names of their shards; what is written takes a second each."""

    def __init__(self, logs: dict[str, AccessLog], clock: Clock) -> None:
        self.logs = logs
        self.clock = clock

    def shards(self) -> tuple[str, ...]:
        """Return the names, the oldest first."""
        return tuple(self.logs)

    def reader(self, shard: str | None = None) -> AccessLog:
        """Return a shard, None: the latest."""
        return self.logs[shard or self.shards()[-1]]

    def fill(self, shard: str, drafts: Sequence[EntryDraft]) -> None:
        """Append to a shard, a second apart."""

        async def run() -> None:
            for draft in drafts:
                self.clock.now += TICK_MS
                await self.logs[shard].append(draft)

        asyncio.run(run())


@contextmanager
def open_shards(folder: Path, *names: str) -> Iterator[OpenShards]:
    """Open empty shards, each with an index key of its own, as in a site."""
    clock = Clock()
    with ExitStack() as stack:
        logs: dict[str, AccessLog] = {}
        for number, name in enumerate(names):
            (folder / name).mkdir()
            store, keys = MemoryStore(), MemoryKeys()
            setup = sqlite_setup(
                folder / name,
                clock,
                open_store=lambda store=store: store,
                open_keys=lambda keys=keys: keys,
                lookup=LookupKeys({Epoch(number + 1): bytes([number + 1]) * 32}),
            )
            logs[name] = stack.enter_context(opened(setup))
        yield OpenShards(logs, clock)
