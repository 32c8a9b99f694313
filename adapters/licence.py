"""The licence as GB/T 36903 describes it, read leniently, with everything unusual flagged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from adapters.identifier import LicenceIdentifier


class LicenceFlag(StrEnum):
    """Oddities that never refuse a licence by themselves (domain rule: parse leniently, flag strictly)."""

    IDENTIFIER_NON_STANDARD = "identifier.non-standard"
    IDENTIFIER_CHECK_CHARACTER = "identifier.check-character"
    DATE_UNREADABLE = "date.unreadable"
    HOLDERS_DO_NOT_PAIR = "holders.do-not-pair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One holder (持证主体): name, code and code type as written; any of them may be empty."""

    name: str
    code: str
    code_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedCopy:
    """An annotated copy (加注件): made for one purpose, with an end of its own.

    ``valid_until`` is the moment in UTC from which it is not valid any more: the end of a day in China where only the
    day is stated. None: not stated or not readable.
    """

    made_at: str
    made_by: str
    reason: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence record. Dates are as printed (China Standard Time); ``valid_to`` is the last day, inclusive.

    ``elements`` are all metadata elements as written, tag to text, with KZ_ surface fields among them.
    """

    name: str
    number: str
    type_code: str
    identifier: LicenceIdentifier | None
    issuer: str
    issuer_code: str
    issued_on: date | None
    holders: tuple[Holder, ...]
    valid_from: date | None
    valid_to: date | None
    long_term: bool
    copy: AnnotatedCopy | None
    elements: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[LicenceFlag] = frozenset()
