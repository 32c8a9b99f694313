"""A table of a mapping file, read key by key; every fault is noted, and a harmless stand-in returned."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from adapters.mapping.bounds import MAX_CODES, MAX_WORD
from adapters.mapping.fault import FaultList, Path, Words, nearest, show

_Choice = TypeVar("_Choice", bound=StrEnum)

_TEXT = Words("文本", "a text")


class Table:
    """Reads keys with their types and bounds; whoever builds a value looks at the faults before using it."""

    def __init__(self, values: object, path: Path, faults: FaultList) -> None:
        """Read from ``values``, which stand at ``path`` of the file; anything but a table is a fault."""
        self.path = path
        self.faults = faults
        self._read: list[str] = []
        self._values: Mapping[str, object] = {}
        if isinstance(values, dict):
            self._values = values
        elif values is not None:
            faults.add(path, expected=Words("一个表", "a table"), found=show(values))

    def __contains__(self, key: str) -> bool:
        """Say whether a key is there, without reading it."""
        return key in self._values

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that are there, without reading them."""
        return tuple(self._values)

    def peek(self, key: str) -> object:
        """Return a value as it is, without counting it as read."""
        return self._values.get(key)

    def fault(self, key: str, *, expected: Words, found: Words, meant: str = "") -> None:
        """Note a fault of ``key``."""
        self.faults.add((*self.path, key), expected=expected, found=found, meant=meant)

    def text(self, key: str, *, default: str | None = None, expected: Words = _TEXT) -> str:
        """Return a text; without a default it is required and may not be empty."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and len(value) <= MAX_WORD and (value or default is not None):
            return value
        self.fault(key, expected=expected, found=show(value))
        return default or ""

    def optional(self, key: str) -> str | None:
        """Return a text, or None where the key is absent."""
        return self.text(key) if self._is_there(key) else None

    def literal(self, key: str) -> str | None:
        """Return a text that may be empty, or None where the key is absent."""
        return self.text(key, default="") if self._is_there(key) else None

    def texts(self, key: str, *, most: int) -> tuple[str, ...]:
        """Return a list of at most ``most`` texts, which may be empty; one text alone counts as a list of one."""
        value = self._take(key)
        if value is None:
            return ()
        many = [value] if isinstance(value, str) else value
        if (
            isinstance(many, list)
            and len(many) <= most
            and all(isinstance(one, str) and len(one) <= MAX_WORD for one in many)
        ):
            return tuple(many)
        expected = Words(f"至多 {most} 项文本的列表", f"a list of at most {most} texts")
        self.fault(key, expected=expected, found=show(value))
        return ()

    def choice(self, key: str, choices: type[_Choice], *, default: _Choice) -> _Choice:
        """Return a member of an enum."""
        value = self._take(key)
        if value is None:
            return default
        words = [member.value for member in choices]
        if isinstance(value, str) and value in words:
            return choices(value)
        meant = nearest(value, words) if isinstance(value, str) else ""
        self.fault(key, expected=one_of(words), found=show(value), meant=meant)
        return default

    def flag(self, key: str) -> bool:
        """Return true or false; false where the key is absent."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.fault(key, expected=Words("true 或 false", "true or false"), found=show(value))
        return False

    def whole(self, key: str, *, low: int, high: int) -> int | None:
        """Return a whole number from ``low`` to ``high``, or None where the key is absent."""
        value = self._take(key)
        if value is None or (type(value) is int and low <= value <= high):
            return value
        self.fault(
            key,
            expected=Words(f"{low} 至 {high} 的整数", f"a whole number from {low} to {high}"),
            found=Words(str(value)[:20], str(value)[:20]) if type(value) is int else show(value),
        )
        return None

    def texts_by_name(self, key: str) -> dict[str, str]:
        """Return a table of texts by name; empty where the key is absent."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > MAX_CODES:
            expected = Words(f"至多 {MAX_CODES} 项的表", f"a table of at most {MAX_CODES} entries")
            self.fault(key, expected=expected, found=show(value))
            return {}
        found = {}
        for name, one in value.items():
            if isinstance(one, str) and len(one) <= MAX_WORD and len(name) <= MAX_WORD:
                found[name] = one
            else:
                self.faults.add((*self.path, key, name[:MAX_WORD]), expected=_TEXT, found=show(one))
        return found

    def numbers_by_name(self, key: str, *, high: int) -> dict[str, int]:
        """Return a table of whole numbers from 1 to ``high``; empty where the key is absent."""
        value = self._take(key)
        if value is None:
            return {}
        if (
            isinstance(value, dict)
            and len(value) <= MAX_CODES
            and all(type(one) is int and 1 <= one <= high for one in value.values())
        ):
            return dict(value)
        self.fault(
            key,
            expected=Words(f"值为 1 至 {high} 的整数的表", f"a table of whole numbers from 1 to {high}"),
            found=show(value),
        )
        return {}

    def table(self, key: str) -> "Table":
        """Return the table under ``key``; an absent one reads as an empty one."""
        return Table(self._take(key), (*self.path, key), self.faults)

    def tables(self, key: str, *, most: int) -> "tuple[Table, ...]":
        """Return the tables of a list ``[[key]]``; one table alone counts as a list of one."""
        value = self._take(key)
        if value is None:
            return ()
        if isinstance(value, dict):
            return (Table(value, (*self.path, key), self.faults),)
        if isinstance(value, list) and len(value) <= most:
            return tuple(Table(one, (*self.path, key, place), self.faults) for place, one in enumerate(value))
        expected = Words(f"至多 {most} 个表（[[{key}]]）", f"at most {most} tables ([[{key}]])")
        self.fault(key, expected=expected, found=show(value))
        return ()

    def tables_by_name(self, key: str, *, most: int) -> "dict[str, Table]":
        """Return the tables inside the table ``key``, by name."""
        value = self._take(key)
        if value is None:
            return {}
        if isinstance(value, dict) and len(value) <= most:
            return {name: Table(one, (*self.path, key, name), self.faults) for name, one in value.items()}
        expected = Words(f"至多 {most} 个表（[{key}.…]）", f"at most {most} tables ([{key}.…])")
        self.fault(key, expected=expected, found=show(value))
        return {}

    def raw(self, key: str) -> Mapping[str, object]:
        """Return a table that somebody else reads, as it is."""
        value = self._take(key)
        if value is None or isinstance(value, dict):
            return value or {}
        self.fault(key, expected=Words("一个表", "a table"), found=show(value))
        return {}

    def finish(self) -> None:
        """Note every key that nobody read: a misspelt key must not silently mean the default."""
        for key in self._values:
            if key not in self._read:
                self.fault(
                    key[:MAX_WORD],
                    expected=one_of(self._read),
                    found=Words("未知的键", "an unknown key"),
                    meant=nearest(key, self._read),
                )

    def _take(self, key: str) -> object:
        self._read.append(key)
        return self._values.get(key)

    def _is_there(self, key: str) -> bool:
        self._read.append(key)
        return key in self._values


def one_of(names: Collection[str]) -> Words:
    """Return the words for "one of these"."""
    listed = ", ".join(sorted(set(names)))
    return Words(f"{listed} 之一", f"one of {listed}")
