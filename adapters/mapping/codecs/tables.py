"""Codecs of code tables: a system's codes to ours and back, each pair written down in the mapping file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.mapping.codecs.codec import Codec, Sort
from adapters.mapping.fault import Words

_MERGED: Final = Words("原为哪个代码（多个代码含义相同）", "which of the codes it was, where several mean the same")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTable:
    """A table that was checked: ``meanings`` from foreign to neutral, ``spellings`` back.

    With ``keeps_unknown`` a code that the table does not name passes as it is.
    """

    meanings: Mapping[str, str]
    spellings: Mapping[str, str]
    keeps_unknown: bool = False


def table_codec(name: str, table: CodeTable) -> Codec:
    """Return the codec of a table; reading a code that it does not name raises KeyError."""
    meanings, spellings = table.meanings, table.spellings

    def keep(code: str) -> str:
        if code in spellings and code not in meanings:  # it would be written as another code
            raise KeyError
        return meanings.get(code, code)

    def render_kept(code: str) -> str:
        spelt = spellings.get(code)
        if spelt is not None:
            return spelt
        if code in meanings:  # it would be read as something else
            raise ValueError
        return code

    return Codec(
        name=f"table:{name}",
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=keep if table.keeps_unknown else meanings.__getitem__,
        render=render_kept if table.keeps_unknown else spellings.__getitem__,
        loses=_MERGED if any(spellings.get(meaning) != code for code, meaning in meanings.items()) else None,
    )
