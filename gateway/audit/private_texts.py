"""Texts of private parts at rest: names compressed, facts of decisions by number.

Names stand in one text, which is compressed with a preset dictionary of what most of them have in common. Only what a
document says is compressed together: a caller who could put a guess beside somebody's number would see in the length
of the sealed part whether it is right. So facts, among which the caller's own request id is, are never compressed; a
value that most decisions have is one byte, its number in `_USUAL_VALUES`.
"""

import re
import zlib
from collections.abc import Sequence
from typing import Final

from gateway.audit.entry import (
    MAX_CONTEXT,
    MAX_PRIVATE_TEXT,
    MAX_SUBJECT_TEXT,
    MAX_SUBJECTS,
    SEPARATOR,
    TYPED_IN,
    SubjectId,
)

_MAX_NAMES: Final = MAX_PRIVATE_TEXT + MAX_SUBJECTS * (1 + MAX_SUBJECT_TEXT)  # bytes: a licence and its holders
_WINDOW: Final = -10  # raw deflate over 2^10 bytes: the dictionary and more; made in a third of the time of 2^15
_MEMORY: Final = 1
_LEVEL: Final = 1
_PLAIN: Final = b"\0"
_DEFLATED: Final = b"\1"
# What names of licences have in common, the most usual last. Never to be changed: stored parts need it.
_USUAL_NAMES: Final = (
    "粤黔云藏陕甘青宁新沪津渝京冀晋辽吉黑苏浙皖闽赣豫鄂湘桂琼川蒙鲁证字第号91330000MA911100009144030091420100"
    "北京市上海市广东省江苏省浙江省山东省(2024)(2025)(2026)市区县不动产权第000\n"
    "1.2.156.3005.2.11100000MB03271699011.11100000.1137000000000000.000000000000.001."
).encode()
_PACKER: Final = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zdict=_USUAL_NAMES)  # to be copied
_NUMBERED: Final = 0x80  # of the first usual value; a smaller byte is the length of a text
# New values only at the end, for stored parts have their numbers.
_USUAL_VALUES: Final = (
    *("own", "partner"),
    *("active", "suspended", "expired", "revoked", "cancelled", "superseded", "unknown"),
    *("person", "sole-trader", "organisation"),
    *("under-14", "minor", "adult", "undetermined", "not-applicable"),
    *("none", "given", "statutory"),
    *("valid", "invalid"),
    *("counter", "approval", "partner-counter", "notary", "bank-kiosk", "tax", "court", "auditor"),
    *("property-certificate", "vehicle-licence", "driving-licence", "business-licence", "social-security-card"),
    *("id-card", "household-register", "birth-certificate", "marriage-certificate", "disability-certificate"),
    TYPED_IN,
)
_NUMBERS: Final = {value: bytes([number]) for number, value in enumerate(_USUAL_VALUES, _NUMBERED)}
_IDENTIFIER: Final = 0xFE  # before the 16 bytes of 32 hexadecimal digits, as the id of a request has
_IDENTIFIER_SIZE: Final = 16
_IDENTIFIER_TEXT: Final = re.compile("[0-9a-f]{32}")
_LONG: Final = 0xFF  # before a length of two bytes
_LENGTH_SIZE: Final = 2


def pack_names(licence: str, subjects: Sequence[str]) -> bytes:
    """Write the names of a licence and the numbers of its holders, compressed where that is shorter."""
    names = SEPARATOR.join((licence, *subjects)).encode()
    packer = _PACKER.copy()
    deflated = packer.compress(names) + packer.flush()
    return _DEFLATED + deflated if len(deflated) < len(names) else _PLAIN + names


def unpack_names(data: bytes) -> tuple[str, tuple[SubjectId, ...]]:
    """Read them; raises ValueError."""
    kind, names = data[:1], data[1:]
    if kind == _DEFLATED:
        names = _inflate(names)
    elif kind != _PLAIN:
        raise ValueError("names were expected")
    licence, *subjects = names.decode().split(SEPARATOR)
    return licence, tuple(SubjectId(subject) for subject in subjects)


def pack_facts(facts: Sequence[str]) -> bytes:
    """Write the values of a context one behind the other."""
    return b"".join([_NUMBERS.get(fact) or _pack_fact(fact) for fact in facts])


def unpack_facts(data: bytes) -> tuple[str, ...]:
    """Read them; raises ValueError."""
    facts: list[str] = []
    at, end = 0, len(data)
    while at < end:
        if len(facts) == MAX_CONTEXT:
            raise ValueError(f"up to {MAX_CONTEXT} facts were expected")
        first, at = data[at], at + 1
        if _NUMBERED <= first < _IDENTIFIER:
            if first - _NUMBERED >= len(_USUAL_VALUES):
                raise ValueError("a number of a usual value was expected")
            facts.append(_USUAL_VALUES[first - _NUMBERED])
            continue
        size = first
        if first == _IDENTIFIER:
            size = _IDENTIFIER_SIZE
        elif first == _LONG:
            size, at = int.from_bytes(data[at : at + _LENGTH_SIZE]), at + _LENGTH_SIZE
        fact, at = data[at : at + size], at + size
        facts.append(fact.hex() if first == _IDENTIFIER else fact.decode())
    if at != end:
        raise ValueError("a fact was expected")
    return tuple(facts)


def _pack_fact(fact: str) -> bytes:
    data = fact.encode()
    size = len(data)
    if size >= _NUMBERED:
        return bytes([_LONG]) + size.to_bytes(_LENGTH_SIZE) + data
    if size == 2 * _IDENTIFIER_SIZE and _IDENTIFIER_TEXT.fullmatch(fact):
        return bytes([_IDENTIFIER]) + bytes.fromhex(fact)
    return bytes([size]) + data


def _inflate(data: bytes) -> bytes:
    """Return what was compressed, no more than names can have; raises ValueError."""
    reader = zlib.decompressobj(_WINDOW, zdict=_USUAL_NAMES)
    try:
        names = reader.decompress(data, _MAX_NAMES + 1)
    except zlib.error:
        raise ValueError("names were expected") from None
    if not reader.eof or reader.unused_data or len(names) > _MAX_NAMES:
        raise ValueError(f"up to {_MAX_NAMES} bytes of names were expected")
    return names
