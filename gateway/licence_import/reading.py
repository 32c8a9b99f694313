"""Reads a piece of a file through an adapter: what the store may record, and what cannot be read, with its reason."""

import base64
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from adapters.errors import MalformedDocumentError
from adapters.identifier import parse_identifier
from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import Parsed
from adapters.mapping.error import AdapterError
from adapters.mapping.forms.json import write_json_text
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag
from gateway.adapters.mapping_file import MappingFile
from gateway.licence_import.layout import Layout, Spread
from gateway.licence_import.piece import Piece
from gateway.licence_import.records import split_records
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import key_text
from policies.dimension import LicenceStatus

NO_KEY: Final = "no-key"
IDENTIFIER_IN_USE: Final = "identifier-in-use"
OUTCOME: Final = "outcome."  # a message that says something else than a record

_STATUSES: Final = {status.value: status for status in LicenceStatus}
_common_text: Final = lru_cache(maxsize=4096)(key_text)  # of types and their names, which are few


class Spot(NamedTuple):
    """Where a record was: the number of its line, its place in the message, and the bytes of the message."""

    line: int
    place: int  # from 0; -1: the message as a whole
    begin: int
    end: int


class Rejected(NamedTuple):
    """A record that is not stored: why, and where in the mapping; never a value."""

    spot: Spot
    reason: str
    where: str = ""


class ReadPiece(NamedTuple):
    """What a piece holds; every record is in ``licences``, with its spot beside it, or in ``rejected``."""

    licences: list[RecordedLicence]
    spots: list[Spot]
    rejected: list[Rejected]
    unseen: int  # records whose status code no table names


def read_piece(mapping: MappingFile, layout: Layout, piece: Piece) -> ReadPiece:
    """Read a piece; in a process of its own, so the mapping comes as a file."""
    adapter = load_once(mapping)
    found = ReadPiece([], [], [], 0)
    unseen = 0
    for spot, record in _read_all(adapter, layout, piece, found.rejected):
        licence = recorded(record)
        if not licence.has_key:
            found.rejected.append(Rejected(spot, NO_KEY))
            continue
        found.licences.append(licence)
        found.spots.append(spot)
        unseen += RecordFlag.STATUS_UNSEEN in record.flags
    return found._replace(unseen=unseen)


@lru_cache(maxsize=1)
def load_once(mapping: MappingFile) -> Adapter:
    """Return the adapter of a mapping, compiled once in a process."""
    return mapping.load()


def recorded(record: LicenceRecord) -> RecordedLicence:
    """Return what the store keeps of a record."""
    type_code = record.type_code or _type_of(record.identifier)
    return RecordedLicence(
        identifier=key_text(record.identifier),
        number=key_text(record.number),
        type_code=_common_text(type_code),
        name=_common_text(record.name),
        holders=tuple(dict.fromkeys([code for one in record.holders if (code := key_text(one.code))])),
        issued_on="" if record.issued_on is None else record.issued_on.isoformat(),
        status=_STATUSES[record.status],
        is_under_objection=record.under_objection,
    )


class RecordTexts:
    """The records of a piece as they came, for the file of what was rejected."""

    def __init__(self, adapter: Adapter, layout: Layout, piece: Piece) -> None:
        """Look at the messages only when one of their records is asked for."""
        self._adapter = adapter
        self._layout = layout
        self._piece = piece
        self._nodes: tuple[int, Sequence[object]] = (-1, ())

    def describe(self, spot: Spot) -> dict[str, object]:
        """Return a record as JSON: as text where it stands alone, else as the part of its message."""
        data = self._piece.data[spot.begin : spot.end]
        if spot.place >= 0 and self._layout.spread is not Spread.TABLE:
            if self._nodes[0] != spot.begin:
                self._nodes = (spot.begin, self._adapter.read_nodes(data))
            if len(self._nodes[1]) > 1:
                return {"record": write_json_text(self._nodes[1][spot.place])}
        try:
            return {"record": data.decode(self._adapter.rules.message.charset.value).strip("\r\n")}
        except UnicodeDecodeError:
            return {"record_base64": base64.b64encode(data).decode("ascii")}


def _type_of(identifier: str) -> str:
    try:
        return parse_identifier(identifier).type_code if identifier else ""
    except MalformedDocumentError:
        return ""


def _read_all(
    adapter: Adapter, layout: Layout, piece: Piece, rejected: list[Rejected]
) -> Iterator[tuple[Spot, LicenceRecord]]:
    """Read the messages of a piece; what cannot be read goes to ``rejected``."""
    if layout.spread is Spread.WHOLE:
        units = [(0, len(piece.data), 0)]
    else:
        units = list(split_records(piece.data, layout.pattern))
    if layout.spread is Spread.TABLE:
        table = _read_table(adapter, layout, piece, units, rejected)
        if table is not None:
            yield from table
            return
    for begin, end, above in units:
        message = layout.header + piece.data[begin:end].rstrip(b"\r\n")
        line = piece.line + above
        try:
            parsed = adapter.parse(message)
        except AdapterError as error:
            rejected.append(Rejected(Spot(line, -1, begin, end), error.fault, error.where))
            continue
        if not parsed.records and not parsed.refused:
            rejected.append(Rejected(Spot(line, -1, begin, end), OUTCOME + parsed.outcome))
        yield from _sort(parsed, [(begin, end, line)] * (len(parsed.records) + len(parsed.refused)), rejected)


def _read_table(
    adapter: Adapter, layout: Layout, piece: Piece, units: list[tuple[int, int, int]], rejected: list[Rejected]
) -> Iterator[tuple[Spot, LicenceRecord]] | None:
    """Read the lines of a table as one message, which is quicker; None where one of them spoils it."""
    try:
        parsed = adapter.parse(layout.header + b"".join([piece.data[begin:end] for begin, end, _ in units]))
    except AdapterError:
        return None
    if len(parsed.records) + len(parsed.refused) != len(units):
        return None
    return _sort(parsed, [(begin, end, piece.line + above) for begin, end, above in units], rejected)


def _sort(
    parsed: Parsed, places: Sequence[tuple[int, int, int]], rejected: list[Rejected]
) -> Iterator[tuple[Spot, LicenceRecord]]:
    """Give the records of a message their places; those that were refused are not among them."""
    if not parsed.refused:  # nearly always
        for index, ((begin, end, line), record) in enumerate(zip(places, parsed.records, strict=True)):
            yield Spot(line, index, begin, end), record
        return
    refused = {one.index: one for one in parsed.refused}
    records = iter(parsed.records)
    for index, (begin, end, line) in enumerate(places):
        spot = Spot(line, index, begin, end)
        found = refused.get(index)
        if found is None:
            yield spot, next(records)
        else:
            reason = found.error.fault if found.outcome is None else OUTCOME + found.outcome
            rejected.append(Rejected(spot, reason, found.error.where))
