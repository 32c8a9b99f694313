"""The desk at which others hand in checkpoints: the witness beside the event loop, in threads of its own.

Its threads wait for a lock and for the disk; in the pool that answers are made in, they would delay answers.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from gateway.audit.witness.witness import Witness
from gateway.ended import look_at

MAX_WAITING: Final = 32  # 34 provinces ask every few seconds, and each is answered in milliseconds
_THREADS: Final = 2

_Value = TypeVar("_Value")


class DeskBusyError(Exception):
    """So many wait already that nobody else is taken."""


class WitnessDesk:
    """Opens the witness when it is first asked, so that a witness without its key or state stops no answer."""

    def __init__(self, open_witness: Callable[[], Witness]) -> None:
        """Take what opens it, which may fail and is tried again then."""
        self._open_witness = open_witness
        self._witness: Witness | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="witness")
        self._waiting = 0

    async def use(self, work: Callable[[Witness], _Value]) -> _Value:
        """Let the witness work in a thread.

        Raises:
            DeskBusyError: nothing was done.
            SecretError, WitnessStateError: it cannot be opened; and whatever the work raises.

        """
        if self._waiting >= MAX_WAITING:
            raise DeskBusyError
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._use, work)
        future.add_done_callback(self._leave)  # also when whoever waited has left
        future.add_done_callback(look_at)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Take nothing any more; what is under way ends by itself."""
        self._threads.shutdown(wait=False)

    def _use(self, work: Callable[[Witness], _Value]) -> _Value:
        if self._witness is None:
            self._witness = self._open_witness()
        return work(self._witness)

    def _leave(self, _: "asyncio.Future[_Value]") -> None:
        self._waiting -= 1
