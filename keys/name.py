"""A distinguished name: as text for people, and compared as RFC 5280 section 7.1 wants it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from asn1crypto import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.der import OBJECT_IDENTIFIER, SEQUENCE, encode_header, expect_element

MAX_TEXT: Final = 500  # characters of a rendered name; real ones have 50 to 200
MAX_NAME: Final = 4 * 1024  # bytes of a name that is read at all
_NAMES: Final = 4_096  # remembered renderings; a province has a few thousand signers and makers

# RFC 4514 section 3, and what certificates in China carry besides.
_SHORT: Final = MappingProxyType(
    {
        "2.5.4.3": "CN",
        "2.5.4.4": "SN",
        "2.5.4.5": "serialNumber",
        "2.5.4.6": "C",
        "2.5.4.7": "L",
        "2.5.4.8": "ST",
        "2.5.4.9": "STREET",
        "2.5.4.10": "O",
        "2.5.4.11": "OU",
        "2.5.4.12": "title",
        "2.5.4.42": "GN",
        "0.9.2342.19200300.100.1.1": "UID",
        "0.9.2342.19200300.100.1.25": "DC",
        "1.2.840.113549.1.9.1": "emailAddress",
    }
)
_ENCODINGS: Final = MappingProxyType(
    {
        0x0C: "utf-8",  # UTF8String
        0x12: "ascii",  # NumericString
        0x13: "ascii",  # PrintableString
        0x14: "latin-1",  # TeletexString, as everybody reads it
        0x16: "ascii",  # IA5String
        0x1A: "ascii",  # VisibleString
        0x1C: "utf-32-be",  # UniversalString
        0x1E: "utf-16-be",  # BMPString
    }
)
_Name: Any = x509.Name  # the library has no types
_NameType: Any = x509.NameType
_SET: Final = 0x31
_PLAIN_STRINGS: Final = (0x0C, 0x13)  # UTF8String, PrintableString
# Characters that RFC 4518 leaves as they are but for case and runs of spaces: printable ASCII, and the ideographs that
# Unicode 3.2 had, which its tables stop at.
_PLAIN: Final = re.compile("[ -~\u4e00-\u9fa5]*")
_SPACES: Final = re.compile(" +")
# Attributes whose value is a DirectoryString (RFC 5280 section 4.1.2.4), by their OID in DER.
_DIRECTORY_STRINGS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        bytes((OBJECT_IDENTIFIER, 3, 0x55, 0x04, arc)): _NameType(f"2.5.4.{arc}").native
        for arc in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    }
)
_HEADER: Final = 2  # bytes of tag and length
_MAX_SHORT: Final = 0x7F  # content whose length is one byte
_STRING: Final = _HEADER + 5  # where the string of an attribute begins, behind one of these OIDs
_ESCAPED: Final = frozenset(',+"\\<>;=')


@asn1.sequence
class _Attribute:
    type: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Names:
    relative: list[asn1.SetOf[_Attribute]]


@lru_cache(maxsize=_NAMES)
def render_name(name: bytes) -> str:
    """Render a DER Name in the manner of RFC 4514: the most specific part first, like "CN=…,O=…,C=CN".

    Control and invisible characters are escaped, so that a name cannot forge what stands around it; a name that cannot
    be read is shown as "#" and hexadecimal digits; more than `MAX_TEXT` characters are cut and end in "…".
    """
    if len(name) > MAX_NAME:
        return "#" + name[:MAX_TEXT].hex()[: MAX_TEXT - 2] + "…"
    try:
        # The declarative decoder wants a SEQUENCE of its own around a SEQUENCE OF.
        parts = asn1.decode_der(_Names, encode_header(SEQUENCE, len(name)) + name).relative
        text = ",".join("+".join(_render_attribute(a) for a in part.as_list()) for part in reversed(parts))
    except ValueError:
        text = "#" + name[:MAX_TEXT].hex()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _render_attribute(attribute: _Attribute) -> str:
    dotted = attribute.type.dotted_string
    label = _SHORT.get(dotted, dotted)
    tag, data = attribute.value.tag_bytes[0], bytes(attribute.value.data)
    encoding = _ENCODINGS.get(tag)
    if encoding is None:
        return f"{label}=#{(encode_header(tag, len(data)) + data)[:MAX_TEXT].hex()}"
    try:
        return f"{label}={_escape(data.decode(encoding))}"
    except UnicodeDecodeError:
        return f"{label}=#{(encode_header(tag, len(data)) + data)[:MAX_TEXT].hex()}"


def _escape(text: str) -> str:
    """Escape what RFC 4514 section 2.4 names, and every character that cannot be seen."""
    shown = []
    for place, character in enumerate(text[:MAX_TEXT]):
        edge = place in (0, len(text) - 1)
        if character in _ESCAPED or (edge and character == " ") or (place == 0 and character == "#"):
            shown.append("\\" + character)
        elif character.isprintable():
            shown.append(character)
        else:
            shown.extend(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
    return "".join(shown)


@lru_cache(maxsize=_NAMES)
def name_key(name: bytes) -> str | bytes:
    """Return the form under which equal names are equal: prepared as RFC 5280 section 7.1 says, or else the bytes.

    CAs do write a PrintableString in their own certificate and a UTF8String in those that they issue.
    """
    if len(name) > MAX_NAME:
        return name
    return _plain_key(name) or _library_key(name)


def _plain_key(name: bytes) -> str | None:
    """Return what the library would, some fifty times as fast, for names that are written as nearly all are; else None.

    A trust list of 5,000 names is indexed when it is loaded.
    """
    try:
        outer = expect_element(name, 0, len(name), SEQUENCE)
        place, parts = outer.content, []
        while place < outer.end:
            end = place + _HEADER + name[place + 1]
            if name[place] != _SET or name[place + 1] > _MAX_SHORT or end > outer.end:
                return None
            parts.append(_plain_part(name[place + _HEADER : end]))
            place = end
    except (ValueError, IndexError):
        return None
    return "\x1e".join(parts) if outer.end == len(name) else None


@lru_cache(maxsize=_NAMES)
def _plain_part(content: bytes) -> str:
    """Return the key of one attribute, the only one of its set; countries and organisations repeat, so remembered.

    SEQUENCE {OBJECT IDENTIFIER, string}, as whole as it is long: a set has fewer than 128 bytes here, so that each
    length is one byte.
    """
    label = _DIRECTORY_STRINGS.get(content[_HEADER:_STRING])
    text = content[_STRING + _HEADER :]
    if (
        label is None
        or content[0] != SEQUENCE
        or content[1] != len(content) - _HEADER
        or content[_STRING] not in _PLAIN_STRINGS
        or content[_STRING + 1] != len(text)
    ):
        raise ValueError("a plain attribute was expected")
    plain = text.decode(_ENCODINGS[content[_STRING]])
    if not _PLAIN.fullmatch(plain):
        raise ValueError("plain characters were expected")
    return f"{label}:  {_SPACES.sub('  ', plain.lower()).strip()} "


def _library_key(name: bytes) -> str | bytes:
    try:
        return str(_Name.load(name, strict=True).hashable)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return name  # a name that the library cannot read equals nothing but itself
