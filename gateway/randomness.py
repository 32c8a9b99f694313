"""Random bytes of the system, drawn in large pieces: each call of it costs as much as checking a known token.

What is drawn ahead lies in memory until it is taken; whoever reads the memory of a gateway reads its keys as well.
"""

import os
from threading import Lock
from typing import Final

_PIECE: Final = 4096  # bytes of one draw: some fifty questions

_lock: Final = Lock()
_drawn = b""
_taken = 0


def take_random(size: int) -> bytes:
    """Return so many random bytes that nobody else was given, and that nobody can guess; safe for threads."""
    global _drawn, _taken  # noqa: PLW0603 -- what was drawn belongs to the process
    if size > _PIECE:
        return os.urandom(size)
    with _lock:
        if _taken + size > len(_drawn):
            _drawn, _taken = os.urandom(_PIECE), 0
        _taken += size
        return _drawn[_taken - size : _taken]


def _forget() -> None:
    """Draw anew: a copy of this process must not be given the same."""
    global _drawn, _taken
    _drawn, _taken = b"", 0


os.register_at_fork(after_in_child=_forget)
