"""How many refusals of a caller have an entry each, where they name nobody: what is malformed costs its sender little.

Refusals of what named a person, a licence or a case always have one, and so has every answer.
"""

from dataclasses import dataclass
from typing import Final

from gateway.callers import CallerId

MAX_A_MINUTE: Final = 60  # a system with a fault is seen in the log all the same, and fills it by 90,000 entries a day
MINUTE: Final = 60.0  # seconds


@dataclass(slots=True)
class _Row:
    begun: float  # its latest minute
    written: int = 0
    left_out: int = 0


class RefusalLimit:
    """Counts by caller; it has as many rows as callers are registered. What it counted ends with the process."""

    def __init__(self) -> None:
        """Begin empty."""
        self._rows: dict[CallerId, _Row] = {}

    def admits(self, caller: CallerId, at: float) -> bool:
        """Answer whether there is room for one more entry; where there is none it is counted.

        ``at`` is in seconds, on a clock that nobody sets: one that is set would make room, or take it for years.
        """
        row = self._rows.setdefault(caller, _Row(at))
        if at >= row.begun + MINUTE:
            row.begun, row.written = at, 0
        if row.written >= MAX_A_MINUTE:
            row.left_out += 1
            return False
        row.written += 1
        return True

    def take(self, caller: CallerId) -> int:
        """Return how many were left out, for the entry that says so; they are counted from 0 again."""
        row = self._rows.get(caller)
        if row is None:
            return 0
        left_out, row.left_out = row.left_out, 0
        return left_out

    def put_back(self, caller: CallerId, left_out: int) -> None:
        """Count them again: the entry that was to say so was not written, or nobody knows."""
        if left_out:
            self._rows[caller].left_out += left_out
