"""Reading signatures that were made with e-seals."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import Format, Note, References, SignatureKind, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ses.encode import encode_seal_signature, encode_tbs, encode_tbs_2014
from adapters.ses.seal import looks_like_seal, parse_seal
from adapters.ses.signature import (
    SealSignature,
    document_signature,
    looks_like_seal_signature,
    parse_seal_signature,
    seal_signature_document,
)
from adapters.strict.bounds import MAX_SEAL, MAX_SEAL_SIGNATURE, MAX_TIMESTAMP
from adapters.strict.der import encode_element, encode_sequence
from tests.support.asn1 import appended, element_at, replaced
from tests.support.mutations import mutated
from tests.support.seals import (
    DATA_HASH,
    LOCATION,
    SIGNATURE,
    SIGNED_AT,
    SIGNER,
    make_seal,
    make_seal_signature,
)
from tests.support.signed_data import make_token
from tests.support.vectors import expected, vector

TIME, HASH, PATH = (0, 2), (0, 3), (0, 4)
PACKAGES = ["SESV4SignDoc.ofd", "V4RideRight.ofd", "allprotected.ofd"]


def refusal(data: bytes) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_seal_signature(data)
    return caught.value


def place(parsed: SealSignature, location: str = LOCATION) -> frozenset[Note]:
    """Return the notes of a signature that was found at ``location``."""
    return document_signature(parsed, id="1", data=b"", references=None, own_files=frozenset(), location=location).notes


def agree(parsed: SealSignature, known: dict, data: bytes) -> None:
    """Compare what was read with an entry of expected.json."""
    assert parsed.encoded == data
    assert parsed.standard is Standard.GBT_38540_2020
    assert parsed.version == known["tbs_version"]
    assert parsed.signed_at == datetime.fromisoformat(known["sign_time_utc"]).replace(tzinfo=UTC)
    assert parsed.property_info == known["property_info"]
    assert parsed.signed.algorithm == known["sign_alg"]
    assert parsed.signed.message == element_at(data, 0)
    assert (parsed.signed.certificate in parsed.seal.signer_certificates) is known["signer_cert_in_seal_list"]
    assert (parsed.seal.identifier, parsed.seal.name) == (known["seal"]["seal_id"], known["seal"]["seal_name"])
    assert len(parsed.data_hash) == 32
    assert (parsed.timestamp, parsed.notes, parsed.seal.notes) == (None, frozenset(), frozenset())


def test_the_worked_decode_is_what_is_read():
    """The slices of the real signature are those that were cut by hand."""
    data = vector("ofd/ofdrw/SignedValueV4.dat")
    assert looks_like_seal_signature(data)
    parsed = parse_seal_signature(data)
    agree(parsed, expected()["ofdrw/SignedValueV4.dat"], data)
    assert parsed.signed.message == data[4:17109]
    assert parsed.seal.maker.message == data[15:16408]
    assert parsed.seal.encoded == vector("ofd/ofdrw/UserV4.esl")
    assert parsed.seal == parse_seal(vector("ofd/ofdrw/UserV4.esl"))
    assert parsed.data_hash == data[17042:17074]


@pytest.mark.parametrize("name", PACKAGES)
def test_signatures_of_real_documents_say_what_is_known_of_them(name):
    """The seal signature of every real package is read as expected, with the seal file inside it."""
    known = expected()[f"ofdrw/{name}"]["signatures"][0]
    with zipfile.ZipFile(io.BytesIO(vector(f"ofd/ofdrw/{name}"))) as package:
        folder = known["path"].rpartition("/")[0]
        data, seal = (package.read(f"{folder}/{file}") for file in ("SignedValue.dat", "Seal.esl"))
    parsed = parse_seal_signature(data)
    agree(parsed, known, data)
    assert parsed.seal.encoded == seal
    assert place(parsed, known["path"]) == frozenset()


@pytest.mark.parametrize(
    ("version", "standard"), [(1, Standard.GMT_0031_2014), (4, Standard.GBT_38540_2020), (5, Standard.GMT_0031_2025)]
)
def test_a_made_signature_is_read_as_its_version(version, standard):
    """All three forms yield the same facts."""
    data = make_seal_signature(version=version)
    assert looks_like_seal_signature(data)
    parsed = parse_seal_signature(data)
    assert (parsed.standard, parsed.version) == (standard, version)
    assert (parsed.signed_at, parsed.data_hash, parsed.property_info) == (SIGNED_AT, DATA_HASH, "/" + LOCATION)
    assert (parsed.signed.message, parsed.signed.certificate) == (element_at(data, 0), SIGNER)
    assert parsed.notes == ({Note.TEXT_TIME} if version == 1 else frozenset())


def test_the_seal_decides_the_standard_and_a_contradiction_is_a_note():
    """TBS_Sign with another version than the seal inside it is reported, not refused."""
    older_tbs = make_seal_signature(seal=make_seal(version=5))
    newer_tbs = make_seal_signature(version=5, seal=make_seal(version=4))
    for data, standard in ((older_tbs, Standard.GMT_0031_2025), (newer_tbs, Standard.GBT_38540_2020)):
        parsed = parse_seal_signature(data)
        assert (parsed.standard, parsed.notes) == (standard, {Note.VERSION_CONTRADICTION})


def test_forms_are_not_mixed():
    """A seal of one form inside a signature of the other is refused."""
    assert refusal(make_seal_signature(version=4, seal=make_seal(version=1))).malformed is Malformed.DER
    assert refusal(make_seal_signature(version=1, seal=make_seal(version=4))).malformed is Malformed.DER


def test_a_time_stamp_is_kept_as_bytes():
    """What stands in the time stamp's place is handed on, token or not."""
    for octets in (b"", b"no token", make_token()):
        parsed = parse_seal_signature(make_seal_signature(timestamp=octets))
        assert (parsed.timestamp, parsed.signed_at, parsed.notes) == (octets, SIGNED_AT, frozenset())


