"""A site that issues credentials, and one that believes issuers: what is wrong is said at the start."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.credential.issuers import load_issuers
from gateway.own_keys.keystore import Keystore
from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.toml_table import Fault
from keys.own.record import KeyAlgorithm, KeyPurpose
from tests.support.credentials import ISSUER, TYPE, make_key, write_issuer
from tests.support.own_keys import NOW, PASSPHRASE, make_key_file


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site that issues credentials with a key that began at the tests' present."""
    folder = tmp_path / "site"
    write_site(folder)
    _, file = make_key_file(KeyAlgorithm.P256, purpose=KeyPurpose.CREDENTIAL)
    store = Keystore(tmp_path / "keys")
    store.create_folder()
    store.add(file)
    (tmp_path / "pass").write_bytes(PASSPHRASE + b"\n")
    (tmp_path / "pass").chmod(0o600)
    with (folder / "tongban.toml").open("a") as settings:
        settings.write(f'\n[credentials]\nissuer = "{ISSUER}"\nkeys = "{tmp_path}/keys"\npassphrase = "../pass"\n')
    return folder


def faults(site: Path) -> list[tuple[str, str]]:
    """Return where the faults of a site are."""
    with pytest.raises(SiteError) as caught:
        load_site(site, at=NOW)
    return [(one.file, one.key) for one in caught.value.faults]


def test_keys_are_opened_at_the_start(site: Path) -> None:
    """The key of the site signs at its time, and before and after nothing does."""
    keys = load_site(site, at=NOW).credentials
    assert keys is not None
    signer = keys.select(NOW)
    assert signer is not None
    assert signer.algorithm is KeyAlgorithm.P256
    assert keys.select(NOW - timedelta(days=1)) is None
    assert keys.select(NOW + timedelta(days=400)) is None


def test_off_by_default(tmp_path: Path) -> None:
    """The site that `tongban init` writes issues nothing."""
    write_site(tmp_path / "site")
    assert load_site(tmp_path / "site", at=NOW).credentials is None


def lose_key(folder: Path) -> None:
    (key,) = (folder / "keys").glob("*.key")
    key.unlink()


def damage_key(folder: Path) -> None:
    (key,) = (folder / "keys").glob("*.key")
    key.write_bytes(b"garbage")


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "passphrase that others read": (lambda folder: (folder / "pass").chmod(0o644), "credentials.passphrase"),
    "no passphrase": (lambda folder: (folder / "pass").unlink(), "credentials.passphrase"),
    "another passphrase": (lambda folder: (folder / "pass").write_bytes(b"another one"), "credentials.keys"),
    "no key": (lose_key, "credentials.keys"),
    "garbage": (damage_key, "credentials.keys"),
    "folder that others read": (lambda folder: (folder / "keys").chmod(0o755), "credentials.keys"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong(site: Path, wrong: str) -> None:
    """Keys that cannot be used stop the start, and the fault names the setting."""
    break_it, key = WRONG[wrong]
    break_it(site.parent)
    assert faults(site) == [("tongban.toml", key)]


def test_settings_that_are_missing(tmp_path: Path) -> None:
    """Whoever names an issuer names keys and passphrase too."""
    write_site(tmp_path / "site")
    with (tmp_path / "site" / "tongban.toml").open("a") as settings:
        settings.write('\n[credentials]\nissuer = "two words"\ndays = 1000\n')
    assert {key for _, key in faults(tmp_path / "site")} >= {"credentials.issuer", "credentials.days"}


def test_issuers_of_a_site(site: Path) -> None:
    """Issuers are read at the start; a file that is wrong is a fault of the site."""
    key = make_key(site.parent, KeyPurpose.CREDENTIAL)
    write_issuer(site, key)
    load_site(site, at=NOW)
    write_issuer(site, key, types="[]")
    assert faults(site) == [("issuers/province.toml", "types")]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"issuer": '"two words"'}, "issuer"),
        ({"algorithm": '"rsa"'}, "algorithm"),
        ({"algorithm": '"sm2"'}, "key"),
        ({"key": '"absent.pem"'}, "key"),
        ({"key": '"../secret"'}, "key"),
        ({"types": '"urn:x"'}, "types"),
        ({"types": ""}, "types"),
        ({"colour": '"red"'}, "colour"),
        ({"valid_to": '"tomorrow"'}, "valid_to"),
    ],
)
def test_a_file_of_an_issuer(tmp_path: Path, changes: dict[str, str], key: str) -> None:
    """Each fault of a file is named by its key."""
    folder = write_issuer(tmp_path, make_key(tmp_path, KeyPurpose.CREDENTIAL), **changes)
    found = list[Fault]()
    load_issuers(folder, faults=found)
    assert key in {one.key for one in found}


def test_two_files_of_one_issuer(tmp_path: Path) -> None:
    """An issuer may have two keys, with the same types; one key twice, or other types, are faults."""
    first, second = make_key(tmp_path / "1", KeyPurpose.CREDENTIAL), make_key(tmp_path / "2", KeyPurpose.CREDENTIAL)
    write_issuer(tmp_path, first)
    folder = write_issuer(tmp_path, second, "second")
    found = list[Fault]()
    known = load_issuers(folder, faults=found)
    assert (found, len(known)) == ([], 2)
    assert known.may_issue(ISSUER, TYPE)
    assert not known.may_issue("https://other.example", TYPE)
    write_issuer(tmp_path, second, "second", types='["urn:other"]')
    load_issuers(folder, faults=found)
    assert [one.key for one in found] == ["types"]
    write_issuer(tmp_path, first, "second")
    load_issuers(folder, faults=found)
    assert [one.key for one in found] == ["types", "kid"]
