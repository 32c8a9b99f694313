"""The signed lists of a trust folder: what counts, what is refused, what waits, and what an archive is good for."""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.trust.approval import is_approved, make_approval, select_approvers
from gateway.trust.layout import ARCHIVE_FOLDER, HELD_FOLDER, LISTS_FOLDER, ROOTS_FILE
from gateway.trust.lists import TrustReading, read_trust
from gateway.trust.publishing import PublishError, publish, write_roots
from gateway.trust.roots import encode_roots, parse_roots
from gateway.trust.sentences import SENTENCES, ListProblem
from keys.errors import TrustListFault, TrustListFlaw, UntrustedListError
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.trust import Purpose
from keys.trust_list import ListAlgorithm, ListKey, TrustList, encode_trust_list
from tests.support import pki
from tests.support.trust_folder import NAME, archive, published, put, write_folder
from tests.support.trust_lists import DAY, ENTRIES, KEEPERS, keeper, keys_of, make_list, next_list, signed

MANY = tuple(replace(ENTRIES[0], certificate=pki.make_root(f"CA {number}").certificate) for number in range(10))


def read(folder: Path, **options) -> TrustReading:
    return read_trust(folder, at=pki.NOW, **options)


def problems(reading: TrustReading) -> list[str]:
    return [finding.problem for finding in reading.findings]


def digests(lists: Iterable[TrustList]) -> list[str]:
    """Return what two lists have in common when they say the same, in whatever order they were made."""
    return [one.digest for one in lists]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "trust")


def test_a_folder_without_lists_is_what_it_was(tmp_path: Path) -> None:
    """Certificates in folders go on to count, with no word about lists."""
    (tmp_path / "signers").mkdir()
    (tmp_path / "signers" / "ca.der").write_bytes(pki.make_root().certificate.encoded)
    reading = read(tmp_path)
    assert reading.findings == ()
    assert len(reading.state.store_at(pki.NOW).anchors) == 1


def test_a_list_and_a_folder_add_up(folder: Path) -> None:
    """The store has the anchors of both, and the list's claim to name everybody stays with its own."""
    (folder / "signers").mkdir()
    (folder / "signers" / "ca.der").write_bytes(pki.make_root("Other").certificate.encoded)
    put(folder, signed(make_list()))
    reading = read(folder)
    assert reading.findings == ()
    store = reading.state.store_at(pki.NOW)
    assert len(store.anchors) == 1 + len(ENTRIES)
    assert len(store.select(Purpose.SEAL_MAKER, pki.NOW)) == 2


def test_root_keys_without_a_list_are_worth_a_word(folder: Path) -> None:
    """Before the first version nothing is wrong, and the operator is told what is missing."""
    reading = read(folder)
    assert (problems(reading), reading.faults) == ([ListProblem.MISSING], ())


def test_what_was_published_is_read(folder: Path) -> None:
    """Three versions in a row, each following the last; every one goes to the archive."""
    first = signed(make_list())
    second = signed(next_list(first))
    third = signed(next_list(second))
    assert not published(folder, first, second, third).is_held
    reading = read(folder, max_change=1e9)
    assert (reading.findings, digests(reading.state.lists)) == ((), [third.digest])
    archived = sorted(path.name for path in (folder / ARCHIVE_FOLDER).iterdir())
    assert archived == [f"{NAME}.{version}.json" for version in (1, 2, 3)]


def test_keys_that_were_changed_are_reached_through_the_archive(folder: Path) -> None:
    """Root keys that signed the first version only lead to a present list of other keys, over the versions between."""
    others = (keeper("x"), keeper("y", ListAlgorithm.ED25519), keeper("z", ListAlgorithm.P256))
    first = signed(make_list())
    second = signed(next_list(first, signers=keys_of(*others)), *KEEPERS[:2], *others[:2])
    third = signed(next_list(second), *others[:2])
    published(folder, first)
    published(folder, second, by=KEEPERS[2])
    published(folder, third)
    assert digests(read(folder).state.lists) == [third.digest]
    (folder / ARCHIVE_FOLDER / f"{NAME}.2.json").unlink()
    assert problems(read(folder)) == [TrustListFault.GAP]
    write_roots(folder, NAME, keys_of(*others))
    assert read(folder).findings == ()


