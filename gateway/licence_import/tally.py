"""What became of the records of an import; none of them may be missing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.sources.licence_store import Added

_STORED = (Added.NEW, Added.NEW_VERSION, Added.NEW_STATUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Numbers of records; ``unseen`` are those among the stored and unchanged whose status code no table names."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    rejected: int = 0
    unseen: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every record that was read is stored, unchanged or rejected."""
        return self.read == self.stored + self.unchanged + self.rejected

    def plus(self, results: Iterable[Added], *, read: int, rejected: int, unseen: int) -> "Tally":
        """Return the tally with one more batch."""
        results = tuple(results)  # counted by `count`: an enumeration is slow to look up in a set
        return replace(
            self,
            read=self.read + read,
            stored=self.stored + sum(map(results.count, _STORED)),
            unchanged=self.unchanged + results.count(Added.ALREADY_THERE),
            rejected=self.rejected + rejected,
            unseen=self.unseen + unseen,
        )
