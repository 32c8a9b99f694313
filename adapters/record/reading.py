"""A record read from JSON, in the spelling in which `describe_record` writes it."""

import base64
import binascii
import re
from datetime import date
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from adapters.errors import Malformed, MalformedDocumentError
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE, MAX_FIELDS, MAX_ROWS, MAX_TEXT
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder, Surface
from adapters.record.status import RecordFlag, RecordStatus
from adapters.strict.bounds import MAX_DOCUMENT
from adapters.strict.json import parse_json

_Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT)]
_Row: TypeAlias = Annotated[dict[_Text, _Text], Meta(max_length=MAX_FIELDS)]
_Rows: TypeAlias = Annotated[list[_Text | _Row], Meta(max_length=MAX_ROWS)]
_PLACE: Final = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")


class _Holder(Struct, forbid_unknown_fields=True):
    name: _Text = ""
    code: _Text = ""
    code_type: _Text = ""


class _Document(Struct, forbid_unknown_fields=True):
    format: _Text = ""
    content: str = ""
    link: _Text = ""


class _Record(Struct, forbid_unknown_fields=True):
    identifier: _Text = ""
    number: _Text = ""
    type_code: _Text = ""
    name: _Text = ""
    holders: Annotated[list[_Holder], Meta(max_length=MAX_ROWS)] = []
    issuer: _Text = ""
    issuer_code: _Text = ""
    area: _Text = ""
    issued_on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    long_term: bool = False
    status: RecordStatus = RecordStatus.UNKNOWN
    under_objection: bool = False
    trust_level: _Text = ""
    surface: Annotated[dict[_Text, _Text | _Rows], Meta(max_length=MAX_FIELDS)] = {}
    document: _Document | None = None
    source: _Text = ""
    raw_status: _Text = ""
    aside: Annotated[dict[_Text, _Text], Meta(max_length=MAX_FIELDS)] = {}
    flags: list[RecordFlag] = []


def parse_record(data: bytes) -> LicenceRecord:
    """Read one record; a member that is missing is "not said", one that is unknown is refused.

    Raises:
        AdapterError: TOO_LARGE, SYNTAX, or SHAPE with the place; never a value.

    """
    try:
        wire = msgspec.convert(parse_json(data, limit=MAX_DOCUMENT_MESSAGE), _Record)
    except MalformedDocumentError as error:
        too_large = error.malformed is Malformed.TOO_LARGE
        raise AdapterError(AdapterFault.TOO_LARGE if too_large else AdapterFault.SYNTAX) from error
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        raise AdapterError(AdapterFault.SHAPE, place[1] if place else "$") from None  # its text may hold a value
    said = {name: getattr(wire, name) for name in wire.__struct_fields__}
    said["holders"] = tuple(RecordHolder(name=one.name, code=one.code, code_type=one.code_type) for one in wire.holders)
    said["surface"] = {name: _read_surface(value) for name, value in wire.surface.items()}
    said["document"] = None if wire.document is None else _read_document(wire.document)
    said["flags"] = frozenset(wire.flags)
    return LicenceRecord(**said)


def _read_surface(value: str | list[str | dict[str, str]]) -> Surface:
    if isinstance(value, str):
        return value
    texts = tuple(one for one in value if isinstance(one, str))
    rows = tuple(one for one in value if not isinstance(one, str))
    if texts and rows:
        raise AdapterError(AdapterFault.SHAPE, "$.surface")
    return rows or texts


def _read_document(wire: _Document) -> RecordDocument:
    try:
        content = base64.b64decode(wire.content, validate=True)
    except (binascii.Error, ValueError):
        raise AdapterError(AdapterFault.VALUE, "$.document.content") from None
    if len(content) > MAX_DOCUMENT:
        raise AdapterError(AdapterFault.TOO_LARGE, "$.document.content")
    return RecordDocument(format=wire.format, content=content, link=wire.link)
