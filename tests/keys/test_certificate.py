"""Certificates: read strictly, compared with another library, absurd fields included."""

import base64
import warnings
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import certificate as certificate_module
from keys.certificate import (
    MAX_CERTIFICATE,
    is_signing_certificate,
    load_certificates,
    may_sign_certificates,
    parse_certificate,
)
from keys.certificate_extensions import KeyUsage
from keys.errors import MalformedCertificateError
from tests.support import pki
from tests.support.vectors import vector

SAMPLES = [
    "ofdrw/user_cert.pem",
    "ofdrw/sealmaker_cert.pem",
    "tongsuo-certs/sm2-cert.pem",
    "tongsuo-certs/sm2-noza-cert.pem",
    "tongsuo-certs/sm2-noza-root-cert.pem",
    "tongsuo-certs/sm2-root-cert.pem",
    "tongsuo-certs/sm2__chain-ca.crt",
    "tongsuo-certs/sm2__client_enc.crt",
    "tongsuo-certs/sm2__client_sign.crt",
    "tongsuo-certs/sm2__client_sign_expire.crt",
]
ROOT = pki.make_root()
KEY = pki.sm2_key()


def profile(**knobs):
    values = {"subject": pki.name("leaf"), "issuer": ROOT.certificate.subject, "spki": KEY.spki}
    return pki.Profile(**(values | knobs)).encode(ROOT.key)


def bits_left_over(encoded):
    """Say that the last bit of the signature does not count."""
    changed = bytearray(encoded)
    changed[len(encoded) - len(parse_certificate(encoded).signature) - 1] = 1
    changed[-1] &= 0xFE
    return bytes(changed)


def with_other_tag(encoded):
    """State the signature algorithm outside of what is signed as a SET with the same content."""
    place = 4 + len(parse_certificate(encoded).tbs)
    assert encoded[place] == 0x30
    return encoded[:place] + b"\x31" + encoded[place + 1 :]


