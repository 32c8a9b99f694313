"""A table of a policy file as a typed value, or all that is wrong with it.

The shapes are msgspec structs. msgspec reads what is right; what is not is walked here, because msgspec stops at the
first fault and speaks to programmers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, inspect

from policies.catalogue import find_hidden
from policies.fault import Place, Report, Words, same, spell
from policies.toml import Path, PolicyFile

_LONGEST_KEY: Final = 80  # characters of one part of a dotted path: the name of a table and an id of 64
_SHOWN_INTEGER: Final = 10**18  # Python refuses to spell integers of thousands of digits

_Shape = TypeVar("_Shape", bound=Struct)

_MISSING: Final = Words("未填写", "nothing")
_TABLE: Final = Words("表（{ … }）", "a table")
_FLAG: Final = same("true / false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a table of a policy comes from: its file, its path there, and how faults name it (`rule R-014`)."""

    file: PolicyFile
    path: Path
    label: str

    def place(self, *keys: str) -> Place:
        """Return where this table, or a key in it, stands."""
        return self.file.place((*self.path, *keys))

    def fault(self, report: Report, *keys: str, expected: Words, found: Words, meant: str = "") -> None:
        """Note a fault of this table, or of a key in it."""
        if report.is_full:
            report.count_only()
            return
        dotted = ".".join(spell(key, _LONGEST_KEY) for key in (self.label, *keys) if key)
        report.add(self.place(*keys), dotted, expected=expected, found=found, meant=meant)


def read_table(value: object, shape: type[_Shape], origin: Origin, report: Report) -> _Shape | None:
    """Return a table as the struct ``shape``; None after every fault of it was noted."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        before = report.count
        _Walk(origin, report).judge(value, _type_of(shape), ())
        if report.count == before:  # a table that cannot be read is never left out in silence
            origin.fault(report, expected=Words("符合规定的表", "a table as the format says"), found=same(str(error)))
        return None


def one_of(known: Mapping[str, object] | list[str] | tuple[str, ...]) -> Words:
    """Return the expectation of one among some names; of long lists the first."""
    names = list(known)[:_NAMED]
    more_zh, more_en = ("等", ", …") if len(known) > _NAMED else ("", "")
    return Words(f"{'、'.join(names)}{more_zh}之一", f"one of {', '.join(names)}{more_en}")


_NAMED: Final = 12


def quoted(value: object) -> Words:
    """Return what was found as its file spells it, shortened; anything but text and numbers by its kind only."""
    match value:
        case None:
            return _MISSING
        case "":
            return Words("空文本", "an empty text")
        case str():
            return same(f'"{spell(value)}"')
        case bool():
            return same("true" if value else "false")
        case int() | float():
            is_short = isinstance(value, float) or abs(value) < _SHOWN_INTEGER
            return same(str(value)) if is_short else Words("很大的整数", "a huge number")
        case date() | time():
            return same(value.isoformat())
        case dict():
            return Words("表", "a table")
        case _:
            return Words("列表", "a list") if value else Words("空列表", "an empty list")


def spelled(texts: Iterable[str]) -> str:
    """Return some texts of a file so that they can be shown in a sentence."""
    return ", ".join(map(spell, texts))


@lru_cache
def _type_of(shape: type[Struct]) -> inspect.Type:
    return inspect.type_info(shape)


class _Walk:
    """Judges a value by a type, as msgspec does, and notes every fault at its key."""

    def __init__(self, origin: Origin, report: Report) -> None:
        self._origin = origin
        self._report = report

    def judge(self, value: object, kind: inspect.Type, keys: tuple[str, ...]) -> None:
        """Note what is wrong with a value that should be of a type."""
        kind = _alternative(kind, value)
        inner = _plain(kind)
        match inner:
            case inspect.StructType() if isinstance(value, dict):
                self._judge_struct(value, inner, keys)
            case inspect.DictType() if isinstance(value, dict) and len(value) >= (inner.min_length or 0):
                for key, one in value.items():
                    self.judge(key, inner.key_type, (*keys, key))
                    self.judge(one, inner.value_type, (*keys, key))
            case inspect.VarTupleType() if isinstance(value, list) and len(value) >= (inner.min_length or 0):
                for one in value:
                    self.judge(one, inner.item_type, keys)
            case inspect.StrType() if isinstance(value, str):
                self._judge_text(value, kind, inner, keys)
            case inspect.EnumType() if isinstance(value, str):
                self._judge_member(value, inner, keys)
            case _:
                if not _is_scalar(value, inner):
                    self._fault(keys, _expected(kind), _unquoted(value, inner))

    def _judge_struct(self, value: dict[str, object], kind: inspect.StructType, keys: tuple[str, ...]) -> None:
        known = {field.encode_name: field for field in kind.fields}
        for key, one in value.items():
            field = known.get(key)
            if field is None:
                found = Words("未知的键", "an unknown key")
                self._fault((*keys, key), one_of(known), found, self._report.hint(key, known))
            else:
                self.judge(one, field.type, (*keys, key))
        for name, field in known.items():
            if field.required and name not in value:
                self._fault((*keys, name), _expected(field.type), _MISSING)

    def _judge_member(self, value: str, kind: inspect.EnumType, keys: tuple[str, ...]) -> None:
        members = [str(member.value) for member in kind.cls]
        if value not in members:
            self._fault(keys, one_of(members), quoted(value), self._report.hint(value, members))

    def _judge_text(self, value: str, kind: inspect.Type, inner: inspect.StrType, keys: tuple[str, ...]) -> None:
        hidden = find_hidden(value)
        if hidden:
            number = f"U+{ord(hidden):04X}"
            found = Words(f"含不可见字符 {number} 的文本", f"a text with the invisible character {number}")
        elif inner.max_length is not None and len(value) > inner.max_length:
            found = Words(f"{len(value)} 个字符", f"{len(value)} characters")
        else:
            found = quoted(value)
        is_too_short = len(value) < (inner.min_length or 0)
        is_too_long = inner.max_length is not None and len(value) > inner.max_length
        is_other = inner.pattern is not None and not re.search(inner.pattern, value)
        if is_too_short or is_too_long or is_other:
            self._fault(keys, _expected(kind), found)

    def _fault(self, keys: tuple[str, ...], expected: Words, found: Words, meant: str = "") -> None:
        self._origin.fault(self._report, *keys, expected=expected, found=found, meant=meant)


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return the type without the words that describe it."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _is_scalar(value: object, kind: inspect.Type) -> bool:
    """Say whether a value is what a type of numbers or flags accepts."""
    if isinstance(kind, inspect.BoolType):
        return isinstance(value, bool)
    if not isinstance(kind, inspect.IntType) or not isinstance(value, int) or isinstance(value, bool):
        return False
    return (kind.ge is None or kind.ge <= value) and (kind.le is None or value <= kind.le)


def _alternative(kind: inspect.Type, value: object) -> inspect.Type:
    """Return the one type of several that was probably meant; TOML has no null."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    types = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    lists = [one for one in types if isinstance(one, inspect.VarTupleType) and isinstance(value, list)]
    tables = [one for one in types if isinstance(one, inspect.StructType) and isinstance(value, dict)]
    return [*lists, *tables, *types][0]


