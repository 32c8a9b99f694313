"""Reading e-seals: the real ones, made ones, and made ones with one thing broken."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import Format, Note, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ses.encode import encode_seal, encode_seal_info, seal_message
from adapters.ses.seal import looks_like_seal, parse_seal, seal_document
from adapters.strict.bounds import MAX_CERTIFICATES, MAX_PICTURE, MAX_SEAL, MAX_SEAL_TEXT
from adapters.strict.der import encode_element, encode_sequence
from tests.support.asn1 import appended, element_at, replaced
from tests.support.mutations import mutated
from tests.support.seals import CREATED, MADE, SIGNATURE, SIGNER, VALID_TO, make_seal, make_seal_info
from tests.support.vectors import expected, vector

FORMS = ((1, Standard.GMT_0031_2014), (3, Standard.GMT_0031_2014), (4, Standard.GBT_38540_2020))
INFO, PROPERTY, PICTURE = (0,), (0, 2), (0, 3)


def refusal(data: bytes) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_seal(data)
    return caught.value


def written(text: str) -> datetime:
    """Read a time of expected.json by its length."""
    form = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["UserV1.esl", "UserV4.esl"])
def test_real_seals_say_what_is_known_of_them(name):
    """A real seal is read with exactly the values that were found independently."""
    data, known = vector(f"ofd/ofdrw/{name}"), expected()[f"ofdrw/{name}"]
    assert looks_like_seal(data)
    seal = parse_seal(data)
    old = known["asn1_fields"] == 2
    assert seal.standard is (Standard.GMT_0031_2014 if old else Standard.GBT_38540_2020)
    assert seal.encoded == data
    assert seal.header_version == known["header_version"]
    assert (seal.vendor, seal.identifier, seal.name) == (known["vid"], known["seal_id"], known["seal_name"])
    assert seal.type == int(known["seal_type"], 16)
    assert [seal.created, seal.valid_from, seal.valid_to] == [
        written(known[key]) for key in ("create", "valid_from", "valid_to")
    ]
    assert [seal.picture.format, seal.picture.width_mm, seal.picture.height_mm] == ["png", *known["picture"][1:]]
    assert seal.picture.data.startswith(b"\x89PNG")
    assert (seal.timestamp is not None) is known["seal_timestamp_present"]
    assert (len(seal.signer_certificates), seal.signer_digests) == (1, ())
    assert seal.maker.algorithm == "1.2.156.10197.1.501"
    assert seal.maker.signature.startswith(b"\x30")
    assert not seal.notes


def test_the_maker_of_version_4_signs_the_seal_information():
    """The message is the slice of the file that the worked decode names."""
    data = vector("ofd/ofdrw/UserV4.esl")
    assert parse_seal(data).maker.message == data[4:16397]


def test_the_maker_of_the_2014_form_signs_three_things_under_one_header():
    """The message is one SEQUENCE of the original sealInfo, certificate and algorithm."""
    data = vector("ofd/ofdrw/UserV1.esl")
    message = parse_seal(data).maker.message
    assert message == encode_sequence((data[4:16385], data[16389:16919], data[16919:16929]))
    assert element_at(message, 0) == data[4:16385]


def test_the_certificates_of_a_real_seal_are_the_published_ones():
    """Maker and listed signer are the certificates that lie beside the samples, byte for byte."""

    def der(name: str) -> bytes:
        body = vector(f"ofd/ofdrw/{name}").split(b"-----BEGIN CERTIFICATE-----")[1].split(b"-----END")[0]
        return base64.b64decode(body)

    seal = parse_seal(vector("ofd/ofdrw/UserV4.esl"))
    assert seal.maker.certificate == der("sealmaker_cert.pem")
    assert seal.signer_certificates == (der("user_cert.pem"),)


@pytest.mark.parametrize(("version", "standard"), [*FORMS, (5, Standard.GMT_0031_2025)])
def test_a_made_seal_is_read_as_its_version(version, standard):
    """Structure decides the standard, and a seal of one piece has no notes."""
    seal = parse_seal(make_seal(version=version))
    assert (seal.standard, seal.header_version, seal.notes) == (standard, version, frozenset())
    assert seal.signer_certificates == (SIGNER,)
    assert (seal.created, seal.valid_to) == (CREATED, VALID_TO)


@pytest.mark.parametrize(("form", "version"), [(1, 4), (1, 0), (4, 1), (4, 6)])
def test_a_version_that_contradicts_the_structure_is_a_note(form, version):
    """The number of fields decides; a header that says otherwise is reported."""
    made = make_seal(version=form)
    seal = parse_seal(replaced(made, (0, 0, 1), encode_element(0x02, bytes((version,)))))
    assert seal.standard is parse_seal(made).standard
    assert (seal.header_version, seal.notes) == (version, {Note.VERSION_CONTRADICTION})


def test_a_time_stamp_makes_a_seal_one_of_2025():
    """A fifth field exists in version 5 only, and its bytes are kept whatever they are."""
    seal = parse_seal(make_seal(version=5, timestamp=b"\x01\x02\x03"))
    assert (seal.standard, seal.timestamp, seal.notes) == (Standard.GMT_0031_2025, b"\x01\x02\x03", frozenset())
    stamped = appended(make_seal(version=4), (), encode_element(0xA0, encode_element(0x03, b"\x00\x01")))
    seal = parse_seal(stamped)
    assert (seal.standard, seal.notes) == (Standard.GMT_0031_2025, {Note.VERSION_CONTRADICTION})


def test_signers_may_be_listed_by_digest():
    """CertListType 2 yields digests and no certificates."""
    seal = parse_seal(make_seal(certificates=(), digests=(bytes(32), b"\x01" * 32)))
    assert (seal.signer_certificates, seal.signer_digests) == ((), (bytes(32), b"\x01" * 32))


def test_an_empty_list_is_read():
    """A seal that lists nobody is a seal; nobody may sign with it."""
    for version in (1, 4, 5):
        seal = parse_seal(make_seal(version=version, certificates=()))
        assert (seal.signer_certificates, seal.signer_digests) == ((), ())


def test_certificates_in_ia5_strings_are_read_in_the_2014_form_only():
    """Some makers of the 2014 form wrap certificates wrongly; that is read with a note, and nowhere else."""
    wrapped = encode_element(0x16, SIGNER)
    seal = parse_seal(replaced(make_seal(version=1), (*PROPERTY, 2, 0), wrapped))
    assert (seal.signer_certificates, seal.notes) == ((SIGNER,), {Note.IA5_CERTIFICATE_LIST})
    assert refusal(replaced(make_seal(version=4), (*PROPERTY, 3, 0), wrapped)).malformed is Malformed.DER
    text = encode_element(0x0C, SIGNER)
    assert refusal(replaced(make_seal(version=1), (*PROPERTY, 2, 0), text)).malformed is Malformed.DER


def test_a_2014_seal_with_newer_times_is_read_with_a_note():
    """GeneralizedTime in the 2014 form means what it says; UTCTime in the later form is refused."""
    time = encode_element(0x18, b"20240101000000Z")
    seal = parse_seal(replaced(make_seal(version=1), (*PROPERTY, 3), time))
    assert (seal.created, seal.notes) == (CREATED, {Note.MIXED_ENCODING})
    old = encode_element(0x17, b"240101000000Z")
    assert refusal(replaced(make_seal(version=4), (*PROPERTY, 4), old)).malformed is Malformed.DER


def test_a_short_time_is_not_misread():
    """UTCTime 200422021807Z is 2020-04-22, never the year 2004; 50 and later are the last century."""
    for text, moment in (
        (b"200422021807Z", datetime(2020, 4, 22, 2, 18, 7, tzinfo=UTC)),
        (b"190822014421Z", datetime(2019, 8, 22, 1, 44, 21, tzinfo=UTC)),
        (b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
    ):
        data = replaced(make_seal(version=1), (*PROPERTY, 3), encode_element(0x17, text))
        assert parse_seal(data).created == moment


@pytest.mark.parametrize("text", [b"20240101000000", b"20240101000000+0800", b"20240101000000.0Z", b"202401010000Z"])
def test_local_or_loose_times_are_refused(text):
    """Times of a seal are DER: with seconds, with Z, without trailing zeros."""
    data = replaced(make_seal(version=4), (*PROPERTY, 4), encode_element(0x18, text))
    assert refusal(data).malformed is Malformed.DER


def test_a_fraction_of_a_second_is_read():
    """DER allows a fraction without trailing zeros."""
    data = replaced(make_seal(version=4), (*PROPERTY, 4), encode_element(0x18, b"20240101000000.25Z"))
    assert parse_seal(data).created == CREATED + timedelta(milliseconds=250)


def test_extensions_are_read_and_a_written_default_is_noted():
    """ExtDatas carry no context tag; critical FALSE written out is not DER, and is reported."""
    for critical, notes in (("0101ff", set()), ("", set()), ("010100", {Note.DEFAULT_WRITTEN_OUT})):
        extension = encode_sequence((bytes.fromhex("0603550401" + critical + "040131"),))
        for version in (1, 4):
            seal = parse_seal(appended(make_seal(version=version), INFO, encode_sequence((extension,))))
            assert seal.notes == notes


@pytest.mark.parametrize(
    ("value", "notes"),
    [
        (bytes(range(64)), {Note.RAW_SIGNATURE}),
        (bytes.fromhex("300702020001020102"), {Note.NON_CANONICAL_INTEGER}),
        (bytes.fromhex("3008020200ff02020080"), set()),
        (b"", set()),
        (bytes(63), set()),
    ],
)
def test_the_signature_value_is_kept_as_found(value, notes):
    """The maker's signature value is handed on unchanged, and unusual spellings are noted."""
    for version in (1, 4):
        seal = parse_seal(make_seal(version=version, signature=value))
        assert (seal.maker.signature, seal.notes) == (value, notes)


