"""A table of a TOML file that is read key by key and collects every fault instead of stopping at the first."""

import base64
import binascii
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

MAX_TOML_BYTES: Final = 256 * 1024  # the largest file of a site folder has a few kB; tomllib reads 1 MB in a second
MAX_TEXT: Final = 512  # characters of one value: names, an audience, a path
_SHOWN: Final = 60  # characters of a wrong value that a fault repeats
_SHOWN_INTEGER: Final = 10**18  # Python refuses to spell integers of thousands of digits
_LARGE_INTEGER: Final = "…"

_Choice = TypeVar("_Choice", bound=StrEnum)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PLACE: Final = re.compile(r"at line (\d+), column (\d+)")


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str


Wording = Words | str  # a text that is the same in both languages: a number, a name, an example

_MISSING: Final = Words("未填写", "nothing")
_UNKNOWN_KEY: Final = Words("未知的键", "an unknown key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a site folder; ``key`` is "" when it is the file as a whole."""

    file: str
    key: str
    expected: Wording
    found: Wording

    def __str__(self) -> str:
        """Return the line that an operator reads: where, what was expected, what was found."""
        return f"{self._place}: expected {in_english(self.expected)}, found {in_english(self.found)}"

    @property
    def sentence_zh(self) -> str:
        """Return the same line in Chinese."""
        return f"{self._place}：应为{in_chinese(self.expected)}，实际为{in_chinese(self.found)}"

    @property
    def _place(self) -> str:
        return f"{self.file}: {self.key}" if self.key else self.file


def in_chinese(words: Wording) -> str:
    """Return the Chinese of words that may have two forms."""
    return words.zh if isinstance(words, Words) else words


def in_english(words: Wording) -> str:
    """Return the English of words that may have two forms."""
    return words.en if isinstance(words, Words) else words


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

    def fault(self, key: str, *, expected: Wording, found: Wording) -> None:
        """Note a fault of ``key`` that only the reader of this table can know."""
        self._faults.append(Fault(file=self._file, key=self._prefix + key, expected=expected, found=found))

    def text(
        self,
        key: str,
        *,
        default: str | None = None,
        pattern: str = r".+",
        expected: Wording = Words("文本", "a text"),  # noqa: B008 — an immutable value
    ) -> str:
        """Return a text of at most 512 characters that matches ``pattern`` as a whole; no default: it is required."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(pattern, value, re.DOTALL):
            return value
        self.fault(key, expected=expected, found=_show(value))
        return ""

    def long_text(self, key: str, *, expected: Wording) -> str:
        """Return a required text that may be longer and is never repeated in a fault (a key in PEM form)."""
        value = self._take(key)
        if isinstance(value, str) and value:
            return value
        self.fault(key, expected=expected, found=_kind(value))
        return ""

    def texts(
        self,
        key: str,
        *,
        most: int,
        default: tuple[str, ...] | None = None,
        pattern: str = r".+",
        expected: Wording = Words("文本", "texts"),  # noqa: B008 — an immutable value
    ) -> tuple[str, ...]:
        """Return a list of at most ``most`` texts as `text` reads them; no default: at least one is required."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if (
            isinstance(value, list)
            and 1 <= len(value) <= most
            and all(isinstance(one, str) and len(one) <= MAX_TEXT for one in value)
            and all(re.fullmatch(pattern, one, re.DOTALL) for one in value)
        ):
            return tuple(value)
        zh, en = f"1 至 {most} 项的列表：{in_chinese(expected)}", f"a list of 1 to {most}: {in_english(expected)}"
        self.fault(key, expected=Words(zh, en), found=_show(value))
        return ()

    def base64(self, key: str) -> bytes:
        """Return required bytes that are written in base64."""
        text = self.long_text(key, expected="base64")
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            self.fault(key, expected="base64", found=Words("其他文本", "another text"))
            return b""

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the table, without reading them."""
        return tuple(self._values)

    def has(self, key: str) -> bool:
        """Say whether a key is there, without reading it."""
        return key in self._values

    def integer(self, key: str, *, default: int, low: int, high: int) -> int:
        """Return a whole number with ``low <= number <= high``."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(
            key, expected=Words(f"{low} 至 {high} 的整数", f"a whole number from {low} to {high}"), found=_show(value)
        )
        return default

    def seconds(self, key: str, *, default: float, low: float, high: float) -> float:
        """Return a number of seconds with ``low <= seconds <= high``."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        zh, en = f"{low:g} 至 {high:g} 的秒数", f"seconds from {low:g} to {high:g}"
        self.fault(key, expected=Words(zh, en), found=_show(value))
        return default

    def number(self, key: str, *, low: float, high: float) -> float | None:
        """Return an optional number with ``low <= number <= high``."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        zh, en = f"{low:.4g} 至 {high:.0f} 的数", f"a number from {low:.4g} to {high:.0f}"
        self.fault(key, expected=Words(zh, en), found=_show(value))
        return None

    def share(self, key: str, *, default: float) -> float:
        """Return a number from 0 to 1."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        self.fault(key, expected=Words("0 至 1 的数", "a number from 0 to 1"), found=_show(value))
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.fault(key, expected=Words("true 或 false", "true or false"), found=_show(value))
        return default

    def moment(self, key: str) -> datetime | None:
        """Return an optional moment; one without an offset from UTC is a fault, because nobody knows what it means."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        zh, en = "带时区的日期时间，例如 ", "a date-time with an offset, such as "
        example = "2026-01-01T00:00:00+08:00"
        self.fault(key, expected=Words(zh + example, en + example), found=_show(value))
        return None

    def choice(self, key: str, choices: type[_Choice]) -> _Choice | None:
        """Return one of the members of an enum; None only after a fault."""
        value = self._take(key)
        if isinstance(value, str) and value in {member.value for member in choices}:
            return choices(value)
        self.fault(key, expected=", ".join(member.value for member in choices), found=_show(value))
        return None

    def table(self, key: str) -> "TomlTable":
        """Return the table under ``key``; an absent one is read as an empty one, so that its keys are named."""
        value = self._take(key)
        if not (value is None or isinstance(value, dict)):
            self.fault(key, expected=Words("一个表（[…]）", "a table"), found=_show(value))
        values = value if isinstance(value, dict) else {}
        return TomlTable(values, file=self._file, faults=self._faults, prefix=f"{self._prefix}{key}.")

    def tables(self, key: str, *, most: int) -> "tuple[TomlTable, ...]":
        """Return the tables of a list (``[[key]]``), none where it is absent; at most ``most`` of them are taken."""
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > most or not all(isinstance(one, dict) for one in value):
            zh, en = f"至多 {most} 个表（[[{key}]]）", f"at most {most} tables ([[{key}]])"
            found = Words(f"{len(value)} 项", f"{len(value)} of them") if isinstance(value, list) else _show(value)
            self.fault(key, expected=Words(zh, en), found=found)
            return ()
        return tuple(
            TomlTable(one, file=self._file, faults=self._faults, prefix=f"{self._prefix}{key}[{place}].")
            for place, one in enumerate(value, 1)
        )

    def integers(self, key: str, *, most: int, default: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
        """Return a list of 1 to ``most`` whole numbers with ``low <= number <= high``."""
        value = self._take(key)
        if value is None:
            return default
        if (
            isinstance(value, list)
            and 1 <= len(value) <= most
            and all(isinstance(one, int) and not isinstance(one, bool) and low <= one <= high for one in value)
        ):
            return tuple(value)
        zh, en = f"1 至 {most} 个 {low} 至 {high} 的整数", f"1 to {most} whole numbers from {low} to {high}"
        self.fault(key, expected=Words(zh, en), found=_show(value))
        return default

    def finish(self) -> None:
        """Note every key that nobody read: a misspelt setting must not silently mean the default."""
        for key in self._values:
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                self.fault(key[:MAX_TEXT], expected=Words(f"{known} 之一", f"one of {known}"), found=_UNKNOWN_KEY)

    def _take(self, key: str) -> object:
        self._read.add(key)
        return self._values.get(key)


def load_toml(path: Path, *, file: str, faults: list[Fault]) -> TomlTable | None:
    """Read one TOML file; None after a fault that says why it could not be read. ``file`` is how faults name it."""
    expected: Wording
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_TOML_BYTES + 1)
    except OSError as error:
        expected = Words("可读取的 TOML 文件", "a readable TOML file")
        faults.append(Fault(file=file, key="", expected=expected, found=describe_os_error(error)))
        return None
    if len(content) > MAX_TOML_BYTES:
        expected = Words(f"至多 {MAX_TOML_BYTES} 字节", f"at most {MAX_TOML_BYTES} bytes")
        faults.append(Fault(file=file, key="", expected=expected, found=Words("更大的文件", "a larger file")))
        return None
    try:
        if content.startswith(_BYTE_ORDER_MARK):
            raise _ByteOrderMarkError  # noqa: TRY301 — named as what it is, where tomllib would call it a syntax error
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, _ByteOrderMarkError) as error:
        expected = Words("UTF-8 编码的 TOML", "TOML in UTF-8")
        faults.append(Fault(file=file, key="", expected=expected, found=_toml_fault(error)))
        return None
    return TomlTable(values, file=file, faults=faults)


