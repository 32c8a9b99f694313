"""SM2 certificates and revocation lists, spelt with asn1crypto for the demo's TEST authority."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from asn1crypto import algos, crl, keys, x509

from keys.digest import sm3

# asn1crypto carries no types; it is used in this file only, and only bytes leave it.
_Name: Any = x509.Name
_TbsCertificate: Any = x509.TbsCertificate
_Certificate: Any = x509.Certificate
_TbsCertList: Any = crl.TbsCertList
_CertificateList: Any = crl.CertificateList
_PublicKeyInfo: Any = keys.PublicKeyInfo
_SignedDigestAlgorithm: Any = algos.SignedDigestAlgorithm

SM2_WITH_SM3 = "1.2.156.10197.1.501"

Signer = Callable[[bytes], bytes]

# RFC 5280 section 4.1.2.5: dates through 2049 are UTCTime, later ones GeneralizedTime.
_FIRST_GENERALIZED_YEAR = 2050
_POINT_BYTES = 65  # an uncompressed SM2 point ends every SM2 SubjectPublicKeyInfo
_KEY_IDENTIFIER_BYTES = 20


class Usage(Enum):
    """What a certificate is for, as its key usage bits; the two of a dual certificate differ in nothing else."""

    AUTHORITY = frozenset({"key_cert_sign", "crl_sign"})
    SIGNING = frozenset({"digital_signature", "non_repudiation"})
    ENCRYPTION = frozenset({"key_encipherment", "data_encipherment", "key_agreement"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A distinguished name: CN=common_name, OU=unit, O=organisation, C=CN."""

    common_name: str
    organisation: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateContent:
    """What a certificate says; ``not_after`` is inclusive (RFC 5280), ``path_length`` counts for authorities only."""

    serial: int
    subject: Subject
    spki: bytes
    issuer: Subject
    issuer_spki: bytes
    usage: Usage
    not_before: datetime
    not_after: datetime
    path_length: int | None = None


def encode_certificate(content: CertificateContent, sign: Signer) -> bytes:
    """Write a version 3 certificate and have its tbsCertificate signed."""
    authority = content.usage is Usage.AUTHORITY
    constraints: dict[str, object] = {"ca": authority}
    if authority and content.path_length is not None:
        constraints["path_len_constraint"] = content.path_length
    extensions = [
        _extension("key_identifier", _key_identifier(content.spki)),
        _extension("authority_key_identifier", {"key_identifier": _key_identifier(content.issuer_spki)}),
        _extension("basic_constraints", constraints, critical=True),
        _extension("key_usage", set(content.usage.value), critical=True),
    ]
    tbs = _TbsCertificate(
        {
            "version": "v3",
            "serial_number": content.serial,
            "signature": _algorithm(),
            "issuer": _name(content.issuer),
            "validity": {"not_before": _time(content.not_before), "not_after": _time(content.not_after)},
            "subject": _name(content.subject),
            "subject_public_key_info": _PublicKeyInfo.load(content.spki),
            "extensions": extensions,
        }
    )
    signature = sign(tbs.dump())
    certificate = {"tbs_certificate": tbs, "signature_algorithm": _algorithm(), "signature_value": signature}
    return bytes(_Certificate(certificate).dump())


def encode_revocation_list(
    *,
    issuer: Subject,
    issuer_spki: bytes,
    number: int,
    revoked: Sequence[tuple[int, datetime]],
    this_update: datetime,
    next_update: datetime,
    sign: Signer,
) -> bytes:
    """Write a complete version 2 revocation list; ``revoked`` are serial numbers with the moment of revocation."""
    content: dict[str, object] = {
        "version": "v2",
        "signature": _algorithm(),
        "issuer": _name(issuer),
        "this_update": _time(this_update),
        "next_update": _time(next_update),
        "crl_extensions": [
            _extension("authority_key_identifier", {"key_identifier": _key_identifier(issuer_spki)}),
            _extension("crl_number", number),
        ],
    }
    if revoked:  # RFC 5280 section 5.1.2.6: absent rather than empty
        content["revoked_certificates"] = [
            {"user_certificate": serial, "revocation_date": _time(moment)} for serial, moment in revoked
        ]
    tbs = _TbsCertList(content)
    signature = sign(tbs.dump())
    parts = {"tbs_cert_list": tbs, "signature_algorithm": _algorithm(), "signature": signature}
    return bytes(_CertificateList(parts).dump())


def _algorithm() -> object:
    return _SignedDigestAlgorithm({"algorithm": SM2_WITH_SM3})


def _name(subject: Subject) -> object:
    parts = {"country_name": "CN", "organization_name": subject.organisation}
    if subject.unit:
        parts["organizational_unit_name"] = subject.unit
    return _Name.build(parts | {"common_name": subject.common_name})


def _time(moment: datetime) -> Mapping[str, datetime]:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return {"utc_time" if whole.year < _FIRST_GENERALIZED_YEAR else "general_time": whole}


def _extension(name: str, value: object, *, critical: bool = False) -> Mapping[str, object]:
    return {"extn_id": name, "critical": critical, "extn_value": value}


def _key_identifier(spki: bytes) -> bytes:
    # RFC 7093 section 2 lets the issuer choose the digest; SM3 keeps the chain free of SHA-1.
    return sm3(spki[-_POINT_BYTES:])[:_KEY_IDENTIFIER_BYTES]
