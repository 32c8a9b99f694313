"""Reading SignedData: real ones, those of an independent producer, and made ones with one thing broken."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from adapters import cms_certificate
from adapters.cms import SignedData, cms_document, looks_like_signed_data, parse_signed_data, sign_signature
from adapters.document import DocumentSignature, Format, Note, References, SignatureKind, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import (
    MAX_CERTIFICATES,
    MAX_OCSP_RESPONSE,
    MAX_OCSP_RESPONSES,
    MAX_SIGNERS,
    MAX_TIMESTAMP,
)
from adapters.strict.der import encode_element, encode_sequence
from tests.support.asn1 import element_at, replaced
from tests.support.mutations import mutated
from tests.support.signed_data import (
    CONTENT_TYPE,
    DIGEST,
    GBT_DATA,
    GBT_SIGNED_DATA,
    ISSUER,
    MESSAGE_DIGEST,
    NULL,
    RFC_SIGNED_DATA,
    SIGNATURE,
    SIGNING_TIME,
    SM3,
    TIMESTAMP,
    TST_INFO,
    attribute,
    make_certificate,
    make_signed_data,
    make_signer,
    oid,
    revocation_info,
    revocation_values,
    signed_attributes,
)
from tests.support.vectors import vector

SIGNED_DATA, SIGNER = (1, 0), (1, 0, 4, 0)
SM2_WITH_SM3 = "1.2.156.10197.1.501"
XML = b"<Signature/>"


def refusal(data: bytes) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_signed_data(data)
    return caught.value


def only_signer(**changes: object):
    """Return the signer of a made SignedData whose SignerInfo is changed."""
    (signer,) = parse_signed_data(make_signed_data(signers=(make_signer(**changes),))).signers
    return signer


def placed(signed_value: bytes, data: bytes = XML) -> DocumentSignature:
    """Read a signature of type Sign over ``data``."""
    return sign_signature(
        signed_value,
        data=data,
        id="2",
        references=References(method="SM3", entries=()),
        own_files=frozenset({"a"}),
        location="a",
    )


@pytest.mark.parametrize(
    ("name", "content"), [("sadkSignedData.p7.der", b"Hello Secret World!"), ("sadkSignedDataDetach.p7.der", None)]
)
def test_real_signed_data_are_read(name, content):
    """The samples of a national CA's toolkit: attached and detached, without attributes, the signer inside."""
    data = vector(f"ofd/gmsm-cms/{name}")
    assert looks_like_signed_data(data)
    read = parse_signed_data(data)
    assert (read.standard, read.content_type, read.content) == (Standard.GBT_35275_2017, GBT_DATA, content)
    (certificate,) = read.certificates
    assert certificate in data
    (signer,) = read.signers
    assert (signer.certificate, signer.signed_attributes, signer.message_digest) == (certificate, None, None)
    assert (signer.digest_algorithm, signer.signature_algorithm) == ("1.2.156.10197.1.401", "1.2.156.10197.1.301.1")
    assert signer.serial == 0xA9DC1A90
    assert signer.signature == element_at(data, *SIGNED_DATA, -1, 0, -1)[2:]
    assert (signer.signing_time, signer.timestamp) == (None, None)


def test_a_real_signature_signs_its_content():
    """Without attributes the signed bytes are the content octets, under the one name of SM2 with SM3."""
    (signature,) = cms_document(vector("ofd/gmsm-cms/sadkSignedData.p7.der")).signatures
    assert (signature.signed.message, signature.signed.algorithm) == (b"Hello Secret World!", SM2_WITH_SM3)
    assert (signature.data, signature.data_hash, signature.notes) == (b"Hello Secret World!", None, frozenset())


def test_a_detached_signature_alone_has_nothing_at_hand():
    """Neither data nor signed bytes are there, which is said and not taken for empty content."""
    (signature,) = cms_document(vector("ofd/gmsm-cms/sadkSignedDataDetach.p7.der")).signatures
    assert (signature.data, signature.signed.message, signature.notes) == (None, b"", {Note.CONTENT_NOT_AT_HAND})
    (signature,) = cms_document(make_signed_data(content=b"")).signatures
    assert (signature.data, signature.notes) == (b"", frozenset())


