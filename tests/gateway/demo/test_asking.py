"""The gateway of the demo is a process of its own, and the one that is installed."""

from pathlib import Path

import pytest

from gateway.demo.asking import GatewayDidNotStartError, run_gateway


def test_what_lies_where_one_stands_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder ``gateway/`` or ``keys/`` of the user does not stand in for the package of that name."""
    for name in ("gateway", "keys"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "gateway" / "__main__.py").write_text("print('listening on http://127.0.0.1:1')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GatewayDidNotStartError), run_gateway(tmp_path / "no-site"):
        pass
    assert "no-site" in (tmp_path / "gateway.log").read_text(encoding="utf-8")
