"""The codecs by name: the one table that a mapping file's ``codec`` is looked up in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from adapters.codes.holder_types import HolderTypes, shipped_holder_types
from adapters.codes.issuers import Issuers, shipped_issuers
from adapters.codes.licence_types import LicenceTypes, shipped_licence_types
from adapters.codes.tables import CodeTables
from adapters.mapping.codecs.codec import Codec, MalformedCodecError
from adapters.mapping.codecs.days import date_codec, day_parts_codec
from adapters.mapping.codecs.lists import AFTER, BEFORE, for_all_codec, join_codec, side_codec, split_codec
from adapters.mapping.codecs.tables import CodeTable, table_codec
from adapters.mapping.codecs.texts import (
    area_codec,
    base64_codec,
    base64_text_codec,
    boolean_codec,
    decimal_text_codec,
    flag_codec,
    long_term_codec,
    null_codec,
    null_string_codec,
    number_text_codec,
    prefix_codec,
    suffix_codec,
    text_codec,
    trim_codec,
    upper_codec,
    width_codec,
)
from adapters.mapping.codecs.trees import json_text_codec
from adapters.mapping.fault import Words, nearest

TABLE: Final = "table"
HOLDER_TYPE: Final = "holder-type"
ISSUER: Final = "issuer"
LICENCE_TYPE: Final = "licence-type"

CODECS: Final[Mapping[str, Callable[[str], Codec]]] = {
    AFTER: partial(side_codec, AFTER),
    "area": area_codec,
    "base64": base64_codec,
    "base64-text": base64_text_codec,
    BEFORE: partial(side_codec, BEFORE),
    "boolean": boolean_codec,
    "date": date_codec,
    "day-parts": day_parts_codec,
    "decimal-text": decimal_text_codec,
    "flag": flag_codec,
    "for-all": for_all_codec,
    "join": join_codec,
    "json-text": json_text_codec,
    "long-term": long_term_codec,
    "null": null_codec,
    "null-string": null_string_codec,
    "number-text": number_text_codec,
    "prefix": prefix_codec,
    "split": split_codec,
    "suffix": suffix_codec,
    "text": text_codec,
    "trim": trim_codec,
    "upper": upper_codec,
    "width": width_codec,
}


def parse_codec(text: str, tables: Mapping[str, CodeTable], site: CodeTables | None = None) -> Codec:
    """Return the codec that a mapping file names: ``name`` or ``name:argument``.

    ``tables`` are those of the file, ``site`` those beside all files; None: the shipped ones.

    Raises:
        MalformedCodecError: nothing has that name, or the argument is not one of it.

    """
    name, _, argument = text.partition(":")
    if name == TABLE:
        if argument not in tables:
            listed = ", ".join(sorted(tables)) or "—"
            expected = Words(f"[codes] 中的表（{listed}）", f"a table of [codes] ({listed})")
            raise MalformedCodecError(expected, nearest(argument, tables))
        return table_codec(argument, tables[argument])
    if name == HOLDER_TYPE:
        return _holder_type_codec(argument, shipped_holder_types() if site is None else site.holder_types)
    if text == ISSUER:
        return _issuer_codec(shipped_issuers() if site is None else site.issuers)
    if text == LICENCE_TYPE:
        return _licence_type_codec(shipped_licence_types() if site is None else site.types)
    maker = CODECS.get(name)
    if maker is None:
        known = [*CODECS, TABLE, HOLDER_TYPE, ISSUER, LICENCE_TYPE]
        names = ", ".join(known)
        raise MalformedCodecError(Words(f"编解码名称：{names}", f"a codec: {names}"), nearest(name, known))
    return maker(argument)


def _holder_type_codec(system: str, types: HolderTypes) -> Codec:
    """Return the codec of a system's codes for the type of a holder's code; ours are those of GB/T 36903."""
    systems = types.systems
    found = systems.get(system)
    if found is None:
        listed = ", ".join(sorted(systems))
        raise MalformedCodecError(Words(f"已收录的系统（{listed}）", f"a system ({listed})"), nearest(system, systems))
    table = CodeTable(meanings=found.to_gb, spellings=found.from_gb)
    return replace(table_codec(system, table), name=f"{HOLDER_TYPE}:{system}")


def _issuer_codec(issuers: Issuers) -> Codec:
    """Return the codec of issuers' codes: an alias reads as the main code, which is written."""
    return _alias_codec(ISSUER, [(one.code, one.aliases) for one in issuers.issuers])


def _licence_type_codec(types: LicenceTypes) -> Codec:
    """Return the codec of licence types' codes: each reads as the first one of its type, which is written.

    A code that has meant two types at different times stays as it is, because no codec knows the day of issue.
    """
    spelt = [(one.id, [code.text for code in one.codes]) for one in types.types.values() if one.codes]
    owners: dict[str, set[str]] = {}
    for owner, codes in spelt:
        for code in codes:
            owners.setdefault(code, set()).add(owner)
    kept = [[code for code in codes if len(owners[code]) == 1] for _, codes in spelt]
    return _alias_codec(LICENCE_TYPE, [(codes[0], codes[1:]) for codes in kept if codes])


def _alias_codec(name: str, entries: Iterable[tuple[str, Sequence[str]]]) -> Codec:
    """Return a codec that reads aliases as what they stand for; a code that no entry names passes as it is."""
    meanings = {code: main for main, aliases in entries for code in (main, *aliases)}
    table = CodeTable(meanings=meanings, spellings={main: main for main in meanings.values()}, keeps_unknown=True)
    return replace(table_codec(name, table), name=name)
