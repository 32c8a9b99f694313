"""The way back: e-seals and their signatures as DER, for issuers and tests; signing happens elsewhere.

The order is the standard's: seal information, the maker's message, the seal, what the signer signs, the signature.
Parts that are signed already come in as bytes and are embedded unchanged.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.ses.seal import (
    LIST_OF_CERTIFICATES,
    LIST_OF_DIGESTS,
    SEAL_MARK,
    VERSION_2020,
    VERSION_2025,
    VERSIONS_2014,
)
from adapters.ses.structures import CertificateDigest, Header, Picture
from adapters.strict.der import (
    BIT_STRING,
    CONTEXT_0,
    IA5_STRING,
    OCTET_STRING,
    encode_element,
    encode_sequence,
    parse_element,
)

SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
DIGEST_NAME: Final = "SM3"  # CertDigestObj.type
_TBS_FIELDS_2014: Final = 7


def encode_seal_info(
    *,
    version: int = VERSION_2020,
    vendor: str,
    identifier: str,
    type: int,  # noqa: A002 - the field of a seal
    name: str,
    certificates: Sequence[bytes] = (),
    digests: Sequence[bytes] = (),
    created: datetime,
    valid_from: datetime,
    valid_to: datetime,
    picture_format: str,
    picture: bytes,
    width_mm: int,
    height_mm: int,
) -> bytes:
    """Encode SES_SealInfo; the signers are listed by ``certificates`` (DER) or, from version 4 on, by ``digests``.

    Times are aware datetimes, cut to seconds.

    Raises:
        ValueError: an unknown version, both lists, a naive time, or text that the field cannot hold.
    """
    _require_version(version)
    form_2014 = version in VERSIONS_2014
    if (certificates and digests) or (digests and form_2014):
        raise ValueError("one list of signers was expected; version 1 to 3 has no list of digests")
    if digests:
        entries = [
            asn1.encode_der(CertificateDigest(type=asn1.PrintableString(DIGEST_NAME), value=digest))
            for digest in digests
        ]
    else:
        entries = [encode_element(OCTET_STRING, certificate) for certificate in certificates]
    list_type = [] if form_2014 else [_integer(LIST_OF_DIGESTS if digests else LIST_OF_CERTIFICATES)]
    encode_time = _utc_time if form_2014 else _generalized_time
    return encode_sequence(
        (
            asn1.encode_der(
                Header(identifier=asn1.IA5String(SEAL_MARK), version=version, vendor=asn1.IA5String(vendor))
            ),
            _ia5_string(identifier),
            encode_sequence(
                (
                    _integer(type),
                    asn1.encode_der(name),
                    *list_type,
                    encode_sequence(entries),
                    *(encode_time(moment) for moment in (created, valid_from, valid_to)),
                )
            ),
            asn1.encode_der(
                Picture(format=asn1.IA5String(picture_format), data=picture, width=width_mm, height=height_mm)
            ),
        )
    )


def seal_message(*, seal_info: bytes, maker_certificate: bytes, algorithm: str = SM2_WITH_SM3) -> bytes:
    """Return what the seal maker signs: sealInfo itself, or in the 2014 form with certificate and algorithm."""
    if _version_of(seal_info) in VERSIONS_2014:
        return encode_sequence((seal_info, encode_element(OCTET_STRING, maker_certificate), _identifier(algorithm)))
    return seal_info


def encode_seal(
    *,
    seal_info: bytes,
    maker_certificate: bytes,
    algorithm: str = SM2_WITH_SM3,
    signature: bytes,
    timestamp: bytes | None = None,
) -> bytes:
    """Encode SESeal in the form that the version inside ``seal_info`` demands; only version 5 takes a time stamp.

    Raises:
        ValueError: a time stamp for a version that has no place for it.
    """
    version = _version_of(seal_info)
    if timestamp is not None and version != VERSION_2025:
        raise ValueError(f"version 5 was expected for a seal with a time stamp, got {version}")
    maker = (encode_element(OCTET_STRING, maker_certificate), _identifier(algorithm), _bits(signature))
    if version in VERSIONS_2014:
        return encode_sequence((seal_info, encode_sequence(maker)))
    return encode_sequence((seal_info, *maker, *_explicit_bits(timestamp)))


def encode_tbs(
    *,
    seal: bytes,
    signed_at: datetime,
    data_hash: bytes,
    property_info: str,
    version: int = VERSION_2020,
) -> bytes:
    """Encode TBS_Sign of versions 4 and 5, the bytes that the signer signs.

    Raises:
        ValueError: another version, a naive time, or a path beyond ASCII.
    """
    if version not in {VERSION_2020, VERSION_2025}:
        raise ValueError(f"version 4 or 5 was expected, got {version}")
    return encode_sequence(
        (_integer(version), seal, _generalized_time(signed_at), _bits(data_hash), _ia5_string(property_info))
    )


def encode_tbs_2014(
    *,
    seal: bytes,
    time_info: bytes,
    data_hash: bytes,
    property_info: str,
    signer_certificate: bytes,
    algorithm: str = SM2_WITH_SM3,
    version: int = 1,
) -> bytes:
    """Encode TBS_Sign of versions 1 to 3; ``time_info`` is a time stamp token, or a time as text where vendors do so.

    Raises:
        ValueError: another version, or a path beyond ASCII.
    """
    if version not in VERSIONS_2014:
        raise ValueError(f"version 1 to 3 was expected, got {version}")
    return encode_sequence(
        (
            _integer(version),
            seal,
            _bits(time_info),
            _bits(data_hash),
            _ia5_string(property_info),
            encode_element(OCTET_STRING, signer_certificate),
            _identifier(algorithm),
        )
    )


def encode_seal_signature(
    *,
    tbs: bytes,
    signer_certificate: bytes | None = None,
    algorithm: str = SM2_WITH_SM3,
    signature: bytes,
    timestamp: bytes | None = None,
) -> bytes:
    """Encode SES_Signature around signed bytes; the 2014 form has certificate and algorithm inside ``tbs`` already.

    Raises:
        ValueError: a certificate is missing, or a time stamp has no place.
    """
    if len(parse_element(tbs).children()) == _TBS_FIELDS_2014:
        if timestamp is not None:
            raise ValueError("the 2014 form has no place for a time stamp after the signature")
        return encode_sequence((tbs, _bits(signature)))
    if signer_certificate is None:
        raise ValueError("a signer certificate was expected, got none")
    certificate = encode_element(OCTET_STRING, signer_certificate)
    return encode_sequence((tbs, certificate, _identifier(algorithm), _bits(signature), *_explicit_bits(timestamp)))


def _version_of(seal_info: bytes) -> int:
    """Read the header version out of an encoded SES_SealInfo."""
    version = int.from_bytes(parse_element(seal_info).children()[0].children()[1].content, "big")
    _require_version(version)
    return version


def _require_version(version: int) -> None:
    if version not in VERSIONS_2014 and version not in {VERSION_2020, VERSION_2025}:
        raise ValueError(f"a version of 1 to 5 was expected, got {version}")


def _integer(value: int) -> bytes:
    return asn1.encode_der(value)


def _ia5_string(text: str) -> bytes:
    return encode_element(IA5_STRING, text.encode("ascii"))


def _identifier(dotted: str) -> bytes:
    return asn1.encode_der(ObjectIdentifier(dotted))


def _bits(octets: bytes) -> bytes:
    """Encode a BIT STRING without unused bits."""
    return encode_element(BIT_STRING, b"\x00" + octets)


def _explicit_bits(octets: bytes | None) -> tuple[bytes, ...]:
    return () if octets is None else (encode_element(CONTEXT_0, _bits(octets)),)


def _generalized_time(moment: datetime) -> bytes:
    return asn1.encode_der(asn1.GeneralizedTime(moment.replace(microsecond=0)))


def _utc_time(moment: datetime) -> bytes:
    return asn1.encode_der(asn1.UTCTime(moment.replace(microsecond=0)))
