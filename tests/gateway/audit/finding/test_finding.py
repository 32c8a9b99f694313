"""Findings: what they hold, that they verify with nothing but their file, and that nothing in them can be changed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.entry import SubjectId
from gateway.audit.errors import MalformedLogDataError
from gateway.audit.finding import making
from gateway.audit.finding.entry import parse_entry
from gateway.audit.finding.manifest import FINDING_FILE, NOTE_FILE, parse_finding
from gateway.audit.finding.package import encode_package, parse_package
from gateway.audit.finding.query import _under_name
from gateway.audit.finding.verifier import PackageSource, verify_finding
from gateway.audit.leaf import LeafKind
from gateway.audit.lookup import LookupKind
from gateway.audit.openings import OPENING_MS, EntryPlace, draft_approval, draft_request, find_opening
from gateway.audit.search.entry import REFUSED
from gateway.audit.search.query import Query
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.quorum import Policy, PolicyLog, encode_policy
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.finding import FindingKind
from gateway.audit.verify.source import FolderSource
from gateway.audit.verify.verifier import NoPolicyError
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from tests.gateway.audit import findings
from tests.gateway.audit.exports import POLICY, foreign_signer, without_bundles
from tests.support.audit import ORIGIN, SIGNER, START_MS, Clock, opened, reseal_private, sqlite_setup


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with findings.open_log(tmp_path_factory.mktemp("log")) as log:
        return findings.make(log)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with findings.open_log(tmp_path_factory.mktemp("log")) as log:
        return findings.make(log, opening=findings.approve(log))


def test_a_finding_is_sound_and_names_nobody(closed: bytes) -> None:
    """Without an opening the entries are proven, and nothing in the file says whom or what was searched for."""
    found = findings.verified(closed)
    assert found.is_sound
    assert [entry.index for entry, _ in found.entries] == [0, 2, 4]
    assert (found.log, found.size, found.policies, found.opened, found.replayed) == (ORIGIN, 7, 1, 0, 0)
    assert set(found.cosigned) == {"w1", "w2"}
    assert found.search is not None
    assert (found.search.query, found.search.complete) == (None, True)
    assert found.search.search.content.caller == findings.FIRST.caller
    for personal in (findings.LICENCE, findings.PERSON, "3701-1", "request-0"):
        assert personal.encode() not in closed


def test_an_opened_finding_shows_and_proves(shown: bytes) -> None:
    """With an opening it shows what commitments were made of, the facts, the search, and who let it be seen."""
    found = findings.verified(shown)
    assert found.is_sound
    assert (found.opened, found.replayed) == (3, 3)
    entry = found.entries[0][0]
    assert entry.opened is not None
    assert entry.opened.lic is not None
    assert entry.opened.subj is not None
    assert (entry.opened.lic.value, entry.opened.subj.value) == (findings.LICENCE, [findings.PERSON])
    assert entry.context[-1] == "request-0"
    search = found.search
    assert search is not None
    assert search.query is not None
    assert search.query == findings.BY_LICENCE
    assert not search.is_log_alone
    assert search.request is not None
    assert search.approval is not None
    people = [leaf.content.caller for leaf in (search.search, search.request, search.approval)]
    assert people == ["auditor-1", "auditor-1", "auditor-2"]


def test_the_same_finding_is_the_same_file(tmp_path: Path) -> None:
    """What was found of one search gives the same bytes each time."""
    with findings.open_log(tmp_path) as log:
        data = findings.make(log)
        files = parse_package(data)
    assert encode_package(files) == data


def test_it_can_be_unpacked(shown: bytes, tmp_path: Path) -> None:
    """The files of a finding in a folder verify as the package does."""
    for name, content in parse_package(shown).items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(content)
    assert verify_finding(FolderSource(tmp_path), policy=POLICY).is_sound
    (tmp_path / "policies/notes.txt").write_bytes(b"")
    assert findings.kinds(verify_finding(FolderSource(tmp_path), policy=POLICY)) == {FindingKind.SURPLUS}


def flip(data: bytes, at: int) -> bytes:
    """Return it with one byte changed."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_every_changed_byte_of_the_package_is_caught(shown: bytes) -> None:
    """Whatever byte of the file is changed, it is no package any more."""
    for at in range(len(shown)):
        with pytest.raises(MalformedLogDataError):
            parse_package(flip(shown, at))


