"""How lists follow each other: what a delivery cannot do, what an approval is for, what a publisher leaves."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.trust import publishing as trust_publishing
from gateway.trust.approval import is_approved, make_approval, select_approvers
from gateway.trust.layout import ARCHIVE_FOLDER, HELD_FOLDER, LISTS_FOLDER
from gateway.trust.lists import TrustReading, read_trust
from gateway.trust.publishing import publish
from gateway.trust.sentences import ListProblem
from keys.errors import TrustListFault, UntrustedListError
from keys.trust_list import TrustList, encode_trust_list
from tests.support import pki
from tests.support.trust_folder import NAME, archive, published, put, write_folder
from tests.support.trust_lists import ENTRIES, KEEPERS, keeper, keys_of, make_list, next_list, signed

A, B, C = KEEPERS
ONE = signed(make_list())
STRANGER = replace(ENTRIES[0], certificate=pki.make_root("Stranger CA").certificate)
MANY = tuple(replace(ENTRIES[0], certificate=pki.make_root(f"CA {number}").certificate) for number in range(12))
NEW_KEYS = tuple(keeper(name) for name in "xyz")
HUGE = 2**53 - 1


def read(folder: Path, present: Mapping[str, TrustList] | None = None) -> TrustReading:
    return read_trust(folder, at=pki.NOW, present=present)


def problems(reading: TrustReading) -> list[str]:
    return [finding.problem for finding in reading.findings]


def versions(reading: TrustReading) -> list[int]:
    return [one.version for one in reading.state.lists]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "trust")


@pytest.mark.parametrize(
    ("delivered", "problem"),
    [
        (replace(ONE, version=HUGE, signatures=()), TrustListFault.TOO_FEW_SIGNATURES),
        (signed(replace(ONE, version=HUGE)), TrustListFault.GAP),
    ],
)
def test_a_far_version_costs_nothing(folder: Path, delivered: TrustList, problem: TrustListFault) -> None:
    """Signatures come first, and the versions that are missing are counted, never walked through."""
    put(folder, delivered)
    assert problems(read(folder, {NAME: ONE})) == [problem]


def test_retired_root_keys_cannot_jump_over_the_archive(folder: Path) -> None:
    """A version far beyond the archive is a gap, also where the root keys of old signed it."""
    two = signed(next_list(ONE, signers=keys_of(*NEW_KEYS)), A, B, *NEW_KEYS[:2])
    published(folder, ONE)
    published(folder, two, by=C)
    put(folder, signed(make_list(STRANGER, version=100, previous="0" * 64)))
    assert problems(read(folder)) == [TrustListFault.GAP]


def test_the_archive_has_the_version_in_force(folder: Path) -> None:
    """A single step back is seen without any memory, since what was published is archived at once."""
    two = signed(next_list(ONE))
    three = signed(next_list(two))
    published(folder, ONE, two, three)
    place = folder / LISTS_FOLDER / f"{NAME}.json"
    place.write_bytes((folder / ARCHIVE_FOLDER / f"{NAME}.2.json").read_bytes())
    assert problems(read(folder)) == [ListProblem.OLDER_THAN_ARCHIVE]
    put(folder, signed(next_list(two, expires=two.expires.replace(microsecond=0) - (two.expires - two.issued) / 2)))
    assert problems(read(folder)) == [TrustListFault.EQUIVOCATION]


def test_a_copy_over_a_published_list_is_held_at_the_first_start_too(folder: Path) -> None:
    """The archive alone says what was in force, so that a start without a memory compares with it."""
    published(folder, ONE)
    put(folder, signed(next_list(ONE, anchors=(STRANGER,))))
    reading = read(folder)
    assert (problems(reading), versions(reading)) == ([ListProblem.HELD], [1])


def test_what_was_published_is_not_held_again_without_a_memory(folder: Path) -> None:
    """A smaller ``max_change`` of later is no reason to go back to the version before."""
    published(folder, ONE, signed(next_list(ONE, anchors=(STRANGER,))))
    reading = read(folder)
    assert (reading.findings, versions(reading)) == ((), [2])


def test_signers_cannot_approve_their_own_change() -> None:
    """A candidate that gives the third key's id to a key of its makers is refused, and does not count as its word."""
    impostor = keeper("c")
    two = signed(next_list(ONE, anchors=(STRANGER,), signers=keys_of(A, B, impostor)), A, B, impostor)
    assert [key.public_key for key in select_approvers(ONE, two)] == [C.entry.public_key]
    assert not is_approved(make_approval(two, A.entry, A.key), in_force=ONE, candidate=two)


