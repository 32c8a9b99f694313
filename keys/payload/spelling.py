"""How bytes are written as text in other systems' messages; what is read has been checked character by character."""

import base64
import binascii
import re
from enum import StrEnum
from typing import Final

from keys.payload.bounds import MAX_SPELLED
from keys.payload.errors import PayloadError, PayloadFault

_LINE: Final = 76  # RFC 2045 section 6.8, which sun.misc.BASE64Encoder and its heirs follow
_LINE_ENDS: Final = b"\r\n"
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")


class Spelling(StrEnum):
    """The spellings in use."""

    HEX = "hex"
    HEX_UPPER = "hex-upper"
    BASE64 = "base64"  # RFC 4648 section 4
    BASE64_LINES = "base64-lines"  # the same, in lines of 76 characters that end with CR LF


def encode_spelling(value: bytes, spelling: Spelling) -> str:
    """Write bytes as text."""
    match spelling:
        case Spelling.HEX:
            return value.hex()
        case Spelling.HEX_UPPER:
            return value.hex().upper()
        case Spelling.BASE64:
            return base64.b64encode(value).decode("ascii")
        case Spelling.BASE64_LINES:
            text = base64.b64encode(value).decode("ascii")
            return "\r\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))


def parse_spelling(text: str, spelling: Spelling, *, limit: int = MAX_SPELLED) -> bytes:
    """Read bytes; ``limit`` is in characters.

    Hexadecimal is read in either case, whichever is agreed for writing: the bytes are beyond doubt, and both occur
    from the same systems. Base64 is read in its one spelling; with lines, line ends may stand anywhere.

    Raises:
        PayloadError: TOO_LARGE, SPELLING.

    """
    if len(text) > limit:
        raise PayloadError(PayloadFault.TOO_LARGE, f"at most {limit} characters were expected, got {len(text)}")
    match spelling:
        case Spelling.HEX | Spelling.HEX_UPPER:
            if _HEX.fullmatch(text) is None:
                raise PayloadError(PayloadFault.SPELLING, "pairs of hexadecimal digits were expected")
            return bytes.fromhex(text)
        case Spelling.BASE64 | Spelling.BASE64_LINES:
            return _parse_base64(text, line_ends=spelling is Spelling.BASE64_LINES)


def _parse_base64(text: str, *, line_ends: bool) -> bytes:
    try:
        encoded = text.encode("ascii")
        if line_ends:
            encoded = encoded.translate(None, _LINE_ENDS)
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # not chained: an error of encoding carries the whole text
        raise PayloadError(PayloadFault.SPELLING, "base64 was expected") from None
    # Python's strict mode lets surplus padding and non-zero unused bits pass; writing it again shows both.
    if binascii.b2a_base64(decoded, newline=False) != encoded:
        raise PayloadError(PayloadFault.SPELLING, "base64 in its one spelling was expected")
    return decoded
