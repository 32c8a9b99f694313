"""What a message was read as: its outcome, its records, and what could not be read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.mapping.error import AdapterError
from adapters.record.record import LicenceRecord


class AnswerOutcome(StrEnum):
    """What a system says about the question itself; each system's codes are mapped to these words one by one."""

    FOUND = "found"
    NOT_FOUND = "not-found"
    RETRY = "retry"  # ask again later
    DENIED = "denied"  # the asker has no permission; the licence may exist
    PARTIAL = "partial"  # records are there, but not all, or not all could be read
    NOT_PROVIDED = "not-provided"  # the system does not offer this
    ERROR = "error"  # anything else, and every code that no table names


class AnswerFlag(StrEnum):
    """What an operator must know about a message."""

    OUTCOME_UNSEEN = "outcome.unseen"  # a code that no table names: an alarm, and the outcome is an error
    OUTCOME_MISSING = "outcome.missing"  # no code where the system has one
    RECORDS_MISSING = "records.missing"  # no place for records, but what no mapping names: an alarm, and an error
    RECORDS_REFUSED = "records.refused"  # some records could not be read; see ``refused``
    FIELDS_ASIDE = "fields.aside"  # the envelope holds what no mapping names


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """A record that could not be read: its place among the records, counted from 0, and why.

    ``outcome`` is set where a code in the record says that it is none of a licence; nothing else of it counts then.
    """

    index: int
    error: AdapterError
    outcome: AnswerOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One message, read. ``aside`` is what no mapping names in the envelope; that of a record is in the record.

    ``retry_after_seconds`` is set for RETRY where the mapping names it. ``raw_outcome`` is the system's own code, for
    the operator. ``envelope`` holds the values around the records that the mapping names, as texts.
    """

    outcome: AnswerOutcome
    records: tuple[LicenceRecord, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    retry_after_seconds: int | None = None
    raw_outcome: str = ""
    envelope: Mapping[str, str] = field(default_factory=dict)
    aside: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[AnswerFlag] = frozenset()
