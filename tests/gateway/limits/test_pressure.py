"""How hard a process is pressed, and what goes first."""

import asyncio
import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.pressure import SHED_FROM, Pressure, Work
from gateway.limits.settings import SheddingSettings

SETTINGS = SheddingSettings(requests=100, loop_lag_milliseconds=100, log_waiting=100)


def test_costly_work_goes_first() -> None:
    """Whatever is refused at some load, all that costs more is refused too; the least is answered up to the bound."""
    shares = [SHED_FROM[work] for work in Work]
    assert shares == sorted(shares)
    assert (shares[0] > 0.5, shares[-1]) == (True, 1.0)


@pytest.mark.parametrize(
    ("inside", "refused"),
    [(59, []), (60, ["large"]), (70, ["large", "batch"]), (85, ["large", "batch", "document"]), (100, [*Work])],
)
def test_requests_that_are_being_answered(inside: int, refused: list[str]) -> None:
    """The more are inside, the more kinds are refused; what ends makes room."""
    pressure = Pressure(SETTINGS)
    requests = [pressure.answering() for _ in range(inside)]
    for request in requests:
        request.__enter__()
    assert [work for work in Work if pressure.is_too_much(work)] == refused
    for request in requests:
        request.__exit__(None, None, None)
    assert pressure.share == 0


def test_strangers_have_a_room_of_their_own() -> None:
    """However many requests of nobody known are read, they are no load for others, and only so many come in."""
    pressure = Pressure(SETTINGS)
    with contextlib.ExitStack() as inside:
        for _ in range(25):
            assert not pressure.is_full_of_unsigned
            inside.enter_context(pressure.reading_unsigned())
        assert (pressure.is_full_of_unsigned, pressure.share) == (True, 0)
    assert not pressure.is_full_of_unsigned
    tiny = Pressure(SheddingSettings(requests=1))
    assert not tiny.is_full_of_unsigned


def test_one_pause_is_no_overload() -> None:
    """A loop that was late once sheds little; one that is late each time sheds all, until it is so no more."""
    pressure = Pressure(SETTINGS)
    pressure.sample(0.15)
    assert not any(map(pressure.is_too_much, Work))
    for _ in range(6):
        pressure.sample(0.15)
    assert all(map(pressure.is_too_much, Work))
    for _ in range(20):
        pressure.sample(-0.001)
    assert not any(map(pressure.is_too_much, Work))


async def test_entries_that_wait_for_the_log() -> None:
    """Entries count until they are written or have failed, whether anybody waits for them or not."""
    pressure = Pressure(SETTINGS)
    loop = asyncio.get_running_loop()
    entries = [loop.create_future() for _ in range(100)]
    for entry in entries:
        pressure.wait_for_log(entry)
    assert pressure.is_too_much(Work.KEY)
    for number, entry in enumerate(entries):
        entry.cancel() if number % 2 else entry.set_result(None)
    await asyncio.sleep(0)
    assert pressure.share == 0


async def test_the_loop_is_measured() -> None:
    """A loop that is held up is seen by itself, and told to the metrics."""
    told: asyncio.Queue[float] = asyncio.Queue()
    pressure = Pressure(SETTINGS, note_lag=told.put_nowait)
    pressure.start()
    held_until = time.perf_counter() + 0.15
    while time.perf_counter() < held_until:
        pass
    assert await told.get() > 0.02
    pressure.stop()
    assert pressure.share > 0.2


@given(st.lists(st.floats(0, 10), max_size=50))
def test_the_lag_is_never_more_than_was_seen(samples: list[float]) -> None:
    """What is taken for the lag is between nothing and the longest that was seen."""
    told: list[float] = []
    pressure = Pressure(SETTINGS, note_lag=told.append)
    for number, sample in enumerate(samples, 1):
        pressure.sample(sample)
        assert 0 <= told[-1] <= max(samples[:number]) + 1e-9
