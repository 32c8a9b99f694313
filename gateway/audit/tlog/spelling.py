"""The one spelling of numbers, base64 and lines in the formats of C2SP; every other spelling of a value is refused.

These readers do not lean on `adapters.strict`, because an auditor carries the verifier away without the gateway.
"""

import binascii
import re
from typing import Final

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.merkle import HASH_SIZE, MAX_TREE_SIZE

_MAX_DIGITS: Final = len(str(MAX_TREE_SIZE))
_DIGITS: Final = frozenset("0123456789")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


def parse_number(text: str, where: str, *, largest: int = MAX_TREE_SIZE) -> int:
    """Read ASCII decimal digits without a sign and without leading zeros, up to ``largest``.

    Raises:
        MalformedLogDataError: NUMBER.

    """
    if not text or len(text) > _MAX_DIGITS or not _DIGITS.issuperset(text) or (text[0] == "0" and text != "0"):
        raise MalformedLogDataError(LogFlaw.NUMBER, f"{where}: decimal digits without leading zeros were expected")
    if (number := int(text)) > largest:
        raise MalformedLogDataError(LogFlaw.NUMBER, f"{where}: a number up to {largest} was expected")
    return number


def encode_base64(data: bytes) -> str:
    """Write RFC 4648 section 4, padded and in one line."""
    return binascii.b2a_base64(data, newline=False).decode()


def parse_base64(text: str, where: str) -> bytes:
    """Read exactly what `encode_base64` writes; the caller has bounded the text.

    Raises:
        MalformedLogDataError: BASE64.

    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error is one, and so is a text that is not ASCII
        raise MalformedLogDataError(LogFlaw.BASE64, where) from error
    # Strict mode lets surplus padding and non-zero unused bits pass; writing it again shows both.
    if encode_base64(data) != text:
        raise MalformedLogDataError(LogFlaw.BASE64, where)
    return data


def parse_hash(text: str, where: str) -> bytes:
    """Read the base64 of 32 bytes.

    Raises:
        MalformedLogDataError: BASE64, LENGTH.

    """
    data = parse_base64(text, where)
    if len(data) != HASH_SIZE:
        raise MalformedLogDataError(LogFlaw.LENGTH, f"{where}: {HASH_SIZE} bytes were expected, got {len(data)}")
    return data


def parse_text(data: bytes, where: str, *, largest: int) -> str:
    r"""Read UTF-8 without control characters (below U+0020) other than newlines, which ends in a newline.

    Raises:
        MalformedLogDataError: TOO_LARGE, TEXT, LINES.

    """
    if len(data) > largest:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"{where}: up to {largest} bytes were expected")
    try:
        text = data.decode()
    except UnicodeDecodeError:  # the cause would quote the bytes
        raise MalformedLogDataError(LogFlaw.TEXT, f"{where}: UTF-8 was expected") from None
    if not is_clean_text(text):
        raise MalformedLogDataError(LogFlaw.TEXT, f"{where}: a control character")
    if not text.endswith("\n"):
        raise MalformedLogDataError(LogFlaw.LINES, f"{where}: the last line does not end")
    return text


def is_clean_text(text: str) -> bool:
    """Answer whether there are no control characters in it other than newlines."""
    return _CONTROL.search(text) is None