@pytest.fixture(scope="module")
def foreign() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Return a key and certificate of an independent producer."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Foreign")])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1234567, start, start + timedelta(days=1))
    return key, builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("attributes", [False, True])
def test_an_independent_producer_is_understood(foreign, detached, attributes):
    """What another implementation signs verifies over the bytes that are handed on as signed."""
    key, certificate = foreign
    options = [pkcs7.PKCS7Options.Binary]
    options += [] if attributes else [pkcs7.PKCS7Options.NoAttributes]
    options += [pkcs7.PKCS7Options.DetachedSignature] if detached else []
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"payload").add_signer(certificate, key, hashes.SHA256())
    data = builder.sign(serialization.Encoding.DER, options)
    read = parse_signed_data(data)
    assert (read.standard, read.content) == (Standard.RFC_5652, None if detached else b"payload")
    signature = placed(data, b"payload")
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    assert (signature.signed.certificate, signature.signed.algorithm) == (encoded, "1.2.840.10045.4.3.2")
    key.public_key().verify(signature.signed.signature, signature.signed.message, ec.ECDSA(hashes.SHA256()))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"payload")
    assert signature.data_hash == (digest.finalize() if attributes else None)
    assert signature.data_hash_algorithm == "2.16.840.1.101.3.4.2.1"
    assert (signature.signed_at is not None) is attributes
    assert signature.attached == (None if detached else b"payload")


def test_signed_attributes_are_the_original_bytes_under_the_tag_of_a_set():
    """The attributes are taken as they stand, also unsorted, with 0x31 for [0]."""
    attributes = signed_attributes(GBT_DATA, DIGEST, attribute(SIGNING_TIME, encode_element(0x17, b"250630163000Z")))
    for order in (attributes, attributes[::-1]):
        signer = only_signer(signed=order)
        assert signer.signed_attributes == encode_element(0x31, b"".join(order))
        assert (signer.message_digest, signer.content_type) == (DIGEST, GBT_DATA)
        assert signer.signing_time == datetime(2025, 6, 30, 16, 30, tzinfo=UTC)


def test_a_signing_time_may_be_of_either_type():
    """Times from 2050 on are GeneralizedTime."""
    late = attribute(SIGNING_TIME, encode_element(0x18, b"20500101000000Z"))
    assert only_signer(signed=signed_attributes(GBT_DATA, DIGEST, late)).signing_time == datetime(
        2050, 1, 1, tzinfo=UTC
    )


ATTRIBUTES = [
    ("no message digest", (attribute(CONTENT_TYPE, oid(GBT_DATA)),)),
    ("no content type", (attribute(MESSAGE_DIGEST, encode_element(0x04, DIGEST)),)),
    ("another content type", signed_attributes(TST_INFO)),
    ("two message digests", (*signed_attributes(), attribute(MESSAGE_DIGEST, encode_element(0x04, bytes(32))))),
    ("an empty message digest", signed_attributes(GBT_DATA, b"")),
    ("none at all", ()),
]


@pytest.mark.parametrize(("why", "attributes"), ATTRIBUTES, ids=[why for why, _ in ATTRIBUTES])
def test_attributes_that_do_not_bind_the_content_are_refused(why, attributes):
    """With signed attributes, exactly one digest and the right content type tie the content to the signature."""
    data = make_signed_data(signers=(make_signer(signed=attributes),))
    assert refusal(data).malformed is Malformed.STRUCTURE, why


def test_an_attribute_has_exactly_one_value():
    """No value, or several, are refused."""
    digest = encode_element(0x04, DIGEST)
    for values in ((), (digest, digest)):
        signed = (attribute(CONTENT_TYPE, oid(GBT_DATA)), attribute(MESSAGE_DIGEST, *values))
        assert refusal(make_signed_data(signers=(make_signer(signed=signed),))).malformed is Malformed.DER