def describe_os_error(error: OSError) -> Words:
    """Say why a file or a folder could not be read."""
    match error:
        case FileNotFoundError():
            return Words("文件不存在", "no such file")
        case PermissionError():
            return Words("没有读取权限", "no permission to read it")
        case IsADirectoryError() | NotADirectoryError():
            return Words("类型不符（文件与文件夹混淆）", "a folder in place of a file, or the other way round")
        case _:
            why = error.strerror or type(error).__name__
            return Words(f"无法读取（{why}）", f"an unreadable file ({why})")


def describe_entry(path: Path) -> Words:
    """Say what an entry of a folder is, when it does not belong there."""
    return Words("文件夹", "a folder") if path.is_dir() else Words("其他文件", "another file")


class _ByteOrderMarkError(Exception):
    """The file begins with a byte order mark."""


def _toml_fault(error: Exception) -> Words:
    """Say what is wrong with a file; only tomllib's own texts are repeated, and they name places, not values."""
    if isinstance(error, tomllib.TOMLDecodeError):
        place = _PLACE.search(str(error))
        zh = f"第 {place[1]} 行第 {place[2]} 列有语法错误" if place else "语法错误"
        return Words(zh, f"a syntax error: {str(error)[: _SHOWN * 2]}")
    if isinstance(error, _ByteOrderMarkError):
        return Words("开头的字节顺序标记（BOM），请另存为不带 BOM 的 UTF-8", "a byte order mark; save it without one")
    if isinstance(error, UnicodeDecodeError):
        return Words("非 UTF-8 的字节", "bytes that are not UTF-8")
    return Words("嵌套过深的表", "tables nested too deep")


def _kind(value: object) -> Words:
    """Name the type of a value in the words of TOML."""
    match value:
        case None:
            return _MISSING
        case "":
            return Words("空文本", "an empty text")
        case str():
            return Words("文本", "a text")
        case bool():
            return Words("true 或 false", "true or false")
        case int() | float():
            return Words("数字", "a number")
        case dict():
            return Words("表", "a table")
        case list():
            return Words("列表", "a list")
        case _:
            return Words("日期或时间", "a date or a time")


def _show(value: object) -> Wording:
    """Return a wrong value as the file spells it, shortened; settings are no personal data, keys go by `long_text`."""
    match value:
        case str() if value:
            shown = json.dumps(value, ensure_ascii=False)
        case bool():
            return "true" if value else "false"
        case int() | float():
            shown = str(value) if not isinstance(value, int) or abs(value) < _SHOWN_INTEGER else _LARGE_INTEGER
        case date() | time():
            shown = value.isoformat()
        case _:
            return _kind(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
