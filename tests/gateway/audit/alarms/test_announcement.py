"""The entry that says which rules of alarms are in force: all that decides what they find, and nothing in its leaf."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from gateway.audit.alarms.announcement import draft_alarm_rules, encode_alarm_rules
from gateway.audit.alarms.calendar import WorkCalendar
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.alarms.rule import MAX_RULES, RuleKind, make_rule
from gateway.audit.alarms.words import Severity
from gateway.audit.leaf import NO_COMMITS
from gateway.audit.private import OpenedPart
from gateway.audit.said import is_saying, read_said
from gateway.toml_table import Words

RULE = make_rule(RuleKind.BURST, callers=frozenset({"a", "b"}), items=frozenset({"i1", "i2"}))
LISTED = make_rule(RuleKind.DECOY_LICENCE, marks=frozenset({b"0" * 16, b"1" * 16}))
RULES = AlarmRules(rules=(RULE, LISTED), calendar=WorkCalendar(years=frozenset({2026})))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"kind": RuleKind.OFF_HOURS},
        {"severity": Severity.LOW},
        {"told": MappingProxyType({**RULE.told, "subjects": 29})},
        {"callers": frozenset({"a"})},
        {"items": frozenset()},
        {"quiet_days": 2},
        {"marks": frozenset({b"2" * 16})},
    ],
)
def test_whatever_decides_counts(change: dict[str, Any]) -> None:
    """Rules that find something else, or look elsewhere, are others."""
    assert encode_alarm_rules(replace(RULES, rules=(replace(RULE, **change), LISTED))) != encode_alarm_rules(RULES)


@pytest.mark.parametrize(
    "calendar",
    [
        {"weekdays": frozenset({1})},
        {"hours": ((0, 60),)},
        {"years": frozenset({2025})},
        {"exceptions": MappingProxyType({20_000: True})},
    ],
)
def test_the_calendar_counts(calendar: dict[str, Any]) -> None:
    """Another calendar is another rule of off hours."""
    changed = replace(RULES, calendar=replace(RULES.calendar, **calendar))
    assert encode_alarm_rules(changed) != encode_alarm_rules(RULES)


def test_words_and_order_do_not_count() -> None:
    """How a rule says what it found, and where it stands in the file, are no change."""
    same = replace(RULES, rules=(LISTED, replace(RULE, words=Words("甲", "a"))))
    assert encode_alarm_rules(same) == encode_alarm_rules(RULES)


def test_the_leaf_tells_nothing_of_rules() -> None:
    """Whatever the rules are, the leaf is the same but for what is random; the private part names those enabled."""
    drafts = [draft_alarm_rules(rules) for rules in (AlarmRules(), RULES, RULES)]
    assert len({one.leaf.commits.resp for one in drafts}) == len({one.leaf.req for one in drafts}) == 3
    assert len({repr(replace(one.leaf, req="any", commits=NO_COMMITS)) for one in drafts}) == 1
    private = drafts[1].private
    assert private is not None
    said = read_said(drafts[1].leaf, OpenedPart(part=private, subject_erased=False, official_erased=False))
    assert said is not None
    assert said.partition(" ")[2] == "burst decoy-licence"
    assert is_saying(drafts[1].leaf)


def test_the_most_rules_fit() -> None:
    """As many rules as a site may have, with the longest ids, can be said."""
    rules = tuple(replace(RULE, id=f"{number:064d}") for number in range(MAX_RULES))
    assert draft_alarm_rules(AlarmRules(rules=rules)).private is not None
