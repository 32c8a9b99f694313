"""Rows of the key table: up to 32 wrapped keys each, because a row of a database costs as much as a key.

A key that was erased leaves an empty place. Rows are never deleted, so that no number is ever given again: an old entry
would name a stranger's key.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.private import KeyNumber
from gateway.audit.tlog.tile import encode_bundle, parse_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable

KEY_ROW: Final = 32  # 2 KB with keys of 60 bytes, the longest row that PostgreSQL keeps in one piece


@dataclass(frozen=True, slots=True)
class KeyRow:
    """The keys with the numbers from ``first`` to ``last``, as a bundle."""

    first: int
    last: int
    wrapped: bytes

    def keys(self) -> dict[KeyNumber, bytes]:
        """Return the keys that still exist.

        Raises:
            LogUnavailableError: CORRUPT.

        """
        return {KeyNumber(number): key for number, key in enumerate(self.places(), self.first) if key}

    def places(self) -> list[bytes]:
        """Return the keys from ``first`` on, those that were erased empty; raises as `keys` does."""
        try:
            if type(self.wrapped) is not bytes:
                raise LogUnavailableError(Unavailable.CORRUPT, "a row of the key table")
            return parse_bundle(self.wrapped, self.last + 1 - self.first)
        except MalformedLogDataError as error:
            raise LogUnavailableError(Unavailable.CORRUPT, "a row of the key table") from error

    def without(self, numbers: Collection[KeyNumber]) -> tuple["KeyRow", int]:
        """Return the row without some keys, and how many of them it had; raises as `keys` does."""
        keys = self.keys()
        left = {number: key for number, key in keys.items() if number not in numbers}
        return _make_row(self.first, self.last, left), len(keys) - len(left)


def make_rows(keys: Mapping[KeyNumber, bytes]) -> list[KeyRow]:
    """Return the rows that keep these keys; a number between them that has no key counts as erased."""
    last = max(keys, default=0)
    return [
        _make_row(first, min(first + KEY_ROW - 1, last), keys)
        for first in range(min(keys, default=1), last + 1, KEY_ROW)
    ]


def pick_keys(rows: Iterable[KeyRow], numbers: Iterable[KeyNumber]) -> Mapping[KeyNumber, bytes]:
    """Return those of the keys that are in these rows; raises as `KeyRow.keys` does."""
    found: dict[KeyNumber, bytes] = {}
    sought = sorted(numbers)
    for row in rows:
        places = row.places()
        for number in sought[bisect_left(sought, row.first) : bisect_right(sought, row.last)]:
            if key := places[number - row.first]:
                found[number] = key
    return found


def _make_row(first: int, last: int, keys: Mapping[KeyNumber, bytes]) -> KeyRow:
    places = [keys.get(KeyNumber(number), b"") for number in range(first, last + 1)]
    return KeyRow(first, last, encode_bundle(places))
