"""Credit codes (统一社会信用代码, GB 32100), and the organisation codes (GB 11714) inside them."""

from typing import Final

from adapters.codes.alphabet import DIGITS, VALUES_36
from adapters.codes.fault import CodeFault

# GB 32100-2015: no I, O, S, V, Z; the weight of position i is 3 to the power i - 1, modulo 31.
_ALPHABET_31: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES_31: Final = {character: value for value, character in enumerate(_ALPHABET_31)}
_CREDIT_WEIGHTS: Final = tuple(pow(3, power, 31) for power in range(17))
CREDIT_LENGTH: Final = 18
_CREDIT_AREA: Final = slice(2, 8)
CREDIT_ORGANISATION: Final = slice(8, 17)

# GB 11714: 8 characters of the 36-character alphabet, then a check character that may be X.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS: Final = "0123456789X"
ORGANISATION_LENGTH: Final = 9


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
    if len(first) != len(_ORGANISATION_WEIGHTS) or any(character not in VALUES_36 for character in first):
        return None
    total = sum(weight * VALUES_36[character] for weight, character in zip(_ORGANISATION_WEIGHTS, first, strict=True))
    return _ORGANISATION_CHECKS[-total % 11]


def organisation_code_fault(code: str) -> CodeFault | None:
    """Return what is wrong with an organisation code of 9 characters, a hyphen before the last one allowed, or None."""
    plain = without_hyphen(code)
    expected = organisation_code_check_character(plain[:8])
    if len(plain) != ORGANISATION_LENGTH or expected is None or plain[8] not in _ORGANISATION_CHECKS:
        return CodeFault.FORM
    return None if plain[8] == expected else CodeFault.CHECK


def without_hyphen(code: str) -> str:
    """Return an organisation code without the hyphen that GB 11714 prints before its check character."""
    return code[:8] + code[9:] if code[8:9] == "-" else code


def credit_code_fault(code: str) -> CodeFault | None:
    """Return what is wrong with a unified social credit code (统一社会信用代码), or None.

    Upper case belongs to its form.
    """
    expected = credit_code_check_character(code[:-1])
    if (
        len(code) != CREDIT_LENGTH
        or expected is None
        or code[-1] not in _VALUES_31
        or not DIGITS.issuperset(code[_CREDIT_AREA])
    ):
        return CodeFault.FORM
    if code[-1] != expected:
        return CodeFault.CHECK
    if organisation_code_fault(code[CREDIT_ORGANISATION]) is not None:
        return CodeFault.INNER_CHECK
    return None


def is_credit_code_form(code: str) -> bool:
    """Whether a code has the length and the characters of a credit code, whatever its check characters say."""
    return credit_code_fault(code) is not CodeFault.FORM