def test_the_certificate_is_the_one_that_the_signer_names():
    """Issuer and serial number both count, the order of certificates does not, and none is a result too."""
    other_issuer = encode_sequence(())
    decoys = (make_certificate(serial=8), make_certificate(issuer=other_issuer), encode_sequence(()))
    right = make_certificate()
    for certificates in ((right, *decoys), (*decoys, right)):
        read = parse_signed_data(make_signed_data(certificates=certificates))
        assert (read.signers[0].certificate, read.certificates) == (right, certificates)
    for certificates in (decoys, ()):
        assert parse_signed_data(make_signed_data(certificates=certificates)).signers[0].certificate is None


def test_a_signer_may_be_named_by_key_identifier():
    """A subject key identifier picks the certificate whose extension holds it."""
    certificates = (
        make_certificate(),
        make_certificate(key_identifier=b"other"),
        make_certificate(key_identifier=b"key"),
    )
    signer = make_signer(version=3, identifier=encode_element(0x80, b"key"))
    (read,) = parse_signed_data(make_signed_data(certificates=certificates, signers=(signer,))).signers
    assert (read.issuer, read.serial, read.subject_key_identifier) == (None, None, b"key")
    assert read.certificate == certificates[2]


def test_bytes_without_the_outline_of_a_certificate_match_nobody():
    """Odd certificates are handed on and never picked, whichever way the signer is named."""
    odd = (
        encode_sequence((encode_sequence((encode_element(0x04, b"x"), b"\x05\x00", ISSUER)),)),
        encode_sequence((encode_sequence((encode_element(0xA3, encode_sequence((encode_sequence(()),))),)),)),
        encode_sequence((encode_sequence((encode_element(0xA3, encode_sequence((encode_sequence((NULL, NULL)),))),)),)),
        encode_sequence((encode_sequence((encode_element(0xA3, b""),)),)),
    )
    for signer in (make_signer(), make_signer(version=3, identifier=encode_element(0x80, b"key"))):
        read = parse_signed_data(make_signed_data(certificates=odd, signers=(signer,)))
        assert (read.signers[0].certificate, read.certificates) == (None, odd)


def test_attribute_certificates_are_passed_over():
    """Other choices among the certificates have context tags and are no certificates."""
    certificates = (encode_element(0xA2, b"\x05\x00"), make_certificate())
    assert parse_signed_data(make_signed_data(certificates=certificates)).certificates == certificates[1:]


def test_a_time_stamp_is_an_unsigned_attribute():
    """The token is handed on as it stands; as a signed attribute it would be none over the signature value."""
    token = encode_sequence((b"\x02\x01\x05",))
    assert only_signer(unsigned=(attribute(TIMESTAMP, token),)).timestamp == token
    assert only_signer(signed=signed_attributes(GBT_DATA, DIGEST, attribute(TIMESTAMP, token))).timestamp is None


@pytest.mark.parametrize(
    ("digest", "signature", "combined"),
    [
        ("1.2.156.10197.1.401", "1.2.156.10197.1.301.1", SM2_WITH_SM3),
        ("1.2.156.10197.1.401", SM2_WITH_SM3, SM2_WITH_SM3),
        ("2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"),
        ("2.16.840.1.101.3.4.2.1", "1.2.156.10197.1.301.1", "2.16.840.1.101.3.4.2.1 with 1.2.156.10197.1.301.1"),
        ("1.3.14.3.2.26", "1.2.840.113549.1.1.1", "1.3.14.3.2.26 with 1.2.840.113549.1.1.1"),
        ("1.2.156.10197.1.401", "1.2.840.113549.1.1.11", "1.2.156.10197.1.401 with 1.2.840.113549.1.1.11"),
    ],
)
def test_digest_and_key_name_one_algorithm(digest, signature, combined):
    """Known pairs become the one identifier; others become the name of no algorithm, whatever each of the two means."""
    signer = make_signer(digest_algorithm=digest, signature_algorithm=signature)
    data = make_signed_data(digest_algorithms=(digest,), signers=(signer,))
    (found,) = cms_document(data).signatures
    assert found.signed.algorithm == combined


