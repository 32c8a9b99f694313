"""A certificate revocation list (CRL) as a value: who says so, as of when, and which certificates are revoked.

Complete lists are used, also those that are complete for one clear part: for certificates of subscribers, of CAs, or
that name the same distribution point. A delta list is laid over its base (keys.revocation_update), or read beside it.
Indirect lists, lists for some reasons only and lists of attribute certificates are not supported: read and marked.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate_extensions import read_extensions
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
from keys.pem import LIST_LABELS, read_pem
from keys.revocation_scope import OF_OTHERS, ListScope, parse_scope
from keys.revoked import ExtensionList, Revocation, RevocationReason, RevokedCertificates, read_time

MAX_REVOCATION_LIST: Final = 256 * 1024 * 1024  # bytes; a million entries take 40 MB, the largest public list 80 MB
_V2: Final = b"\x01"  # the number that stands for version 2
_EXTENSIONS: Final = 0xA0  # [0] EXPLICIT

MAX_NUMBER_BITS: Final = 160  # RFC 5280 section 5.2.3: at most 20 octets

DELTA: Final = "a delta list"
UNKNOWN_EXTENSION: Final = "a critical extension that is not known"
_CRL_NUMBER: Final = "2.5.29.20"
_DELTA: Final = "2.5.29.27"
_ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
_AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
_EXPIRED_CERTS_ON_LIST: Final = "2.5.29.60"  # X.509 section 9.5.2.8
_KNOWN: Final = frozenset(
    {_CRL_NUMBER, _AUTHORITY_KEY_IDENTIFIER, _DELTA, _ISSUING_DISTRIBUTION_POINT, _EXPIRED_CERTS_ON_LIST}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What its keeper knows about a piece of evidence beyond its text.

    ``usable_until`` is the end of the keeper's tolerance (excluded), which never prolongs what the issuer stated.
    ``skew`` is how far our clock is ahead of the source's, as measured when it was fetched; None: not measured.
    """

    usable_until: datetime
    skew: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RevocationList:
    """A revocation list; current while this_update <= at < next_update, or of no known duration (next_update None).

    ``unusable`` says why nothing may be concluded from it; None: it can be used once its signature is verified.
    ``scope`` None: it covers all certificates of its issuer. ``base_number`` makes it a delta list.
    ``delta`` is a delta list that was laid over this one; both signatures count then, and the dates are the delta's.
    ``keeps_expired_since``: entries of certificates that expired then or later stay on it; None: it may drop an entry
    once the certificate has expired (RFC 5280 section 3.3).
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
    number: int | None = None
    base_number: int | None = None
    scope: ListScope | None = None
    keeps_expired_since: datetime | None = None
    delta: "RevocationList | None" = None
    complete: "RevocationList | None" = None  # with a delta: the list below it, as it was read
    upkeep: Upkeep | None = None

    @property
    def tbs(self) -> bytes:
        """The bytes that the issuer signed, copied on demand, since they are nearly the whole list."""
        return self.encoded[self.tbs_start : self.tbs_end]

    def find(self, serial: int) -> Revocation | None:
        """Return when and why the certificate with this serial number was revoked; None: it is not on the list."""
        if self.delta is not None:
            change = self.delta.revoked.find(serial)
            if change is not None:
                return None if change.reason is RevocationReason.REMOVE_FROM_CRL else change
        return self.revoked.find(serial)

    def about(self, serial: int) -> bytes:  # noqa: ARG002 - whether a list counts is a matter of the whole list
        """Return its digest."""
        return self.fingerprint

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

    Delta, indirect and partial lists of an unclear scope, and lists that say something critical which we do not know,
    are read and marked as unusable.

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
    blocks = [block for block in read_pem(blob).blocks if block.label in LIST_LABELS]
    if len(blocks) != 1:
        raise ValueError(f"one PEM block of a revocation list was expected, got {len(blocks)}")
    content = blocks[0].content
    if content is None:
        raise ValueError("a PEM block that is base64 was expected")
    return content


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
    stated_extensions = _read_list_extensions(encoded, extensions)
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
        unusable=_first_of_others(revoked.unusable, stated_extensions.unusable),
        number=stated_extensions.number,
        base_number=stated_extensions.base_number,
        scope=stated_extensions.scope,
        keeps_expired_since=stated_extensions.keeps_expired_since,
    )


def _first_of_others(*reasons: str | None) -> str | None:
    """Return why a list cannot be used; that it speaks about others' certificates says more than all else."""
    found = [reason for reason in reasons if reason is not None]
    return next((reason for reason in found if reason in OF_OTHERS), found[0] if found else None)


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


class _Stated(NamedTuple):
    """What the extensions say."""

    number: int | None = None
    base_number: int | None = None
    scope: ListScope | None = None
    unusable: str | None = None
    keeps_expired_since: datetime | None = None


def _read_list_extensions(encoded: bytes, element: Element | None) -> _Stated:
    """Read the extensions; a partial list is told by its extension, critical or not."""
    if element is None:
        return _Stated()
    content = encoded[element.content : element.end]
    wrapped = encode_header(SEQUENCE, len(content)) + content
    values, critical = read_extensions(asn1.decode_der(ExtensionList, wrapped).extensions)
    number, base_number = _read_number(values.get(_CRL_NUMBER)), _read_number(values.get(_DELTA))
    part = values.get(_ISSUING_DISTRIBUTION_POINT)
    scope, unusable = (None, None) if part is None else parse_scope(part)
    if base_number is not None:
        unusable = unusable or DELTA
    if critical - _KNOWN:
        unusable = _first_of_others(UNKNOWN_EXTENSION, unusable)
    kept = values.get(_EXPIRED_CERTS_ON_LIST)
    since = None if kept is None else asn1.decode_der(asn1.GeneralizedTime, kept).as_datetime()
    return _Stated(number, base_number, scope, unusable, since)


def _read_number(value: bytes | None) -> int | None:
    """Read a CRL number, 0 or more; raises ValueError for anything else."""
    if value is None:
        return None
    number = asn1.decode_der(int, value)
    if number < 0 or number.bit_length() > MAX_NUMBER_BITS:
        raise ValueError(f"a list number of 0 or more, of at most {MAX_NUMBER_BITS} bits, was expected")
    return number
