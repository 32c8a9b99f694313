"""The journal of decisions: durable lines, one file for each day, found again, and nothing left when it fails."""

import asyncio
import os
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.policy import durable
from gateway.policy import journal as journal_module
from gateway.policy.activation import Standing
from gateway.policy.in_force import PolicyArchive
from gateway.policy.journal import SETTLED_DAYS, DecisionJournal, RememberedDecisions, find_decision
from gateway.policy.record import DecisionRecord, DecisionSink, SinkUnavailableError, encode_record
from tests.gateway.policy.test_record import make_record
from tests.support.policy import changed, small_policy
from tests.support.policy_site import NOW, Bureau

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
        patched.setattr(durable.os, "fsync", fail)
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


async def answer_daily(journal: DecisionJournal, first: datetime, days: int) -> None:
    for day in range(days):
        await journal.put(make_record(first + timedelta(days=day)))
        await journal.close()


def days_of(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


async def test_old_days_are_forgotten(journal: DecisionJournal, tmp_path: Path) -> None:
    """Files older than they are kept go when a new day begins, a week of records later; other files stay."""
    await in_thread((tmp_path / "decisions").mkdir)
    for name in ("notes.jsonl", "20200101.jsonl", "2020-01-01.txt"):
        await in_thread((tmp_path / "decisions" / name).touch)
    await answer_daily(journal, NOW, 40)
    days = await in_thread(days_of, tmp_path / "decisions")
    assert days[:2] == ["2020-01-01", "20200101"]
    assert (days[2], days[-2:]) == ("2026-06-03", ["2026-07-10", "notes"])
    assert len(days) == 3 + 30 + SETTLED_DAYS + 1


async def test_a_jump_of_the_clock_deletes_nothing(journal: DecisionJournal, tmp_path: Path) -> None:
    """Days that a wrong clock made old are not deleted, and once it is right the journal goes on."""
    await answer_daily(journal, NOW, 10)
    await answer_daily(journal, NOW + timedelta(days=3_650), SETTLED_DAYS)
    await answer_daily(journal, NOW + timedelta(days=10), 1)
    assert len(await in_thread(days_of, tmp_path / "decisions")) == 10 + SETTLED_DAYS + 1


async def test_rules_say_how_long(tmp_path: Path) -> None:
    """Records are kept as long as any rule that ever was in force says, also after it is gone."""
    bureau = await in_thread(Bureau, tmp_path)
    longer = changed("rules.toml", "keep_days = 1825", "keep_days = 3650")
    await in_thread(bureau.write, changed("limits.toml", "keep_days = 1825", "keep_days = 3650", files=longer))
    for files in (None, small_policy()):
        if files is not None:
            await in_thread(bureau.write, files)
        await in_thread(bureau.approve, "chen", "li")
        bureau.now += timedelta(seconds=1)
        assert (await in_thread(bureau.settle)).standing is Standing.IN_FORCE
    journal = DecisionJournal(tmp_path / "decisions", keep_days=30, archive=bureau.site.archive)
    await answer_daily(journal, NOW, 2)
    await answer_daily(journal, NOW + timedelta(days=3_650), SETTLED_DAYS + 1)
    assert (await in_thread(days_of, tmp_path / "decisions"))[:2] == ["2026-06-01", "2026-06-02"]
    await answer_daily(journal, NOW + timedelta(days=3_660), 1)
    assert (await in_thread(days_of, tmp_path / "decisions"))[0] == "2026-06-02"


async def test_a_damaged_archive_deletes_nothing(tmp_path: Path) -> None:
    """Where nobody can say how long records are kept they all are."""
    archive = PolicyArchive(tmp_path / "state")
    damaged = archive.folder / "archive" / f"{'0' * 64}.json"
    await in_thread(damaged.parent.mkdir, parents=True)
    await in_thread(damaged.write_bytes, b"{}")
    journal = DecisionJournal(tmp_path / "decisions", keep_days=1, archive=archive)
    await answer_daily(journal, NOW, 20)
    assert len(await in_thread(days_of, tmp_path / "decisions")) == 20


async def test_what_nobody_foresaw_is_told(journal: DecisionJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in writing, nobody waits for ever, and the next one succeeds."""

    def fail(_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(journal, "_append", fail)
        async with asyncio.timeout(30):
            with pytest.raises(SinkUnavailableError, match="MemoryError"):
                await journal.put(make_record())
    await journal.put(make_record())


async def test_a_writer_that_is_stopped_leaves_nobody_waiting(
    journal: DecisionJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the task that writes is cancelled, whoever waits for it is told."""
    begun = threading.Event()
    end = threading.Event()

    def hang(_: object) -> bool:
        begun.set()
        return end.wait(30)

    monkeypatch.setattr(journal, "_append", hang)
    put = asyncio.create_task(journal.put(make_record()))
    assert await in_thread(begun.wait, 30)
    assert journal._writing is not None
    journal._writing.cancel()
    async with asyncio.timeout(30):
        with pytest.raises(SinkUnavailableError, match="stopped"):
            await put
    end.set()


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