def test_parameters_may_be_null_or_absent():
    """Both spellings of "no parameters" are in use."""
    for parameters in (b"", NULL):
        identifier = encode_sequence((oid("1.2.156.10197.1.401"), parameters))
        read = parse_signed_data(replaced(make_signed_data(), (*SIGNER, 2), identifier))
        assert read.signers[0].digest_algorithm == "1.2.156.10197.1.401"


LONG_SIGNATURE = encode_element(0x04, bytes(1025))
BROKEN = [
    ("trailing bytes", lambda data: data + b"\x00", Malformed.DER),
    ("indefinite lengths", lambda data: b"\x30\x80" + data[4:] + b"\x00\x00", Malformed.DER),
    ("enveloped data", lambda data: replaced(data, (0,), oid("1.2.156.10197.6.1.4.2.3")), Malformed.STRUCTURE),
    (
        "content of another type",
        lambda data: replaced(data, (1, 0, 2, 1, 0), encode_sequence(())),
        Malformed.DER,
    ),
    ("signers in a SEQUENCE", lambda data: replaced(data, (1, 0, 4), encode_sequence(())), Malformed.DER),
    ("algorithms in a SEQUENCE", lambda data: replaced(data, (1, 0, 1), encode_sequence(())), Malformed.DER),
    ("a signer without signature", lambda data: replaced(data, (*SIGNER, 4), b""), Malformed.DER),
    ("an algorithm without name", lambda data: replaced(data, (*SIGNER, 3), encode_sequence(())), Malformed.DER),
    ("an algorithm of another type", lambda data: replaced(data, (*SIGNER, 2), oid(GBT_DATA)), Malformed.DER),
    (
        "a long signature",
        lambda data: replaced(data, (*SIGNER, 4), encode_element(4, bytes(1025))),
        Malformed.TOO_LARGE,
    ),
]


@pytest.mark.parametrize(("why", "break_it", "kind"), BROKEN, ids=[why for why, _, _ in BROKEN])
def test_one_broken_thing_refuses_the_signed_data(why, break_it, kind):
    """A valid SignedData with one thing broken is refused."""
    parse_signed_data(make_signed_data())
    assert refusal(break_it(make_signed_data())).malformed is kind, why


TOO_LARGE = [
    make_signed_data(certificates=(make_certificate(),) * (MAX_CERTIFICATES + 1)),
    make_signed_data(certificates=(encode_sequence((encode_element(4, bytes(64 * 1024)),)),)),
    make_signed_data(signers=(make_signer(),) * (MAX_SIGNERS + 1)),
    make_signed_data(signers=(make_signer(unsigned=(attribute("1.2.3", NULL),) * 65),)),
    make_signed_data(
        signers=(make_signer(unsigned=(attribute(TIMESTAMP, encode_element(4, bytes(MAX_TIMESTAMP))),)),),
    ),
]


@pytest.mark.parametrize("data", TOO_LARGE, ids=["certificates", "certificate", "signers", "attributes", "time stamp"])
def test_every_part_has_a_bound(data):
    """What an asker can make long is refused as too large."""
    assert refusal(data).malformed is Malformed.TOO_LARGE


def test_each_signer_is_a_signature_of_the_document():
    """A bare SignedData is a document whose signatures are its signers, numbered from one; none is none."""
    token = encode_sequence((b"\x02\x01\x05",))
    data = make_signed_data(
        signers=(make_signer(unsigned=(attribute(TIMESTAMP, token),)), make_signer(signed=signed_attributes()))
    )
    document = cms_document(data)
    plain, with_attributes = document.signatures
    assert (document.format, plain.id, with_attributes.id) == (Format.SIGNED_DATA, "1", "2")
    assert (plain.kind, plain.data, plain.data_hash, plain.timestamp) == (SignatureKind.SIGN, b"content", None, token)
    assert (with_attributes.data_hash, with_attributes.signed.message[0]) == (DIGEST, 0x31)
    assert cms_document(make_signed_data(signers=())).signatures == ()


def test_a_detached_signature_of_type_sign_is_over_the_file():
    """Without content the signed bytes are those of Signature.xml."""
    signature = placed(make_signed_data(content=None))
    assert (signature.signed.message, signature.data, signature.attached) == (XML, XML, None)
    assert (signature.id, signature.location, signature.own_files) == ("2", "a", {"a"})
    assert (signature.kind, signature.standard, signature.notes) == (
        SignatureKind.SIGN,
        Standard.GBT_35275_2017,
        frozenset(),
    )


