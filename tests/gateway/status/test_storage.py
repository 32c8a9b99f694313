"""The disk: what cannot be written costs the memory over a restart, and what did not change is not written again."""

import asyncio
import errno
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.status.failure import StatusFailure
from gateway.status.keeper import StatusKeeper
from gateway.status.leader import LOCK_FILE
from gateway.status.shelf import KeptAnswer, Shelf
from tests.gateway.status.keeping import BASE, GOOD, HOUR, Kept, source
from tests.gateway.status.test_processes import until
from tests.support import pki
from tests.support.responder import responder, serve


class Full(Shelf):
    """A shelf on a full disk."""

    def write(self, *_):
        """Fail as a full disk does."""
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_asks_nobody_sooner(tmp_path):
    """What cannot be written is said, and the source is asked again at its interval."""
    async with responder(list=serve(GOOD)) as server, Kept(tmp_path, source(server)) as kept:
        kept.keeper._shelf = Full(tmp_path)
        for _ in range(60):
            await kept.keeper.refresh_due("kept-ca")
            kept.clock.now += timedelta(seconds=1)
        assert len(server.requests) == 1
        report = kept.keeper.report()[0]
        assert (report.failure, report.failures) == (StatusFailure.STORAGE, 0)
        assert kept.observer.events.count(("failed", "kept-ca", StatusFailure.STORAGE)) == 1
        kept.keeper._shelf = Shelf(tmp_path)
        await kept.refresh()
        assert kept.keeper.report()[0].failure is None


async def test_an_unchanged_list_is_not_written_again(tmp_path):
    """The same list again is confirmed on disk without writing it, and the confirmation survives a restart."""
    async with responder(list=serve(GOOD)) as server:
        async with Kept(tmp_path, source(server)) as kept:
            await kept.refresh()
            file = tmp_path / "kept-ca" / "list.status"
            before = await asyncio.to_thread(file.stat)
            kept.clock.now += HOUR
            await kept.refresh()
            after = await asyncio.to_thread(file.stat)
            assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        async with Kept(tmp_path, source(server)) as again:
            again.clock.now += HOUR
            await again.keeper.load()
            assert again.keeper.report()[0].usable_until == pki.NOW + 3 * HOUR


ANSWER = KeptAnswer(body=b"a\nb", confirmed_at=pki.NOW, skew=timedelta(hours=-1), about=b"c")


def test_a_confirmation_belongs_to_one_answer(tmp_path):
    """A confirmation counts for the very answer that it names, when it can be read, and when it is the later one."""
    shelf = Shelf(tmp_path)
    shelf.write("one", "part", ANSWER)
    later = replace(ANSWER, confirmed_at=pki.NOW + HOUR, skew=None)
    shelf.write("one", "part", later)
    assert Shelf(tmp_path).read("one").answers == {"part": later}
    confirmation = tmp_path / "one" / "part.confirmed"
    content = confirmation.read_bytes()
    other = replace(ANSWER, body=b"other")
    shelf.write("one", "part", other)
    assert not confirmation.exists()
    confirmation.write_bytes(content)
    assert Shelf(tmp_path).read("one").answers == {"part": other}
    shelf.write("one", "part", ANSWER)
    of_another = content.replace(hashlib.sha256(ANSWER.body).hexdigest().encode(), b"0" * 64)
    assert of_another != content
    for wrong in (b"", content[:-1], b"[]", content.replace(b"2026", b"2025"), of_another):
        confirmation.write_bytes(wrong)
        assert Shelf(tmp_path).read("one").answers == {"part": ANSWER}
    shelf.remove("one", "part")
    assert list((tmp_path / "one").iterdir()) == []


def test_an_answer_that_was_taken_away_is_written_again(tmp_path):
    """Whoever empties the folder beside a running process finds whole answers in it after the next one."""
    shelf = Shelf(tmp_path)
    shelf.write("one", "part", ANSWER)
    (tmp_path / "one" / "part.status").unlink()
    shelf.write("one", "part", ANSWER)
    assert Shelf(tmp_path).read("one").answers == {"part": ANSWER}


@pytest.mark.parametrize("name", ["sequence", "revision", LOCK_FILE])
def test_a_source_may_have_any_name(tmp_path, name):
    """A source that is called like a file of the shelf is kept beside it."""
    shelf = Shelf(tmp_path)
    shelf.write_sequence(5)
    shelf.mark_changed("other")
    assert shelf.leader.try_acquire()
    shelf.write(name, "list", ANSWER)
    shelf.mark_changed(name)
    assert shelf.read(name).answers == {"list": ANSWER}
    assert (shelf.read_sequence(), shelf.read_revision(name)) == (5, 2)
    shelf.leader.release()


async def test_a_round_that_crashes_is_tried_later_and_later(tmp_path, monkeypatch):
    """An error that nobody foresaw is noted, does not end the asking, and does not come every second."""
    waits = []

    async def crash(*_):
        raise RuntimeError("nobody foresaw")

    async with responder(list=serve(GOOD)) as server:
        keeper = StatusKeeper(BASE, [source(server)], shelf=Shelf(tmp_path), clock=lambda: pki.NOW, random=lambda: 0.5)
        monkeypatch.setattr(keeper, "refresh_due", crash)
        monkeypatch.setattr(asyncio, "timeout", lambda delay: waits.append(delay) or asyncio.timeouts.timeout(0))
        task = asyncio.create_task(keeper._mind(keeper._minded["kept-ca"]))
        await until(lambda: len(waits) >= 4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert waits[:4] == [5, 10, 20, 40]
