"""Flights: whoever asks what is being asked already waits for that answer, and nothing is asked twice at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.ended import look_at

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Deadline:
    """When a flight has to end, on the clock of the event loop: it moves while others join who can wait longer."""

    def __init__(self, until: float) -> None:
        """End then."""
        self.until = until
        self._limits: dict[asyncio.Timeout, tuple[float, float]] = {}  # from when on, and for which part of the time

    @property
    def is_over(self) -> bool:
        """Whether its end is there, or was met."""
        is_met = any(limit.expired() for limit in self._limits)
        return is_met or asyncio.get_running_loop().time() >= self.until

    @asynccontextmanager
    async def within(self, part: float = 1.0) -> AsyncIterator[None]:
        """Do something within this part of the time that is left now; not to be nested.

        Raises:
            TimeoutError: it took longer.

        """
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(self._end(begun, part)) as limit:
            self._limits[limit] = (begun, part)
            try:
                yield
            finally:
                del self._limits[limit]

    def move(self, until: float) -> bool:
        """Move the end; answers whether something keeps to it at the moment."""
        self.until = until
        for limit, (begun, part) in self._limits.items():
            if not limit.expired():
                limit.reschedule(self._end(begun, part))
        return bool(self._limits)

    def _end(self, begun: float, part: float) -> float:
        return begun + max(0.0, self.until - begun) * part


@dataclass(slots=True, kw_only=True, eq=False)
class _Flight(Generic[V]):
    """A piece of work under way, and how many wait for it."""

    deadline: Deadline
    task: "asyncio.Task[V]"
    waiting: int = 0


class Flights(Generic[K, V]):
    """One piece of work at a time for each key; used from one event loop.

    It is nobody's in particular: who began it may go away, and it goes on for whoever still waits. Once nobody does, it
    is stopped. What it fails with is raised for all who wait, and not kept: the next one begins anew.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._flights: dict[K, _Flight[V]] = {}

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._flights)

    def has(self, key: K) -> bool:
        """Say whether somebody who asks now would join a flight."""
        flight = self._flights.get(key)
        return flight is not None and not flight.deadline.is_over

    async def join(self, key: K, work: Callable[[Deadline], Awaitable[V]], *, until: float) -> V:
        """Return what the work under this key comes to; it is begun where none is under way.

        ``work`` keeps to the deadline that it is given, which is that of the one who can wait longest. Each one waits
        ``until`` his own, on the clock of the event loop.

        Raises:
            TimeoutError: this one's time is over.
            Exception: whatever the work raises.

        """
        now = asyncio.get_running_loop().time()
        flight = self._flights.get(key)
        if flight is None or flight.deadline.is_over:
            flight = self._begin(key, work, until)
        elif until > flight.deadline.until:
            flight.deadline.move(until)
        flight.waiting += 1
        is_late = False
        try:
            await asyncio.wait((flight.task,), timeout=max(0.0, until - now))
            is_late = not flight.task.done()
        finally:
            flight.waiting -= 1
            if not (flight.waiting or flight.task.done()):
                self._stop(key, flight, is_late=is_late)
        if is_late:
            raise TimeoutError
        return flight.task.result()

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self, key: K, work: Callable[[Deadline], Awaitable[V]], until: float) -> _Flight[V]:
        deadline = Deadline(until)

        async def fly() -> V:
            return await work(deadline)

        flight = _Flight(deadline=deadline, task=asyncio.create_task(fly()))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        flight.task.add_done_callback(look_at)
        return flight

    def _stop(self, key: K, flight: _Flight[V], *, is_late: bool) -> None:
        """Stop a flight for which nobody waits; where that is for want of time, it ends as one whose time is over."""
        self._forget(key, flight)
        if not (is_late and flight.deadline.move(asyncio.get_running_loop().time())):
            flight.task.cancel()

    def _forget(self, key: K, flight: _Flight[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
