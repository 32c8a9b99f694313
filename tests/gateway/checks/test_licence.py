"""The printed dates of a licence, which are days in China."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import Document, Format
from adapters.licence import AnnotatedCopy, Licence, LicenceFlag
from gateway.checks.licence import check_licence, check_status, check_validity_period
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from policies.dimension import LicenceStatus

CHINA = timezone(timedelta(hours=8))
FIRST = date(2024, 5, 1)
LAST = date(2026, 4, 30)


def licence(
    *,
    valid_from: date | None = FIRST,
    valid_to: date | None = LAST,
    copy: AnnotatedCopy | None = None,
    flags: frozenset[LicenceFlag] = frozenset(),
) -> Licence:
    return Licence(
        name="营业执照",
        number="1",
        type_code="",
        identifier=None,
        issuer="",
        issuer_code="",
        issued_on=FIRST,
        holders=(),
        valid_from=valid_from,
        valid_to=valid_to,
        long_term=valid_to is None,
        copy=copy,
        flags=flags,
    )


def copy_until(day: date | None) -> AnnotatedCopy:
    end = None if day is None else in_china(day + timedelta(days=1), 0)
    return AnnotatedCopy(made_at="", made_by="", reason="", valid_until=end)


def in_china(day: date, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=CHINA)


@pytest.mark.parametrize("at", [in_china(FIRST, 0), in_china(LAST, 23, 59, 59), in_china(LAST, 0).astimezone(UTC)])
def test_a_licence_is_in_force_from_its_first_day_to_its_last(at: datetime) -> None:
    """Both days count, whole, in the time of China, in whatever zone the question is asked."""
    assert check_validity_period(licence(), at).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (in_china(FIRST, 0) - timedelta(seconds=1), Reason.VALIDITY_PERIOD_NOT_YET),
        (in_china(LAST + timedelta(days=1), 0), Reason.VALIDITY_PERIOD_EXPIRED),
    ],
)
def test_a_second_outside_is_outside(at: datetime, reason: Reason) -> None:
    """The day changes at midnight in China, which is 16:00 UTC."""
    check = check_validity_period(licence(), at)
    assert (check.check, check.outcome, check.reason) == (CheckName.VALIDITY_PERIOD, Outcome.INVALID, reason)


def test_a_licence_without_an_end_does_not_end() -> None:
    """A long-term licence is valid at any later time; that it is one is a field of it, and leaves by a policy only."""
    check = check_validity_period(licence(valid_to=None), in_china(date(2999, 1, 1)))
    assert (check.outcome, check.detail) == (Outcome.VALID, None)


def test_an_annotated_copy_has_an_end_of_its_own() -> None:
    """A copy made for one purpose ends while the licence itself goes on; its last day counts."""
    copied = licence(copy=copy_until(date(2025, 1, 31)))
    assert check_validity_period(copied, in_china(date(2025, 1, 31))).outcome is Outcome.VALID
    after = check_validity_period(copied, in_china(date(2025, 2, 1)))
    assert (after.outcome, after.reason) == (Outcome.INVALID, Reason.VALIDITY_PERIOD_COPY_EXPIRED)


def test_a_copy_may_end_at_a_moment() -> None:
    """A copy with a time of day ends then, and not with that day."""
    moment = in_china(date(2025, 1, 31), 10)
    copied = licence(copy=replace(copy_until(None), valid_until=moment))
    assert check_validity_period(copied, moment - timedelta(seconds=1)).outcome is Outcome.VALID
    assert check_validity_period(copied, moment).reason is Reason.VALIDITY_PERIOD_COPY_EXPIRED


def test_an_end_that_is_not_stated_is_unknown() -> None:
    """Who says nothing about the end, of a licence or of a copy, has not said that there is none."""
    for silent in (replace(licence(valid_to=None), long_term=False), licence(copy=copy_until(None))):
        check = check_validity_period(silent, in_china(LAST))
        assert (check.outcome, check.reason) == (Outcome.UNKNOWN, Reason.VALIDITY_PERIOD_NOT_STATED)


def test_a_file_that_cannot_be_used_leaves_doubt() -> None:
    """A licence in force is not called so while another file speaks of it unread; one that ended has ended."""
    document = Document(format=Format.OFD, licence=licence(), licence_unreadable=True)
    doubtful = check_licence(document, in_china(LAST))
    assert doubtful is not None
    assert (doubtful.outcome, doubtful.reason) == (Outcome.UNKNOWN, Reason.VALIDITY_PERIOD_UNREADABLE)
    ended = check_licence(document, in_china(LAST + timedelta(days=1)))
    assert ended is not None
    assert ended.outcome is Outcome.INVALID
    alone = check_licence(replace(document, licence=None), in_china(LAST))
    assert alone is not None
    assert alone.reason is Reason.VALIDITY_PERIOD_UNREADABLE
    assert check_licence(Document(format=Format.OFD), in_china(LAST)) is None


def test_the_licence_ends_its_copies() -> None:
    """A copy cannot outlive its licence."""
    copied = licence(copy=copy_until(LAST + timedelta(days=100)))
    assert check_validity_period(copied, in_china(LAST + timedelta(days=1))).reason is Reason.VALIDITY_PERIOD_EXPIRED


def test_a_date_that_cannot_be_read_is_unknown() -> None:
    """Dates that nobody can read prove neither that a licence is in force nor that it is not."""
    unreadable = licence(valid_to=None, flags=frozenset({LicenceFlag.DATE_UNREADABLE}))
    check = check_validity_period(unreadable, in_china(LAST))
    assert (check.outcome, check.reason) == (Outcome.UNKNOWN, Reason.VALIDITY_PERIOD_UNREADABLE)


def test_what_is_certain_counts_before_what_is_not() -> None:
    """A licence that has certainly ended is invalid, whatever else cannot be read."""
    unreadable = licence(valid_from=None, flags=frozenset({LicenceFlag.DATE_UNREADABLE}))
    after = in_china(LAST + timedelta(days=1))
    assert check_validity_period(unreadable, after).reason is Reason.VALIDITY_PERIOD_EXPIRED


@pytest.mark.parametrize("flag", [flag for flag in LicenceFlag if flag is not LicenceFlag.DATE_UNREADABLE])
def test_other_oddities_do_not_end_a_licence(flag: LicenceFlag) -> None:
    """An identifier of another form is flagged, and says nothing about dates."""
    assert check_validity_period(licence(flags=frozenset({flag})), in_china(LAST)).outcome is Outcome.VALID


@pytest.mark.parametrize("status", LicenceStatus)
def test_only_an_active_licence_is_in_force(status: LicenceStatus) -> None:
    """Every other status has a reason of its own name; one that nobody knows is unknown, and not invalid."""
    check = check_status(status, as_of=in_china(LAST))
    assert (check.check, check.as_of) == (CheckName.STATUS, in_china(LAST))
    expected = {LicenceStatus.ACTIVE: Outcome.VALID, LicenceStatus.UNKNOWN: Outcome.UNKNOWN}
    assert check.outcome is expected.get(status, Outcome.INVALID)
    assert check.reason == (None if status is LicenceStatus.ACTIVE else f"status.{status}")


@pytest.mark.parametrize("status", LicenceStatus)
def test_a_document_that_is_not_made_yet_is_never_valid(status: LicenceStatus) -> None:
    """That a licence is not ready never makes it better than its status."""
    check = check_status(status, as_of=in_china(LAST), is_ready=False)
    ready = check_status(status, as_of=in_china(LAST))
    assert check.outcome is (Outcome.UNKNOWN if ready.outcome is Outcome.VALID else ready.outcome)


@given(
    st.none() | st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    st.none() | st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    st.none() | st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is added
)
def test_a_further_limit_never_makes_a_licence_valid(
    valid_from: date | None, valid_to: date | None, copied_until: date | None, at: datetime
) -> None:
    """Adding an end or a beginning can only take validity away."""
    bare = check_validity_period(licence(valid_from=None, valid_to=None), at)
    copy = None if copied_until is None else copy_until(copied_until)
    limited = check_validity_period(licence(valid_from=valid_from, valid_to=valid_to, copy=copy), at)
    assert bare.outcome is Outcome.VALID
    if limited.outcome is Outcome.VALID:
        today = at.astimezone(CHINA).date()
        assert valid_from is None or valid_from <= today
        assert all(end is None or today <= end for end in (valid_to, copied_until))