def test_extensions_of_the_signed_part_are_read():
    """TBS_Sign may end in [0] extDatas; a default written out in it is noted."""
    for critical, notes in (("0101ff", frozenset()), ("010100", {Note.DEFAULT_WRITTEN_OUT})):
        extension = encode_sequence((bytes.fromhex("0603550401" + critical + "040131"),))
        data = appended(make_seal_signature(), (0,), encode_element(0xA0, encode_sequence((extension,))))
        parsed = parse_seal_signature(data)
        assert (parsed.notes, parsed.signed.message) == (notes, element_at(data, 0))


@pytest.mark.parametrize(
    "octets",
    [
        b"2025-07-01 00:30:00",
        b"2025-07-01T00:30:00",
        b"20250701003000",
        b"20250630163000Z",
        b"20250630163000.000Z",
        b"2025-06-30T16:30:00+00:00",
        encode_element(0x17, b"250630163000Z"),
        encode_element(0x18, b"20250630163000Z"),
    ],
)
def test_a_2014_time_without_a_time_stamp_is_the_signers_claim(octets):
    """Every way in which vendors put a time into the 2014 timeInfo means the same moment, and is noted."""
    parsed = parse_seal_signature(make_seal_signature(version=1, time_info=octets))
    assert (parsed.signed_at, parsed.timestamp, parsed.notes) == (SIGNED_AT, None, {Note.TEXT_TIME})


def test_a_2014_time_stamp_claims_its_own_time():
    """A token in timeInfo gives the time, is kept, and is said not to be over the signature value."""
    token = make_token(generated_at=b"20250630163000Z")
    parsed = parse_seal_signature(make_seal_signature(version=2, time_info=token))
    assert (parsed.signed_at, parsed.timestamp) == (SIGNED_AT, token)
    assert parsed.notes == {Note.TIMESTAMP_IN_TIME_INFO}


@pytest.mark.parametrize(
    "octets", [b"yesterday", b"\x30\x00", b"\xff" * 20, b"200422021807Z", encode_element(0x17, b"2")]
)
def test_a_2014_time_that_is_no_time_leaves_none(octets):
    """Unreadable timeInfo gives no signing time; its bytes stand for a time stamp that cannot be used."""
    parsed = parse_seal_signature(make_seal_signature(version=1, time_info=octets))
    assert (parsed.signed_at, parsed.timestamp, parsed.notes) == (None, octets, frozenset())


def test_an_empty_2014_time_is_no_time_stamp():
    """Nothing in timeInfo is nothing to judge."""
    parsed = parse_seal_signature(make_seal_signature(version=1, time_info=b""))
    assert (parsed.signed_at, parsed.timestamp) == (None, None)


def test_octet_strings_in_the_2014_form_are_read_with_a_note():
    """TimeInfo and dataHash as OCTET STRING mean the same; in the later form they are refused."""
    for path, octets in ((TIME, b"2025-07-01 00:30:00"), (HASH, DATA_HASH)):
        parsed = parse_seal_signature(replaced(make_seal_signature(version=1), path, encode_element(0x04, octets)))
        assert (parsed.signed_at, parsed.data_hash) == (SIGNED_AT, DATA_HASH)
        assert parsed.notes == {Note.TEXT_TIME, Note.MIXED_ENCODING}
    assert refusal(replaced(make_seal_signature(), HASH, encode_element(0x04, DATA_HASH))).malformed is Malformed.DER


@pytest.mark.parametrize("text", [b"20250630163000", b"20250701003000+0800", b"20250630163000.0Z", b"2506301630Z"])
def test_local_times_in_the_later_forms_are_refused(text):
    """TimeInfo of versions 4 and 5 is a DER GeneralizedTime with Z."""
    assert refusal(replaced(make_seal_signature(), TIME, encode_element(0x18, text))).malformed is Malformed.DER


