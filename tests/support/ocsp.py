"""OCSP answers for tests, put together from single DER elements: valid unless one thing is said to be otherwise."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from keys.digest import sm3
from keys.spki import parse_spki
from tests.support import pki
from tests.support.pki import Entity, SigningKey, bits, extension, integer, oid, sequence, tlv

OCSP_SIGNING = extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.9")))
DIGESTS = {
    "1.3.14.3.2.26": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "2.16.840.1.101.3.4.2.1": lambda data: hashlib.sha256(data).digest(),
    "1.2.156.10197.1.401": sm3,
}
SHA1, SHA256, SM3 = DIGESTS


def time(moment: datetime) -> bytes:
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def key_bits(spki: bytes) -> bytes:
    return parse_spki(spki)[1]


def certificate_id(entity: Entity, issuer: Entity, *, digest: str = SHA1, serial: int | None = None) -> bytes:
    compute = DIGESTS[digest]
    return sequence(
        sequence(oid(digest), b"\x05\x00"),
        tlv(0x04, compute(issuer.certificate.subject)),
        tlv(0x04, compute(key_bits(issuer.certificate.spki))),
        integer(entity.certificate.serial if serial is None else serial),
    )


GOOD = b"\x80\x00"
UNKNOWN = b"\x82\x00"


def revoked(at: datetime, reason: int | None = None) -> bytes:
    return tlv(0xA1, time(at), b"" if reason is None else tlv(0xA0, tlv(0x0A, bytes((reason,)))))


def single(
    cert_id: bytes,
    status: bytes = GOOD,
    *,
    this_update: datetime = pki.NOW - timedelta(minutes=5),
    next_update: datetime | None = pki.NOW + timedelta(hours=12),
    extensions: Sequence[bytes] = (),
) -> bytes:
    return sequence(
        cert_id,
        status,
        time(this_update),
        b"" if next_update is None else tlv(0xA0, time(next_update)),
        tlv(0xA1, sequence(*extensions)) if extensions else b"",
    )


def answer(
    *singles: bytes,
    signer: Entity,
    key: SigningKey | None = None,
    by_key: bool = False,
    responder: bytes | None = None,
    certificates: Sequence[bytes] = (),
    nonce: bytes | None = None,
    extensions: Sequence[bytes] = (),
    produced_at: datetime = pki.NOW,
    status: int = 0,
    version: bytes = b"",
) -> bytes:
    """Encode an answer signed by ``signer``."""
    if responder is None:
        digest = DIGESTS[SHA1](key_bits(signer.certificate.spki))
        responder = tlv(0xA2, tlv(0x04, digest)) if by_key else tlv(0xA1, signer.certificate.subject)
    more = [*extensions]
    if nonce is not None:
        more.append(extension("1.3.6.1.5.5.7.48.1.2", tlv(0x04, nonce)))
    data = sequence(
        version, responder, time(produced_at), sequence(*singles), tlv(0xA1, sequence(*more)) if more else b""
    )
    key = key or signer.key
    basic = sequence(
        data,
        key.algorithm,
        bits(key.sign(data)),
        tlv(0xA0, sequence(*certificates)) if certificates else b"",
    )
    if status:
        return sequence(tlv(0x0A, bytes((status,))))
    return sequence(tlv(0x0A, b"\x00"), tlv(0xA0, sequence(oid("1.3.6.1.5.5.7.48.1.1"), tlv(0x04, basic))))
