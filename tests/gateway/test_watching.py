"""The watch that every keeper of a folder runs."""

import asyncio
import logging

import pytest

from gateway.watching import Watch

LOGGER = logging.getLogger("tongban.of-a-test")
NEVER = 3600.0  # seconds: only a call of `wake` makes it look
AT_ONCE = 0.0


class Looking:
    """Notes every look; each one waits until the test lets it go on, and raises what the test wants."""

    def __init__(self) -> None:
        self.looks: asyncio.Queue[bool] = asyncio.Queue()
        self.go_on = asyncio.Semaphore(0)
        self.error: BaseException | None = None
        self.failures = 0

    async def look(self, *, forced: bool) -> None:
        """Note it."""
        self.looks.put_nowait(forced)
        await self.go_on.acquire()
        if self.error is not None:
            raise self.error

    def fail(self) -> None:
        """Count it."""
        self.failures += 1


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def make_watch(looking: Looking, seconds: float) -> Watch:
    return Watch("subject", looking.look, fail=looking.fail, logger=LOGGER, seconds=seconds)


async def test_it_looks_when_the_time_is_over_and_nobody_asked() -> None:
    """After each interval it looks, and nothing forces that."""
    looking = Looking()
    task = asyncio.create_task(make_watch(looking, AT_ONCE).run())
    async with asyncio.timeout(30):
        for _ in range(3):
            assert not await looking.looks.get()
            looking.go_on.release()
    await end(task)


async def test_it_looks_at_once_when_woken() -> None:
    """A call is a forced look; calls before and during a look make one more, however many there were."""
    looking = Looking()
    watch = make_watch(looking, NEVER)
    watch.wake()
    watch.wake()
    task = asyncio.create_task(watch.run())
    async with asyncio.timeout(30):
        assert await looking.looks.get()
        watch.wake()
        watch.wake()
        looking.go_on.release()
        assert await looking.looks.get()
        looking.go_on.release()
        await asyncio.sleep(0)
        assert looking.looks.empty()
    await end(task)
    assert looking.failures == 0


async def test_an_error_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    """What a look raises is logged under its name and told, and the watch looks again."""
    looking = Looking()
    looking.error = MemoryError()
    task = asyncio.create_task(make_watch(looking, AT_ONCE).run())
    async with asyncio.timeout(30):
        await looking.looks.get()
        looking.go_on.release()
        await looking.looks.get()
    await end(task)
    assert looking.failures == 1
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == (LOGGER.name, "subject")
    assert record.exc_info is not None
    assert record.exc_info[1] is looking.error