def is_caught(files: Mapping[str, bytes]) -> bool:
    try:
        return not verify_finding(PackageSource(files), policy=POLICY).is_sound
    except NoPolicyError:
        return True


@pytest.mark.parametrize("name", [FINDING_FILE, NOTE_FILE])
def test_every_changed_byte_of_what_is_signed_is_caught(shown: bytes, name: str) -> None:
    """Whatever byte of the manifest or its note is changed, in a package that is whole, the finding is not sound."""
    files = dict(parse_package(shown))
    assert not [at for at in range(len(files[name])) if not is_caught(files | {name: flip(files[name], at)})]


@pytest.mark.slow
def test_every_changed_byte_of_every_file_is_caught(shown: bytes) -> None:
    """Whatever byte of any file is changed, in a package that is whole, the finding is not sound."""
    files = dict(parse_package(shown))
    for name, data in files.items():
        assert not [at for at in range(len(data)) if not is_caught(files | {name: flip(data, at)})], name


def test_every_file_is_needed_and_no_other(closed: bytes) -> None:
    """A file that is left out, or put in, is a fault."""
    files = dict(parse_package(closed))
    for name in files:
        assert is_caught({one: data for one, data in files.items() if one != name}), name
    found = verify_finding(PackageSource(files | {"note.txt": b""}), policy=POLICY)
    assert findings.kinds(found) == {FindingKind.SURPLUS}


# --- somebody with the keys of the log --------------------------------------------------------------------------------


