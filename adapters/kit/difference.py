"""Where two values of JSON differ: paths, never what stands there."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

MAX_DIFFERENCES: Final = 50  # of one case; nobody reads more before mending the first
_SHOWN: Final = 64  # characters of a member's name
_MISSING: Final = object()


def differing_paths(expected: object, found: object) -> tuple[str, ...]:
    """Return the paths at which two values differ, in the order of the first, at most `MAX_DIFFERENCES` of them."""
    return tuple(islice(_differences(expected, found, "$"), MAX_DIFFERENCES))


def _differences(one: object, other: object, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            shown = "".join(letter if letter.isprintable() else "?" for letter in str(name)[:_SHOWN])
            yield from _differences(one.get(name, _MISSING), other.get(name, _MISSING), f"{path}.{shown}")
    elif isinstance(one, list) and isinstance(other, list):
        for index in range(max(len(one), len(other))):
            left = one[index] if index < len(one) else _MISSING
            right = other[index] if index < len(other) else _MISSING
            yield from _differences(left, right, f"{path}[{index}]")
    elif one != other or isinstance(one, bool) is not isinstance(other, bool):  # Python takes true for 1
        yield path
