"""In which charset a payload's text becomes bytes: strictly, so that no character is replaced or lost."""

from enum import StrEnum

from keys.payload.bounds import MAX_PAYLOAD
from keys.payload.errors import PayloadError, PayloadFault


class Charset(StrEnum):
    """The charsets in use; each gives every text that it has exactly one spelling in bytes."""

    UTF_8 = "utf-8"
    GBK = "gbk"
    GB18030 = "gb18030"  # every byte sequence that Python reads of it is the one that it writes


def encode_text(text: str, charset: Charset) -> bytes:
    """Write text as bytes.

    Raises:
        PayloadError: CHARSET for a character that the charset does not have; TOO_LARGE.

    """
    try:
        encoded = text.encode(charset)
    except UnicodeEncodeError as error:
        # Not chained: the exception carries the whole text, which may hold personal data.
        raise PayloadError(PayloadFault.CHARSET, f"{charset} has no character {error.start} of the text") from None
    if len(encoded) > MAX_PAYLOAD:
        raise PayloadError(PayloadFault.TOO_LARGE, f"at most {MAX_PAYLOAD} bytes were expected, got {len(encoded)}")
    return encoded


def parse_text(encoded: bytes, charset: Charset) -> str:
    """Read text; half a character at the end is as wrong as a byte that begins none.

    Raises:
        PayloadError: CHARSET, TOO_LARGE.

    """
    if len(encoded) > MAX_PAYLOAD:
        raise PayloadError(PayloadFault.TOO_LARGE, f"at most {MAX_PAYLOAD} bytes were expected, got {len(encoded)}")
    try:
        return encoded.decode(charset)
    except UnicodeDecodeError as error:
        raise PayloadError(PayloadFault.CHARSET, f"not {charset} from byte {error.start}") from None  # the same
