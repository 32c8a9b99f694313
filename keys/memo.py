"""A bounded memory of answers that were expensive to get; safe for threads."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from threading import Lock
from typing import Final, Generic, TypeVar

_SHORT: Final = 32  # bytes of an algorithm, of key usages, of an issuer's key identifier
_SHORT_VALUES: Final = 256  # certificates share a few dozen of each

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Keep the last ``size`` answers by use; the oldest falls out first.

    An answer that falls out while somebody still works with it stays alive until that work is done, because it is
    only forgotten here, never freed here.
    Two threads that ask the same new question both compute it: a wait would be a lock held over cryptography.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many answers are remembered."""
        return len(self._answers)

    def __contains__(self, key: K) -> bool:
        """Return whether an answer is remembered; that is no use of it."""
        with self._lock:
            return key in self._answers

    def get(self, key: K, compute: Callable[[], V]) -> V:
        """Return the answer for ``key``, from memory or computed now; what ``compute`` raises is not kept."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = compute()
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()


def remember_short(read: Callable[[bytes], V]) -> Callable[[bytes], V]:
    """Make a reader remember what it read in short values, of which all certificates share a few dozen.

    The rest is read anew each time, so that memory is bounded by bytes; what ``read`` raises is not kept.
    """
    remembered = lru_cache(maxsize=_SHORT_VALUES)(read)
    return lambda value: remembered(value) if len(value) <= _SHORT else read(value)
