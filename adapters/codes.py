"""Check characters of the codes on a licence: e-licence identifier, citizen ID, unified social credit code.

A code is judged as typed: nothing is repaired, because a letter O for a zero is somebody's typing error and may be
somebody else's code.
"""

from datetime import date
from enum import StrEnum
from typing import Final

_DIGITS: Final = frozenset("0123456789")
_ALPHABET_36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES_36: Final = {character: value for value, character in enumerate(_ALPHABET_36)}

# GB 11643-1999: weights of positions 1 to 17; check character by remainder.
_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS: Final = "10X98765432"
_CITIZEN_LENGTH: Final = 18
_OLD_CITIZEN_LENGTH: Final = 15

# GB 32100-2015: no I, O, S, V, Z; the weight of position i is 3 to the power i - 1, modulo 31.
_ALPHABET_31: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES_31: Final = {character: value for value, character in enumerate(_ALPHABET_31)}
_CREDIT_WEIGHTS: Final = tuple(pow(3, power, 31) for power in range(17))
_CREDIT_LENGTH: Final = 18
_CREDIT_AREA: Final = slice(2, 8)
_CREDIT_ORGANISATION: Final = slice(8, 17)

# GB 11714: 8 characters of the 36-character alphabet, then a check character that may be X.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS: Final = "0123456789X"
_ORGANISATION_LENGTH: Final = 9


class CodeFault(StrEnum):
    """What is wrong with a code; the form is judged before the date, the date before the check character."""

    FORM = "form"  # length, or a character that its alphabet does not have
    DATE = "date"  # the birth date in it does not exist
    CHECK = "check-character"
    INNER_CHECK = "inner-check-character"  # the organisation code inside a credit code


def identifier_check_character(payload: str) -> str | None:
    """Return the ISO/IEC 7064 MOD 37,36 character over type, issuer, serial and version of an e-licence identifier.

    Dots are left out, lower case counts as upper case (GB/T 36904, GB/T 17710).
    None when another character than letters and digits occurs, or nothing at all: there is no check character then.
    """
    characters = payload.replace(".", "")
    if not characters or not characters.isascii():  # some letters outside ASCII have ASCII capitals
        return None
    product = 36
    for character in characters.upper():
        value = _VALUES_36.get(character)
        if value is None:
            return None
        product = 2 * ((product + value) % 36 or 36) % 37
    return _ALPHABET_36[(37 - product) % 36]


def citizen_id_check_character(first: str) -> str | None:
    """Return the check character for the first 17 digits of a citizen ID (GB 11643), or None if they are not that."""
    if len(first) != len(_CITIZEN_WEIGHTS) or not _DIGITS.issuperset(first):
        return None
    total = sum(weight * int(digit) for weight, digit in zip(_CITIZEN_WEIGHTS, first, strict=True))
    return _CITIZEN_CHECKS[total % 11]


def citizen_id_fault(code: str) -> CodeFault | None:
    """Return what is wrong with a citizen ID (公民身份号码), or None.

    A lower-case x is accepted; so is the old form of 15 digits, which has a date (1900s) but no check character.
    Area codes are not judged: they were valid at issue, and residence permits use 81 to 83.
    """
    old = len(code) == _OLD_CITIZEN_LENGTH
    digits = code if old else code[:-1]
    if len(code) not in {_OLD_CITIZEN_LENGTH, _CITIZEN_LENGTH} or not _DIGITS.issuperset(digits):
        return CodeFault.FORM
    if not old and code[-1] not in "0123456789Xx":
        return CodeFault.FORM
    born = f"19{code[6:12]}" if old else code[6:14]
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return CodeFault.DATE
    if not old and citizen_id_check_character(digits) != code[-1].upper():
        return CodeFault.CHECK
    return None


def credit_code_check_character(first: str) -> str | None:
    """Return the check character for the first 17 characters of a credit code (GB 32100), or None if they are not."""
    if len(first) != len(_CREDIT_WEIGHTS) or any(character not in _VALUES_31 for character in first):
        return None
    total = sum(weight * _VALUES_31[character] for weight, character in zip(_CREDIT_WEIGHTS, first, strict=True))
    return _ALPHABET_31[-total % 31]


def organisation_code_check_character(first: str) -> str | None:
    """Return the check character for the first 8 characters of an organisation code (GB 11714), or None.

    Its alphabet has all 36 letters and digits, other than that of the credit code around it.
    """
    if len(first) != len(_ORGANISATION_WEIGHTS) or any(character not in _VALUES_36 for character in first):
        return None
    total = sum(weight * _VALUES_36[character] for weight, character in zip(_ORGANISATION_WEIGHTS, first, strict=True))
    return _ORGANISATION_CHECKS[-total % 11]


def organisation_code_fault(code: str) -> CodeFault | None:
    """Return what is wrong with an organisation code of 9 characters, a hyphen before the last one allowed, or None."""
    plain = code[:8] + code[9:] if code[8:9] == "-" else code
    expected = organisation_code_check_character(plain[:8])
    if len(plain) != _ORGANISATION_LENGTH or expected is None or plain[8] not in _ORGANISATION_CHECKS:
        return CodeFault.FORM
    return None if plain[8] == expected else CodeFault.CHECK


def credit_code_fault(code: str) -> CodeFault | None:
    """Return what is wrong with a unified social credit code (统一社会信用代码), or None.

    Upper case belongs to its form.
    """
    expected = credit_code_check_character(code[:-1])
    if (
        len(code) != _CREDIT_LENGTH
        or expected is None
        or code[-1] not in _VALUES_31
        or not _DIGITS.issuperset(code[_CREDIT_AREA])
    ):
        return CodeFault.FORM
    if code[-1] != expected:
        return CodeFault.CHECK
    if organisation_code_fault(code[_CREDIT_ORGANISATION]) is not None:
        return CodeFault.INNER_CHECK
    return None


def is_credit_code_form(code: str) -> bool:
    """Whether a code has the length and the characters of a credit code, whatever its check characters say."""
    return credit_code_fault(code) is not CodeFault.FORM
