"""What a demo that serves prints for other terminals: commands that a shell takes as they stand."""

import shlex
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cli.demo import spell_commands
from gateway.cli.demo_output import name_folder
from gateway.demo.asking import RunningGateway
from gateway.demo.servers import Servers
from gateway.demo.serving import Serving
from gateway.demo.stage import Stage
from tests.support.demo import demo_stock


def test_a_folder_is_named_wherever_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that was chosen is named, whatever its name; one among the temporary files is found without."""
    monkeypatch.chdir(tmp_path)
    assert name_folder(None) == ""
    for name in ("tongban-demo-kept", "a b", "it's $HOME"):
        assert shlex.split(name_folder(Path(name))) == ["--folder", str(tmp_path / name)]


def test_commands_are_quoted(tmp_path: Path) -> None:
    """Each word of a command is one for the shell too, and each that asks the demo says which."""
    folder, stock = tmp_path / "it's kept", demo_stock().licences
    stage = Stage(authority=demo_stock().authority, questions=(), caller_key=Ed25519PrivateKey.generate(), stock=stock)
    serving = Serving(
        stage=stage,
        folder=folder,
        gateway=RunningGateway(address="http://127.0.0.1:1", pid=1),
        servers=Servers(folder=tmp_path, stack=ExitStack()),
    )
    commands = [shlex.split(one) for one in spell_commands(serving, name_folder(folder))]
    for words in (one for one in commands if "demo" in one):
        assert words[-2:] == ["--folder", str(folder)]
    assert [one[-1] for one in commands if "inspect" in one] == [str(folder / "documents" / stock[0].name)]
    assert [one[-2:] for one in commands if "verify" in one] == [
        [str(folder / "site" / "trust"), str(folder / "documents")]
    ]
