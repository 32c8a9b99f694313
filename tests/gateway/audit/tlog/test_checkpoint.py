"""Checkpoints: one spelling, signed by the log that they speak for, and by nobody in its place."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import AuditError, LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import (
    MAX_EXTENSIONS,
    Checkpoint,
    encode_checkpoint,
    encode_checkpoint_text,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_checkpoint,
)
from gateway.audit.tlog.merkle import EMPTY_ROOT, MAX_TREE_SIZE
from gateway.audit.tlog.note_signer import Cosigner, NoteSigner
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from tests.support.tlog import LOG_KEY, LOG_SM2_KEY, WITNESS_KEYS, changed_bytes, format_cases
from tests.vectors.tlog_artefacts import CHECKPOINT, ENTRIES, ORIGIN, SIZE, TEXT
from tests.vectors.tlog_tree import mth

HEAD = Checkpoint(origin=ORIGIN, size=SIZE, root=mth(ENTRIES[:SIZE]))
ED25519_SIGNER = NoteSigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.ED25519))
SM2_SIGNER = NoteSigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.SM2))

lines = st.text(st.characters(codec="utf-8", min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=50)
heads = st.builds(
    Checkpoint,
    origin=lines,
    size=st.integers(0, MAX_TREE_SIZE),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines, max_size=MAX_EXTENSIONS).map(tuple),
)


@format_cases("checkpoint")
def test_checkpoints(data, flaw):
    """A checkpoint is read and written back the same, or refused for its one flaw."""
    if flaw is None:
        signed = parse_checkpoint(data)
        assert encode_checkpoint(signed) == data
        assert encode_checkpoint_text(signed.checkpoint) == signed.note.text
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_checkpoint(data)
        assert caught.value.flaw == flaw


@given(heads)
def test_what_is_written_is_read(head):
    """Any head is read as it was written."""
    assert parse_checkpoint_text(encode_checkpoint_text(head)) == head


@given(
    st.text(max_size=150).map(lambda text: text + "\n")
    | st.from_regex(r"\A\w{1,3}\n[0-9]{1,21}\n[\w+/]{43}=\n(x\n)?\Z")
)
def test_garbage_is_no_checkpoint(text):
    """Whatever is read as a checkpoint is spelled as we would; everything else raises our error."""
    try:
        head = parse_checkpoint_text(text)
    except MalformedLogDataError:
        return
    assert parse_checkpoint_text(encode_checkpoint_text(head)) == head
    assert encode_checkpoint_text(head) == text


def test_one_checkpoint_serves_both_worlds():
    """Signed with Ed25519 and SM2, a checkpoint verifies for whoever knows either key, or both."""
    signed = parse_checkpoint(encode_checkpoint(sign_checkpoint(HEAD, [ED25519_SIGNER, SM2_SIGNER])))
    both = (ED25519_SIGNER.key, SM2_SIGNER.key)
    for known in (both[:1], both[1:], both):
        assert tuple(verify_checkpoint(signed, known)) == known


@pytest.mark.parametrize("signer", [ED25519_SIGNER, SM2_SIGNER], ids=["Ed25519", "SM2"])
def test_any_change_of_a_checkpoint_is_refused(signer):
    """No byte of a checkpoint can be changed, dropped or added."""
    for changed in changed_bytes(encode_checkpoint(sign_checkpoint(HEAD, [signer]))):
        with pytest.raises(AuditError):
            verify_checkpoint(parse_checkpoint(changed), [signer.key])


def test_witnesses_do_not_speak_for_a_log():
    """Cosignatures alone make no checkpoint, even by a witness that has the log's name."""
    cosigner = Cosigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.ED25519))
    signed = parse_checkpoint(CHECKPOINT.encode()).with_signatures([cosigner.cosign(TEXT, 7)])
    with pytest.raises(UnprovenError) as caught:
        verify_checkpoint(signed, [*WITNESS_KEYS, cosigner.key])
    assert caught.value.fault is LogFault.UNSIGNED


def test_a_log_does_not_speak_for_another():
    """A known key signs only checkpoints whose origin is its name."""
    other = NoteSigner("gw.example/other", SoftwareSigner.generate(KeyAlgorithm.ED25519))
    with pytest.raises(ValueError, match="named as the origin"):
        sign_checkpoint(HEAD, [other])
    signed = parse_checkpoint(CHECKPOINT.encode()).with_signatures([other.sign(TEXT)])
    assert other.key in verify_checkpoint(signed, [LOG_KEY, other.key])
    with pytest.raises(UnprovenError) as caught:
        verify_checkpoint(signed, [other.key])
    assert caught.value.fault is LogFault.OTHER_ORIGIN


def test_fixed_checkpoints_verify():
    """The checkpoint of the vectors, which other code wrote, says what it should and verifies."""
    signed = parse_checkpoint(CHECKPOINT.encode())
    assert signed.checkpoint == HEAD
    assert set(verify_checkpoint(signed, [LOG_KEY, LOG_SM2_KEY])) == {LOG_KEY, LOG_SM2_KEY}


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"origin": "a\tb"},
        {"origin": "证" * 86},
        {"origin": "\ud800"},
        {"size": -1},
        {"size": MAX_TREE_SIZE + 1},
        {"root": EMPTY_ROOT[:-1]},
        {"extensions": ("",)},
        {"extensions": ("x",) * (MAX_EXTENSIONS + 1)},
    ],
    ids=repr,
)
def test_no_checkpoint_is_written_that_no_reader_takes(change):
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match=r"expected|surrogates"):
        encode_checkpoint_text(replace(HEAD, **change))
