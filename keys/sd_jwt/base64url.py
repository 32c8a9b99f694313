"""Base64url without padding (RFC 7515 section 2), one spelling per value."""

import base64
import binascii

from keys.sd_jwt.errors import SdJwtError, SdJwtFault


def encode_base64url(value: bytes) -> str:
    """Write bytes."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def parse_base64url(text: str) -> bytes:
    """Read bytes; raises SdJwtError with BASE64 unless they encode back to the same text."""
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise SdJwtError(SdJwtFault.BASE64) from None
    if encode_base64url(value) != text:  # the library skips what is not of its alphabet
        raise SdJwtError(SdJwtFault.BASE64)
    return value
