"""From what was read of one record to the record, and from a record to what is written of it."""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from adapters.mapping.bounds import MAX_ROWS
from adapters.mapping.code import meaning_of
from adapters.mapping.codecs.codec import LongTerm
from adapters.mapping.codecs.lists import ForAll
from adapters.mapping.draft import Draft
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.rule import StatusRule
from adapters.mapping.target import DOCUMENT, HOLDER_COLUMNS, HOLDERS, STATUS, VALID_TO, Target
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus

Get = Callable[[Any], object]


def column_slot(column: str) -> str:
    """Return the slot of a column of the holders that is read as a whole, and not holder by holder."""
    return f"{HOLDERS}[].{column}"


def assemble(draft: Draft, *, source: str, status: StatusRule | None) -> LicenceRecord:
    """Return the record of a draft.

    Raises:
        AdapterError: HOLDERS, when names, codes and types do not pair.

    """
    get = draft.neutral.get
    valid_to = get(VALID_TO)
    is_long_term = valid_to is LongTerm.LONG_TERM
    raw_status = get(STATUS, "")
    return LicenceRecord(
        identifier=get("identifier", ""),
        number=get("number", ""),
        type_code=get("type_code", ""),
        name=get("name", ""),
        holders=_holders(draft.neutral),
        issuer=get("issuer", ""),
        issuer_code=get("issuer_code", ""),
        area=get("area", ""),
        issued_on=get("issued_on"),
        valid_from=get("valid_from"),
        valid_to=None if is_long_term else valid_to,
        long_term=is_long_term,
        status=_status(raw_status, status, draft.flags),
        under_objection=get("under_objection", False),
        trust_level=get("trust_level", ""),
        source=get("source", source),
        surface=draft.surface,
        document=_document(get),
        flags=frozenset(draft.flags),
        raw_status=str(raw_status),  # plain, also where it was not read
    )


def _status(raw: str, rule: StatusRule | None, flags: set[RecordFlag]) -> RecordStatus:
    """Return what a code means; one that nobody wrote down is an alarm, and never active."""
    if rule is None:
        return RecordStatus.UNKNOWN
    if not raw:
        flags.add(RecordFlag.STATUS_MISSING)
        return RecordStatus.UNKNOWN
    found = meaning_of(raw, rule.meanings)
    if found is None:
        flags.add(RecordFlag.STATUS_UNSEEN)
        return RecordStatus.UNKNOWN
    return found


def _document(get: Callable[..., Any]) -> RecordDocument | None:
    form, content, link = get("document.format", ""), get("document.content", b""), get("document.link", "")
    return RecordDocument(format=form, content=content, link=link) if form or content or link else None


_NAME, _CODE, _CODE_TYPE = (column_slot(column) for column in HOLDER_COLUMNS)


def _holders(neutral: Mapping[str, Any]) -> tuple[RecordHolder, ...]:
    """Join what stands in a list of holders with what stands in columns; one text alone is a column of one."""
    rows: list[dict[str, str]] = neutral.get(HOLDERS, [])
    name, code, code_type = neutral.get(_NAME, ""), neutral.get(_CODE, ""), neutral.get(_CODE_TYPE, "")
    if not rows and name.__class__ is code.__class__ is code_type.__class__ is str:  # nearly always
        return (RecordHolder(name=name, code=code, code_type=code_type),) if name or code or code_type else ()
    columns = {column: values for column, values in zip(HOLDER_COLUMNS, (name, code, code_type), strict=True) if values}
    if not columns:
        return tuple([RecordHolder(**row) for row in rows])
    return _pair(rows, {key: (one,) if isinstance(one, str) else one for key, one in columns.items()})


