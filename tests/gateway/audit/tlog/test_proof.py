"""Proof files: what holds verifies without the log, and no byte of it can be changed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import AuditError, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.merkle import MAX_PROOF, MAX_TREE_SIZE, leaf_hash
from gateway.audit.tlog.proof import MAX_EXTRA, MAX_PROOF_FILE, TlogProof, encode_proof, parse_proof, verify_proof
from gateway.audit.tlog.quorum import parse_policy
from tests.support.tlog import changed_bytes, format_cases, vectors
from tests.vectors.tlog_artefacts import CHECKPOINT, COSIGNATURES, ENTRIES, INDEX, LOG_LINE, POLICY, PROOF, TEXT

SIGNED = parse_checkpoint(CHECKPOINT.encode())
READ = parse_proof(PROOF.encode())

proofs = st.builds(
    TlogProof,
    index=st.integers(0, MAX_TREE_SIZE - 1),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PROOF).map(tuple),
    checkpoint=st.just(SIGNED),
    extra=st.none() | st.binary(min_size=1, max_size=100),
)


@format_cases("proof")
def test_proofs(data, flaw):
    """A proof is read and written back the same, or refused for its one flaw."""
    if flaw is None:
        assert encode_proof(parse_proof(data)) == data
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_proof(data)
        assert caught.value.flaw == flaw


@pytest.mark.parametrize("claim", vectors("claims.json"), ids=lambda claim: claim["why"])
def test_claims(claim):
    """A claim holds, or is refused for its one fault."""
    proof, policy = parse_proof(claim["data"].encode()), parse_policy(claim["policy"].encode())
    if claim["fault"] is None:
        assert verify_proof(proof, leaf=leaf_hash(claim["entry"].encode()), policy=policy).cosigned
    else:
        with pytest.raises(UnprovenError) as caught:
            verify_proof(proof, leaf=leaf_hash(claim["entry"].encode()), policy=policy)
        assert caught.value.fault == claim["fault"]


@given(proofs)
def test_what_is_written_is_read(proof):
    """Any proof is read as it was written."""
    assert parse_proof(encode_proof(proof)) == proof


@given(st.integers(0, len(PROOF.encode())), st.integers(0, 60), st.binary(max_size=12))
@settings(max_examples=300)
def test_a_damaged_proof_is_read_or_refused(at, length, inserted):
    """With any piece of a proof replaced, what is still read is written back the same."""
    data = PROOF.encode()
    data = data[:at] + inserted + data[at + length :]
    try:
        proof = parse_proof(data)
    except MalformedLogDataError:
        return
    assert encode_proof(proof) == data


def test_any_change_of_a_proof_is_refused():
    """No byte of a proof whose lines are all asked for can be changed, dropped or added."""
    whole = f"{PROOF.removesuffix(CHECKPOINT)}{TEXT}\n{LOG_LINE}{COSIGNATURES[0]}{COSIGNATURES[1]}".encode()
    policy = parse_policy(POLICY.encode())
    leaf = leaf_hash(ENTRIES[INDEX])
    verify_proof(parse_proof(whole), leaf=leaf, policy=policy)
    for changed in changed_bytes(whole):
        with pytest.raises(AuditError):
            verify_proof(parse_proof(changed), leaf=leaf, policy=policy)


def test_extra_data_proves_nothing():
    """Extra data is carried, and the proof holds whatever it says."""
    policy = parse_policy(POLICY.encode())
    proof = parse_proof(encode_proof(replace(READ, extra=bytes(MAX_EXTRA))))
    assert proof.extra == bytes(MAX_EXTRA)
    verify_proof(proof, leaf=leaf_hash(ENTRIES[INDEX]), policy=policy)


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": MAX_TREE_SIZE},
        {"extra": b""},
        {"extra": bytes(MAX_EXTRA + 1)},
        {"hashes": (bytes(32),) * (MAX_PROOF + 1)},
        {"hashes": (bytes(31),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_proof_is_written_that_no_reader_takes(change):
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match="expected"):
        encode_proof(replace(READ, **change))


def test_a_proof_is_bounded():
    """Neither what stands before the checkpoint nor the checkpoint can be made long."""
    for data in (b"a" * MAX_PROOF_FILE + b"\n\n", b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + b"a" * MAX_PROOF_FILE):
        with pytest.raises(MalformedLogDataError) as caught:
            parse_proof(data)
        assert caught.value.flaw is LogFlaw.TOO_LARGE
