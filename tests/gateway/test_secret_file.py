"""Secrets in files: what is read, what is refused, and how one is made."""

import base64
import os
import stat
from pathlib import Path

import pytest

from gateway.secret_file import SecretError, SecretFault, read_or_make_secret, read_secret
from gateway.settings import PolicySettings, parse_settings
from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.toml_table import Fault, TomlTable
from gateway.withheld import WITHHELD_SENTENCES, Held
from policies.plan import Withheld

SECRET = bytes(range(32))


def write(path: Path, data: bytes = base64.b64encode(SECRET) + b"\n", mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def fault_of(path: Path) -> SecretFault:
    with pytest.raises(SecretError) as caught:
        read_secret(path)
    return caught.value.fault


def test_good_secrets(tmp_path: Path) -> None:
    """A secret is read; a group may read it, as it may where secrets are mounted into a container."""
    assert read_secret(write(tmp_path / "a")) == SECRET
    assert read_secret(write(tmp_path / "b", mode=0o440)) == SECRET


def test_bad_secrets(tmp_path: Path) -> None:
    """No file, a folder, a pipe, one that others may read, too short, too long, no base64."""
    assert fault_of(tmp_path / "none") is SecretFault.ABSENT
    assert fault_of(tmp_path) is SecretFault.NOT_A_FILE
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert fault_of(tmp_path / "pipe") is SecretFault.NOT_A_FILE
    assert fault_of(write(tmp_path / "open", mode=0o604)) is SecretFault.OPEN_PERMISSIONS
    assert fault_of(write(tmp_path / "short", base64.b64encode(SECRET[:31]))) is SecretFault.UNUSABLE
    assert fault_of(write(tmp_path / "long", base64.b64encode(SECRET * 200))) is SecretFault.UNUSABLE
    assert (
        fault_of(write(tmp_path / "words", b"correct horse battery staple!!!!!!!!!!!!!!!!!!!")) is SecretFault.UNUSABLE
    )


def test_making_one(tmp_path: Path) -> None:
    """A secret is made once, for its owner alone, with nothing left beside it."""
    path = tmp_path / "state" / "key"
    made = read_or_make_secret(path)
    assert read_or_make_secret(path) == made == read_secret(path)
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_key_of_a_site(tmp_path: Path) -> None:
    """The site reads the key of pseudonyms that its settings name; one that cannot be used is a fault in words."""
    site = tmp_path / "site"
    write_site(site)
    assert load_site(site).pseudonym_master is None
    settings = site / "tongban.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("# pseudonym_key", "pseudonym_key"), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_site(site)
    (fault,) = caught.value.faults
    assert (fault.file, fault.key) == ("tongban.toml", "policy.pseudonym_key")
    (site / "state").mkdir(exist_ok=True)
    write(site / "state" / "pseudonym.key")
    found = load_site(site)
    assert found.pseudonym_master == SECRET
    assert str(SECRET) not in repr(found)


@pytest.mark.parametrize("value", ["../key", "key", "state/../../key", ""])
def test_no_key_outside(value: str) -> None:
    """The key lies below the site's state folder, or at an absolute path."""
    faults: list[Fault] = []
    gateway = {"name": "n", "name_zh": "n", "region": "370000", "audience": "a"}
    table = TomlTable({"gateway": gateway, "policy": {"pseudonym_key": value}}, file="f", faults=faults)
    parse_settings(table)
    assert [fault.key for fault in faults] == ["policy.pseudonym_key"]
    assert PolicySettings().pseudonym_key == ""


def test_every_reason_has_words() -> None:
    """Each reason of a withheld field has a sentence and a next step in Chinese and in English, and no word has two."""
    assert set(WITHHELD_SENTENCES) == {one.value for one in (*Withheld, *Held)}
    assert not {one.value for one in Withheld} & {one.value for one in Held}
    for sentence in WITHHELD_SENTENCES.values():
        assert sentence.zh.endswith("。")
        assert sentence.next_zh.endswith("。")
        assert sentence.en.isascii()
        assert sentence.en.endswith(".")
        assert sentence.next_en.isascii()
