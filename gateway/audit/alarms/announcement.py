"""The entry that says which rules of alarms are in force: so a rule that was switched off for a while is not unseen.

Its leaf says only that they may have changed: a caller who knew the bounds of rules would stay below them. Their digest
and the ids of those that are enabled stand in the private part, to which the leaf commits.
"""

import secrets
from hashlib import sha256
from typing import Any, Final

from gateway.audit.alarms.calendar import WorkCalendar
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.alarms.rule import Rule
from gateway.audit.entry import OWN_CALLER, EntryDraft
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.lookup import ALARM_RULES
from gateway.audit.said import draft_said
from keys.canonical_json import encode_canonical

SCHEMA: Final = "tongban-alarms/1"


def draft_alarm_rules(alarms: AlarmRules) -> EntryDraft:
    """Return the entry that says that these rules are in force: their digest, then the ids of the enabled ones."""
    more: dict[str, str | int] = {"action": ALARM_RULES, "target": "log"}
    leaf = LeafDraft(kind=LeafKind.ADMIN, req=secrets.token_hex(16), caller=OWN_CALLER, more=more)
    digest = sha256(encode_alarm_rules(alarms)).hexdigest()
    return draft_said(leaf, " ".join([f"sha256:{digest}", *sorted(rule.id for rule in alarms.rules)]))


def encode_alarm_rules(alarms: AlarmRules) -> bytes:
    """Return the one spelling of all that decides what rules find: not of their words, nor of their order."""
    rules = sorted(alarms.rules, key=lambda rule: rule.id)
    members = {"schema": SCHEMA, "rules": [_describe_rule(rule) for rule in rules]}
    return encode_canonical(members | {"calendar": _describe_calendar(alarms.calendar)})


def _describe_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "kind": rule.kind.value,
        "severity": rule.severity.value,
        "told": dict(rule.told),
        "callers": sorted(rule.callers),
        "items": sorted(rule.items),
        "quiet_days": rule.quiet_days,
        "marks": sha256(b"".join(sorted(rule.marks))).hexdigest(),  # keyed, so another key makes another list
    }


def _describe_calendar(calendar: WorkCalendar) -> dict[str, Any]:
    exceptions = {str(day): is_worked for day, is_worked in calendar.exceptions.items()}
    return {
        "weekdays": sorted(calendar.weekdays),
        "hours": [list(stretch) for stretch in calendar.hours],
        "years": sorted(calendar.years),
        "exceptions": exceptions,
    }
