"""Policies, trust, seals and deletions in an export: each follows from what came before."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.leaf import LeafDraft, LeafKind, encode_leaf
from gateway.audit.verify.chains import Chains
from gateway.audit.verify.finding import FindingKind, Findings
from gateway.audit.verify.part import PartFound
from tests.gateway.audit import exports
from tests.support.audit import START_MS

# --- policies and seals -----------------------------------------------------------------------------------------------


def write_events(folder: Path, drafts: list[tuple[int, LeafDraft]]) -> Path:
    seqs: dict[str, int] = {}
    leaves = []
    for t, draft in drafts:
        seqs[draft.caller] = seqs.get(draft.caller, 0) + 1
        leaves.append(encode_leaf(draft, t=t, seq=seqs[draft.caller]))
    exports.write_log(folder, leaves)
    return folder


def activate(number: int, policy: str, **more: str) -> LeafDraft:
    return exports.event(LeafKind.POLICY, number, action="activate", policy=policy, **more).leaf


def trust(number: int, version: str, **more: str) -> LeafDraft:
    return exports.event(LeafKind.TRUST, number, action="activate", trust=version, **more).leaf


def using(policy: str = "", trust: str = "") -> LeafDraft:
    return replace(exports.answer(1).leaf, policy=policy, trust=trust)


def day_seal(**changes: object) -> LeafDraft:
    members = {"action": "day", "day": exports.day_of(START_MS), "digest": "d", "first": 0, "next": 2} | changes
    return exports.event(LeafKind.SEAL, 9, **members).leaf


NEXT = START_MS + exports.DAY_MS
USED = exports.bare_answer(1).leaf
LATER = "later-trust-of-the-gateway"


@pytest.mark.parametrize(
    ("drafts", "entry"),
    [
        ([activate(0, exports.OLD), activate(1, exports.NEW)], 1),
        ([activate(0, exports.OLD), activate(1, exports.NEW, previous="sha256:other")], 1),
        ([activate(0, exports.NEW), using(exports.OLD), activate(1, exports.OLD, previous=exports.NEW)], 1),
        ([using(exports.OLD), activate(0, exports.OLD)], 0),
        ([using(exports.OLD), activate(0, exports.NEW, previous=exports.OLD)], 0),
        ([using(exports.OLD)], 0),
    ],
    ids=["no previous", "another previous", "used before", "used first", "said to be older", "never activated"],
)
def test_a_policy_chain_with_a_gap_is_noticed(tmp_path: Path, drafts: list[LeafDraft], entry: int) -> None:
    """A bundle that comes after another than the last, or decides before it was activated, is named by its entry."""
    found = exports.verified_log(write_events(tmp_path, [(START_MS, draft) for draft in drafts]))
    assert [(one.kind, one.entry) for one in found.findings] == [(FindingKind.POLICY_CHAIN, entry)]


@pytest.mark.parametrize(
    ("drafts", "entry"),
    [
        ([trust(0, exports.TRUST), trust(1, LATER)], 1),
        ([trust(0, exports.TRUST), trust(1, LATER, previous="another")], 1),
        ([trust(0, LATER), using(trust=exports.TRUST), trust(1, exports.TRUST, previous=LATER)], 1),
        ([USED, using(trust=exports.TRUST)], 1),
        ([trust(0, exports.TRUST), using(trust=exports.TRUST), trust(1, LATER, previous=exports.TRUST)], None),
    ],
    ids=["no previous", "another previous", "used before", "never activated", "sound"],
)
def test_the_trust_store_is_followed_as_policies_are(
    tmp_path: Path, drafts: list[LeafDraft], entry: int | None
) -> None:
    """A trust store that comes after another than the last, or that answers rest on before, is named by its entry."""
    found = exports.verified_log(write_events(tmp_path, [(START_MS, draft) for draft in drafts]))
    wanted = [] if entry is None else [(FindingKind.TRUST_CHAIN, entry)]
    assert [(one.kind, one.entry) for one in found.findings] == wanted


@pytest.mark.parametrize(
    ("drafts", "entry"),
    [
        ([using(exports.OLD)], None),
        ([using("sha256:older"), using(exports.OLD), activate(1, exports.NEW, previous=exports.OLD)], None),
        ([activate(1, exports.NEW, previous=exports.OLD), using(exports.OLD)], None),
        ([activate(1, exports.NEW, previous=exports.OLD), using("sha256:older")], 1),
    ],
    ids=["no activation", "before the first", "what that says was before", "behind it"],
)
def test_what_was_activated_before_a_part_is_believed(drafts: list[LeafDraft], entry: int | None) -> None:
    """In a part of a log, rules are held to the activations that are there, from the first of them on."""
    findings, found = Findings(), PartFound()
    chains = Chains(256, findings)
    for number, draft in enumerate(drafts, 256):
        if draft.kind is LeafKind.POLICY:
            found.others.append((number, draft))
        else:
            found.policies.setdefault(draft.policy, number)
    chains.take(found)
    chains.finish(256 + len(drafts))
    wanted = [] if entry is None else [(FindingKind.POLICY_CHAIN, 256 + entry)]
    assert [(one.kind, one.entry) for one in findings.kept] == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"next": 1},
        {"next": 3},
        {"first": 1},
        {"day": exports.day_of(NEXT)},
        {"day": "today"},
        {"digest": ""},
        {"action": "week"},
        {"action": "open"},
        {"action": "close"},
    ],
    ids=str,
)
def test_a_seal_that_covers_something_else_is_noticed(tmp_path: Path, changes: dict[str, object]) -> None:
    """A seal of a day covers exactly the entries up to its end, from where the last one ended."""
    first = [(START_MS, USED), (START_MS, USED), (NEXT, USED)]
    good = write_events(tmp_path / "good", [*first, (NEXT, day_seal()), (NEXT, USED)])
    assert exports.verified_log(good).is_sound
    bad = write_events(tmp_path / "bad", [*first, (NEXT, day_seal(**changes)), (NEXT, USED)])
    assert [(one.kind, one.entry) for one in exports.verified_log(bad).findings] == [(FindingKind.SEAL_CHAIN, 3)]


def shred(number: int) -> LeafDraft:
    return exports.event(LeafKind.SHRED, number, basis="PIPL-47", approvals=2, digest="d").leaf


def reseal(shred: int, **changes: object) -> LeafDraft:
    return day_seal(**{"action": "reseal", "previous": str(shred)} | changes)


# 0, 1: a day; 2: its seal; 3: something is forgotten; 4: the day is sealed anew
RESEALED = [(START_MS, USED), (START_MS, USED), (NEXT, day_seal()), (NEXT, shred(0)), (NEXT, reseal(3))]


@pytest.mark.parametrize(
    "behind",
    [
        [],
        [(NEXT, shred(1)), (NEXT, reseal(5))],
        [(NEXT, day_seal(action="close")), (NEXT, shred(1)), (NEXT, reseal(6))],
    ],
    ids=["once", "again", "of a closed shard"],
)
def test_a_day_is_sealed_anew_after_a_deletion(tmp_path: Path, behind: list[tuple[int, LeafDraft]]) -> None:
    """Each shred entry may change the seals of earlier days, once each, also of a shard that is closed."""
    found = exports.verified_log(write_events(tmp_path, [*RESEALED, *behind]))
    assert (found.findings, found.resealed) == ((), 1 + bool(behind))


@pytest.mark.parametrize(
    "drafts",
    [
        [*RESEALED[:4], (NEXT, reseal(2))],
        [*RESEALED[:4], (NEXT, reseal(4))],
        [*RESEALED[:4], (NEXT, reseal(5)), (NEXT, shred(1))],
        [*RESEALED[:4], (NEXT, reseal(3, previous=""))],
        [*RESEALED[:4], (NEXT, reseal(3, previous="03"))],
        [*RESEALED[:4], (NEXT, reseal(3, first=1))],
        [*RESEALED[:4], (NEXT, reseal(3, next=1))],
        [*RESEALED[:4], (NEXT, reseal(3, day=exports.day_of(NEXT)))],
        [*RESEALED[:4], (NEXT, reseal(3, digest=""))],
        [*RESEALED, (NEXT, reseal(3))],
        [*RESEALED[:2], (NEXT, shred(0)), (NEXT, reseal(2)), (NEXT, day_seal())],
    ],
    ids=[
        *("no shred entry", "itself", "a later one", "none", "spelt otherwise", "another first", "another next"),
        *("another day", "no digest", "twice", "not sealed yet"),
    ],
)
def test_a_day_that_is_sealed_anew_without_a_reason_is_noticed(
    tmp_path: Path, drafts: list[tuple[int, LeafDraft]]
) -> None:
    """A new seal names a shred entry before it and a day that was sealed, and each pair once."""
    found = exports.verified_log(write_events(tmp_path, drafts))
    at = max(number for number, (_, draft) in enumerate(drafts) if draft.more.get("action") == "reseal")
    assert [(one.kind, one.entry) for one in found.findings] == [(FindingKind.SEAL_CHAIN, at)]


def test_nothing_but_deletions_stands_behind_the_end(tmp_path: Path) -> None:
    """An answer behind the seal that closes a shard is noticed, whatever follows it."""
    closed = [*RESEALED, (NEXT, day_seal(action="close")), (NEXT, USED), (NEXT, shred(1)), (NEXT, reseal(7))]
    found = exports.verified_log(write_events(tmp_path, closed))
    assert [(one.kind, one.entry) for one in found.findings] == [(FindingKind.SEAL_CHAIN, 5)]


def test_a_shard_begins_with_its_keys(tmp_path: Path) -> None:
    """Behind the seal that opens a shard the keys that sign it are named, before anything else."""
    opening = day_seal(action="open", previous="gw.370000/access/2026h1:1:A")
    key = exports.event(LeafKind.KEY, 0, action="begin", key="k").leaf
    for entries, at in (
        ([opening], None),
        ([opening, key, USED], None),
        ([opening, USED, key], 0),
        ([key, opening, key], 1),
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        found = exports.verified_log(write_events(folder, [(NEXT, draft) for draft in entries]))
        wanted = [] if at is None else [(FindingKind.SEAL_CHAIN, at)]
        assert [(one.kind, one.entry) for one in found.findings] == wanted
