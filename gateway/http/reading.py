"""Reading the log for requests: in threads of its own kinds, so that no kind of reader stops another, or the writers.

The threads that asyncio has for everybody take policies, trust and the turn of a half-year; none of this goes there.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from gateway.http.problems import ProblemError, ProblemKind

RETRY_AFTER_SECONDS: Final = 1  # what is read takes tenths of a second
_THREADS: Final = 2  # for each kind of reader; the interpreter runs one of them at a time
_PLACES: Final = 64  # at once; beyond it, whoever reads a whole log is told to wait rather than given threads
# One at a time, since an export holds the interpreter for seconds; and one that waits for it.
_EXPORTS: Final = 2

_Value = TypeVar("_Value")


class Lane:
    """A few threads, and a bound on how many requests use them or wait for them; used from the event loop only."""

    def __init__(self, name: str, *, threads: int, places: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._left = places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for one or several pieces of work; raises ProblemError: 503, all are taken."""
        if self._left == 0:
            raise ProblemError(ProblemKind.BUSY, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1

    async def run(self, work: Callable[[], _Value]) -> _Value:
        """Do a piece of work in a thread.

        Whoever gives up takes back what has not begun. What has begun runs to its end in its thread: every piece of
        work is bounded, and one of many steps looks between them whether anybody waits for it.
        """
        return await asyncio.wrap_future(self._threads.submit(work))

    def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Lanes:
    """The lanes of a gateway, by who reads."""

    def __init__(self) -> None:
        self.anybody = Lane("read-public", threads=_THREADS, places=_PLACES)  # files of a public log
        self.callers = Lane("read-callers", threads=_THREADS, places=4 * _PLACES)  # receipts, and holders at their own
        self.auditors = Lane("read-auditors", threads=_THREADS, places=_PLACES)
        self.exports = Lane("export", threads=1, places=_EXPORTS)
        self.reports = Lane("report", threads=1, places=_PLACES)  # how the gateway stands, for whoever watches it

    def close(self) -> None:
        """Close all of them."""
        for lane in (self.anybody, self.callers, self.auditors, self.exports, self.reports):
            lane.close()
