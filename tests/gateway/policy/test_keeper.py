"""The policy in force while a gateway runs: taken, waited for, kept, ended; and said in words."""

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.policy import activation, in_force
from gateway.policy import keeper as keeper_module
from gateway.policy.activation import PolicyInForce, Standing
from gateway.policy.keeper import PolicyKeeper
from policies.dimension import Context
from tests.support.policy import changed, small_policy
from tests.support.policy_site import PEOPLE, Bureau, narrow_policy, wide_policy

in_thread = asyncio.to_thread  # a test that blocks the loop fails


class Observer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.results: list[str] = []
        self.last: dict[str, Any] = {}
        self.told = asyncio.Event()

    def reloaded(self, result: str) -> None:
        """Note a reload."""
        self.told.set()
        self.results.append(result)

    def stands(self, **how: Any) -> None:
        """Note how things stand."""
        self.last = how


class Stand:
    """A keeper of a site, and everything that it tells."""

    def __init__(self, folder: Path) -> None:
        self.bureau = Bureau(folder)
        self.observer = Observer()
        self.keeper = self.make()

    def make(self) -> PolicyKeeper:
        """Start a keeper as a gateway does."""
        return PolicyKeeper(self.bureau.site, clock=self.read_clock, observer=self.observer)

    def read_clock(self) -> datetime:
        """Return the moment."""
        return self.bureau.now

    async def look(self) -> None:
        """Let a change come to rest, and be taken."""
        await self.keeper.look()
        await self.keeper.look()

    async def begin(self) -> PolicyInForce:
        """Put the small policy in force."""
        await in_thread(self.bureau.approve, "chen", "li")
        await self.look()
        current = self.keeper.current()
        assert current is not None
        return current


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


async def test_a_fresh_site_withholds_everything(stand: Stand) -> None:
    """Until two people approve the first policy nothing is in force, and that is said in words and numbers."""
    assert stand.keeper.current() is None
    await stand.look()
    report = stand.keeper.report()
    assert stand.keeper.current() is None
    assert report["in_force"] is None
    assert "0 of 2 have approved" in report["en"]
    assert "已有 0 人批准，需 2 人" in report["zh"]
    assert stand.observer.results == ["waiting"]
    assert stand.observer.last == {"applies": False, "waits": True, "end_seconds": float("inf")}


async def test_taken_while_it_runs(stand: Stand) -> None:
    """With the second approval the policy is in force, and decides."""
    await stand.look()
    current = await stand.begin()
    context = Context("34-001", "counter", "own", "id-card", "active", "person", "adult", "statutory", "valid")
    assert current.engine.decide(context).shares
    report = stand.keeper.report()
    assert report["in_force"]["approvals"] == 2
    assert report["draft"]["standing"] == "in-force"
    assert report["failure"] is None
    assert stand.observer.results == ["waiting", "ok"]
    assert stand.observer.last["applies"]
    assert 0 < stand.observer.last["end_seconds"] < 2 * 366 * 86_400


async def test_a_restart_goes_on(stand: Stand) -> None:
    """A gateway that starts again has the same in force at its first look."""
    current = await stand.begin()
    keeper = stand.make()
    await keeper.look()
    again = keeper.current()
    assert again is not None
    assert again.digest == current.digest


async def test_a_change_comes_to_rest(stand: Stand) -> None:
    """Files that still change are not read: half of a policy would narrow, and the rest of it then wait."""
    current = await stand.begin()
    rules = stand.bureau.site.policies / "rules.toml"
    whole = await in_thread(rules.read_bytes)
    for end in (100, 2_000, len(whole)):
        await in_thread(rules.write_bytes, whole[:end])
        assert not await stand.keeper.look()
    assert await stand.keeper.look()
    assert stand.keeper.current() is current
    assert stand.observer.results == ["ok", "ok"]


async def test_forced(stand: Stand) -> None:
    """On SIGHUP the policy is read at once, changed or not."""
    await stand.look()
    assert not await stand.keeper.look()
    assert await stand.keeper.look(forced=True)


async def test_what_narrows_is_taken_and_questions_keep_theirs(stand: Stand) -> None:
    """A narrower version replaces the old one in one step; who holds the old one goes on with it."""
    before = await stand.begin()
    await in_thread(stand.bureau.write, narrow_policy())
    await stand.look()
    after = stand.keeper.current()
    assert after is not None
    assert after.digest != before.digest
    assert shown(before) - shown(after) == {"capital"}


