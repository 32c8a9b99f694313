"""Reconciliation: what only the receipts or only the log has is listed, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.entry import Receipt
from gateway.audit.leaf import parse_leaf
from gateway.audit.receipts import FullReceipt, describe_receipt, read_receipt
from gateway.audit.reconcile import Difference, Reconciled, Span, reconcile, source_entries, store_entries
from gateway.audit.verify.source import FolderSource
from tests.gateway.audit import exports
from tests.support.audit import START_MS, Clock, opened, sqlite_setup
from tests.support.cli import tongban

SIZE = 300
CALLER = "approval-00"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reconcile")


@pytest.fixture(scope="module")
def receipts(folder: Path) -> list[Receipt]:
    made = exports.append(folder / "log", [(START_MS + n, exports.answer(n)) for n in range(SIZE)])
    exports.export_site(folder / "log", folder / "out")
    return made


@pytest.fixture(scope="module")
def entries(folder: Path, receipts: list[Receipt]) -> list[tuple[int, bytes]]:
    found = list(source_entries(FolderSource(folder / "out"), Span(first=0, end=SIZE, size=SIZE)))
    assert [receipt.index for receipt in receipts] == [entry for entry, _ in found]
    return found


def held(receipts: list[Receipt]) -> list[tuple[str, FullReceipt]]:
    return [(f"r:{receipt.index}", read_receipt(describe_receipt(receipt))) for receipt in receipts]


def of_caller(receipts: list[Receipt]) -> list[Receipt]:
    return [receipt for receipt in receipts if receipt.index % 3 == 0]


def compare(
    receipts: list[tuple[str, FullReceipt]],
    entries: list[tuple[int, bytes]],
    *,
    callers: tuple[str, ...] = (),
    first: int = 0,
    size: int | None = None,
) -> Reconciled:
    end = len(entries) + first
    span = Span(first=first, end=end, size=size or end)
    return reconcile(receipts, entries, span=span, policy=exports.POLICY, callers=callers)


def seen(found: Reconciled) -> list[tuple[Difference, int | None]]:
    return [(one.kind, one.entry) for one in found.mismatches]


def test_a_caller_with_all_its_receipts_agrees(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """Every entry of the caller has its receipt, and other callers' entries need none."""
    found = compare(held(of_caller(receipts)), entries)
    assert (found.receipts, found.matched, found.callers, found.mismatches) == (100, 100, (CALLER,), ())


def test_a_lost_receipt_is_an_entry_without_one(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """Between the first and the last receipt of a caller, each entry without one is listed."""
    mine = held(of_caller(receipts))
    assert seen(compare(mine[:20] + mine[21:], entries)) == [(Difference.NO_RECEIPT, 60)]
    assert seen(compare(mine[1:-1], entries)) == []


def test_a_named_caller_needs_a_receipt_for_every_entry(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """For a caller that is named, entries before its first and after its last receipt are listed too."""
    found = compare(held(of_caller(receipts))[1:-1], entries, callers=(CALLER,))
    assert seen(found) == [(Difference.NO_RECEIPT, 0), (Difference.NO_RECEIPT, 297)]


def test_a_log_that_was_cut_is_given_away(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """A receipt for an entry that the log no longer has is listed."""
    found = compare(held(of_caller(receipts)), entries[:298][:297])
    assert seen(found) == [(Difference.NOT_IN_LOG, 297)]


def test_an_entry_that_was_dropped_is_given_away(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """Where an entry was taken out of a log that was signed anew, receipts find others in their places."""
    leaves = [leaf for _, leaf in entries]
    forged = list(enumerate(leaves[:150] + leaves[151:]))
    found = compare(held(of_caller(receipts)[:60]), forged)
    assert (Difference.OTHER_IN_LOG, 150) in seen(found)
    assert {one.kind for one in found.mismatches} >= {Difference.GAP}
    assert parse_leaf(leaves[150]).content.caller == CALLER


def test_a_receipt_that_the_log_did_not_sign_claims_nothing(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """An invented receipt is listed as such, and its entry as one without a receipt."""
    mine = held(of_caller(receipts))
    where, genuine = mine[30]
    lines = [replace(line, value=b"x" * 64) for line in genuine.checkpoint.note.signatures]
    forged = replace(genuine.checkpoint, note=replace(genuine.checkpoint.note, signatures=tuple(lines)))
    mine[30] = (where, replace(genuine, checkpoint=forged))
    assert seen(compare(mine, entries)) == [(Difference.UNSIGNED, 90), (Difference.NO_RECEIPT, 90)]


def test_two_receipts_for_one_place_contradict_each_other(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """Two signed receipts for one place, or one with another number than its entry, are listed."""
    mine = held(of_caller(receipts))
    where, genuine = mine[30]
    other = (where, replace(genuine, leaf_hash=bytes(32)))
    assert seen(compare([*mine, other], entries)) == [(Difference.TWICE, 90)]
    mine[30] = (where, replace(genuine, seq=7))
    assert seen(compare(mine, entries)) == [(Difference.TWICE, 90)]


def test_receipts_outside_a_stretch_are_counted_and_not_blamed(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """An export of a stretch says nothing about receipts for other entries of the log."""
    found = compare(held(of_caller(receipts)), entries[256:], first=256, size=SIZE)
    assert (found.outside, found.mismatches) == (86, ())


def test_the_store_and_the_export_have_the_same_entries(folder: Path, entries: list[tuple[int, bytes]]) -> None:
    """Whether the log or its export is asked, the entries are the same."""
    with opened(sqlite_setup(folder / "log", Clock(START_MS + exports.DAY_MS))) as log:
        assert list(store_entries(log.store, Span(first=0, end=SIZE, size=SIZE))) == entries


def test_the_command_lists_what_only_one_side_has(receipts: list[Receipt], folder: Path, tmp_path: Path) -> None:
    """Agreement is 0 and a difference is 1, against an export and against a site; naming neither is 2."""
    lines = [json.dumps({"receipt": describe_receipt(receipt)}) for receipt in of_caller(receipts)]
    (tmp_path / "all").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "some").write_text("\n".join([*lines[:9], "", *lines[10:]]), encoding="utf-8")
    (tmp_path / "none").write_text("{", encoding="utf-8")
    site = exports.write_site(tmp_path / "site", folder / "log")
    base = ("audit", "reconcile", "--json")
    agreed = tongban(*base, "--receipts", tmp_path / "all", "--site", site)
    assert (agreed.code, agreed.object["matched"]) == (0, 100)
    policy = tmp_path / "policy"
    policy.write_bytes(exports.encode_policy(exports.without_bundles(exports.POLICY)))
    differs = tongban(*base, "--receipts", tmp_path / "some", "--export", folder / "out", "--policy", policy)
    assert differs.code == 1
    assert [(one["kind"], one["entry"]) for one in differs.object["differences"]] == [("no-receipt", 27)]
    assert tongban(*base, "--receipts", tmp_path / "all").code == 2
    assert tongban(*base, "--receipts", tmp_path / "none", "--site", site).code == 2
