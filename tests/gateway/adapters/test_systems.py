"""The file systems.toml of a site."""

from pathlib import Path

import pytest

from gateway.adapters.systems import cautions_of_systems, load_systems
from gateway.toml_table import Fault, Words

SOUND = """
[shandong]
base = "https://share.example.org/api"
settings = { access_id = "A" }
secrets = { access_token = "secrets/token" }
"""


def site(folder: Path, text: str = SOUND, mode: int = 0o600) -> Path:
    """Return a site folder with one secret."""
    (folder / "systems.toml").write_text(text, "utf-8")
    (folder / "secrets").mkdir()
    secret = folder / "secrets" / "token"
    secret.write_bytes(b"pass word\n")
    secret.chmod(mode)
    return folder


def test_a_sound_file(tmp_path: Path) -> None:
    """The address and the accounts are the file's, the secrets those of the files that it names."""
    faults: list[Fault] = []
    systems = load_systems(site(tmp_path), faults=faults)
    assert faults == []
    access = systems["shandong"]
    assert (access.base, access.settings) == ("https://share.example.org/api", {"access_id": "A"})
    assert access.secrets["access_token"].reveal() == b"pass word"
    assert "pass word" not in repr(access)


@pytest.mark.parametrize(
    ("base", "cautions"),
    [
        ("https://share.example.org", 0),
        ("http://share.example.org", 1),
        ("http://10.1.2.3:8080", 1),
        ("http://127.0.0.1:8080", 0),
        ("http://[::1]:8080", 0),
        ("http://localhost:8080", 0),
    ],
)
def test_secrets_in_the_open(tmp_path: Path, base: str, cautions: int) -> None:
    """A system on another machine to which secrets travel unencrypted is worth a word at the start."""
    systems = load_systems(site(tmp_path, SOUND.replace("https://share.example.org/api", base)), faults=[])
    assert [one.key for one in cautions_of_systems(systems)] == ["shandong.base"] * cautions


def test_there_need_be_none(tmp_path: Path) -> None:
    """A site that asks nobody has no such file."""
    assert load_systems(tmp_path, faults=[]) == {}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("https://share.example.org/api", "ftp://share.example.org", "shandong.base"),
        ("https://share.example.org/api", "https://share.example.org/", "shandong.base"),
        ("https://share.example.org/api", "https:///x", "shandong.base"),
        ("https://share.example.org/api", "https://[::1", "shandong.base"),
        ("https://share.example.org/api", "https://user:word@share.example.org", "shandong.base"),
        ("base =", "bass =", "shandong.base"),
        ("secrets/token", "secrets/none", "shandong.secrets.access_token"),
        ("secrets/token", "secrets", "shandong.secrets.access_token"),
        ('{ access_id = "A" }', "{ access_id = 1 }", "shandong.settings.access_id"),
        ('{ access_id = "A" }', "1", "shandong.settings"),
        ("[shandong]", "[", ""),
    ],
)
def test_one_broken_thing(tmp_path: Path, old: str, new: str, key: str) -> None:
    """Whatever is wrong is a fault that names its key."""
    faults: list[Fault] = []
    load_systems(site(tmp_path, SOUND.replace(old, new)), faults=faults)
    assert key in [fault.key for fault in faults]
    assert all(isinstance(fault.expected, str | Words) for fault in faults)


def test_a_secret_that_others_may_read(tmp_path: Path) -> None:
    """A secret is taken only from a file that nobody else may read."""
    faults: list[Fault] = []
    load_systems(site(tmp_path, mode=0o644), faults=faults)
    assert [(fault.key, fault.found) for fault in faults] == [("shandong.secrets.access_token", "open-permissions")]