def shown(policy: PolicyInForce) -> set[str]:
    context = Context(
        item="34-003",
        caller="approval",
        home="own",
        licence="business-licence",
        status="active",
        holder="organisation",
        age="not-applicable",
        consent="statutory",
        outcome="valid",
    )
    return {one.field for one in policy.engine.decide(context).fields if not one.is_withheld}


async def test_what_widens_waits(stand: Stand) -> None:
    """A wider version waits, the one in force decides on, and the report says whom it waits for."""
    current = await stand.begin()
    await in_thread(stand.bureau.write, wide_policy())
    await stand.look()
    assert stand.keeper.current() is current
    assert stand.keeper.settled.standing is Standing.WAITS_FOR_APPROVAL
    assert stand.observer.last["waits"]
    assert "waits for approval" in stand.keeper.report()["en"]
    await in_thread(stand.bureau.approve, "li", "zhao")
    await stand.look()
    after = stand.keeper.current()
    assert after is not None
    assert after.digest != current.digest


@pytest.mark.parametrize(
    "break_it",
    [
        lambda bureau: bureau.write(changed("rules.toml", 'holder_name = "mask:name"', 'holder_name = "mask:namee"')),
        lambda bureau: (bureau.site.policies / "rules.tmol").touch(),
        lambda bureau: bureau.write({}),
        lambda bureau: (bureau.folder / "approvers" / "chen.toml").write_text("id = 1"),
        lambda bureau: (bureau.site.archive.folder / "in-force.json").write_bytes(b"?"),
    ],
)
async def test_a_fault_keeps_what_is_in_force(stand: Stand, break_it: Any) -> None:
    """Whatever is wrong, also no file at all, leaves in force what is, and is said with its file."""
    current = await stand.begin()
    await in_thread(break_it, stand.bureau)
    await stand.keeper.look()
    await stand.keeper.look(forced=True)
    assert stand.keeper.current() is current
    failure = stand.keeper.report()["failure"]
    assert failure["findings"]
    assert all(one["zh"] and one["en"] for one in failure["findings"])
    assert stand.observer.results == ["ok", "failed"]


async def test_mended(stand: Stand) -> None:
    """Once the fault is mended there is none any more."""
    await stand.begin()
    await in_thread(
        stand.bureau.write, changed("rules.toml", 'holder_name = "mask:name"', 'holder_name = "mask:namee"')
    )
    await stand.look()
    assert stand.keeper.failure is not None
    await in_thread(stand.bureau.write, small_policy())
    await stand.look()
    assert stand.keeper.failure is None


async def test_a_start_beside_a_fault(stand: Stand) -> None:
    """A process that starts while the files are wrong takes up what the state says is in force."""
    current = await stand.begin()
    await in_thread(stand.bureau.write, {"rules.toml": b"["})
    keeper = stand.make()
    await keeper.look()
    again = keeper.current()
    assert again is not None
    assert again.digest == current.digest
    assert keeper.failure is not None


async def test_it_ends(stand: Stand) -> None:
    """At the end of its period the policy is let go, and then nothing is shared; it is said."""
    await stand.begin()
    stand.bureau.now = stand.bureau.now.replace(year=2027, month=12, day=31, hour=15, minute=59, second=0)
    await stand.keeper.look()
    assert stand.keeper.current() is not None
    assert stand.observer.last["end_seconds"] == 60
    stand.bureau.now += timedelta(minutes=1)  # midnight in China
    await stand.keeper.look()
    assert stand.keeper.current() is None
    assert not stand.observer.last["applies"]
    assert "ended on 2028-01-01" in stand.keeper.report()["en"]


async def test_its_day_comes(stand: Stand) -> None:
    """A version that waits for its day is taken on that day, without anybody touching a file."""
    current = await stand.begin()
    files = changed("catalogue.toml", 'valid_from = "2026-01-01"', 'valid_from = "2026-06-03"', files=narrow_policy())
    await in_thread(stand.bureau.write, files)
    await stand.look()
    assert stand.keeper.current() is current
    assert "comes into force on 2026-06-03" in stand.keeper.report()["en"]
    stand.bureau.now += timedelta(days=2)
    await stand.keeper.look()
    after = stand.keeper.current()
    assert after is not None
    assert after.digest != current.digest


