"""Copies of one licence: which records are about the same licence, and what they say together.

Some systems keep the PDF and the OFD of one licence as two records with different keys, and cancelling reaches only one
of them (Beijing). So records are brought together by what is printed on the licence, and the worst status counts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final

from adapters.codes.code import fold_code
from adapters.codes.issuers import Issuers
from adapters.codes.licence_identifier import licence_of_identifier, version_of_identifier
from adapters.codes.licence_types import LicenceTypes
from adapters.codes.normal import normal_text
from adapters.codes.organisation import organisation_of
from adapters.codes.person import parse_citizen_id
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus

# From the best to the worst. What is known to be out of force is worse than what is not known, because that one makes
# an answer invalid and this one unknown (design: an invalid check wins over an unknown one).
_WORSE: Final = (
    RecordStatus.ACTIVE,
    RecordStatus.UNKNOWN,
    RecordStatus.SUSPENDED,
    RecordStatus.EXPIRED,
    RecordStatus.SUPERSEDED,
    RecordStatus.CANCELLED,
    RecordStatus.REVOKED,
)

# Texts that another copy may say where the first one says nothing.
_FILLED: Final = ("identifier", "number", "type_code", "name", "issuer", "issuer_code", "area", "trust_level")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field about which the copies disagree: places in `MergedLicence.copies`, those that agree together.

    Copies that say nothing about the field are in no group. The values themselves are in the records only.
    """

    field: str
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedLicence:
    """One licence. ``record`` is what its copies say together; ``copies`` are the records as they came.

    ``older`` are files of an earlier version of the licence (GB/T 36904), which count for nothing here.
    """

    record: LicenceRecord
    copies: tuple[LicenceRecord, ...]
    older: tuple[LicenceRecord, ...]
    differences: tuple[Difference, ...]


def merge_copies(
    records: Iterable[LicenceRecord], *, issuers: Issuers, types: LicenceTypes
) -> tuple[MergedLicence, ...]:
    """Bring the records of each licence together, in the order in which the licences first occur.

    1. Two records are about one licence when number, type and issuer agree, after NFKC and by the tables of types and
       of issuers, or when type, issuer and serial in their identifiers agree. A record that lacks one of them is
       never joined by a guess.
    2. Of records whose identifiers state a version, those of the latest one count; a record without a version may be a
       copy of it, and counts too.
    3. The worst status counts, the earliest end, and an objection to any copy. The first record gives the other values,
       and the others what it leaves out.
    4. What differs is reported.
    """
    return tuple(_merge(group, issuers, types) for group in _group(records, issuers, types))


def worst_status(statuses: Iterable[RecordStatus]) -> RecordStatus:
    """Return the status that counts for a licence of whose copies these are stated; of none, unknown."""
    return max(statuses, key=_WORSE.index, default=RecordStatus.UNKNOWN)


def _group(records: Iterable[LicenceRecord], issuers: Issuers, types: LicenceTypes) -> list[list[LicenceRecord]]:
    """Join records that share a key; the first record of a group is its home, and one record may join two groups."""
    home: list[int] = []
    by_key: dict[tuple[str, ...], int] = {}

    def home_of(place: int) -> int:
        while home[place] != place:
            home[place] = home[home[place]]  # halves the way for whoever asks next
            place = home[place]
        return place

    records = tuple(records)
    for place, record in enumerate(records):
        home.append(place)
        for key in _keys(record, issuers, types):
            first, second = sorted((home_of(by_key.setdefault(key, place)), home_of(place)))
            home[second] = first
    groups: dict[int, list[LicenceRecord]] = {}
    for place, record in enumerate(records):
        groups.setdefault(home_of(place), []).append(record)
    return list(groups.values())


def _keys(record: LicenceRecord, issuers: Issuers, types: LicenceTypes) -> list[tuple[str, ...]]:
    printed = (
        normal_text(record.number),
        _type_key(record, types),
        issuers.key_of(record.issuer_code),
    )
    identified = licence_of_identifier(record.identifier)
    return [key for key in (printed, (identified,)) if all(key)]


