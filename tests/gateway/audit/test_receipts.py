"""Receipts: what is written is read, what is proven holds, and no changed part of one passes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import Receipt
from gateway.audit.errors import AuditError, LogFault, UnprovenError
from gateway.audit.receipts import (
    ReceiptError,
    ReceiptFlaw,
    WitnessedSize,
    describe_full_receipt,
    describe_receipt,
    describe_witnessed,
    parse_receipt,
    prove_entry,
    verify_receipt,
)
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note_key import encode_vkey
from gateway.audit.tlog.proof import TlogProof
from gateway.audit.tlog.quorum import Policy
from gateway.audit.tlog.spelling import encode_base64
from gateway.audit.tlog.tile import parse_bundle
from gateway.audit.verify.source import FolderSource, read_tile
from tests.gateway.audit import exports
from tests.support.audit import SIGNER, START_MS
from tests.support.cli import tongban

LOG_ONLY = Policy(logs=exports.POLICY.logs)
ENTRY = 42


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Receipt, bytes, TlogProof]:
    """Return a receipt, its leaf and its proof against a cosigned checkpoint of 300 entries."""
    folder = tmp_path_factory.mktemp("receipts")
    receipts = exports.append(folder / "log", [(START_MS + n, exports.answer(n)) for n in range(300)])
    exports.export_site(folder / "log", folder / "out")
    source = FolderSource(folder / "out")
    leaf = parse_bundle((folder / "out/tile/entries/000").read_bytes())[ENTRY]
    signed = parse_checkpoint((folder / "out/checkpoints/300").read_bytes())
    return receipts[ENTRY], leaf, prove_entry(lambda address: read_tile(source, address), signed, ENTRY)


@pytest.fixture
def full(kept: tuple[Receipt, bytes, TlogProof]) -> dict[str, Any]:
    return describe_full_receipt(kept[0], leaf=kept[1], proof=kept[2])


def encoded(members: object) -> bytes:
    return json.dumps(members).encode()


def test_a_receipt_in_full_is_proven_by_log_and_witnesses(full: dict[str, Any]) -> None:
    """The entry, its proof and the quorum's cosignatures satisfy a holder who asks for all of them."""
    checked = verify_receipt(parse_receipt(encoded(full)), exports.POLICY)
    assert (checked.is_proven, checked.size, set(checked.cosigned)) == (True, 300, {"w1", "w2"})


def test_an_answer_with_its_receipt_is_claimed_and_not_yet_proven(kept: tuple[Receipt, bytes, TlogProof]) -> None:
    """What each answer carries is a tree that the log signed; which entry of it is meant, anybody can write."""
    answer = {"decision": "D", "receipt": describe_receipt(kept[0])}
    changed = {"receipt": describe_receipt(kept[0]) | {"leaf_hash": encode_base64(bytes(32))}}
    for members in (answer, changed):
        checked = verify_receipt(parse_receipt(encoded(members)), exports.POLICY)
        assert (checked.is_proven, checked.size) == (False, ENTRY + 1)


def test_too_few_witnesses_prove_nothing_to_who_asks_for_more(full: dict[str, Any]) -> None:
    """A proof whose checkpoint the quorum did not cosign is refused, however well the log signed it."""
    strict = replace(exports.POLICY, groups=(replace(exports.POLICY.groups[0], threshold=3),))
    with pytest.raises(UnprovenError) as caught:
        verify_receipt(parse_receipt(encoded(full)), strict)
    assert caught.value.fault is LogFault.TOO_FEW_WITNESSES


def test_two_roots_of_one_size_are_a_fork(full: dict[str, Any]) -> None:
    """A log that signed one tree for the answer and another of the same size for the proof has forked."""
    receipt = parse_receipt(encoded(full))
    other = exports.sign_checkpoint(exports.Checkpoint(origin=receipt.log, size=300, root=b"o" * 32), [exports.SIGNER])
    with pytest.raises(UnprovenError) as caught:
        verify_receipt(replace(receipt, checkpoint=other), exports.POLICY)
    assert caught.value.fault is LogFault.FORKED


def test_a_foreign_key_is_not_believed(full: dict[str, Any]) -> None:
    """Whoever believes another key is told that the log is unsigned."""
    foreign = Policy(logs=(exports.PolicyLog(key=exports.foreign_signer().key),))
    with pytest.raises(UnprovenError) as caught:
        verify_receipt(parse_receipt(encoded(full)), foreign)
    assert caught.value.fault is LogFault.UNSIGNED


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"index": 43}, ReceiptFlaw.CONTRADICTION),
        ({"index": "42"}, ReceiptFlaw.MEMBER),
        ({"index": True}, ReceiptFlaw.MEMBER),
        ({"index": -1}, ReceiptFlaw.CONTRADICTION),
        ({"log": "gw.340000/access/2026h2"}, ReceiptFlaw.CONTRADICTION),
        ({"seq": 1}, ReceiptFlaw.CONTRADICTION),
        ({"leaf_hash": encode_base64(bytes(32))}, ReceiptFlaw.CONTRADICTION),
        ({"leaf_hash": "AA=="}, ReceiptFlaw.MEMBER),
        ({"leaf": "{}"}, ReceiptFlaw.LEAF),
        ({"leaf": "\ud800"}, ReceiptFlaw.NOT_JSON),
        ({"proof": "none"}, ReceiptFlaw.PROOF),
        ({"checkpoint": "none\n\n"}, ReceiptFlaw.CHECKPOINT),
        ({"name": "x"}, ReceiptFlaw.MEMBER),
        ({"receipt": []}, ReceiptFlaw.MEMBER),
    ],
    ids=str,
)
def test_parts_that_are_wrong_or_contradict_each_other_are_refused(
    full: dict[str, Any], change: dict[str, Any], flaw: ReceiptFlaw
) -> None:
    """A receipt speaks of one entry of one log in all its parts, or it is none."""
    with pytest.raises(ReceiptError) as caught:
        parse_receipt(encoded(full | change))
    assert caught.value.flaw is flaw