def test_attached_content_is_carried_for_comparison():
    """With content the signed bytes are that content, and the file must equal it."""
    for content in (XML, b"something else"):
        signature = placed(make_signed_data(content=content))
        assert (signature.signed.message, signature.data, signature.attached) == (content, XML, content)
        assert signature.data_hash is None


@pytest.mark.parametrize(("attributes", "data_hash"), [(None, None), (signed_attributes(), DIGEST)])
def test_a_digest_as_content_is_noted(attributes, data_hash):
    """Some producers attach the digest of the file instead of the file; that is carried and noted."""
    digest = bytes(reversed(DIGEST))
    signed_value = make_signed_data(content=digest, signers=(make_signer(signed=attributes),))
    signature = placed(signed_value)
    assert (signature.attached, signature.data_hash, signature.notes) == (digest, data_hash, {Note.DIGEST_AS_CONTENT})
    assert placed(signed_value, data=digest).notes == frozenset()


def test_a_bare_value_names_nobody():
    """R and s alone are over the file, by an unknown signer."""
    for value, notes in ((SIGNATURE, frozenset()), (bytes(64), {Note.RAW_SIGNATURE})):
        signature = placed(value)
        assert (signature.standard, signature.signed.certificate) == (Standard.BARE, None)
        assert (signature.signed.message, signature.signed.signature) == (XML, value)
        assert (signature.signed.algorithm, signature.notes) == (SM2_WITH_SM3, notes)


@pytest.mark.parametrize(
    ("signed_value", "kind"),
    [
        (b"", Malformed.DER),
        (bytes(63), Malformed.DER),
        (make_signed_data(signers=()), Malformed.STRUCTURE),
        (make_signed_data(signers=(make_signer(), make_signer())), Malformed.STRUCTURE),
        (make_signed_data()[:-1], Malformed.DER),
    ],
)
def test_other_signed_values_are_refused(signed_value, kind):
    """A signature of type Sign has one signer or is a bare value."""
    with pytest.raises(MalformedDocumentError) as caught:
        placed(signed_value)
    assert caught.value.malformed is kind


@pytest.mark.parametrize(
    ("kind", "version"), [(GBT_SIGNED_DATA, 1), *((RFC_SIGNED_DATA, version) for version in (1, 3, 4, 5))]
)
def test_the_versions_of_the_standards_are_read(kind, version):
    """GB/T 35275 has one, RFC 5652 four."""
    assert parse_signed_data(make_signed_data(kind=kind, version=version)).signers