def set_member(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda members: members.__setitem__(name, value)


def close(*names: str, erased: list[str]) -> Callable[[dict[str, Any]], None]:
    def change(members: dict[str, Any]) -> None:
        for name in names:
            members["opened"].pop(name)
        members["erased"] = erased

    return change


def change_leaf(members: dict[str, Any]) -> None:
    members["leaf"] = members["leaf"].replace('"outcome":"valid"', '"outcome":"invalid"')


def change_opened(members: dict[str, Any]) -> None:
    members["opened"]["lic"]["value"] = "另一证照"


def change_salt(members: dict[str, Any]) -> None:
    members["opened"]["op"]["salt"] = "00" * 16


def forbid_status(members: dict[str, Any]) -> None:
    members["context"][5] = "organisation"


def swap_lines(data: bytes) -> bytes:
    first, *others = data.splitlines(keepends=True)
    return b"".join([*others, first])


@pytest.mark.parametrize(
    ("file", "change", "kind"),
    [
        ("entries_jsonl", findings.edited(change_leaf), FindingKind.PROOF),
        ("entries_jsonl", findings.edited(set_member("index", 1)), FindingKind.PROOF),
        ("entries_jsonl", findings.edited(lambda members: members["proof"].pop()), FindingKind.PROOF),
        ("entries_jsonl", findings.edited(set_member("proof", ["x"])), FindingKind.MALFORMED),
        ("entries_jsonl", findings.edited(change_opened), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(change_salt), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(set_member("damaged", True)), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(forbid_status), FindingKind.REPLAY),
        ("entries_jsonl", findings.edited(set_member("more", 1)), FindingKind.MALFORMED),
        ("entries_jsonl", lambda data: data[:-1], FindingKind.MALFORMED),
        ("entries_jsonl", lambda data: data + b"{}\n", FindingKind.MALFORMED),
        ("entries_jsonl", lambda data: b" " + data, FindingKind.MALFORMED),
        ("entries_jsonl", lambda _: b"x" * 40_000 + b"\n", FindingKind.MALFORMED),
        ("entries_jsonl", swap_lines, FindingKind.MALFORMED),
        ("entries_jsonl", lambda data: data[data.index(b"\n") + 1 :], FindingKind.SEARCH),
        ("query_json", findings.edited(lambda members: members["receipts"].pop()), None),
        ("query_json", findings.edited(lambda members: members["receipts"].reverse()), FindingKind.SEARCH),
        ("query_json", findings.edited(lambda members: members.pop("query")), FindingKind.SEARCH),
        ("query_json", findings.edited(lambda members: members["query"].update(salt="00" * 16)), FindingKind.SEARCH),
        ("query_json", findings.edited(lambda members: members["query"].update(request="00" * 16)), FindingKind.SEARCH),
        ("query_json", findings.edited(lambda members: members["query"]["value"].update(x="")), FindingKind.MALFORMED),
        ("query_json", findings.edited(lambda members: members["query"].update(value={})), FindingKind.MALFORMED),
        ("entries_jsonl", findings.edited(lambda members: members["opened"].pop("op")), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(lambda members: members["opened"].pop("subj")), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(lambda members: members["opened"].pop("lic")), FindingKind.SEARCH),
        ("entries_jsonl", findings.edited(set_member("erased", ["lic", "subj", "resp"])), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(close("case", erased=["case"])), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(close("op", "case", erased=["op", "case", "op"])), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(close("op", "case", erased=["op", "case", "x"])), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(close("op", "case", erased=["op", "case"])), None),
        ("entries_jsonl", findings.edited(lambda members: members.pop("opened")), FindingKind.OPENED),
        ("entries_jsonl", findings.edited(lambda members: members.pop("context")), FindingKind.REPLAY),
        ("entries_jsonl", findings.edited(lambda members: members["context"].clear()), FindingKind.MALFORMED),
        ("query_json", findings.edited(lambda members: members["receipts"][0].pop("proof")), FindingKind.MALFORMED),
        ("query_json", findings.edited(lambda members: members["receipts"][0].pop("log")), FindingKind.MALFORMED),
        ("query_json", lambda _: b"{}", FindingKind.MALFORMED),
        ("query_json", lambda data: data + bytes(3_000_000), FindingKind.MALFORMED),
        ("checkpoint", lambda _: b"origin\n", FindingKind.MALFORMED),
        ("checkpoint", None, FindingKind.MANIFEST),
        ("policies__" + "0" * 64 + ".json", lambda _: b"{}", FindingKind.DIGEST),
        ("policies__" + hashlib.sha256(b"{}").hexdigest() + ".json", lambda _: b"{}", FindingKind.MALFORMED),
    ],
)
def test_what_the_log_itself_cannot_change(
    shown: bytes, file: str, change: Callable[[bytes], bytes] | None, kind: FindingKind | None
) -> None:
    """A file that was changed before it was signed contradicts the tree, the commitments or the policy."""
    found = findings.verified(findings.changed(shown, **{file: change}))
    assert (kind in findings.kinds(found)) if kind is not None else found.is_sound
    assert found.search is not None or kind is not None


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (Query(licence="another1"), findings.BY_LICENCE),
        (findings.BY_LICENCE, Query(licence="another1")),
        (Query(subject=SubjectId("91370100MA3C000000")), findings.BY_LICENCE),
        (Query(official="3701000001"), findings.BY_LICENCE),
        (Query(case="2026-1"), findings.BY_LICENCE),
        (Query(caller="approval-01"), findings.BY_LICENCE),
        (Query(kinds=frozenset({LeafKind.MATCH})), findings.BY_LICENCE),
        (Query(licence=findings.LICENCE, since=START_MS + 3_600_000), findings.BY_LICENCE),
        (Query(licence=findings.LICENCE, until=START_MS), findings.BY_LICENCE),
    ],
)
def test_entries_of_another_search_are_a_fault(tmp_path: Path, query: Query, shown: Query) -> None:
    """Whoever approved a search let what it finds be seen, and nothing else."""
    with findings.open_log(tmp_path) as log:
        found = findings.verified(findings.make(log, query, shown=shown, opening=findings.approve(log, query)))
    assert findings.kinds(found) == {FindingKind.SEARCH}


def test_nothing_opened_can_be_called_erased(tmp_path: Path) -> None:
    """An entry of another search does not fit because what contradicts it is said to be erased beside it."""
    with findings.open_log(tmp_path) as log:
        data = findings.make(log, shown=Query(licence="another1"), opening=findings.approve(log))
    found = findings.verified(findings.changed(data, entries_jsonl=findings.edited(set_member("erased", ["lic"]), 0)))
    assert findings.kinds(found) == {FindingKind.OPENED}


