"""The revoked certificates of one list: found by serial number in constant time, kept in four bytes each.

National lists have a million entries; as Python objects they would take 300 MB and seconds to make.
So the entries stay where they are in the encoded list, every one is checked once, and an open-addressing table of
offsets leads to them.
The place in the table comes from Python's hash of bytes, which is keyed per process, so a hostile list cannot crowd it.
"""

import re
from array import array
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat import asn1

from keys.certificate_extensions import Extension, read_extensions
from keys.der import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Element, encode_header, expect_element, read_element

CRL_REASON: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
_CERTIFICATE_ISSUER: Final = "2.5.29.29"
_KNOWN: Final = frozenset({CRL_REASON, INVALIDITY_DATE})

INDIRECT: Final = "an indirect list"
UNKNOWN_ENTRY: Final = "an entry with a critical extension that is not known"
REPETITIVE: Final = "the same serial numbers again and again"

_MIN_ENTRY: Final = 20  # bytes: a serial number of one byte, a UTCTime, and their headers
_LONG_LENGTH: Final = 0x80  # a first byte of a length from which on more bytes follow
_MAX_COMMON_SERIAL: Final = 21  # bytes: the 20 of RFC 5280 section 4.1.2.2, and one for the sign
MAX_REPEATED: Final = 10_000  # entries about serial numbers that were named before; honest lists have none


