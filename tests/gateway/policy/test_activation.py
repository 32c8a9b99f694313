"""Putting a policy in force: what comes at once, what waits, and what never does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.policy import activation, in_force
from gateway.policy.activation import PolicyInForce, Settled, Standing, Validity, settle, settled_by
from gateway.policy.approval import Refusal, approval_file, count_approvals, parse_approvals
from gateway.policy.in_force import StateError, StateFault
from gateway.policy.moment import china_day
from gateway.policy.policy_site import PolicySite, SiteFaultsError, read_written
from gateway.trust.files import locked
from keys.canonical_json import encode_canonical
from tests.support.policy import changed, small_policy
from tests.support.policy_site import NOW, Bureau, narrow_policy, wide_policy, write_approver


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau(tmp_path)


def settle_now(bureau: Bureau) -> Settled:
    return bureau.settle()


def begin(bureau: Bureau) -> Settled:
    """Put the small policy in force."""
    bureau.approve("chen", "li")
    return settle_now(bureau)


def test_the_first_policy_waits(bureau: Bureau) -> None:
    """Where nothing was in force everything is a widening: two people approve it, and then it comes into force."""
    settled = settle_now(bureau)
    assert (settled.in_force, settled.standing) == (None, Standing.WAITS_FOR_APPROVAL)
    bureau.approve("chen")
    assert settle_now(bureau).standing is Standing.WAITS_FOR_APPROVAL
    bureau.approve("li")
    settled = settle_now(bureau)
    assert settled.standing is Standing.IN_FORCE
    assert settled.in_force is not None
    assert settled.pointer is not None
    assert settled.pointer.approvers == ("chen", "li")
    assert settled.pointer.previous is None
    assert bureau.site.archive.bundle(settled.in_force.digest) == settled.in_force.bundle


def test_settling_again_changes_nothing(bureau: Bureau) -> None:
    """Whoever comes second finds the same in force, and writes nothing."""
    first = begin(bureau)
    bureau.now += timedelta(hours=1)
    second = settle_now(bureau)
    assert second.pointer == first.pointer
    assert second.standing is Standing.IN_FORCE


def test_what_narrows_comes_at_once(bureau: Bureau) -> None:
    """A version that widens nothing needs nobody's approval."""
    first = begin(bureau)
    bureau.write(narrow_policy())
    settled = settle_now(bureau)
    assert settled.standing is Standing.IN_FORCE
    assert settled.pointer is not None
    assert first.in_force is not None
    assert settled.pointer.previous == first.in_force.digest
    assert settled.pointer.approvers == ()


def test_what_widens_waits(bureau: Bureau) -> None:
    """A version that widens waits, and what is in force stays until enough people have approved it."""
    first = begin(bureau)
    bureau.write(wide_policy())
    settled = settle_now(bureau)
    assert settled.standing is Standing.WAITS_FOR_APPROVAL
    assert settled.pointer == first.pointer
    bureau.approve("zhao", "chen")
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_an_approval_is_spent(bureau: Bureau) -> None:
    """After going back, the same widening needs new approvals: those of the first time were for the first time."""
    begin(bureau)
    bureau.write(wide_policy())
    bureau.approve("chen", "li")
    bureau.now += timedelta(seconds=1)
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.now += timedelta(seconds=1)
    bureau.write(small_policy())
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.write(wide_policy())
    settled = settle_now(bureau)
    assert settled.standing is Standing.WAITS_FOR_APPROVAL
    assert settled.proposal is not None
    assert [one.refusal for one in settled.proposal.counted] == [Refusal.TOO_OLD, Refusal.TOO_OLD]
    bureau.approve("chen", "li")
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_an_approval_is_for_one_change(bureau: Bureau) -> None:
    """An approval given while another version was in force is for another change."""
    begin(bureau)
    bureau.write(wide_policy())
    bureau.approve("chen")
    bureau.write(narrow_policy())
    bureau.now += timedelta(seconds=1)
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.write(wide_policy())
    settled = settle_now(bureau)
    assert settled.proposal is not None
    assert [one.refusal for one in settled.proposal.counted] == [Refusal.OTHER_CHANGE]


