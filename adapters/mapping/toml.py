"""A mapping file as TOML: bounded bytes in, plain tables and the lines on which keys stand out."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Final, NamedTuple

from adapters.mapping.bounds import MAX_DEPTH, MAX_FILE, MAX_LINE_DOTS
from adapters.mapping.fault import FaultList, Path, Words

_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_DOTTED: Final = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER: Final = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<name>{_DOTTED})\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(rf"\s*(?P<name>{_DOTTED})\s*=")
# The texts and comments of TOML, the longer quotes first (TOML 1.0, "String").
_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""{1,3}|"(?:\\.|[^"\\\n])*"|'
    r"'''.*?'''{1,3}|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)
_LONG: Final = ('"""', "'''")
_PART: Final = re.compile(_NAME)
_PLACE: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_ASKED: Final = Words("UTF-8 编码的 TOML", "TOML in UTF-8")


class TomlFile(NamedTuple):
    """The tables of a file, not judged yet, and where faults of it are noted."""

    tables: Mapping[str, object]
    faults: FaultList


def parse_toml(data: bytes, file: str) -> TomlFile:
    """Read one file; ``file`` is how faults name it.

    Raises:
        MappingError: it is too large, not UTF-8, no TOML, or nested too deep; with one fault.

    """
    faults = FaultList(file)
    if len(data) > MAX_FILE:
        faults.add(
            (),
            expected=Words(f"至多 {MAX_FILE} 字节", f"at most {MAX_FILE} bytes"),
            found=Words("更大的文件", "a larger file"),
        )
        faults.raise_if_any()
    tables: Mapping[str, object] = {}
    text = ""
    try:
        text = data.decode("utf-8")
        if any(line.count(".") > MAX_LINE_DOTS and _is_dotted(line) for line in text.split("\n")):
            faults.add((), expected=_ASKED, found=Words("一个键有过多的点", "a key with too many dots"))
        else:
            tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error)
        place = _PLACE.search(what)
        line = int(place["line"]) if place is not None and place["line"] else None
        at_line = FaultList(file, {("",): line} if line else {})
        reason = _PLACE.sub("", what)
        at_line.add(("",), expected=_ASKED, found=Words(f"语法错误（{reason}）", f"a syntax error: {reason}"))
        at_line.raise_if_any()
    except UnicodeDecodeError:
        faults.add((), expected=_ASKED, found=Words("非 UTF-8 的字节", "bytes that are not UTF-8"))
    except (RecursionError, ValueError):  # very deep nesting, or whole numbers of thousands of digits
        faults.add((), expected=_ASKED, found=Words("过深的嵌套或过长的数字", "nesting or numbers beyond reason"))
    if _is_too_deep(tables):
        expected = Words(f"至多 {MAX_DEPTH} 层嵌套", f"tables and lists at most {MAX_DEPTH} deep")
        faults.add((), expected=expected, found=Words("更深的嵌套", "deeper ones"))
    faults.raise_if_any()
    return TomlFile(tables, FaultList(file, _find_lines(text)))


def digest_tables(tables: Mapping[str, object]) -> str:
    """Return the SHA-256 of tables as canonical JSON: sorted keys, no white space, UTF-8; comments do not count."""
    text = json.dumps(tables, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def _is_dotted(line: str) -> bool:
    """Whether the dots of a line may belong to a key: before an equals sign, or in a header."""
    head = line.partition("=")[0]
    return head.count(".") > MAX_LINE_DOTS or line.lstrip().startswith("[") or "{" in line


def _is_too_deep(tables: object) -> bool:
    level = [tables]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _find_lines(text: str) -> dict[Path, int]:
    """Map paths to lines, as far as it is certain without a parser; ``text`` is TOML."""
    text = _TOKEN.sub(_on_lines, text)  # what stands in a text of several lines is no key
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            here = _enter(_parts(header["name"]), counts, is_list=header["open"] == "[[")
            lines.setdefault(here, number)
        elif key := _KEY.match(line):
            lines.setdefault((*here, *_parts(key["name"])), number)
    return lines


def _on_lines(token: re.Match[str]) -> str:
    """Return a text of several lines as an empty one, and its line ends behind; anything else as it is."""
    return '""' + "\n" * token[0].count("\n") if token[0].startswith(_LONG) else token[0]


def _enter(name: Path, counts: dict[Path, int], *, is_list: bool) -> Path:
    """Return the path that a header opens; a table inside a list belongs to the last of that list."""
    if is_list:
        counts[name] = counts.get(name, 0) + 1
        return (*name, counts[name] - 1)
    for length in range(len(name), 0, -1):
        if name[:length] in counts:
            return (*name[:length], counts[name[:length]] - 1, *name[length:])
    return name


def _parts(name: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(name))