def _merge(group: Sequence[LicenceRecord], issuers: Issuers, types: LicenceTypes) -> MergedLicence:
    latest = max(version_of_identifier(record.identifier) for record in group)
    copies = [record for record in group if version_of_identifier(record.identifier) in {"", latest}]
    first = copies[0]
    status = worst_status(record.status for record in copies)
    ends = [record.valid_to for record in copies if record.valid_to is not None]
    filled: dict[str, Any] = {
        name: next((text for one in copies if (text := getattr(one, name))), "") for name in _FILLED
    }
    record = replace(
        first,
        **filled,
        holders=next((one.holders for one in copies if one.holders), ()),
        issued_on=_first_day(one.issued_on for one in copies),
        valid_from=_first_day(one.valid_from for one in copies),
        valid_to=min(ends, default=None),
        long_term=not ends and any(one.long_term for one in copies),
        status=status,
        raw_status=next(one.raw_status for one in copies if one.status is status),
        under_objection=any(one.under_objection for one in copies),
        document=next((one.document for one in copies if one.document is not None), None),
        flags=frozenset(flag for one in copies for flag in one.flags),
    )
    return MergedLicence(
        record=record,
        copies=tuple(copies),
        older=tuple(record for record in group if version_of_identifier(record.identifier) not in {"", latest}),
        differences=tuple(_differences(copies, issuers, types)),
    )


def _first_day(days: Iterable[date | None]) -> date | None:
    return next((day for day in days if day is not None), None)


def _differences(copies: Sequence[LicenceRecord], issuers: Issuers, types: LicenceTypes) -> Iterable[Difference]:
    compared = _compared(issuers, types)
    for name in sorted({name for copy in copies for name in copy.surface}):
        compared[f"surface.{name}"] = partial(_surface_key, name)
    for field, key_of in compared.items():
        groups: dict[object, list[int]] = {}
        for place, copy in enumerate(copies):
            key = key_of(copy)
            if key:
                groups.setdefault(key, []).append(place)
        if len(groups) > 1:
            yield Difference(field=field, groups=tuple(tuple(group) for group in groups.values()))


def _compared(issuers: Issuers, types: LicenceTypes) -> dict[str, Callable[[LicenceRecord], object]]:
    """Return how each field is compared: two spellings of one value are no difference, and nothing said is none."""
    return {
        "identifier": lambda record: fold_code(record.identifier),
        "number": lambda record: normal_text(record.number),
        "type": lambda record: _type_key(record, types),
        "name": lambda record: normal_text(record.name),
        "holders": lambda record: tuple(map(_holder_key, record.holders)),
        "issuer": lambda record: normal_text(record.issuer),
        "issuer_code": lambda record: issuers.key_of(record.issuer_code),
        "area": lambda record: record.area.rstrip("0"),
        "issued_on": lambda record: record.issued_on,
        "valid_from": lambda record: record.valid_from,
        "valid_to": lambda record: "long-term" if record.long_term else record.valid_to,
        "status": lambda record: record.status,
        "under_objection": lambda record: "yes" if record.under_objection else "no",
    }


def _type_key(record: LicenceRecord, types: LicenceTypes) -> str:
    return types.key_of(code=record.type_code, name=record.name, on=record.issued_on)


def _surface_key(name: str, record: LicenceRecord) -> str:
    value = record.surface.get(name, "")
    return normal_text(value) if isinstance(value, str) else repr(value) if value else ""


def _holder_key(holder: RecordHolder) -> tuple[str, str]:
    """Return what a holder is compared by; a citizen ID of 15 digits is the one of 18."""
    code = parse_citizen_id(holder.code).normal or organisation_of(holder.code) or fold_code(holder.code)
    return normal_text(holder.name), code