def test_signing_twice_is_once(bureau: Bureau) -> None:
    """The same person's second signature takes the place of the first."""
    proposal = bureau.approve("chen", "chen")
    assert proposal.approvers == ("chen",)
    assert len(proposal.approvals) == 1


def test_more_approvals(bureau: Bureau) -> None:
    """The settings may ask for more than two."""
    bureau.site = PolicySite(bureau.folder, 3)
    bureau.approve("chen", "li")
    assert settle_now(bureau).standing is Standing.WAITS_FOR_APPROVAL
    bureau.approve("zhao")
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_who_leaves_counts_no_more(bureau: Bureau) -> None:
    """An approver whose file is taken away no longer counts for what waits."""
    bureau.approve("chen", "li")
    (bureau.folder / "approvers" / "li.toml").unlink()
    settled = settle_now(bureau)
    assert settled.standing is Standing.WAITS_FOR_APPROVAL
    assert settled.proposal is not None
    assert settled.proposal.counted[1].refusal is Refusal.UNKNOWN_APPROVER


def test_one_key_under_two_names_stops_everything(bureau: Bureau) -> None:
    """While one key stands under two names nothing comes into force."""
    write_approver(bureau.folder / "approvers", "wu", bureau.signers["chen"])
    with pytest.raises(SiteFaultsError, match="a key that no other approver has"):
        settle_now(bureau)


def test_broken_approvals_are_a_fault(bureau: Bureau) -> None:
    """A file of approvals that cannot be read is named, not passed over."""
    digest = bureau.approve("chen").draft.digest
    approval_file(bureau.site.policies, digest).write_bytes(b"{}")
    with pytest.raises(SiteFaultsError, match="policies/approvals/"):
        settle_now(bureau)


def test_a_version_waits_for_its_day(bureau: Bureau) -> None:
    """An approved version whose period has not begun in China comes into force on its first day."""
    begin(bureau)
    files = changed("catalogue.toml", 'valid_from = "2026-01-01"', 'valid_from = "2026-06-03"', files=narrow_policy())
    bureau.write(files)
    assert settle_now(bureau).standing is Standing.WAITS_FOR_DAY
    bureau.now = bureau.now.replace(day=2, hour=15, minute=59)
    assert settle_now(bureau).standing is Standing.WAITS_FOR_DAY
    bureau.now = bureau.now.replace(hour=16, minute=0)  # midnight in China
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_what_has_ended_never_comes(bureau: Bureau) -> None:
    """A version whose period is over does not take the place of one that decides."""
    first = begin(bureau)
    files = changed("catalogue.toml", 'valid_to = "2028-01-01"', 'valid_to = "2026-05-01"', files=narrow_policy())
    bureau.write(files)
    settled = settle_now(bureau)
    assert settled.standing is Standing.ENDED
    assert settled.pointer == first.pointer


def test_validity(bureau: Bureau) -> None:
    """A policy decides from its first day to before its last, with the forms of this program only."""
    policy = begin(bureau).in_force
    assert policy is not None
    day = china_day(bureau.now)
    assert policy.validity(day) is Validity.APPLIES
    assert policy.validity(day.replace(year=2025)) is Validity.NOT_YET
    assert policy.validity(day.replace(year=2027, month=12, day=31)) is Validity.APPLIES
    assert policy.validity(day.replace(year=2028, month=1, day=1)) is Validity.ENDED
    other = msgspec.structs.replace(policy.bundle, forms="forms-0")
    old = PolicyInForce(bundle=other, engine=policy.engine, digest=policy.digest)
    assert old.validity(day) is Validity.OTHER_FORMS


