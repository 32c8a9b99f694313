"""Answers of a system as cases: messages that its mapping writes, and what is to be read from each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome, Parsed
from adapters.mapping.error import AdapterError
from adapters.record.description import FACTS, describe_record
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus

_UNREADABLE = "unreadable"  # the member of a case that says why a message cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCase:
    """One message and what is to be read from it, as JSON has it."""

    name: str
    message: bytes
    expected: Mapping[str, object]


def make_answer_cases(adapter: Adapter, samples: Iterable[LicenceRecord]) -> Iterator[AnswerCase]:
    """Yield a case for every sample, for every status and for every outcome that the system has words for."""
    first: LicenceRecord | None = None
    for number, sample in enumerate(samples, 1):
        case = _write(adapter, f"record-{number}", (sample,), AnswerOutcome.FOUND)
        if case is not None:
            first = first or sample
            yield case
    if first is not None:
        for status in RecordStatus:
            case = _write(adapter, f"status-{status}", (replace(first, status=status),), AnswerOutcome.FOUND)
            if case is not None:
                yield case
    rules = (*adapter.rules.outcomes, *adapter.rules.record_outcomes)
    for outcome in AnswerOutcome:
        spelled = any(outcome in rule.spellings for rule in rules)
        if outcome is not AnswerOutcome.FOUND and (spelled or outcome is AnswerOutcome.NOT_FOUND):
            case = _write(adapter, f"outcome-{outcome}", (), outcome)
            if case is not None:
                yield case


def describe_reading(adapter: Adapter, message: bytes) -> dict[str, object]:
    """Return what a mapping reads from a message, as JSON has it; the id of the system is no part of it."""
    try:
        parsed = adapter.parse(message)
    except AdapterError as error:
        return {_UNREADABLE: error.fault.value}
    return _describe(parsed)


def _write(
    adapter: Adapter, name: str, records: tuple[LicenceRecord, ...], outcome: AnswerOutcome
) -> AnswerCase | None:
    """Return a case; None where the system has no words for it."""
    try:
        message = adapter.render(records, outcome)
    except AdapterError:
        return None
    return AnswerCase(name=name, message=message, expected=describe_reading(adapter, message))


def _describe(parsed: Parsed) -> dict[str, object]:
    return {
        "outcome": parsed.outcome.value,
        "code": parsed.raw_outcome,
        "retry_after_seconds": parsed.retry_after_seconds,
        "records": [_describe_record(record) for record in parsed.records],
        "refused": [{"index": one.index, "fault": one.error.fault.value} for one in parsed.refused],
        "aside": sorted(parsed.aside),
        "flags": sorted(flag.value for flag in parsed.flags),
    }


def _describe_record(record: LicenceRecord) -> dict[str, object]:
    described = describe_record(record)
    return {
        **{name: described[name] for name in FACTS},
        "code": record.raw_status,
        "aside": sorted(record.aside),
        "flags": sorted(flag.value for flag in record.flags),
    }
