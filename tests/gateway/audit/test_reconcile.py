"""Reconciliation: what only the receipts or only the log has is listed, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.entry import Receipt
from gateway.audit.leaf import encode_leaf, parse_leaf
from gateway.audit.receipts import FullReceipt, describe_receipt, prove_entry, read_receipt
from gateway.audit.reconcile import (
    Difference,
    Reconciled,
    Span,
    reconcile,
    source_entries,
    source_roots,
    store_entries,
    store_roots,
)
from gateway.audit.tlog.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint, sign_checkpoint
from gateway.audit.tlog.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from gateway.audit.tlog.quorum import Policy, PolicyLog
from gateway.audit.tlog.spelling import encode_base64
from gateway.audit.verify.source import FolderSource, read_tile
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, SIGNER, START_MS, Clock, opened, sqlite_setup
from tests.support.cli import tongban

SIZE = 300
CALLER = "approval-00"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reconcile")


@pytest.fixture(scope="module")
def receipts(folder: Path) -> list[Receipt]:
    made = exports.append(folder / "log", [(START_MS + n, exports.bare_answer(n)) for n in range(SIZE)])
    exports.export_site(folder / "log", folder / "out")
    return made


@pytest.fixture(scope="module")
def entries(folder: Path, receipts: list[Receipt]) -> list[tuple[int, bytes]]:
    found = list(source_entries(FolderSource(folder / "out"), Span(log=ORIGIN, first=0, end=SIZE, size=SIZE)))
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
    end: int | None = None,
    is_newest: bool = False,
    policy: Policy = exports.POLICY,
) -> Reconciled:
    """Compare receipts with the entries of a log, of which those in [first, end) are looked at."""
    size = len(entries)
    span = Span(log=ORIGIN, first=first, end=size if end is None else end, size=size, is_newest=is_newest)
    tree, roots = CompactRange(), [EMPTY_ROOT]
    for _, leaf in entries:
        tree.append(leaf_hash(leaf))
        roots.append(tree.root())
    return reconcile(
        receipts,
        entries[span.first : span.end],
        span=span,
        roots=lambda earlier: roots[earlier] if earlier <= size else None,
        policy=policy,
        callers=callers,
    )


def forge(entries: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return the log with another entry at 150, as its operator could sign it anew."""
    leaves = [leaf for _, leaf in entries]
    parsed = parse_leaf(leaves[150])
    other = encode_leaf(replace(parsed.content, req="OTHER"), t=parsed.t, seq=parsed.seq)
    return list(enumerate([*leaves[:150], other, *leaves[151:]]))


def in_full(receipt: Receipt, folder: Path) -> FullReceipt:
    """Return the receipt with its proof in the tree of the export."""
    source = FolderSource(folder / "out")
    signed = parse_checkpoint((folder / "out/checkpoint").read_bytes())
    proof = prove_entry(lambda address: read_tile(source, address), signed, receipt.index)
    return replace(read_receipt(describe_receipt(receipt)), proof=proof)


def weighed(found: Reconciled) -> list[tuple[Difference, int | None, bool | None]]:
    return [(one.kind, one.entry, one.is_proven) for one in found.mismatches]


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
    """That the log signed more entries than it has is proven; that an export ends earlier may be its age."""
    mine = held(of_caller(receipts))
    cut = compare(mine, entries[:297], is_newest=True)
    assert weighed(cut) == [(Difference.NOT_IN_LOG, 297, True)]
    older = compare(mine, entries[:297])
    assert (weighed(older), older.later) == ([(Difference.NOT_IN_LOG, 297, False)], 1)


def test_an_entry_that_was_changed_is_given_away(
    receipts: list[Receipt], entries: list[tuple[int, bytes]], folder: Path
) -> None:
    """A log that was signed anew has other roots than receipts; which entry differs is proven by a proof alone."""
    mine = receipts[150]
    found = compare(held([mine]), forge(entries))
    assert weighed(found) == [(Difference.FORKED, 150, True), (Difference.OTHER_IN_LOG, 150, False)]
    full = compare([("full", in_full(mine, folder))], forge(entries))
    assert (Difference.OTHER_IN_LOG, 150, True) in weighed(full)


