"""The identifier of an e-licence (电子证照标识), GB/T 36904, read leniently and flagged strictly."""

import re
from dataclasses import dataclass
from typing import Final

from adapters.codes import identifier_check_character, is_credit_code_form
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_IDENTIFIER
from adapters.strict.xml import WHITE_SPACE

ROOT: Final = "1.2.156.3005.2"
_ROOT_ARCS: Final = ROOT.split(".")
_SEGMENTS: Final = 5  # type, issuer, serial, version, check

_TYPE: Final = re.compile(r"(?P<authority>[0-9A-Z]{18})[0-9]{3}")
_SERIAL: Final = re.compile(r"[0-9A-Z]+")  # 7 digits to 32 hexadecimal ones have been met; the standard sets no length
_VERSION: Final = re.compile(r"[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceIdentifier:
    """An identifier split into its segments, as written.

    ``standard_form`` says whether every segment has the shape of the standard;
    ``check_character_matches`` whether the last segment is what ISO/IEC 7064 MOD 37,36 computes.
    """

    text: str
    type_code: str
    issuer_code: str
    serial: str
    version: str
    check: str
    standard_form: bool
    check_character_matches: bool


def parse_identifier(text: str) -> LicenceIdentifier:
    """Split an identifier into its segments; what is unusual is flagged in the value, never refused.

    A text that does not have root and five segments is kept whole in ``text``, with empty segments: a vendor writes
    business numbers here, and nothing is to be guessed from them.
    The form is judged in upper case letters only; the check character ignores case, as UUID serials come in both.

    Raises:
        MalformedDocumentError: TOO_LARGE, when the text is longer than MAX_IDENTIFIER characters.

    """
    text = text.strip(WHITE_SPACE)
    if len(text) > MAX_IDENTIFIER:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "identifier")
    arcs = text.split(".")
    segments = arcs[len(_ROOT_ARCS) :]
    if arcs[: len(_ROOT_ARCS)] != _ROOT_ARCS or len(segments) != _SEGMENTS:
        segments = [""] * _SEGMENTS
    type_code, issuer_code, serial, version, check = segments
    computed = identifier_check_character(type_code + issuer_code + serial + version)
    return LicenceIdentifier(
        text=text,
        type_code=type_code,
        issuer_code=issuer_code,
        serial=serial,
        version=version,
        check=check,
        standard_form=_is_standard(type_code, issuer_code, serial, version, check),
        check_character_matches=check.isascii() and check.upper() == computed,
    )


def _is_standard(type_code: str, issuer_code: str, serial: str, version: str, check: str) -> bool:
    """Whether each segment has its shape; check characters of the codes inside are not judged here."""
    type_match = _TYPE.fullmatch(type_code)
    return (
        type_match is not None
        and is_credit_code_form(type_match["authority"])
        and is_credit_code_form(issuer_code)
        and _SERIAL.fullmatch(serial) is not None
        and _VERSION.fullmatch(version) is not None
        and len(check) == 1
        and _SERIAL.fullmatch(check) is not None
    )