SHA256 = "2.16.840.1.101.3.4.2.1"
PARAMETERS = encode_sequence((oid(SM3), b"\x02\x01\x01"))
ODD = {
    "another version": make_signed_data(version=3),
    "another version of RFC 5652": make_signed_data(kind=RFC_SIGNED_DATA, version=2),
    "a signer of another version": make_signed_data(signers=(make_signer(version=3),)),
    "a key identifier in the first version": make_signed_data(
        signers=(make_signer(identifier=encode_element(0x80, b"key")),)
    ),
    "a digest that is not announced": make_signed_data(digest_algorithms=(SHA256,)),
    "no digest announced": make_signed_data(digest_algorithms=()),
    "parameters of the digest": replaced(make_signed_data(), (*SIGNER, 2), PARAMETERS),
    "parameters of the announced digest": replaced(make_signed_data(), (*SIGNED_DATA, 1, 0), PARAMETERS),
    "parameters of the signature": replaced(make_signed_data(), (*SIGNER, 3), PARAMETERS),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_unsigned_fields_have_one_value(data):
    """Nobody signs them, so they must say what the signed bytes say, or nothing."""
    assert refusal(data).malformed in {Malformed.STRUCTURE, Malformed.DER}


@pytest.mark.parametrize("name", ["1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"])
@pytest.mark.parametrize("value", [NULL, encode_sequence(()), encode_sequence((encode_sequence(()),))])
def test_an_empty_name_of_the_certificate_is_refused(name, value):
    """An attribute that names no certificate is not the attribute of the standard."""
    signer = make_signer(signed=signed_attributes(GBT_DATA, DIGEST, attribute(name, value)))
    assert refusal(make_signed_data(signers=(signer,))).malformed is Malformed.DER


def test_a_type_that_nobody_signs_is_that_of_data():
    """Without signed attributes the content type could be changed unseen."""
    assert refusal(make_signed_data(content_type="1.2.3")).malformed is Malformed.STRUCTURE
    typed = make_signer(signed=signed_attributes("1.2.3"))
    assert parse_signed_data(make_signed_data(content_type="1.2.3", signers=(typed,))).content_type == "1.2.3"


def test_content_that_many_sign_whole_is_bounded():
    """Each signature over all of it costs a digest of its own; signed attributes share one."""
    content = bytes(2 * 2**20)
    with pytest.raises(MalformedDocumentError) as caught:
        cms_document(make_signed_data(content=content, signers=(make_signer(),) * MAX_SIGNERS))
    assert caught.value.malformed is Malformed.TOO_LARGE
    signers = (make_signer(signed=signed_attributes()),) * MAX_SIGNERS
    assert len(cms_document(make_signed_data(content=content, signers=signers)).signatures) == MAX_SIGNERS


UNNEEDED = {
    "a revocation list": {"revocation_lists": (encode_sequence((NULL,)),)},
    "another digest": {"digest_algorithms": (SM3, SHA256)},
    "the digest twice": {"digest_algorithms": (SM3, SM3)},
    "an attribute certificate": {"certificates": (make_certificate(), encode_element(0xA2, NULL))},
    "a certificate that is none": {"certificates": (make_certificate(), encode_sequence((NULL,)))},
    "an unsigned attribute": {"signers": (make_signer(unsigned=(attribute("1.2.3", NULL),)),)},
}


@pytest.mark.parametrize("changes", UNNEEDED.values(), ids=UNNEEDED.keys())
def test_a_signature_in_a_document_carries_nothing_unsigned(changes):
    """By itself such a SignedData is read; as a part of a document it would have room for anything."""
    data = make_signed_data(**changes)
    assert parse_signed_data(data).signers
    with pytest.raises(MalformedDocumentError) as caught:
        placed(data)
    assert caught.value.malformed is Malformed.STRUCTURE


def test_further_certificates_may_come_along():
    """The chain of the signer is in real ones."""
    assert placed(make_signed_data(certificates=(make_certificate(), make_certificate(serial=8)))).signed.certificate


def test_signers_are_counted_before_they_are_read(monkeypatch):
    """Too many of them cost nothing but the walk over their outline."""
    monkeypatch.setattr("adapters.cms.read_signer", None)
    with pytest.raises(MalformedDocumentError) as caught:
        parse_signed_data(make_signed_data(signers=(make_signer(),) * 2), max_signers=1)
    assert caught.value.malformed is Malformed.TOO_LARGE


def test_certificates_are_taken_apart_once(monkeypatch):
    """The work for a SignedData grows with its signers and its certificates, not with the product of the two."""
    seen = []
    read = cms_certificate._key_identifier
    monkeypatch.setattr(cms_certificate, "_key_identifier", lambda fields: seen.append(1) or read(fields))
    signer = make_signer(version=3, identifier=encode_element(0x80, b"key"))
    parse_signed_data(make_signed_data(certificates=(make_certificate(),) * 3, signers=(signer,) * 5))
    assert len(seen) == 3


def test_recognition_looks_at_the_beginning_only():
    """BER and damaged files are recognised, to be refused by name; other files are not."""
    data = make_signed_data()
    for version in (data, make_signed_data(kind=RFC_SIGNED_DATA)):
        assert looks_like_signed_data(version[:30])
    assert looks_like_signed_data(b"\x30\x80" + element_at(data, 0))
    for other in (
        b"",
        b"\x30",
        SIGNATURE,
        ISSUER,
        make_certificate(),
        b"PK\x03\x04",
        encode_sequence((oid(GBT_DATA),)),
    ):
        assert not looks_like_signed_data(other)


@given(st.binary(max_size=60) | mutated(make_signed_data(signers=(make_signer(signed=signed_attributes()),))))
def test_garbage_and_damage_raise_only_our_error(data):
    """Whatever is read is a SignedData whose certificates are slices of the input."""
    try:
        read = parse_signed_data(data)
    except MalformedDocumentError:
        return
    assert isinstance(read, SignedData)
    assert all(certificate in data for certificate in read.certificates)


ETSI_VALUES, ADOBE_ARCHIVAL = "1.2.840.113549.1.9.16.2.24", "1.2.840.113583.1.1.8"
BASIC = encode_sequence((b"\x02\x01\x01",))
RESPONSE = encode_sequence(
    (
        bytes.fromhex("0a0100"),
        encode_element(0xA0, encode_sequence((oid("1.3.6.1.5.5.7.48.1.1"), encode_element(0x04, BASIC)))),
    )
)


def answers_of(*, infos=(), signed=None, unsigned=None):
    signers = (make_signer(signed=signed, unsigned=unsigned),)
    (found,) = cms_document(make_signed_data(revocation_lists=infos, signers=signers)).signatures
    return found.ocsp_responses


def test_ocsp_responses_come_along():
    """They are found beside the signers (RFC 5940), and in the attributes of ETSI, where they are bare, and Adobe."""
    assert answers_of() == ()
    assert answers_of(infos=(encode_sequence(()), revocation_info(RESPONSE))) == (RESPONSE,)
    assert answers_of(unsigned=(attribute(ETSI_VALUES, revocation_values(BASIC)),)) == (RESPONSE,)
    archival = attribute(ADOBE_ARCHIVAL, revocation_values(RESPONSE, RESPONSE))
    assert answers_of(signed=signed_attributes(GBT_DATA, DIGEST, archival)) == (RESPONSE, RESPONSE)


@pytest.mark.parametrize(
    "unsigned",
    [
        attribute(ETSI_VALUES),
        attribute(ETSI_VALUES, b"\x05\x00"),
        attribute(ETSI_VALUES, encode_sequence((encode_element(0xA0, encode_sequence((BASIC,))),))),
        attribute(ETSI_VALUES, revocation_values(b"\x05\x00")),
        attribute(ADOBE_ARCHIVAL, revocation_values(encode_element(0x04, bytes(MAX_OCSP_RESPONSE)))),
        attribute(
            ADOBE_ARCHIVAL, revocation_values(encode_sequence((encode_element(0x04, bytes(MAX_OCSP_RESPONSE)),)))
        ),
    ],
    ids=range(6),
)
def test_what_is_no_ocsp_response_is_passed_over(unsigned):
    """Nothing odd where responses may stand makes a document bad."""
    infos = (revocation_info(RESPONSE, kind="1.2.3"), encode_element(0xA1, oid("1.2.3")), revocation_info(b"\x05\x00"))
    assert answers_of(infos=infos, unsigned=(unsigned,)) == ()


def test_ocsp_responses_are_bounded():
    """No more than a few chains need are carried."""
    assert len(answers_of(infos=(revocation_info(RESPONSE),) * 100)) == MAX_OCSP_RESPONSES
    many = attribute(ETSI_VALUES, revocation_values(*[BASIC] * 100))
    assert len(answers_of(infos=(revocation_info(RESPONSE),), unsigned=(many,))) == MAX_OCSP_RESPONSES


@pytest.mark.parametrize(
    "loose",
    [
        {"revocation_lists": (revocation_info(RESPONSE),)},
        {"signers": (make_signer(unsigned=(attribute(ETSI_VALUES, revocation_values(BASIC)),)),)},
    ],
)
def test_a_bare_signature_has_none_beside_what_is_signed(loose):
    """Inside a package nothing stands beside the signed bytes that could be changed unseen, OCSP responses neither."""
    with pytest.raises(MalformedDocumentError):
        parse_signed_data(make_signed_data(**loose), bare=True)
    assert parse_signed_data(make_signed_data(**loose))
