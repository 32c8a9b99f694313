"""Entries for rules to judge."""

from typing import Any

from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.entry import EntryDraft
from tests.support.alarms import (
    HOUR,
    MONDAY,
    ask,
)
from tests.support.policies import FIELDS, make_bundle
from tests.support.policies import make_rule as make_policy_rule

Drafts = list[tuple[int, EntryDraft]]


def many(count: int, *, every: int, start: int = MONDAY, **changes: Any) -> Drafts:
    """Return so many questions, one after the other."""
    return [(start + at * every, ask(at, start + at * every, **changes)) for at in range(count)]


# --- conduct ----------------------------------------------------------------------------------------------------------

OFF = make_rule(RuleKind.OFF_HOURS, entries=2)
NIGHT = MONDAY + 10 * HOUR  # 20:00


# --- policies ---------------------------------------------------------------------------------------------------------

OLD = make_bundle(make_policy_rule("r", {"holder_name": "mask:name"}))
NEW = make_bundle(make_policy_rule("r", {"holder_name": "plain"}), version="2")
POLICIES = {"old": OLD, "new": NEW}
AT = sorted(FIELDS).index("holder_name")


def shown(character: str, *, at: int = AT) -> str:
    """Return the form of an entry that shows one field."""
    return "".join(character if place == at else "-" for place in range(len(FIELDS)))


WIDENING = make_rule(RuleKind.WIDENING_THEN_TRAFFIC, days=7)
