"""Copies of one licence: which records are about the same licence, and what they say together.

Some systems keep the PDF and the OFD of one licence as two records with different keys, and cancelling reaches only one
of them (Beijing). So records are brought together by what is printed on the licence, and the worst status counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from adapters.codes.licence_identifier import licence_of_identifier, version_of_identifier
from adapters.codes.normal import normal_text
from adapters.codes.tables import CodeTables
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag, RecordStatus

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


def worst_status(statuses: Iterable[RecordStatus]) -> RecordStatus:
    """Return the status that counts for a licence of whose copies these are stated; of none, unknown."""
    return max(statuses, key=_WORSE.index, default=RecordStatus.UNKNOWN)


def select_copies(
    meant: Iterable[LicenceRecord], records: Iterable[LicenceRecord], *, tables: CodeTables
) -> tuple[LicenceRecord, ...]:
    """Return the records of one licence, of whatever version: those that are meant first, then what is a copy of them.

    Two records are about one licence when number, type and issuer agree, after NFKC and by the tables of types and of
    issuers, or when type, issuer and serial in their identifiers agree; whatever is a copy of a copy is one. A record
    that lacks one of them is never joined by a guess.
    """
    by_key: defaultdict[tuple[str, ...], list[LicenceRecord]] = defaultdict(list)
    for record in records:
        for key in _keys(record, tables):
            by_key[key].append(record)
    found = {id(one): one for one in meant}  # a record is no key of a dictionary
    followed = [*found.values()]
    while followed:
        for key in _keys(followed.pop(), tables):
            for record in by_key.pop(key, ()):
                if id(record) not in found:
                    found[id(record)] = record
                    followed.append(record)
    return tuple(found.values())


def is_same_version(first: LicenceRecord, second: LicenceRecord) -> bool:
    """Say whether two records of one licence may be about the same version of it.

    Where both identifiers name the licence, their versions say so (GB/T 36904), else the days of issue. A record that
    does not say may be a copy of any version, so that its status is not passed over.
    """
    licence = licence_of_identifier(first.identifier)
    if licence and licence == licence_of_identifier(second.identifier):
        versions = {version_of_identifier(first.identifier), version_of_identifier(second.identifier)}
        return len(versions - {""}) <= 1
    return first.issued_on is None or second.issued_on is None or first.issued_on == second.issued_on


def merge_copies(copies: Sequence[LicenceRecord]) -> LicenceRecord:
    """Return what copies of one licence say together: the first one, and what could end or burden it of all others.

    The worst status counts, the earliest end, and an objection to any copy. What another copy says of itself, its
    identifier and its document above all, is not said of the first one.
    """
    first = copies[0]
    status = worst_status(one.status for one in copies)
    ends = [one.valid_to for one in copies if one.valid_to is not None]
    flags = frozenset(flag for one in copies for flag in one.flags)
    if len({one.status for one in copies}) > 1:
        flags |= {RecordFlag.COPIES_DIFFER}
    return replace(
        first,
        valid_to=min(ends, default=None),
        long_term=not ends and any(one.long_term for one in copies),
        status=status,
        raw_status=next(one.raw_status for one in copies if one.status is status),
        under_objection=any(one.under_objection for one in copies),
        flags=flags,
    )


def _keys(record: LicenceRecord, tables: CodeTables) -> list[tuple[str, ...]]:
    """Return what a record has in common with the copies of its licence."""
    printed = (
        normal_text(record.number),
        tables.types.key_of(code=record.type_code, name=record.name, on=record.issued_on),
        tables.issuers.key_of(record.issuer_code),
    )
    identified = licence_of_identifier(record.identifier)
    return [key for key in (printed, (identified,)) if all(key)]
