"""DER (X.690): a strict walk over tags and lengths, for slicing original bytes and bounding what typed decoding sees.

Values are decoded by the declarative ASN.1 of ``cryptography``; this module never interprets one.
Signatures are verified over slices of the input, so the walk keeps offsets and never re-encodes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography.hazmat import asn1

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_DER_DEPTH, MAX_DER_ELEMENTS, MAX_DOCUMENT

T = TypeVar("T")

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0  # [0] constructed, EXPLICIT or IMPLICIT over a SEQUENCE or SET
CONTEXT_1: Final = 0xA1
CONTEXT_3: Final = 0xA3

_CONSTRUCTED: Final = 0x20
_HIGH_TAG_NUMBER: Final = 0x1F
_FIRST_NOT_UNIVERSAL: Final = 0x40
_UNIVERSAL_NESTED: Final = frozenset({8, 11, 16, 17})  # EXTERNAL, EMBEDDED PDV, SEQUENCE, SET
_LONG_FORM: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 4  # lengths up to 4 GiB; every bound of ours is far below

_REFUSED: Final = 0
_PRIMITIVE: Final = 1
_NESTED: Final = 2


def _kind_of_tag(tag: int) -> int:
    """Say whether an identifier octet is primitive, constructed, or not DER (X.690 sections 8.1.2 and 10.2)."""
    number = tag & _HIGH_TAG_NUMBER
    constructed = bool(tag & _CONSTRUCTED)
    if number == _HIGH_TAG_NUMBER:  # none of our standards has a tag number above 30
        return _REFUSED
    if tag < _FIRST_NOT_UNIVERSAL and (number == 0 or constructed != (number in _UNIVERSAL_NESTED)):
        return _REFUSED
    return _NESTED if constructed else _PRIMITIVE


_KIND: Final = bytes(_kind_of_tag(tag) for tag in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One tag-length-value in ``buffer``: it starts at ``start``, its content ``header`` bytes later, up to ``end``.

    Elements come from :func:`parse_element` only, which has checked everything below them.
    """

    buffer: bytes
    start: int
    header: int
    end: int

    @property
    def tag(self) -> int:
        """The identifier octet."""
        return self.buffer[self.start]

    @property
    def content(self) -> bytes:
        """The value without tag and length."""
        return self.buffer[self.start + self.header : self.end]

    @property
    def encoded(self) -> bytes:
        """The original bytes, tag and length included."""
        return self.buffer[self.start : self.end]

    def children(self) -> tuple["Element", ...]:
        """Return the elements directly inside; none for a primitive element."""
        if _KIND[self.tag] != _NESTED:
            return ()
        found = []
        position = self.start + self.header
        while position < self.end:
            child = _element_at(self.buffer, position)
            found.append(child)
            position = child.end
        return tuple(found)

    def child(self, index: int) -> "Element":
        """Return one of the elements directly inside; cheaper than all of them.

        Raises:
            IndexError: there are fewer.
        """
        position = self.start + self.header if _KIND[self.tag] == _NESTED else self.end
        while position < self.end:
            if index == 0:
                return _element_at(self.buffer, position)
            position = _end_at(self.buffer, position)
            index -= 1
        raise IndexError("fewer elements than expected")


def _end_at(buffer: bytes, position: int) -> int:
    """Return where an element ends whose header parse_element has checked before."""
    length = buffer[position + 1]
    if length < _LONG_FORM:
        return position + 2 + length
    content = position + 2 + length - _LONG_FORM
    return content + int.from_bytes(buffer[position + 2 : content], "big")


def _element_at(buffer: bytes, position: int) -> Element:
    """Return the element whose header parse_element has checked before."""
    length = buffer[position + 1]
    header = 2 if length < _LONG_FORM else 2 + length - _LONG_FORM
    return Element(buffer=buffer, start=position, header=header, end=_end_at(buffer, position))