def test_an_approval_from_a_clock_that_is_ahead_is_spent(bureau: Bureau) -> None:
    """An approval dated some minutes ahead, as clocks allow, is used up all the same when its version comes."""
    begin(bureau)
    bureau.write(wide_policy())
    present = bureau.now
    bureau.now = present + timedelta(minutes=4)
    bureau.approve("chen", "li")
    bureau.now = present + timedelta(seconds=2)
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.now += timedelta(seconds=20)
    bureau.write(small_policy())
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.now += timedelta(seconds=20)
    bureau.write(wide_policy())
    settled = settle_now(bureau)
    assert settled.standing is Standing.WAITS_FOR_APPROVAL
    assert settled.proposal is not None
    assert [one.refusal for one in settled.proposal.counted] == [Refusal.TOO_OLD, Refusal.TOO_OLD]


def test_after_a_clock_that_was_ahead(bureau: Bureau) -> None:
    """Where a version came into force by a clock of another year, new approvals count, and are used up as ever."""
    begin(bureau)
    present, bureau.now = bureau.now, bureau.now.replace(year=2027)
    bureau.write(narrow_policy())
    settle_now(bureau)
    bureau.now = present + timedelta(minutes=1)
    bureau.write(small_policy())
    bureau.approve("chen", "li")
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.write(narrow_policy())
    assert settle_now(bureau).standing is Standing.IN_FORCE
    bureau.write(small_policy())
    settled = settle_now(bureau)
    assert settled.standing is Standing.WAITS_FOR_APPROVAL
    assert settled.proposal is not None
    assert {one.refusal for one in settled.proposal.counted} == {Refusal.TOO_OLD}


def test_what_was_read_before_takes_no_effect(bureau: Bureau) -> None:
    """A version that was read before the files, the approvals or what is in force changed is not put in force."""
    begin(bureau)
    bureau.write(narrow_policy())
    before = read_written(bureau.site)
    bureau.write(wide_policy())
    bureau.approve("chen", "li")
    for change in (lambda: None, lambda: settle_now(bureau)):
        change()
        pointer = bureau.site.archive.pointer()
        settled = settle(bureau.site, before, at=bureau.now)
        assert (settled.standing, settled.pointer) == (Standing.READY, pointer)
        assert bureau.site.archive.pointer() == pointer


