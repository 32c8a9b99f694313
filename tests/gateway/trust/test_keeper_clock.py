"""The trust in force and time: readings that failed are tried again, and lists end while the folder is read."""

import asyncio
import errno
import os
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.background import Background
from gateway.metrics import Metrics
from gateway.site import load_site
from gateway.site_template import write_site
from gateway.trust import keeper as trust_keeper
from gateway.trust.folder import MAX_FILES
from gateway.trust.keeper import TrustKeeper
from gateway.trust.lists import read_trust
from gateway.trust.mark import mark_folder
from gateway.trust.metrics import TrustMetrics
from gateway.trust.retry import MAX_RETRY_SECONDS
from keys.trust_list import TrustList
from tests.support import pki
from tests.support.trust_folder import put, write_folder
from tests.support.trust_lists import DAY, ENTRIES, make_list, next_list, signed

in_thread = asyncio.to_thread  # a test that blocks the loop fails
SECOND = timedelta(seconds=1)
ONE = signed(make_list())


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = pki.NOW

    def __call__(self):
        """Return the moment."""
        return self.now


class Stand:
    """A keeper of a folder with one list in it, which counts into metrics."""

    def __init__(self, folder: Path, one: TrustList = ONE) -> None:
        self.folder, self.clock, self.metrics = write_folder(folder), Clock(), Metrics()
        put(folder, one)
        self.keeper = TrustKeeper(
            read_trust(folder, at=pki.NOW).state,
            clock=self.clock,
            folder=folder,
            mark=mark_folder(folder),
            poll_seconds=0.01,
            observer=TrustMetrics(self.metrics),
        )

    async def versions(self) -> list[int]:
        """Look once, and return what is in force."""
        await self.keeper.look()
        return [one.version for one in self.keeper.state.in_force(self.clock.now)]

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a sample."""
        families = text_string_to_metric_families(self.metrics.expose().decode())
        samples = [sample for family in families for sample in family.samples]
        return next((one.value for one in samples if (one.name, one.labels) == (name, labels)), None)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "trust")


async def test_a_list_of_a_moment_too_early_is_taken_when_it_is_time(stand: Stand) -> None:
    """A publisher's clock two seconds ahead costs two seconds; until then the old list stays and the reason is said."""
    two = signed(next_list(ONE, issued=pki.NOW + 2 * SECOND))
    await in_thread(put, stand.folder, two)
    assert await stand.versions() == [1]
    assert stand.keeper.failure is not None
    stand.clock.now += SECOND
    assert not await stand.keeper.look()
    stand.clock.now += SECOND
    assert await stand.versions() == [2]
    assert stand.keeper.failure is None


async def test_what_failed_for_a_moment_is_read_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many open files, or whatever else passes by itself, does not keep a list out for ever."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(trust_keeper, "read_trust", fail)
    await in_thread(put, stand.folder, signed(next_list(ONE)))
    moments = []
    for _ in range(400):
        if await stand.keeper.look():
            moments.append(stand.clock.now)
        stand.clock.now += SECOND
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == MAX_RETRY_SECONDS
    assert stand.metric("gateway_trust_reloads_total", result="failed") == 1
    monkeypatch.undo()
    stand.clock.now += timedelta(seconds=MAX_RETRY_SECONDS)
    assert await stand.versions() == [2]


async def test_a_clock_that_was_set_back_puts_nothing_off(stand: Stand) -> None:
    """After a reading that failed at a wrong time of tomorrow, the right time of today is time to try again."""
    stand.clock.now += 2 * DAY
    await in_thread((stand.folder / "x.pem").write_bytes, b"-----BEGIN")
    assert await stand.keeper.look()
    stand.clock.now -= DAY
    assert await stand.keeper.look()


