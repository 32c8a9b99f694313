"""How a licence stands by the records that registers stated of it: by those of its latest version."""

from enum import Enum, auto
from typing import NamedTuple

from adapters.codes.copies import worst_status
from adapters.codes.licence_identifier import licence_of_identifier, version_of_identifier
from adapters.record.status import RecordStatus
from gateway.sources.recorded import RecordedLicence


class Age(Enum):
    """Which of two versions of one licence is the later one."""

    EARLIER = auto()
    SAME = auto()
    LATER = auto()
    UNKNOWN = auto()  # one of them does not say when it was issued


class Standing(NamedTuple):
    """The status of a licence, and what of it is owed to records of its latest version.

    ``issued_on`` and ``identifier`` are those of the latest version that a record stated. ``otherwise`` and
    ``otherwise_objected`` are how the licence would stand without the records of that version: by an operator's word, a
    document, and records of which nobody knows the version.
    """

    status: str
    is_objected: bool
    issued_on: str
    identifier: str
    otherwise: str
    otherwise_objected: bool


def first_standing(one: RecordedLicence) -> Standing:
    """Return how a licence stands of which there is one record."""
    dated = bool(one.issued_on or version_of_identifier(one.identifier))
    status = one.status.value
    otherwise = (RecordStatus.ACTIVE.value, False) if dated else (status, one.is_under_objection)
    return Standing(status, one.is_under_objection, one.issued_on, one.identifier, *otherwise)


def add_record(before: Standing, one: RecordedLicence, *, newest: str) -> Standing:
    """Return how a licence stands after one more record of it, in whatever order they come.

    ``newest`` is the day on which its latest version was issued, "" where nobody knows. A record of an earlier version
    says nothing of the licence, and one of a later version takes the place of those before it. Of all others the worst
    status counts, and an objection stays: copies of one version, and records of which nobody knows the version.
    """
    age = _age(one, before)
    is_of_newest = age is Age.SAME and before.issued_on >= newest
    if age is Age.EARLIER or (one.issued_on and one.issued_on < newest and not is_of_newest):
        return before
    if age is Age.SAME:
        return _worsen(before, one)._replace(issued_on=max(before.issued_on, one.issued_on))
    if age is Age.UNKNOWN and not one.issued_on:
        otherwise = _worst(before.otherwise, one.status.value)
        is_objected = before.otherwise_objected or one.is_under_objection
        return _worsen(before, one)._replace(otherwise=otherwise, otherwise_objected=is_objected)
    if age is Age.UNKNOWN:  # what was before counts for whatever version
        before = before._replace(otherwise=before.status, otherwise_objected=before.is_objected)
    anew = before._replace(status=before.otherwise, is_objected=before.otherwise_objected)
    return _worsen(anew, one)._replace(issued_on=one.issued_on, identifier=one.identifier)


def _worsen(before: Standing, one: RecordedLicence) -> Standing:
    status = _worst(before.status, one.status.value)
    return before._replace(status=status, is_objected=before.is_objected or one.is_under_objection)


def _worst(first: str, second: str) -> str:
    return first if first == second else worst_status((RecordStatus(first), RecordStatus(second))).value


def _age(one: RecordedLicence, before: Standing) -> Age:
    """Compare as `is_same_version` does: by the versions in identifiers of one licence, else by the days of issue.

    Where both say something else of each other, nobody knows which is the later one, and both count.
    """
    if one.identifier and one.identifier == before.identifier:
        return Age.SAME
    by_day = _compare(one.issued_on, before.issued_on)
    licence = licence_of_identifier(one.identifier)
    if not licence or licence != licence_of_identifier(before.identifier):
        return by_day
    by_version = _compare(version_of_identifier(one.identifier), version_of_identifier(before.identifier))
    if {by_day, by_version} == {Age.EARLIER, Age.LATER}:
        return Age.SAME
    return by_day if by_version is Age.UNKNOWN else by_version


def _compare(one: str, other: str) -> Age:
    if not (one and other):
        return Age.UNKNOWN
    return Age.SAME if one == other else Age.LATER if one > other else Age.EARLIER
