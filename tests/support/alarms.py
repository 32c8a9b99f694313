"""Entries for rules of alarms: one question that nobody has to look at, changed in one thing; and engines for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.audit.alarms.alarm import Alarm
from gateway.audit.alarms.calendar import WorkCalendar, china_day
from gateway.audit.alarms.detector import Surroundings
from gateway.audit.alarms.engine import AlarmEngine
from gateway.audit.alarms.observed import ObservationKey, Observed, Place
from gateway.audit.alarms.policy_facts import PolicyLibrary
from gateway.audit.alarms.rule import Rule
from gateway.audit.entry import OWN_CALLER, EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.reader import LogReader
from gateway.decision import make_decision_id
from policies.bundle import Bundle
from tests.support.audit import ORIGIN

KEY = ObservationKey(b"o" * 32)
SHARD = ORIGIN.rpartition("/")[2]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONDAY = int(datetime(2026, 9, 21, 2, tzinfo=UTC).timestamp()) * 1000  # 10:00 in China, a working day
NOVEMBER = datetime(2026, 11, 22, tzinfo=UTC)
CALENDAR = WorkCalendar(
    years=frozenset({2026}),
    exceptions={
        china_day(int(datetime(2026, 10, 1, 4, tzinfo=UTC).timestamp()) * 1000): False,  # a Thursday off
        china_day(int(datetime(2026, 9, 20, 4, tzinfo=UTC).timestamp()) * 1000): True,  # a Sunday worked for it
    },
)
FACTS = ("i1", "counter", "own", "l1", "active", "person", "adult", "statutory", "valid")


def ask(number: int, t: int, **changes: Any) -> EntryDraft:
    """Return a question of its own official, person, case, licence and request, made at ``t``; except for changes."""
    said: dict[str, Any] = {
        "official": f"official-{number}",
        "subjects": (f"person-{number}x",),
        "case": f"case-{number}",
        "licence": f"licence-{number}-x",
        "context": (*FACTS, f"request-{number}"),
    }
    private = {name: changes.pop(name, value) for name, value in said.items()}
    made = datetime.fromtimestamp(changes.pop("made", t) / 1000, UTC)
    part = make_private(**private | {"subjects": [SubjectId(one) for one in private["subjects"]]})
    leaf: dict[str, Any] = {
        "kind": LeafKind.ACCESS,
        "req": make_decision_id(made, number.to_bytes(10)),
        "caller": "hall",
        "org": "11370000MB284651XL",
        "item": "i1",
        "form": "-m-",
        "outcome": "valid",
    }
    return EntryDraft(leaf=LeafDraft(commits=commit_private(part), **leaf | changes), private=part)


def activate(t: int, *, policy: str, previous: str) -> EntryDraft:
    """Return the entry that says that a policy came into force."""
    made = make_decision_id(datetime.fromtimestamp(t / 1000, UTC))
    more: dict[str, str | int] = {"action": "activate", "previous": previous, "approvals": 2}
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.POLICY, req=made, caller=OWN_CALLER, policy=policy, more=more))


def observe(drafts: Iterable[tuple[int, EntryDraft]], *, shard: str = SHARD, first: int = 0) -> list[Observed]:
    """Return entries as they arrive, each at its time."""
    return [KEY.observe_draft(draft, place=Place(shard, entry), t=t) for entry, (t, draft) in enumerate(drafts, first)]


def make_engine(
    *rules: Rule,
    policies: Mapping[str, Bundle] | None = None,
    calendar: WorkCalendar = CALENDAR,
    is_limited: bool = True,
    **more: Any,
) -> AlarmEngine:
    """Return rules at work."""
    library = PolicyLibrary((policies or {}).__getitem__)
    return AlarmEngine(rules, Surroundings(calendar=calendar, policies=library, **more), is_limited=is_limited)


def alarms_of(rule: Rule, drafts: Sequence[tuple[int, EntryDraft]], **around: Any) -> list[Alarm]:
    """Return the alarms that one rule raises of entries that arrive at these times."""
    return make_engine(rule, **around).observe(observe(drafts))


def evidence_of(alarms: Iterable[Alarm]) -> list[list[int]]:
    """Return the numbers of the entries that show each alarm."""
    return [[place.entry for place in alarm.evidence] for alarm in alarms]


class OneShard:
    """A log of one shard, as the register and the evaluation read logs."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def shards(self) -> tuple[str, ...]:
        """Return the shard."""
        return (SHARD,)

    def reader(self, shard: str | None = None) -> LogReader:
        """Return the reader."""
        assert shard in {None, SHARD}
        return self._reader


def later(t: int, **step: int) -> int:
    """Return a time so much later."""
    return t + timedelta(**step) // timedelta(milliseconds=1)
