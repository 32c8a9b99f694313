"""Licences that a register states without their documents, written into the store many at a time.

The statements are those of `SqliteLicenceStore.announce`, done for a batch: what is known about its numbers and
identifiers is read at once, each licence is judged in memory, and rows are written table by table.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Final

from adapters.codes.copies import worst_status
from adapters.record.status import RecordStatus
from gateway.rendering import encode_time
from gateway.sources.licence_store import Added
from gateway.sources.recorded import RecordedLicence

_KNOWN: Final = """SELECT l.id, l.number, l.type_code, l.name, l.status, l.objection FROM licences l
    WHERE l.number IN (SELECT value FROM json_each(?)) OR l.id IN (SELECT value FROM json_each(?)) ORDER BY l.id"""
_IDENTIFIERS: Final = (
    "SELECT identifier, licence FROM versions WHERE identifier IN (SELECT value FROM json_each(?)) ORDER BY id DESC"
)
_ISSUED: Final = "SELECT licence, issued_on FROM versions WHERE licence IN (SELECT value FROM json_each(?))"
_SET_CURRENT: Final = """UPDATE licences SET current = (SELECT id FROM versions WHERE licence = licences.id
    ORDER BY document IS NULL, issued_on DESC, id DESC LIMIT 1) WHERE id = ?"""


def record_licences(
    connection: sqlite3.Connection, licences: Sequence[RecordedLicence], *, reason: str, at: datetime
) -> list[Added]:
    """Note licences inside the transaction that is open, and say what became of each.

    1. A licence that nobody knew is new, with the status that is stated.
    2. Of one that is known, the worst status counts and an objection stays: a register with two entries for one licence
       may say "active" of one of them when it is cancelled. Better news are for ``tongban store status``.
    3. An identifier that it did not have is a new version without a document. One issued on the same day as a version
       that is there is a copy of that (the PDF beside the OFD), and changes nothing.
    """
    batch = _Batch(connection, licences, reason=reason, at=at)
    results = [batch.take(one) for one in licences]
    batch.write()
    return results


class _Known:
    """One licence of the store, as far as this batch has to do with it."""

    __slots__ = ("current", "id", "is_objected", "issued", "name", "number", "status", "type_code")

    def __init__(self, row: tuple[int, str, str, str, str, int], *, current: int = 0) -> None:
        self.id, self.number, self.type_code, self.name, self.status, self.is_objected = row
        self.issued: set[str] = set()  # the days on which its versions were issued
        self.current = current  # of a new licence: its first version

    def is_licence(self, one: RecordedLicence) -> bool:
        """Answer as the store does: by type code where both state one, else by name."""
        if self.type_code and one.type_code:
            return self.type_code == one.type_code
        return bool(one.name) and self.name == one.name


class _Batch:
    """The licences of one batch: what is known, what was judged, and the rows to write."""

    def __init__(
        self, connection: sqlite3.Connection, licences: Sequence[RecordedLicence], *, reason: str, at: datetime
    ) -> None:
        self._connection = connection
        self._reason = reason
        self._at = encode_time(at)
        self._by_number: defaultdict[str, list[_Known]] = defaultdict(list)
        self._by_identifier: dict[str, _Known] = {}
        self._read(licences)
        self._next_licence = self._next("licences")
        self._next_version = self._next("versions")
        self._new: list[_Known] = []
        self._changed: dict[int, _Known] = {}
        self._longer: dict[int, None] = {}  # licences with another version
        self._versions: list[tuple[int, int, str, str, str]] = []
        self._holders: list[tuple[str, int]] = []
        self._changes: list[tuple[int, str, str, int, str]] = []

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
        is_worse = self._worsen(known, one)
        if one.identifier and other is None and not (one.issued_on and one.issued_on in known.issued):
            self._add_version(known, one)
            self._longer[known.id] = None
            return Added.NEW_VERSION
        return Added.WORSE_STATUS if is_worse else Added.ALREADY_THERE

    def write(self) -> None:
        """Write the rows, each table in the order of its index, so that neighbours meet the same page of it."""
        self._new.sort(key=attrgetter("number"))
        self._versions.sort(key=itemgetter(2))
        self._holders.sort()
        many = self._connection.executemany
        many(
            "INSERT INTO licences VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (one.id, one.number, one.type_code, one.name, one.current, one.status, self._at, one.is_objected)
                for one in self._new
            ],
        )
        many(
            "INSERT INTO versions (id, licence, identifier, issued_on, stored_at) VALUES (?, ?, ?, ?, ?)",
            self._versions,
        )
        many("INSERT INTO holders VALUES (?, ?)", self._holders)
        many("INSERT INTO changes (licence, status, since, objection, reason) VALUES (?, ?, ?, ?, ?)", self._changes)
        many(
            "UPDATE licences SET status = ?, status_since = ?, objection = ? WHERE id = ?",
            [(one.status, self._at, one.is_objected, one.id) for one in self._changed.values()],
        )
        many(_SET_CURRENT, [(licence,) for licence in self._longer])

    def _read(self, licences: Sequence[RecordedLicence]) -> None:
        """Read what the store knows about the numbers and identifiers of the batch."""
        execute = self._connection.execute
        identifiers = {one.identifier for one in licences if one.identifier}
        owners = dict(execute(_IDENTIFIERS, (json.dumps(list(identifiers)),)).fetchall())
        numbers = {one.number for one in licences if one.number}
        wanted = (json.dumps(list(numbers)), json.dumps(list(set(owners.values()))))
        known = {row[0]: _Known(row) for row in execute(_KNOWN, wanted)}
        for one in known.values():
            self._by_number[one.number].append(one)
        for licence, issued_on in execute(_ISSUED, (json.dumps(list(known)),)):
            known[licence].issued.add(issued_on)
        self._by_identifier = {identifier: known[licence] for identifier, licence in owners.items()}
        self._by_number.pop("", None)  # an absent number is that of no licence

    def _next(self, table: str) -> int:
        (highest,) = self._connection.execute(f"SELECT MAX(id) FROM {table}").fetchone()  # noqa: S608 - one of two names
        return (highest or 0) + 1

    def _add(self, one: RecordedLicence) -> None:
        row = (self._next_licence, one.number, one.type_code, one.name, one.status.value, one.is_under_objection)
        known = _Known(row, current=self._next_version)
        self._next_licence += 1
        self._new.append(known)
        if one.number:
            self._by_number[one.number].append(known)
        self._add_change(known)
        self._add_version(known, one)

    def _add_version(self, known: _Known, one: RecordedLicence) -> None:
        version, self._next_version = self._next_version, self._next_version + 1
        self._versions.append((version, known.id, one.identifier, one.issued_on, self._at))
        self._holders += [(code, version) for code in one.holders]
        known.issued.add(one.issued_on)
        if one.identifier:
            self._by_identifier[one.identifier] = known

    def _worsen(self, known: _Known, one: RecordedLicence) -> bool:
        """Set the worst of both statuses; answer whether anything changed."""
        status = one.status.value
        if status != known.status:
            status = worst_status((RecordStatus(known.status), RecordStatus(status))).value
        is_objected = bool(known.is_objected) or one.is_under_objection
        if status == known.status and is_objected == bool(known.is_objected):
            return False
        known.status, known.is_objected = status, is_objected
        if not known.current:
            self._changed[known.id] = known
        self._add_change(known)
        return True

    def _add_change(self, known: _Known) -> None:
        self._changes.append((known.id, known.status, self._at, known.is_objected, self._reason))