def test_an_expired_list_counts_for_nothing_and_is_said(folder: Path) -> None:
    """A gateway that starts after the expiry starts, and trusts nobody because of that list."""
    one = signed(make_list())
    put(folder, one)
    reading = read_trust(folder, at=one.expires)
    assert (problems(reading), reading.faults) == ([ListProblem.NOT_IN_FORCE], ())
    assert reading.state.store_at(one.expires).anchors == ()
    assert len(reading.state.store_at(one.expires - timedelta(seconds=1)).anchors) == len(ENTRIES)


def test_a_list_of_tomorrow_does_not_replace_the_present_one(folder: Path) -> None:
    """With a list in force, one whose time has not come is refused and not put in its place."""
    one = signed(make_list())
    put(folder, one)
    present = read(folder).state.by_name
    two = signed(next_list(one, issued=pki.NOW + DAY))
    put(folder, two)
    reading = read(folder, present=present)
    assert (problems(reading), reading.faults) == ([TrustListFault.NOT_YET_ISSUED], ())
    assert (digests(reading.state.lists), digests(reading.state.waiting)) == ([one.digest], [two.digest])


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda one: one, TrustListFault.ROLLBACK),
        (lambda one: signed(replace(one, version=2, expires=one.expires + DAY)), TrustListFault.EQUIVOCATION),
        (lambda one: signed(replace(one, version=4)), TrustListFault.GAP),
        (lambda one: signed(replace(one, version=3, previous="0" * 64)), TrustListFault.WRONG_PREVIOUS),
        (lambda one: signed(replace(one, name="province-34")), ListProblem.WRONG_NAME),
    ],
)
def test_what_does_not_follow_the_present_list_is_refused(folder: Path, made, problem) -> None:
    """A running gateway compares with what it has; the archive is not asked."""
    first = signed(make_list())
    second = signed(next_list(first))
    put(folder, second)
    present = read(folder).state.by_name
    put(folder, made(first))
    reading = read(folder, present=present)
    assert problems(reading) == [problem]
    assert reading.faults


def test_versions_that_were_missed_are_taken_from_the_archive(folder: Path) -> None:
    """Two versions published between two looks are followed one by one."""
    first = signed(make_list())
    second = signed(next_list(first))
    third = signed(next_list(second))
    put(folder, first)
    present = read(folder).state.by_name
    archive(folder, second)
    put(folder, third)
    reading = read(folder, present=present, max_change=1e9)
    assert (reading.findings, digests(reading.state.lists)) == ((), [third.digest])


def test_an_old_file_that_was_put_back_is_refused_after_a_restart(folder: Path) -> None:
    """The archive remembers what was in force, so that a restart is no way back."""
    first = signed(make_list())
    second = signed(next_list(first))
    published(folder, first, second, signed(next_list(second)))
    put(folder, first)
    assert problems(read(folder)) == [ListProblem.OLDER_THAN_ARCHIVE]


def test_a_publisher_that_stopped_halfway_leaves_a_folder_that_is_read(folder: Path) -> None:
    """The version in force may be in the archive already."""
    one = signed(make_list())
    put(folder, one)
    archive(folder, one)
    assert (read(folder).findings, digests(read(folder).state.lists)) == ((), [one.digest])


def test_a_list_that_vanishes_is_a_fault_whatever_the_root_keys_say(folder: Path) -> None:
    """A folder that was emptied looks like a list that was given up, so it is for the memory alone to say so."""
    path = put(folder, signed(make_list()))
    present = read(folder).state.by_name
    path.unlink()
    assert problems(read(folder, present=present)) == [ListProblem.GONE]
    (folder / ROOTS_FILE).unlink()
    assert problems(read(folder, present=present)) == [ListProblem.GONE]
    assert read(folder, present={}).findings == ()


@pytest.mark.parametrize("present", [True, False])
@pytest.mark.parametrize("entries", [MANY[:7], (*MANY, *ENTRIES)])
def test_a_list_that_changes_much_is_held(folder: Path, entries, present: bool) -> None:  # noqa: FBT001 - a table
    """More than a fifth gone, or new, and the old list stays in force, also over a restart, with the numbers told."""
    first = signed(make_list(*MANY))
    second = signed(next_list(first, anchors=entries))
    put(folder, first)
    before = read(folder).state.by_name if present else None
    archive(folder, first)
    put(folder, second)
    reading = read(folder, present=before)
    assert (problems(reading), reading.faults) == ([ListProblem.HELD], ())
    assert digests(reading.state.lists) == [first.digest]
    (held,) = reading.state.held
    assert digests([held.candidate, held.in_force]) == [second.digest, first.digest]
    assert held.change.share == pytest.approx(0.3)
    assert digests(read(folder, present=before, max_change=0.31).state.lists) == [second.digest]