def parse_element(
    data: bytes,
    *,
    limit: int = MAX_DOCUMENT,
    max_elements: int = MAX_DER_ELEMENTS,
    max_depth: int = MAX_DER_DEPTH,
) -> Element:
    """Read exactly one element and check the shape of everything inside it.

    Lengths are definite and minimal, strings primitive, tag numbers low, and nothing follows the element.
    ``limit`` is in bytes; ``max_depth`` counts the outermost element as 1.
    BER as some CMS producers write it (indefinite lengths, strings in pieces) is refused, not repaired.

    Raises:
        MalformedDocumentError: ``DER`` with the offset of the fault, or ``TOO_LARGE`` when a bound is reached.
    """
    if len(data) > limit:
        raise MalformedDocumentError(Malformed.TOO_LARGE, f"DER of {len(data)} bytes, at most {limit} are read")
    content, end = _read_header(data, 0, len(data))
    if end != len(data):
        raise MalformedDocumentError(Malformed.DER, f"{len(data) - end} bytes after the end, offset {end}")
    root = Element(buffer=data, start=0, header=content, end=end)
    _check_inside(data, root, max_elements=max_elements, max_depth=max_depth)
    return root


def _check_inside(data: bytes, root: Element, *, max_elements: int, max_depth: int) -> None:
    """Visit every nested element without recursion; the stack holds the ends of those that are open."""
    if _KIND[root.tag] != _NESTED:
        return
    position = root.header
    open_ends = [root.end]
    count = 1
    while open_ends:
        if position == open_ends[-1]:
            open_ends.pop()
            continue
        content, end = _read_header(data, position, open_ends[-1])
        count += 1
        if count > max_elements:
            raise MalformedDocumentError(Malformed.TOO_LARGE, f"more than {max_elements} DER elements")
        if _KIND[data[position]] == _NESTED:
            open_ends.append(end)
            if len(open_ends) > max_depth:
                raise MalformedDocumentError(Malformed.TOO_LARGE, f"DER nested more than {max_depth} deep")
            position = content
        else:
            position = end


def _read_header(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """Return where the content of the element at ``position`` begins and ends; it must end within ``limit``."""
    content = position + 2
    if content > limit:
        raise MalformedDocumentError(Malformed.DER, f"cut off at offset {position}")
    if _KIND[data[position]] == _REFUSED:
        raise MalformedDocumentError(Malformed.DER, f"tag {data[position]:#04x} at offset {position}")
    length = data[position + 1]
    if length >= _LONG_FORM:
        octets = length - _LONG_FORM
        if not 1 <= octets <= _MAX_LENGTH_OCTETS:  # 0 is the indefinite form of BER
            raise MalformedDocumentError(Malformed.DER, f"length form at offset {position}")
        content += octets
        if content > limit:
            raise MalformedDocumentError(Malformed.DER, f"cut off at offset {position}")
        length = int.from_bytes(data[position + 2 : content], "big")
        if length < _LONG_FORM or data[position + 2] == 0:
            raise MalformedDocumentError(Malformed.DER, f"length is not minimal at offset {position}")
    end = content + length
    if end > limit:
        raise MalformedDocumentError(Malformed.DER, f"longer than what holds it, offset {position}")
    return content, end


def peek_header(data: bytes, position: int) -> tuple[int, int, int] | None:
    """Return tag, content start and claimed content end at ``position``, or None where nothing fits.

    This is for recognising a format, also a broken one: it accepts BER lengths and an end beyond the data.
    """
    if position + 2 > len(data):
        return None
    length = data[position + 1]
    if length < _LONG_FORM:
        return data[position], position + 2, position + 2 + length
    if length == _LONG_FORM:
        return data[position], position + 2, len(data)
    octets = length - _LONG_FORM
    content = position + 2 + octets
    if octets > _MAX_LENGTH_OCTETS or content > len(data):
        return None
    return data[position], content, content + int.from_bytes(data[position + 2 : content], "big")


def decode(cls: type[T], data: bytes, where: str) -> T:
    """Decode DER into a declared ASN.1 type; ``where`` names the structure in the error.

    Raises:
        MalformedDocumentError: ``DER`` when the bytes are not that structure.
    """
    try:
        return asn1.decode_der(cls, data)
    except (ValueError, OverflowError) as error:
        raise MalformedDocumentError(Malformed.DER, where) from error


def encode_element(tag: int, content: bytes) -> bytes:
    """Put ``content`` under a DER header with the shortest length."""
    length = len(content)
    if length < _LONG_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets + content


def encode_sequence(parts: Iterable[bytes]) -> bytes:
    """Join encoded elements, unchanged, under one new SEQUENCE header."""
    return encode_element(SEQUENCE, b"".join(parts))