class RevocationReason(StrEnum):
    """Why a certificate was revoked (RFC 5280 section 5.3.1), in the order of the numbers; 7 was never assigned."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key-compromise"
    CA_COMPROMISE = "ca-compromise"
    AFFILIATION_CHANGED = "affiliation-changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"
    CERTIFICATE_HOLD = "certificate-hold"
    REMOVE_FROM_CRL = "remove-from-crl"
    PRIVILEGE_WITHDRAWN = "privilege-withdrawn"
    AA_COMPROMISE = "aa-compromise"


_REASONS: Final = MappingProxyType(dict(zip((0, 1, 2, 3, 4, 5, 6, 8, 9, 10), RevocationReason, strict=True)))


def _common_entry(serial_size: int, *, with_reason: bool) -> bytes:
    """Return the expression for one entry, after its tag: a minimal serial number, a UTCTime, a reason or nothing."""
    # A first byte of 00 or FF is needed only for the sign that the next byte would give otherwise.
    first = rb"[\x00-\xff]" if serial_size == 1 else rb"(?:[^\x00\xff]|\x00(?=[\x80-\xff])|\xff(?=[\x00-\x7f]))"
    rest = b"[\\x00-\\xff]{%d}" % (serial_size - 1)
    # 29 February is read with care, since it needs the year.
    day = rb"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
    time = rb"\x17\x0d\d\d" + day + rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ"
    reason = rb"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01[\x00-\x06\x08-\x0a]" if with_reason else b""
    size = 2 + serial_size + 15 + (14 if with_reason else 0)
    return re.escape(bytes((size, INTEGER, serial_size))) + first + rest + time + reason


# As many entries in a row as are like nearly all are, checked without a step in Python for each; possessive, so that
# nothing is tried twice. What does not match is read with care.
_COMMON: Final = re.compile(
    rb"(?:\x30(?:"
    + b"|".join(
        _common_entry(size, with_reason=with_reason)
        for size in range(_MAX_COMMON_SERIAL, 0, -1)
        for with_reason in (False, True)
    )
    + rb"))*+"
)


class Revocation(NamedTuple):
    """When a certificate was revoked, in UTC, and why; None: no reason is given.

    ``invalid_since`` is since when its key is known or suspected to be in other hands (RFC 5280 section 5.3.2), which
    may be long before anybody noticed; None: that is not stated.
    """

    revoked_at: datetime
    reason: RevocationReason | None
    invalid_since: datetime | None = None

    @property
    def effective_at(self) -> datetime:
        """The moment from which on nothing that the certificate signed counts."""
        return self.revoked_at if self.invalid_since is None else min(self.revoked_at, self.invalid_since)


@asn1.sequence
class ExtensionList:
    """Extensions, as the declarative decoder wants them: with a SEQUENCE of its own around the SEQUENCE OF."""

    extensions: list[Extension]


class RevokedCertificates:
    """The revokedCertificates of one list (RFC 5280 section 5.1.2.6)."""

    __slots__ = ("_encoded", "_table", "count", "unusable")

    def __init__(self, encoded: bytes, start: int, end: int) -> None:
        """Check every entry from ``start`` to ``end`` of ``encoded`` and make the table.

        ``unusable`` says why nothing may be concluded from the entries: a critical extension that is not known, or an
        indirect list; None: they may be relied on.

        Raises:
            ValueError: an entry is not one.

        """
        self._encoded = encoded
        self.unusable: str | None = None
        self.count = 0
        size = 1 << (2 * ((end - start) // _MIN_ENTRY) + 1).bit_length()  # never more than half full
        self._table = array("I", bytes(4 * size)) if end > start else array("I", (0,))
        self._fill(start, end)

    def _fill(self, position: int, end: int) -> None:
        data, table, mask = self._encoded, self._table, len(self._table) - 1
        count = repeated = 0
        while position < end:
            found = _COMMON.match(data, position, end)
            common = found.end() if found else position
            while position < common:
                size = data[position + 3]
                serial = data[position + 4 : position + 4 + size]
                slot = hash(serial) & mask
                while place := table[slot]:
                    # Compared at once, so that a number that is repeated a million times is found at its first place.
                    # An entry starts one before ``place``; a long one has its serial number elsewhere.
                    if data[place] < _LONG_LENGTH:
                        same = data[place + 2] == size and data[place + 3 : place + 3 + size] == serial
                    else:
                        same = self._read_serial(place - 1) == serial
                    if same:
                        repeated += 1
                        self._keep_first(slot, position, repeated)
                        break
                    slot = slot + 1 & mask
                else:
                    table[slot] = position + 1
                position += 2 + data[position + 1]
                count += 1
            if position < end:
                after, serial = self._check_entry(position, end)
                slot = hash(serial) & mask
                while (place := table[slot]) and self._read_serial(place - 1) != serial:
                    slot = slot + 1 & mask
                if place:
                    repeated += 1
                    self._keep_first(slot, position, repeated)
                else:
                    table[slot] = position + 1
                position = after
                count += 1
        self.count = count
        if repeated > MAX_REPEATED:
            self.unusable = self.unusable or REPETITIVE

    def _keep_first(self, slot: int, position: int, repeated: int) -> None:
        """Of two entries about one certificate keep the one that counts: a revocation before a removal, the earlier."""
        if repeated <= MAX_REPEATED and _precedence(self._read(position)) < _precedence(
            self._read(self._table[slot] - 1)
        ):
            self._table[slot] = position + 1

    def _read_serial(self, position: int) -> bytes:
        """Return the serial number, as encoded, of the entry at ``position``, which was checked before."""
        data = self._encoded
        if data[position + 1] < _LONG_LENGTH:
            return data[position + 4 : position + 4 + data[position + 3]]
        _, serial, _ = _split_entry(data, position, len(data))
        return data[serial.content : serial.end]

    def _read(self, position: int) -> Revocation:
        data = self._encoded
        entry, _, revoked_at = _split_entry(data, position, len(data))
        if revoked_at.end == entry.end:
            return Revocation(read_time(data, revoked_at), None)
        values, _ = _read_entry_extensions(data[revoked_at.end : entry.end])
        return Revocation(read_time(data, revoked_at), _read_reason(values), _read_invalidity(values))

    def _check_entry(self, position: int, end: int) -> tuple[int, bytes]:
        """Check one entry with care; return where it ends, and its serial number as encoded."""
        data = self._encoded
        entry, serial, revoked_at = _split_entry(data, position, end)
        read_time(data, revoked_at)
        content = data[serial.content : serial.end]
        asn1.decode_der(int, data[serial.start : serial.end])  # a minimal number, so that it has one spelling
        if revoked_at.end != entry.end:
            values, critical = _read_entry_extensions(data[revoked_at.end : entry.end])
            if _CERTIFICATE_ISSUER in values:
                self.unusable = INDIRECT
            elif critical - _KNOWN:
                self.unusable = self.unusable or UNKNOWN_ENTRY
            _read_reason(values)
            _read_invalidity(values)
        return entry.end, content

    def find(self, serial: int) -> Revocation | None:
        """Return when and why the certificate with this serial number was revoked; None: it is not on the list."""
        wanted = serial.to_bytes((serial if serial >= 0 else ~serial).bit_length() // 8 + 1, signed=True)
        table, mask = self._table, len(self._table) - 1
        slot = hash(wanted) & mask
        while place := table[slot]:
            if self._read_serial(place - 1) == wanted:
                return self._read(place - 1)
            slot = slot + 1 & mask
        return None


def _precedence(revocation: Revocation) -> tuple[bool, datetime]:
    return revocation.reason is RevocationReason.REMOVE_FROM_CRL, revocation.effective_at


def read_time(data: bytes, element: Element) -> datetime:
    """Read a UTCTime or GeneralizedTime in the spelling of RFC 5280 section 4.1.2.5; raises ValueError otherwise."""
    encoded = data[element.start : element.end]
    if element.tag == UTC_TIME:
        return asn1.decode_der(asn1.UTCTime, encoded).as_datetime()
    if element.tag == GENERALIZED_TIME:
        return asn1.decode_der(asn1.GeneralizedTime, encoded).as_datetime()
    raise ValueError("a time was expected")


def _split_entry(data: bytes, position: int, end: int) -> tuple[Element, Element, Element]:
    entry = expect_element(data, position, end, SEQUENCE)
    serial = expect_element(data, entry.content, entry.end, INTEGER)
    return entry, serial, read_element(data, serial.end, entry.end)


def _read_entry_extensions(encoded: bytes) -> tuple[dict[str, bytes], frozenset[str]]:
    wrapped = encode_header(SEQUENCE, len(encoded)) + encoded
    return read_extensions(asn1.decode_der(ExtensionList, wrapped).extensions)


def _read_reason(values: dict[str, bytes]) -> RevocationReason | None:
    """Read the reasonCode of an entry; None: it gives none."""
    value = values.get(CRL_REASON)
    return None if value is None else reason_by_number(value)


def _read_invalidity(values: dict[str, bytes]) -> datetime | None:
    """Read the invalidityDate of an entry; None: it states none. Raises ValueError for anything else."""
    value = values.get(INVALIDITY_DATE)
    return None if value is None else asn1.decode_der(asn1.GeneralizedTime, value).as_datetime()


def reason_by_number(encoded: bytes) -> RevocationReason:
    """Read an ENUMERATED of one byte; raises ValueError for a number that RFC 5280 does not assign."""
    if len(encoded) != 3 or encoded[:2] != b"\x0a\x01" or encoded[2] not in _REASONS:  # noqa: PLR2004 - header, number
        raise ValueError("a reason for the revocation was expected")
    return _REASONS[encoded[2]]
