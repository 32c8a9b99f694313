"""``tongban bench trust``: every figure of the issue beside its goal, from answers that were checked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks import trust
from keys.certificate import parse_certificate

pytestmark = pytest.mark.slow  # a small run takes five seconds
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Measure a small run."""
    return trust.run(rounds=3, entries=2_000, anchors=20)


def test_every_goal_is_there(found: dict[str, Any]) -> None:
    """Warm and cold paths, the list's time and memory, and the trust list, each with its goal."""
    assert (found["bench"], found["rounds"]) == ("trust", 3)
    assert [(one["unit"], one["goal"], one["better"]) for one in found["reach"]] == [
        ("µs", 5.0, "lower"),
        ("ms", 3.0, "lower"),
        ("s", 1.0, "lower"),
        ("MiB", 100.0, "lower"),
        ("ms", 300.0, "lower"),
    ]
    assert all(one["value"] > 0 for one in found["reach"][:3])


def test_other_libraries_are_measured_in_the_same_run(found: dict[str, Any]) -> None:
    """asn1crypto and pyca load the same list, and the ratios are ratios of the figures shown."""
    lists = found["detail"]["revocation_list"]
    assert set(lists) == {"tongban", "cryptography", "asn1crypto"}
    ratio = found["detail"]["times_as_fast_to_load_as"]["asn1crypto"]
    assert ratio == pytest.approx(lists["asn1crypto"]["seconds"] / lists["tongban"]["seconds"], abs=0.01)


def test_the_makers_of_the_list_are_different() -> None:
    """Each certificate has a name and a serial number of its own, and can be read."""
    certificates = [parse_certificate(der) for der in trust.make_certificates(50, NOW)]
    assert len({one.serial for one in certificates}) == 50
    assert len({one.subject_text for one in certificates}) == 50


def test_a_path_of_another_length_is_no_figure() -> None:
    """A benchmark whose chain is not the one of three stops instead of measuring."""
    path = trust.make_path(NOW)
    wrong = trust.Path(leaf=path.issuer, issuer=path.issuer, store=path.store)
    with pytest.raises(RuntimeError, match="three"):
        trust.require_path(wrong, NOW)
