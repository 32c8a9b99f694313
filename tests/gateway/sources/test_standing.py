"""How a licence stands by several records of it: by those of its latest version, whichever comes first."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes.copies import worst_status
from adapters.record.status import RecordStatus
from gateway.sources.recorded import RecordedLicence
from gateway.sources.standing import Standing, add_record, first_standing
from policies.dimension import LicenceStatus

FAMILY = "1.2.156.3005.2.11100000000013338W001.11100000MB03271699.BDCDL0001"  # type, issuer, serial


def record(
    identifier: str, issued_on: str, status: LicenceStatus = LicenceStatus.ACTIVE, *, is_objected: bool = False
) -> RecordedLicence:
    return RecordedLicence(identifier, "N", "T", "", (), issued_on, status, is_objected)


def stand(records: tuple[RecordedLicence, ...]) -> tuple[str, bool]:
    """Return status and objection after all records, as a store reaches them that knows their days."""
    standing, days = first_standing(records[0]), [records[0].issued_on]
    for one in records[1:]:
        standing = add_record(standing, one, newest=max(days))
        days.append(one.issued_on)
    return standing.status, standing.is_objected


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["", "", "2010-01-01", "2015-01-01", "2020-01-01"]),
        st.sampled_from(LicenceStatus),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(
    lambda rows: [
        record(f"{n}", day, status, is_objected=is_objected) for n, (day, status, is_objected) in enumerate(rows)
    ]
)


@given(records=RECORDS)
def test_the_latest_version_counts_and_what_has_no_day(records: list[RecordedLicence]) -> None:
    """The worst status of both, in whatever order the records come, and an objection to either."""
    latest = max(one.issued_on for one in records)
    counted = [one for one in records if one.issued_on in {"", latest}]
    worst = worst_status(RecordStatus(one.status.value) for one in counted).value
    expected = worst, any(one.is_under_objection for one in counted)
    assert {stand(order) for order in permutations(records)} == {expected}


@pytest.mark.parametrize("day", ["", "2020-01-01"])
def test_identifiers_of_one_licence_say_which_version_is_later(day: str) -> None:
    """Where days say nothing, the version in the identifier does (GB/T 36904)."""
    old = record(f"{FAMILY}.001.X", day, LicenceStatus.EXPIRED)
    new = record(f"{FAMILY}.002.X", day)
    assert stand((old, new)) == stand((new, old)) == ("active", False)


def test_days_and_identifiers_that_contradict_each_other() -> None:
    """Nobody knows then which is the later one, and the worst status counts."""
    one = record(f"{FAMILY}.001.X", "2020-01-01")
    other = record(f"{FAMILY}.002.X", "2010-01-01", LicenceStatus.REVOKED)
    assert stand((one, other)) == stand((other, one)) == ("revoked", False)


def test_one_identifier_is_one_version() -> None:
    """A record under the same identifier counts, whatever day it states."""
    one = record("1.2", "2020-01-01")
    other = record("1.2", "2019-12-31", LicenceStatus.REVOKED)
    assert stand((one, other)) == stand((other, one)) == ("revoked", False)


def test_an_operators_word_outlasts_versions() -> None:
    """A suspension that was set by hand is not lifted by a later version; nor does an older record count."""
    standing = Standing("suspended", True, "2020-01-01", "", "suspended", True)
    renewed = add_record(standing, record("1.3", "2024-01-01"), newest="2020-01-01")
    assert renewed[:2] == ("suspended", True)
    assert add_record(standing, record("1.1", "2010-01-01", LicenceStatus.REVOKED), newest="2020-01-01") == standing
