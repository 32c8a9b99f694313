"""How often a worker may die."""

from gateway.cli.worker_deaths import AGAIN_SECONDS, MINUTE, MOST_DEATHS, WorkerDeaths


def test_it_is_started_again_and_then_no_more() -> None:
    """The first is replaced at once, others of the same minute a little later, and after the fifth all end."""
    deaths = WorkerDeaths()
    delays = [deaths.note(100.0 + number) for number in range(MOST_DEATHS)]
    assert delays == [0.0] + [AGAIN_SECONDS] * (MOST_DEATHS - 1)
    assert deaths.note(110.0) is None
    assert deaths.note(100.0 + MINUTE) is not None


def test_one_in_a_minute_is_forgotten() -> None:
    """A worker that dies now and then is always started again at once."""
    deaths = WorkerDeaths()
    assert [deaths.note(MINUTE * number) for number in range(3 * MOST_DEATHS)] == [0.0] * (3 * MOST_DEATHS)
