"""Sealing anew: what a lawful deletion changes, and what it does not hide."""

import asyncio
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gateway.audit.entry import SubjectId
from gateway.audit.forgetting import one_shard, retention
from gateway.audit.forgetting.retention import retain
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS, Retention
from gateway.audit.forgetting.shred import shred
from gateway.audit.forgetting.shred_approval import ShredOrder
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.seal import reseal
from gateway.audit.seal.check import IndexFault
from gateway.audit.seal.reseal import Resealed
from gateway.audit.seal.sealed import find_sealed_days, find_seals
from gateway.audit.shard import site_origin
from gateway.audit.store import sqlite_file
from tests.gateway.audit.forgetting.shards import OneShard
from tests.gateway.audit.forgetting.test_shred import APPROVERS, approve
from tests.gateway.audit.seal import sealing
from tests.gateway.audit.seal.sealing import DAY, MIDNIGHT, SealedLog, subject_word
from tests.support.audit import ORIGIN, make_draft, verify_log


class DiedError(Exception):
    """The process ended between two steps."""


def die(*_: object) -> None:
    raise DiedError


def forget(log: AccessLog, number: int) -> None:
    order = order_of(number)
    approvals = [approve(name, order, at=sealing.moment(MIDNIGHT)) for name in "ab"]
    asyncio.run(shred(OneShard(log), order, approvals, APPROVERS, at=sealing.moment(MIDNIGHT)))


def order_of(number: int) -> ShredOrder:
    private = make_draft(number).private
    assert private is not None
    return ShredOrder(log=site_origin(ORIGIN), subject=SubjectId(private.subjects[0]), basis="PIPL-47")


def test_a_forgotten_person_changes_the_seals_of_all_days(sealed: SealedLog, tmp_path: Path) -> None:
    """Every day is sealed anew, so nobody learns which of them were concerned; the earlier seals lose their salts."""
    forget(sealed.log, 4)  # entry 5, on the second day
    assert [(entry, more.more["action"]) for entry, more in find_seals(sealed.log)] == [
        *((12, "reseal"), (11, "reseal"), (8, "day"), (7, "day"))
    ]
    said = parse_leaf(sealed.log.leaf(12)).content.more
    assert (said["first"], said["next"], said["previous"]) == (5, 7, "10")
    assert sealing.check(sealed.log).findings == ()
    assert [sealed.log.private(entry) is None for entry in (7, 8, 11, 12)] == [True, True, False, False]
    assert sealing.chain_faults(sealed.log, tmp_path / "out") == []
    forget(sealed.log, 2)  # entries 2 and 6: both days
    assert [one.seal for one in find_sealed_days(sealed.log)[0]] == [14, 15]
    assert sealing.check(sealed.log).findings == ()
    assert sealing.chain_faults(sealed.log, tmp_path / "out") == []
    assert verify_log(sealed.log) == 16


def test_a_deletion_that_is_done_again_tells_no_days(log: SealedLog) -> None:
    """Also where it was cut short behind its seals, all days are sealed anew."""
    with patch.object(log.log.store, "replace_privates", die), pytest.raises(DiedError):
        forget(log.log, 4)
    forget(log.log, 4)
    said = [(more.more["previous"], more.more["first"]) for _, more in find_seals(log.log) if "previous" in more.more]
    assert said == [("13", 5), ("13", 0), ("10", 5), ("10", 0)]
    assert sealing.check(log.log).findings == ()


