"""Valid SignedData and time stamp tokens to start from, built with a DER encoder alone; nothing in them verifies."""

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.strict.der import encode_element, encode_sequence

GBT_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2"
GBT_DATA = "1.2.156.10197.6.1.4.2.1"
RFC_SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
SM3 = "1.2.156.10197.1.401"
SM2_SIGNATURE = "1.2.156.10197.1.301.1"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
NULL = b"\x05\x00"
ISSUER = encode_sequence((encode_element(0x31, encode_sequence((bytes.fromhex("0603550403"), b"\x0c\x02CA"))),))
SIGNATURE = bytes.fromhex("3006020101020102")
DIGEST = bytes(range(32))


def oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER."""
    return asn1.encode_der(ObjectIdentifier(dotted))


def algorithm(dotted: str, parameters: bytes = NULL) -> bytes:
    """Encode an AlgorithmIdentifier."""
    return encode_sequence((oid(dotted), parameters))


def make_certificate(*, serial: int = 7, issuer: bytes = ISSUER, key_identifier: bytes | None = None) -> bytes:
    """Return bytes with the outline of a certificate: what a signer identifier can name, and nothing else."""
    fields = [encode_element(0xA0, b"\x02\x01\x02"), asn1.encode_der(serial), algorithm(SM3), issuer]
    fields += [encode_sequence(()), encode_sequence(()), encode_sequence(())]
    if key_identifier is not None:
        value = encode_element(0x04, encode_element(0x04, key_identifier))
        extension = encode_sequence((oid("2.5.29.14"), value))
        fields.append(encode_element(0xA3, encode_sequence((extension,))))
    return encode_sequence((encode_sequence(fields), algorithm(SM3), b"\x03\x01\x00"))


def attribute(name: str, *values: bytes) -> bytes:
    """Encode a CMS attribute."""
    return encode_sequence((oid(name), encode_element(0x31, b"".join(values))))


def revocation_info(answer: bytes, *, kind: str = "1.3.6.1.5.5.7.16.2") -> bytes:
    """Encode an OCSP response as other revocation information (RFC 5940)."""
    return encode_element(0xA1, oid(kind) + answer)


def revocation_values(*answers: bytes) -> bytes:
    """Encode the value of an attribute with revocation information, its lists left out."""
    return encode_sequence((encode_element(0xA1, encode_sequence(answers)),))


def signed_attributes(content_type: str = GBT_DATA, digest: bytes = DIGEST, *more: bytes) -> tuple[bytes, ...]:
    """Return the attributes that are required, and more."""
    return (
        attribute(CONTENT_TYPE, oid(content_type)),
        attribute(MESSAGE_DIGEST, encode_element(0x04, digest)),
        *more,
    )


def make_signer(
    *,
    version: int = 1,
    identifier: bytes | None = None,
    digest_algorithm: str = SM3,
    signature_algorithm: str = SM2_SIGNATURE,
    signed: tuple[bytes, ...] | None = None,
    unsigned: tuple[bytes, ...] | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    """Return a valid SignerInfo."""
    fields = [
        asn1.encode_der(version),
        encode_sequence((ISSUER, asn1.encode_der(7))) if identifier is None else identifier,
        algorithm(digest_algorithm),
    ]
    if signed is not None:
        fields.append(encode_element(0xA0, b"".join(signed)))
    fields += [algorithm(signature_algorithm), encode_element(0x04, signature)]
    if unsigned is not None:
        fields.append(encode_element(0xA1, b"".join(unsigned)))
    return encode_sequence(fields)


def make_signed_data(
    *,
    kind: str = GBT_SIGNED_DATA,
    content_type: str = GBT_DATA,
    content: bytes | None = b"content",
    version: int = 1,
    digest_algorithms: tuple[str, ...] = (SM3,),
    certificates: tuple[bytes, ...] | None = None,
    revocation_lists: tuple[bytes, ...] = (),
    signers: tuple[bytes, ...] | None = None,
) -> bytes:
    """Return a valid SignedData with one signer and its certificate, or as changed."""
    held = () if content is None else (encode_element(0xA0, encode_element(0x04, content)),)
    certificates = (make_certificate(),) if certificates is None else certificates
    signers = (make_signer(),) if signers is None else signers
    signed_data = encode_sequence(
        (
            asn1.encode_der(version),
            encode_element(0x31, b"".join(map(algorithm, digest_algorithms))),
            encode_sequence((oid(content_type), *held)),
            *((encode_element(0xA0, b"".join(certificates)),) if certificates else ()),
            *((encode_element(0xA1, b"".join(revocation_lists)),) if revocation_lists else ()),
            encode_element(0x31, b"".join(signers)),
        )
    )
    return encode_sequence((oid(kind), encode_element(0xA0, signed_data)))


def make_tst_info(
    *,
    generated_at: bytes = b"20250101000000Z",
    imprint: bytes = DIGEST,
    version: bytes = b"\x02\x01\x01",
    tail: bytes = b"",
) -> bytes:
    """Return a valid TSTInfo; ``tail`` are the optional fields, encoded."""
    return encode_sequence(
        (
            version,
            oid("1.2.3.4"),
            encode_sequence((algorithm(SM3), encode_element(0x04, imprint))),
            b"\x02\x01\x2a",
            encode_element(0x18, generated_at),
            tail,
        )
    )


def make_token(*, kind: str = GBT_SIGNED_DATA, generated_at: bytes = b"20250101000000Z", **changes: bytes) -> bytes:
    """Return a valid time stamp token."""
    signer = make_signer(signed=signed_attributes(TST_INFO))
    content = make_tst_info(generated_at=generated_at, **changes)
    return make_signed_data(kind=kind, content_type=TST_INFO, content=content, signers=(signer,))