def test_what_is_erased_contradicts_no_search(tmp_path: Path) -> None:
    """When the person was forgotten in between, the entries still prove who looked."""
    query = Query(caller="approval-00")
    with findings.open_log(tmp_path) as log:
        opening = findings.approve(log, query)
        log.keys.erase([log.lookup.owner(LookupKind.SUBJECT, findings.PERSON, log.lookup.current)])
        found = findings.verified(findings.make(log, query, opening=opening))
    assert found.is_sound
    assert {tuple(entry.erased) for entry, _ in found.entries} == {("lic", "subj", "resp")}


def test_what_was_removed_after_its_time_is_said(tmp_path: Path) -> None:
    """An entry whose private part is past its time proves the same, and shows that nothing of it is left."""
    query = Query(caller="approval-00")
    with findings.open_log(tmp_path) as log:
        opening = findings.approve(log, query)
        log.store.replace_privates({2: b""})
        found = findings.verified(findings.make(log, query, opening=opening))
    assert found.is_sound
    assert found.entries[1][0].erased == ["op", "case", "lic", "subj", "resp"]


def test_an_opening_of_another_search_opens_nothing(tmp_path: Path) -> None:
    """What was approved is what was searched for, in this very log; a finding for anything else is not sound."""
    with findings.open_log(tmp_path) as log:
        opening = findings.approve(log, Query(licence="another1"))
        found = findings.verified(findings.make(log, opening=opening))
    assert findings.kinds(found) == {FindingKind.SEARCH}
    assert "approved" in found.findings[0].detail


def test_an_opening_for_another_half_year_opens_nothing(tmp_path: Path) -> None:
    """A request says which log is to be searched."""
    other = "gw.370000/access/2026h1"
    with findings.open_log(tmp_path) as log:
        asked = draft_request(findings.BY_LICENCE, findings.FIRST, log=other, opening="01O", reason="r")
        findings.append(log, asked)
        findings.append(log, draft_approval(find_opening([log], "01O"), findings.SECOND, at=START_MS))
        found = findings.verified(findings.make(log, opening=find_opening([log], "01O")))
    assert findings.kinds(found) == {FindingKind.SEARCH}


@pytest.mark.parametrize(
    ("before_approval", "before_search", "is_sound"),
    [
        (0, 0, True),
        (OPENING_MS - 1_000, OPENING_MS - 1_000, True),
        (OPENING_MS, 0, False),
        (0, OPENING_MS + 600_000, False),
    ],
)
def test_an_opening_is_used_in_time(
    tmp_path: Path, *, before_approval: int, before_search: int, is_sound: bool
) -> None:
    """A day to be approved in, and a day to be used in; the log cannot put a late one into a finding."""
    clock = Clock()
    with opened(sqlite_setup(tmp_path, clock)) as log:
        findings.append(log, findings.answer(0))
        asked = findings.approve(log, by=None)
        approval = draft_approval(asked, findings.SECOND, at=START_MS)
        clock.now += before_approval
        place = EntryPlace(log=log.origin, index=findings.append(log, approval).index)
        clock.now += before_search
        opening = replace(asked, places=(*asked.places, place))
        found = findings.verified(findings.make(log, opening=opening))
    assert findings.kinds(found) == (set() if is_sound else {FindingKind.SEARCH})


def test_a_refused_search_is_behind_no_finding(tmp_path: Path) -> None:
    """The entry about a search that was not made proves nothing."""
    with findings.open_log(tmp_path) as log:
        found = findings.verified(findings.make(log, changes={"outcome": REFUSED}))
    assert findings.kinds(found) == {FindingKind.SEARCH}


def test_witnesses_saw_the_opening(tmp_path: Path) -> None:
    """An opening that too few witnesses saw is a fault until they have; of the search itself it is only said."""
    with findings.open_log(tmp_path) as log:
        before = log.prove(0).checkpoint
        opening = findings.approve(log)
        after = log.prove(0).checkpoint
        early, later = (findings.verified(findings.make(log, opening=opening, seen=one)) for one in (before, after))
    assert findings.kinds(early) == {FindingKind.QUORUM}
    assert later.is_sound
    assert later.search is not None
    assert later.search.is_log_alone


