"""``tongban bench http``: the shape of its report, from a small run over a real gateway."""

import pytest

from benchmarks import http


@pytest.mark.slow
def test_every_way_to_ask_stands_beside_the_bare_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bare handler, the warm and the cold path and batches are measured, each with its goal and its steps."""
    for name, value in (("SECONDS", 0.3), ("WARM_UP_SECONDS", 0.1), ("COLD", 10)):
        monkeypatch.setattr(http, name, value)
    found = http.run(rounds=1)
    assert found["bench"] == "http"
    assert [(one["goal"], one["better"]) for one in found["reach"]] == [
        (0.4, "higher"),
        (10.0, "lower"),
        (1000.0, "higher"),
        (25.0, "lower"),
    ]
    assert {"bare", "warm", "cold", "batch", "steps"} <= found["detail"].keys()
    assert found["detail"]["steps"]["warm"]["licence"] > 0
