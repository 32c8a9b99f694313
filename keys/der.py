"""One element of DER: its tag and where its content lies in the input, without copying and without leniency.

Used where the bytes must be sliced from the input as they are (what is signed) or walked by the million (revocation
lists); everything else is decoded declaratively.
"""

from typing import Final, NamedTuple

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30

_LONG_FORM: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 4  # lengths up to 4 GiB: far beyond any input that a bound lets in
_HIGH_TAG_NUMBER: Final = 0x1F


class Element(NamedTuple):
    """Where one element lies: header from ``start``, content from ``content`` to ``end``."""

    tag: int
    start: int
    content: int
    end: int


def read_element(data: bytes, start: int, limit: int) -> Element:
    """Read the header of the element at ``start`` that must end at or before ``limit``.

    Raises:
        ValueError: truncated, high tag number, or a length that is indefinite or not minimal (X.690 section 10.1).

    """
    if limit - start < 2:  # noqa: PLR2004 - a tag octet and a length octet
        raise ValueError("an element was expected, got the end")
    tag, first = data[start], data[start + 1]
    if tag & _HIGH_TAG_NUMBER == _HIGH_TAG_NUMBER:
        raise ValueError("a tag number below 31 was expected")
    content = start + 2
    length = first
    if first >= _LONG_FORM:
        octets = first - _LONG_FORM
        if not 1 <= octets <= _MAX_LENGTH_OCTETS or limit - content < octets:
            raise ValueError("a definite length was expected")
        length = int.from_bytes(data[content : content + octets])
        if length < _LONG_FORM or length >> 8 * (octets - 1) == 0:
            raise ValueError("a minimal length was expected")
        content += octets
    if length > limit - content:
        raise ValueError("an element that ends within its frame was expected")
    return Element(tag, start, content, content + length)


def expect_element(data: bytes, start: int, limit: int, tag: int) -> Element:
    """Read the element at ``start``, which must carry ``tag``; raises ValueError as `read_element` does."""
    element = read_element(data, start, limit)
    if element.tag != tag:
        raise ValueError(f"tag {tag:#04x} was expected, got {element.tag:#04x}")
    return element


def encode_header(tag: int, length: int) -> bytes:
    """Encode tag and minimal length; with the content behind it, it is the one spelling that DER has."""
    if length < _LONG_FORM:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, _LONG_FORM | len(octets))) + octets
