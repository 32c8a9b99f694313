"""RFC 3161 time stamp tokens that verify, by an authority for tests, in which one thing can be broken."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from adapters.strict.der import encode_element, encode_sequence
from keys.digest import DIGESTS, SHA256_OID, SM3_OID
from tests.support.pki import Entity, extension, oid, sequence
from tests.support.sealed import NOW, SIGNED_AT, Edit, Trust, cast, revocation_list, same
from tests.support.signed_data import (
    GBT_SIGNED_DATA,
    RFC_SIGNED_DATA,
    SM2_SIGNATURE,
    TST_INFO,
    algorithm,
    make_signed_data,
    make_signer,
    signed_attributes,
)

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"  # id-kp-timeStamping
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"


def usage(*purposes: str) -> bytes:
    """Encode an extended key usage, critical as RFC 3161 section 2.3 wants it."""
    return extension("2.5.29.37", sequence(*map(oid, purposes)), critical=True)


@cache
def stamper_ca() -> Entity:
    """Return the CA of time stamp authorities, whom `trusting_stamps` trusts."""
    return cast().root.issue_ca("Time Stamp CA")


@cache
def stamper() -> Entity:
    """Return a time stamp authority."""
    return stamper_ca().issue("Time Stamp Authority", more=(usage(TIME_STAMPING),))


def trusting_stamps(*revoked_signers: bytes, revoked_stampers: tuple[bytes, ...] = ()) -> Trust:
    """Return a trust that knows the time stamp CA too; the entries go into the lists of the CAs."""
    return Trust(
        stampers=(stamper_ca().certificate,),
        lists=(
            revocation_list(cast().maker_ca),
            revocation_list(cast().signer_ca, *revoked_signers),
            revocation_list(stamper_ca(), *revoked_stampers),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StampRecipe:
    """One token; calling it with the stamped bytes makes it, so that it fits into `Signing` and `SealRecipe`.

    ``imprinted`` changes what the imprint is taken of, ``content_digest`` the digest in the signed attributes,
    ``value`` the signature value, ``finish`` the whole token. ``with_certificate`` False sends none along.
    """

    at: datetime = SIGNED_AT
    authority: Entity = field(default_factory=stamper)
    signer: Callable[[bytes], bytes] | None = None
    certificate: bytes | None = None
    with_certificate: bool = True
    digest: str = SM3_OID
    imprint: str | None = None
    imprinted: Edit = same
    content_digest: Edit = same
    value: Edit = same
    finish: Edit = same

    def __call__(self, stamped: bytes) -> bytes:
        """Make the token over the stamped bytes."""
        imprint = self.imprint or self.digest
        content = encode_sequence(
            (
                b"\x02\x01\x01",
                oid("1.2.156.10197.9.9"),
                encode_sequence((algorithm(imprint), encode_element(0x04, _digest(imprint, self.imprinted(stamped))))),
                b"\x02\x01\x2a",
                encode_element(0x18, self.at.strftime("%Y%m%d%H%M%SZ").encode()),
            )
        )
        attributes = signed_attributes(TST_INFO, self.content_digest(_digest(self.digest, content)))
        sign = self.signer or self.authority.key.sign
        certificate = self.authority.certificate
        serial = encode_element(0x02, certificate.serial.to_bytes(certificate.serial.bit_length() // 8 + 1))
        info = make_signer(
            identifier=encode_sequence((certificate.issuer, serial)),
            digest_algorithm=self.digest,
            signature_algorithm=ECDSA_WITH_SHA256 if self.digest == SHA256_OID else SM2_SIGNATURE,
            signed=attributes,
            signature=self.value(sign(encode_element(0x31, b"".join(attributes)))),
        )
        return self.finish(
            make_signed_data(
                kind=RFC_SIGNED_DATA if self.digest == SHA256_OID else GBT_SIGNED_DATA,
                content_type=TST_INFO,
                content=content,
                certificates=(self.certificate or certificate.encoded,) if self.with_certificate else (),
                signers=(info,),
            )
        )


def _digest(name: str, content: bytes) -> bytes:
    return DIGESTS[name].compute(content)


AFTER = NOW - (NOW - SIGNED_AT) / 2  # a moment between signing and asking
BEFORE = SIGNED_AT - (NOW - SIGNED_AT)  # a moment before signing