def test_a_search_in_a_fork_is_behind_no_finding(tmp_path: Path) -> None:
    """An opening that stands in a tree that no witness saw, or that is not the finding's, lets nothing be seen."""
    for name in ("true", "fork"):
        (tmp_path / name).mkdir()
    with findings.open_log(tmp_path / "true") as log, findings.open_log(tmp_path / "fork") as fork:
        opening = findings.approve(fork)
        unseen = findings.make(log, opening=opening, writer=fork)
        forged = findings.make(fork, opening=opening)
        findings.approve(log)
        true = findings.make(log, opening=find_opening([log], opening.id))
    assert findings.kinds(findings.verified(unseen)) == {FindingKind.QUORUM}
    search = parse_package(forged)["query.json"]
    found = findings.verified(findings.changed(true, query_json=lambda _: search))
    assert findings.kinds(found) == {FindingKind.SEARCH}
    assert "in the tree of the finding" in found.findings[0].detail


@pytest.mark.parametrize(
    ("name", "log", "is_same"),
    [
        ("gw/2026h1", "gw/2026h2", True),
        ("gw/2026h1", "gx/2026h1", False),
        ("one", "other", False),
        ("one", "one", True),
        ("gw", "gw/2026h1", False),
    ],
)
def test_half_years_of_one_log(name: str, log: str, *, is_same: bool) -> None:
    """Only what stands before the half-year tells which log it is; names without one are logs of their own."""
    key = NoteSigner(name, SoftwareSigner.generate(KeyAlgorithm.ED25519)).key
    assert _under_name(key, log).name == (log if is_same else name)


