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

from keys.certificate import Extension, read_extensions
from keys.der import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Element, encode_header, expect_element, read_element

CRL_REASON: Final = "2.5.29.21"
_INVALIDITY_DATE: Final = "2.5.29.24"
_CERTIFICATE_ISSUER: Final = "2.5.29.29"
_KNOWN: Final = frozenset({CRL_REASON, _INVALIDITY_DATE})

_MIN_ENTRY: Final = 20  # bytes: a serial number of one byte, a UTCTime, and their headers
_LONG_FORM: Final = 0x80

# The times of nearly all entries; what does not match is read with care.
_TIME: Final = re.compile(
    rb"(?:\x17\x0d|\x18\x0f[12]\d)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ"
)


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
# The extensions of an entry that gives its reason and nothing else, as they stand in the list.
_REASON_ONLY: Final = MappingProxyType(
    {bytes.fromhex(f"300c300a0603551d1504030a01{number:02x}"): reason for number, reason in _REASONS.items()}
)


class Revocation(NamedTuple):
    """When a certificate was revoked, in UTC, and why; None: no reason is given."""

    revoked_at: datetime
    reason: RevocationReason | None


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
        is_time, reason_only = _TIME.match, _REASON_ONLY
        while position < end:
            # An entry as nearly all are: short lengths, a minimal serial number, a plain time, a reason or nothing.
            serial = data[position + 4 : position + 4 + data[position + 3]] if end - position >= _MIN_ENTRY else b""
            after = position + 2 + data[position + 1] if serial else 0
            time_end = found.end() if (found := is_time(data, position + 4 + len(serial))) else 0
            if (
                data[position] != SEQUENCE
                or data[position + 2] != INTEGER
                or not 0 < len(serial) < _LONG_FORM
                or after - position > _LONG_FORM
                or after > end
                or serial[0] in (0x00, 0xFF)
                or (time_end != after and data[time_end:after] not in reason_only)
            ):
                after, serial = self._check_entry(position, end)
            slot = hash(serial) & mask
            while table[slot]:
                slot = slot + 1 & mask
            table[slot] = position + 1
            position = after
            self.count += 1

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
                self.unusable = "an indirect list"
            elif critical - _KNOWN:
                self.unusable = "an entry with a critical extension that is not known"
            _read_reason(values)
        return entry.end, content

    def find(self, serial: int) -> Revocation | None:
        """Return when and why the certificate with this serial number was revoked; None: it is not on the list."""
        wanted = serial.to_bytes((serial if serial >= 0 else ~serial).bit_length() // 8 + 1, signed=True)
        data, table, mask = self._encoded, self._table, len(self._table) - 1
        slot = hash(wanted) & mask
        while place := table[slot]:
            entry, found, revoked_at = _split_entry(data, place - 1, len(data))
            if data[found.content : found.end] == wanted:
                reason = None
                if revoked_at.end != entry.end:
                    reason = _read_reason(_read_entry_extensions(data[revoked_at.end : entry.end])[0])
                return Revocation(read_time(data, revoked_at), reason)
            slot = slot + 1 & mask
        return None


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
    """Read the reasonCode, an ENUMERATED of one byte; raises ValueError for a number that RFC 5280 does not assign."""
    value = values.get(CRL_REASON)
    if value is None:
        return None
    if len(value) != 3 or value[:2] != b"\x0a\x01" or value[2] not in _REASONS:  # noqa: PLR2004 - header and number
        raise ValueError("a reason for the revocation was expected")
    return _REASONS[value[2]]
