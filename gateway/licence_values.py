"""What the source of a field says of a licence: an attribute of the neutral licence, or an element by its tag."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Final, TypeAlias

from adapters.licence import Holder, Licence, LicenceFlag
from adapters.metadata import parse_date
from policies.catalogue import ValueType
from policies.dimension import LicenceStatus
from policies.forms.day import LONG_TERM
from policies.forms.scheme import Value

# What a source says: one value, "" where it is not stated; of several holders each one's in their order, of none ().
Values: TypeAlias = tuple[Value, ...]
Read: TypeAlias = Callable[[Licence, LicenceStatus], Value | Values]

_WITHOUT_HYPHENS: Final = 8  # 20260301
_WITH_HYPHENS: Final = 10  # 2026-03-01


class Attribute(StrEnum):
    """The attributes that a field's ``source`` may name; a closed list, any other source is an element's tag."""

    NAME = "name"  # ZZMC
    NUMBER = "number"  # ZZBH
    TYPE_CODE = "type-code"  # ZZLXDM
    IDENTIFIER = "identifier"  # ZZBS
    ISSUER = "issuer"  # ZZBFJG
    ISSUER_CODE = "issuer-code"  # ZZBFJGDM
    ISSUED_ON = "issued-on"  # ZZBFRQ, a day
    VALID_FROM = "valid-from"  # ZZYXQQSRQ, a day
    VALID_TO = "valid-to"  # ZZYXQJZRQ, the last day, or 长期
    HOLDER_NAME = "holder-name"  # CZZT, of each holder
    HOLDER_CODE = "holder-code"  # CZZTDM, of each holder
    HOLDER_CODE_TYPE = "holder-code-type"  # CZZTDMLXDM, of each holder
    STATUS = "status"  # of the register, not of the document


def _holders(part: Callable[[Holder], str]) -> Read:
    """Read a part of every holder; where it is not clear which name has which number, nothing is read."""

    def read(licence: Licence, _: LicenceStatus) -> Value | Values:
        if licence.flags and LicenceFlag.HOLDERS_DO_NOT_PAIR in licence.flags:
            return ()
        holders = licence.holders
        return part(holders[0]) if len(holders) == 1 else tuple(map(part, holders))

    return read


def _valid_to(licence: Licence, _: LicenceStatus) -> Value:
    return LONG_TERM if licence.long_term else licence.valid_to or ""


_READERS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        Attribute.NAME: lambda licence, _: licence.name,
        Attribute.NUMBER: lambda licence, _: licence.number,
        Attribute.TYPE_CODE: lambda licence, _: licence.type_code,
        Attribute.IDENTIFIER: lambda licence, _: "" if licence.identifier is None else licence.identifier.text,
        Attribute.ISSUER: lambda licence, _: licence.issuer,
        Attribute.ISSUER_CODE: lambda licence, _: licence.issuer_code,
        Attribute.ISSUED_ON: lambda licence, _: licence.issued_on or "",
        Attribute.VALID_FROM: lambda licence, _: licence.valid_from or "",
        Attribute.VALID_TO: _valid_to,
        Attribute.HOLDER_NAME: _holders(attrgetter("name")),
        Attribute.HOLDER_CODE: _holders(attrgetter("code")),
        Attribute.HOLDER_CODE_TYPE: _holders(attrgetter("code_type")),
        Attribute.STATUS: lambda _, status: str(status),
    }
)


def _day_of(text: str) -> date | None:
    """Return the day that a text names; the two usual spellings are read without looking for others."""
    length = len(text)
    if (length == _WITH_HYPHENS and text[4] == text[7] == "-") or (length == _WITHOUT_HYPHENS and text.isdigit()):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return parse_date(text)
    return parse_date(text)


def reader_of(source: str, value_type: ValueType) -> Read:
    """Return what reads the source of a field; an element that is a date becomes a day where it can be read as one."""
    attribute = _READERS.get(source)
    if attribute is not None:
        return attribute
    if value_type is ValueType.DATE:

        def read_day(licence: Licence, _: LicenceStatus) -> Value:
            text = licence.elements.get(source, "").strip()
            return _day_of(text) or text

        return read_day
    return lambda licence, _: licence.elements.get(source, "").strip()
