"""An X.509 certificate as a value: what it says, read strictly once, judged nowhere here.

The structure is decoded declaratively, without loading the key, since most libraries do not know SM2.
What its extensions say is read in `keys.certificate_extensions`.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from msgspec import Struct

from keys.certificate_extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SUBJECT_KEY_IDENTIFIER,
    Extension,
    KeyUsage,
    read_authority_key_id,
    read_basic_constraints,
    read_extended_key_usage,
    read_extensions,
    read_key_usage,
    read_subject_key_id,
)
from keys.der import OBJECT_IDENTIFIER, SEQUENCE, encode_header, expect_element
from keys.errors import MalformedCertificateError
from keys.memo import remember_short
from keys.name import render_name
from keys.pem import CERTIFICATE_LABELS, read_pem

MAX_CERTIFICATE: Final = 64 * 1024  # bytes; national certificates have 0.5 to 2 kB
_VERSIONS: Final = (1, 2, 3)
_V3: Final = 3
_LAST_SECOND: Final = datetime.max.replace(microsecond=0, tzinfo=UTC) - timedelta(seconds=1)  # 9999-12-31: no end
MAX_SERIAL_BITS: Final = 512  # RFC 5280 section 4.1.2.2 says 160; some CAs write more, none writes this much
MAX_BUNDLE: Final = 16 * 1024 * 1024  # bytes of one file of certificates; the national roots of the world take 0.3 MB
MAX_BUNDLED: Final = 4_096  # certificates in one file
# Bytes of a certificate that is remembered, here and wherever else answers about certificates are: national ones have
# 0.5 to 1.5 kB. Anybody can send others, so memory is bounded by bytes: the hungriest of this size takes 15 kB as
# a value (many short usages), 4,096 of them 60 MB.
MAX_REMEMBERED: Final = 2 * 1024
_PARSED: Final = 4_096  # remembered certificates: the signers and makers that a province sees in an hour

_SIGNING: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})

TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
# Extended usages (RFC 5280 section 4.2.1.12) that have nothing to do with documents. TLS client is not among them:
# signers of real vendors name it and nothing else.
_NOT_FOR_DOCUMENTS: Final = frozenset({"1.3.6.1.5.5.7.3.1", TIME_STAMPING, "1.3.6.1.5.5.7.3.9"})


class Certificate(Struct, frozen=True, kw_only=True, gc=False):
    """A certificate. Names and the key are DER as found; both ends of its period belong to it (X.509 says inclusive).

    A `msgspec.Struct`, which is made in a sixth of the time of a dataclass: a trust list has thousands of them.
    ``tbs`` are the bytes that its issuer signed, sliced from ``encoded``.
    ``key_usage`` is None where the certificate does not limit its key; ``extended_key_usage`` holds dotted OIDs.
    """

    encoded: bytes
    version: int
    fingerprint: bytes  # SHA-256 of ``encoded``
    tbs: bytes
    signature_algorithm: str
    signature: bytes
    serial: int
    subject: bytes
    issuer: bytes
    not_before: datetime
    not_after: datetime
    spki: bytes
    key_usage: frozenset[KeyUsage] | None
    is_ca: bool
    path_length: int | None
    extended_key_usage: frozenset[str]
    critical_extensions: frozenset[str]
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None

    @property
    def valid_until(self) -> datetime:
        """The first moment at which it is no longer valid; X.509 counts the whole last second."""
        return min(self.not_after, _LAST_SECOND) + timedelta(seconds=1)

    @property
    def subject_text(self) -> str:
        """The subject for people, at most 500 characters."""
        return render_name(self.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer for people, at most 500 characters."""
        return render_name(self.issuer)

    def __repr__(self) -> str:
        """Show which certificate it is and nothing of its names, which may be those of a person."""
        return f"Certificate(serial={self.serial:X}, fingerprint={self.fingerprint.hex()})"

    def __hash__(self) -> int:
        """Agree with equality, quickly."""
        return hash(self.fingerprint)

    def __eq__(self, other: object) -> bool:
        """Compare the bytes; equal names, serial numbers and keys prove nothing."""
        return isinstance(other, Certificate) and self.encoded == other.encoded


def is_signing_certificate(certificate: Certificate) -> bool:
    """Return whether the key may sign documents: version 3, a signing usage or no limit at all, and not a CA.

    keyCertSign beside CA FALSE and an extended usage of TLS client occur on real signers and are no objection; a
    certificate that is limited to TLS servers, time stamps or OCSP answers is none for documents.
    The encryption half of a double certificate (双证书) has neither signing usage, and is never one.
    """
    may_sign = certificate.key_usage is None or bool(certificate.key_usage & _SIGNING)
    limited = bool(certificate.extended_key_usage) and certificate.extended_key_usage <= _NOT_FOR_DOCUMENTS
    return certificate.version == _V3 and not certificate.is_ca and may_sign and not limited


def is_timestamping_certificate(certificate: Certificate) -> bool:
    """Return whether the key signs time stamps and nothing else, by a critical extension (RFC 3161 section 2.3)."""
    return (
        certificate.extended_key_usage == {TIME_STAMPING}
        and EXTENDED_KEY_USAGE in certificate.critical_extensions
        and not certificate.is_ca
        and (certificate.key_usage is None or bool(certificate.key_usage & _SIGNING))
    )


def may_sign_certificates(certificate: Certificate) -> bool:
    """Return whether the key may issue certificates: CA TRUE, and keyCertSign unless usages are not limited."""
    return certificate.is_ca and (certificate.key_usage is None or KeyUsage.KEY_CERT_SIGN in certificate.key_usage)


