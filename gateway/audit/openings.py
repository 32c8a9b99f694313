"""Openings: who may see private parts, of which entries, for what reason, and who else agreed. The log is the record.

1. An auditor asks, for one search of one half-year and with a reason; the entry about it commits to both, and its id
   is that of the opening.
2. Another auditor, who is another person, approves what was asked: an entry with the same id and commitment.
3. Until `OPENING_MS` later, whoever asked may open what exactly this search finds; each time that is an entry too.

Nothing is kept besides, so that a restart forgets no opening and nobody can add one. Should the person that was
searched for be forgotten in between, the opening cannot be read any more, and opens nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.audit.commitment import is_opened_by, make_commitment
from gateway.audit.entry import EntryDraft, PrivatePart, SubjectId, commit_private, make_private
from gateway.audit.errors import AuditError
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.reader import LogReader
from gateway.audit.search.entry import decode_digest, encode_digest
from gateway.audit.search.query import PRIVATE_TERMS, Query
from gateway.audit.search.search import MAX_PAGE, FoundEntry, LogSearch
from gateway.spelling import spell_name
from keys.canonical_json import encode_canonical

REQUEST: Final = "opening"  # actions of admin entries
APPROVAL: Final = "opening-approval"
OPENING_MS: Final = 24 * 3_600_000  # to be approved in, and then to be used in: a working day of both auditors
_OFFICIAL: Final = "official="
_REASON: Final = "reason="


class OpeningRefusal(StrEnum):
    """Why an opening is refused."""

    UNKNOWN = "unknown"  # there is none of this id, it was forgotten, or it is somebody else's
    OTHER_SEARCH = "other-search"
    NOT_APPROVED = "not-approved"
    OVER = "over"
    SAME_PERSON = "same-person"


class OpeningError(AuditError):
    """The opening does not allow it."""

    def __init__(self, refusal: OpeningRefusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """Who acts: the account that signed in, its organisation, and the person behind it as they name themselves."""

    caller: str
    org: str
    operator: str

    def is_other_person(self, other: "Auditor") -> bool:
        """Answer whether neither account nor person is the same, by the one spelling that the log knows people by."""
        people = spell_name(self.operator), spell_name(other.operator)
        return self.caller != other.caller and all(people) and people[0] != people[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlace:
    """Where an entry stands: the origin of its log, and its number there."""

    log: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opening:
    """An opening as the log has it; times in milliseconds since 1970. ``approved_at`` None: nobody approved it.

    ``places`` are those of the entries about the request and, behind it, about the approval.
    """

    id: str
    asked_by: Auditor
    asked_at: int
    part: PrivatePart
    commitment: str
    places: tuple[EntryPlace, ...]
    approved_by: Auditor | None = None
    approved_at: int | None = None

    @property
    def reason(self) -> str:
        """Why it was asked for."""
        return next((text.removeprefix(_REASON) for text in self.part.context if text.startswith(_REASON)), "")

    @property
    def terms(self) -> dict[str, str]:
        """What is to be searched for, by the names of a search, and the ``log`` that is searched, by its origin.

        Kinds and times are spelled as the log has them.
        """
        part = self.part
        terms = {"subject": ",".join(part.subjects), "case": part.case, "licence": part.licence}
        said = (text.partition("=") for text in part.context if not text.startswith(_REASON))
        terms |= {name: value for name, _, value in said}
        return {name: value for name, value in terms.items() if value}

    def ends(self) -> int:
        """Return when it can be approved, or after that used, no longer."""
        return (self.asked_at if self.approved_at is None else self.approved_at) + OPENING_MS


def encode_request(query: Query, log: str) -> bytes:
    """Return what a request commits to: the search, and the origin of the log that is searched."""
    return encode_canonical({**query.members(), "log": log})


def draft_request(query: Query, auditor: Auditor, *, log: str, opening: str, reason: str) -> EntryDraft:
    """Return the entry about a request to open what a search of ``log`` finds, by the log's origin.

    Raises:
        ValueError: texts that are too long or have a NUL.

    """
    said = [f"{_OFFICIAL}{query.official}"] if query.official else []
    said += [f"{name}={value}" for name, value in query.members().items() if name not in {*PRIVATE_TERMS, "kinds"}]
    said += [f"kinds={','.join(sorted(query.kinds))}"] if query.kinds else []
    private = make_private(
        subjects=[SubjectId(query.subject)] if query.subject else (),
        official=auditor.operator,
        case=query.case,
        licence=query.licence,
        context=[*said, f"log={log}", f"{_REASON}{reason}"],
    )
    commitment = encode_digest(make_commitment(private.salts.resp, encode_request(query, log)))
    return _draft(private, auditor, opening=opening, action=REQUEST, commitment=commitment)


def draft_approval(opening: Opening, auditor: Auditor, *, at: int) -> EntryDraft:
    """Return the entry about an approval at ``at``.

    Raises:
        OpeningError: SAME_PERSON; OVER, it was asked for too long ago.
        ValueError: the name of the person is too long or has a NUL.

    """
    if not auditor.is_other_person(opening.asked_by):
        raise OpeningError(OpeningRefusal.SAME_PERSON)
    if at >= opening.ends():
        raise OpeningError(OpeningRefusal.OVER)
    private = make_private(official=auditor.operator)
    return _draft(private, auditor, opening=opening.id, action=APPROVAL, commitment=opening.commitment)


def find_opening(readers: Iterable[LogReader], opening: str) -> Opening:
    """Return an opening from the newest half-year that has it; blocks.

    Raises:
        OpeningError: UNKNOWN.
        LogUnavailableError: the log cannot be read.

    """
    query = Query(decision=opening, kinds=frozenset({LeafKind.ADMIN}))
    found: list[tuple[str, FoundEntry]] = []
    for reader in readers:  # the newest first: an approval may stand behind the turn of a half-year
        found += ((reader.origin, one) for one in _find_all(reader, query))
        asked = next(((log, one) for log, one in reversed(found) if _action(one) == REQUEST), None)
        if asked is not None:
            return _with_approval(_read_request(*asked), list(reversed(found)))
    raise OpeningError(OpeningRefusal.UNKNOWN)


def check_use(opening: Opening, query: Query, *, log: str, caller: str, at: int, openers: int) -> None:
    """Check that whoever signed in may open what this search of ``log`` finds.

    ``log`` is its origin, ``openers`` how many people it takes, 1 or 2.

    Raises:
        OpeningError: UNKNOWN, also for somebody else's; OTHER_SEARCH, NOT_APPROVED, OVER.

    """
    if opening.asked_by.caller != caller:
        raise OpeningError(OpeningRefusal.UNKNOWN)
    if not _commits_to(opening.commitment, opening.part.salts.resp, encode_request(query, log)):
        raise OpeningError(OpeningRefusal.OTHER_SEARCH)
    if opening.approved_at is None and openers > 1:
        raise OpeningError(OpeningRefusal.NOT_APPROVED)
    if at >= opening.ends():
        raise OpeningError(OpeningRefusal.OVER)


def _draft(private: PrivatePart, auditor: Auditor, *, opening: str, action: str, commitment: str) -> EntryDraft:
    leaf = LeafDraft(
        kind=LeafKind.ADMIN,
        req=opening,
        caller=auditor.caller,
        org=auditor.org,
        commits=commit_private(private),
        more={"action": action, "target": commitment},
    )
    return EntryDraft(leaf=leaf, private=private)


def _find_all(reader: LogReader, query: Query) -> Iterator[FoundEntry]:
    """Yield what a search finds, page by page: the request is the oldest entry of its opening."""
    page = LogSearch.of(reader).find(query, limit=MAX_PAGE)
    yield from page.entries
    while page.cursor is not None:
        page = LogSearch.of(reader).find(query, cursor=page.cursor, limit=MAX_PAGE)
        yield from page.entries


def _action(found: FoundEntry) -> str:
    return str(found.leaf.content.more.get("action", ""))


def _read_request(log: str, found: FoundEntry) -> Opening:
    """Return what a request says; one whose private part is erased or damaged is unknown."""
    opened, content = found.private, found.leaf.content
    if opened is None or opened.subject_erased or opened.official_erased:
        raise OpeningError(OpeningRefusal.UNKNOWN)
    return Opening(
        id=content.req,
        asked_by=Auditor(caller=content.caller, org=content.org, operator=opened.part.official),
        asked_at=found.leaf.t,
        part=opened.part,
        commitment=str(content.more.get("target", "")),
        places=(EntryPlace(log=log, index=found.index),),
    )


def _with_approval(opening: Opening, found: Sequence[tuple[str, FoundEntry]]) -> Opening:
    """Return the opening with the first approval of what was asked that another person gave in time."""
    for log, one in found:
        content, opened = one.leaf.content, one.private
        if _action(one) != APPROVAL or content.more.get("target") != opening.commitment or opened is None:
            continue
        auditor = Auditor(caller=content.caller, org=content.org, operator=opened.part.official)
        if auditor.is_other_person(opening.asked_by) and opening.asked_at <= one.leaf.t < opening.ends():
            place = EntryPlace(log=log, index=one.index)
            return replace(opening, approved_by=auditor, approved_at=one.leaf.t, places=(*opening.places, place))
    return opening


def _commits_to(commitment: str, salt: bytes, value: bytes) -> bool:
    try:
        return is_opened_by(decode_digest(commitment), salt=salt, value=value)
    except ValueError:
        return False
