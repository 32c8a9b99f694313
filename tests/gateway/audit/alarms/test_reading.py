"""``alarms.toml``: read as it is written, all faults together."""

from pathlib import Path

import pytest

from gateway.audit.alarms.reading import (
    ALARMS_FILE,
    KEY_FILE,
    WATCHLISTS_FOLDER,
    AlarmRules,
    check_lists,
    load_alarms,
    read_observation_key,
)
from gateway.audit.alarms.rule import PARAMETERS, RuleKind
from gateway.audit.alarms.watchlist import encode_watchlist, make_watchlist
from gateway.audit.alarms.words import Severity, WatchlistKind
from gateway.secret_file import read_or_make_secret
from gateway.site import SiteError, load_site
from gateway.site_template import write_site
from gateway.toml_table import Fault, Words
from tests.support.alarms import KEY

GOOD = """
[[rule]]
id = "quick"
kind = "burst"
severity = "high"
subjects = 5
callers = ["hall"]
items = ["i1", "i2"]
quiet_days = 7
zh = "短时间内查询多人"
en = "many people in a short time"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site with one rule."""
    (tmp_path / ALARMS_FILE).write_text(GOOD, encoding="utf-8")
    return tmp_path


def read(site: Path) -> tuple[AlarmRules, list[str]]:
    faults: list[Fault] = []
    return load_alarms(site, faults=faults), [str(fault) for fault in faults]


def test_a_rule(site: Path) -> None:
    """Everything that a rule says is read; what it does not say is as usual."""
    alarms, faults = read(site)
    assert faults == []
    [rule] = alarms.rules
    assert (rule.id, rule.kind, rule.severity, rule.quiet_days) == ("quick", RuleKind.BURST, Severity.HIGH, 7)
    assert dict(rule.told) == {"subjects": 5, "minutes": 10}
    assert (rule.callers, rule.items) == (frozenset({"hall"}), frozenset({"i1", "i2"}))
    assert rule.sentence == Words("短时间内查询多人", "many people in a short time")


def test_no_file_is_no_rules(tmp_path: Path) -> None:
    """A site without the file raises no alarms."""
    assert read(tmp_path) == (AlarmRules(), [])


def test_the_template_has_a_rule_of_each_kind(tmp_path: Path) -> None:
    """What ``tongban init`` writes has every kind; those that need a list wait for it."""
    write_site(tmp_path)
    kinds = {rule.kind for rule in load_site(tmp_path).alarms.rules}
    assert kinds == set(RuleKind) - {RuleKind.PROTECTED_PERSON, RuleKind.DECOY_LICENCE}
    text = (tmp_path / ALARMS_FILE).read_text(encoding="utf-8")
    for kind, parameters in PARAMETERS.items():
        assert f'kind = "{kind}"' in text
        assert all(f"\n{name} = " in text for name in parameters)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('kind = "burst"', 'kind = "bursts"', "rule[1].kind"),
        ('id = "quick"', 'id = "Quick!"', "rule[1].id"),
        ('severity = "high"', 'severity = "urgent"', "rule[1].severity"),
        ("subjects = 5", "subjects = 0", "rule[1].subjects"),
        ("subjects = 5", "subjects = 201", "rule[1].subjects"),
        ("subjects = 5", "days = 5", "rule[1].days"),
        ("quiet_days = 7", "quiet_days = 93", "rule[1].quiet_days"),
        ('callers = ["hall"]', "callers = []", "rule[1].callers"),
        ('en = "many people in a short time"', "", "rule[1].en"),
        ("[[rule]]", "[rule]", "rule:"),
        ("[[rule]]", "[calendars]\n[[rule]]", "calendars"),
        (GOOD, GOOD + GOOD, "rule[2].id"),
        (GOOD, "[[rule", "syntax error"),
    ],
)
def test_faults(site: Path, old: str, new: str, fault: str) -> None:
    """What no rule says is a fault at its place."""
    path = site / ALARMS_FILE
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    _, faults = read(site)
    assert any(fault in one for one in faults), faults


def test_faults_are_reported_together(tmp_path: Path) -> None:
    """Faults of rules and calendar come with those of the rest of the site, in both languages."""
    write_site(tmp_path)
    path = tmp_path / ALARMS_FILE
    text = path.read_text(encoding="utf-8").replace("subjects = 30", "subjects = 3000").replace("08:00-18:30", "8-18")
    path.write_text(text, encoding="utf-8")
    (tmp_path / "callers" / "extra.txt").write_text("")
    with pytest.raises(SiteError) as caught:
        load_site(tmp_path)
    files = [fault.file for fault in caught.value.faults]
    assert files == ["callers/extra.txt", ALARMS_FILE, ALARMS_FILE]
    assert all("应为" in fault.sentence_zh for fault in caught.value.faults)


def listed(site: Path, *, key: bool = True) -> Path:
    """Return a site with a list of protected persons, made with its own key or with another."""
    write_site(site)
    path = site / ALARMS_FILE
    text = path.read_text(encoding="utf-8")
    text = text.replace('list = "protected.list"\nenabled = false', 'list = "protected.list"')
    path.write_text(text, encoding="utf-8")
    read_or_make_secret(site / "state" / "audit" / "keys" / KEY_FILE)
    (site / WATCHLISTS_FOLDER).mkdir()
    own = read_observation_key(site / "state" / "audit" / "keys")
    found = make_watchlist(WatchlistKind.SUBJECT, ["p"], own if key else KEY)
    (site / WATCHLISTS_FOLDER / "protected.list").write_bytes(encode_watchlist(found))
    return site


def test_a_list(tmp_path: Path) -> None:
    """A rule goes by the marks of its list."""
    rules = {rule.id: rule for rule in load_site(listed(tmp_path)).alarms.rules}
    assert len(rules["protected-person"].marks) == 1


def test_a_list_of_another_key_finds_nobody(tmp_path: Path) -> None:
    """A list that was made with another key is a fault: it would never find anybody."""
    with pytest.raises(SiteError, match=r"watchlists/protected\.list: expected a list made with the key of this site"):
        load_site(listed(tmp_path, key=False))


def test_a_list_without_a_key(tmp_path: Path) -> None:
    """A list whose key is not there is a fault."""
    (listed(tmp_path) / "state" / "audit" / "keys" / KEY_FILE).unlink()
    with pytest.raises(SiteError, match=r"alarm\.key: expected the key of the alarms"):
        load_site(tmp_path)
    faults: list[Fault] = []
    check_lists(AlarmRules(), tmp_path, faults=faults)
    assert faults == []


@pytest.mark.parametrize("content", [None, b"", b"tongban-watchlist/1 licence 0011223344556677\n", b"p\n"])
def test_a_list_must_be_one(tmp_path: Path, content: bytes | None) -> None:
    """A list that is missing, none, or of another kind is a fault of the rule."""
    path = listed(tmp_path) / WATCHLISTS_FOLDER / "protected.list"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SiteError, match=r"rule\[15\]\.list"):
        load_site(tmp_path)