def test_publishing_refuses_an_id_that_passes_to_another_key(folder: Path) -> None:
    """Nothing is asked of an approver for a list that mixes up who is who."""
    impostor = keeper("c")
    two = signed(next_list(ONE, signers=keys_of(A, B, impostor)), A, B, impostor)
    published(folder, ONE)
    with pytest.raises(UntrustedListError) as caught:
        published(folder, two, by=A)
    assert caught.value.fault is TrustListFault.KEY_ID_REUSED


def test_all_workers_arrive_at_the_same_version(folder: Path) -> None:
    """Each step is measured by itself and has an approval of its own, whoever looked between two publications."""
    one = signed(make_list(*MANY[:10]))
    two = signed(next_list(one, anchors=MANY[3:10]))
    three = signed(next_list(two, anchors=MANY[4:10]))
    published(folder, one)
    published(folder, two, by=C, max_change=0.2)
    between = read(folder, {NAME: one}).state.by_name
    published(folder, three, max_change=0.2)
    for present in ({NAME: one}, between):
        reading = read(folder, present)
        assert (reading.findings, versions(reading)) == ((), [3])


def test_a_step_that_nobody_approved_holds_what_follows(folder: Path) -> None:
    """Of several missed versions the last one before the held step is in force, and the held one is shown."""
    two = signed(next_list(ONE))
    three = signed(next_list(two, anchors=(STRANGER,)))
    archive(folder, two)
    archive(folder, three)
    put(folder, signed(next_list(three)))
    reading = read(folder, {NAME: ONE})
    assert (problems(reading), versions(reading)) == ([ListProblem.HELD], [2])
    assert [held.candidate.version for held in reading.state.held] == [3]


def test_a_held_copy_is_let_go_as_the_advice_says(folder: Path) -> None:
    """Publishing a held file with an approval writes the approval; publishing on top of it is refused."""
    published(folder, ONE)
    two = signed(next_list(ONE, anchors=(STRANGER,)))
    put(folder, two)
    with pytest.raises(UntrustedListError) as caught:
        published(folder, signed(next_list(two)), max_change=0.2)
    assert caught.value.fault is TrustListFault.GAP
    done = published(folder, two, max_change=0.2, by=C)
    assert (done.is_held, done.previous and done.previous.version) == (False, 1)
    reading = read(folder, {NAME: ONE})
    assert (reading.findings, versions(reading)) == ((), [2])