def test_a_changed_byte_never_changes_what_is_proven(full: dict[str, Any]) -> None:
    """A receipt with a changed byte is refused, or proves exactly what it proved before."""
    data = encoded(full)
    before = parse_receipt(data)
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            receipt = parse_receipt(changed)
            verify_receipt(receipt, exports.POLICY)
        except AuditError:
            continue
        assert (receipt.log, receipt.index, receipt.leaf_hash) == (before.log, before.index, before.leaf_hash)


@given(st.one_of(st.binary(), st.text().map(str.encode), st.dictionaries(st.text(), st.integers()).map(encoded)))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Whatever the bytes, reading them raises nothing but `ReceiptError`."""
    with pytest.raises(ReceiptError):
        parse_receipt(data)


def test_the_command_tells_proven_signed_and_neither_apart(
    full: dict[str, Any], kept: tuple[Receipt, bytes, TlogProof], tmp_path: Path
) -> None:
    """Proven is 0, signed without a proof is 3, what proves nothing is 1, a missing key or file is 2."""
    (tmp_path / "full").write_bytes(encoded(full))
    (tmp_path / "short").write_bytes(encoded(describe_receipt(kept[0])))
    (tmp_path / "wrong").write_bytes(encoded(full | {"index": 43}))
    key = encode_vkey(SIGNER.key)
    proven = tongban("audit", "check-receipt", tmp_path / "full", "--key", key, "--json")
    assert (proven.code, proven.object["outcome"], proven.object["index"]) == (0, "valid", ENTRY)
    signed = tongban("audit", "check-receipt", tmp_path / "short", "--key", key, "--json")
    assert (signed.code, signed.object["outcome"]) == (3, "unknown")
    assert "claimed, not proven" in tongban("audit", "check-receipt", tmp_path / "short", "--key", key).out
    wrong = tongban("audit", "check-receipt", tmp_path / "wrong", "--key", key, "--json")
    assert (wrong.code, wrong.object["error"]) == (1, "receipt.contradiction")
    assert tongban("audit", "check-receipt", tmp_path / "full").code == 2
    assert tongban("audit", "check-receipt", tmp_path / "no", "--key", key).code == 2


# --- witnessed --------------------------------------------------------------------------------------------------------

AT = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("witnessed", [None, WitnessedSize(size=1, at=AT), WitnessedSize(size=2**63 - 1, at=AT)])
def test_what_is_said_of_witnesses_is_read(full: dict[str, Any], witnessed: WitnessedSize | None) -> None:
    """How much of the log witnesses had seen is read as it was written, and proves nothing by itself."""
    receipt = parse_receipt(encoded(full | {"witnessed": describe_witnessed(witnessed)}))
    assert receipt.witnessed == witnessed
    assert verify_receipt(receipt, exports.POLICY) == verify_receipt(parse_receipt(encoded(full)), exports.POLICY)


@pytest.mark.parametrize(
    "witnessed",
    [
        {},
        {"size": 1},
        {"at": "2026-09-21T14:13:20Z"},
        {"size": 0, "at": "2026-09-21T14:13:20Z"},
        {"size": -1, "at": "2026-09-21T14:13:20Z"},
        {"size": 2**63, "at": "2026-09-21T14:13:20Z"},
        {"size": True, "at": "2026-09-21T14:13:20Z"},
        {"size": "1", "at": "2026-09-21T14:13:20Z"},
        {"size": 1, "at": 1_790_000_000},
        {"size": 1, "at": "yesterday"},
        {"size": 1, "at": "2026-09-21T14:13:20"},
        {"size": 1, "at": "2026-09-21T22:13:20+08:00"},
        {"size": 1, "at": "2026-09-21 14:13:20Z"},
        {"size": 1, "at": "2026-09-21T14:13:20Z", "by": ["w1"]},
        [],
        1,
    ],
)
def test_what_is_said_of_witnesses_has_one_spelling(full: dict[str, Any], witnessed: object) -> None:
    """Anything else in its place is a flaw of the receipt."""
    with pytest.raises(ReceiptError) as caught:
        parse_receipt(encoded(full | {"witnessed": witnessed}))
    assert caught.value.flaw in {ReceiptFlaw.WITNESSED, ReceiptFlaw.MEMBER}


@pytest.mark.parametrize(("locale", "words"), [("C.UTF-8", "the gateway said"), ("zh_CN.UTF-8", "据网关称")])
def test_what_is_said_of_witnesses_is_shown_as_said(
    tmp_path: Path, full: dict[str, Any], locale: str, words: str
) -> None:
    """The command shows it beside what is proven, and in JSON as it stands in the receipt."""
    said = describe_witnessed(WitnessedSize(size=7, at=AT))
    (tmp_path / "receipt").write_bytes(encoded(full | {"witnessed": said}))
    key = encode_vkey(SIGNER.key)
    shown = tongban("audit", "check-receipt", tmp_path / "receipt", "--key", key, locale=locale)
    assert (shown.code, words in shown.out) == (0, True)
    listed = tongban("audit", "check-receipt", tmp_path / "receipt", "--key", key, "--json")
    assert listed.object["witnessed"] == said
