"""A small authority for tests: certificates and revocation lists, valid unless one thing is said to be otherwise.

Everything is put together from single DER elements, so that a test can break any of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import core, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.certificate import Certificate, parse_certificate
from keys.sm2 import DEFAULT_USER_ID, Sm2PrivateKey

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = datetime(2034, 1, 1, tzinfo=UTC)

SIGNING = ("digital_signature", "non_repudiation")
ISSUING = ("key_cert_sign", "crl_sign")
ENCRYPTING = ("key_encipherment", "data_encipherment", "key_agreement")


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return one element with a definite, minimal length."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(number: int) -> bytes:
    return core.Integer(number).dump()


def oid(dotted: str) -> bytes:
    return core.ObjectIdentifier(dotted).dump()


def time(moment: datetime) -> bytes:
    if 1950 <= moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def name(common_name: str, *, string: int = 0x0C) -> bytes:
    """Return a Name with country, organisation and common name; ``string`` is the tag of the two texts."""
    attributes = (("2.5.4.6", 0x13, "CN"), ("2.5.4.10", string, "Tongban tests"), ("2.5.4.3", string, common_name))
    return sequence(*(tlv(0x31, sequence(oid(o), tlv(tag, text.encode()))) for o, tag, text in attributes))


def extension(dotted: str, value: bytes, *, critical: bool = False, written_out: bool = False) -> bytes:
    flag = b"\x01\x01\xff" if critical else b"\x01\x01\x00" if written_out else b""
    return sequence(oid(dotted), flag, tlv(0x04, value))


def bits(content: bytes) -> bytes:
    return tlv(0x03, b"\x00", content)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key of any algorithm: its public half, and how it signs and says so."""

    spki: bytes
    algorithm: bytes  # AlgorithmIdentifier
    sign: Callable[[bytes], bytes]


def sm2_key(key: Sm2PrivateKey | None = None, *, user_id: bytes = DEFAULT_USER_ID) -> SigningKey:
    private = key or Sm2PrivateKey.generate()
    return SigningKey(
        spki=private.public_key.spki,
        algorithm=sequence(oid("1.2.156.10197.1.501")),
        sign=lambda message: private.sign(message, user_id=user_id),
    )


