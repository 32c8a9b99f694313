"""Signed requests that were let in, so that none of them is let in twice."""

from datetime import datetime
from typing import Final

from keys.payload.request_signature import ReplayMark

MAX_MARKS: Final = 100_000  # of one façade: for the longest window of 15 minutes, 110 questions a second


class Replays:
    """The marks of one process; a full one lets nothing in, since what it forgot could come again."""

    def __init__(self) -> None:
        """Begin with none."""
        self._marks: dict[str, datetime] = {}

    def admit(self, mark: ReplayMark | None, at: datetime) -> bool:
        """Return whether a request may come in, and remember it; one that has no mark cannot be told from others."""
        if mark is None:
            return True
        if mark.value in self._marks:
            return False
        if len(self._marks) >= MAX_MARKS:
            self._marks = {value: until for value, until in self._marks.items() if at < until}
        if len(self._marks) >= MAX_MARKS:
            return False
        self._marks[mark.value] = mark.until
        return True
