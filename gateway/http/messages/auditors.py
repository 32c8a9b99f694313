"""What auditors ask and get: the bodies of ``/audit/v1``."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.audit.finding.entry import MAX_ENTRIES
from gateway.audit.leaf import LeafKind
from gateway.audit.search.search import MAX_PAGE, USUAL_PAGE
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.messages.questions import Operator
from gateway.http.messages.texts import DayText, Name, Word

MAX_CURSOR: Final = 64
MAX_EXPORTED: Final = MAX_ENTRIES  # of one file; some 5 MB as a table, 15 MB as a finding

Moment = Annotated[datetime, Meta(tz=True)]
Cursor = Annotated[str, Meta(min_length=1, max_length=MAX_CURSOR, description="From the page before.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Reason = Annotated[
    str, Meta(min_length=1, max_length=80, description="Why private parts are to be opened; it is logged.")
]
OpeningId = Annotated[str, Meta(pattern=DECISION_ID_PATTERN, description="Of an opening for exactly this search.")]
ShardName = Annotated[
    str, Meta(pattern=r"^[0-9]{4}h[12]\Z", description="A half-year of the log; without it the one that is written.")
]


class _Paged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a search with a fixed term may say besides."""

    since: Moment | None = None
    until: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = USUAL_PAGE
    log: ShardName | None = None
    opening: OpeningId | None = None


class SearchTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The terms of a search, of which at least one is given, or a time."""

    subject: Word | None = None
    official: Name | None = None
    licence: Word | None = None
    case: Word | None = None
    caller: Word | None = None
    item: Word | None = None
    decision: Word | None = None
    form: Word | None = None
    policy: Word | None = None
    kinds: Annotated[list[LeafKind], Meta(min_length=1, max_length=len(LeafKind))] | None = None


class SearchRequest(SearchTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search; times are ``since <= time < until``."""

    since: Moment | None = None
    until: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = USUAL_PAGE
    log: ShardName | None = None
    opening: OpeningId | None = None


class CaseRequest(_Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All entries of one case."""

    case: Word


class LicenceHistoryRequest(_Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looked at one licence."""

    licence: Word


class OfficialDayRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one official did on one day in China."""

    official: Name
    day: DayText
    cursor: Cursor | None = None
    limit: Limit = USUAL_PAGE
    log: ShardName | None = None
    opening: OpeningId | None = None


class ExportFormat(StrEnum):
    """How entries are exported: as a table, or as a finding that anybody can verify."""

    CSV = "csv"
    XLSX = "xlsx"
    BUNDLE = "bundle"


class ExportRequest(SearchTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries that a search finds, as a file."""

    format: ExportFormat
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_EXPORTED)] = MAX_EXPORTED
    log: ShardName | None = None
    opening: OpeningId | None = None


class OpeningRequest(SearchTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which search of which half-year is to be opened, why, and who asks: the person behind the account."""

    since: Moment | None = None
    until: Moment | None = None
    log: ShardName | None = None
    reason: Reason
    operator: Operator


class OpeningApproval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who approves an opening: another person than asked for it."""

    opening: OpeningId
    operator: Operator


class OpeningLookup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which opening to look at."""

    opening: OpeningId


class OpenedAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The private part of an entry. ``salts`` open the commitments of the leaf (docs/audit-format.md), in hex."""

    subjects: list[str]
    licence: str | None
    official: str | None
    case: str | None
    context: list[str]
    response: str | None
    salts: dict[str, str]
    subject_erased: bool
    official_erased: bool


class EntryAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry: its number, its leaf exactly as the tree has it, and what was private where it was asked for.

    ``damaged``: the private part was changed in the store.
    """

    index: int
    time: str
    leaf: str
    private: OpenedAnswer | None
    damaged: bool


class OpeningAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An opening: what is to be searched for (``log``: in which log), why, who asked and who approved it.

    ``usable``: whoever asked may open what the search finds, before ``ends``; otherwise it can be approved until then.
    """

    opening: str
    search: dict[str, str]
    reason: str
    caller: str
    operator: str
    asked_at: str
    approved_by: str | None
    approved_operator: str | None
    approved_at: str | None
    usable: bool
    ends: str
    receipt: "QueryReceipt"


class QueryReceipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log's word for the entry about this search."""

    log: str
    index: int
    seq: int
    leaf_hash: str
    checkpoint: str


class SearchAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page, newest first; ``cursor`` leads to older entries, null: there are no more."""

    log: str
    size: int
    entries: list[EntryAnswer]
    cursor: str | None
    receipt: QueryReceipt
