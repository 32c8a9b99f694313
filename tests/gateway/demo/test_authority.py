"""The demo's TEST authority: its certificates, its revocation lists, its trust folder."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.demo.authority import DemoAuthority
from gateway.demo.certificates import Subject, Usage
from keys.certificate import is_signing_certificate, load_certificates, may_sign_certificates, parse_certificate
from keys.certificate_extensions import KeyUsage
from keys.errors import SignatureVerificationError
from keys.revocation_list import parse_revocation_list
from keys.signature import verify_signature
from tests.support.demo import NOW, SEED, demo_stock


def verify(content: bytes, signature: bytes, issuer: bytes) -> None:
    """Verify an SM2 signature with the key of an issuer's certificate; raises when it is not the issuer's."""
    verify_signature(
        message=content,
        signature=signature,
        algorithm="1.2.156.10197.1.501",
        spki=parse_certificate(issuer).spki,
    )


def credentials():
    """Every kind of certificate with that of its issuer."""
    authority, licences = demo_stock().authority, demo_stock().licences
    yield authority.root, authority.root
    yield authority.maker_issuer, authority.root
    yield authority.signer_issuer, authority.root
    yield authority.maker, authority.maker_issuer
    for seal in {licence.seal.office: licence.seal for licence in licences}.values():
        yield seal.signer, authority.signer_issuer
        yield seal.encryption, authority.signer_issuer


class TestCertificates:
    """What the authority issues."""

    def test_every_certificate_verifies_under_its_issuer(self):
        """Names and signature of each certificate lead to its issuer, and to no other."""
        authority = demo_stock().authority
        for credential, issuer in credentials():
            certificate, above = parse_certificate(credential.certificate), parse_certificate(issuer.certificate)
            assert certificate.issuer == above.subject
            verify(certificate.tbs, certificate.signature, issuer.certificate)
            with pytest.raises(SignatureVerificationError):
                verify(certificate.tbs, certificate.signature, authority.maker.certificate)

    def test_only_authorities_may_issue(self):
        """Root and issuing CAs are CAs with a bounded path; makers and officials are none."""
        authority = demo_stock().authority
        cas = {authority.root.serial: 1, authority.maker_issuer.serial: 0, authority.signer_issuer.serial: 0}
        for credential, _ in credentials():
            certificate = parse_certificate(credential.certificate)
            assert certificate.is_ca == (credential.serial in cas)
            assert may_sign_certificates(certificate) == certificate.is_ca
            assert certificate.path_length == cas.get(credential.serial)

    def test_dual_certificates_differ_in_key_and_usage_only(self):
        """The two halves of a dual certificate share subject and issuer; only one of them may sign."""
        for licence in demo_stock().licences:
            signer = parse_certificate(licence.seal.signer.certificate)
            encryption = parse_certificate(licence.seal.encryption.certificate)
            assert (signer.subject, signer.issuer) == (encryption.subject, encryption.issuer)
            assert signer.spki != encryption.spki
            assert is_signing_certificate(signer)
            assert not is_signing_certificate(encryption)
            assert encryption.key_usage is not None
            assert KeyUsage.KEY_AGREEMENT in encryption.key_usage

    def test_every_name_says_that_it_is_a_test(self):
        """No certificate of the demo can be mistaken for a real one."""
        for credential, _ in credentials():
            assert "TEST ONLY" in parse_certificate(credential.certificate).subject_text

    def test_serial_numbers_are_distinct_and_positive(self):
        """A serial number names one certificate."""
        serials = [parse_certificate(credential.certificate).serial for credential, _ in credentials()]
        assert len(set(serials)) == len(serials)
        assert min(serials) > 0

    def test_a_certificate_beyond_2049_is_still_readable(self):
        """Dates from 2050 on change their encoding and keep their value."""
        until = datetime(2056, 2, 29, 12, 0, 0, tzinfo=UTC)
        authority = DemoAuthority.create(NOW, insecure_seed=SEED)
        credential = authority.issue_certificate(
            subject=Subject(common_name="TEST ONLY", organisation="TEST ONLY"),
            usage=Usage.SIGNING,
            not_before=NOW,
            not_after=until,
            ca=authority.signer_issuer,
        )
        certificate = parse_certificate(credential.certificate)
        assert (certificate.not_before, certificate.not_after) == (NOW, until)

    def test_a_seed_repeats_keys_and_serials_and_nothing_else_does(self):
        """With the same seed the keys are the same; without one no two authorities share a key."""
        spkis = [
            [parse_certificate(credential.certificate).spki for credential in (authority.root, authority.maker)]
            for authority in (
                DemoAuthority.create(NOW, insecure_seed=b"a"),
                DemoAuthority.create(NOW, insecure_seed=b"a"),
                DemoAuthority.create(NOW, insecure_seed=b"b"),
                DemoAuthority.create(NOW),
                DemoAuthority.create(NOW),
            )
        ]
        assert spkis[0] == spkis[1]
        assert len({tuple(pair) for pair in spkis}) == 4

    def test_private_keys_do_not_show(self):
        """The representation of a credential names the certificate and nothing of the key."""
        maker = demo_stock().authority.maker
        assert repr(maker) == f"Credential({maker.subject.common_name!r}, serial={maker.serial:x})"


class TestRevocation:
    """What the revocation lists say."""

    def test_lists_are_signed_and_current(self):
        """Each list names its CA, verifies with the CA's key, and is current at the moment it was asked for."""
        authority = demo_stock().authority
        issuers = (authority.root, authority.maker_issuer, authority.signer_issuer)
        for encoded, issuer in zip(authority.crls(NOW), issuers, strict=True):
            read = parse_revocation_list(encoded)
            verify(read.tbs, read.signature, issuer.certificate)
            assert read.unusable is None
            assert read.issuer == parse_certificate(issuer.certificate).subject
            assert read.next_update is not None
            assert read.this_update <= NOW < read.next_update

    def test_a_revoked_certificate_is_listed_from_then_on_by_its_issuer(self):
        """A revocation shows in the list of the issuing CA only, and not in lists of earlier moments."""
        authority = DemoAuthority.create(NOW, insecure_seed=SEED)
        serial = authority.maker.serial
        authority.revoke(serial, NOW)
        found = [parse_revocation_list(encoded).find(serial) for encoded in authority.crls(NOW)]
        assert [revocation is not None for revocation in found] == [False, True, False]
        earlier = authority.crls(NOW - timedelta(seconds=1))
        assert [parse_revocation_list(encoded).find(serial) for encoded in earlier] == [None, None, None]

    def test_a_strange_serial_number_cannot_be_revoked(self):
        """An authority revokes only what it issued."""
        with pytest.raises(KeyError):
            demo_stock().authority.revoke(1, NOW)


class TestTrustFolder:
    """What `write_trust_folder` leaves behind."""

    def test_each_anchor_serves_its_own_purpose(self, tmp_path):
        """The seal makers' CA is an anchor for makers, the signers' CA for signers, and neither for the other."""
        authority = demo_stock().authority
        authority.write_trust_folder(tmp_path, NOW)
        found = {path.parent.name: load_certificates(path.read_bytes())[0].encoded for path in tmp_path.rglob("*.pem")}
        assert found == {
            "seal-makers": authority.maker_issuer.certificate,
            "signers": authority.signer_issuer.certificate,
        }
        assert len(list(tmp_path.rglob("*.crl"))) == 3
