"""Readers of the shards of a place: each is opened once, whichever thread asks first, and kept open."""

from threading import Lock

from gateway.audit.book.place import LogPlace
from gateway.audit.reader import LogReader


class ShardReaders:
    """Safe for several threads; both methods block."""

    def __init__(self, place: LogPlace) -> None:
        """Read from a place; nothing is opened before somebody asks."""
        self._place = place
        self._opened: dict[str, LogReader] = {}
        self._lock = Lock()

    def reader(self, shard: str) -> LogReader:
        """Return the reader of a shard; KeyError for one that there is not.

        Raises:
            LogUnavailableError: it cannot be opened.

        """
        with self._lock:
            reader = self._opened.get(shard)
            if reader is None:
                if shard not in self._place.shards():
                    raise KeyError(shard)
                reader = self._opened[shard] = self._place.read(shard)
            return reader

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            for reader in self._opened.values():
                reader.close()
            self._opened.clear()
