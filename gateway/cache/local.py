"""The cache in the process: bounded in bytes and in entries; what was not used for longest goes first."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.cache.cache import MAX_VALUE_BYTES, NO_TALLY, CacheFault, CacheTally, keeping_seconds

MIB: Final = 1024 * 1024
MAX_BYTES: Final = 64 * MIB  # some ten thousand verdicts of a few KiB
MAX_ENTRIES: Final = 65_536  # so that many small ones do not cost more in Python objects than in bytes
# What an entry takes beside name and value: two bytes objects, a tuple, a float, a node of the order; measured 260.
OVERHEAD_BYTES: Final = 270


class _Entry(NamedTuple):
    value: bytes
    ends_at: float  # on the clock of the cache; over when it is reached


class LocalCache:
    """A `Cache` of one process, for one event loop: no call waits for anything.

    The ``…_now`` forms are the same without an await, for paths where a hit must cost nothing.
    """

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        max_entries: int = MAX_ENTRIES,
        steady: Callable[[], float] = time.monotonic,
        tally: CacheTally = NO_TALLY,
    ) -> None:
        """Begin empty; ``steady`` returns seconds by a clock that nobody sets."""
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._steady = steady
        self._tally = tally
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()  # the one used last is at the end
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many entries there are, those that have ended and were not asked for since included."""
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Return what the entries take, `OVERHEAD_BYTES` for each included."""
        return self._bytes

    def get_now(self, name: bytes) -> bytes | None:
        """Return the value under a name; None: it is not there, or has ended."""
        entry = self._entries.get(name)
        if entry is not None and self._steady() < entry.ends_at:
            self._entries.move_to_end(name)
            self._tally.hit()
            return entry.value
        if entry is not None:
            self.forget_now(name)
        self._tally.miss()
        return None

    def put_now(self, name: bytes, value: bytes, *, seconds: float) -> None:
        """Keep a value for so many seconds, in place of the one before it."""
        self.forget_now(name)
        kept_seconds = keeping_seconds(seconds)
        if not kept_seconds:
            return
        size = _size(name, value)
        if len(value) > MAX_VALUE_BYTES or size > self._max_bytes:
            self._tally.fault(CacheFault.TOO_LARGE)
            return
        self._entries[name] = _Entry(value, self._steady() + kept_seconds)
        self._bytes += size
        while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
            oldest, entry = self._entries.popitem(last=False)
            self._bytes -= _size(oldest, entry.value)

    def forget_now(self, name: bytes) -> None:
        """Drop the value under a name, if there is one."""
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._bytes -= _size(name, entry.value)

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._bytes = 0

    async def get(self, name: bytes) -> bytes | None:
        """Do as `get_now`."""
        return self.get_now(name)

    async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:
        """Do as `put_now`."""
        self.put_now(name, value, seconds=seconds)

    async def forget(self, name: bytes) -> None:
        """Do as `forget_now`."""
        self.forget_now(name)


def _size(name: bytes, value: bytes) -> int:
    return len(name) + len(value) + OVERHEAD_BYTES
