"""How OCSP names a certificate: digests of its issuer's name and key, and its serial number (RFC 6960, 4.1.1)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate import Certificate
from keys.digest import SHA256_OID, SM3_OID, sm3
from keys.spki import parse_spki

_ISSUERS: Final = 1_024  # remembered digests; a gateway knows a few hundred issuers


class IdDigest(StrEnum):
    """The digests under which a certificate may be named, as dotted OIDs.

    They only tell issuers apart and protect nothing, so SHA-1, which most responders insist on, is acceptable here.
    """

    SHA1 = "1.3.14.3.2.26"
    SHA256 = SHA256_OID
    SM3 = SM3_OID


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


_COMPUTE: Final = MappingProxyType[IdDigest, Callable[[bytes], bytes]](
    {IdDigest.SHA1: _sha1, IdDigest.SHA256: _sha256, IdDigest.SM3: sm3}
)


@asn1.sequence
class DigestAlgorithm:
    """An AlgorithmIdentifier of a digest; parameters are NULL or absent."""

    oid: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class EncodedCertificateId:
    """CertID as it is spelled."""

    algorithm: DigestAlgorithm
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateId:
    """A certificate, named by digests of its issuer; ``digest`` is a dotted OID, which may be one that is not ours."""

    digest: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int


def read_certificate_id(encoded: EncodedCertificateId) -> CertificateId:
    """Return the value that the decoded structure spells."""
    return CertificateId(
        digest=encoded.algorithm.oid.dotted_string,
        issuer_name_hash=encoded.issuer_name_hash,
        issuer_key_hash=encoded.issuer_key_hash,
        serial=encoded.serial,
    )


def encode_certificate_id(certificate: Certificate, issuer: Certificate, digest: IdDigest) -> EncodedCertificateId:
    """Name ``certificate`` with digests of the name that it gives its issuer and of the issuer's key."""
    name_hash, key_hash = _digest_issuer(certificate.issuer, issuer.spki, digest)
    return EncodedCertificateId(
        algorithm=DigestAlgorithm(oid=ObjectIdentifier(digest), parameters=asn1.Null()),
        issuer_name_hash=name_hash,
        issuer_key_hash=key_hash,
        serial=certificate.serial,
    )


def is_named(certificate: Certificate, issuer: Certificate, name: CertificateId) -> bool:
    """Return whether ``name`` names exactly this certificate of this issuer; a digest not of ours names nothing."""
    if name.serial != certificate.serial or name.digest not in _COMPUTE:
        return False
    key_bits = _digest_issuer(certificate.issuer, issuer.spki, IdDigest(name.digest))
    # A responder may hash the issuer's own spelling of its name instead of the one in the certificate.
    return (name.issuer_name_hash, name.issuer_key_hash) == key_bits or (
        (name.issuer_name_hash, name.issuer_key_hash)
        == _digest_issuer(issuer.subject, issuer.spki, IdDigest(name.digest))
    )


@lru_cache(maxsize=_ISSUERS)
def _digest_issuer(name: bytes, spki: bytes, digest: IdDigest) -> tuple[bytes, bytes]:
    compute = _COMPUTE[digest]
    try:
        _, key = parse_spki(spki)
    except ValueError:  # a key that nobody can read signs nothing, so what it is named does not matter
        key = b""
    return compute(name), compute(key)