@pytest.mark.parametrize("writes", range(4))
def test_a_publisher_may_stop_anywhere(folder: Path, writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any write of an approved publication leaves the old version or the new one, and a second try."""
    lists = [signed(make_list(*MANY[:4]))]
    lists.append(signed(next_list(lists[0], anchors=MANY[4:8])))
    lists.append(signed(next_list(lists[1], anchors=MANY[8:])))
    published(folder, lists[0])
    published(folder, lists[1], max_change=0.2, by=C)
    left = iter(range(writes))
    write = trust_publishing.replace_file

    def write_some(path: Path, data: bytes) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(trust_publishing, "replace_file", write_some)
    with pytest.raises(OSError, match="No space"):
        published(folder, lists[2], max_change=0.2, by=C)
    monkeypatch.undo()
    for present in (None, {NAME: lists[1]}):
        reading = read(folder, present)
        assert (reading.faults, versions(reading)) == ((), [3 if writes == 3 else 2])
    assert not published(folder, lists[2], max_change=0.2, by=C).is_held
    assert versions(read(folder)) == [3]


def test_a_file_without_its_signatures_is_refused_while_the_gateway_runs(folder: Path) -> None:
    """The digest leaves the signatures out, so they are verified also where it is that of the list in force."""
    put(folder, replace(ONE, signatures=()))
    reading = read(folder, {NAME: ONE})
    assert problems(reading) == [TrustListFault.TOO_FEW_SIGNATURES]
    assert reading.faults


@pytest.mark.parametrize(
    ("keys", "signers", "is_held"),
    [
        (keys_of(A, B, C, threshold=1), (A, B), True),
        (keys_of(*NEW_KEYS), (A, B, *NEW_KEYS), True),
        (keys_of(NEW_KEYS[0], threshold=1), (A, B, NEW_KEYS[0]), True),
        (keys_of(A, B, NEW_KEYS[0]), (A, B), False),
        (keys_of(A, B, C, threshold=3), (A, B, C), False),
    ],
)
def test_fewer_or_other_signers_take_an_approval(folder: Path, keys, signers, is_held: bool) -> None:  # noqa: FBT001 - a table
    """A lower threshold, or most keys replaced, is held however few entries change and however much may change."""
    published(folder, ONE)
    two = signed(next_list(ONE, signers=keys), *signers)
    done = publish(encode_trust_list(two), folder, at=pki.NOW, max_change=1.0)
    assert done.is_held is is_held
    reading = read(folder)
    assert versions(reading) == [1 if is_held else 2]
    assert all(finding.file == f"{HELD_FOLDER}/{NAME}.json" for finding in reading.findings)
    assert all(held.change.loosens for held in reading.state.held)


def test_a_folder_in_place_of_a_list_is_closed_again(folder: Path) -> None:
    """What cannot be read as a file leaves nothing open."""
    (folder / LISTS_FOLDER / f"{NAME}.json").mkdir(parents=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert problems(read(folder)) == [ListProblem.UNREADABLE]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_garbage_in_an_approval_is_no_approval(folder: Path) -> None:
    """Whatever stands in the place of base64, nothing but an answer comes out."""
    published(folder, ONE)
    two = signed(next_list(ONE, anchors=(STRANGER,)))
    put(folder, two)
    good = make_approval(two, C.entry, C.key)
    signature = good.split(b'"signature":"')[1].split(b'"')[0]
    approval = folder / LISTS_FOLDER / f"{NAME}.2.approval"
    for bad in ("é".encode(), b"\\ud800", b"", b"A"):
        approval.write_bytes(good.replace(signature, bad))
        assert not is_approved(approval.read_bytes(), in_force=ONE, candidate=two)
        assert problems(read(folder)) == [ListProblem.APPROVAL_REFUSED, ListProblem.HELD]
    approval.write_bytes(good)
    assert versions(read(folder)) == [2]


def test_a_name_of_a_file_in_another_encoding_can_be_said(folder: Path) -> None:
    """A finding is text that can be written, whatever bytes a file is called."""
    (folder / LISTS_FOLDER).mkdir()
    for place in (folder, folder / LISTS_FOLDER):
        (place / os.fsdecode(b"\xff\xfe.json")).write_bytes(b"x")
    assert [finding.file for finding in read(folder).faults] == [r"\xff\xfe.json", r"lists/\xff\xfe.json"]


def test_a_hole_in_the_archive_brings_no_retired_keys_back(folder: Path) -> None:
    """Where the archive does not lead to the present keys, nobody knows who may sign, the root keys included."""
    two = signed(next_list(ONE, signers=keys_of(*NEW_KEYS)), A, B, *NEW_KEYS[:2])
    three = signed(next_list(two), *NEW_KEYS[:2])
    for one in (ONE, three):
        archive(folder, one)
    put(folder, three)
    assert problems(read(folder)) == [TrustListFault.GAP]
    for previous in ("0" * 64, three.digest):
        put(folder, signed(make_list(STRANGER, version=4, previous=previous)))
        reading = read(folder)
        assert (problems(reading), versions(reading)) == ([TrustListFault.GAP], [])
    archive(folder, two)
    assert problems(read(folder)) == [TrustListFault.TOO_FEW_OLD_SIGNATURES]
    put(folder, three)
    assert (problems(read(folder)), versions(read(folder))) == ([], [3])
    (folder / ARCHIVE_FOLDER / f"{NAME}.1.json").unlink()  # the root keys signed the second, too
    assert (problems(read(folder)), versions(read(folder))) == ([], [3])
    (folder / ARCHIVE_FOLDER / f"{NAME}.2.json").unlink()
    assert problems(read(folder)) == [TrustListFault.GAP]


def test_present_keys_as_root_keys_need_no_older_archive(folder: Path) -> None:
    """When the present keys stand in the place of the root keys, versions before them are not asked for."""
    two = signed(next_list(ONE, signers=keys_of(*NEW_KEYS)), A, B, *NEW_KEYS[:2])
    three = signed(next_list(two), *NEW_KEYS[:2])
    write_folder(folder, roots=keys_of(*NEW_KEYS))
    archive(folder, two)
    archive(folder, three)
    put(folder, three)
    assert versions(read(folder)) == [3]
    put(folder, signed(next_list(three), *NEW_KEYS[:2]))
    assert versions(read(folder)) == [4]


@pytest.mark.parametrize(
    ("dates", "fault"),
    [
        ({"issued": pki.NOW + timedelta(seconds=30)}, TrustListFault.NOT_YET_ISSUED),
        ({"issued": ONE.issued, "expires": pki.NOW - timedelta(hours=1)}, TrustListFault.EXPIRED),
    ],
)
def test_a_first_start_takes_the_archived_version_while_the_next_is_untimely(folder: Path, dates, fault) -> None:
    """Without a memory, the last good version that the archive has counts, as it does in a gateway that runs."""
    published(folder, ONE)
    put(folder, signed(next_list(ONE, **dates)))
    for present in (None, {NAME: ONE}):
        reading = read(folder, present)
        assert (problems(reading), versions(reading), reading.faults) == ([fault], [1], ())
        assert len(reading.state.store_at(pki.NOW).anchors) == len(ENTRIES)