def test_a_short_time_in_the_later_forms_is_refused():
    """A UTCTime never passes for a GeneralizedTime."""
    for tag in (0x17, 0x18):
        data = replaced(make_seal_signature(), TIME, encode_element(tag, b"250630163000Z"))
        assert refusal(data).malformed is Malformed.DER


def test_a_chinese_path_does_not_refuse_a_signature():
    """PropertyInfo beyond ASCII is read and noted; whatever else it is, it does not stop the reader."""
    chinese = encode_element(0x16, "/Doc_0/签章/Signature.xml".encode())
    parsed = parse_seal_signature(replaced(make_seal_signature(), PATH, chinese))
    assert (parsed.property_info, parsed.notes) == ("/Doc_0/签章/Signature.xml", {Note.NON_ASCII_TEXT})
    assert place(parsed, "Doc_0/签章/Signature.xml") == {Note.NON_ASCII_TEXT}
    parsed = parse_seal_signature(replaced(make_seal_signature(), PATH, encode_element(0x16, b"\xc7\xa9")))
    assert parsed.notes == {Note.NON_ASCII_TEXT}


BROKEN = [
    ("trailing bytes", lambda data: data + b"\x00"),
    ("three fields", lambda data: encode_sequence([element_at(data, 0)] * 3)),
    ("an empty data hash", lambda data: replaced(data, HASH, encode_element(0x03, b"\x00"))),
    ("unused bits in the data hash", lambda data: replaced(data, HASH, encode_element(0x03, b"\x01\xfe"))),
    ("unused bits in the signature", lambda data: replaced(data, (3,), encode_element(0x03, b"\x04\xf0"))),
    ("a path of another type", lambda data: replaced(data, PATH, encode_element(0x0C, b"/"))),
    ("a negative version", lambda data: replaced(data, (0, 0), b"\x02\x01\xff")),
    ("no certificate", lambda data: replaced(data, (1,), b"")),
    ("a field too many in the signed part", lambda data: appended(data, (0,), b"\x05\x00")),
    ("another context tag", lambda data: appended(data, (), encode_element(0xA1, encode_element(0x03, b"\x00")))),
    ("a broken seal", lambda data: replaced(data, (0, 1, 0, 2, 2), b"\x02\x01\x07")),
]


@pytest.mark.parametrize(("why", "break_it"), BROKEN, ids=[why for why, _ in BROKEN])
def test_one_broken_thing_refuses_the_signature(why, break_it):
    """A valid signature with one thing broken is refused as DER."""
    parse_seal_signature(make_seal_signature())
    assert refusal(break_it(make_seal_signature())).malformed is Malformed.DER, why


def test_every_part_has_a_bound():
    """Sizes of the whole, of the time stamp, the path and the hash are bounded."""
    made = make_seal_signature()
    for data in (
        make_seal_signature(timestamp=bytes(MAX_SEAL_SIGNATURE)),
        make_seal_signature(timestamp=bytes(MAX_TIMESTAMP + 1)),
        make_seal_signature(version=1, time_info=bytes(MAX_TIMESTAMP + 1)),
        make_seal_signature(signature=bytes(1025)),
        make_seal_signature(seal=make_seal(picture=bytes(MAX_SEAL))),
        make_seal_signature(version=1, seal=make_seal(version=1, picture=bytes(MAX_SEAL))),
        replaced(made, PATH, encode_element(0x16, b"/" * 513)),
        replaced(made, HASH, encode_element(0x03, bytes(66))),
    ):
        assert refusal(data).malformed is Malformed.TOO_LARGE


def test_a_signature_knows_where_it_was_found():
    """Everything read goes into the place, and a path that names another file is noted, not judged."""
    parsed = parse_seal_signature(make_seal_signature(timestamp=b"?"))
    references = References(method="SM3", entries=())
    signature = document_signature(
        parsed,
        id="s001",
        data=b"<Signature/>",
        references=references,
        own_files=frozenset({LOCATION}),
        location=LOCATION,
    )
    assert (signature.id, signature.kind, signature.standard) == ("s001", SignatureKind.SEAL, parsed.standard)
    assert (signature.signed, signature.seal, signature.signed_at) == (parsed.signed, parsed.seal, SIGNED_AT)
    assert (signature.data, signature.data_hash, signature.timestamp) == (b"<Signature/>", DATA_HASH, b"?")
    assert (signature.references, signature.own_files) == (references, {LOCATION})
    assert signature.notes == frozenset()
    assert place(parsed, "/" + LOCATION) == frozenset()
    assert place(parsed, "Doc_0/Signs/Sign_1/Signature.xml") == {Note.PROPERTY_INFO_DIFFERS}


