"""Surface fields (照面信息) that a record states, held against the catalogue: the licence types of the policy.

The catalogue says which fields a type has, of which type and class. A field that it does not have can be shared with
nobody, and one that is not of its type is hidden by most forms; so operators are told of both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.licence import Licence
from adapters.metadata import EXTENSION_PREFIX
from adapters.record.record import Surface
from gateway.licence_values import Attribute
from policies.catalogue import LicenceType, ValueType
from policies.forms.amount import parse_amount
from policies.forms.canonical import canonical_text
from policies.forms.citizen import is_citizen_number
from policies.forms.credit_code import is_credit_code
from policies.forms.day import LONG_TERM, parse_day

MASKS: Final = frozenset("*＊×●")  # what systems put in place of digits
_ATTRIBUTES: Final = frozenset(map(str, Attribute))


class SurfaceFlag(StrEnum):
    """What is odd about a surface field."""

    TYPE_UNKNOWN = "licence.type-unknown"  # the catalogue has no such licence type; its fields are not looked at
    FIELD_UNKNOWN = "field.unknown"  # the catalogue has no such field for the type
    FIELD_TYPE = "field.type"  # its value is none of the type that the catalogue states


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceFinding:
    """What is odd, and of which field, by its name in the record; "" for the record as a whole. Never a value."""

    flag: SurfaceFlag
    field: str


def surface_of(licence: Licence) -> Mapping[str, str]:
    """Return the surface fields of a licence, by their tags."""
    return {tag: text for tag, text in licence.elements.items() if tag.startswith(EXTENSION_PREFIX)}


def check_surface(surface: Mapping[str, Surface], licence_type: LicenceType | None) -> tuple[SurfaceFinding, ...]:
    """Return what is odd about the surface fields of a record, in their order.

    ``licence_type`` is that of the record, None: the catalogue has none. Fields of the catalogue whose source is an
    attribute of every licence, such as the number, are no surface fields.
    """
    if licence_type is None:
        return (SurfaceFinding(flag=SurfaceFlag.TYPE_UNKNOWN, field=""),)
    types = surface_sources(licence_type)
    found = []
    for name, value in surface.items():
        value_type = types.get(name.removeprefix(EXTENSION_PREFIX))
        if value_type is None:
            found.append(SurfaceFinding(flag=SurfaceFlag.FIELD_UNKNOWN, field=name))
        elif not _is_of(value, value_type):
            found.append(SurfaceFinding(flag=SurfaceFlag.FIELD_TYPE, field=name))
    return tuple(found)


def surface_sources(licence_type: LicenceType) -> dict[str, ValueType]:
    """Return the surface fields of a licence type, by their names in records, with what they hold."""
    return {
        one.source.removeprefix(EXTENSION_PREFIX): one.type
        for one in licence_type.fields.values()
        if one.source not in _ATTRIBUTES
    }


def _is_of(value: Surface, value_type: ValueType) -> bool:
    """Say whether a value is of a type; nothing said and what is masked may be of any, and a table is of none."""
    texts = (value,) if isinstance(value, str) else value
    reads = _READS.get(value_type)
    for text in texts:
        if not isinstance(text, str):
            return False
        if reads is not None and text.strip() and not MASKS & set(text) and not reads(text.strip()):
            return False
    return True


def _is_credit_code(text: str) -> bool:
    return is_credit_code(canonical_text(text, ValueType.CREDIT_CODE) or "")


def _is_citizen_number(text: str) -> bool:
    return is_citizen_number(canonical_text(text, ValueType.CITIZEN_ID) or "")


# Types that a text can miss. All others are texts of any spelling, licence numbers (``code``) among them.
_READS: Final[Mapping[ValueType, Callable[[str], object]]] = {
    ValueType.DATE: lambda text: text == LONG_TERM or parse_day(text) is not None,
    ValueType.AMOUNT: lambda text: parse_amount(text) is not None,
    ValueType.CITIZEN_ID: _is_citizen_number,
    ValueType.CREDIT_CODE: _is_credit_code,
}