async def test_without_a_policy(stand: Stand) -> None:
    """A site without a policy has nothing in force, and that is no failure."""
    await in_thread(stand.bureau.write, {})
    await stand.keeper.look()
    assert stand.keeper.current() is None
    assert stand.keeper.failure is None
    assert stand.keeper.report()["en"] == "No policy is in force; every field is withheld."
    assert stand.observer.results == ["ok"]


async def test_two_processes(stand: Stand) -> None:
    """Two processes of one site come to the same end, whichever is first."""
    first, second = stand.keeper, stand.make()
    await in_thread(stand.bureau.approve, "chen", "li")
    await asyncio.gather(first.look(), second.look())
    one, other = first.current(), second.current()
    assert one is not None
    assert other is not None
    assert one.digest == other.digest
    assert first.settled.pointer == second.settled.pointer


async def test_a_fault_that_passes_by_itself(stand: Stand) -> None:
    """What could not be put in force for a fault of the state, and then can without being read again, is said."""
    await stand.begin()
    results = list(stand.observer.results)
    pointer = stand.bureau.site.archive.folder / "in-force.json"
    text = await in_thread(pointer.read_bytes)
    for content, expected in ((b"{", "failed"), (text, "ok")):
        await in_thread(pointer.write_bytes, content)
        await stand.look()
        assert stand.observer.results == [*results, expected]
        results.append(expected)


async def test_it_ends_between_two_looks(stand: Stand) -> None:
    """A policy whose period is over decides nothing, whether or not anybody has looked since."""
    await stand.begin()
    stand.bureau.now = stand.bureau.now.replace(year=2027, month=12, day=31, hour=15, minute=59, second=59)
    assert stand.keeper.current() is not None
    stand.bureau.now += timedelta(seconds=1)  # midnight in China
    assert stand.keeper.current() is None