def test_publishing_holds_and_a_second_person_lets_go(folder: Path) -> None:
    """A held version lies beside the list; the approval of a key that has not signed it puts it in force."""
    third_person = SoftwareSigner.generate(KeyAlgorithm.SM2)
    key = ListKey(id="third", algorithm=ListAlgorithm.SM2, public_key=third_person.public_key)
    keys = replace(keys_of(*KEEPERS[:2]), keys=(*keys_of(*KEEPERS[:2]).keys, key))
    write_folder(folder, roots=keys)
    first = signed(make_list(*MANY, signers=keys))
    second = signed(next_list(first, anchors=MANY[:5]))
    published(folder, first)
    data = encode_trust_list(second)
    held = publish(data, folder, at=pki.NOW)
    assert held.is_held
    assert held.place == folder / HELD_FOLDER / f"{NAME}.json"
    assert held.approvers == (key,)
    assert digests(read(folder).state.lists) == [first.digest]
    assert len(read(folder).state.held) == 1
    done = publish(data, folder, at=pki.NOW, approver=lambda keys: (keys[0], third_person))
    assert not done.is_held
    assert not held.place.exists()
    reading = read(folder)
    assert (reading.findings, digests(reading.state.lists), reading.state.held) == ((), [second.digest], ())
    # an approval is for one version alone
    third = signed(next_list(second, anchors=MANY[5:]))
    put(folder, third)
    assert problems(read(folder)) == [ListProblem.HELD]
    lists = folder / LISTS_FOLDER
    (lists / f"{NAME}.3.approval").write_bytes((lists / f"{NAME}.2.approval").read_bytes())
    assert problems(read(folder)) == [ListProblem.APPROVAL_REFUSED, ListProblem.HELD]


def test_who_may_approve(folder: Path) -> None:
    """Those who have not signed; where everybody has, each of them; the same key under another id is nobody else."""
    assert folder
    first = signed(make_list())
    second = next_list(first, anchors=ENTRIES[:1])
    a, b, c = KEEPERS
    assert [key.id for key in select_approvers(first, signed(second, a, b))] == ["c"]
    assert [key.id for key in select_approvers(first, signed(second, a, b, c))] == ["a", "b", "c"]
    alias = keeper("alias", ListAlgorithm.ED25519, key=c.key)
    renamed = replace(second, signers=keys_of(a, b, alias))
    assert [key.id for key in select_approvers(first, signed(renamed, a, alias))] == ["b"]


def test_an_approval_by_the_wrong_key_or_for_another_list_is_none() -> None:
    """Only an approval of exactly this version, by exactly the key that it names, counts; garbage is no approval."""
    person = SoftwareSigner.generate(KeyAlgorithm.ED25519)
    key = ListKey(id="c", algorithm=ListAlgorithm.ED25519, public_key=person.public_key)
    keys = replace(keys_of(*KEEPERS[:2]), keys=(*keys_of(*KEEPERS[:2]).keys, key))
    first = signed(make_list(signers=keys))
    second = signed(next_list(first))
    good = make_approval(second, key, person)
    assert is_approved(good, in_force=first, candidate=second)
    assert not is_approved(good, in_force=first, candidate=signed(next_list(first, anchors=())))
    stranger = SoftwareSigner.generate(KeyAlgorithm.ED25519)
    assert not is_approved(make_approval(second, key, stranger), in_force=first, candidate=second)
    assert not is_approved(good.replace(b'"key":"c"', b'"key":"a"'), in_force=first, candidate=second)
    for garbage in (b"", b"{}", b"[]", good[:-2], b"\xff", b"[" * 100_000):
        assert not is_approved(garbage, in_force=first, candidate=second)


