"""What another system's records say, as sources say it: which of them is meant, and what it states."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from adapters.codes.copies import is_same_version, merge_copies, select_copies
from adapters.codes.licence_identifier import version_of_identifier
from adapters.codes.licence_types import LicenceTypes
from adapters.codes.tables import CodeTables
from adapters.errors import MalformedDocumentError
from adapters.identifier import LicenceIdentifier, parse_identifier
from adapters.licence import Holder, Licence
from adapters.metadata import EXTENSION_PREFIX
from adapters.record.record import LicenceRecord, Surface
from adapters.record.status import RecordFlag
from gateway.sources.masks import is_masked, may_be
from gateway.sources.source import (
    ByIdentifier,
    LicenceIndex,
    LicenceKey,
    Registered,
    StatedLicence,
    index_licence,
    key_text,
    normal_code,
)
from gateway.sources.superseding import status_of_version
from policies.dimension import LicenceStatus

_BETWEEN: Final = "、"  # texts of a list, as licences print them
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")  # of GB/T 36904; anything else may be a name
_STATUSES: Final = {status.value: status for status in LicenceStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a system says of one licence; ``index`` is what that is found by.

    ``masked`` are the numbers of holders that are masked, which the index does not have. ``is_of_part`` is as in
    `StatedLicence`.
    """

    record: LicenceRecord
    licence: Licence
    index: LicenceIndex
    masked: tuple[str, ...]
    is_of_part: bool = False

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
            Holder(name=one.name, code="" if is_masked(one.code) else one.code, code_type=one.code_type)
            for one in record.holders
        ),
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        long_term=record.long_term,
        copy=None,
        elements={EXTENSION_PREFIX + name: text for name, value in record.surface.items() if (text := _text(value))},
    )
    masked = tuple(key_text(one.code) for one in record.holders if is_masked(one.code))
    return Stated(record=record, licence=licence, index=index_licence(licence), masked=masked)


def select_meant(
    records: Iterable[LicenceRecord], key: LicenceKey, *, types: frozenset[str], is_list: bool, tables: CodeTables
) -> Stated | None:
    """Return the licence that a key means among the records of an answer; None where there is none.

    1. A record is meant unless it states something else than the key; in a list of all licences of a holder
    (``is_list``) it must state the number. 2. Of several, those of the latest version count, and the document of the
    first that has one. 3. So do their copies (the PDF beside the OFD), even under an identifier of their own: the worst
    status of all. Where only the holder is another one the licence is returned all the same, for what it says may count
    (`may_be_held`). ``types`` are codes and names of the type that is asked for, in the spelling of keys.
    """
    # 1. meant
    is_identifier = isinstance(key, ByIdentifier)
    near = [one for one in records if is_identifier or _is_named(one, key)]  # most of a long list is another licence
    meant = [
        one for one in near if _is_named(one, key) and _is_meant(state(one), key, types, tables.types, is_list=is_list)
    ]
    if not meant:
        if key.holder is None:
            return None
        return select_meant(near, replace(key, holder=None), types=types, is_list=is_list, tables=tables)
    # 2. the latest
    latest = max(meant, key=_version)
    copies = [one for one in meant if is_same_version(latest, one)]
    first = next((one for one in copies if one.document is not None), copies[0])
    # 3. their copies
    if len(near) > len(meant):
        copies = [one for one in select_copies(copies, near, tables=tables) if is_same_version(latest, one)]
    if len(copies) == 1:
        return state(first)
    return state(merge_copies([first, *(one for one in copies if one is not first)]))


def are_others(
    records: Sequence[LicenceRecord],
    key: LicenceKey,
    *,
    types: frozenset[str],
    known: LicenceTypes,
    unknown: str,
    is_list: bool,
) -> bool:
    """Say whether all records of an answer state that they are of other licences than the one that a key names.

    In a list of all licences of a holder (``is_list``) their numbers say so. Where the system does not know the
    identifier of the licence, which is then ``unknown``, so do their types: several licences may have one number.
    """

    def is_other(record: LicenceRecord) -> bool:
        if is_list and not _is_named(record, key):
            return True
        index = state(record).index
        return bool(unknown) and index.identifier != unknown and not _is_type(index, types, known)

    return (is_list or bool(records)) and all(map(is_other, records))


