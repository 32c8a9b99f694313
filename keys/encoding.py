"""The value {r, s} of an SM2 or ECDSA signature: how it may be spelled, and the one spelling we keep.

A DER SEQUENCE of two INTEGERs is what X.509 and CMS write; some seal vendors write 64 raw bytes r‖s.
Needless zeros before r or s occur in real files and are read, since the numbers are beyond doubt; everything else that
is not DER is refused: trailing bytes, indefinite or long lengths, negative numbers, numbers outside 1..n-1.

A value of exactly 64 bytes is always raw, so that the length alone decides and no value has two readings.
A DER value of 64 bytes would need r and s to lack 64 bits together: no honest signer meets one in 2^48 signatures.
"""

from enum import StrEnum
from typing import Final

from keys.der import INTEGER, SEQUENCE, expect_element

RAW_SIZE: Final = 64  # r and s of 256 bits each
MAX_SIZE: Final = 127  # 72 suffice for minimal DER; staying below 128 leaves short lengths as the only spelling
_SIGN_BIT: Final = 0x80


class SignatureEncoding(StrEnum):
    """How a signature value was spelled; DER also stands for algorithms whose values have one spelling only."""

    DER = "der"
    DER_NON_CANONICAL = "der-non-canonical"  # needless zeros before r or s
    RAW = "raw"


def parse_signature(value: bytes, order: int, *, raw_allowed: bool = True) -> tuple[int, int, SignatureEncoding]:
    """Read r and s, both within 1..``order``-1.

    Raises:
        ValueError: neither DER SEQUENCE{r, s} nor 64 raw bytes, or a number out of range.

    """
    if raw_allowed and len(value) == RAW_SIZE:
        r, s = int.from_bytes(value[:32]), int.from_bytes(value[32:])
        encoding = SignatureEncoding.RAW
    else:
        r, s, encoding = _parse_der(value)
    if not (0 < r < order and 0 < s < order):
        raise ValueError("r and s within 1..n-1 were expected")
    return r, s, encoding


def _parse_der(value: bytes) -> tuple[int, int, SignatureEncoding]:
    if len(value) > MAX_SIZE:
        raise ValueError(f"at most {MAX_SIZE} bytes were expected, got {len(value)}")
    sequence = expect_element(value, 0, len(value), SEQUENCE)
    first = expect_element(value, sequence.content, sequence.end, INTEGER)
    second = expect_element(value, first.end, sequence.end, INTEGER)
    if second.end != sequence.end or sequence.end != len(value):
        raise ValueError("two numbers were expected, got more bytes")
    numbers = []
    encoding = SignatureEncoding.DER
    for element in (first, second):
        content = value[element.content : element.end]
        if not content or content[0] & _SIGN_BIT:
            raise ValueError("a positive number was expected")
        number = int.from_bytes(content)
        if len(content) != number.bit_length() // 8 + 1:
            encoding = SignatureEncoding.DER_NON_CANONICAL
        numbers.append(number)
    return numbers[0], numbers[1], encoding


def encode_signature(r: int, s: int) -> bytes:
    """Encode r and s as minimal DER, the spelling under which a signature is an identity."""
    body = b"".join(bytes((INTEGER, size)) + n.to_bytes(size) for n in (r, s) for size in (n.bit_length() // 8 + 1,))
    return bytes((SEQUENCE, len(body))) + body
