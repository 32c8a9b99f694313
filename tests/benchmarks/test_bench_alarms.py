"""The benchmark of alarms reports what it measured."""

from benchmarks.audit_alarms import run


def test_bench_alarms() -> None:
    """It evaluates every entry by every rule, and holds two figures against their goals."""
    found = run(rounds=2, entries=300)
    assert (found["bench"], found["rounds"], len(found["reach"])) == ("audit_alarms", 2, 2)
    assert found["detail"]["entries"] == 300
    assert all(figure["value"] > 0 for figure in found["reach"])
