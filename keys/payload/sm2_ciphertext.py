"""An SM2 ciphertext: the point C1, the hash C3 and the text C2 of GB/T 32918.4, and the forms in which they travel.

GB/T 32918.4 (2016) writes C1 C3 C2; systems built on the text of 2010 write C1 C2 C3; GB/T 35276 (GM/T 0009) has a
DER SEQUENCE. Which one it is, is agreed and never guessed: C1 C3 C2 and C1 C2 C3 cannot be told apart.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keys.der import INTEGER, OCTET_STRING, SEQUENCE, encode_header, expect_element
from keys.payload.errors import PayloadError, PayloadFault

NUMBER: Final = 32  # bytes of x, of y and of an SM3 hash
_UNCOMPRESSED: Final = 0x04
_SIGN_BIT: Final = 0x80


class Sm2Form(StrEnum):
    """The forms in use; "bare" ones lack the byte 04 in front of C1."""

    C1C3C2 = "c1c3c2"
    C1C3C2_BARE = "c1c3c2-bare"
    C1C2C3 = "c1c2c3"
    C1C2C3_BARE = "c1c2c3-bare"
    DER = "der"


_BARE: Final = frozenset({Sm2Form.C1C3C2_BARE, Sm2Form.C1C2C3_BARE})
_TEXT_FIRST: Final = frozenset({Sm2Form.C1C2C3, Sm2Form.C1C2C3_BARE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Ciphertext:
    """The three parts; ``point`` is 64 bytes x‖y, ``text`` as long as what it hides."""

    point: bytes
    digest: bytes
    text: bytes


def encode_sm2_ciphertext(ciphertext: Sm2Ciphertext, form: Sm2Form) -> bytes:
    """Write a ciphertext."""
    if form is Sm2Form.DER:
        return _encode_der(ciphertext)
    prefix = b"" if form in _BARE else bytes((_UNCOMPRESSED,))
    parts = (ciphertext.text, ciphertext.digest) if form in _TEXT_FIRST else (ciphertext.digest, ciphertext.text)
    return prefix + ciphertext.point + b"".join(parts)


def parse_sm2_ciphertext(encoded: bytes, form: Sm2Form) -> Sm2Ciphertext:
    """Read a ciphertext; whether C1 is on the curve is found out by who decrypts (GB/T 32918.4 section 7.1, step B1).

    Raises:
        PayloadError: STRUCTURE.

    """
    try:
        return _parse_der(encoded) if form is Sm2Form.DER else _parse_raw(encoded, form)
    except (ValueError, OverflowError) as error:
        raise PayloadError(PayloadFault.STRUCTURE, f"an SM2 ciphertext {form} was expected: {error}") from error


def _parse_raw(encoded: bytes, form: Sm2Form) -> Sm2Ciphertext:
    if form not in _BARE:
        if encoded[:1] != bytes((_UNCOMPRESSED,)):
            raise ValueError("the byte 04 was expected in front")
        encoded = encoded[1:]
    point, rest = encoded[: 2 * NUMBER], encoded[2 * NUMBER :]
    if len(rest) <= NUMBER:
        raise ValueError(f"more than {3 * NUMBER} bytes were expected, got {len(encoded)}")
    if form in _TEXT_FIRST:
        return Sm2Ciphertext(point=point, digest=rest[-NUMBER:], text=rest[:-NUMBER])
    return Sm2Ciphertext(point=point, digest=rest[:NUMBER], text=rest[NUMBER:])


def _encode_der(ciphertext: Sm2Ciphertext) -> bytes:
    body = b"".join(
        (
            _encode_number(ciphertext.point[:NUMBER]),
            _encode_number(ciphertext.point[NUMBER:]),
            encode_header(OCTET_STRING, NUMBER) + ciphertext.digest,
            encode_header(OCTET_STRING, len(ciphertext.text)) + ciphertext.text,
        )
    )
    return encode_header(SEQUENCE, len(body)) + body


def _encode_number(number: bytes) -> bytes:
    value = int.from_bytes(number)
    content = value.to_bytes(value.bit_length() // 8 + 1)
    return encode_header(INTEGER, len(content)) + content


def _parse_der(encoded: bytes) -> Sm2Ciphertext:
    frame = expect_element(encoded, 0, len(encoded), SEQUENCE)
    x = expect_element(encoded, frame.content, frame.end, INTEGER)
    y = expect_element(encoded, x.end, frame.end, INTEGER)
    digest = expect_element(encoded, y.end, frame.end, OCTET_STRING)
    text = expect_element(encoded, digest.end, frame.end, OCTET_STRING)
    if text.end != frame.end or frame.end != len(encoded):
        raise ValueError("four parts were expected, got more bytes")
    if digest.end - digest.content != NUMBER or text.end == text.content:
        raise ValueError(f"a hash of {NUMBER} bytes and a text were expected")
    point = b"".join(_parse_number(encoded[number.content : number.end]) for number in (x, y))
    return Sm2Ciphertext(
        point=point, digest=encoded[digest.content : digest.end], text=encoded[text.content : text.end]
    )


def _parse_number(content: bytes) -> bytes:
    if not content or content[0] & _SIGN_BIT:
        raise ValueError("a number that is not negative was expected")
    return int.from_bytes(content).to_bytes(NUMBER)  # needless zeros are read, as in signatures
