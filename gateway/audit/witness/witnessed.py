"""The logs that we witness: which keys speak for which origin, and from when on.

An origin belongs to one entry, so no second log of the same origin can have other keys unless its entry lists them.
An entry for a prefix stands for the shards of a log, one for each half-year: the same keys sign each under its own
name. An entry for one origin goes before that of a prefix: so one shard can have other keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.audit.shard import is_shard, shard_name
from gateway.audit.tlog.note_key import NoteKey

_HALF_YEAR: Final = len("2026h2")
_CLOCKS: Final = timedelta(days=1)  # a log whose clock is ahead begins its next shard before ours says so


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedLog:
    """One log, or with ``is_prefix`` all its shards; witnessed while ``since <= at < until`` (None: open)."""

    origin: str
    is_prefix: bool
    keys: tuple[NoteKey, ...]  # their names count for a single log only
    since: datetime
    until: datetime | None = None

    def keys_of(self, origin: str, at: datetime) -> tuple[NoteKey, ...]:
        """Return the keys that speak for an origin at a moment; none for what this entry is not about."""
        if at < self.since or (self.until is not None and at >= self.until):
            return ()
        if not self.is_prefix:
            return self.keys if origin == self.origin else ()
        return self._shard_keys(origin, at) if origin.startswith(self.origin) else ()

    def _shard_keys(self, origin: str, at: datetime) -> tuple[NoteKey, ...]:
        """Bound to half-years from ``since`` to now: a stolen key must not fill our disk with logs of its own."""
        shard = origin.removeprefix(self.origin)
        half_year = shard[:_HALF_YEAR]
        if not is_shard(shard) or not shard_name(self.since) <= half_year <= shard_name(at + _CLOCKS):
            return ()
        return tuple(NoteKey(origin, key.type, key.public_key) for key in self.keys)


class WitnessedLogs:
    """All of them."""

    def __init__(self, logs: Iterable[WitnessedLog] = ()) -> None:
        """Take the entries.

        Raises ValueError for two entries about the same, for keys that are not those of a log, or named otherwise.
        """
        self._logs = sorted(logs, key=lambda log: log.is_prefix)
        for log in self._logs:
            if not log.keys or any(not key.is_of_log for key in log.keys):
                raise ValueError("keys of a log were expected")
            if not log.is_prefix and any(key.name != log.origin for key in log.keys):
                raise ValueError("keys of the log, named as its origin, were expected")
        if len({(log.is_prefix, log.origin) for log in self._logs}) < len(self._logs):
            raise ValueError("one entry for each origin was expected")

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._logs)

    def keys_of(self, origin: str, seconds: int) -> tuple[NoteKey, ...]:
        """Return the keys that speak for an origin, as of ``seconds`` since 1970; none for one that is unknown."""
        at = datetime.fromtimestamp(seconds, UTC)
        for log in self._logs:
            keys = log.keys_of(origin, at)
            if keys:
                return keys
        return ()