BROKEN = [
    ("trailing bytes", lambda seal: seal + b"\x00"),
    ("three fields", lambda seal: encode_sequence([element_at(seal, 0)] * 3)),
    ("six fields", lambda seal: appended(seal, (), b"\x05\x00\x05\x00")),
    ("another mark", lambda seal: replaced(seal, (0, 0, 0), encode_element(0x16, b"XS"))),
    ("a negative type", lambda seal: replaced(seal, (*PROPERTY, 0), b"\x02\x01\xff")),
    ("an enormous type", lambda seal: replaced(seal, (*PROPERTY, 0), b"\x02\x05\x00\x80\x00\x00\x00")),
    ("a name that is not UTF-8", lambda seal: replaced(seal, (*PROPERTY, 1), encode_element(0x0C, b"\xff"))),
    ("a name with a line feed", lambda seal: replaced(seal, (*PROPERTY, 1), encode_element(0x0C, b"a\nb"))),
    ("a name with an override", lambda seal: replaced(seal, (*PROPERTY, 1), encode_element(0x0C, "a\u202eb".encode()))),
    ("a number with an escape", lambda seal: replaced(seal, (0, 1), encode_element(0x16, b"1\x1b[2J"))),
    ("a vendor beyond ASCII", lambda seal: replaced(seal, (0, 0, 2), encode_element(0x16, b"\xe9"))),
    ("an unknown list type", lambda seal: replaced(seal, (*PROPERTY, 2), b"\x02\x01\x03")),
    ("digests that are said to be certificates", lambda seal: replaced(seal, (*PROPERTY, 2), b"\x02\x01\x02")),
    ("a list that is none", lambda seal: replaced(seal, (*PROPERTY, 3), b"\x04\x00")),
    ("a negative width", lambda seal: replaced(seal, (*PICTURE, 2), b"\x02\x01\xff")),
    ("a stamp of eleven metres", lambda seal: replaced(seal, (*PICTURE, 3), b"\x02\x02\x2a\xf8")),
    ("no picture", lambda seal: replaced(seal, PICTURE, b"")),
    ("unused bits in the signature", lambda seal: replaced(seal, (3,), encode_element(0x03, b"\x01\xfe"))),
    ("a signature that is no BIT STRING", lambda seal: replaced(seal, (3,), encode_element(0x04, SIGNATURE))),
    ("an algorithm with parameters", lambda seal: replaced(seal, (2,), encode_sequence((element_at(seal, 2),)))),
    ("a width that is not minimal", lambda seal: replaced(seal, (*PICTURE, 2), b"\x02\x02\x00\x2a")),
]


