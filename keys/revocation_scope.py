"""For which certificates of its issuer a revocation list speaks (issuingDistributionPoint, RFC 5280 section 5.2.5)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

from cryptography.hazmat import asn1

from keys.certificate import MAX_REMEMBERED, Certificate
from keys.certificate_extensions import read_extensions
from keys.der import SEQUENCE, encode_header, read_element
from keys.revoked import INDIRECT, ExtensionList

ATTRIBUTES: Final = "a list of attribute certificates"
SOME_REASONS: Final = "a list for some reasons only"
NO_CERTIFICATES: Final = "a list for no certificates"
NOT_NAMED_IN_FULL: Final = "a list for a distribution point that is not named in full"
# What such a list names are other certificates than those of its issuer.
OF_OTHERS: Final = frozenset({INDIRECT, ATTRIBUTES})

_CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
_TBS_EXTENSIONS: Final = 0xA3  # [3] EXPLICIT
_MAX_POINTS: Final = 64  # distribution points of one certificate, and names of one point; real ones have one to three
_CERTIFICATES: Final = 4_096  # remembered certificates of ordinary size, as in keys.certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class ListScope:
    """The part of the certificates of its issuer that a list is complete for.

    ``points`` are DER GeneralNames; a certificate belongs to the part when it names one of them; None: no such limit.
    """

    only_users: bool = False
    only_authorities: bool = False
    points: frozenset[bytes] | None = None


@asn1.sequence
class _PointName:
    full_name: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    relative_name: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class _IssuingPoint:
    # The choice of names is explicitly tagged (X.680 section 31.2.7), so a SEQUENCE stands in for the tag [0].
    point: Annotated[_PointName | None, asn1.Implicit(0)]
    only_users: Annotated[bool | None, asn1.Implicit(1)]
    only_authorities: Annotated[bool | None, asn1.Implicit(2)]
    some_reasons: Annotated[asn1.BitString | None, asn1.Implicit(3)]
    indirect: Annotated[bool | None, asn1.Implicit(4)]
    only_attributes: Annotated[bool | None, asn1.Implicit(5)]


@asn1.sequence
class _Point:
    point: Annotated[_PointName | None, asn1.Implicit(0)]
    reasons: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    issuer: Annotated[list[asn1.TLV] | None, asn1.Implicit(2)]


@asn1.sequence
class _Points:
    points: list[_Point]


def parse_scope(value: bytes) -> tuple[ListScope | None, str | None]:
    """Read the extension: the scope, or (None, why the list cannot be used).

    Raises:
        ValueError: it is not such an extension.

    """
    stated = asn1.decode_der(_IssuingPoint, value)
    if stated.indirect:
        return None, INDIRECT
    if stated.some_reasons is not None:
        return None, SOME_REASONS
    if stated.only_attributes:
        return None, ATTRIBUTES
    if stated.only_users and stated.only_authorities:
        return None, NO_CERTIFICATES
    points = None
    if stated.point is not None:
        points = _names(stated.point)
        if not points:
            return None, NOT_NAMED_IN_FULL
    scope = ListScope(only_users=bool(stated.only_users), only_authorities=bool(stated.only_authorities), points=points)
    # RFC 5280 section 5.2.5 forbids the extension that says nothing, so it is not clear what was meant.
    return (None, "a list for an unnamed part of the certificates") if scope == ListScope() else (scope, None)


def is_in_scope(certificate: Certificate, scope: ListScope | None) -> bool:
    """Return whether a list of this scope speaks for ``certificate`` (RFC 5280 section 6.3.3, step b 2)."""
    if scope is None:
        return True
    if (certificate.is_ca and scope.only_users) or (not certificate.is_ca and scope.only_authorities):
        return False
    return scope.points is None or bool(scope.points & read_distribution_points(certificate))


def read_distribution_points(certificate: Certificate) -> frozenset[bytes]:
    """Read the full names (DER GeneralNames) of the points at which the issuer's own lists for all reasons are.

    A certificate without such an extension, or with one that cannot be read, names none.
    """
    ordinary = len(certificate.encoded) <= MAX_REMEMBERED
    return _read_remembered_points(certificate) if ordinary else _read_points(certificate)


def _read_points(certificate: Certificate) -> frozenset[bytes]:
    try:
        value = read_certificate_extensions(certificate).get(_CRL_DISTRIBUTION_POINTS)
        if value is None:
            return frozenset()
        points = asn1.decode_der(_Points, encode_header(SEQUENCE, len(value)) + value).points
    except ValueError:
        return frozenset()
    return frozenset(
        name
        for point in points[:_MAX_POINTS]
        if point.point is not None and point.reasons is None and point.issuer is None
        for name in _names(point.point)
    )


_read_remembered_points = lru_cache(maxsize=_CERTIFICATES)(_read_points)


def read_certificate_extensions(certificate: Certificate) -> dict[str, bytes]:
    """Read the values of all extensions of a certificate, by dotted OID."""
    tbs = certificate.tbs
    frame = read_element(tbs, 0, len(tbs))
    position = frame.content
    while position < frame.end:
        element = read_element(tbs, position, frame.end)
        if element.tag == _TBS_EXTENSIONS:
            # The declarative decoder wants a SEQUENCE of its own around a SEQUENCE OF; here [3] gives its place.
            content = tbs[element.content : element.end]
            wrapped = encode_header(SEQUENCE, len(content)) + content
            return read_extensions(asn1.decode_der(ExtensionList, wrapped).extensions)[0]
        position = element.end
    return {}


def _names(point: _PointName) -> frozenset[bytes]:
    """Return the full names; a name relative to the issuer occurs nowhere in practice and is not compared."""
    return frozenset(
        bytes(name.tag_bytes) + encode_header(SEQUENCE, len(name.data))[1:] + bytes(name.data)
        for name in (point.full_name or ())[:_MAX_POINTS]
    )