def _expected(kind: inspect.Type) -> Words:
    """Say in words what a type accepts."""
    kind = _alternative(kind, None)
    inner = _plain(kind)
    match inner:
        case inspect.StrType():
            extra = kind.extra if isinstance(kind, inspect.Metadata) else None
            words = Words(extra["zh"], extra["en"]) if extra else Words("文本", "any")
            return Words(f"带引号的文本（{words.zh}）", f"quoted text ({words.en})")
        case inspect.EnumType():
            names = one_of([str(member.value) for member in inner.cls])
            return Words(f"带引号的文本（{names.zh}）", f"quoted text ({names.en})")
        case inspect.IntType():
            return Words(f"{inner.ge} 至 {inner.le} 的整数", f"a whole number from {inner.ge} to {inner.le}")
        case inspect.BoolType():
            return _FLAG
        case inspect.VarTupleType():
            words = _expected(inner.item_type)
            return Words(f"至少一项的列表（[…]），每项为{words.zh}", f"a list of at least one: {words.en}")
        case inspect.DictType():
            words = _expected(inner.key_type)
            return Words("至少一项的表（{ … }）", "a table of at least one") if inner.min_length else _TABLE
        case _:
            return _TABLE


def _unquoted(value: object, kind: inspect.Type) -> Words:
    """Say what was found; where text was expected, that the quotes are missing."""
    found = quoted(value)
    wants_text = isinstance(kind, inspect.StrType | inspect.EnumType)
    if wants_text and isinstance(value, bool | int | float | date | time):
        return Words(f"不带引号的 {found.zh}", f"{found.en} without quotes")
    return found
