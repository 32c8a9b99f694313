"""Licence types (证照类型) over time: which codes and names mean one kind of licence, and what took whose place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from adapters.codes.code import fold_code
from adapters.codes.normal import normal_text
from adapters.codes.period import Period, read_day, read_period
from adapters.mapping.fault import Words, nearest, quote
from adapters.mapping.rule import Evidence
from adapters.mapping.table import Table
from adapters.mapping.toml import parse_toml

MAX_LICENCE_TYPES: Final = 5_000  # of one table; a province's catalogue lists one to two thousand
MAX_SPELLINGS: Final = 100  # codes or names of one type; each of 34 provinces may have two or three
MAX_PREDECESSORS: Final = 50  # of one type; the business licence has taken the place of four

_FILE: Final = "licence_types.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A code or a name of a type, in the time in which new licences had it."""

    text: str
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """The id of a type whose place was taken, and the first day of that; None: not known."""

    id: str
    since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceType:
    """One kind of licence, with its codes (ZZLXDM or a system's own), Chinese names, and what it took the place of."""

    id: str
    en: str
    codes: tuple[Spelling, ...]
    names: tuple[Spelling, ...]
    predecessors: tuple[Predecessor, ...]
    evidence: Evidence


class LicenceTypes:
    """The types of a table, by id, code and name."""

    __slots__ = ("_codes", "_names", "_successors", "types")

    def __init__(self, types: Iterable[LicenceType]) -> None:
        """Index the types; the reader made sure that on no day a code or a name means two of them."""
        self.types: Mapping[str, LicenceType] = {one.id: one for one in types}
        self._codes: dict[str, list[tuple[Period, LicenceType]]] = {}
        self._names: dict[str, list[tuple[Period, LicenceType]]] = {}
        self._successors: dict[str, list[str]] = {}
        for one in self.types.values():
            for code in one.codes:
                self._codes.setdefault(fold_code(code.text), []).append((code.period, one))
            for name in one.names:
                self._names.setdefault(normal_text(name.text), []).append((name.period, one))
            for predecessor in one.predecessors:
                self._successors.setdefault(predecessor.id, []).append(one.id)

    def find(self, *, code: str = "", name: str = "", on: date | None = None) -> LicenceType | None:
        """Return the type of a licence issued on a day; the code decides, and the name where the code says nothing.

        Without a day, a code or a name that has meant two types means none.
        """
        return _only(self._codes.get(fold_code(code), ()), on) or _only(self._names.get(normal_text(name), ()), on)

    def key_of(self, *, code: str = "", name: str = "", on: date | None = None) -> str:
        """Return a text that is the same for all spellings of one type; "" when nothing is said."""
        found = self.find(code=code, name=name, on=on)
        return found.id if found is not None else fold_code(code) or normal_text(name)

    def successors(self, type_id: str) -> tuple[str, ...]:
        """Return the ids of the types that took the place of one."""
        return tuple(self._successors.get(type_id, ()))


def load_licence_types(data: bytes, file: str, *, base: LicenceTypes | None = None) -> LicenceTypes:
    """Read a table of licence types; ``file`` is how faults name it.

    With ``base`` its types stay, but for those whose id the file has too.

    Raises:
        MappingError: with all faults of the file.

    """
    toml = parse_toml(data, file)
    root = Table(toml.tables, (), toml.faults)
    tables = root.tables("type", most=MAX_LICENCE_TYPES)
    types = [_read(table) for table in tables]
    root.finish()
    own = {one.id for one in types}
    kept = [one for one in (() if base is None else base.types.values()) if one.id not in own]
    _check_ids(tables, types, kept)
    for key in ("code", "name"):
        _check_spellings(tables, types, kept, key)
    toml.faults.raise_if_any()
    return LicenceTypes([*kept, *types])


@cache
def shipped_licence_types() -> LicenceTypes:
    """Return the table that comes with the package; that of a site goes beside it."""
    return load_licence_types(files("adapters.codes").joinpath(_FILE).read_bytes(), _FILE)