def pem(encoded):
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(encoded) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("sample", SAMPLES)
def test_another_library_reads_the_same(sample):
    """On real certificates, every field agrees with what cryptography reads."""
    blob = vector(f"ofd/{sample}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns of serial number 0
        theirs = x509.load_pem_x509_certificates(blob)
        serials = [their.serial_number for their in theirs]
    ours = load_certificates(blob)
    assert len(ours) == len(theirs) > 0
    assert [our.serial for our in ours] == serials
    for our, their in zip(ours, theirs, strict=True):
        assert our.fingerprint == their.fingerprint(hashes.SHA256())
        assert our.tbs == their.tbs_certificate_bytes
        assert our.signature == their.signature
        assert our.signature_algorithm == their.signature_algorithm_oid.dotted_string
        assert our.subject == their.subject.public_bytes()
        assert our.issuer == their.issuer.public_bytes()
        assert (our.not_before, our.not_after) == (their.not_valid_before_utc, their.not_valid_after_utc)
        extensions = their.extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        assert (KeyUsage.DIGITAL_SIGNATURE in our.key_usage) is usage.digital_signature
        assert (KeyUsage.NON_REPUDIATION in our.key_usage) is usage.content_commitment
        assert (KeyUsage.KEY_CERT_SIGN in our.key_usage) is usage.key_cert_sign
        assert (KeyUsage.CRL_SIGN in our.key_usage) is usage.crl_sign
        assert (KeyUsage.KEY_AGREEMENT in our.key_usage) is usage.key_agreement
        assert our.critical_extensions == {one.oid.dotted_string for one in extensions if one.critical}
        constraints = [one.value for one in extensions if isinstance(one.value, x509.BasicConstraints)]
        assert our.is_ca is any(one.ca for one in constraints)
        assert our.path_length == (constraints[0].path_length if constraints else None)
        for kind, field in (
            (x509.SubjectKeyIdentifier, our.subject_key_id),
            (x509.AuthorityKeyIdentifier, our.authority_key_id),
        ):
            values = [one.value for one in extensions if isinstance(one.value, kind)]
            identifier = getattr(values[0], "key_identifier", None) if values else None
            assert field == identifier


def test_the_ofdrw_certificates_differ_although_their_names_agree():
    """Two certificates with the same subject and issuer are different ones; both may sign, none may issue."""
    (user,) = load_certificates(vector("ofd/ofdrw/user_cert.pem"))
    (maker,) = load_certificates(vector("ofd/ofdrw/sealmaker_cert.pem"))
    assert (user.subject, user.issuer) == (maker.subject, maker.issuer)
    assert user != maker
    assert (f"{user.serial:012X}", f"{maker.serial:012X}") == ("01719D2DAB60", "01719D2E201D")
    for one in (user, maker):
        assert KeyUsage.KEY_CERT_SIGN in one.key_usage
        assert one.extended_key_usage == {"1.3.6.1.5.5.7.3.2"}
        assert is_signing_certificate(one)
        assert not may_sign_certificates(one)
    assert user.subject_text == "CN=Test Certificate,L=Hangzhou,ST=Zhejiang,O=OFD R&W,C=CN"
    assert user.issuer_text.startswith("CN=OFD Reader and WriterROOT Certificate,")


@pytest.mark.parametrize(
    ("sample", "signs"),
    [
        ("sm2__client_sign.crt", True),
        ("sm2__client_enc.crt", False),
        ("sm2__client_sign_expire.crt", True),
        ("sm2-root-cert.pem", False),
    ],
)
def test_the_encryption_certificate_never_signs(sample, signs):
    """Of a double certificate only the signing half signs; a CA certificate signs no documents."""
    (certificate,) = load_certificates(vector(f"ofd/tongsuo-certs/{sample}"))
    assert is_signing_certificate(certificate) is signs


def purposes(*oids):
    return pki.extension("2.5.29.37", pki.sequence(*map(pki.oid, oids)), critical=True)


@pytest.mark.parametrize(
    ("knobs", "signs", "issues"),
    [
        ({}, True, False),
        ({"usages": None}, True, False),
        ({"usages": ("non_repudiation",)}, True, False),
        ({"usages": ("digital_signature", "key_encipherment")}, True, False),
        ({"usages": ("digital_signature", "key_cert_sign")}, True, False),
        ({"usages": pki.ENCRYPTING}, False, False),
        ({"usages": ()}, False, False),
        ({"is_ca": True, "usages": pki.ISSUING}, False, True),
        ({"is_ca": True, "usages": None}, False, True),
        ({"is_ca": True, "usages": pki.SIGNING}, False, False),
        ({"with_extensions": False, "version": None}, False, False),
        ({"more": (purposes("1.3.6.1.5.5.7.3.2"),)}, True, False),
        ({"more": (purposes("1.3.6.1.5.5.7.3.1"),)}, False, False),
        ({"more": (purposes("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"),)}, False, False),
        ({"more": (purposes("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.2"),)}, True, False),
    ],
)
def test_what_a_key_may_do(knobs, signs, issues):
    """Signing needs version 3, a signing usage or no limit, and no CA; issuing the CA flag, and keyCertSign if limited.

    A certificate for TLS servers, time stamps or OCSP answers alone signs no documents.
    """
    certificate = parse_certificate(profile(**knobs))
    assert is_signing_certificate(certificate) is signs
    assert may_sign_certificates(certificate) is issues


@pytest.mark.parametrize("serial", [0, -1, -(2**100), 127, 128, 2**159, 2**500])
def test_odd_serial_numbers_are_read(serial):
    """Serial numbers that RFC 5280 forbids occur, and are read as they are."""
    assert parse_certificate(profile(serial=serial)).serial == serial


def test_dates_on_both_sides_of_2050():
    """UTCTime and GeneralizedTime may stand in one certificate; both are UTC."""
    late = datetime(2123, 1, 29, 2, 30, 14, tzinfo=UTC)
    certificate = parse_certificate(profile(not_after=late, not_before=datetime(1950, 1, 1, tzinfo=UTC)))
    assert certificate.not_after == late
    assert certificate.not_before.year == 1950


def test_defaults_that_were_written_out_are_read():
    """CA FALSE and critical FALSE, which DER wants left out, are read as what they say."""
    more = [pki.extension("2.5.29.19", pki.sequence(b"\x01\x01\x00"), written_out=True)]
    certificate = parse_certificate(profile(more=more))
    assert not certificate.is_ca
    assert "2.5.29.19" not in certificate.critical_extensions


def test_key_identifiers_that_cannot_be_read_are_absent():
    """A broken key identifier proves nothing either way, and does not make the certificate unreadable."""
    more = [pki.extension("2.5.29.14", b"\xff"), pki.extension("2.5.29.35", b"\xff")]
    certificate = parse_certificate(profile(more=more))
    assert certificate.subject_key_id is None
    assert certificate.authority_key_id is None


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        profile() + b"\0",
        profile()[:-1],
        profile(serial=2**600),
        profile(version=0),
        profile(inner_algorithm=pki.sequence(pki.oid("1.2.840.10045.4.3.2"))),
        profile(more=[pki.extension("2.5.29.15", b"\x03\x02\x06\xc0")]),  # keyUsage twice
        profile(more=[pki.extension("2.5.29.19", b"\xff")]),
        profile(more=[pki.extension("2.5.29.19", pki.sequence(b"\x01\x01\xff", pki.integer(-1)))]),
        profile(more=[pki.extension("2.5.29.19", pki.sequence(b"\x01\x01\x0f"))]),
        profile(usages=None, more=[pki.extension("2.5.29.15", b"\x03\x02\x06\xff")]),
        profile(more=[pki.extension("2.5.29.37", b"\x05\x00")]),
        profile(more=[pki.extension(f"1.2.3.{number}", b"") for number in range(70)]),
        profile(subject=b"\x05\x00"),
        profile(issuer=b"\x31\x00"),
        bits_left_over(profile()),
        with_other_tag(profile()),
        profile(spki=b"\x05\x00"),
        profile(more=[pki.extension("1.2.3", bytes(MAX_CERTIFICATE))]),
    ],
    ids=range(19),
)
def test_what_is_no_certificate(encoded):
    """A certificate with a part that decides something and cannot be read is refused as a whole."""
    with pytest.raises(MalformedCertificateError):
        parse_certificate(encoded)