@asn1.sequence
class _Validity:
    not_before: asn1.UTCTime | asn1.GeneralizedTime
    not_after: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class _Tbs:
    version: Annotated[int | None, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: _Validity
    subject: asn1.TLV
    spki: asn1.TLV
    issuer_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(3)]


@asn1.sequence
class _Outer:
    tbs: _Tbs
    algorithm: asn1.TLV
    signature: asn1.BitString


def parse_certificate(encoded: bytes) -> Certificate:
    """Read a certificate (RFC 5280 section 4.1); those of ordinary size that were read lately come from memory.

    Raises:
        MalformedCertificateError: not DER, too large, or a part that decides anything cannot be read.

    """
    if len(encoded) > MAX_CERTIFICATE:
        raise MalformedCertificateError(f"at most {MAX_CERTIFICATE} bytes were expected, got {len(encoded)}")
    try:
        return _parse_remembered(encoded) if len(encoded) <= MAX_REMEMBERED else _parse(encoded)
    except (ValueError, OverflowError) as error:
        raise MalformedCertificateError(f"a certificate was expected: {error}") from error


@lru_cache(maxsize=_PARSED)
def _parse_remembered(encoded: bytes) -> Certificate:
    return _parse(encoded)


def _parse(encoded: bytes) -> Certificate:
    outer = asn1.decode_der(_Outer, encoded)
    tbs = outer.tbs
    frame = expect_element(encoded, 0, len(encoded), SEQUENCE)
    signed = expect_element(encoded, frame.content, frame.end, SEQUENCE)
    algorithm = bytes(outer.algorithm.data)
    # Byte for byte: the outer statement is not signed, and whatever may vary there gives one certificate many forms.
    if outer.algorithm.tag_bytes != tbs.algorithm.tag_bytes or algorithm != tbs.algorithm.data:
        raise ValueError("the signature algorithm is stated twice, and differently (RFC 5280 section 4.1.1.2)")
    if outer.signature.padding_bits():
        raise ValueError("whole bytes of a signature were expected")
    if tbs.serial.bit_length() > MAX_SERIAL_BITS:
        raise ValueError(f"a serial number of at most {MAX_SERIAL_BITS} bits was expected")
    values, critical = read_extensions(tbs.extensions)
    version = 1 if tbs.version is None else tbs.version + 1
    if version not in _VERSIONS:
        raise ValueError("version 1, 2 or 3 was expected")
    if values and version != _V3:
        raise ValueError("extensions occur in version 3 only")
    is_ca, path_length = read_basic_constraints(values.get(BASIC_CONSTRAINTS))
    return Certificate(
        encoded=encoded,
        version=version,
        fingerprint=hashlib.sha256(encoded).digest(),
        tbs=encoded[signed.start : signed.end],
        signature_algorithm=_read_algorithm(algorithm),
        signature=outer.signature.as_bytes(),
        serial=tbs.serial,
        subject=read_whole(tbs.subject, SEQUENCE),
        issuer=read_whole(tbs.issuer, SEQUENCE),
        not_before=tbs.validity.not_before.as_datetime(),
        not_after=tbs.validity.not_after.as_datetime(),
        spki=read_whole(tbs.spki, SEQUENCE),
        key_usage=read_key_usage(values.get(KEY_USAGE)),
        is_ca=is_ca,
        path_length=path_length,
        extended_key_usage=read_extended_key_usage(values.get(EXTENDED_KEY_USAGE)),
        critical_extensions=critical,
        subject_key_id=read_subject_key_id(values.get(SUBJECT_KEY_IDENTIFIER)),
        authority_key_id=read_authority_key_id(values.get(AUTHORITY_KEY_IDENTIFIER)),
    )


def read_algorithm(algorithm: asn1.TLV) -> str:
    """Read the dotted OID of an AlgorithmIdentifier; parameters that are NULL or absent make no difference to us."""
    return _read_algorithm(bytes(algorithm.data))


@remember_short
def _read_algorithm(body: bytes) -> str:
    identifier = expect_element(body, 0, len(body), OBJECT_IDENTIFIER)
    return asn1.decode_der(ObjectIdentifier, body[: identifier.end]).dotted_string


def read_whole(element: asn1.TLV, tag: int) -> bytes:
    """Return an element with its header as it stood in the input, which DER allows to spell in one way only."""
    if element.tag_bytes != bytes((tag,)):
        raise ValueError(f"tag {tag:#04x} was expected")
    data = element.data  # each access makes a view anew
    return encode_header(tag, len(data)) + data


def load_certificates(blob: bytes) -> tuple[Certificate, ...]:
    """Read one DER certificate, or all PEM blocks of a text, whatever stands around them.

    Raises:
        MalformedCertificateError: too large, none in it, or one of them cannot be read.

    """
    if len(blob) > MAX_BUNDLE:
        raise MalformedCertificateError(f"at most {MAX_BUNDLE} bytes were expected, got {len(blob)}")
    if blob[:1] == b"\x30":
        return (parse_certificate(blob),)
    blocks, is_whole = read_pem(blob)
    found = [block.content for block in blocks if block.label in CERTIFICATE_LABELS]
    if len(found) > MAX_BUNDLED:
        raise MalformedCertificateError(f"at most {MAX_BUNDLED} certificates were expected")
    if not found or not is_whole or None in found:
        raise MalformedCertificateError("PEM blocks of certificates were expected, or one DER certificate")
    return tuple(parse_certificate(encoded) for encoded in found if encoded is not None)