def _spki(public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def p256_key() -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(
        spki=_spki(private.public_key()),
        algorithm=sequence(oid("1.2.840.10045.4.3.2")),
        sign=lambda message: private.sign(message, ec.ECDSA(hashes.SHA256())),
    )


def ed25519_key() -> SigningKey:
    private = ed25519.Ed25519PrivateKey.generate()
    return SigningKey(spki=_spki(private.public_key()), algorithm=sequence(oid("1.3.101.112")), sign=private.sign)


def rsa_key(
    bits_of_key: int = 2048, *, digest: hashes.HashAlgorithm | None = None, algorithm: str = "1.2.840.113549.1.1.11"
) -> SigningKey:
    private = rsa.generate_private_key(65537, bits_of_key)
    chosen = digest or hashes.SHA256()
    return SigningKey(
        spki=_spki(private.public_key()),
        algorithm=sequence(oid(algorithm), b"\x05\x00"),
        sign=lambda message: private.sign(message, padding.PKCS1v15(), chosen),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate says; every field is a knob."""

    subject: bytes
    issuer: bytes
    spki: bytes
    serial: int = 1
    not_before: datetime = BEGIN
    not_after: datetime = END
    is_ca: bool = False
    path_length: int | None = None
    usages: Sequence[str] | None = SIGNING
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    more: Sequence[bytes] = ()  # further extensions, encoded
    version: int | None = 2  # the number for version 3; None: left out
    with_extensions: bool = True
    inner_algorithm: bytes | None = None  # None: as outside

    def extensions(self) -> list[bytes]:
        """Encode the extensions that the fields ask for."""
        found = [extension("2.5.29.19", sequence(*self._constraints()), critical=True)] if self.is_ca else []
        if self.usages is not None:
            found.append(extension("2.5.29.15", x509.KeyUsage(set(self.usages)).dump(), critical=True))
        if self.subject_key_id is not None:
            found.append(extension("2.5.29.14", tlv(0x04, self.subject_key_id)))
        if self.authority_key_id is not None:
            found.append(extension("2.5.29.35", sequence(tlv(0x80, self.authority_key_id))))
        return [*found, *self.more]

    def _constraints(self) -> list[bytes]:
        return [b"\x01\x01\xff"] + ([] if self.path_length is None else [integer(self.path_length)])

    def encode(self, signer: SigningKey) -> bytes:
        """Encode the certificate and sign it with ``signer``."""
        extensions = self.extensions() if self.with_extensions else []
        tbs = sequence(
            b"" if self.version is None else tlv(0xA0, integer(self.version)),
            integer(self.serial),
            self.inner_algorithm or signer.algorithm,
            self.issuer,
            sequence(time(self.not_before), time(self.not_after)),
            self.subject,
            self.spki,
            tlv(0xA3, sequence(*extensions)) if extensions else b"",
        )
        return sequence(tbs, signer.algorithm, bits(signer.sign(tbs)))


@dataclass(slots=True, kw_only=True)
class Entity:
    """Somebody with a key and a certificate; a CA can issue, and state what it revoked."""

    key: SigningKey
    certificate: Certificate
    _serials: Iterable[int] = field(default_factory=lambda: iter(range(1000, 10_000)))

    def issue(
        self, common_name: str, *, key: SigningKey | None = None, signer: SigningKey | None = None, **knobs: Any
    ) -> "Entity":
        """Issue a signer's certificate, or whatever the knobs make of it (see `Profile`)."""
        key = key or sm2_key()
        values: dict[str, Any] = {
            "subject": name(common_name),
            "issuer": self.certificate.subject,
            "spki": key.spki,
            "serial": next(iter(self._serials)),
        }
        profile = Profile(**(values | knobs))
        return Entity(key=key, certificate=parse_certificate(profile.encode(signer or self.key)))

    def issue_ca(self, common_name: str, **knobs: Any) -> "Entity":
        """Issue a CA's certificate, or whatever the knobs make of it."""
        return self.issue(common_name, **({"is_ca": True, "usages": ISSUING} | knobs))

    def revocation_list(self, *revoked: bytes, **knobs: Any) -> bytes:
        """Encode a list of this CA; ``revoked`` are entries made by `entry`, the knobs those of `revocation_list`."""
        return revocation_list(self.key, *revoked, **({"issuer": self.certificate.subject} | knobs))


def make_root(common_name: str = "Test Root", *, key: SigningKey | None = None, **knobs: Any) -> Entity:
    """Make a self-signed CA, or whatever the knobs make of it."""
    key = key or sm2_key()
    values: dict[str, Any] = {
        "subject": name(common_name),
        "issuer": name(common_name),
        "spki": key.spki,
        "is_ca": True,
        "usages": ISSUING,
    }
    profile = Profile(**(values | knobs))
    return Entity(key=key, certificate=parse_certificate(profile.encode(key)))


def entry(serial: int, revoked_at: datetime = NOW - timedelta(days=30), *extensions: bytes) -> bytes:
    """Encode one entry of a revocation list."""
    return sequence(integer(serial), time(revoked_at), sequence(*extensions) if extensions else b"")


def reason(number: int) -> bytes:
    """Encode the reasonCode of an entry."""
    return extension("2.5.29.21", tlv(0x0A, bytes((number,))))


def revocation_list(
    key: SigningKey,
    *revoked: bytes,
    issuer: bytes,
    this_update: datetime = NOW - timedelta(hours=1),
    next_update: datetime | None = NOW + timedelta(days=1),
    extensions: Sequence[bytes] = (extension("2.5.29.20", integer(7)),),
    version: int | None = 1,
    inner_algorithm: bytes | None = None,
) -> bytes:
    """Encode a revocation list, current at `NOW` unless said otherwise."""
    tbs = sequence(
        b"" if version is None else integer(version),
        inner_algorithm or key.algorithm,
        issuer,
        time(this_update),
        b"" if next_update is None else time(next_update),
        sequence(*revoked) if revoked else b"",
        tlv(0xA0, sequence(*extensions)) if extensions else b"",
    )
    return sequence(tbs, key.algorithm, bits(key.sign(tbs)))
