"""``tongban bench growth``: the shape of its report; how fast the stores are, is not tested here."""

import pytest

from benchmarks.growth import run
from gateway.demo.postgres_server import find_programs
from tests.support.cli import tongban


@pytest.mark.slow
def test_the_report_holds_the_largest_store_against_the_smallest() -> None:
    """Each kind of store is asked beside the event loop, the file over HTTP too, and every way stands in the detail."""
    found = run(rounds=1, sizes=(60, 120))
    kinds = ["sqlite", *(["postgres"] if find_programs() else [])]
    assert [figure["measure"].partition(",")[0] for figure in found["reach"]] == ["sqlite"] * 3 + kinds[1:]
    assert {figure["goal"] for figure in found["reach"]} == {1.2}
    assert found["detail"]["microseconds"].keys() == {f"{kind} {size}" for kind in kinds for size in (60, 120)}


def test_only_some_have_a_larger_size() -> None:
    """``--full`` is refused where it says nothing."""
    ended = tongban("bench", "verify", "--full")
    assert (ended.code, "growth" in ended.err) == (2, True)