@contextmanager
def hold_lock(stand: Stand) -> Iterator[None]:
    """Hold the lock of the state, as another process may."""
    descriptor = os.open(stand.bureau.site.archive.folder / ".lock", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


async def test_a_lock_that_somebody_holds(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds the lock keeps a version from coming into force, and the look from nothing else; then another may."""
    current = await stand.begin()
    monkeypatch.setattr("gateway.trust.files.time.sleep", lambda _: None)
    await in_thread(stand.bureau.write, narrow_policy())
    with hold_lock(stand):
        async with asyncio.timeout(30):
            await stand.look()
        assert stand.keeper.current() is current
        assert stand.keeper.failure is not None
    await in_thread(stand.bureau.settle)  # as another process of the site does
    await stand.keeper.look()
    after = stand.keeper.current()
    assert after is not None
    assert after.digest != current.digest
    assert stand.keeper.failure is None


async def test_an_older_draft_undoes_nothing(stand: Stand) -> None:
    """A process that has not yet read what others approved does not put what it read before back in force."""
    current = await stand.begin()
    other = stand.make()
    await other.look()
    stand.bureau.now = stand.bureau.now.replace(hour=15, minute=59, second=50)
    await in_thread(stand.bureau.write, wide_policy())
    await in_thread(stand.bureau.approve, "chen", "li")
    await stand.look()
    wide = stand.keeper.current()
    assert wide is not None
    assert wide.digest != current.digest
    stand.bureau.now = stand.bureau.now.replace(hour=16, minute=0, second=0)  # midnight: a day may begin a version
    for _ in range(3):
        await other.look()
        pointer = await in_thread(stand.bureau.site.archive.pointer)
        assert pointer is not None
        assert pointer.digest == wide.digest
    after = other.current()
    assert after is not None
    assert after.digest == wide.digest


def full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


async def test_a_fault_of_the_disk_passes(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that could not be put in force for want of room is taken once there is some; it is said once."""
    current = await stand.begin()
    await in_thread(stand.bureau.write, narrow_policy())
    with monkeypatch.context() as patched:
        patched.setattr(in_force, "replace_file", full_disk)
        await stand.look()
        stand.bureau.now += timedelta(seconds=2)
        assert await stand.keeper.look()
        assert stand.keeper.current() is current
    assert stand.observer.results == ["ok", "failed"]
    stand.bureau.now += timedelta(seconds=4)
    assert await stand.keeper.look()
    after = stand.keeper.current()
    assert after is not None
    assert after.digest != current.digest
    assert stand.keeper.failure is None


async def test_a_start_with_a_full_disk(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts and cannot write takes up what is in force, whatever is written beside it."""
    current = await stand.begin()
    monkeypatch.setattr(in_force, "replace_file", full_disk)
    monkeypatch.setattr(activation, "locked", full_disk)
    keeper = stand.make()
    await keeper.look()
    again = keeper.current()
    assert again is not None
    assert again.digest == current.digest
    assert keeper.failure is None
    await in_thread(stand.bureau.write, narrow_policy())
    keeper = stand.make()
    await keeper.look()
    again = keeper.current()
    assert again is not None
    assert again.digest == current.digest
    assert keeper.failure is not None


def spoil_approvers(bureau: Bureau) -> None:
    (bureau.folder / "approvers" / "zhao.toml").write_text("id = 1")


def spoil_approvals(bureau: Bureau) -> None:
    bureau.write(wide_policy())
    bureau.approve("chen")
    for path in (bureau.site.policies / "approvals").glob("*.json"):
        path.write_bytes(b"junk")


@pytest.mark.parametrize("spoil", [spoil_approvers, spoil_approvals])
async def test_a_start_beside_what_is_not_in_force(stand: Stand, spoil: Any) -> None:
    """Approvers and approvals that are not in order take nothing away at a start: they are for the next version."""
    current = await stand.begin()
    await in_thread(spoil, stand.bureau)
    keeper = stand.make()
    await keeper.look()
    again = keeper.current()
    assert again is not None
    assert again.digest == current.digest
    assert keeper.failure is not None


async def test_a_state_that_cannot_be_read_for_a_while(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start at which the state cannot be read is made good once it can."""
    await stand.begin()
    keeper = stand.make()
    with monkeypatch.context() as patched:
        patched.setattr(in_force, "read_file", full_disk)
        await keeper.look()
        assert keeper.current() is None
        assert keeper.failure is not None
    stand.bureau.now += timedelta(seconds=2)
    await keeper.look()
    assert keeper.current() is not None
    assert keeper.failure is None


async def test_the_report_names_nobody(stand: Stand) -> None:
    """Who approves is nowhere in what anybody may ask, not even where the fault is in their own file."""
    await stand.begin()
    await in_thread(stand.bureau.write, wide_policy())
    await in_thread(stand.bureau.approve, "chen")
    await stand.look()
    assert not named(stand)
    for name in ("chen", "li"):
        await in_thread((stand.bureau.folder / "approvers" / f"{name}.toml").write_text, "id = 1")
    await stand.look()
    (finding,) = stand.keeper.report()["failure"]["findings"]
    assert finding["file"] == "approvers"
    assert not named(stand)


def named(stand: Stand) -> set[str]:
    text = json.dumps(stand.keeper.report(), ensure_ascii=False)
    return {name for name in PEOPLE if f'"{name}' in text or f"{name}." in text or f"/{name}" in text}


async def test_one_version_of_two_policies(stand: Stand) -> None:
    """Where two policies bear the same version the one that waits is told by its digest too."""
    await stand.begin()
    await in_thread(stand.bureau.write, wide_policy())
    await stand.look()
    report = stand.keeper.report()
    assert f"small 2026.1 ({report['draft']['bundle'][:19]}) widens" in report["en"]
    assert f"small 2026.1 ({report['draft']['bundle'][:19]}) 扩大" in report["zh"]


async def test_what_nobody_foresaw(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends no watch; it is said, and what is in force stays."""
    current = await stand.begin()

    def fail(_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(keeper_module, "read_written", fail)
        stand.observer.told.clear()
        stand.keeper.wake()
        task = asyncio.create_task(stand.keeper.run())
        async with asyncio.timeout(30):
            await stand.observer.told.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert stand.keeper.current() is current
    assert "nobody foresaw" in stand.keeper.report()["failure"]["findings"][0]["en"]


async def test_it_runs_until_cancelled(stand: Stand) -> None:
    """It looks for ever, at once when it is woken, and ends when it is cancelled."""
    task = asyncio.create_task(stand.keeper.run())
    stand.keeper.wake()
    async with asyncio.timeout(30):
        await stand.observer.told.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