def test_a_bad_tile_is_the_log_that_does_not_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tile that is cut off is no bug of the gateway."""
    with findings.open_log(tmp_path) as log:
        query = findings.BY_LICENCE
        monkeypatch.setattr(making, "_tiles", lambda _: lambda _: b"short")
        with pytest.raises(LogUnavailableError) as caught:
            findings.make(log, query)
    assert caught.value.reason is Unavailable.CORRUPT


def test_private_parts_without_an_opening_are_a_fault(closed: bytes, shown: bytes) -> None:
    """Whoever shows private parts shows who let them be seen: a search without an opening does not do."""
    search = parse_package(closed)["query.json"]
    found = findings.verified(findings.changed(shown, query_json=lambda _: search))
    assert FindingKind.SEARCH in findings.kinds(found)


def test_a_finding_of_another_log_or_key_proves_nothing(closed: bytes) -> None:
    """By a policy with another key for the log, or by none of its keys, neither note nor checkpoint counts."""
    other = Policy(logs=(PolicyLog(key=foreign_signer().key),))
    found = findings.verified(closed, other)
    assert {FindingKind.SIGNATURE, FindingKind.CHECKPOINT, FindingKind.SEARCH} <= findings.kinds(found)
    assert findings.verified(closed, None).is_own_policy
    assert findings.verified(closed, None).is_sound


def test_too_few_witnesses_are_a_fault(tmp_path: Path) -> None:
    """A checkpoint that no quorum cosigned is not enough for a policy that asks for one, and enough for another."""
    with findings.open_log(tmp_path) as log:
        data = findings.make(log, witnessed=False)
    assert findings.kinds(findings.verified(data)) == {FindingKind.QUORUM}
    assert findings.verified(data, without_bundles(POLICY)).is_sound


def test_where_nobody_witnesses_the_log_is_alone(tmp_path: Path) -> None:
    """By a policy that asks for no witnesses a finding is sound, and its search is the word of the log alone."""
    nobody = without_bundles(POLICY)
    with findings.open_log(tmp_path) as log:
        opening = findings.approve(log)
        alone, seen = (findings.make(log, opening=opening, witnessed=one) for one in (False, True))
    for data, is_alone in ((alone, True), (seen, False)):
        found = findings.verified(data, nobody)
        assert (found.is_sound, found.has_quorum, bool(found.cosigned)) == (True, False, not is_alone)
        assert found.search is not None
        assert (found.search.is_opening_unseen, found.search.is_log_alone) == (False, is_alone)
    assert findings.verified(seen).has_quorum


def test_a_policy_that_the_archive_lacks_is_a_fault(tmp_path: Path) -> None:
    """A finding without the policy of an entry says so."""
    with findings.open_log(tmp_path) as log:
        data = findings.make(log, bundles={})
    found = findings.verified(data)
    assert findings.kinds(found) == {FindingKind.POLICY_MISSING}
    assert found.findings[0].entry == 0


def test_two_keys_both_sign(tmp_path: Path) -> None:
    """A log with an SM2 key too has a line of each; whoever knows one takes it, and no line can be spoilt."""
    second = NoteSigner(ORIGIN, SoftwareSigner.generate(KeyAlgorithm.SM2))
    policy = replace(POLICY, logs=(PolicyLog(key=SIGNER.key), PolicyLog(key=second.key)))
    with opened(sqlite_setup(tmp_path, Clock(), signers=(SIGNER, second))) as log:
        for number in range(3):
            findings.append(log, findings.answer(number))
        data = findings.make(log, policy=policy)
    assert findings.verified(data).is_sound
    files = dict(parse_package(data))
    note = files[NOTE_FILE]
    step = 1 if len(note) < 100 else 3
    assert not [at for at in range(0, len(note), step) if not is_caught(files | {NOTE_FILE: flip(note, at)})]
    without = b"".join(note.splitlines(keepends=True)[:-1])
    assert is_caught(files | {NOTE_FILE: without})


def test_nothing_found_is_a_finding_too(tmp_path: Path) -> None:
    """That nobody looked is proven by the entry of the search that found nothing."""
    query = replace(findings.BY_LICENCE, licence="nobody-asked")
    with findings.open_log(tmp_path) as log:
        found = findings.verified(findings.make(log, query))
    assert found.is_sound
    assert found.entries == ()
    assert found.search is not None
    assert found.search.search.content.more["count"] == 0


def test_a_damaged_private_part_is_said(tmp_path: Path) -> None:
    """A private part that was changed in the store is not shown, and makes the finding unsound."""
    with findings.open_log(tmp_path) as log:
        part = log.store.private(2)
        assert part is not None
        log.store.replace_privates({2: flip(part, len(part) - 1)})
        reseal_private(log, 4, official="somebody-else")
        found = findings.verified(findings.make(log, opening=findings.approve(log)))
    assert findings.kinds(found) == {FindingKind.OPENED}
    assert [finding.entry for finding in found.findings] == [2, 4]


def test_a_finding_says_that_nobody_else_approved(tmp_path: Path) -> None:
    """Where one person is enough, the finding has the request alone, and shows that there was no approval."""
    with findings.open_log(tmp_path) as log:
        found = findings.verified(findings.make(log, opening=findings.approve(log, by=None)))
    assert found.is_sound
    assert found.search is not None
    assert (found.search.request is not None, found.search.approval) == (True, None)


def test_a_key_that_does_not_sign_is_the_log_that_does_not_serve(tmp_path: Path) -> None:
    """When a device refuses, there is no finding, and the reason is one of the log's own."""

    class Refusing:
        key = SIGNER.key

        def sign(self, _: str) -> None:
            raise OwnKeyError(OwnKeyFault.DEVICE, "told to")

    with findings.open_log(tmp_path) as log:
        log.signers = (Refusing(),)  # type: ignore[assignment]  # a device in place of a key
        with pytest.raises(LogUnavailableError) as caught:
            findings.make(log)
    assert caught.value.reason is Unavailable.SIGNER


def test_too_much_for_one_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a file takes is refused, never cut in silence; so are more entries than were asked for."""
    with findings.open_log(tmp_path) as log:
        monkeypatch.setattr(making, "MAX_ENTRIES_FILE", 100)
        with pytest.raises(LogUnavailableError) as caught:
            findings.make(log)
        assert caught.value.reason is Unavailable.UNUSABLE
        monkeypatch.setattr(making, "MAX_ENTRIES", 2)
        with pytest.raises(ValueError, match="got 3"):
            findings.make(log)


def test_garbage_raises_only_our_error(closed: bytes) -> None:
    """A manifest or a line that is none is refused with our own error."""
    files = parse_package(closed)
    for data in (b"", b"{}", b"\xff", files[FINDING_FILE] + b" ", bytes(100_000)):
        with pytest.raises(MalformedLogDataError):
            parse_finding(data)
        with pytest.raises(MalformedLogDataError):
            parse_entry(data)
    with pytest.raises(NoPolicyError):
        verify_finding(PackageSource({}))
    assert json.loads(files[FINDING_FILE])["log"] == parse_checkpoint(files["checkpoint"]).checkpoint.origin
    assert encode_policy(POLICY) == files["trust.policy"]
