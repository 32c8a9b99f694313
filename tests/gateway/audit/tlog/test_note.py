"""Signed notes and their keys: one spelling, and no signature counts but a good one by a known key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import AuditError, LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.note import (
    MAX_NOTE,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    encode_note,
    encode_signature_lines,
    parse_note,
    parse_signature_lines,
    verify_note,
)
from gateway.audit.tlog.note_key import MAX_VKEY, NoteKey, SignatureType, encode_vkey, is_key_name, parse_vkey
from gateway.audit.tlog.note_signer import NoteSigner
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from tests.support.tlog import LOG_KEY, LOG_SM2_KEY, WITNESS_KEYS, changed_bytes, format_cases
from tests.vectors.tlog_artefacts import CHECKPOINT, LOG, NOTE, ORIGIN, TEXT

ED25519_SIGNER = NoteSigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.ED25519))
SM2_SIGNER = NoteSigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.SM2))
SIGNERS = {"Ed25519": ED25519_SIGNER, "SM2": SM2_SIGNER}

printable = st.characters(codec="utf-8", exclude_categories=["Cs"], min_codepoint=0x20)
texts = st.text(printable | st.just("\n"), max_size=200).map(lambda text: text + "\n")
names = st.text(printable, min_size=1, max_size=40).filter(is_key_name)
signatures = st.builds(
    NoteSignature, name=names, key_id=st.binary(min_size=4, max_size=4), value=st.binary(min_size=1, max_size=100)
)
notes = st.builds(Note, text=texts, signatures=st.lists(signatures, min_size=1, max_size=8).map(tuple))


def parsed_or_refused(parse, data):
    try:
        return parse(data)
    except MalformedLogDataError:
        return None


@format_cases("note")
def test_notes(data, flaw):
    """A note is read and written back the same, or refused for its one flaw."""
    if flaw is None:
        assert encode_note(parse_note(data)) == data
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_note(data)
        assert caught.value.flaw == flaw


@format_cases("vkey")
def test_vkeys(data, flaw):
    """A verifier key is read and written back the same, or refused for its one flaw."""
    if flaw is None:
        assert encode_vkey(parse_vkey(data.decode())) == data.decode()
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_vkey(data.decode())
        assert caught.value.flaw == flaw


@given(notes)
def test_what_is_written_is_read(note):
    """Any text and any lines are read as they were written."""
    assert parse_note(encode_note(note)) == note
    assert parse_signature_lines(encode_signature_lines(note.signatures)) == note.signatures


@given(st.binary(max_size=200))
def test_garbage_is_no_note(data):
    """Whatever is read is written back the same; everything else raises our error."""
    if (note := parsed_or_refused(parse_note, data)) is not None:
        assert encode_note(note) == data
    if (lines := parsed_or_refused(parse_signature_lines, data)) is not None:
        assert encode_signature_lines(lines) == data


def test_a_line_that_is_there_again_is_verified_once(monkeypatch):
    """Whoever copies a genuine line costs nobody a verification for each copy."""
    verified = []
    monkeypatch.setattr(NoteKey, "verify", lambda _key, _text, value: verified.append(value))
    line = SM2_SIGNER.sign(TEXT)
    assert verify_note(Note(text=TEXT, signatures=(line,) * MAX_SIGNATURES), [SM2_SIGNER.key])
    assert verified == [line.value]


@given(st.integers(0, len(CHECKPOINT.encode())), st.integers(0, 40), st.binary(max_size=12))
@settings(max_examples=300)
def test_a_damaged_note_is_read_or_refused(at, length, inserted):
    """With any piece of a good note replaced, what is still read is written back the same."""
    data = CHECKPOINT.encode()
    data = data[:at] + inserted + data[at + length :]
    if (note := parsed_or_refused(parse_note, data)) is not None:
        assert encode_note(note) == data


@given(st.text(max_size=MAX_VKEY + 10))
def test_garbage_is_no_vkey(text):
    """Whatever is read as a key is written back the same; everything else raises our error."""
    if (key := parsed_or_refused(parse_vkey, text)) is not None:
        assert encode_vkey(key) == text


@pytest.mark.parametrize("key", [LOG_KEY, LOG_SM2_KEY, *WITNESS_KEYS], ids=lambda key: f"{key.type.name} {key.name}")
def test_any_change_of_a_vkey_is_refused(key):
    """No byte of a verifier key can be changed, dropped or added: its id tells."""
    for changed in changed_bytes(encode_vkey(key).encode()):
        assert parsed_or_refused(lambda data: parse_vkey(data.decode(errors="replace")), changed) is None


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
def test_what_is_signed_verifies(signer):
    """A note signed by us verifies under the signer's key, also after a journey through bytes and vkey."""
    note = Note(text=TEXT, signatures=(signer.sign(TEXT),))
    key = parse_vkey(encode_vkey(signer.key))
    assert verify_note(parse_note(encode_note(note)), [key]) == {key: note.signatures[0]}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