def contradicts(stated: LicenceIndex, sealed: LicenceIndex, *, types: LicenceTypes | None = None) -> bool:
    """Say whether a record and a sealed document cannot be about one licence; what one does not state is no word.

    ``types`` is the table by which their types are compared, for several licences may have one number; None: that was
    done, when the record was chosen. An identifier that both state says the type as well.
    """
    pairs = [(stated.identifier, sealed.identifier), (stated.number, sealed.number)]
    if any(one and other and one != other for one, other in pairs):
        return True
    is_identified = bool(stated.identifier and sealed.identifier)
    wanted = frozenset({sealed.type_code, sealed.name} - {""})
    if types is not None and wanted and not is_identified and not _is_type(stated, wanted, types):
        return True
    held, sealed_for = _codes(stated), _codes(sealed)
    return bool(held and sealed_for) and held.isdisjoint(sealed_for)


def is_another(stated: LicenceIndex, sealed: LicenceIndex) -> bool:
    """Say whether a record is about another licence for certain: by its number, unless by its identifier.

    By its type it was chosen.
    """
    if stated.identifier and stated.identifier == sealed.identifier:
        return False
    return bool(stated.number and sealed.number) and stated.number != sealed.number


def register_stated(found: StatedLicence, *, is_latest: bool) -> Registered:
    """Return what another system's record says as the word of a register; ``is_latest``: of the version in question."""
    return Registered(
        status=status_of_version(found.status, is_current=is_latest),
        is_under_objection=found.is_under_objection,
        source=found.source,
        is_unseen=found.is_unseen,
        as_of=found.as_of,
    )


def may_be_held(stated: Stated, key: LicenceKey) -> bool:
    """Say whether a record may be that of the holder whom a key asks for; by an identifier none is chosen for him."""
    if isinstance(key, ByIdentifier) or key.holder is None:
        return True
    return not _codes(stated.index) or holds(stated.index, key.holder) or _is_masked_one(stated, key.holder)


def holds(index: LicenceIndex, holder: str) -> bool:
    """Say whether somebody is a holder, by the number in its normal spelling."""
    return bool(holder) and holder in _codes(index)


def may_be_of(found: StatedLicence, key: LicenceKey) -> bool:
    """Say whether a licence may be that of the holder who is asked for, by the numbers that are stated or masked."""
    codes = map(normal_code, (*found.index.holders, *found.masked))
    return key.holder is None or (bool(key.holder) and may_be(key.holder, codes))


def _is_named(record: LicenceRecord, key: LicenceKey) -> bool:
    if isinstance(key, ByIdentifier):
        return key_text(record.identifier) in {"", key.identifier}
    return key_text(record.number) in {"", key.number}


def _is_meant(stated: Stated, key: LicenceKey, types: frozenset[str], known: LicenceTypes, *, is_list: bool) -> bool:
    index = stated.index
    if isinstance(key, ByIdentifier):
        return bool(key.identifier)
    is_number = bool(index.number) or not is_list
    return bool(key.number) and is_number and may_be_held(stated, key) and _is_type(index, types | {key.type}, known)


def _is_masked_one(stated: Stated, holder: str) -> bool:
    """Say whether somebody may be a holder whose number is masked, beside others whose numbers are not."""
    return bool(stated.masked) and may_be(holder, stated.masked)


def _is_type(index: LicenceIndex, wanted: frozenset[str], known: LicenceTypes) -> bool:
    """Say whether a record may be of a type: by the table of types, by the codes where both have one, else by names."""
    if not wanted.isdisjoint({index.type_code, index.name} - {""}):
        return True
    stated = known.find(code=index.type_code, name=index.name)
    if stated is not None and any(known.find(code=text, name=text) is stated for text in wanted):
        return True
    codes = {text for text in wanted if _TYPE_CODE.fullmatch(text)}
    if index.type_code and codes:
        return False
    return not (index.name and wanted - codes)


def _version(record: LicenceRecord) -> tuple[date, str]:
    """Return what later versions of a licence have more of; a day that is not stated is the first of all."""
    return record.issued_on or date.min, version_of_identifier(record.identifier)


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
