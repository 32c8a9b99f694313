"""E-licence identifiers (电子证照标识, GB/T 36904) as they stand in messages, with the codes inside them."""

from adapters.codes.code import Code, CodeFlag
from adapters.codes.credit import CREDIT_LENGTH, credit_code_fault
from adapters.identifier import LicenceIdentifier, parse_identifier
from adapters.strict.bounds import MAX_IDENTIFIER
from adapters.strict.xml import WHITE_SPACE


def parse_licence_identifier(text: str) -> Code:
    """Read an identifier; one without root and five segments, a vendor's own number, is compared as it is written.

    A check character that does not match is flagged where there are segments to compute it from.
    """
    identifier = _read(text)
    if identifier is None:
        return Code(text=text, normal="", flags=frozenset({CodeFlag.IDENTIFIER_NON_STANDARD}))
    flags = set()
    if not identifier.standard_form:
        flags.add(CodeFlag.IDENTIFIER_NON_STANDARD)
    if identifier.type_code:
        if not identifier.check_character_matches:
            flags.add(CodeFlag.IDENTIFIER_CHECK_CHARACTER)
        if credit_code_fault(identifier.type_code[:CREDIT_LENGTH].upper()) is not None:
            flags.add(CodeFlag.IDENTIFIER_TYPE_CODE)
        if credit_code_fault(identifier.issuer_code.upper()) is not None:
            flags.add(CodeFlag.IDENTIFIER_ISSUER_CODE)
    normal = identifier.text.upper() if identifier.text.isascii() else identifier.text
    return Code(text=text, normal=normal, flags=frozenset(flags))


def licence_of_identifier(text: str) -> str:
    """Return what identifies a licence in all its versions: type, issuer and serial (domain rule for GB/T 36904).

    "" when the text has no segments.
    """
    identifier = _read(text)
    if identifier is None or not identifier.type_code:
        return ""
    return f"{identifier.type_code}.{identifier.issuer_code}.{identifier.serial}".upper()


def version_of_identifier(text: str) -> str:
    """Return the version segment, such as 001, or "" when the text has none of three digits."""
    identifier = _read(text)
    return identifier.version if identifier is not None and _is_version(identifier.version) else ""


def _is_version(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit()  # noqa: PLR2004 -- GB/T 36904: three digits


def _read(text: str) -> LicenceIdentifier | None:
    return parse_identifier(text) if 0 < len(text.strip(WHITE_SPACE)) <= MAX_IDENTIFIER else None
