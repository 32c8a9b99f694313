"""Types of holder codes (持证主体代码类型代码): GB/T 36903 Annex A, and what other systems write instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from adapters.codes.code import Code, CodeFlag
from adapters.codes.organisation import parse_credit_code
from adapters.codes.person import parse_citizen_id
from adapters.mapping.fault import Words, nearest, quote
from adapters.mapping.rule import Evidence
from adapters.mapping.table import Table
from adapters.mapping.toml import parse_toml

CREDIT_CODE: Final = "001"
CITIZEN_ID: Final = "111"

MAX_TYPES: Final = 1_000  # three digits
MAX_SYSTEMS: Final = 100  # three for each province, ministries included
MAX_SYSTEM_CODES: Final = 1_000  # of one system; the longest list met has 16

_FILE: Final = "holder_types.toml"
_FEW_FAULTS: Final = frozenset({CodeFlag.CITIZEN_ID_SPELLING, CodeFlag.CITIZEN_ID_OLD, CodeFlag.CREDIT_CODE_SPELLING})


class HolderKind(StrEnum):
    """Who has a number of a type."""

    PERSON = "person"
    ORGANISATION = "organisation"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCodeType:
    """One type of GB/T 36903."""

    gb: str
    zh: str
    en: str
    holder: HolderKind
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderTypeSystem:
    """One system's codes. ``to_gb`` reads them; ``from_gb`` writes, and has no entry for what would be read otherwise.

    ``guessed`` says that its clients take the type from the length of the number, so that it proves nothing.
    """

    id: str
    zh: str
    en: str
    guessed: bool
    to_gb: Mapping[str, str]
    from_gb: Mapping[str, str]
    evidence: Mapping[str, Evidence]


class HolderTypes:
    """All types by their code of GB/T 36903, and all systems by their id."""

    __slots__ = ("systems", "types")

    def __init__(self, types: Iterable[HolderCodeType], systems: Iterable[HolderTypeSystem]) -> None:
        """Index both; the reader made sure that nothing stands twice."""
        self.types: Mapping[str, HolderCodeType] = {one.gb: one for one in types}
        self.systems: Mapping[str, HolderTypeSystem] = {one.id: one for one in systems}


def shown_holder_type(code: str) -> str:
    """Return the type that the check characters of a number show, 111 or 001; "" when they show none or both."""
    readings = {CITIZEN_ID: parse_citizen_id(code), CREDIT_CODE: parse_credit_code(code)}
    shown = [gb for gb, reading in readings.items() if _holds(reading)]
    return shown[0] if len(shown) == 1 else ""


def holder_code_flags(code: str, gb: str) -> frozenset[CodeFlag]:
    """Return what is odd about a holder's code of a stated type (a code of GB/T 36903).

    A received type may be a guess from the length of the number; where the number shows the other type of 18
    characters, `CodeFlag.HOLDER_CODE_TYPE` says so, and nothing is put right.
    """
    shown = shown_holder_type(code)
    if gb in {CITIZEN_ID, CREDIT_CODE} and shown and shown != gb:
        return frozenset({CodeFlag.HOLDER_CODE_TYPE})
    if gb == CITIZEN_ID:
        return parse_citizen_id(code).flags
    return parse_credit_code(code).flags if gb == CREDIT_CODE else frozenset()


def load_holder_types(data: bytes, file: str, *, base: HolderTypes | None = None) -> HolderTypes:
    """Read a table of holder code types; ``file`` is how faults name it.

    With ``base`` its types and systems stay, but for those that the file has too.

    Raises:
        MappingError: with all faults of the file.

    """
    toml = parse_toml(data, file)
    root = Table(toml.tables, (), toml.faults)
    types: dict[str, HolderCodeType] = {}
    for table in root.tables("type", most=MAX_TYPES):
        one = _read_type(table)
        if one.gb in types:
            table.fault("gb", expected=_ONCE, found=quote(one.gb))
        types[one.gb] = one
    known = {**({} if base is None else base.types), **types}
    systems: dict[str, HolderTypeSystem] = {}
    for table in root.tables("system", most=MAX_SYSTEMS):
        system = _read_system(table, known)
        if system.id in systems:
            table.fault("id", expected=_ONCE, found=quote(system.id))
        systems[system.id] = system
    root.finish()
    toml.faults.raise_if_any()
    kept = {} if base is None else base.systems
    return HolderTypes(known.values(), {**kept, **systems}.values())


@cache
def shipped_holder_types() -> HolderTypes:
    """Return the table that comes with the package; that of a site goes beside it."""
    return load_holder_types(files("adapters.codes").joinpath(_FILE).read_bytes(), _FILE)


_ONCE: Final = Words("未出现过的代码", "a code that stands nowhere else")


def _holds(code: Code) -> bool:
    return bool(code.normal) and code.flags <= _FEW_FAULTS


def _read_type(table: Table) -> HolderCodeType:
    one = HolderCodeType(
        gb=table.text("gb"),
        zh=table.text("zh"),
        en=table.text("en"),
        holder=table.choice("holder", HolderKind, default=HolderKind.ANY),
        evidence=table.choice("evidence", Evidence, default=Evidence.INFERRED),
    )
    table.finish()
    return one


def _read_system(table: Table, types: Mapping[str, HolderCodeType]) -> HolderTypeSystem:
    to_gb: dict[str, str] = {}
    from_gb: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    for entry in table.tables("code", most=MAX_SYSTEM_CODES):
        code, gb = entry.text("code"), entry.text("gb")
        if gb and gb not in types:
            expected = Words("[[type]] 中的代码", "a code of [[type]]")
            entry.fault("gb", expected=expected, found=quote(gb), meant=nearest(gb, types))
        if code in to_gb:
            entry.fault("code", expected=_ONCE, found=quote(code))
        to_gb[code] = gb
        evidence[code] = entry.choice("evidence", Evidence, default=Evidence.INFERRED)
        if not entry.flag("reads_only"):
            if gb in from_gb:
                expected = Words("true（同一含义只写出一个代码）", "true: one code is written for one meaning")
                entry.fault("reads_only", expected=expected, found=quote(from_gb[gb]))
            from_gb[gb] = code
        entry.finish()
    system = HolderTypeSystem(
        id=table.text("id"),
        zh=table.text("zh"),
        en=table.text("en"),
        guessed=table.flag("guessed"),
        to_gb=to_gb,
        from_gb=from_gb,
        evidence=evidence,
    )
    table.finish()
    return system