def test_a_root_that_the_log_does_not_have_is_a_fork_whatever_the_entry(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """A receipt whose own entry is there proves the fork all the same, by its checkpoint."""
    found = compare(held([receipts[153]]), forge(entries))
    assert (found.matched, weighed(found)) == (1, [(Difference.FORKED, 153, True)])


def test_two_trees_of_one_size_in_one_receipt_are_a_fork(receipts: list[Receipt], folder: Path) -> None:
    """A receipt whose answer and whose proof have different trees of one size needs no log to prove the fork."""
    full = in_full(receipts[150], folder)
    other = sign_checkpoint(Checkpoint(origin=full.log, size=SIZE, root=b"o" * 32), [SIGNER])
    found = compare([("full", replace(full, checkpoint=other))], [])
    assert weighed(found) == [(Difference.FORKED, 150, True)]


def test_a_receipt_that_its_holder_changed_proves_nothing(
    receipts: list[Receipt], entries: list[tuple[int, bytes]]
) -> None:
    """Another hash or number under a genuine checkpoint is what the receipt claims, and is no evidence."""
    genuine = read_receipt(describe_receipt(receipts[150]))
    found = compare([("r", replace(genuine, leaf_hash=bytes(32)))], entries)
    assert weighed(found) == [(Difference.OTHER_IN_LOG, 150, False)]
    assert weighed(compare([("r", replace(genuine, seq=7))], entries)) == [(Difference.TWICE, 150, False)]


def test_an_entry_that_was_dropped_leaves_a_gap(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """Where an entry was taken out of a log that was signed anew, the numbers of its caller skip."""
    leaves = [leaf for _, leaf in entries]
    forged = list(enumerate(leaves[:150] + leaves[151:]))
    found = compare(held(of_caller(receipts)[:60]), forged)
    assert (Difference.GAP, None) in {(one.kind, one.is_proven) for one in found.mismatches}
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
    found = compare(held(of_caller(receipts)), entries, first=256)
    assert (found.outside, found.mismatches) == (86, ())


def test_what_the_log_took_meanwhile_is_not_blamed(receipts: list[Receipt], entries: list[tuple[int, bytes]]) -> None:
    """A receipt for an entry behind the ones that were read is outside, where the log has its tree by now."""
    mine = held(of_caller(receipts))
    span = Span(log=ORIGIN, first=0, end=297, size=297, is_newest=True)
    roots = {one.checkpoint.checkpoint.size: one.checkpoint.checkpoint.root for _, one in mine}
    found = reconcile(mine, entries[:297], span=span, roots=roots.get, policy=exports.POLICY)
    assert (found.matched, found.outside, found.mismatches) == (99, 1, ())


@pytest.mark.parametrize("is_known", [True, False])
def test_a_receipt_of_another_log_is_counted_and_says_nothing_about_this_one(
    receipts: list[Receipt], entries: list[tuple[int, bytes]], *, is_known: bool
) -> None:
    """Whether the policy names it or not: another log's tree of one size, and its entry there, contradict nothing."""
    name = "gw.340000/access/2026h2"
    signer = exports.foreign_signer(name)
    head = Checkpoint(origin=name, size=1, root=leaf_hash(b"another entry"))
    genuine = read_receipt(describe_receipt(receipts[0]))
    other = replace(genuine, log=name, leaf_hash=head.root, checkpoint=sign_checkpoint(head, [signer]))
    logs = (*exports.POLICY.logs, *([PolicyLog(key=signer.key)] if is_known else []))
    mine = held(of_caller(receipts))
    found = compare([("r", other), *mine], entries, policy=replace(exports.POLICY, logs=logs))
    assert (found.receipts, found.matched, found.elsewhere, found.mismatches) == (101, 100, 1, ())


def test_the_store_and_the_export_have_the_same_trees(folder: Path, receipts: list[Receipt]) -> None:
    """Whether the log or its export is asked, the roots are those that receipts have."""
    of_export = source_roots(FolderSource(folder / "out"), SIZE)
    with opened(sqlite_setup(folder / "log", Clock(START_MS + exports.DAY_MS))) as log:
        of_store = store_roots(log.store)
        for _, receipt in held(receipts):
            head = receipt.checkpoint.checkpoint
            assert of_store(head.size) == of_export(head.size) == head.root
        assert of_store(SIZE + 1) is of_export(SIZE + 1) is None


def test_the_store_and_the_export_have_the_same_entries(folder: Path, entries: list[tuple[int, bytes]]) -> None:
    """Whether the log or its export is asked, the entries are the same."""
    with opened(sqlite_setup(folder / "log", Clock(START_MS + exports.DAY_MS))) as log:
        assert list(store_entries(log.store, Span(log=ORIGIN, first=0, end=SIZE, size=SIZE))) == entries


@pytest.mark.slow
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
    short = tongban("audit", "reconcile", "--receipts", tmp_path / "some", "--site", site)
    assert "number 10" in short.out
    assert "claimed" not in short.out
    changed = json.loads(lines[0])["receipt"] | {"leaf_hash": encode_base64(bytes(32))}
    (tmp_path / "changed").write_text(json.dumps(changed), encoding="utf-8")
    claimed = tongban(*base, "--receipts", tmp_path / "changed", "--site", site)
    assert [(one["kind"], one["proven"]) for one in claimed.object["differences"]] == [("other-in-log", False)]
    cp = sign_checkpoint(Checkpoint(origin="elsewhere", size=1, root=bytes(32)), [exports.foreign_signer("elsewhere")])
    moved = {"log": "elsewhere", "index": 0, "seq": 1, "checkpoint": encode_checkpoint(cp).decode()}
    (tmp_path / "other").write_text("\n".join([json.dumps(changed | moved), *lines]), encoding="utf-8")
    elsewhere = tongban("audit", "reconcile", "--receipts", tmp_path / "other", "--site", site)
    assert (elsewhere.code, "1 receipts are of other logs" in elsewhere.err) == (0, True)
    assert tongban(*base, "--receipts", tmp_path / "other", "--export", folder / "out").object["elsewhere"] == 1
    assert tongban(*base, "--receipts", tmp_path / "all").code == 2
    assert tongban(*base, "--receipts", tmp_path / "none", "--site", site).code == 2