def test_another_was_quicker(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process puts in force between comparing and locking is not overwritten."""
    begin(bureau)
    bureau.write(narrow_policy())
    first = read_written(bureau.site)
    whole = activation.locked

    @contextmanager
    def late(folder: Path, *, tries: int) -> Iterator[None]:
        monkeypatch.setattr(activation, "locked", whole)
        bureau.now += timedelta(seconds=1)
        assert settle_now(bureau).standing is Standing.IN_FORCE
        with whole(folder, tries=tries):
            yield

    monkeypatch.setattr(activation, "locked", late)
    settled = settle(bureau.site, first, at=NOW)
    pointer = bureau.site.archive.pointer()
    assert pointer is not None
    assert pointer.since == bureau.now
    assert (settled.standing, settled.pointer) == (Standing.IN_FORCE, pointer)
    assert len((bureau.site.archive.folder / "activations.jsonl").read_bytes().splitlines()) == 2


def test_nothing_comes_into_force_without_the_lock(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the lock nothing is written, and nobody waits for it for ever."""
    first = begin(bureau)
    monkeypatch.setattr("gateway.trust.files.time.sleep", lambda _: None)
    bureau.write(narrow_policy())
    with locked(bureau.site.archive.folder), pytest.raises(OSError, match="somebody else holds the lock"):
        settle_now(bureau)
    assert bureau.site.archive.pointer() == first.pointer
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_each_activation_is_a_line(bureau: Bureau) -> None:
    """Whatever comes into force adds a line: in place of what, what it widened, and the signatures of who approved."""
    first = begin(bureau)
    bureau.write(narrow_policy())
    second = settle_now(bureau)
    settle_now(bureau)
    assert first.pointer is not None
    assert second.pointer is not None
    assert first.proposal is not None
    lines = [json.loads(line) for line in (bureau.site.archive.folder / "activations.jsonl").read_bytes().splitlines()]
    assert [(one["bundle"], one["previous"]) for one in lines] == [
        (first.pointer.digest, None),
        (second.pointer.digest, first.pointer.digest),
    ]
    assert lines[0]["widening"] == first.proposal.change.widening
    assert lines[0]["widening_lines"] == len(first.proposal.widening) > 0
    approvals = parse_approvals(encode_canonical({"approvals": lines[0]["approvals"]}))
    counted = count_approvals(approvals, first.proposal.change, bureau.site.approvers(), at=bureau.now)
    assert [(one.approver, one.refusal) for one in counted] == [("chen", None), ("li", None)]
    assert (lines[1]["approvals"], lines[1]["widening_lines"]) == ([], 0)


def test_without_its_line_nothing_comes_into_force(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the line cannot be written what was in force stays."""
    first = begin(bureau)
    bureau.write(narrow_policy())

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(in_force, "append_durably", fail)
    with pytest.raises(OSError, match="No space"):
        settle_now(bureau)
    assert bureau.site.archive.pointer() == first.pointer


def test_a_crash_between_archive_and_pointer(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever write fails, what was in force is in force, and the next try succeeds."""
    first = begin(bureau)
    bureau.write(narrow_policy())
    whole = in_force.replace_file
    for failing in range(2):
        count = iter(range(9))

        def fail(path: Path, data: bytes, failing: int = failing, count=count) -> None:
            if next(count) == failing:
                raise OSError(28, "No space left on device")
            whole(path, data)

        monkeypatch.setattr(in_force, "replace_file", fail)
        with pytest.raises(OSError, match="No space"):
            settle_now(bureau)
        assert bureau.site.archive.pointer() == first.pointer
    monkeypatch.setattr(in_force, "replace_file", whole)
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_a_damaged_state(bureau: Bureau) -> None:
    """A pointer or a bundle that is not as it was written is said, and nothing takes its place."""
    settled = begin(bureau)
    assert settled.in_force is not None
    folder = bureau.site.archive.folder
    pointer = folder / "in-force.json"
    archived = folder / "archive" / f"{settled.in_force.digest.removeprefix('sha256:')}.json"
    bureau.write(narrow_policy())
    for path, spoil, fault in (
        (archived, lambda data: data.replace(b"2026.1", b"2026.2"), StateFault.OTHER),
        (archived, lambda data: data[:-1], StateFault.BUNDLE),
        (archived, None, StateFault.ABSENT),
        (pointer, lambda data: data + b" ", StateFault.POINTER),
    ):
        good = path.read_bytes()
        path.unlink()
        if spoil is not None:
            path.write_bytes(spoil(good))
        with pytest.raises(StateError) as caught:
            settle_now(bureau)
        assert caught.value.fault is fault
        assert caught.value.sentence.zh
        path.write_bytes(good)
    assert settle_now(bureau).standing is Standing.IN_FORCE


def test_forgetting_the_state_shares_nothing(bureau: Bureau) -> None:
    """Without its pointer the gateway shares nothing, however harmless the version is."""
    begin(bureau)
    (bureau.site.archive.folder / "in-force.json").unlink()
    bureau.write(narrow_policy())
    settled = settle_now(bureau)
    assert (settled.in_force, settled.standing) == (None, Standing.WAITS_FOR_APPROVAL)


def test_looking_changes_nothing(bureau: Bureau) -> None:
    """Asking how things stand says what a gateway would do, and does not do it."""
    proposal = bureau.approve("chen", "li")
    settled = settled_by(bureau.site, proposal, at=bureau.now)
    assert (settled.in_force, settled.standing) == (None, Standing.READY)
    assert bureau.site.archive.pointer() is None