def _pair(rows: list[dict[str, str]], columns: Mapping[str, tuple[str, ...]]) -> tuple[RecordHolder, ...]:
    """Put columns beside each other, and beside the rows; they have the same length, or one text counts for all."""
    lengths = {len(values) for values in columns.values() if not isinstance(values, ForAll)}
    if rows:
        lengths.add(len(rows))
    if len(lengths) > 1:
        raise AdapterError(AdapterFault.HOLDERS)
    number = lengths.pop() if lengths else 1
    joined = [dict(row) for row in rows] or [{} for _ in range(number)]
    for column, values in columns.items():
        for place, holder in enumerate(joined):
            holder[column] = values[0] if isinstance(values, ForAll) else values[place]
    return tuple([RecordHolder(**holder) for holder in joined])


def getter(target: Target, *, path: str, in_row: bool, is_list: bool) -> Get:
    """Return the function that takes what a field writes out of a record, or out of one row of a list.

    ``is_list`` says that its codecs take a whole column. The function raises AdapterError for what does not fit.
    """
    column = target.column
    if column is None:
        return _scalar(target, path)
    if in_row:
        if target.slot == HOLDERS:
            return attrgetter(column)
        return _cell(column, path) if column else _same_text(path)
    if target.slot == HOLDERS:
        return _holder_column(column, path, is_list=is_list)
    return _surface_texts(target.surface_name, path)


def rows_of(slot: str) -> Callable[[LicenceRecord], tuple[Any, ...]]:
    """Return the function that takes a list out of a record; a column of the holders has an entry for each of them."""
    if slot.startswith(HOLDERS):
        return attrgetter(HOLDERS)
    name = slot.removeprefix("surface.")

    def take(record: LicenceRecord) -> tuple[Any, ...]:
        found = record.surface.get(name, ())
        if isinstance(found, str):
            raise AdapterError(AdapterFault.SHAPE, slot)
        return found

    return take


def _scalar(target: Target, path: str) -> Get:
    slot = target.slot
    if slot == VALID_TO:
        return lambda record: LongTerm.LONG_TERM if record.long_term else record.valid_to
    if slot.startswith(DOCUMENT):
        part = attrgetter(slot.removeprefix(DOCUMENT))
        return lambda record: None if record.document is None else part(record.document) or None
    name = target.surface_name
    if not name:
        return attrgetter(slot)

    def get(record: LicenceRecord) -> object:
        found = record.surface.get(name)
        if found.__class__ is not str and found is not None:
            raise AdapterError(AdapterFault.SHAPE, path)
        return found

    return get


def _cell(column: str, path: str) -> Get:
    def get(row: object) -> object:
        if not isinstance(row, Mapping):
            raise AdapterError(AdapterFault.SHAPE, path)
        return row.get(column)

    return get


def _same_text(path: str) -> Get:
    def get(row: object) -> object:
        if not isinstance(row, str):
            raise AdapterError(AdapterFault.SHAPE, path)
        return row

    return get


def _holder_column(column: str, path: str, *, is_list: bool) -> Get:
    """One column of the holders in one text: of all of them where the codecs join, else of the only one."""
    part = attrgetter(column)

    def get(record: LicenceRecord) -> object:
        holders = record.holders
        if not is_list and len(holders) > 1:
            raise AdapterError(AdapterFault.HOLDERS, path)
        if len(holders) > MAX_ROWS:
            raise AdapterError(AdapterFault.TOO_LARGE, path)
        values = tuple(part(holder) for holder in holders)
        if not any(values):
            return None
        return values if is_list else values[0]

    return get


def _surface_texts(name: str, path: str) -> Get:
    def get(record: LicenceRecord) -> object:
        found = record.surface.get(name)
        if isinstance(found, str) or not all(isinstance(one, str) for one in found or ()):
            raise AdapterError(AdapterFault.SHAPE, path)
        return found or None

    return get


def names_of(targets: Iterable[Target]) -> frozenset[str]:
    """Return the surface fields that rules name one by one."""
    return frozenset(target.surface_name for target in targets if target.surface_name and not target.is_whole_surface)
