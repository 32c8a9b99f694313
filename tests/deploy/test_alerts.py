"""The alerts, as Prometheus itself reads and evaluates them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import ROOT

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
FIRING = Path(__file__).parent / "alerts_test.yaml"


@pytest.fixture(scope="module")
def promtool() -> str:
    """Return the checker of Prometheus; skips where there is none, and fails there when CI is set."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not installed (scripts/test-packages)")
        pytest.skip("promtool is needed (scripts/test-packages)")
    return program


@pytest.mark.parametrize("words", [("check", "rules", RULES), ("test", "rules", FIRING)], ids=["read", "evaluated"])
def test_promtool_finds_nothing_wrong(promtool: str, words: tuple[str | Path, ...]) -> None:
    """Prometheus takes the rules; each fires when what it names happens, as the gateway shows it, and only then."""
    ended = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)  # noqa: S603 - our files
    assert ended.returncode == 0, ended.stderr
