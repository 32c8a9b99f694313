"""A licence store in memory, for tests: it keeps the contract, and fails when it is told to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum, auto

from gateway.sources.decoy import SECRET_BYTES, pick_decoy
from gateway.sources.intake import NewLicence
from gateway.sources.licence_store import (
    SOURCE_NAME,
    Added,
    LicenceEntry,
    LicenceHistory,
    Look,
    Mark,
    Selection,
    StatusChange,
    UnknownLicenceError,
    VersionEntry,
    first_status,
)
from gateway.sources.placing import place_announcement, place_document
from gateway.sources.source import (
    ByIdentifier,
    Found,
    LicenceIndex,
    LicenceKey,
    NotFound,
    NotReady,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    StoredLicence,
    key_text,
)
from gateway.sources.superseding import is_current, status_of_version
from policies.dimension import LicenceStatus


class Failing(Enum):
    """How the next use fails."""

    BEFORE = auto()  # nothing was stored
    AFTER = auto()  # stored, yet reported as failed


@dataclass(slots=True, kw_only=True)
class _Version:
    index: LicenceIndex
    new: NewLicence | None
    stored_at: datetime

    @property
    def rank(self) -> tuple[bool, str]:
        """Say how late a version is; of equal ones the last that was stored counts."""
        issued_on = None if self.new is None else self.new.issued_on
        return (self.new is not None, "" if issued_on is None else issued_on.isoformat())


@dataclass(slots=True, kw_only=True, eq=False)
class _Record:
    index: LicenceIndex
    changes: list[StatusChange]
    versions: list[_Version] = field(default_factory=list)

    @property
    def current(self) -> _Version:
        return _latest(self.versions)

    @property
    def latest_index(self) -> LicenceIndex:
        """What it is found by in its current version."""
        current = self.current.index
        return replace(self.index, identifier=current.identifier, holders=current.holders)


class MemoryLicenceStore:
    """A `LicenceStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._records: list[_Record] = []
        self._documents: list[NewLicence] = []
        self.failing: Failing | None = None

    def find(self, key: LicenceKey) -> Found:
        """Return the licence of a key."""
        self._fail(Failing.BEFORE)
        pairs = [
            (record, _latest(versions))
            for record in self._records
            if (versions := [version for version in _asked(record, key) if _fits(key, version, record)])
        ]
        decoy = b""
        if self._documents:
            picked = pick_decoy(key, secret=bytes(SECRET_BYTES), count=len(self._documents))
            decoy = self._documents[picked].document
        if len(pairs) != 1:
            return NotFound(document=decoy, source=SOURCE_NAME, is_ambiguous=len(pairs) > 1)
        ((record, version),) = pairs
        last = record.changes[-1]
        status = status_of_version(last.status, is_current=version is record.current)
        if version.new is None:
            holders = tuple(sorted(version.index.holders))
            return NotReady(
                status=status,
                document=decoy,
                source=SOURCE_NAME,
                holders=holders,
                is_under_objection=last.is_under_objection,
            )
        return StoredLicence(
            document=version.new.document,
            sha256=version.new.sha256,
            status=status,
            status_since=last.since,
            is_under_objection=last.is_under_objection,
            stored_at=version.stored_at,
            source=SOURCE_NAME,
        )

    def find_head(self, key: LicenceKey) -> Found | StoredHead:
        """Return the licence of a key without its document."""
        found = self.find(key)
        if not isinstance(found, StoredLicence):
            return found
        return StoredHead(
            sha256=found.sha256,
            status=found.status,
            status_since=found.status_since,
            is_under_objection=found.is_under_objection,
            stored_at=found.stored_at,
            source=found.source,
        )

    def read_document(self, sha256: str) -> bytes:
        """Return the document with this digest."""
        self._fail(Failing.BEFORE)
        return next(one.document for one in self._documents if one.sha256 == sha256)

    def revision(self) -> int:
        """Return how many changes and versions there are."""
        return self._mark().revision

    def look(self, since: Mark | None) -> Look:
        """Return where it stands; what changed is not told apart."""
        self._fail(Failing.BEFORE)
        mark = self._mark()
        return Look(mark, frozenset() if mark == since else None)

    def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands."""
        self._fail(Failing.BEFORE)
        named = self._of_identifier(index.identifier)
        record = self._same_licence(index) if named is None else named
        if record is None:
            return None
        current, last = record.current, record.changes[-1]
        has_name = [one for one in record.versions if one.index.identifier == index.identifier]
        versions = has_name if named is not None else [current]
        latest = (named is None or current.index.identifier == index.identifier) and is_current(
            issued_on, current.rank[1]
        )
        status = status_of_version(last.status, is_current=latest)
        return Registered(
            status=status,
            is_under_objection=last.is_under_objection,
            source=SOURCE_NAME,
            is_announced=_latest(versions).new is None,
        )

    def add(self, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
        """Store licences, all or none."""
        self._fail(Failing.BEFORE)
        added = tuple(self._add_one(licence, at) for licence in licences)
        self._fail(Failing.AFTER)
        return added

    def announce(self, index: LicenceIndex, *, at: datetime) -> Added:
        """Note a licence without a document, unless it is known."""
        self._fail(Failing.BEFORE)
        same, named = self._same_licence(index), self._of_identifier(index.identifier)
        placed = place_announcement(index, same=same, named=named)
        if placed is Added.NEW:
            self._new_record(index, at).versions.append(_Version(index=index, new=None, stored_at=at))
        self._fail(Failing.AFTER)
        return placed

    def set_status(
        self, reference: str, status: LicenceStatus, *, is_under_objection: bool, reason: str, at: datetime
    ) -> StatusChange:
        """Set the status and keep the one before."""
        self._fail(Failing.BEFORE)
        change = StatusChange(status=status, since=at, is_under_objection=is_under_objection, reason=reason)
        self._locate(reference).changes.append(change)
        self._fail(Failing.AFTER)
        return change

    def index(self, reference: str) -> LicenceIndex:
        """Return what a licence is found by."""
        self._fail(Failing.BEFORE)
        return self._locate(reference).latest_index

    def entries(self, selection: Selection) -> Iterator[LicenceEntry]:
        """Return licences in the order in which they came."""
        return map(_entry, self._select(selection))

    def indexes(self, selection: Selection) -> Iterator[LicenceIndex]:
        """Return what licences are found by in their current versions."""
        return (record.latest_index for record in self._select(selection))

    def history(self, reference: str) -> LicenceHistory:
        """Return one licence."""
        self._fail(Failing.BEFORE)
        record = self._locate(reference)
        versions = tuple(
            VersionEntry(
                identifier=version.index.identifier,
                sha256="" if version.new is None else version.new.sha256,
                bytes=0 if version.new is None else len(version.new.document),
                issued_on=version.rank[1],
                stored_at=version.stored_at,
                is_current=version is record.current,
            )
            for version in record.versions
        )
        return LicenceHistory(entry=_entry(record), versions=versions, changes=tuple(record.changes))

    def close(self) -> None:
        """Nothing is held that could be let go."""

    def _select(self, selection: Selection) -> Iterator[_Record]:
        self._fail(Failing.BEFORE)
        for record in self._records:
            if (
                (not selection.licence_type or selection.licence_type in (record.index.type_code, record.index.name))
                and selection.status in (None, record.changes[-1].status)
                and (not selection.holder or selection.holder in record.current.index.holders)
            ):
                yield record

    def _mark(self) -> Mark:
        changes = sum(len(record.changes) for record in self._records)
        versions = sum(len(record.versions) for record in self._records)
        return Mark(revision=changes + versions, changes=changes, versions=versions)

    def _fail(self, when: Failing) -> None:
        if self.failing is when:
            self.failing = None
            raise SourceUnavailableError(SourceFault.UNUSABLE, "told to")

    def _add_one(self, new: NewLicence, at: datetime) -> Added:
        if any(one.sha256 == new.sha256 for one in self._documents):
            return Added.ALREADY_THERE
        same, named = self._same_licence(new.index), self._of_identifier(new.index.identifier)
        placed, known = place_document(new.index, same=same, named=named)
        if placed is Added.IDENTIFIER_IN_USE:
            return placed
        record = self._new_record(new.index, at) if known is None else known
        record.versions.append(_Version(index=new.index, new=new, stored_at=at))
        self._documents.append(new)
        return placed

    def _new_record(self, index: LicenceIndex, at: datetime) -> _Record:
        self._records.append(_Record(index=index, changes=[first_status(at)]))
        return self._records[-1]

    def _same_licence(self, index: LicenceIndex) -> _Record | None:
        def same_type(known: LicenceIndex) -> bool:
            if known.type_code and index.type_code:
                return known.type_code == index.type_code
            return bool(index.name) and known.name == index.name

        same = [one for one in self._records if index.number and one.index.number == index.number]
        return next((one for one in same if same_type(one.index)), None)

    def _of_identifier(self, identifier: str) -> _Record | None:
        has = [one for one in self._records if identifier in {version.index.identifier for version in one.versions}]
        return has[0] if identifier and has else None

    def _locate(self, reference: str) -> _Record:
        found = self._of_identifier(key_text(reference))
        for record in self._records if found is None else ():
            if any(version.new is not None and version.new.sha256 == reference.lower() for version in record.versions):
                found = record
        if found is None:
            raise UnknownLicenceError
        return found


def _asked(record: _Record, key: LicenceKey) -> Sequence[_Version]:
    """Return the versions that a key may mean: any by its identifier, the current one by the licence's number."""
    return record.versions if isinstance(key, ByIdentifier) else [record.current]


def _fits(key: LicenceKey, version: _Version, record: _Record) -> bool:
    index = version.index if isinstance(key, ByIdentifier) else record.index
    return replace(key, holder=None).fits(index)


def _latest(versions: Sequence[_Version]) -> _Version:
    return max(enumerate(versions), key=lambda one: (one[1].rank, one[0]))[1]


def _entry(record: _Record) -> LicenceEntry:
    last, current = record.changes[-1], record.current
    return LicenceEntry(
        identifier=current.index.identifier,
        sha256="" if current.new is None else current.new.sha256,
        type_code=record.index.type_code,
        name=record.index.name,
        status=last.status,
        status_since=last.since,
        is_under_objection=last.is_under_objection,
        versions=len(record.versions),
    )
