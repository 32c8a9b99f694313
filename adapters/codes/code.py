"""A code as it was read: its text, the spelling to compare it by, and what is odd about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.strict.bounds import MAX_IDENTIFIER

# Full-width letters, digits and punctuation, which Chinese keyboards produce; no other letter is taken for ASCII.
_HALF_WIDTH: Final = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}


class CodeFlag(StrEnum):
    """What is odd about a code; a flag never refuses the licence by itself, and the word is stable.

    ``spelling``: read after folding width, case, white space or a hyphen. ``non-standard``: not the form of the
    standard, so that nothing inside it was read.
    """

    IDENTIFIER_NON_STANDARD = "identifier.non-standard"
    IDENTIFIER_CHECK_CHARACTER = "identifier.check-character"
    IDENTIFIER_TYPE_CODE = "identifier.type-code"  # its defining authority is no credit code whose checks hold
    IDENTIFIER_ISSUER_CODE = "identifier.issuer-code"  # its issuer is no credit code whose checks hold
    CITIZEN_ID_SPELLING = "citizen-id.spelling"
    CITIZEN_ID_NON_STANDARD = "citizen-id.non-standard"
    CITIZEN_ID_OLD = "citizen-id.old"  # 15 digits: nothing in it can be checked but the date
    CITIZEN_ID_BIRTH_DATE = "citizen-id.birth-date"
    CITIZEN_ID_CHECK_CHARACTER = "citizen-id.check-character"
    CREDIT_CODE_SPELLING = "credit-code.spelling"
    CREDIT_CODE_NON_STANDARD = "credit-code.non-standard"
    CREDIT_CODE_CHECK_CHARACTER = "credit-code.check-character"
    CREDIT_CODE_ORGANISATION = "credit-code.organisation-check-character"  # of the organisation code inside
    ORGANISATION_CODE_SPELLING = "organisation-code.spelling"
    ORGANISATION_CODE_NON_STANDARD = "organisation-code.non-standard"
    ORGANISATION_CODE_CHECK_CHARACTER = "organisation-code.check-character"
    ITEM_CODE_SPELLING = "item-code.spelling"
    ITEM_CODE_NON_STANDARD = "item-code.non-standard"  # a local form, or none that is known
    ITEM_CODE_CREDIT_CODE = "item-code.credit-code"  # the credit code in it does not hold
    ITEM_CODE_LEVEL = "item-code.level"
    ITEM_CODE_TYPE = "item-code.type"
    ITEM_CODE_PROVINCE = "item-code.province"
    AREA_CODE_SPELLING = "area-code.spelling"
    AREA_CODE_NON_STANDARD = "area-code.non-standard"
    AREA_CODE_LENGTH = "area-code.length"  # neither 6 nor 12 digits: read with zeros behind it
    AREA_CODE_PROVINCE = "area-code.province"
    AREA_CODE_LEVELS = "area-code.levels"  # a part is zero, and a smaller one in it is not
    HOLDER_CODE_TYPE = "holder-code.type"  # the stated type contradicts what the number itself shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code. ``text`` is as written; ``normal`` the one spelling to compare by, "" when it is no such code."""

    text: str
    normal: str
    flags: frozenset[CodeFlag]


def fold_code(text: str) -> str:
    """Return a code in half width and upper case, without white space; "" when it is longer than `MAX_IDENTIFIER`.

    Only ASCII letters are raised, and a text with other letters stays as it is: a dotless i is no I.
    """
    if len(text) > MAX_IDENTIFIER:
        return ""
    folded = "".join(text.translate(_HALF_WIDTH).split())
    return folded.upper() if folded.isascii() else folded


def spelling_flags(text: str, standard: str, flag: CodeFlag) -> set[CodeFlag]:
    """Return ``flag`` in a set when a code is not written as the standard has it."""
    return set() if text == standard else {flag}
