"""The rules over history, on demand: what they find, beside what was raised when it happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.audit.alarms.alarm import Alarm, RaisedAlarm, Target, name_alarm
from gateway.audit.alarms.engine import AlarmEngine
from gateway.audit.alarms.history import CHUNK, ReadableLog, find_stretches, read_stretch
from gateway.audit.alarms.observed import ObservationKey, Place
from gateway.audit.alarms.register import match_alarms, raised_alarms
from gateway.audit.alarms.words import AlarmKind, Severity

MAX_WARM_UP: Final = 2_000_000  # entries before the time asked for that are read for the windows: about two minutes

Progress = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule finds at ``at`` (ms since 1970), and the entry that says it was raised, if one does.

    An alarm that was raised and is not found any more (``is_found``) rests on what was erased since, or on a rule that
    was changed. Its name is the one that the log has for it.
    """

    target: Target
    severity: Severity
    kind: AlarmKind
    at: int
    evidence: tuple[Place, ...]
    raised: RaisedAlarm | None
    is_found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found, by time; ``is_complete`` is false where more than may be read came before."""

    findings: tuple[Finding, ...]
    looked: int
    is_complete: bool


def evaluate(
    log: ReadableLog,
    engine: AlarmEngine,
    key: ObservationKey,
    *,
    since: int | None = None,
    until: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return what the rules find in ``since <= t < until`` (ms since 1970), with an engine that has no past. Blocks.

    An engine without a limit also finds what was more than one day takes, each beside the one that stands for it.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    begin = None if since is None else since - engine.span_ms
    asked = sum(one.end - one.first for one in find_stretches(log, since=since))
    most = None if begin is None else asked + MAX_WARM_UP
    stretches = find_stretches(log, since=begin, most=most)
    total = sum(one.end - one.first for one in stretches)
    found: list[Alarm] = []
    looked = 0
    for stretch in stretches:
        for seen in read_stretch(log, stretch, key):
            if until is not None and seen.t >= until:
                break
            looked += 1
            if progress is not None and looked % CHUNK == 0:
                progress(looked, total)
            found += engine.observe([seen])
    raised = [one for one in raised_alarms(log, since=since) if _is_within(one.found_at, since, until)]
    found = [alarm for alarm in found if _is_within(alarm.t, since, until)]
    told = match_alarms(found, raised, key)
    findings = [_as_found(alarm, name_alarm(alarm, key), one) for alarm, one in zip(found, told, strict=True)]
    named = {one.raised.target for one in findings if one.raised is not None}
    findings += [_as_raised(one) for one in raised if one.target not in named]
    return Evaluation(
        findings=tuple(sorted(findings, key=lambda one: one.at)),
        looked=looked,
        is_complete=most is None or total < most,
    )


def _as_found(alarm: Alarm, target: Target, raised: RaisedAlarm | None) -> Finding:
    return Finding(
        target=target if raised is None else raised.target,
        severity=alarm.severity,
        kind=alarm.kind,
        at=alarm.t,
        evidence=alarm.evidence,
        raised=raised,
        is_found=True,
    )


def _as_raised(raised: RaisedAlarm) -> Finding:
    return Finding(
        target=raised.target,
        severity=raised.severity,
        kind=raised.kind,
        at=raised.found_at,
        evidence=raised.evidence,
        raised=raised,
        is_found=False,
    )


def _is_within(t: int, since: int | None, until: int | None) -> bool:
    return (since is None or t >= since) and (until is None or t < until)
