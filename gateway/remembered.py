"""What was found out about things that never change, remembered for those that came up lately."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

MOST: Final = 256  # things that are kept, such as licences of some 10 KB: several times what is under way at once

_Thing = TypeVar("_Thing")
_Found = TypeVar("_Found")


class Remembered(Generic[_Thing, _Found]):
    """A pure function of a thing that is found out once for the very same thing, and not for an equal one.

    One question asks the same of one licence several times, and so do questions that rest on one kept verdict.
    """

    __slots__ = ("_find_out", "_found")

    def __init__(self, find_out: Callable[[_Thing], _Found]) -> None:
        """Remember what this function finds."""
        self._find_out = find_out
        self._found: dict[int, tuple[_Thing, _Found]] = {}  # with the thing, so that no other one gets its identity

    def __call__(self, thing: _Thing) -> _Found:
        """Return what the function finds; any thread may ask."""
        known = self._found.get(id(thing))
        if known is not None:
            return known[1]
        found = self._find_out(thing)
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[id(thing)] = thing, found
        return found