@pytest.mark.parametrize(("why", "break_it"), BROKEN, ids=[why for why, _ in BROKEN])
def test_one_broken_thing_refuses_the_seal(why, break_it):
    """A valid seal with one thing broken is refused as DER."""
    parse_seal(make_seal())
    assert refusal(break_it(make_seal())).malformed is Malformed.DER, why


TOO_LARGE = [
    ("seal", make_seal(picture=bytes(MAX_SEAL))),
    ("picture", make_seal(picture=bytes(MAX_PICTURE + 1))),
    ("name", make_seal(name="证" * (MAX_SEAL_TEXT + 1))),
    ("list", make_seal(certificates=(SIGNER,) * (MAX_CERTIFICATES + 1))),
    ("certificate", make_seal(certificates=(bytes(64 * 1024 + 1),))),
    ("digest", make_seal(certificates=(), digests=(bytes(65),))),
    ("signature", make_seal(signature=bytes(1025))),
    ("extensions", appended(make_seal(), INFO, encode_sequence([bytes.fromhex("300706035504010400")] * 65))),
]


@pytest.mark.parametrize(("why", "data"), TOO_LARGE, ids=[why for why, _ in TOO_LARGE])
def test_every_part_has_a_bound(why, data):
    """What an asker can make long is refused as too large."""
    assert refusal(data).malformed is Malformed.TOO_LARGE, why


def test_a_rare_character_is_not_a_control_character():
    """Private-use characters, full-width space and surrogate pairs occur in Chinese names and are read."""
    name = "\ue000某\u3000局𠮷"
    assert parse_seal(make_seal(name=name)).name == name


