"""Tests of the deadline that does not count our own business against others."""

import asyncio
import time

import pytest

from gateway.shared.deadline import Deadline


async def test_it_ends_a_wait() -> None:
    """What does not come in time ends with TimeoutError, and the task goes on."""
    with pytest.raises(TimeoutError):
        async with Deadline(0.001):
            await asyncio.Event().wait()
    await asyncio.sleep(0)


async def test_what_comes_in_time_comes() -> None:
    """What comes in time is not disturbed, then or later."""
    async with Deadline(0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)


async def test_it_can_begin_anew() -> None:
    """Seconds that are given later take the place of those before."""
    async with Deadline(0.001) as deadline:
        deadline.restart(60)
        await asyncio.sleep(0.01)


async def test_a_cancellation_from_outside_stays_one() -> None:
    """Whoever cancels the task does so, deadline or not."""

    async def wait() -> None:
        async with Deadline(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_answer_that_has_arrived_counts(loop: str) -> None:
    """An answer that arrived in time is taken, although the loop was busy until long after the deadline."""

    async def ask() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(1))
            await writer.drain()
            time.sleep(0.05)  # noqa: ASYNC251 — the loop is busy, which is what this test is about
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            async with Deadline(0.02):
                writer.write(b"x")
                return await reader.readexactly(1)
        finally:
            writer.close()
            server.close()
            await asyncio.sleep(0.01)

    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(ask()) == b"x"