async def test_a_list_ends_while_the_folder_is_read(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk keeps nobody trusted: the clock is watched by a task of its own."""
    entered, release = threading.Event(), threading.Event()

    def wait(*_: object, **__: object) -> None:
        entered.set()
        release.wait(10)
        raise OSError(errno.EIO, "slow")

    monkeypatch.setattr(trust_keeper, "read_trust", wait)
    stand.keeper.wake()
    task = asyncio.create_task(stand.keeper.run())
    try:
        async with asyncio.timeout(10):
            await in_thread(entered.wait, 10)
            stand.clock.now = ONE.expires
            while stand.keeper.current().anchors:  # noqa: ASYNC110 - what is waited for is the product's own task
                await asyncio.sleep(0.01)
    finally:
        release.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_surprise_is_reported(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is in the report as well as in the log, and goes when it passes."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(trust_keeper, "read_trust", fail)
    stand.keeper.wake()
    task = asyncio.create_task(stand.keeper.run())
    async with asyncio.timeout(10):
        while stand.keeper.report()["failure"] is None:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
        monkeypatch.undo()
        stand.keeper.wake()
        while stand.keeper.failure is not None:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_metrics_say_that_a_list_is_over(stand: Stand) -> None:
    """Ten days after its end a list counts nobody, is ten days over, and grows older."""
    assert stand.metric("gateway_trust_list_expiry_seconds", list=ONE.name) == (ONE.expires - pki.NOW).total_seconds()
    stand.clock.now = ONE.expires + 10 * DAY
    await stand.keeper.look()
    assert stand.metric("gateway_trust_list_expiry_seconds", list=ONE.name) == -10 * DAY.total_seconds()
    assert stand.metric("gateway_trust_list_age_seconds") == (stand.clock.now - ONE.issued).total_seconds()
    assert stand.metric("gateway_trust_anchors", purpose="signer") == 0


async def test_who_is_trusted_no_more_is_not_counted(tmp_path: Path) -> None:
    """After a sunset the list has the entry still, and the metric does not."""
    ends_tomorrow = replace(ENTRIES[0], sunset=pki.NOW + DAY)
    stand = await in_thread(Stand, tmp_path / "trust", signed(make_list(ends_tomorrow, *ENTRIES[1:])))
    assert stand.metric("gateway_trust_anchors", purpose="signer") == 1
    stand.clock.now += DAY
    await stand.keeper.look()
    assert stand.metric("gateway_trust_anchors", purpose="signer") == 0
    assert stand.metric("gateway_trust_anchors", purpose="seal-maker") == 2


async def test_a_list_that_ends_between_reading_and_serving_is_not_served(tmp_path: Path) -> None:
    """Questions start with what is in force when the gateway is built, not with what was when its site was read."""
    site, clock = tmp_path / "site", Clock()
    clock.now = ONE.expires

    def build() -> Background:
        write_site(site)
        write_folder(site / "trust")
        put(site / "trust", ONE)
        return Background(load_site(site, at=ONE.expires - SECOND), clock=clock, metrics=Metrics())

    background = await in_thread(build)
    assert background.current().anchors == ()
    await background.trust.look()
    assert background.current().anchors == ()


def test_no_archive_blinds_the_watch(tmp_path: Path) -> None:
    """However many versions were archived, what is put beside them is seen."""
    (tmp_path / "archive").mkdir()
    for number in range(MAX_FILES + 1):
        (tmp_path / "archive" / f"a.{number}.json").touch()
    before = mark_folder(tmp_path)
    assert before == ()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.json").write_bytes(b"1")
    assert mark_folder(tmp_path) != before


def test_a_change_that_hides_is_seen(tmp_path: Path) -> None:
    """The same length with the time set back, and a link that leads nowhere, are changes too."""
    path = tmp_path / "a.pem"
    path.write_bytes(b"1")
    marks = [mark_folder(tmp_path)]
    status = path.stat()
    path.write_bytes(b"2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    marks.append(mark_folder(tmp_path))
    (tmp_path / "b.pem").symlink_to("nowhere")
    marks.append(mark_folder(tmp_path))
    assert all(first != second for first, second in pairwise(marks))


def test_links_to_themselves_are_walked_once(tmp_path: Path) -> None:
    """Folders that lead to each other are marked once, as they are read once."""
    for number in range(12):
        (tmp_path / f"l{number}").symlink_to(".")
    (tmp_path / "a.pem").write_bytes(b"1")
    assert len(mark_folder(tmp_path)) == 1
