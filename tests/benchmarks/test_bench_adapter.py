"""``tongban bench adapter``: every figure beside its goal, from answers that were checked."""

from typing import Any

import pytest

from benchmarks import adapter
from benchmarks.adapter_material import FIELDS, make_adapter, make_lines


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Measure a small run."""
    return adapter.run(rounds=3, records=300)


def test_every_goal_is_there(found: dict[str, Any]) -> None:
    """Reading and writing of both forms, and the import, each with its goal."""
    assert (found["bench"], found["rounds"]) == ("adapter", 3)
    assert [(one["unit"], one["goal"], one["better"]) for one in found["reach"]] == [
        ("µs", 40.0, "lower"),
        ("µs", 40.0, "lower"),
        ("µs", 120.0, "lower"),
        ("µs", 120.0, "lower"),
        ("records/s", 20_000.0, "higher"),
    ]
    assert all(one["value"] > 0 for one in found["reach"])
    assert found["detail"]["import_rounds"] == 3


def test_the_record_has_thirty_fields() -> None:
    """What is measured is what the goal is about: thirty fields, all filled."""
    assert FIELDS == 30
    (node,) = make_adapter("json").read_nodes(next(make_lines(make_adapter("json"), 1)))
    assert isinstance(node, dict)
    assert len(node) == FIELDS
    assert all(node.values())


def test_the_licences_of_the_file_differ() -> None:
    """Every line is another licence, so every one of them is stored."""
    made = make_adapter("xml")
    records = [made.parse(line).records[0] for line in make_lines(made, 5)]
    assert len({record.identifier for record in records}) == len({record.number for record in records}) == 5
