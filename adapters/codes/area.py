"""Area codes (行政区划代码): the six digits of GB/T 2260, and the twelve for statistics, which name villages too."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Final

from adapters.codes.alphabet import is_number
from adapters.codes.code import Code, CodeFlag, fold_code, spelling_flags

LENGTH: Final = 12
_STANDARD_LENGTHS: Final = frozenset({6, 12})
# 2: a province; 4: a city; 9: a town (GB/T 10114); 11: a village without its last digit (Fujian).
_LENGTHS: Final = frozenset({2, 4, 9, 11}) | _STANDARD_LENGTHS
_PARTS: Final = (slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 9), slice(9, 12))
_COUNTY: Final = 2  # the place of the county among the parts

PROVINCES: Final[dict[str, tuple[str, str]]] = {
    digits: (zh, en)
    for digits, (zh, en) in tomllib.loads(
        files("adapters.codes").joinpath("provinces.toml").read_text(encoding="utf-8")
    )["province"].items()
}


class AreaLevel(StrEnum):
    """How far down an area code names a place."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


_LEVELS: Final = tuple(AreaLevel)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCode(Code):
    """An area code; ``normal`` has twelve digits. ``level`` is None when nothing could be read."""

    level: AreaLevel | None

    @property
    def province(self) -> str:
        """The two digits of the province, "" when nothing could be read."""
        return self.normal[:2]


def parse_area_code(text: str) -> AreaCode:
    """Read an area code of 2, 4, 6, 9, 11 or 12 digits; shorter ones than twelve are filled with zeros from the right.

    Whether the place exists is not judged: codes change every year, and a licence keeps that of its day.
    """
    folded = fold_code(text)
    if len(folded) not in _LENGTHS or not is_number(folded):
        return AreaCode(text=text, normal="", level=None, flags=frozenset({CodeFlag.AREA_CODE_NON_STANDARD}))
    flags = spelling_flags(text, folded, CodeFlag.AREA_CODE_SPELLING)
    if len(folded) not in _STANDARD_LENGTHS:
        flags.add(CodeFlag.AREA_CODE_LENGTH)
    normal = folded.ljust(LENGTH, "0")
    named = [bool(normal[part].strip("0")) for part in _PARTS]
    depth = max((place for place, is_named in enumerate(named) if is_named), default=0)
    if normal[:2] not in PROVINCES:
        flags.add(CodeFlag.AREA_CODE_PROVINCE)
    # A city without districts (Dongguan) has towns and no counties: 441900 is followed by a town.
    if not all(is_named or place == _COUNTY for place, is_named in enumerate(named[: depth + 1])):
        flags.add(CodeFlag.AREA_CODE_LEVELS)
    return AreaCode(text=text, normal=normal, level=_LEVELS[depth], flags=frozenset(flags))
