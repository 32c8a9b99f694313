"""The benchmark of the link says what it measured."""

import pytest

from benchmarks.audit_link import run


@pytest.mark.slow
def test_report() -> None:
    """Each way of handing in is measured, and held against the one within one process."""
    found = run(rounds=1, entries=256)
    assert (found["bench"], found["rounds"], len(found["reach"])) == ("audit_link", 1, 2)
    assert all(found["detail"][f"{clients} clients"]["entries_per_second"]["median"] > 0 for clients in (0, 1, 4))
