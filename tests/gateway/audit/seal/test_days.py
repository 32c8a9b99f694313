"""When days are sealed, and that their seals follow each other."""

import asyncio
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.retention import retain
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS, Retention
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.seal.days import find_due_days, find_sealed_end, seal_due_days
from gateway.audit.seal.sealed import find_seals
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.shard import is_closed
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from tests.gateway.audit.seal import sealing
from tests.gateway.audit.seal.sealing import DAY, MIDNIGHT, SealedLog
from tests.support.audit import Clock, make_draft, sqlite_setup

CLOSE = EntryDraft(leaf=LeafDraft(kind=LeafKind.SEAL, req="C", caller="tongban", more={"action": "close"}))


def test_a_day_is_sealed_a_minute_after_its_end(tmp_path: Path) -> None:
    """Not before: a clock that is being set may go back."""
    with sealing.memory_log(tmp_path) as found:
        found.clock.now = MIDNIGHT
        sealing.append(found.log, [make_draft(0)])
        found.clock.now = MIDNIGHT + DAY + 59_999
        assert sealing.seal(found.log, found.clock.now) == []
        found.clock.now += 1
        assert [span for _, *span in sealing.seal(found.log, found.clock.now)] == [[0, 1]]
        assert sealing.seal(found.log, found.clock.now) == []


def test_days_without_entries_have_no_seal(tmp_path: Path) -> None:
    """After a week of silence one day is sealed, and what was written since belongs to another."""
    with sealing.memory_log(tmp_path) as found:
        found.clock.now = MIDNIGHT
        sealing.append(found.log, [make_draft(0)])
        found.clock.now = MIDNIGHT + 7 * DAY
        sealing.append(found.log, [make_draft(1)])
        assert [span for _, *span in sealing.seal(found.log, found.clock.now)] == [[0, 1]]
        assert sealing.chain_faults(found.log, tmp_path / "out") == []


def test_days_whose_seals_are_past_their_time_are_not_due(log: SealedLog) -> None:
    """Where retention took the seals from the index, the leaves still tell how far the log is sealed."""
    log.clock.now = MIDNIGHT + (LEAST_PROVISION_DAYS + 90) * DAY
    assert asyncio.run(retain(log.log, Retention(), at=sealing.moment(log.clock.now))).entries
    assert not list(find_seals(log.log))
    assert [one.first for one in find_due_days(log.log, log.clock.now)] == [7]
    assert [span for _, *span in sealing.seal(log.log, log.clock.now)] == [[7, 10]]


def test_what_is_known_of_a_log_need_not_be_read_again(log: SealedLog) -> None:
    """Who keeps how far a log is sealed finds the same as who looks for the first time, and walks over no new seals."""
    known = find_sealed_end(log.log, log.clock.now)
    assert (known.size, known.first, known.closed) == (10, 7, None)
    assert find_sealed_end(log.log, log.clock.now, known) is known
    log.clock.now += DAY
    for step in (
        lambda: sealing.append(log.log, [make_draft(7)]),
        lambda: sealing.append(log.log, [CLOSE]),
        lambda: sealing.seal(log.log, log.clock.now + 2 * DAY),
        lambda: asyncio.run(retain(log.log, Retention(), at=sealing.moment(log.clock.now + 200 * DAY))),
    ):
        step()
        known = find_sealed_end(log.log, log.clock.now, known)
        assert known == find_sealed_end(log.log, log.clock.now)
    assert (known.first, known.closed) == (12, 11)
    with patch("gateway.audit.seal.days.find_close", side_effect=ZeroDivisionError):
        assert find_sealed_end(log.log, log.clock.now, known) is known
        assert list(find_due_days(log.log, log.clock.now + 9 * DAY, known)) == []


def test_the_last_day_of_a_closed_shard_is_sealed(log: SealedLog, tmp_path: Path) -> None:
    """What was written before the end is sealed behind it, and what is written behind it is not."""
    log.clock.now += DAY
    sealing.append(log.log, [CLOSE])
    assert is_closed(log.log)
    assert [span for _, *span in sealing.seal(log.log, log.clock.now)] == [[7, 10]]
    assert is_closed(log.log)
    assert list(find_due_days(log.log, log.clock.now + 9 * DAY)) == []
    assert sealing.chain_faults(log.log, tmp_path / "out") == []
    assert sealing.check(log.log).findings == ()


def test_two_calls_at_once_seal_once(tmp_path: Path) -> None:
    """The second waits for the first, and finds nothing to do."""
    with sealing.sqlite_log(tmp_path) as found:
        found.clock.now = MIDNIGHT
        sealing.append(found.log, [make_draft(0)])
        found.clock.now = at = MIDNIGHT + 2 * DAY

        async def run() -> list[tuple[Receipt, ...]]:
            return await asyncio.gather(*(seal_due_days(found.log, sealing.moment(at)) for _ in range(3)))

        assert sorted(map(len, asyncio.run(run()))) == [0, 0, 1]


def test_a_search_by_kind_is_led_by_the_index(log: SealedLog) -> None:
    """Kinds that are no answers are found without reading what lies between; with answers among them, by reading."""
    search = LogSearch.of(log.log)
    for kinds, found in (({LeafKind.SEAL, LeafKind.ADMIN}, [8, 7, 1]), ({LeafKind.SEAL, LeafKind.DENY}, [8, 7])):
        with patch.object(log.log.store, "leaves", wraps=log.log.store.leaves) as reading:
            assert [one.index for one in search.find(Query(kinds=frozenset(kinds))).entries] == found
        assert reading.called == (LeafKind.DENY in kinds)


class DiedError(Exception):
    """The process ended between two steps."""


steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.integers(1, 3 * 24)),
    st.tuples(st.just("seal"), st.none() | st.integers(0, 2)),
    st.tuples(st.just("die"), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=14))
def test_seals_follow_each_other_whatever_happens(script: list[tuple[str, int | None]]) -> None:
    """Whatever is written on whichever days, and wherever the process dies, each seal goes on from the last one."""
    clock, store, keys = Clock(MIDNIGHT), MemoryStore(), MemoryKeys()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setup = sqlite_setup(folder, clock, open_store=lambda: store, open_keys=lambda: keys)
        log = AccessLog(setup)
        for what, count in (*script, ("wait", 48), ("seal", None)):
            match what:
                case "append":
                    sealing.append(log, [make_draft(number) for number in range(count or 1)])
                case "wait":
                    clock.now += (count or 1) * 3_600_000
                case "seal":
                    _seal_until_death(log, clock.now, count)
                case _:
                    log.close()
                    log = AccessLog(setup)
        try:
            assert list(find_due_days(log, clock.now)) == []
            if log.head() is not None:  # a log without entries has nothing to verify
                assert sealing.chain_faults(log, folder / "out") == []
            assert sealing.check(log, clock.now).findings == ()
        finally:
            log.close()


def _seal_until_death(log: AccessLog, now_ms: int, last: int | None) -> None:
    """Seal what is due; die before the seal with this number."""
    written, append = 0, log.append

    async def dying(draft: EntryDraft) -> Receipt:
        nonlocal written
        if written == last:
            raise DiedError
        written += 1
        return await append(draft)

    with patch.object(log, "append", dying):
        try:
            sealing.seal(log, now_ms)
        except DiedError:
            return
