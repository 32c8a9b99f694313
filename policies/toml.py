"""A TOML file of a policy: bounded bytes in, plain tables and the lines on which they begin out."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from policies.fault import Place, PolicyError, PolicyFault, Words, same, spell

MAX_FILE_BYTES: Final = 4 * 1024 * 1024  # 8,000 rules of 500 bytes; tomllib reads about 3 MB a second
MAX_DEPTH: Final = 8  # tables and lists inside each other; the deepest that a policy needs is 5
MAX_KEYS: Final = 2_000  # of one table; the widest are grants and ceilings, of some hundred fields
MAX_DOTS: Final = 64  # of one line: tomllib needs quadratic time for long dotted keys; sentences have fewer
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BARE: Final = r"[A-Za-z0-9_-]+"
_PATH: Final = rf"{_BARE}(?:[ \t]*\.[ \t]*{_BARE})*"
_HEADER: Final = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_PATH})[ \t]*\]\]?[ \t\r]*(?:#.*)?")
_KEY: Final = re.compile(rf"[ \t]*({_PATH})[ \t]*=")
_WORD: Final = re.compile(r"[^\s,\]}#]*")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """The tables of a file, not judged yet. ``lines`` holds the line of each path that is certain."""

    file: str
    tables: Mapping[str, object]
    lines: Mapping[Path, int] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Return where a path stands, or else the nearest table around it; the n-th ``[[rule]]`` is ("rule", n)."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return Place(self.file, line)
        return Place(self.file, None)


def parse_policy_file(data: bytes, file: str) -> PolicyFile:
    """Read one file; ``file`` is how faults name it.

    Raises:
        PolicyError: it is too large, not UTF-8, no TOML, nested too deep, or has too wide a table; with one fault.

    """
    text = _decode(data, file)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS:
            expected = Words(f"一行内至多 {MAX_DOTS} 个点", f"at most {MAX_DOTS} dots in a line")
            raise _error(file, number, expected, Words("更多的点", "more of them"))
    too_deep = Words(f"至多 {MAX_DEPTH} 层嵌套", f"tables and lists at most {MAX_DEPTH} deep")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, file) from error
    except RecursionError as error:
        raise _error(file, None, too_deep, Words("更深的嵌套", "deeper ones")) from error
    except ValueError as error:  # Python refuses to read integers of thousands of digits
        expected = Words("较短的数字", "numbers of fewer digits")
        raise _error(file, None, expected, Words("过长的整数", "a whole number of thousands of digits")) from error
    widest = _measure(tables)
    if widest is None:
        raise _error(file, None, too_deep, Words("更深的嵌套", "deeper ones"))
    if widest > MAX_KEYS:
        expected = Words(f"一个表中至多 {MAX_KEYS} 个键", f"at most {MAX_KEYS} keys in one table")
        raise _error(file, None, expected, Words(f"{widest} 个", f"{widest} of them"))
    return PolicyFile(file=file, tables=tables, lines=_find_lines(text, tables))


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_FILE_BYTES:
        expected = Words(
            f"至多 {MAX_FILE_BYTES} 字节（更大的文件读取过慢，可拆分为多个文件）",
            f"at most {MAX_FILE_BYTES} bytes (larger files are read too slowly; split it)",
        )
        raise _error(file, None, expected, Words(f"{len(data)} 字节", f"{len(data)} bytes"))
    if data.startswith(_BYTE_ORDER_MARK):
        expected = Words("不带字节顺序标记（BOM）的 UTF-8", "UTF-8 without a byte order mark")
        raise _error(file, 1, expected, Words("开头的字节顺序标记", "a byte order mark"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        found = Words(f"第 {column} 字节起非 UTF-8", f"bytes that are not UTF-8 from byte {column} of the line")
        raise _error(file, line, Words("UTF-8 文本", "text in UTF-8"), found) from error


def _syntax_error(message: str, text: str, file: str) -> PolicyError:
    """Say where the syntax is broken, and what to do where the habit of another format is the likely cause."""
    place = _PLACE.search(message)
    lines = text.split("\n")
    if place is None or place[1] is None:
        return _error(file, len(lines), _TOML, Words("文件末尾的语法错误", f"at its end: {_PLACE.sub('', message)}"))
    number, column = int(place[1]), int(place[2])
    line = lines[number - 1] if number <= len(lines) else ""
    bare = _unquoted(line, column - 1) if message.startswith(_AT_A_WORD) else ""
    if bare:
        return _error(file, number, _QUOTED, same(spell(bare)))
    what = spell(_PLACE.sub("", message))
    found = Words(f"第 {column} 列的语法错误（{what}）", f"a syntax error in column {column} ({what})")
    return _error(file, number, _TOML, found)


_TOML: Final = Words("TOML 语法", "TOML")
_AT_A_WORD: Final = ("Invalid value", "Expected newline or end of document", "Unclosed array", "Unclosed inline table")
_QUOTED: Final = Words('带引号的文本，例如 "NO" 或 "012345"', 'quoted text, such as "NO" or "012345"')


def _unquoted(line: str, column: int) -> str:
    """Return the value that stands without quotes around a column: NO, 012345, 11340000-000123; "" if it is none."""
    start = max(line.rfind(mark, 0, column) for mark in "=[,{ ") + 1
    before = line[:start].rstrip()
    match = _WORD.match(line, start)
    word = match[0] if match else ""
    looks_bare = word[:1].isalnum() and not any(mark in word for mark in "\"'=")
    return word if looks_bare and before[-1:] in {"=", "[", ","} else ""


def _error(file: str, line: int | None, expected: Words, found: Words) -> PolicyError:
    return PolicyError([PolicyFault(file=file, line=line, key="", expected=expected, found=found)])


def _measure(tables: object) -> int | None:
    """Return the number of keys of the widest table; None where tables and lists stand too deep inside each other."""
    level, widest = [tables], 0
    for _ in range(MAX_DEPTH + 1):
        widest = max([widest, *(len(one) for one in level if isinstance(one, dict))])
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
    return None if level else widest


def _find_lines(text: str, tables: Mapping[str, object]) -> dict[Path, int]:
    """Map paths to lines, as far as it is certain without a parser.

    A line that looks like a header or like ``key =`` is one, unless it stands inside a text of several lines; so a
    file with such texts has no lines. Of a list with other than plain ``[[name]]`` headers no line is kept.
    """
    if '"""' in text or "'''" in text:
        return {}
    lines: dict[Path, int] = {}
    counts: dict[str, int] = {}
    here: Path | None = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            here = _enter(header, counts)
            if here is not None:
                lines.setdefault(here, number)
        elif here is not None and (key := _KEY.match(line)):
            lines.setdefault((*here, *_parts(key[1])), number)
    certain = {
        name for name, value in tables.items() if counts.get(name, 0) == (len(value) if isinstance(value, list) else 0)
    }
    return {path: number for path, number in lines.items() if path[0] in certain}


def _enter(header: re.Match[str], counts: dict[str, int]) -> Path | None:
    """Return the path that a header opens; None for one that no policy has."""
    parts = _parts(header[2])
    name = str(parts[0])
    if header[1] == "[[":
        if len(parts) > 1:
            return None
        counts[name] = counts.get(name, 0) + 1
        return (name, counts[name] - 1)
    return (name, counts[name] - 1, *parts[1:]) if name in counts else parts


def _parts(path: str) -> Path:
    return tuple(part.strip() for part in path.split("."))
