"""Invented numbers with correct check characters: citizen IDs, credit codes, licence identifiers.

Every area part used in the demo is unassigned (county 99), so no number can belong to a real person or company.
"""

from datetime import date
from functools import lru_cache
from typing import Final

from adapters.codes import (
    citizen_id_check_character,
    credit_code_check_character,
    identifier_check_character,
    organisation_code_check_character,
)

IDENTIFIER_ROOT = "1.2.156.3005.2"
_RECENT: Final = 32  # one holder has several licences, and each states his number more than once


@lru_cache(maxsize=_RECENT)
def citizen_id(area: str, born: date, order: int) -> str:
    """Make a citizen ID (GB 11643-1999); an odd order is a man's, an even one a woman's.

    Raises:
        ValueError: the parts are not 17 digits together.
    """
    body = f"{area}{born:%Y%m%d}{order:03d}"
    return body + _checked(citizen_id_check_character(body), body)


@lru_cache(maxsize=_RECENT)
def credit_code(kind: str, area: str, organisation: str) -> str:
    """Make a unified social credit code (GB 32100-2015): kind 2, area 6, organisation 8 characters, two checks.

    Raises:
        ValueError: a part has another length, or a character that the alphabet of these codes does not have.
    """
    inner = _checked(organisation_code_check_character(organisation), organisation)
    body = f"{kind}{area}{organisation}{inner}"
    return body + _checked(credit_code_check_character(body), body)


def licence_identifier(type_code: str, issuer_code: str, serial: str, version: str = "001") -> str:
    """Make a licence identifier (GB/T 36904).

    Raises:
        ValueError: a part has something else than letters and digits.
    """
    body = f"{type_code}.{issuer_code}.{serial}.{version}"
    return f"{IDENTIFIER_ROOT}.{body}.{_checked(identifier_check_character(body), body)}"


def _checked(character: str | None, body: str) -> str:
    if character is None:
        raise ValueError(f"a body with a check character was expected, got {body}")
    return character
