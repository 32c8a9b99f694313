"""A witness: what it cosigns, what it refuses, and what it remembers."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.tlog.checkpoint import sign_checkpoint
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.quorum import verify_witnessed
from gateway.audit.witness.protocol import (
    SIZE_TYPE,
    AddCheckpoint,
    encode_add_checkpoint,
    origin_hash,
    parse_add_checkpoint,
)
from gateway.audit.witness.state import FolderWitnessState, WitnessStateError, WitnessStateFault
from gateway.audit.witness.witness import MOST_A_MINUTE, SAME_SECONDS
from gateway.audit.witness.witnessed import WitnessedLog, WitnessedLogs
from keys.own.signer import SoftwareSigner
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, SIGNER
from tests.support.witness import NOW, SINCE, Tree, body, known, make_witness, policy_for


def test_a_log_that_grows_is_cosigned_step_by_step() -> None:
    """Each larger tree that begins with the last one gets a cosignature that its policy accepts."""
    witness, tree, old = make_witness(), Tree(), 0
    for size in (0, 1, 1, 5, 8, 300):
        signed = tree.grow(size)
        answer = witness.add_checkpoint(body(tree, signed, old), NOW)
        assert answer.status == 200
        latest = witness.latest(origin_hash(ORIGIN), NOW)
        assert latest is not None
        assert verify_witnessed(exports.parse_checkpoint(latest), policy_for(None)).cosigned == {"w1": NOW}
        old = size


def test_refusals_are_those_of_the_specification() -> None:
    """Each way to be wrong has its status; none of them changes what the witness has."""
    witness, tree, fork = make_witness(), Tree(), Tree(label="other")
    assert witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW).status == 200
    grown, forked = tree.grow(9), fork.grow(9)
    foreign = exports.foreign_signer
    head = grown.checkpoint
    unknown = sign_checkpoint(replace(head, origin="gw.340000/a"), [foreign("gw.340000/a")])
    stranger = sign_checkpoint(head, [foreign()])
    line = grown.note.signatures[0]
    spoilt = replace(grown, note=replace(grown.note, signatures=(replace(line, value=bytes(64)),)))
    for data, status in (
        (b"", 400),
        (b"old 5\n\nnothing", 400),
        (body(tree, tree.grow(9), 5).replace(b"old 5", b"old 05"), 400),
        (body(tree, grown, 10), 400),
        (body(tree, unknown, 5), 404),
        (body(tree, stranger, 5), 403),
        (body(tree, spoilt, 5), 403),
        (body(tree, grown, 0), 409),
        (body(tree, grown, 4), 409),
        (body(tree, tree.grow(4), 4), 409),
        (body(fork, forked, 5), 422),
        (body(fork, fork.grow(5), 5), 422),
        (encode_add_checkpoint(AddCheckpoint(old=5, proof=(), checkpoint=grown)), 422),
    ):
        assert witness.add_checkpoint(data, NOW).status == status
    conflict = witness.add_checkpoint(body(tree, grown, 0), NOW)
    assert (conflict.body, conflict.content_type) == (b"5\n", SIZE_TYPE)
    assert witness.add_checkpoint(body(tree, grown, 5), NOW).status == 200


def test_a_proof_from_nothing_is_empty() -> None:
    """Hashes that prove growth from the empty tree are refused."""
    tree = Tree()
    signed = tree.grow(3)
    request = encode_add_checkpoint(AddCheckpoint(old=0, proof=(bytes(32),), checkpoint=signed))
    assert make_witness().add_checkpoint(request, NOW).status == 422


def test_only_growth_uses_up_the_turns_of_a_log() -> None:
    """What anybody can send again, older or the same or another tree, counts as nothing; growth is bounded."""
    witness, tree, fork = make_witness(), Tree(), Tree(label="other")
    signed = tree.grow(3)
    stranger = sign_checkpoint(signed.checkpoint, [exports.foreign_signer()])
    assert witness.add_checkpoint(body(tree, signed, 0), NOW).status == 200
    for data, status in (
        (body(tree, stranger, 3), 403),
        (body(tree, signed, 0), 409),
        (body(fork, fork.grow(9), 3), 422),
        (body(tree, signed, 3), 200),
    ):
        assert {witness.add_checkpoint(data, NOW).status for _ in range(MOST_A_MINUTE + 1)} == {status}
    grown = [witness.add_checkpoint(body(tree, tree.grow(size + 1), size), NOW).status for size in range(3, 64)]
    assert grown == [*[200] * (MOST_A_MINUTE - 1), 429, 409]
    assert witness.add_checkpoint(body(tree, tree.grow(90), 62), NOW + 59).status == 429
    assert witness.add_checkpoint(body(tree, tree.grow(70), 62), NOW + 59, sender="192.0.2.1").status == 200
    assert witness.add_checkpoint(body(fork, fork.grow(90), 70), NOW + 59).status == 422
    assert witness.add_checkpoint(body(tree, tree.grow(90), 70), NOW + 60).status == 200


def test_a_tree_that_did_not_grow_is_cosigned_anew_only_now_and_then(tmp_path: Path) -> None:
    """Sent again at once, the latest checkpoint gets the cosignature that it has, and nothing is written."""
    state, tree = FolderWitnessState(tmp_path), Tree()
    witness, signed = make_witness(state=state), tree.grow(3)
    first = witness.add_checkpoint(body(tree, signed, 0), NOW)
    written = [path.stat().st_mtime_ns for path in tmp_path.iterdir()]
    again = witness.add_checkpoint(body(tree, signed, 3), NOW + SAME_SECONDS - 1)
    assert (again.status, again.body) == (200, first.body)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == written
    later = witness.add_checkpoint(body(tree, signed, 3), NOW + SAME_SECONDS)
    assert (later.status, later.body == first.body) == (200, False)
    back = witness.add_checkpoint(body(tree, signed, 3), NOW)
    assert (back.status, back.body) == (200, first.body)


def test_a_clock_that_was_set_back_shuts_no_log_out() -> None:
    """Turns that were taken in the future do not count."""
    witness, tree = make_witness(), Tree()
    for size in range(MOST_A_MINUTE):
        witness.add_checkpoint(body(tree, tree.grow(size + 1), size), NOW + 3600)
    assert witness.add_checkpoint(body(tree, tree.grow(90), MOST_A_MINUTE), NOW).status == 200


def test_a_log_with_other_keys_is_another_log(tmp_path: Path) -> None:
    """A second log under the origin of the first is refused by its key, and where both keys are listed by its tree."""
    state, tree, fork = FolderWitnessState(tmp_path), Tree(), Tree(label="other")
    assert make_witness(state=state).add_checkpoint(body(tree, tree.grow(5), 0), NOW).status == 200
    other = exports.foreign_signer()
    second = sign_checkpoint(fork.grow(9).checkpoint, [other])
    assert make_witness(state=state).add_checkpoint(body(fork, second, 5), NOW).status == 403
    both = make_witness(state=state, logs=known(SIGNER.key, other.key))
    assert both.add_checkpoint(body(fork, second, 5), NOW).status == 422
    changed = sign_checkpoint(tree.grow(9).checkpoint, [other])
    assert both.add_checkpoint(body(tree, changed, 5), NOW).status == 200


def test_the_shards_of_a_log_are_witnessed_each_for_itself(tmp_path: Path) -> None:
    """Under a prefix the next half-year is another log with the same key; nothing but half-years is."""
    prefix = ORIGIN.removesuffix("2026h2")
    logs = WitnessedLogs([WitnessedLog(origin=prefix, is_prefix=True, keys=(SIGNER.key,), since=SINCE)])
    witness, tree = make_witness(state=FolderWitnessState(tmp_path), logs=logs), Tree()
    head = tree.grow(5).checkpoint
    next_year = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())
    for shard, seconds, status in (
        ("2026h2", NOW, 200),
        ("2027h1", NOW, 404),  # has not begun
        ("2027h1", next_year, 200),
        ("2026h1", next_year, 404),  # before it was witnessed
        ("2026h3", next_year, 404),
        ("", next_year, 404),
        ("2026h2/x", next_year, 404),
    ):
        signer = NoteSigner(prefix + shard, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32)))
        signed = sign_checkpoint(replace(head, origin=prefix + shard), [signer])
        assert witness.add_checkpoint(body(tree, signed, 0), seconds).status == status
    assert len([path for path in tmp_path.iterdir() if not path.name.startswith(".")]) == 2
    assert witness.latest(origin_hash(prefix + "2027h1"), next_year) is not None
    assert witness.latest(origin_hash(prefix + "2027h1"), NOW) is None


def test_a_witness_remembers_after_a_restart(tmp_path: Path) -> None:
    """What was cosigned before a restart is what the next checkpoint must begin with."""
    tree, fork = Tree(), Tree(label="other")
    make_witness(state=FolderWitnessState(tmp_path)).add_checkpoint(body(tree, tree.grow(5), 0), NOW)
    again = make_witness(state=FolderWitnessState(tmp_path))
    assert again.add_checkpoint(body(fork, fork.grow(9), 5), NOW).status == 422
    assert again.add_checkpoint(body(tree, tree.grow(9), 5), NOW).status == 200


def test_a_changed_byte_of_its_state_stops_a_witness(tmp_path: Path) -> None:
    """A witness whose memory was changed cosigns nothing, and says so with its own error."""
    tree = Tree()
    witness = make_witness(state=FolderWitnessState(tmp_path))
    witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW)
    path = tmp_path / origin_hash(ORIGIN)
    data = path.read_bytes()
    grown = body(tree, tree.grow(9), 5)
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(WitnessStateError) as caught:
            witness.add_checkpoint(grown, NOW + at + 1)  # one a second is not too often
        assert caught.value.fault is WitnessStateFault.CHANGED
    path.write_bytes(data)
    assert witness.add_checkpoint(grown, NOW + len(data) + 1).status == 200


def test_a_witness_that_cannot_write_does_not_answer(tmp_path: Path) -> None:
    """What is not durable is not cosigned."""
    tree = Tree()
    witness = make_witness(state=FolderWitnessState(tmp_path / "state"))
    (tmp_path / "state" / origin_hash(ORIGIN)).mkdir()
    with pytest.raises(WitnessStateError):
        witness.add_checkpoint(body(tree, tree.grow(5), 0), NOW)


def test_two_at_once_cannot_roll_a_witness_back(tmp_path: Path) -> None:
    """Of submissions that race, those that were overtaken are told the size; the latest never shrinks."""
    tree = Tree()
    requests = [body(tree, tree.grow(size), 0) for size in range(1, 9)]
    witnesses = [make_witness(state=FolderWitnessState(tmp_path)) for _ in requests]

    async def race() -> list[int]:
        answers = await asyncio.gather(
            *(asyncio.to_thread(w.add_checkpoint, r, NOW) for w, r in zip(witnesses, requests, strict=True))
        )
        return sorted(int(answer.status) for answer in answers)

    assert asyncio.run(race()) == [200] + [409] * 7


@given(st.binary(max_size=300))
def test_garbage_is_a_bad_request(data: bytes) -> None:
    """Whatever the bytes, a witness answers 400 and reading them raises nothing but our error."""
    assert make_witness().add_checkpoint(data, NOW).status == 400
    with pytest.raises(MalformedLogDataError):
        parse_add_checkpoint(data)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_what_we_send_is_what_we_read(old: int, proof: list[bytes]) -> None:
    """A request is read as it was written."""
    request = AddCheckpoint(old=old, proof=tuple(proof), checkpoint=Tree().grow(3))
    assert parse_add_checkpoint(encode_add_checkpoint(request)) == request
