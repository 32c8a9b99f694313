"""``tongban bench policy``: every figure beside its goal, from answers that were checked; other engines agree first."""

from typing import Any

import pytest

from benchmarks import policy, policy_material
from policies.analysis.analyse import analyse
from policies.analysis.finding import Severity
from policies.engine import Engine


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Measure a small run."""
    return policy.run(rounds=2, rules=80, kinds=5)


def test_every_goal_is_there(found: dict[str, Any]) -> None:
    """Decisions, forms, answers, plans, compiling, folding, analysis and comparison, each with its goal."""
    assert (found["bench"], found["rounds"]) == ("policy", 2)
    goals = [(one["unit"], one["goal"]) for one in found["reach"] if one["unit"] != "×"]
    assert goals == [
        ("µs", 2.0),
        ("µs", 10.0),
        ("µs", 10.0),
        ("µs", 20.0),
        ("µs", 50.0),
        ("ms", 10.0),
        ("ms", 100.0),
        ("ms", 20.0),
        ("ms", 300.0),
        ("s", 0.3),
        ("contexts", 5_000_000_000),
        ("s", 0.3),
        ("s", 0.3),
    ]
    assert all(one["value"] > 0 for one in found["reach"])


def test_other_engines_are_asked_in_the_same_run(found: dict[str, Any]) -> None:
    """Their ratio is a figure with a goal; one that is not installed is said to be missing, and fails nothing."""
    for name, peer in found["detail"]["peers"].items():
        if peer == "not installed":
            assert not any(name in one["measure"] for one in found["reach"])
            continue
        (figure,) = (one for one in found["reach"] if name in one["measure"])
        assert figure["value"] == pytest.approx(peer["ratio_matching"]["median"], abs=0.001)
        assert peer["checked"] > 1
        assert peer["ratio_whole_plan"]["median"] < peer["ratio_matching"]["median"]


def test_a_missing_engine_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place in the report says so."""
    monkeypatch.setitem(__import__("sys").modules, "regopy", None)
    assert policy.measure_peer(policy.make_material(), "regopy", 1) is None


def test_another_answer_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that finds other rules stops the benchmark."""
    monkeypatch.setitem(policy.PEERS, "cedarpy", (lambda _: lambda _: frozenset({"R-9"}), 20.0, 5))
    with pytest.raises(RuntimeError, match="R-9"):
        policy.measure_peer(policy.make_material(), "cedarpy", 1)


def test_the_policies_of_the_benchmark_are_the_same_in_every_run_and_have_no_fault() -> None:
    """A fixed seed makes them, and no rule is in conflict with another."""
    assert policy_material.make_hundred() == policy_material.make_hundred()
    engine = Engine(policy_material.make_hundred())
    assert len(engine.bundle.rules) == 100
    assert not [one for one in analyse(engine).findings if one.severity is Severity.FAULT]
    assert len(engine.decide(policy_material.full_context()).fields) == 20
