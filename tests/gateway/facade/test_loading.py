"""What a site says of its façades: every fault at the start, none at the first question."""

from pathlib import Path

import pytest

from gateway.cli.serve import serve
from gateway.site import SiteError, load_site
from tests.support.demo import NOW
from tests.support.facades import ACCOUNTS, write_facade_site


def faults(folder: Path) -> list[str]:
    """Return what is wrong with a site."""
    with pytest.raises(SiteError) as caught:
        load_site(folder, at=NOW)
    return [str(one) for one in caught.value.faults]


def change(path: Path, old: str, new: str) -> None:
    """Change a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_site_with_a_facade(tmp_path: Path) -> None:
    """The caller of a façade is registered, and no key of a token finds it."""
    site = load_site(write_facade_site(tmp_path, "shandong"), at=NOW)
    (plan,) = site.facades
    assert (plan.settings.name, plan.caller.id) == ("shandong", "shandong-caller")
    assert site.callers.find("shandong-caller", "") is None
    assert site.callers.find_facade("shandong-caller") is plan.caller
    known = ACCOUNTS["shandong"].secrets["access_token"]
    assert known not in repr(plan) + repr(plan.caller) + repr(plan.account) + repr(site)


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("caller", "nobody", "facade[1].caller"),
        ("caller", "example-service-hall", "facade[1].caller"),
        ("system", "nowhere", "facade[1].system"),
        ("system", "../shandong", "facade[1].system"),
        ("name", "a/b", "facade[1].name"),
        ("colour", "red", "facade[1].colour"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, key: str, value: str, place: str) -> None:
    """Each fault names the key of its table."""
    found = faults(write_facade_site(tmp_path, "shandong", **{key: value}))
    assert any(place in one for one in found)


def test_two_of_one_name(tmp_path: Path) -> None:
    """Two façades have two names."""
    settings = write_facade_site(tmp_path, "shandong") / "tongban.toml"
    settings.write_text(settings.read_text() + '\n[[facade]]\nsystem = "shandong"\ncaller = "shandong-caller"\n')
    assert any("facade[2].name" in one for one in faults(tmp_path))


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("shandong", 'access_id = "partner"', "", "access_id"),
        ("shandong", 'access_token = "', 'another = "', "access_token"),
        ("shandong", 'sm2_private_key = "04', 'sm2_private_key = "05', "sm2_private_key"),
        ("shandong", "[facade.settings]", 'role = "auditor"\n[facade.settings]', "role"),
        ("exchange", "[facade.public_keys]", '[facade.public_keys]\napp_key = "00"', "app_key"),
    ],
)
def test_accounts_that_are_wrong(tmp_path: Path, name: str, old: str, new: str, found: str) -> None:
    """A setting, a secret or a key that is missing or cannot be used is a fault that names it."""
    folder = write_facade_site(tmp_path, name)
    change(folder / "callers" / f"{name}.toml", old, new)
    assert any(found in one for one in faults(folder))


def test_a_secret_that_others_may_read(tmp_path: Path) -> None:
    """The file of a secret is one that nobody else may read."""
    folder = write_facade_site(tmp_path, "shandong")
    (folder / "state" / "shandong-access_token").chmod(0o644)
    assert any("facade.secrets.access_token" in one for one in faults(folder))


def test_a_short_secret(tmp_path: Path) -> None:
    """A password that could be found by trying is a fault: whoever asks may try as often as he likes."""
    folder = write_facade_site(tmp_path, "shandong")
    (folder / "state" / "shandong-access_token").write_text("15 characters..\n")
    assert any("16 bytes or more" in one for one in faults(folder))


@pytest.mark.parametrize(
    ("content", "mode", "found"),
    [("QUJD\n", 0o600, "something else"), ("QUJD" * 12, 0o644, "others may read"), (None, 0o700, "no plain file")],
)
def test_a_key_of_tokens_that_cannot_be_used(tmp_path: Path, content: str | None, mode: int, found: str) -> None:
    """A key of façades that is short, open to others or no file is a fault like any other; none is no fault."""
    path = write_facade_site(tmp_path, "shandong") / "state" / "facades.key"
    load_site(tmp_path, at=NOW)
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    path.chmod(mode)
    assert any(one.startswith("state/facades.key: ") and found in one for one in faults(tmp_path))


@pytest.mark.parametrize(("name", "cautions"), [("zhejiang", 1), ("shandong", 0)])
def test_signatures_without_a_nonce(tmp_path: Path, name: str, cautions: int) -> None:
    """A system whose signature covers no more than the moment is worth a word at the start."""
    found = load_site(write_facade_site(tmp_path, name), at=NOW).cautions
    assert [one.key for one in found] == ["facade[1]"] * cautions


def test_cautions_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever starts the gateway reads them, though they keep it from nothing."""
    serve(write_facade_site(tmp_path, "zhejiang"), host="203.0.113.1")  # which is nobody's address
    assert "facade[1]" in capsys.readouterr().err


def test_a_recipe_that_guards_nothing(tmp_path: Path) -> None:
    """A system whose questions carry no secret, no token and no signature has no façade: anybody could ask."""
    found = faults(write_facade_site(tmp_path, "fujian-post"))
    assert any("nothing else proves who asks" in one and "call.identifier" in one for one in found)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('id = "shandong"', 'id = "another"', "system.id"),
        ('loses = "撤销与被替换写作注销"\n', "", "undeclared"),
        ('certIdentifier = "{identifier}"', 'certIdentifier = "{identifier}{number}"', "read back"),
        ('at = "$.data.certData"\nkey', 'at = "$.data.certData"\nspare = 1\nkey', "parameters"),
    ],
)
def test_recipes_that_cannot_be_served(tmp_path: Path, old: str, new: str, found: str) -> None:
    """Two places side by side cannot be told apart, and functions have the parameters that they have."""
    folder = write_facade_site(tmp_path, "shandong")
    change(folder / "adapters" / "shandong.toml", old, new)
    assert any(found in one for one in faults(folder))
