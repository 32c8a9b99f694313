"""``tongban bench audit``: the shape of its report; how fast the log is, is not tested here."""

import pytest

from benchmarks.audit import run
from gateway.demo.postgres_server import find_programs


@pytest.mark.slow
def test_the_report_holds_each_store_against_the_goals() -> None:
    """Rate, wait, bytes and proof of each store stand beside their goals."""
    found = run(rounds=1, entries=640)
    stores = ["sqlite", *(["postgres"] if find_programs() else [])]
    assert [figure["measure"].partition(":")[0] for figure in found["reach"]] == [
        store for store in stores for _ in range(4)
    ]
    assert {figure["goal"] for figure in found["reach"]} == {10_000.0, 20.0, 1024.0, 1000.0}
    assert found["detail"]["leaf_bytes"] >= 650