def test_recognition_looks_at_the_beginning_only():
    """A damaged seal is still recognised as one; a signature, a certificate or text is not."""
    seal = make_seal()
    assert looks_like_seal(seal[:40])
    assert looks_like_seal(b"\x30\x80" + element_at(seal, 0))
    for data in (b"", b"\x30", SIGNER, b"PK\x03\x04", encode_sequence((seal,)), seal[1:]):
        assert not looks_like_seal(data)


def test_a_bare_seal_is_a_document_without_signatures():
    """A seal file alone has a seal and nothing that it signs."""
    document = seal_document(make_seal())
    assert (document.format, document.signatures) == (Format.SEAL, ())
    assert document.bare_seal == parse_seal(make_seal())


TIMES = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - see timezones
    lambda moment: moment.replace(microsecond=0)
)
TEXT = st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
NAMES = st.text(st.characters(categories=["L", "N", "Co", "P"]), max_size=20)


@st.composite
def seals(draw: st.DrawFn) -> dict[str, object]:
    """Draw arguments of encode_seal_info."""
    version = draw(st.integers(1, 5))
    listed = draw(st.lists(st.binary(max_size=20), max_size=3).map(tuple))
    by_digest = version > 3 and bool(listed) and draw(st.booleans())
    return MADE | {
        "version": version,
        "vendor": draw(TEXT),
        "identifier": draw(TEXT),
        "type": draw(st.integers(0, 2**31 - 1)),
        "name": draw(NAMES),
        "certificates": () if by_digest else listed,
        "digests": listed if by_digest else (),
        "created": draw(TIMES),
        "valid_from": draw(TIMES),
        "valid_to": draw(TIMES),
        "picture_format": draw(TEXT).lower(),
        "picture": draw(st.binary(max_size=300)),
        "width_mm": draw(st.integers(0, 10_000)),
        "height_mm": draw(st.integers(0, 10_000)),
    }


@given(seals(), st.binary(max_size=80), st.binary(max_size=80))
def test_what_is_written_is_read(made, maker, signature):
    """Every seal that can be encoded is read back with the same values, and its maker's message is the encoder's."""
    info = encode_seal_info(**made)
    seal = parse_seal(encode_seal(seal_info=info, maker_certificate=maker, signature=signature))
    picture = (seal.picture.format, seal.picture.data, seal.picture.width_mm, seal.picture.height_mm)
    assert picture == (made["picture_format"], made["picture"], made["width_mm"], made["height_mm"])
    assert seal.header_version == made["version"]
    for name in ("vendor", "identifier", "type", "name", "created", "valid_from", "valid_to"):
        assert getattr(seal, name) == made[name]
    assert (seal.signer_certificates, seal.signer_digests) == (made["certificates"], made["digests"])
    assert (seal.maker.certificate, seal.maker.signature) == (maker, signature)
    assert seal.maker.message == seal_message(seal_info=info, maker_certificate=maker)


@given(st.binary(max_size=80))
def test_garbage_raises_only_our_error(data):
    """Bytes that are no seal are refused, not crashed on."""
    assert refusal(data).malformed is Malformed.DER


@given(st.sampled_from([1, 4, 5]).flatmap(lambda version: mutated(make_seal(version=version, timestamp=None))))
def test_a_damaged_seal_is_refused_or_read(data):
    """Damage anywhere in a seal raises only our error; what is still read keeps the bytes as they are."""
    try:
        seal = parse_seal(data)
    except MalformedDocumentError:
        return
    assert seal.encoded == data


UNWRITABLE = [
    {"version": 0},
    {"version": 6},
    {"digests": (bytes(32),)},
    {"version": 1, "certificates": (), "digests": (bytes(32),)},
    {"vendor": "厂商"},
    {"created": CREATED.replace(tzinfo=None)},
    {"version": 1, "valid_to": datetime(2050, 1, 1, tzinfo=UTC)},
]


@pytest.mark.parametrize("changes", UNWRITABLE)
def test_encoding_refuses_what_has_no_place(changes):
    """The way back checks versions, lists, text and times, so that no seal is written that cannot be read."""
    with pytest.raises(ValueError, match=r"\w"):
        make_seal_info(**changes)


def test_encoding_knows_the_place_of_a_time_stamp():
    """Only version 5 has one."""
    with pytest.raises(ValueError, match="version 5 was expected"):
        make_seal(version=4, timestamp=b"")


def test_times_are_written_in_utc():
    """A time in another zone is the same moment."""
    there = timezone(timedelta(hours=8))
    for version in (1, 4):
        assert parse_seal(make_seal(version=version, created=CREATED.astimezone(there))).created == CREATED
