"""The codecs that read the values of a place into a field of the record, the one nearest to the message first."""

from typing import Final

from adapters.draft.value import Traits
from adapters.mapping.codecs.codec import Sort
from adapters.mapping.codecs.texts import width_codec
from adapters.mapping.target import HOLDERS, VALID_TO, Target

_GB: Final = "gb"
_PLAIN_DATE: Final = "yyyy-MM-dd"
_SOLID_DATE: Final = "yyyyMMdd"
_HALF: Final = width_codec("half")
_AREA_LENGTHS: Final = frozenset({6, 12})


def find_codecs(target: Target, traits: Traits, *, in_list: bool) -> tuple[str, ...]:
    """Return the codecs for a target; ``in_list`` says that the place is in a list, one entry for each holder."""
    found = []
    if traits.numbers:
        found.append("decimal-text" if traits.fractions else "number-text")
    if traits.flags:
        found.append("boolean")
    if traits.padded:
        found.append("trim")
    if traits.wide and target.sort is not Sort.BYTES:
        found.append("width:half")
    if traits.nulls:
        found.append("null-string")
    if traits.empties:
        found.append(f"null:{'|'.join(traits.empties)}")
    match target.sort:
        case Sort.DAY:
            if traits.long_terms and target.text == VALID_TO:
                found.append(f"long-term:{'|'.join(traits.long_terms)}")
            found.append(f"date:{'|'.join(traits.date_forms) or _form_of_end(traits.long_terms)}")
        case Sort.BYTES:
            found.append("base64")
        case _:
            found += _of_text(target, traits, in_list=in_list)
    return tuple(found)


def _of_text(target: Target, traits: Traits, *, in_list: bool) -> list[str]:
    if target.text == "area" and traits.area_length in _AREA_LENGTHS:
        return [f"area:{traits.area_length}"]
    if target.text == "holders[].code_type" and traits.holder_system not in {"", _GB}:
        return [f"holder-type:{traits.holder_system}"]
    if target.slot == HOLDERS and traits.separator and not in_list:
        return [f"split:{_HALF.parse(traits.separator) if traits.wide else traits.separator}"]
    return []


def _form_of_end(long_terms: tuple[str, ...]) -> str:
    """Return the form of date that a far date is written in, where no other date was seen."""
    return _SOLID_DATE if any(word.isdigit() for word in long_terms) else _PLAIN_DATE
