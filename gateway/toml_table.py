"""A table of a TOML file that is read key by key and collects every fault instead of stopping at the first."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

MAX_TOML_BYTES: Final = 256 * 1024  # the largest file of a site folder has a few kB; tomllib reads 1 MB in a second
MAX_TEXT: Final = 512  # characters of one value: names, an audience, a path
_SHOWN: Final = 60  # characters of a wrong value that a fault repeats

_Choice = TypeVar("_Choice", bound=StrEnum)
_MISSING: Final = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a site folder; ``key`` is "" when it is the file as a whole."""

    file: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Return the line that an operator reads: where, what was expected, what was found."""
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: expected {self.expected}, found {self.found}"


class TomlTable:
    """Reads keys with their types and bounds; a fault is noted and a harmless stand-in returned.

    Whoever builds a value from it looks at the collected faults before using the value.
    """

    def __init__(self, values: Mapping[str, object], *, file: str, faults: list[Fault], prefix: str = "") -> None:
        """Read from ``values``; ``prefix`` is the dotted path of this table in its file."""
        self._values = values
        self._file = file
        self._faults = faults
        self._prefix = prefix
        self._read: set[str] = set()

    def fault(self, key: str, *, expected: str, found: str) -> None:
        """Note a fault of ``key`` that only the reader of this table can know."""
        self._faults.append(Fault(file=self._file, key=self._prefix + key, expected=expected, found=found))

    def text(self, key: str, *, default: str | None = None, pattern: str = r".+", expected: str = "a text") -> str:
        """Return a text of at most 512 characters that matches ``pattern`` as a whole; no default: it is required."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(pattern, value, re.DOTALL):
            return value
        self.fault(key, expected=expected, found=_show(value))
        return ""

    def long_text(self, key: str, *, expected: str) -> str:
        """Return a required text that may be longer and is never repeated in a fault (a key in PEM form)."""
        value = self._take(key)
        if isinstance(value, str) and value:
            return value
        self.fault(key, expected=expected, found=_MISSING if value is None else f"{_kind(value)}")
        return ""

    def integer(self, key: str, *, default: int, low: int, high: int) -> int:
        """Return a whole number with ``low <= number <= high``."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(key, expected=f"a whole number from {low} to {high}", found=_show(value))
        return default

    def seconds(self, key: str, *, default: float, low: float, high: float) -> float:
        """Return a number of seconds with ``low <= seconds <= high``."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.fault(key, expected=f"seconds from {low:g} to {high:g}", found=_show(value))
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.fault(key, expected="true or false", found=_show(value))
        return default

    def moment(self, key: str) -> datetime | None:
        """Return an optional moment; one without an offset from UTC is a fault, because nobody knows what it means."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        self.fault(key, expected="a date-time with an offset, such as 2026-01-01T00:00:00+08:00", found=_show(value))
        return None

    def choice(self, key: str, choices: type[_Choice]) -> _Choice | None:
        """Return one of the members of an enum; None only after a fault."""
        value = self._take(key)
        if isinstance(value, str) and value in {member.value for member in choices}:
            return choices(value)
        self.fault(key, expected=_list(member.value for member in choices), found=_show(value))
        return None

    def table(self, key: str) -> "TomlTable":
        """Return the table under ``key``; an absent one is read as an empty one, so that its keys are named."""
        value = self._take(key)
        if not (value is None or isinstance(value, dict)):
            self.fault(key, expected="a table", found=_show(value))
        values = value if isinstance(value, dict) else {}
        return TomlTable(values, file=self._file, faults=self._faults, prefix=f"{self._prefix}{key}.")

    def finish(self) -> None:
        """Note every key that nobody read: a misspelt setting must not silently mean the default."""
        for key in self._values:
            if key not in self._read:
                self.fault(key[:MAX_TEXT], expected=f"one of {_list(sorted(self._read))}", found="an unknown key")

    def _take(self, key: str) -> object:
        self._read.add(key)
        return self._values.get(key)


def load_toml(path: Path, *, file: str, faults: list[Fault]) -> TomlTable | None:
    """Read one TOML file; None after a fault that says why it could not be read. ``file`` is how faults name it."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_TOML_BYTES + 1)
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "an unreadable file")
        faults.append(Fault(file=file, key="", expected="a readable TOML file", found=found))
        return None
    if len(content) > MAX_TOML_BYTES:
        expected = f"at most {MAX_TOML_BYTES} bytes"
        faults.append(Fault(file=file, key="", expected=expected, found="a larger file"))
        return None
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _toml_fault(error)
        faults.append(Fault(file=file, key="", expected="TOML in UTF-8", found=found))
        return None
    return TomlTable(values, file=file, faults=faults)


def _toml_fault(error: Exception) -> str:
    """Say what is wrong with a file; only tomllib's own texts are repeated, and they name places, not values."""
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"a syntax error: {str(error)[: _SHOWN * 2]}"
    return "bytes that are not UTF-8" if isinstance(error, UnicodeDecodeError) else "tables nested too deep"


def _kind(value: object) -> str:
    names = {str: "an empty text", bool: "true or false", int: "a number", float: "a number", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")


def _show(value: object) -> str:
    """Return a short form of a wrong value; settings are no personal data, keys go through ``long_text``."""
    if value is None:
        return _MISSING
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