def test_any_change_of_a_note_is_refused(signer):
    """No byte of a note with one signature can be changed, dropped or added."""
    data = encode_note(Note(text=TEXT, signatures=(signer.sign(TEXT),)))
    for changed in changed_bytes(data):
        with pytest.raises(AuditError):
            verify_note(parse_note(changed), [signer.key])


def test_fixed_notes_verify():
    """The signatures of the vectors, which other code made, verify under the vectors' keys."""
    verified = verify_note(parse_note(CHECKPOINT.encode()), [LOG_KEY, LOG_SM2_KEY, *WITNESS_KEYS])
    assert set(verified) == {LOG_KEY, LOG_SM2_KEY, *WITNESS_KEYS[:2]}


def test_a_key_is_known_by_name_and_id_together():
    """A line with the name of one key and the id of another is a line of nobody."""
    line = parse_note(NOTE.encode()).signatures[0]
    for stranger in (
        NoteSignature(name="gw.example/other", key_id=line.key_id, value=line.value),
        NoteSignature(name=line.name, key_id=WITNESS_KEYS[0].key_id, value=line.value),
    ):
        with pytest.raises(UnprovenError) as caught:
            verify_note(Note(text=TEXT, signatures=(stranger,)), [LOG_KEY, *WITNESS_KEYS])
        assert caught.value.fault is LogFault.UNSIGNED
        assert set(verify_note(Note(text=TEXT, signatures=(stranger, line)), [LOG_KEY])) == {LOG_KEY}


def test_one_bad_line_by_a_known_key_spoils_the_note():
    """A good line does not make up for a bad one by the same or another known key (signed-note, "Signatures")."""
    note = parse_note(CHECKPOINT.encode())
    for broken in range(len(note.signatures)):
        lines = list(note.signatures)
        lines[broken] = NoteSignature(name=lines[broken].name, key_id=lines[broken].key_id, value=bytes(72))
        with pytest.raises(UnprovenError) as caught:
            verify_note(Note(text=TEXT, signatures=tuple(lines)), [LOG_KEY, LOG_SM2_KEY, *WITNESS_KEYS])
        assert caught.value.fault is LogFault.BAD_SIGNATURE


def test_without_known_keys_nothing_is_signed():
    """A note verifies under no empty set of keys."""
    with pytest.raises(UnprovenError) as caught:
        verify_note(parse_note(NOTE.encode()), [])
    assert caught.value.fault is LogFault.UNSIGNED


def test_the_types_of_one_key_have_different_ids():
    """One public key under one name has another id for each type, so that no line passes for one of another type."""
    witness = NoteKey(LOG_KEY.name, SignatureType.COSIGNATURE, LOG_KEY.public_key)
    assert witness.key_id != LOG_KEY.key_id
    with pytest.raises(UnprovenError) as caught:
        verify_note(parse_note(NOTE.encode()), [witness])
    assert caught.value.fault is LogFault.UNSIGNED


