"""What auditors ask and get about alarms: the bodies of ``/audit/v1/alarms``."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from gateway.audit.alarms.alarm import MAX_NOTE
from gateway.audit.alarms.register import AlarmState
from gateway.audit.alarms.words import AlarmKind, Severity, Verdict
from gateway.audit.search.search import MAX_PAGE, USUAL_PAGE
from gateway.http.messages.auditors import QueryReceipt

RuleId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
AlarmName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}:[0-9a-f]{32}\Z",
        description="An alarm: the id of its rule, and its own. The latter is also the `decision` of its verdicts.",
    ),
]


class AlarmScope(StrEnum):
    """Which alarms."""

    OPEN = "open"  # those without a verdict that closes them
    ALL = "all"


class AlarmsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alarms that were raised in ``since <= time < until``, by one rule or all."""

    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    rule: RuleId | None = None
    scope: AlarmScope = AlarmScope.OPEN
    cursor: Annotated[str, Meta(min_length=1, max_length=32, description="From the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = USUAL_PAGE


class EntryNumber(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry: the half-year of the log, and its number there."""

    log: str
    index: int


class VerdictItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an auditor made of an alarm, and the entry that says so. The note is in its private part."""

    verdict: Verdict
    auditor: str
    time: str
    entry: EntryNumber


class AlarmItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alarm: when it was found, the entry that says so, its evidence, and its verdicts, the oldest first.

    ``kind``: ``suppressed`` stands for all further ones of the rule and the caller on that day, ``failed`` says that
    the rule could not judge the entry. ``zh`` and ``en`` are null where the site has no such rule any more.
    """

    alarm: str
    rule: str
    kind: AlarmKind
    severity: Severity
    state: AlarmState
    zh: str | None
    en: str | None
    found_at: str
    raised_at: str
    entry: EntryNumber
    evidence: list[EntryNumber]
    verdicts: list[VerdictItem]


class AlarmsAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page, newest first; ``cursor`` leads to older ones, null: there are no more. It may be empty and have one."""

    alarms: list[AlarmItem]
    cursor: str | None
    receipt: QueryReceipt


class VerdictRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the auditor makes of an alarm."""

    alarm: AlarmName
    verdict: Verdict
    note: Annotated[str, Meta(max_length=MAX_NOTE, description="It is kept in the private part of the entry.")] = ""


class VerdictAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict as it stands in the log."""

    alarm: str
    verdict: Verdict
    receipt: QueryReceipt
