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
    attribute,
    make_signed_data,
    make_signer,
    signed_attributes,
)

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"  # id-kp-timeStamping
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"


def usage(*purposes: str, critical: bool = True) -> bytes:
    """Encode an extended key usage, critical as RFC 3161 section 2.3 wants it."""
    return extension("2.5.29.37", sequence(*map(oid, purposes)), critical=critical)


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
    ``named`` changes the certificate that the token names, ``is_named`` False names none; ``more_info`` follows the
    moment in the TSTInfo.
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
    named: Edit = same
    is_named: bool = True
    companions: tuple[bytes, ...] = ()  # certificates that come along
    more_info: tuple[bytes, ...] = ()

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
                *self.more_info,
            )
        )
        name = (attribute(SIGNING_CERTIFICATE_V2, self._name()),) if self.is_named else ()
        attributes = signed_attributes(TST_INFO, self.content_digest(_digest(self.digest, content)), *name)
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
                digest_algorithms=(self.digest,),
                certificates=(self.certificate or certificate.encoded, *self.companions)
                if self.with_certificate
                else self.companions,
                signers=(info,),
            )
        )

    def _name(self) -> bytes:
        """Name the certificate as RFC 5035 does: SHA-256 is meant unless another digest is stated."""
        digest = encode_element(0x04, _digest(self.digest, self.named(self.authority.certificate.encoded)))
        stated = () if self.digest == SHA256_OID else (algorithm(self.digest),)
        return encode_sequence((encode_sequence((encode_sequence((*stated, digest)),)),))


def _digest(name: str, content: bytes) -> bytes:
    return DIGESTS[name].compute(content)


AFTER = NOW - (NOW - SIGNED_AT) / 2  # a moment between signing and asking
BEFORE = SIGNED_AT - (NOW - SIGNED_AT)  # a moment before signing