@given(st.binary(max_size=150), st.sampled_from([LOG_KEY, LOG_SM2_KEY, WITNESS_KEYS[0]]))
def test_no_garbage_is_a_signature(value, key):
    """No bytes are taken for a signature, and none raise anything but our error."""
    with pytest.raises(UnprovenError) as caught:
        key.verify(TEXT, value)
    assert caught.value.fault is LogFault.BAD_SIGNATURE


def test_an_sm2_signature_has_one_spelling():
    """The same SM2 signature with a needless zero, or as raw bytes, is refused."""
    value = SM2_SIGNER.sign(TEXT).value
    r, s = value[4 : 4 + value[3]], value[6 + value[3] :]
    SM2_SIGNER.key.verify(TEXT, value)
    padded = b"\x02" + bytes((len(r) + 1, 0)) + r + b"\x02" + bytes((len(s),)) + s
    raw = b"".join(int.from_bytes(number).to_bytes(32) for number in (r, s))
    for spelling in (b"\x30" + bytes((len(padded),)) + padded, raw):
        with pytest.raises(UnprovenError) as caught:
            SM2_SIGNER.key.verify(TEXT, spelling)
        assert caught.value.fault is LogFault.BAD_SIGNATURE


def test_a_note_is_bounded():
    """A note beyond the bound is refused by its size alone, and so are surplus lines without a text."""
    with pytest.raises(MalformedLogDataError) as caught:
        parse_note(b"a" * (MAX_NOTE + 1))
    assert caught.value.flaw is LogFlaw.TOO_LARGE
    with pytest.raises(MalformedLogDataError) as caught:
        parse_signature_lines(NOTE.removeprefix(f"{TEXT}\n").encode() * (MAX_SIGNATURES + 1))
    assert caught.value.flaw is LogFlaw.TOO_LARGE
    with pytest.raises(MalformedLogDataError) as caught:
        parse_vkey("a" * (MAX_VKEY + 1))
    assert caught.value.flaw is LogFlaw.TOO_LARGE


LINE = parse_note(NOTE.encode()).signatures[0]


@pytest.mark.parametrize(
    "note",
    [
        Note(text="no newline", signatures=(LINE,)),
        Note(text="a\ttab\n", signatures=(LINE,)),
        Note(text=TEXT, signatures=()),
        Note(text=TEXT, signatures=(LINE,) * (MAX_SIGNATURES + 1)),
        Note(text=TEXT, signatures=(NoteSignature(name="a b", key_id=bytes(4), value=b"x"),)),
        Note(text=TEXT, signatures=(NoteSignature(name="a", key_id=bytes(3), value=b"x"),)),
        Note(text=TEXT, signatures=(NoteSignature(name="a", key_id=bytes(4), value=b""),)),
        Note(text=TEXT, signatures=(NoteSignature(name="\ud800", key_id=bytes(4), value=b"x"),)),
        Note(text="\ud800\n", signatures=(LINE,)),
    ],
)
def test_no_note_is_written_that_no_reader_takes(note):
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match=r"expected|surrogates"):
        encode_note(note)


def test_lines_are_added_once():
    """Adding lines keeps their order and repeats none."""
    note = parse_note(NOTE.encode())
    other = SM2_SIGNER.sign(TEXT)
    assert note.with_signatures([LINE, other, other]).signatures == (LINE, other)


def test_keys_that_cannot_be():
    """A key with a bad name or another length, and a signer of another algorithm, are the caller's mistake."""
    with pytest.raises(ValueError, match="a key name"):
        NoteKey("a+b", SignatureType.ED25519, bytes(32))
    with pytest.raises(ValueError, match="a key name"):
        NoteKey("a", SignatureType.SM2, bytes(64))
    with pytest.raises(ValueError, match="an Ed25519 or an SM2 key"):
        NoteSigner("a", SoftwareSigner.generate(KeyAlgorithm.P256))


def test_the_id_of_a_key():
    """The id of a key is that of signed-note, also for the SM2 type, as the vectors compute it."""
    assert LOG_KEY.key_id == LOG.key_id
    assert LOG_SM2_KEY.type.value == b"\xfftongban/sm2-with-sm3/v1\n"
