"""Signed requests that were let in, so that none of them is let in twice."""

import heapq
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from keys.payload.request_signature import ReplayMark

MAX_MARKS: Final = 100_000  # of one façade: for the longest window of 15 minutes, 110 questions a second


class Replays:
    """The marks of one process, each until its request is too old anyway."""

    def __init__(self) -> None:
        """Begin with none."""
        self._marks: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []  # a heap: what ends first is in front

    def admit(self, mark: ReplayMark, at: datetime) -> bool:
        """Return whether a request may come in, and remember it.

        While there are as many as there may be none comes in, since what was forgotten could come again.
        """
        self._forget(at)
        if mark.value in self._marks or len(self._marks) >= MAX_MARKS:
            return False
        self._keep(mark.value, mark.until)
        return True

    def admit_like(self, said: Mapping[str, str], until: datetime, at: datetime) -> bool:
        """Return whether a request may come in whose signature has nothing that is fresh each time, and remember it.

        It comes again when it says the same under the same signature. Who has the signature can ask something else by
        it; so these are forgotten early rather than let him fill the place.
        """
        self._forget(at)
        value = sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
        if value in self._marks:
            return False
        if len(self._marks) >= MAX_MARKS:
            self._drop()
        self._keep(value, until)
        return True

    def _keep(self, value: str, until: datetime) -> None:
        self._marks.add(value)
        heapq.heappush(self._ends, (until, value))

    def _forget(self, at: datetime) -> None:
        while self._ends and self._ends[0][0] <= at:
            self._drop()

    def _drop(self) -> None:
        self._marks.discard(heapq.heappop(self._ends)[1])