def test_large_certificates_are_read_but_not_remembered():
    """A certificate beyond the ordinary size is read afresh each time, so that hostile ones cannot fill the memory."""
    encoded = profile(more=[pki.extension("1.2.3", bytes(5000))])
    first, second = parse_certificate(encoded), parse_certificate(encoded)
    assert first == second
    assert hash(first) == hash(second)
    assert first is not second
    assert parse_certificate(profile_once := profile()) is parse_certificate(bytes(bytearray(profile_once)))


def test_bundles():
    """One DER file, or PEM blocks with text around them, are the same certificates."""
    one, two = profile(serial=1), profile(serial=2)
    assert load_certificates(one) == (parse_certificate(one),)
    text = b"Subject: someone\n" + pem(one) + b"\r\n# and\r\n" + pem(two).replace(b"\n", b"\r\n") + b"end"
    assert [certificate.serial for certificate in load_certificates(text)] == [1, 2]


def test_a_certificate_in_a_log_shows_no_name():
    """The representation of a certificate tells which one it is, and nothing of whom it names."""
    certificate = parse_certificate(profile(serial=31, subject=pki.name("张三")))
    assert repr(certificate) == f"Certificate(serial=1F, fingerprint={certificate.fingerprint.hex()})"


def test_bundles_are_bounded(monkeypatch):
    """A file that is too large, or holds too many certificates, is refused."""
    two = pem(profile()) * 2
    monkeypatch.setattr(certificate_module, "MAX_BUNDLED", 1)
    with pytest.raises(MalformedCertificateError, match="at most 1 certificates"):
        load_certificates(two)
    monkeypatch.setattr(certificate_module, "MAX_BUNDLE", len(two) - 1)
    with pytest.raises(MalformedCertificateError, match="bytes were expected"):
        load_certificates(two)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"text",
        pem(b"\x30\x00"),
        pem(profile()).replace(b"END CERT", b"END KERT"),
        pem(profile()) + b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB=x=\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----",
        profile() + b"\n",
    ],
    ids=range(8),
)
def test_bundles_with_a_broken_part_are_refused(blob):
    """No certificate of a bundle is skipped in silence."""
    with pytest.raises(MalformedCertificateError):
        load_certificates(blob)


@given(st.binary(max_size=300))
def test_garbage_raises_only_our_error(data):
    """Any bytes are a certificate or our own error."""
    for read in (parse_certificate, load_certificates):
        with pytest.raises(MalformedCertificateError):
            read(data)


LEAF = profile(subject_key_id=b"leaf", authority_key_id=b"root")


@settings(max_examples=300)
@given(st.integers(0, len(LEAF) - 1), st.integers(1, 255))
def test_a_changed_byte_raises_only_our_error(place, change):
    """A certificate with any byte changed is read as another one or refused by our own error, and can be shown."""
    changed = bytearray(LEAF)
    changed[place] ^= change
    try:
        certificate = parse_certificate(bytes(changed))
    except MalformedCertificateError:
        return
    assert certificate != parse_certificate(LEAF)
    assert certificate.subject_text.isprintable()
