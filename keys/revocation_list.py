"""A certificate revocation list (CRL) as a value: who says so, as of when, and which certificates are revoked."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate import read_extensions
from keys.der import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    UTC_TIME,
    Element,
    encode_header,
    expect_element,
    read_element,
)
from keys.errors import MalformedRevocationListError
from keys.revoked import ExtensionList, Revocation, RevokedCertificates, read_time

MAX_REVOCATION_LIST: Final = 256 * 1024 * 1024  # bytes; a million entries take 40 MB, the largest public list 80 MB
_V2: Final = b"\x01"  # the number that stands for version 2
_EXTENSIONS: Final = 0xA0  # [0] EXPLICIT

_CRL_NUMBER: Final = "2.5.29.20"
_DELTA: Final = "2.5.29.27"
_ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
_AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
_KNOWN: Final = frozenset({_CRL_NUMBER, _AUTHORITY_KEY_IDENTIFIER})

_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RevocationList:
    """A revocation list; current while this_update <= at < next_update, or of no known duration (next_update None).

    ``unusable`` says why nothing may be concluded from it; None: it can be used once its signature is verified.
    """

    encoded: bytes
    fingerprint: bytes  # SHA-256 of ``encoded``
    tbs_start: int
    tbs_end: int
    signature_algorithm: str
    signature: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    revoked: RevokedCertificates
    unusable: str | None

    @property
    def tbs(self) -> bytes:
        """The bytes that the issuer signed, copied on demand, since they are nearly the whole list."""
        return self.encoded[self.tbs_start : self.tbs_end]

    def find(self, serial: int) -> Revocation | None:
        """Return when and why the certificate with this serial number was revoked; None: it is not on the list."""
        return self.revoked.find(serial)

    def __repr__(self) -> str:
        """Show which list it is, not its megabytes."""
        return f"RevocationList(fingerprint={self.fingerprint.hex()}, revoked={self.revoked.count})"

    def __eq__(self, other: object) -> bool:
        """Compare the bytes, by their digest."""
        return isinstance(other, RevocationList) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        """Agree with equality, quickly."""
        return hash(self.fingerprint)


def parse_revocation_list(blob: bytes) -> RevocationList:
    """Read one list, DER or PEM (RFC 5280 section 5.1).

    Lists that cover only a part of what their issuer issued (delta, indirect, with an issuing distribution point), or
    that say something critical which we do not know, are read and marked as unusable.

    Raises:
        MalformedRevocationListError: not such a list, too large, or more than one.

    """
    if len(blob) > MAX_REVOCATION_LIST:
        raise MalformedRevocationListError(f"at most {MAX_REVOCATION_LIST} bytes were expected, got {len(blob)}")
    try:
        return _parse(blob if blob[:1] == b"\x30" else _unwrap(blob))
    except (ValueError, OverflowError) as error:
        raise MalformedRevocationListError(f"a revocation list was expected: {error}") from error


def _unwrap(blob: bytes) -> bytes:
    blocks = _PEM.findall(blob)
    if len(blocks) != 1:
        raise ValueError(f"one PEM block of a revocation list was expected, got {len(blocks)}")
    try:
        return base64.b64decode(b"".join(blocks[0].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("a PEM block that is base64 was expected") from error


def _parse(encoded: bytes) -> RevocationList:
    outer = expect_element(encoded, 0, len(encoded), SEQUENCE)
    tbs = expect_element(encoded, outer.content, outer.end, SEQUENCE)
    algorithm = expect_element(encoded, tbs.end, outer.end, SEQUENCE)
    signature = expect_element(encoded, algorithm.end, outer.end, BIT_STRING)
    if outer.end != len(encoded) or signature.end != outer.end:
        raise ValueError("the end was expected, got more bytes")
    if encoded[signature.content : signature.content + 1] != b"\x00":
        raise ValueError("whole bytes of a signature were expected")

    # tbsCertList: version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, [0] extensions?
    parts = _Parts(encoded, tbs)
    version = parts.take(INTEGER)
    stated = parts.need(SEQUENCE)
    issuer = parts.need(SEQUENCE)
    this_update = parts.need(UTC_TIME, GENERALIZED_TIME)
    next_update = parts.take(UTC_TIME, GENERALIZED_TIME)
    entries = parts.take(SEQUENCE)
    extensions = parts.take(_EXTENSIONS)
    parts.finish()
    if version is not None and encoded[version.content : version.end] != _V2:
        raise ValueError("version 2 was expected")
    if version is None and extensions is not None:
        raise ValueError("extensions occur in version 2 only")
    dotted = _read_algorithm(encoded, algorithm)
    if dotted != _read_algorithm(encoded, stated):
        raise ValueError("the signature algorithm is stated twice, and differently")
    revoked = RevokedCertificates(encoded, entries.content if entries else 0, entries.end if entries else 0)
    return RevocationList(
        encoded=encoded,
        fingerprint=hashlib.sha256(encoded).digest(),
        tbs_start=tbs.start,
        tbs_end=tbs.end,
        signature_algorithm=dotted,
        signature=encoded[signature.content + 1 : signature.end],
        issuer=encoded[issuer.start : issuer.end],
        this_update=read_time(encoded, this_update),
        next_update=None if next_update is None else read_time(encoded, next_update),
        revoked=revoked,
        unusable=revoked.unusable or _judge_extensions(encoded, extensions),
    )


class _Parts:
    """The parts of a SEQUENCE in order; a part that may be absent is recognised by its tag."""

    def __init__(self, data: bytes, frame: Element) -> None:
        self._data = data
        self._position = frame.content
        self._end = frame.end

    def take(self, *tags: int) -> Element | None:
        if self._position == self._end or self._data[self._position] not in tags:
            return None
        element = read_element(self._data, self._position, self._end)
        self._position = element.end
        return element

    def need(self, *tags: int) -> Element:
        element = self.take(*tags)
        if element is None:
            raise ValueError("a part of the list is missing")
        return element

    def finish(self) -> None:
        if self._position != self._end:
            raise ValueError("a part was expected to be the last, got more bytes")


def _read_algorithm(encoded: bytes, algorithm: Element) -> str:
    identifier = expect_element(encoded, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
    return asn1.decode_der(ObjectIdentifier, encoded[identifier.start : identifier.end]).dotted_string


def _judge_extensions(encoded: bytes, element: Element | None) -> str | None:
    """Say why the list as a whole cannot be used; partial lists are told by their extension, critical or not."""
    if element is None:
        return None
    content = encoded[element.content : element.end]
    wrapped = encode_header(SEQUENCE, len(content)) + content
    values, critical = read_extensions(asn1.decode_der(ExtensionList, wrapped).extensions)
    if _DELTA in values:
        return "a delta list"
    if _ISSUING_DISTRIBUTION_POINT in values:
        return "a list for a part of the certificates only"
    if critical - _KNOWN:
        return "a critical extension that is not known"
    return None
