"""The systems that rules name: whatever a first question would meet is a fault at the start."""

from pathlib import Path

import pytest

from gateway.site import SiteError, load_site
from tests.support.demo import NOW
from tests.support.river import MAPPING, NAME, write_river, write_trusting_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a site that asks a province."""
    folder = tmp_path / "site"
    write_trusting_site(folder)
    write_river(folder, "http://river.example.org")
    return folder


def faults_of(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(SiteError) as caught:
        load_site(folder, at=NOW)
    assert all(fault.sentence_zh and str(fault) for fault in caught.value.faults)
    return [(fault.file, fault.key) for fault in caught.value.faults]


def test_a_sound_site(folder: Path) -> None:
    """The system is read with its mapping, its recipe and our access; no secret is shown."""
    site = load_site(folder, at=NOW)
    (system,) = site.asked
    assert (system.name, system.says_status, system.access.base) == (NAME, True, "http://river.example.org")
    assert [rule.system for rule in site.rules] == ["store", NAME]
    assert "river's token" not in repr(site)


def test_a_system_without_a_rule_needs_no_mapping(folder: Path) -> None:
    """What no rule names is not asked, and not read."""
    (folder / "sources.toml").unlink()
    (folder / "adapters" / f"{NAME}.toml").unlink()
    assert load_site(folder, at=NOW).asked == ()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "river"', 'id = "stream"', "system.id"),
        ('form = "xml"', 'form = "html"', "message.form"),
        ('for = "identifier"', 'for = "colour"', "transport.call[1].for"),
        ("{operator_id}", "{clerk}", "transport.call[1].xml"),
        ("deadline_ms = 5000", "deadline_ms = 1", "transport.deadline_ms"),
    ],
)
def test_one_broken_thing_in_the_mapping(folder: Path, old: str, new: str, key: str) -> None:
    """A fault of the mapping or its recipe names file and key."""
    assert old in MAPPING
    (folder / "adapters" / f"{NAME}.toml").write_text(MAPPING.replace(old, new), "utf-8")
    files = faults_of(folder)
    assert key in [found for _, found in files]
    assert all(file.startswith(f"adapters/{NAME}.toml") for file, _ in files)


def test_a_mapping_that_is_not_there(folder: Path) -> None:
    """A system that is to be asked has a mapping file of its name."""
    (folder / "adapters" / f"{NAME}.toml").unlink()
    assert faults_of(folder) == [(f"adapters/{NAME}.toml", "")]


def test_a_mapping_that_asks_for_nothing(folder: Path) -> None:
    """A recipe without a call that leads to a licence answers no question."""
    head = MAPPING.partition("[[transport.call]]")[0]
    call = '[[transport.call]]\nfor = "file"\nurl = "{base}/file"\njson = { desk = "{setting.desk}" }\n'
    (folder / "adapters" / f"{NAME}.toml").write_text(head + call, "utf-8")
    assert faults_of(folder) == [(f"adapters/{NAME}.toml", "transport.call")]


def test_functions_with_other_parameters(folder: Path) -> None:
    """Parameters that a function does not have are faults of the mapping."""
    function = '[[transport.encryption]]\ndirection = "in"\nkey = "desk_token"\nname = "sm4-ecb"\ncolour = "red"\n'
    (folder / "adapters" / f"{NAME}.toml").write_text(MAPPING + function, "utf-8")
    assert f"adapters/{NAME}.toml" in {file for file, _ in faults_of(folder)}


def test_what_the_site_does_not_give(folder: Path) -> None:
    """A setting or a secret that the recipe names and the site does not is a fault of the site."""
    (folder / "systems.toml").write_text(f'[{NAME}]\nbase = "http://river.example.org"\n')
    assert faults_of(folder) == [
        ("systems.toml", f"{NAME}.settings.desk"),
        ("systems.toml", f"{NAME}.secrets.desk_token"),
    ]


def test_a_sign_in_that_is_never_renewed_is_a_caution(folder: Path) -> None:
    """A system whose token nobody renews is named at the start; it refuses until the token's end once it was down."""
    sign_in = '[transport.sign_in]\nurl = "{base}/in"\ntoken = "/in/token"\nlifetime_seconds = 600\n'
    for more, keys in (('[transport.outcomes]\nrenew_on = ["STOP"]\n', []), ("", ["transport.outcomes.renew_on"])):
        text = MAPPING.replace("[[transport.call]]", sign_in + more + "[[transport.call]]", 1)
        text = text.replace("X-Token = ", 'X-Ours = "{token}", X-Token = ')
        (folder / "adapters" / f"{NAME}.toml").write_text(text, "utf-8")
        cautions = [one for one in load_site(folder, at=NOW).cautions if one.file == f"adapters/{NAME}.toml"]
        assert [one.key for one in cautions] == keys