def test_a_licence_that_is_named_meanwhile_has_its_days_sealed_anew(
    log: SealedLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An entry that comes while a person is forgotten may name a licence of earlier days: no day differs then."""
    real, draft = one_shard.reseal_days, make_draft(4)
    assert draft.private is not None
    late = replace(draft, private=replace(draft.private, licence="asked for in vain"))
    sealing.append(log.log, [replace(late, private=replace(draft.private, licence="asked for in vain", subjects=()))])
    log.clock.now += DAY
    sealing.seal(log.log, log.clock.now)

    async def come_in_between(*args: Any, **more: Any) -> Resealed:
        done = await real(*args, **more)
        monkeypatch.setattr(one_shard, "reseal_days", real)
        await log.log.append(late)
        return done

    monkeypatch.setattr(one_shard, "reseal_days", come_in_between)
    forget(log.log, 4)
    opened = [log.log.private(entry) for entry in (5, 10, 16)]
    assert [one is not None and one.subject_erased for one in opened] == [True] * 3
    assert sealing.check(log.log).findings == ()
    assert sealing.chain_faults(log.log, tmp_path / "out") == []


def test_a_deletion_does_not_hide_a_dropped_row(log: SealedLog) -> None:
    """A day whose index was damaged before is not sealed anew, and stays different."""
    log.drop(subject_word(2), 6)
    forget(log.log, 4)
    assert sealing.faults(sealing.check(log.log)) == {(IndexFault.DAY, 8), (IndexFault.ROWS, 6)}


@pytest.mark.parametrize("step", ["_plan", "salts", "nothing erased", "half erased"])
def test_a_deletion_that_was_cut_short_is_done_again(log: SealedLog, step: str, tmp_path: Path) -> None:
    """Wherever it dies, the same command makes the index what the seals say."""
    store = log.log.store

    target = {
        "_plan": (reseal, "_plan"),
        "salts": (one_shard, "erase_salts"),
        "nothing erased": (store, "replace_privates"),
        "half erased": (log.log.keys, "erase"),
    }[step]
    with patch.object(*target, die), pytest.raises(DiedError):
        forget(log.log, 2)
    forget(log.log, 2)
    assert sealing.check(log.log).findings == ()
    assert sealing.chain_faults(log.log, tmp_path / "out") == []
    latest, replaced = find_sealed_days(log.log)
    assert all(log.log.private(entry) is None for entry in replaced)
    assert all(log.log.private(one.seal) is not None for one in latest)


def retain_all(log: SealedLog) -> Resealed:
    return asyncio.run(retain(log.log, Retention(), at=sealing.moment(log.clock.now))).resealed


@pytest.mark.parametrize("step", ["nothing", "rows", "all"])
def test_a_deletion_between_another_that_was_cut_short(log: SealedLog, step: str) -> None:
    """Retention that dies before or behind its deletion leaves no day that differs, whoever is forgotten next."""
    log.clock.now = MIDNIGHT + 200 * DAY  # entry 1 is past its time
    sealing.seal(log.log, log.clock.now)
    target = {
        "nothing": (retention, "_remove"),
        "rows": (log.log.store, "replace_privates"),
        "all": (retention, "erase_salts"),
    }[step]
    with patch.object(*target, die), pytest.raises(DiedError):
        retain_all(log)
    forget(log.log, 4)
    assert retain_all(log).differing == ()
    assert sealing.check(log.log, log.clock.now).findings == ()


def test_an_order_that_was_cut_short_and_a_licence_more(log: SealedLog) -> None:
    """Where the person has one more licence by the time that the order is carried out again, no day differs."""
    draft = make_draft(4)
    assert draft.private is not None
    late = replace(draft, private=replace(draft.private, licence="asked for in vain"))
    sealing.append(log.log, [replace(late, private=replace(draft.private, licence="asked for in vain", subjects=()))])
    log.clock.now += DAY
    sealing.seal(log.log, log.clock.now)
    with patch.object(one_shard.ShardShredding, "_erase_licences", die), pytest.raises(DiedError):
        forget(log.log, 4)
    sealing.append(log.log, [late])
    forget(log.log, 4)
    gone = log.log.private(10)
    assert gone is not None
    assert gone.subject_erased
    assert [one.kind for one in sealing.check(log.log).findings if one.kind is IndexFault.DAY] == []


@pytest.mark.parametrize("work", ["forget", "retain"])
def test_a_backup_is_no_failure(tmp_path: Path, work: str) -> None:
    """While a backup reads the files everything is deleted, and no day differs; what the files hold is owed."""
    with sealing.sqlite_log(tmp_path) as log:
        sealing.fill(log.log, log.clock)
        log.clock.now = MIDNIGHT + 200 * DAY
        sealing.seal(log.log, log.clock.now)
        with ExitStack() as stack, patch.object(sqlite_file, "BUSY_SECONDS", 0.0):
            log.log.store.reconnect()
            log.log.keys.reconnect()
            for name in ("log.sqlite", "keys.sqlite"):
                backup = stack.enter_context(closing(sqlite3.connect(tmp_path / name)))
                backup.execute("BEGIN")
                backup.execute("SELECT count(*) FROM key_check").fetchone()
            if work == "retain":
                assert retain_all(log).differing == ()
            else:
                forget(log.log, 4)
            assert not log.log.store.purge()
            assert sealing.check(log.log, log.clock.now).findings == ()
        assert log.log.store.purge()


def test_what_is_past_its_time_is_sealed_anew(log: SealedLog, tmp_path: Path) -> None:
    """What retention removes is no difference, day after day, until nothing is left."""
    for days in (200, LEAST_PROVISION_DAYS, LEAST_PROVISION_DAYS + 1, LEAST_PROVISION_DAYS + 2):
        log.clock.now = MIDNIGHT + days * DAY + 3_600_000
        sealing.seal(log.log, log.clock.now)
        asyncio.run(retain(log.log, Retention(), at=sealing.moment(log.clock.now)))
        assert sealing.check(log.log, log.clock.now).findings == ()
        assert sealing.chain_faults(log.log, tmp_path / "out") == []


def test_retention_keeps_seals_as_long_as_what_they_seal() -> None:
    """However long one kind is kept, the seal of its day can be checked as long."""
    terms = Retention(days={LeafKind.ACCESS: 4_000})
    assert terms.ends(LeafKind.SEAL, 0) == terms.ends(LeafKind.ACCESS, 0) == -4_000 * DAY
