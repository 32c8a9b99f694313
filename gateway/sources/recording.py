"""Licences that a register states without their documents: what becomes of each, judged many at a time.

What is known about the numbers and identifiers of a batch is read at once by the store, each licence is judged in
memory, and rows are written table by table, by the store again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

from gateway.sources.licence_store import Added, LicenceStore
from gateway.sources.recorded import RecordedLicence
from gateway.sources.standing import Standing, add_record, first_standing

Moment = TypeVar("Moment", str, datetime)  # as the store writes it
KnownRow = tuple[int, str, str, str, str, bool]  # id, number, type code, name, status, whether under objection
# Licence; day of issue and identifier of the latest version stated; how it stands otherwise, and whether objected to.
StatedRow = tuple[int, str, str, str, bool]


class KnownLicences(NamedTuple):
    """What a store knows about the numbers and identifiers of a batch, and the next free ids.

    ``licences`` are in the order of their ids; ``issued`` are pairs of a licence and the day of issue of a version;
    ``owners`` say whose an identifier is; ``stated`` are those of the licences of which a register stated something.
    """

    licences: Iterable[KnownRow]
    issued: Iterable[tuple[int, str]]
    owners: Mapping[str, int]
    next_licence: int
    next_version: int
    stated: Iterable[StatedRow] = ()


class RecordingStore(LicenceStore, Protocol):
    """A store that registers are recorded into."""

    def expect_many(self) -> None:
        """Make room for many large batches, where that is for the gateway to do."""

    def record(self, licences: Sequence[RecordedLicence], *, reason: str, at: datetime) -> list[Added]:
        """Note what a register states about licences without their documents, all or none, as `Recording` judges."""


class _Known:
    """One licence of the store, as far as this batch has to do with it."""

    __slots__ = ("current", "id", "issued", "name", "number", "standing", "type_code")

    def __init__(
        self, names: tuple[int, str, str, str], issued: set[str], standing: Standing, *, current: int = 0
    ) -> None:
        self.id, self.number, self.type_code, self.name = names
        self.issued = issued  # the days on which its versions were issued
        self.standing = standing
        self.current = current  # of a new licence: its first version

    @property
    def is_objected(self) -> bool:
        """Whether somebody objects to it."""
        return self.standing.is_objected

    def is_licence(self, one: RecordedLicence) -> bool:
        """Answer as the store does: by type code where both state one, else by name."""
        if self.type_code and one.type_code:
            return self.type_code == one.type_code
        return bool(one.name) and self.name == one.name


class Recording(Generic[Moment]):
    """The licences of one batch: what is known, what was judged, and the rows to write.

    1. A licence that nobody knew is new, with the status that is stated.
    2. Of one that is known, the status is that of the records of its latest version, as `add_record` says: a register
       with two entries for one licence may say "active" of one of them when it is cancelled, and keeps an entry of the
       version before. All other better news are for ``tongban store status``.
    3. An identifier that it did not have is a new version without a document. One issued on the same day as a version
       that is there is a copy of that (the PDF beside the OFD), and changes nothing.
    """

    def __init__(self, known: KnownLicences, *, reason: str, at: Moment) -> None:
        """Begin with what is known; ``at`` and ``reason`` are those of every row."""
        self._reason: str = reason
        self._at: Moment = at
        issued: defaultdict[int, set[str]] = defaultdict(set)
        for licence, issued_on in known.issued:
            issued[licence].add(issued_on)
        stated = {row[0]: row[1:] for row in known.stated}
        by_id: dict[int, _Known] = {}
        for licence, number, type_code, name, status, flag in known.licences:
            is_objected, days = bool(flag), issued[licence]
            unstated = (max(days, default=""), "", status, is_objected)
            standing = Standing(status, is_objected, *stated.get(licence, unstated))
            by_id[licence] = _Known((licence, number, type_code, name), days, standing)
        self._by_number: defaultdict[str, list[_Known]] = defaultdict(list)
        for one in by_id.values():
            if one.number:  # an absent number is that of no licence
                self._by_number[one.number].append(one)
        self._by_identifier = {identifier: by_id[licence] for identifier, licence in known.owners.items()}
        self._next_licence, self._next_version = known.next_licence, known.next_version
        self._new: list[_Known] = []
        self._changed: dict[int, _Known] = {}
        self._stated: dict[int, _Known] = {}
        self._longer: dict[int, None] = {}  # licences with another version
        self._versions: list[tuple[int, int, str, str, Moment]] = []
        self._holders: list[tuple[str, int]] = []
        self._changes: list[tuple[int, str, Moment, bool, str]] = []

    def take(self, one: RecordedLicence) -> Added:
        """Judge one licence, after all before it."""
        known = next((other for other in self._by_number.get(one.number, ()) if other.is_licence(one)), None)
        other = self._by_identifier.get(one.identifier)
        if known is None and not one.number:
            known = other
        if other is not None and other is not known:
            return Added.IDENTIFIER_IN_USE
        if known is None:
            self._add(one)
            return Added.NEW
        is_changed = self._restate(known, one)
        if one.identifier and other is None and not (one.issued_on and one.issued_on in known.issued):
            self._add_version(known, one)
            self._longer[known.id] = None
            return Added.NEW_VERSION
        return Added.NEW_STATUS if is_changed else Added.ALREADY_THERE

    @property
    def licences(self) -> list[tuple[int, str, str, str, int, str, Moment, bool]]:
        """The rows of new licences; this one and those below are in the order of an index of their table."""
        self._new.sort(key=attrgetter("number"))
        return [
            (one.id, one.number, one.type_code, one.name, one.current, one.standing.status, self._at, one.is_objected)
            for one in self._new
        ]

    @property
    def versions(self) -> list[tuple[int, int, str, str, Moment]]:
        """The rows of new versions: id, licence, identifier, day of issue, when it was stored."""
        return sorted(self._versions, key=itemgetter(2))

    @property
    def holders(self) -> list[tuple[str, int]]:
        """The rows of holders of new versions."""
        return sorted(self._holders)

    @property
    def changes(self) -> list[tuple[int, str, Moment, bool, str]]:
        """The rows of statuses, of new licences and those that changed."""
        return self._changes

    @property
    def restated(self) -> list[tuple[str, Moment, bool, int]]:
        """The statuses of licences that were known: status, since when, whether under objection, and the licence."""
        return [(one.standing.status, self._at, one.is_objected, one.id) for one in self._changed.values()]

    @property
    def stated(self) -> list[tuple[int, Moment, str, str, str, bool]]:
        """What the store keeps of every licence that was stated: the licence, when, and the rest of a `StatedRow`."""
        rows = ((one.id, one.standing) for one in self._stated.values())
        return [
            (licence, self._at, one.issued_on, one.identifier, one.otherwise, one.otherwise_objected)
            for licence, one in rows
        ]

    @property
    def lengthened(self) -> list[int]:
        """The licences that have another version, and so perhaps another current one."""
        return list(self._longer)

    def _add(self, one: RecordedLicence) -> None:
        names = (self._next_licence, one.number, one.type_code, one.name)
        known = _Known(names, set(), first_standing(one), current=self._next_version)
        self._next_licence += 1
        self._new.append(known)
        if one.number:
            self._by_number[one.number].append(known)
        self._stated[known.id] = known
        self._add_change(known)
        self._add_version(known, one)

    def _add_version(self, known: _Known, one: RecordedLicence) -> None:
        version, self._next_version = self._next_version, self._next_version + 1
        self._versions.append((version, known.id, one.identifier, one.issued_on, self._at))
        self._holders += [(code, version) for code in one.holders]
        known.issued.add(one.issued_on)
        if one.identifier:
            self._by_identifier[one.identifier] = known

    def _restate(self, known: _Known, one: RecordedLicence) -> bool:
        """Take what a record says of a licence that is known; answer whether that changed its status."""
        before, known.standing = known.standing, add_record(known.standing, one, newest=max(known.issued, default=""))
        self._stated[known.id] = known
        if before[:2] == known.standing[:2]:
            return False
        if not known.current:
            self._changed[known.id] = known
        self._add_change(known)
        return True

    def _add_change(self, known: _Known) -> None:
        status, is_objected, *_ = known.standing
        self._changes.append((known.id, status, self._at, is_objected, self._reason))
