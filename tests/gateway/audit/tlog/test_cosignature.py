"""Cosignatures: the message and bytes that tlog-cosignature prescribes, bound to one text and one time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.cosignature import (
    MAX_TIME,
    Cosignature,
    encode_cosignature,
    encode_cosigned_message,
    parse_cosignature,
)
from gateway.audit.tlog.note import parse_signature_lines
from gateway.audit.tlog.note_key import SignatureType
from gateway.audit.tlog.note_signer import Cosigner, NoteSigner
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from tests.support.tlog import WITNESS_KEYS
from tests.vectors.tlog_artefacts import COSIGNATURES, COSIGNED_AT, TEXT

SIGNER = SoftwareSigner.generate(KeyAlgorithm.ED25519)
COSIGNER = Cosigner("witness.example", SIGNER)


def test_the_message():
    """The witness signs a header, the time without leading zeros, and the text of the checkpoint."""
    assert encode_cosigned_message("o\n1\nr\n", 1679315147) == b"cosignature/v1\ntime 1679315147\no\n1\nr\n"


@given(st.integers(0, MAX_TIME), st.binary(min_size=64, max_size=64))
def test_what_is_written_is_read(seconds, signature):
    """Any time and signature are read as they were written, in 72 bytes."""
    cosignature = Cosignature(seconds=seconds, signature=signature)
    encoded = encode_cosignature(cosignature)
    assert encoded == seconds.to_bytes(8) + signature
    assert parse_cosignature(encoded) == cosignature


@given(st.binary(max_size=100))
def test_garbage_is_no_cosignature(value):
    """Whatever is read is written back the same; everything else raises our error."""
    try:
        cosignature = parse_cosignature(value)
    except MalformedLogDataError:
        return
    assert encode_cosignature(cosignature) == value


@pytest.mark.parametrize(
    ("value", "flaw"), [(bytes(71), LogFlaw.LENGTH), (bytes(73), LogFlaw.LENGTH), (b"\x80" + bytes(71), LogFlaw.NUMBER)]
)
def test_bounds(value, flaw):
    """A cosignature has 72 bytes, and a time below 2^63."""
    with pytest.raises(MalformedLogDataError) as caught:
        parse_cosignature(value)
    assert caught.value.flaw is flaw


@pytest.mark.parametrize(("seconds", "signature"), [(-1, bytes(64)), (MAX_TIME + 1, bytes(64)), (0, bytes(63))])
def test_nothing_is_written_that_no_reader_takes(seconds, signature):
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match="were expected"):
        encode_cosignature(Cosignature(seconds=seconds, signature=signature))


def test_fixed_cosignatures_verify():
    """The cosignatures of the vectors, which other code made, verify, and carry their time."""
    for key, line in zip(WITNESS_KEYS, COSIGNATURES, strict=True):
        (signature,) = parse_signature_lines(line.encode())
        key.verify(TEXT, signature.value)
        assert parse_cosignature(signature.value).seconds == COSIGNED_AT


@given(st.integers(0, MAX_TIME), st.integers(0, 72 * 8 - 1))
def test_a_cosignature_is_for_one_text_and_time(seconds, bit):
    """What the witness signed verifies; over another text, or with a bit of time or signature changed, it does not."""
    value = COSIGNER.cosign(TEXT, seconds).value
    COSIGNER.key.verify(TEXT, value)
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    for text, wrong in ((TEXT, bytes(changed)), (TEXT + "more\n", value)):
        with pytest.raises(UnprovenError) as caught:
            COSIGNER.key.verify(text, wrong)
        assert caught.value.fault is LogFault.BAD_SIGNATURE


def test_a_log_signature_is_no_cosignature():
    """What a key signs as a log never verifies as a cosignature of the same key, nor the other way round."""
    log = NoteSigner("witness.example", SIGNER)
    for key, value in ((COSIGNER.key, log.sign(TEXT).value), (log.key, COSIGNER.cosign(TEXT, 7).value)):
        with pytest.raises(UnprovenError):
            key.verify(TEXT, value)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.SM2, KeyAlgorithm.P256])
def test_witnesses_sign_with_ed25519(algorithm):
    """A witness has an Ed25519 key."""
    assert COSIGNER.key.type is SignatureType.COSIGNATURE
    with pytest.raises(ValueError, match="an Ed25519 key was expected"):
        Cosigner("witness.example", SoftwareSigner.generate(algorithm))