def test_publishing_refuses_and_leaves_everything_as_it_was(folder: Path) -> None:
    """Going back, skipping, and too few signatures are refused before a byte is written."""
    first = signed(make_list())
    second = signed(next_list(first))
    published(folder, first, second)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for one, fault in (
        (first, TrustListFault.ROLLBACK),
        (next_list(second), TrustListFault.TOO_FEW_SIGNATURES),
        (signed(replace(next_list(second), version=5)), TrustListFault.GAP),
        (signed(next_list(second, issued=pki.NOW - 9 * DAY, expires=pki.NOW - 8 * DAY)), TrustListFault.ROLLBACK),
    ):
        with pytest.raises(UntrustedListError) as caught:
            published(folder, one)
        assert caught.value.fault is fault
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_publishing_takes_root_keys(tmp_path: Path) -> None:
    """A first version without root keys by hand is refused: whoever made it could be anybody."""
    with pytest.raises(PublishError) as caught:
        published(tmp_path / "new", signed(make_list()))
    assert caught.value.finding.problem is ListProblem.NO_ROOTS


def test_one_bad_list_names_itself(folder: Path) -> None:
    """The finding says which file, and in both languages what to do."""
    put(folder, signed(make_list())).write_bytes(b"{}")
    (finding,) = read(folder).findings
    assert (finding.file, finding.problem) == (f"{LISTS_FOLDER}/{NAME}.json", TrustListFlaw.JSON)
    assert finding.sentence
    assert finding.sentence_zh
    assert str(finding).startswith(f"{LISTS_FOLDER}/{NAME}.json: ")


def test_a_pipe_in_place_of_a_list_is_not_waited_for(folder: Path) -> None:
    """Anything but a plain file is refused at once."""
    (folder / LISTS_FOLDER).mkdir()
    os.mkfifo(folder / LISTS_FOLDER / f"{NAME}.json")
    assert problems(read(folder)) == [ListProblem.UNREADABLE]


def test_every_problem_has_its_sentences() -> None:
    """No enum member is without words in either language."""
    for kind in (ListProblem, TrustListFlaw, TrustListFault):
        for member in kind:
            zh, en = SENTENCES[member]
            assert zh.endswith("。")
            assert en


def test_root_keys_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Keys of several lists survive a write, and setting one list's leaves the other's."""
    write_roots(tmp_path, "b", keys_of(*KEEPERS, threshold=3))
    roots = write_roots(tmp_path, "a", keys_of(*KEEPERS[:1], threshold=1))
    data = (tmp_path / ROOTS_FILE).read_bytes()
    assert parse_roots(data) == roots
    assert parse_roots(json.dumps(json.loads(data)).encode()) == roots
    assert set(roots) == {"a", "b"}


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_garbage_is_no_file_of_root_keys(data: bytes) -> None:
    """Whatever the bytes, the answer is a value or a ValueError with words."""
    with pytest.raises(ValueError, match=r"."):
        parse_roots(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"threshold": 2', b'"threshold": 4'),
        (b'"threshold": 2', b'"threshold": 0'),
        (b'"id": "b"', b'"id": "a"'),
        (b"tongban-trust-roots/1", b"tongban-trust-roots/2"),
        (b'"name": "province-37"', b'"name": "../37"'),
        (b'"algorithm": "ed25519"', b'"algorithm": "sm2"'),
    ],
)
def test_root_keys_that_contradict_themselves_are_refused(old: bytes, new: bytes) -> None:
    """A threshold that cannot be met, an id twice, a name that leads elsewhere: none is taken."""
    data = encode_roots({NAME: keys_of(*KEEPERS)})
    assert old in data
    with pytest.raises(ValueError, match=r"."):
        parse_roots(data.replace(old, new))


def test_a_store_says_until_when_its_lists_stay_as_they_are(folder: Path) -> None:
    """Its end is the next moment at which the time of a list ends or comes; without lists there is none."""
    one = make_list(expires=pki.NOW + timedelta(hours=2))
    published(folder, signed(one))
    soon = pki.NOW + timedelta(hours=1)
    state = read(folder).state
    assert (state.store_at(pki.NOW).until, state.store_at(one.expires).until) == (one.expires, None)
    put(folder, signed(next_list(signed(one), issued=soon, expires=soon + timedelta(days=9))))
    state = read(folder).state
    assert (state.store_at(pki.NOW).until, state.store_at(soon).until) == (soon, one.expires)
