"""Flights: one piece of work for all who ask the same, whoever goes away."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flight import Deadline, Flights

FAR = 60.0


class Work:
    """Work that ends when a test says so, and remembers how it went."""

    def __init__(self) -> None:
        self.begun = self.cancelled = self.late = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, deadline: Deadline) -> str:
        """Work, within the deadline."""
        self.begun += 1
        try:
            async with deadline.within():
                await self.gate.wait()
        except TimeoutError:
            self.late += 1
            raise
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return f"answer {self.begun}"


def now() -> float:
    return asyncio.get_running_loop().time()


async def turns(count: int = 3) -> None:
    """Let everything go on that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def ask(flights: Flights[str, str], work: Callable[[Deadline], Awaitable[str]], seconds: float = FAR, key: str = "k"):
    return asyncio.ensure_future(flights.join(key, work, until=now() + seconds))


async def test_one_piece_of_work_for_all() -> None:
    """Whoever asks while the work is under way has its answer; whoever comes later has a new one."""
    flights, work = Flights[str, str](), Work()
    asked = [ask(flights, work) for _ in range(5)]
    await turns()
    assert (work.begun, len(flights), flights.has("k"), flights.has("other")) == (1, 1, True, False)
    work.gate.set()
    assert set(await asyncio.gather(*asked)) == {"answer 1"}
    assert (len(flights), await ask(flights, work)) == (0, "answer 2")


async def test_other_keys_are_other_flights() -> None:
    """Nobody waits for the answer to another question."""
    flights, one, other = Flights[str, str](), Work(), Work()
    waiting = ask(flights, one)
    other.gate.set()
    assert await ask(flights, other, key="other") == "answer 1"
    assert not waiting.done()
    one.gate.set()
    await waiting


async def test_a_leader_that_goes_away() -> None:
    """Who began the work may be cancelled: the others have its answer."""
    flights, work = Flights[str, str](), Work()
    leader, follower = ask(flights, work), ask(flights, work)
    await turns()
    leader.cancel()
    await turns()
    work.gate.set()
    assert (await follower, leader.cancelled(), work.begun, work.cancelled) == ("answer 1", True, 1, 0)


async def test_everybody_goes_away() -> None:
    """Once nobody waits the work is stopped, and the next one begins anew."""
    flights, work = Flights[str, str](), Work()
    asked = [ask(flights, work) for _ in range(3)]
    await turns()
    for one in asked:
        one.cancel()
    await turns()
    assert (work.cancelled, len(flights), all(one.cancelled() for one in asked)) == (1, 0, True)
    work.gate.set()
    assert await ask(flights, work) == "answer 2"


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    """Whoever waits is told of the failure; the next one asks anew."""
    flights, work = Flights[str, str](), Work()
    work.error = ValueError("no")
    asked = [ask(flights, work) for _ in range(3)]
    await turns()
    work.gate.set()
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in failures] == [ValueError] * 3
    work.error = None
    assert await ask(flights, work) == "answer 2"


async def test_a_follower_with_less_time() -> None:
    """Whose time is over is told so, and the work goes on for the others."""
    flights, work = Flights[str, str](), Work()
    leader = ask(flights, work)
    with pytest.raises(TimeoutError):
        await ask(flights, work, 0.01)
    work.gate.set()
    assert (await leader, work.late, work.cancelled) == ("answer 1", 0, 0)


async def test_a_follower_with_more_time() -> None:
    """The work goes on for the one who can wait longest, though the one who began it could not."""
    flights, work = Flights[str, str](), Work()
    leader, follower = ask(flights, work, 0.01), ask(flights, work)
    with pytest.raises(TimeoutError):
        await leader
    await turns()
    assert (work.late, work.cancelled) == (0, 0)
    work.gate.set()
    assert await follower == "answer 1"


async def test_the_last_ones_time_is_over() -> None:
    """Work that nobody has time for any more ends as one whose time is over, whoever left before."""
    flights, work = Flights[str, str](), Work()
    patient, other = ask(flights, work), ask(flights, work, 0.01)
    await turns()
    patient.cancel()
    with pytest.raises(TimeoutError):
        await other
    await turns()
    assert (work.late, work.cancelled, len(flights)) == (1, 0, 0)


async def test_a_flight_that_is_over_is_not_joined() -> None:
    """Whoever comes when the time of a flight is over begins another one."""
    flights, work = Flights[str, str](), Work()
    late = ask(flights, work, 0.0)
    await turns(1)
    second = ask(flights, work)
    with pytest.raises(TimeoutError):
        await late
    work.gate.set()
    assert (await second, work.begun) == ("answer 2", 2)


async def test_work_that_keeps_to_no_deadline() -> None:
    """Work that watches no clock is stopped when nobody has time for it."""
    flights, gate = Flights[str, str](), asyncio.Event()
    stopped: list[bool] = []

    async def work(_: Deadline) -> str:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            stopped.append(True)
            raise
        return ""

    with pytest.raises(TimeoutError):
        await ask(flights, work, 0.01)
    await turns()
    assert stopped == [True]


async def test_a_part_of_the_time() -> None:
    """A part of a deadline moves with it."""
    deadline = Deadline(now() + FAR)
    with pytest.raises(TimeoutError):
        async with deadline.within(0.01 / FAR):
            await asyncio.Event().wait()
    assert not deadline.is_over
    deadline = Deadline(now() + 0.02)
    async with deadline.within(0.5):
        assert deadline.move(now() + FAR)
        await asyncio.sleep(0.02)
    assert not deadline.is_over
    assert not deadline.move(now())
    assert deadline.is_over


async def test_closing() -> None:
    """Closing stops what is under way."""
    flights, work = Flights[str, str](), Work()
    waiting = ask(flights, work)
    await turns()
    await flights.close()
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled == 1


STEPS = st.lists(st.sampled_from(["ask", "other", "cancel", "end", "fail", "turn"]), max_size=25)


@given(STEPS)
def test_nobody_is_forgotten(steps: list[str]) -> None:
    """Whatever happens, each one is answered, told of the failure, or went away; and nothing is left under way."""
    asyncio.run(_live_through(steps))


async def _live_through(steps: list[str]) -> None:
    flights = Flights[str, str]()
    works = {"k": Work(), "other": Work()}
    asked: list[asyncio.Future[str]] = []
    for step in steps:
        match step:
            case "ask" | "other":
                key = "k" if step == "ask" else "other"
                asked.append(ask(flights, works[key], key=key))
            case "cancel" if asked:
                asked[len(asked) // 2].cancel()
            case "end" | "fail":
                works["k"].error = ValueError("no") if step == "fail" else None
                works["k"].gate.set()
                await turns(5)
                works["k"].gate.clear()
            case _:
                await turns()
        assert len(flights) <= 2
    for work in works.values():
        work.gate.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, str | ValueError | asyncio.CancelledError) for one in ended)
    await turns()
    assert len(flights) == 0
