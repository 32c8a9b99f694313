"""The servers beside the demo's gateway: what is not installed, or does not start, is left out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo import servers as module
from gateway.demo.server import Action, ProcessServer, ServerDidNotStartError, free_port, select_actions
from gateway.demo.servers import LeftOut, run_servers, use_servers
from gateway.site_template import write_site
from tests.support.demo import demo_stock

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_what_is_not_installed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but Python there is the library, and the site stays as it was."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "find_programs", lambda: None)
    write_site(tmp_path / "site")
    settings = tmp_path / "site" / "tongban.toml"
    before = settings.read_text(encoding="utf-8")
    with run_servers(demo_stock().licences) as servers:
        servers.watch("http://127.0.0.1:1")
        assert set(servers.by_name) == {"library"}
        assert servers.left_out == [LeftOut(name=name) for name in ("redis", "postgresql", "prometheus")]
        with use_servers(tmp_path / "site", servers, (), NOW):
            assert settings.read_text(encoding="utf-8") == before
        folder = servers.folder
    assert not folder.exists()


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    """It says why, in its own words, and can be started again."""
    server = ProcessServer("odd", ("/bin/sh", "-c", "echo no such thing >&2"), port=free_port(), folder=tmp_path)
    with pytest.raises(ServerDidNotStartError, match="odd: no such thing"):
        server.start()
    assert select_actions(server) == (Action.START,)
