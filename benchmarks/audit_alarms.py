"""``tongban bench audit_alarms``: what watching costs an entry, on arrival and over history.

A day of a province that is at work: officials, people and cases as many as usual, so that windows fill and most
entries raise nothing. The rules are one of each kind, as a site has them; each list has 5,000 marks. The policy that
decided is in the archive, so that what entries left in plain is held against it; one question of fifty has no case.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.policy_material import full_context, make_hundred
from benchmarks.report import Reach, report, spread
from gateway.audit.alarms.calendar import WorkCalendar
from gateway.audit.alarms.detector import Surroundings
from gateway.audit.alarms.engine import AlarmEngine
from gateway.audit.alarms.observed import ObservationKey, Observed, Place
from gateway.audit.alarms.policy_facts import PolicyLibrary
from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.entry import EntryDraft, SubjectId, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.decision import make_decision_id

ENTRIES: Final = 50_000
SEE_GOAL_US: Final = 15.0  # an entry on arrival: six keyed hashes, each about one microsecond
RULES_GOAL_US: Final = 10.0  # an entry, for all rules together
_OFFICIALS: Final = 2_000
_PEOPLE: Final = 20_000
_STEP_MS: Final = 500
_POLICY: Final = f"sha256:{'0' * 64}"
_START: Final = datetime(2026, 11, 23, 1, tzinfo=UTC)
_KEY: Final = ObservationKey(b"o" * 32)


def run(*, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """See and evaluate the same day in each round, and return the report.

    Raises:
        RuntimeError: a rule had not what it needs to judge.

    """
    drafts = make_drafts(entries)
    see, evaluate = [], []
    raised = 0
    for _ in range(rounds):
        begun = time.thread_time()
        seen = observe(drafts)
        see.append((time.thread_time() - begun) / entries * 1e6)
        engine = make_engine()
        begun = time.thread_time()
        raised = len(engine.observe(seen))
        evaluate.append((time.thread_time() - begun) / entries * 1e6)
        if engine.blind():
            raise RuntimeError("something could not be judged")
    reach = [
        Reach(measure="one entry seen", value=spread(see)["median"], unit="µs", goal=SEE_GOAL_US, better="lower"),
        Reach(
            measure="one entry, all rules", value=spread(evaluate)["median"], unit="µs", goal=RULES_GOAL_US,
            better="lower",
        ),
    ]  # fmt: skip
    detail = {
        "entries": entries,
        "rules": len(RuleKind),
        "alarms": raised,
        "see_us": spread(see),
        "rules_us": spread(evaluate),
    }
    return report("audit_alarms", rounds=rounds, reach=reach, detail=detail)


def make_engine() -> AlarmEngine:
    """Return one rule of each kind at work."""
    rules = [make_rule(kind) for kind in RuleKind]
    marks = frozenset(number.to_bytes(16) for number in range(5_000))
    rules = [replace(rule, marks=marks) for rule in rules]
    calendar = WorkCalendar(years=frozenset({2026}))
    bundles = {_POLICY: make_hundred()}
    return AlarmEngine(rules, Surroundings(calendar=calendar, policies=PolicyLibrary(bundles.__getitem__)))


def make_drafts(entries: int) -> Sequence[tuple[int, EntryDraft]]:
    """Return a day of questions, half a second apart."""
    chance = random.Random(1)
    start = int(_START.timestamp()) * 1000
    drafts, facts = [], full_context()
    for number in range(entries):
        t = start + number * _STEP_MS
        person = chance.randrange(_PEOPLE)
        private = make_private(
            subjects=[SubjectId(f"3701021990{person:08}")],
            official=f"3701{chance.randrange(_OFFICIALS):06}",
            case=f"2026-370000-{chance.randrange(entries):07}" if number % 50 else "",
            licence=f"370000{person:08}\n1.2.156.3005.2.11370000MB284651.{person:08}",
            context=(*facts, f"iat={t // 1000}", f"r{number}"),
        )
        leaf = LeafDraft(
            kind=LeafKind.ACCESS,
            req=make_decision_id(datetime.fromtimestamp(t / 1000, UTC)),
            caller=f"hall-{number % 64}",
            org="11370000MB284651XL",
            item=facts.item,
            form="pmm-y-gpp--mw-ypmgm",
            policy=_POLICY,
            outcome="valid",
        )
        drafts.append((t, EntryDraft(leaf=leaf, private=private)))
    return drafts


def observe(drafts: Sequence[tuple[int, EntryDraft]]) -> list[Observed]:
    """Return what rules see of them."""
    return [_KEY.observe_draft(draft, place=Place("2026h2", at), t=t) for at, (t, draft) in enumerate(drafts)]
