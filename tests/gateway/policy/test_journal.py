"""The journal of decisions: durable lines, one file for each day, found again, and nothing left when it fails."""

import asyncio
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.policy import journal as journal_module
from gateway.policy.journal import DecisionJournal, RememberedDecisions, find_decision
from gateway.policy.record import DecisionRecord, DecisionSink, SinkUnavailableError, encode_record
from tests.gateway.policy.test_record import make_record
from tests.support.policy_site import NOW

in_thread = asyncio.to_thread  # a test that blocks the loop fails


@pytest.fixture
def journal(tmp_path: Path) -> DecisionJournal:
    return DecisionJournal(tmp_path / "decisions", keep_days=30)


def lines(folder: Path) -> dict[str, list[bytes]]:
    return {path.name: path.read_bytes().splitlines() for path in sorted(folder.iterdir())}


async def test_it_is_there_when_put_returns(journal: DecisionJournal, tmp_path: Path) -> None:
    """What was put is a line of its day in China, readable by nobody else."""
    late = NOW.replace(hour=17)
    records = [make_record(), make_record(late)]
    await asyncio.gather(*map(journal.put, records))
    found = await in_thread(lines, tmp_path / "decisions")
    assert found == {
        "2026-06-01.jsonl": [encode_record(records[0])],
        "2026-06-02.jsonl": [encode_record(records[1])],
    }
    status = await in_thread(os.stat, tmp_path / "decisions" / "2026-06-01.jsonl")
    assert stat.S_IMODE(status.st_mode) == 0o600


async def test_what_waits_together_is_written_together(journal: DecisionJournal, tmp_path: Path) -> None:
    """Many at once cost few waits for the disk, and none is lost."""
    records = [make_record() for _ in range(500)]
    await asyncio.gather(*map(journal.put, records))
    (written,) = (await in_thread(lines, tmp_path / "decisions")).values()
    assert sorted(written) == sorted(map(encode_record, records))


async def test_found_again(journal: DecisionJournal, tmp_path: Path) -> None:
    """A decision is found by its id, also when id and record lie on two sides of midnight."""
    record = make_record()
    midnight = NOW.replace(hour=16)
    early = make_record(midnight - timedelta(milliseconds=1))
    late = DecisionRecord(
        decision=early.decision,
        at=midnight,
        caller=early.caller,
        context=early.context,
        bundle=early.bundle,
        plan=early.plan,
        forms=early.forms,
    )
    await journal.put(record)
    await journal.put(late)
    assert await in_thread(find_decision, tmp_path / "decisions", record.decision) == record
    assert await in_thread(find_decision, tmp_path / "decisions", late.decision) == late
    assert await in_thread(find_decision, tmp_path / "decisions", make_record().decision) is None
    with pytest.raises(ValueError, match="id of a decision"):
        await in_thread(find_decision, tmp_path / "decisions", "../x")


async def test_half_a_line(journal: DecisionJournal, tmp_path: Path) -> None:
    """Half a line that a crash left neither hides nor spoils the next one."""
    first, second = make_record(), make_record()
    await journal.put(first)
    path = tmp_path / "decisions" / "2026-06-01.jsonl"
    await in_thread(path.write_bytes, encode_record(first) + b"\n" + encode_record(second)[:50])
    await journal.put(second)
    assert await in_thread(find_decision, tmp_path / "decisions", first.decision) == first
    assert await in_thread(find_decision, tmp_path / "decisions", second.decision) == second


async def test_a_failure_leaves_nothing(
    journal: DecisionJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fails no line is left, whoever put is told, and the next one succeeds."""
    await journal.put(make_record())
    before = await in_thread(lines, tmp_path / "decisions")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(journal_module.os, "fsync", fail)
        with pytest.raises(SinkUnavailableError, match="No space"):
            await journal.put(make_record())
    assert await in_thread(lines, tmp_path / "decisions") == before
    await journal.put(make_record())


async def test_a_full_day(journal: DecisionJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day holds so much and no more; then answers must not leave."""
    monkeypatch.setattr(journal_module, "MAX_DAY_BYTES", 1_000)
    await journal.put(make_record())
    with pytest.raises(SinkUnavailableError, match="full"):
        await asyncio.gather(*(journal.put(make_record()) for _ in range(3)))


async def test_too_many_wait(journal: DecisionJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded."""
    monkeypatch.setattr(journal_module, "MAX_WAITING", 2)
    results = await asyncio.gather(*(journal.put(make_record()) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [type(None), type(None), SinkUnavailableError]


async def test_old_days_are_forgotten(journal: DecisionJournal, tmp_path: Path) -> None:
    """Files older than they are kept go when a new day begins; other files stay."""
    for days in (0, 29, 30, 31):
        await journal.put(make_record(NOW + timedelta(days=days)))
    other = tmp_path / "decisions" / "notes.jsonl"
    await in_thread(other.touch)
    await journal.put(make_record(NOW + timedelta(days=60)))
    names = list(await in_thread(lines, tmp_path / "decisions"))
    assert names == ["2026-07-01.jsonl", "2026-07-02.jsonl", "2026-07-31.jsonl", "notes.jsonl"]


async def test_who_goes_away_is_not_missed(journal: DecisionJournal, tmp_path: Path) -> None:
    """A request that is given up does not disturb the others, and what it put is written."""
    first, second = make_record(), make_record()
    gone = asyncio.create_task(journal.put(first))
    other = asyncio.create_task(journal.put(second))
    await asyncio.sleep(0)
    gone.cancel()
    await other
    await journal.close()
    (written,) = (await in_thread(lines, tmp_path / "decisions")).values()
    assert len(written) == 2


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in place of the folder is said, not raised as it is."""
    await in_thread((tmp_path / "decisions").touch)
    journal = DecisionJournal(tmp_path / "decisions", keep_days=30)
    with pytest.raises(SinkUnavailableError):
        await journal.put(make_record())
    await journal.close()


async def test_in_memory() -> None:
    """A site without a folder remembers the last decisions."""
    sink = RememberedDecisions(most=2)
    as_sink: DecisionSink = sink
    records = [make_record(datetime(2026, 6, day, tzinfo=NOW.tzinfo)) for day in (1, 2, 3)]
    for record in records:
        await as_sink.put(record)
    await sink.close()
    assert sink.records == records[1:]
