"""What another system's records say, as sources say it: which of them is meant, and what it states."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from adapters.codes.copies import worst_status
from adapters.errors import MalformedDocumentError
from adapters.identifier import LicenceIdentifier, parse_identifier
from adapters.licence import Holder, Licence
from adapters.record.record import LicenceRecord, Surface
from adapters.record.status import RecordFlag
from gateway.sources.source import ByIdentifier, LicenceIndex, LicenceKey, index_licence, key_text, normal_code
from policies.dimension import LicenceStatus

_EXTENSION: Final = "KZ_"  # the tags of surface fields in metadata (GB/T 36903)
_BETWEEN: Final = "、"  # texts of a list, as licences print them
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")  # of GB/T 36904; anything else may be a name
_MASKS: Final = frozenset("*＊×●")  # what systems put in place of digits
_STATUSES: Final = {status.value: status for status in LicenceStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a system says of one licence; ``index`` is what that is found by."""

    record: LicenceRecord
    licence: Licence
    index: LicenceIndex

    @property
    def status(self) -> LicenceStatus:
        """How the licence stands."""
        return _STATUSES[self.record.status]

    @property
    def is_unseen(self) -> bool:
        """Whether the system has a code for the status that its mapping does not name."""
        return RecordFlag.STATUS_UNSEEN in self.record.flags


def state(record: LicenceRecord) -> Stated:
    """Return what a record states, in the words of a licence; a number of a holder that is masked is none."""
    licence = Licence(
        name=record.name,
        number=record.number,
        type_code=record.type_code,
        identifier=_identifier(record.identifier),
        issuer=record.issuer,
        issuer_code=record.issuer_code,
        issued_on=record.issued_on,
        holders=tuple(
            Holder(name=one.name, code="" if _MASKS & set(one.code) else one.code, code_type=one.code_type)
            for one in record.holders
        ),
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        long_term=record.long_term,
        copy=None,
        elements={f"{_EXTENSION}{name}": text for name, value in record.surface.items() if (text := _text(value))},
    )
    return Stated(record=record, licence=licence, index=index_licence(licence))


def select_meant(
    records: Iterable[LicenceRecord], key: LicenceKey, *, types: frozenset[str], is_list: bool
) -> Stated | None:
    """Return the licence that a key means among the records of an answer; None where there is none.

    1. A record is meant unless it states something else than the key; in a list of all licences of a holder
    (``is_list``) it must state the number. 2. Of several, those issued last count. 3. Of copies (the PDF beside the
    OFD) the worst status counts, and the document of the first that has one. ``types`` are codes and names of the type
    that is asked for, in the spelling of keys.
    """
    named = (record for record in records if _is_named(record, key))  # most of a long list is another licence
    meant = [one for record in named if _is_meant(one := state(record), key, types, is_list=is_list)]
    if not meant:
        return None
    latest = max(_issued(one) for one in meant)
    copies = [one for one in meant if _issued(one) in {date.min, latest}]
    first = next((one for one in copies if one.record.document is not None), copies[0])
    if len(copies) == 1:
        return first
    record = replace(
        first.record,
        status=worst_status(one.record.status for one in copies),
        under_objection=any(one.record.under_objection for one in copies),
        flags=frozenset(flag for one in copies for flag in one.record.flags),
    )
    return replace(first, record=record)


def are_others(records: Iterable[LicenceRecord], key: LicenceKey) -> bool:
    """Say whether all records of a list state the number of another licence than the one that a key names."""
    return all(record.number for record in records) and not any(_is_named(record, key) for record in records)


def contradicts(stated: LicenceIndex, sealed: LicenceIndex) -> bool:
    """Say whether a record and a sealed document cannot be about one licence; what one does not state is no word."""
    pairs = [(stated.identifier, sealed.identifier), (stated.number, sealed.number)]
    if any(one and other and one != other for one, other in pairs):
        return True
    held, sealed_for = _codes(stated), _codes(sealed)
    return bool(held and sealed_for) and held.isdisjoint(sealed_for)


def holds(index: LicenceIndex, holder: str) -> bool:
    """Say whether somebody is a holder, by the number in its normal spelling."""
    return bool(holder) and holder in _codes(index)


def _is_named(record: LicenceRecord, key: LicenceKey) -> bool:
    if isinstance(key, ByIdentifier):
        return key_text(record.identifier) in {"", key.identifier}
    return key_text(record.number) in {"", key.number}


def _is_meant(stated: Stated, key: LicenceKey, types: frozenset[str], *, is_list: bool) -> bool:
    index = stated.index
    if isinstance(key, ByIdentifier):
        return bool(key.identifier)
    is_number = bool(index.number) or not is_list
    is_holder = key.holder is None or not _codes(index) or holds(index, key.holder)
    return bool(key.number) and is_number and is_holder and _is_type(index, types | {key.type})


def _is_type(index: LicenceIndex, wanted: frozenset[str]) -> bool:
    """Say whether a record may be of a type: by the codes where both have one, else by the names."""
    if not wanted.isdisjoint({index.type_code, index.name} - {""}):
        return True
    codes = {text for text in wanted if _TYPE_CODE.fullmatch(text)}
    if index.type_code and codes:
        return False
    return not (index.name and wanted - codes)


def _issued(stated: Stated) -> date:
    """Return when a licence was issued; the first of all days where that is not said."""
    return stated.record.issued_on or date.min


def _codes(index: LicenceIndex) -> frozenset[str]:
    return frozenset(map(normal_code, index.holders))


def _identifier(text: str) -> LicenceIdentifier | None:
    try:
        return parse_identifier(text) if text else None
    except MalformedDocumentError:  # longer than any identifier
        return None


def _text(value: Surface) -> str:
    """Return a surface field as one text; a table is none."""
    if isinstance(value, str):
        return value
    return _BETWEEN.join(_texts(value))


def _texts(value: Sequence[object]) -> Iterable[str]:
    return (one for one in value if isinstance(one, str))
