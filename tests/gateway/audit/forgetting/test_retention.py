"""Retention by kind, and the half-years that logs are cut into."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.entry import EntryDraft
from gateway.audit.forgetting.retention import Retained, retain
from gateway.audit.forgetting.retention_terms import (
    LEAST_DAYS,
    LEAST_PROVISION_DAYS,
    MOST_DAYS,
    Retention,
    parse_retention,
)
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.shard import is_closed, roll_over, shard_name, shard_origin, spell_shard
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.toml_table import Fault, TomlTable
from keys.own.signer import SoftwareSigner
from tests.support.audit import ORIGIN, START_MS, Clock, make_draft, opened, sqlite_setup, verify_log

DAY = 86_400_000
NEXT = "gw.370000/access/2027h1"


def append(log: AccessLog, drafts: Sequence[EntryDraft]) -> None:
    async def run() -> None:
        await asyncio.gather(*(log.append(draft) for draft in drafts))

    asyncio.run(run())


def keep(log: AccessLog, retention: Retention, now_ms: int) -> Retained:
    return asyncio.run(retain(log, retention, at=datetime.fromtimestamp(now_ms / 1000, UTC)))


def opened_entries(log: AccessLog, count: int) -> list[int]:
    return [index for index in range(count) if log.private(index) is not None]


def found_entries(log: AccessLog, number: int) -> list[int]:
    private = make_draft(number).private
    assert private is not None
    return [one.index for one in LogSearch.of(log).find(Query(subject=private.subjects[0])).entries]


def test_what_is_past_its_time_is_removed(tmp_path: Path) -> None:
    """Each kind goes after its own time, with its rows of the index; leaves, tiles and proofs stay."""
    clock, retention = Clock(), Retention(days={LeafKind.ADMIN: 200})
    with opened(sqlite_setup(tmp_path, clock)) as log:
        append(log, [make_draft(0), make_draft(1, kind=LeafKind.ADMIN)])
        clock.now = START_MS + 100 * DAY
        append(log, [make_draft(2), make_draft(3, kind=LeafKind.ADMIN)])
        assert keep(log, retention, START_MS + 200 * DAY).receipt is None
        done = keep(log, retention, START_MS + 200 * DAY + 1)
        assert (done.entries, done.words) == (1, 7)
        assert done.receipt is not None
        said = parse_leaf(log.leaf(done.receipt.index)).content
        assert (said.kind, dict(said.more)) == (LeafKind.SHRED, {"basis": "retention", "approvals": 0})
        assert opened_entries(log, 4) == [0, 2, 3]
        assert [found_entries(log, number) for number in range(4)] == [[0], [], [2], [3]]
        assert keep(log, retention, START_MS + (LEAST_PROVISION_DAYS + 50) * DAY).entries == 2
        assert opened_entries(log, 4) == [2]
        assert [found_entries(log, number) for number in range(4)] == [[], [], [2], []]
        assert verify_log(log) == 6
        assert keep(log, retention, START_MS + (LEAST_PROVISION_DAYS + 50) * DAY).receipt is None


def test_an_empty_log_has_nothing_to_remove(tmp_path: Path) -> None:
    """Without entries nothing is due."""
    with opened(sqlite_setup(tmp_path)) as log:
        assert keep(log, Retention(), START_MS).entries == 0


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        (LeafKind.ACCESS, LEAST_PROVISION_DAYS - 1),
        (LeafKind.CONSENT, LEAST_DAYS),
        (LeafKind.ADMIN, LEAST_DAYS - 1),
        (LeafKind.ADMIN, MOST_DAYS + 1),
    ],
)
def test_nobody_keeps_too_short(kind: LeafKind, days: int) -> None:
    """Records of provision are kept for three years, everything else for six months, at least."""
    with pytest.raises(ValueError, match="expected"):
        Retention(days={kind: days})


def test_settings_say_how_long() -> None:
    """Days stand in a table by kind; too few are a fault that names the kind."""
    faults: list[Fault] = []
    values = {"admin": 400, "access": 30}
    retention = parse_retention(TomlTable(values, file="tongban.toml", faults=faults, prefix="audit.retention_days."))
    assert (retention.days[LeafKind.ADMIN], retention.days[LeafKind.ACCESS]) == (400, LEAST_PROVISION_DAYS)
    assert [fault.key for fault in faults] == ["audit.retention_days.access"]


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC), "2026h1"),
        (datetime(2026, 6, 30, 16, tzinfo=UTC), "2026h2"),
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), "2026h2"),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), "2027h1"),
    ],
)
def test_half_years_are_those_of_china(at: datetime, name: str) -> None:
    """A half-year begins at midnight in China."""
    assert shard_origin("370000", shard_name(at)) == f"gw.370000/access/{name}"


def test_a_shard_is_closed_and_the_next_names_it(tmp_path: Path) -> None:
    """The last entry of one is its seal, the first of the next names its tree; both verify."""
    clock = Clock()
    at = datetime.fromtimestamp(START_MS / 1000, UTC)
    signer = NoteSigner(NEXT, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"n" * 32)))
    old_setup = sqlite_setup(tmp_path / "old", clock)
    new_setup = sqlite_setup(tmp_path / "new", clock, origin=NEXT, signers=(signer,))
    with opened(old_setup) as old, opened(new_setup) as new:
        append(old, [make_draft(number) for number in range(3)])
        assert not is_closed(old)
        rolled = asyncio.run(roll_over(old, new, at=at))
        assert is_closed(old)
        first = parse_leaf(new.leaf(0)).content
        tree = parse_checkpoint(rolled.closed.checkpoint).checkpoint
        assert (first.kind, first.more) == (LeafKind.SEAL, {"action": "open", "previous": spell_shard(tree)})
        assert spell_shard(tree).startswith(f"{ORIGIN}:4:")
        assert (verify_log(old), verify_log(new)) == (4, 1)


def test_a_roll_over_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    """A shard that is closed already is not closed twice; an open log is never taken for the next one."""
    clock, at = Clock(), datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=1)
    signer = NoteSigner(NEXT, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"n" * 32)))
    new_setup = sqlite_setup(tmp_path / "new", clock, origin=NEXT, signers=(signer,))
    third = sqlite_setup(tmp_path / "third", clock, origin=NEXT, signers=(signer,))
    with opened(sqlite_setup(tmp_path / "old", clock)) as old, opened(new_setup) as new, opened(third) as again:
        one = asyncio.run(roll_over(old, new, at=at))
        two = asyncio.run(roll_over(old, again, at=at))
        assert one.closed == two.closed
        for bad in (new, old):
            with pytest.raises(LogUnavailableError) as caught:
                asyncio.run(roll_over(old, bad, at=at))
            assert caught.value.reason is Unavailable.OTHER_LOG