def _only(found: Iterable[tuple[Period, LicenceType]], day: date | None) -> LicenceType | None:
    types = {one.id: one for period, one in found if period.has(day)}
    return next(iter(types.values())) if len(types) == 1 else None


def _read(table: Table) -> LicenceType:
    one = LicenceType(
        id=table.text("id"),
        en=table.text("en"),
        codes=tuple(_read_spelling(inner, "code") for inner in table.tables("code", most=MAX_SPELLINGS)),
        names=tuple(_read_spelling(inner, "zh") for inner in table.tables("name", most=MAX_SPELLINGS)),
        predecessors=tuple(_read_predecessor(inner) for inner in table.tables("predecessor", most=MAX_PREDECESSORS)),
        evidence=table.choice("evidence", Evidence, default=Evidence.INFERRED),
    )
    if not one.names:
        expected = Words("至少一个 [[type.name]]", "at least one [[type.name]]")
        table.fault("name", expected=expected, found=Words("未填写", "nothing"))
    table.finish()
    return one


def _read_spelling(table: Table, key: str) -> Spelling:
    spelling = Spelling(text=table.text(key), period=read_period(table))
    table.finish()
    return spelling


def _read_predecessor(table: Table) -> Predecessor:
    predecessor = Predecessor(id=table.text("id"), since=read_day(table, "from"))
    table.finish()
    return predecessor


def _check_ids(tables: Iterable[Table], types: list[LicenceType], kept: Iterable[LicenceType]) -> None:
    """Every id once; every predecessor there; and no type its own predecessor, on however long a way."""
    tables = tuple(tables)
    known = {one.id: one for one in kept}
    for table, one in zip(tables, types, strict=True):
        if one.id in known:
            table.fault("id", expected=Words("未出现过的编号", "an id that stands nowhere else"), found=quote(one.id))
        known[one.id] = one
    for table, one in zip(tables, types, strict=True):
        for predecessor in one.predecessors:
            if predecessor.id not in known:
                expected = Words("[[type]] 中的编号", "an id of [[type]]")
                found = quote(predecessor.id)
                table.fault("predecessor", expected=expected, found=found, meant=nearest(predecessor.id, known))
        if _is_before(one.id, known):
            expected = Words("不会绕回自身的前身", "predecessors that do not lead back to the type itself")
            table.fault("predecessor", expected=expected, found=quote(one.id))


def _is_before(type_id: str, known: Mapping[str, LicenceType]) -> bool:
    """Whether a type is among the types before it."""
    seen: set[str] = set()
    left = [type_id]
    while left:
        one = known.get(left.pop())
        for predecessor in () if one is None else one.predecessors:
            if predecessor.id == type_id:
                return True
            if predecessor.id not in seen:
                seen.add(predecessor.id)
                left.append(predecessor.id)
    return False


def _check_spellings(tables: Iterable[Table], types: list[LicenceType], kept: Iterable[LicenceType], key: str) -> None:
    """No code and no name may mean two types on one day."""
    seen: dict[str, list[tuple[Period, str]]] = {}
    for one in kept:
        for spelling in _spellings(one, key):
            seen.setdefault(_folded(spelling, key), []).append((spelling.period, one.id))
    for table, one in zip(tables, types, strict=True):
        for spelling in _spellings(one, key):
            before = seen.setdefault(_folded(spelling, key), [])
            if any(other != one.id and period.overlaps(spelling.period) for period, other in before):
                expected = Words("同一时期只属于一个类型", "of one type only at any time")
                table.fault(key, expected=expected, found=quote(spelling.text))
            before.append((spelling.period, one.id))


def _spellings(one: LicenceType, key: str) -> tuple[Spelling, ...]:
    return one.codes if key == "code" else one.names


def _folded(spelling: Spelling, key: str) -> str:
    return fold_code(spelling.text) if key == "code" else normal_text(spelling.text)
