"""What differs between the site in force and the written one."""

from pathlib import Path

import pytest

from gateway.reload.changes import Changes, compare_sites, has_same_access, has_same_sources, merge_sites, select_of_log
from gateway.site import Site, load_site
from tests.gateway.test_serve import register
from tests.support.callers import NOW, make_party
from tests.support.river import NAME, write_river, write_trusting_site

OUTAGE = """
[[outage]]
system = "river"
since = 2026-12-05T22:00:00+08:00
until = 2026-12-06T06:00:00+08:00
reason_zh = "升级"
reason = "an upgrade"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_trusting_site(tmp_path)
    write_river(tmp_path, "http://127.0.0.1:9")
    return tmp_path


def read(folder: Path) -> Site:
    return load_site(folder, at=NOW)


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert text.count(old) >= 1
    (folder / file).write_text(text.replace(old, new, 1))


def test_nothing_differs_from_itself(folder: Path) -> None:
    """A site that is read twice is the same."""
    one, other = read(folder), read(folder)
    assert compare_sites(one, other) == Changes()
    assert has_same_sources(one, other)


@pytest.mark.parametrize(
    ("file", "old", "new", "applied"),
    [
        ("tongban.toml", "rate_per_second = 200", "rate_per_second = 3", "tongban.toml: [limits]"),
        ("tongban.toml", "[gateway]", '[gateway]\nreload = "signal"', "tongban.toml: gateway.reload"),
        ("sources.toml", "\n", "\n\n", "sources.toml"),
        (f"adapters/{NAME}.toml", "\n", "\n\n", f"adapters/{NAME}.toml"),
        (".river-token", "", "another", f"systems.toml: {NAME}.secrets"),
    ],
)
def test_what_can_be_put_in_force_is_named(folder: Path, file: str, old: str, new: str, applied: str) -> None:
    """A change of a file, a table or a secret is named by its place, and takes no restart."""
    before = read(folder)
    change(folder, file, old, new)
    after = read(folder)
    assert compare_sites(before, after) == Changes(applied=(applied,))
    assert compare_sites(merge_sites(before, after), after) == Changes()


@pytest.mark.parametrize(
    ("file", "old", "new", "name", "is_of_log"),
    [
        ("tongban.toml", 'region = "370000"', 'region = "440000"', "tongban.toml: gateway.region", True),
        ("tongban.toml", "requests = 1024", "requests = 9", "tongban.toml: [shedding]", False),
        ("alarms.toml", "\n", "\n\n", "alarms.toml", True),
    ],
)
def test_what_takes_a_restart_stays_as_it_is(
    folder: Path, file: str, old: str, new: str, name: str, *, is_of_log: bool
) -> None:
    """What is built into a process is named, and keeps being named, while everything else comes into force."""
    (folder / "alarms.toml").touch()
    (folder / "alarms.toml").write_text("\n" + (folder / "alarms.toml").read_text())
    before = read(folder)
    change(folder, file, old, new)
    register(folder, make_party())
    after = read(folder)
    changes = compare_sites(before, after)
    assert changes == Changes(applied=("callers/party.toml",), restart=(name,))
    assert bool(select_of_log(changes)) is is_of_log
    merged = merge_sites(before, after)
    assert merged.callers is after.callers
    assert (merged.settings.region, merged.settings.shedding) == (before.settings.region, before.settings.shedding)
    assert compare_sites(merged, after) == Changes(restart=(name,))


def test_what_is_kept_of_a_system_ends_with_its_address(folder: Path) -> None:
    """Other rules go on with what is kept of answers; another address or secret does not."""
    before = read(folder)
    (folder / "sources.toml").write_text((folder / "sources.toml").read_text() + OUTAGE)
    announced = read(folder)
    assert (has_same_sources(before, announced), has_same_access(before, announced)) == (False, True)
    change(folder, "systems.toml", "127.0.0.1:9", "127.0.0.1:10")
    moved = read(folder)
    assert (has_same_sources(announced, moved), has_same_access(announced, moved)) == (False, False)