def test_a_bare_signature_has_no_data_at_hand():
    """A signature file alone states a hash of data that nobody has."""
    document = seal_signature_document(make_seal_signature())
    (signature,) = document.signatures
    assert (document.format, signature.data, signature.data_hash) == (Format.SEAL_SIGNATURE, None, DATA_HASH)
    assert (signature.references, signature.notes) == (None, frozenset())


def test_recognition_tells_seals_from_signatures():
    """A damaged signature is still recognised; a seal is never taken for one."""
    for version in (1, 4, 5):
        data = make_seal_signature(version=version)
        assert looks_like_seal_signature(data[:60])
        assert not looks_like_seal(data)
        assert not looks_like_seal_signature(make_seal(version=version))
    for data in (b"", b"\x30\x00", b"\x30\x02\x30\x00", SIGNATURE, SIGNER, b"PK\x03\x04"):
        assert not looks_like_seal_signature(data)


MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones
HASHES = st.binary(min_size=1, max_size=64)
PATHS = st.text(st.characters(codec="ascii"), max_size=40)


@given(st.sampled_from((4, 5)), MOMENTS, HASHES, PATHS, st.tuples(st.binary(max_size=80), st.none() | st.binary()))
def test_what_is_written_is_read(version, moment, data_hash, path, values):
    """Every signature of the later forms that can be encoded is read back with the same values."""
    seal, (signature, timestamp) = make_seal(version=version), values
    tbs = encode_tbs(seal=seal, signed_at=moment, data_hash=data_hash, property_info=path, version=version)
    parsed = parse_seal_signature(
        encode_seal_signature(tbs=tbs, signer_certificate=SIGNER, signature=signature, timestamp=timestamp)
    )
    assert parsed.seal == parse_seal(seal)
    assert (parsed.signed.message, parsed.signed.signature, parsed.signed.certificate) == (tbs, signature, SIGNER)
    assert parsed.signed_at == moment.replace(microsecond=0)
    assert (parsed.data_hash, parsed.property_info, parsed.timestamp) == (data_hash, path, timestamp)


@given(st.integers(1, 3), st.binary(max_size=40), HASHES, PATHS, st.binary(max_size=80))
def test_what_is_written_in_the_2014_form_is_read(version, time_info, data_hash, path, signature):
    """The same for the 2014 form, whatever stands in timeInfo."""
    seal = make_seal(version=version)
    tbs = encode_tbs_2014(
        seal=seal,
        time_info=time_info,
        data_hash=data_hash,
        property_info=path,
        signer_certificate=SIGNER,
        version=version,
    )
    parsed = parse_seal_signature(encode_seal_signature(tbs=tbs, signature=signature))
    assert parsed.seal == parse_seal(seal)
    assert (parsed.signed.message, parsed.signed.signature, parsed.signed.certificate) == (tbs, signature, SIGNER)
    assert (parsed.data_hash, parsed.property_info) == (data_hash, path)
    assert parsed.signed_at is not None or parsed.timestamp == (time_info or None)


@given(st.binary(max_size=80))
def test_garbage_raises_only_our_error(data):
    """Bytes that are no signature are refused, not crashed on."""
    assert refusal(data).malformed is Malformed.DER


@given(st.sampled_from((1, 4, 5)).flatmap(lambda version: mutated(make_seal_signature(version=version))))
def test_a_damaged_signature_is_refused_or_read(data):
    """Damage anywhere raises only our error; what is still read keeps its original bytes."""
    try:
        parsed = parse_seal_signature(data)
    except MalformedDocumentError:
        return
    assert parsed.encoded == data
    assert parsed.signed.message in data
    assert parsed.seal.encoded in parsed.signed.message


def test_encoding_refuses_what_has_no_place():
    """Each form is written with its own function and its own fields."""
    common = {"seal": make_seal(), "data_hash": DATA_HASH, "property_info": ""}
    with pytest.raises(ValueError, match="version 4 or 5"):
        encode_tbs(**common, signed_at=SIGNED_AT, version=1)
    with pytest.raises(ValueError, match="version 1 to 3"):
        encode_tbs_2014(**common, time_info=b"", signer_certificate=SIGNER, version=4)
    with pytest.raises(ValueError, match="a signer certificate was expected"):
        encode_seal_signature(tbs=encode_tbs(**common, signed_at=SIGNED_AT), signature=SIGNATURE)
    with pytest.raises(ValueError, match="2014 form"):
        make_seal_signature(version=1, timestamp=b"")


def test_fractions_of_a_second_are_kept():
    """TimeInfo may carry a fraction."""
    data = replaced(make_seal_signature(), TIME, encode_element(0x18, b"20250630163000.5Z"))
    assert parse_seal_signature(data).signed_at == SIGNED_AT + timedelta(seconds=0.5)
