"""Base64 (RFC 4648 section 4), one spelling per value: what is read encodes back to the same text."""

import binascii
from typing import Final

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_DOCUMENT

_XML_WHITESPACE: Final = b" \t\r\n"
_WHITESPACE_PER_CHARACTER: Final = 2  # text broken after every character, the worst that pretty-printing makes


def decode_base64(text: str | bytes, *, limit: int = MAX_DOCUMENT, whitespace: bool = False, where: str = "") -> bytes:
    """Return the bytes that ``text`` stands for; empty text stands for no bytes.

    Alphabet, padding and the unused bits of the last character must be exactly those an encoder writes.
    ``limit`` bounds the result in bytes. ``whitespace`` allows XML white space anywhere, as in a wrapped CheckValue.

    Raises:
        MalformedDocumentError: ``BASE64``, or ``TOO_LARGE`` beyond the limit; ``where`` is passed on, the text never.
    """
    longest = -(-limit // 3) * 4
    allowed = longest * (1 + _WHITESPACE_PER_CHARACTER) if whitespace else longest
    if len(text) > allowed:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    try:
        encoded = text.encode("ascii") if isinstance(text, str) else text
        if whitespace:
            encoded = encoded.translate(None, _XML_WHITESPACE)
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedDocumentError(Malformed.BASE64, where) from error
    # Python's strict mode lets surplus padding and non-zero unused bits pass; writing it again shows both.
    if binascii.b2a_base64(decoded, newline=False) != encoded:
        raise MalformedDocumentError(Malformed.BASE64, where)
    if len(decoded) > limit:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    return decoded
