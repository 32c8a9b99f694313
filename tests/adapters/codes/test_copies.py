"""Copies of one licence: which records are one, which status counts, and what differs."""

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes import identifier_check_character
from adapters.codes.copies import is_same_version, merge_copies, select_copies, worst_status
from adapters.codes.tables import shipped_tables
from adapters.identifier import ROOT
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus

ISSUER, ALIAS = "11110000000021135M", "12110000400777687U"


def identifier(serial: str = "7", version: str = "001") -> str:
    payload = f"11100000000013338W032.{ISSUER}.{serial}.{version}"
    return f"{ROOT}.{payload}.{identifier_check_character(payload)}"


OFD = LicenceRecord(
    identifier=identifier(),
    number="京（2020）字第1号",
    type_code="11100000000013338W032",
    name="建筑施工特种作业操作资格证书",
    holders=(RecordHolder(name="张三", code="11010519491231002X", code_type="111"),),
    issuer_code=ISSUER,
    issued_on=date(2020, 1, 1),
    valid_to=date(2026, 1, 1),
    status=RecordStatus.ACTIVE,
    raw_status="ISSUED",
    source="ofd",
    document=RecordDocument(format="ofd", content=b"ofd"),
)
PDF = replace(
    OFD,
    identifier="",
    number="京(2020)字第1号",
    type_code="",
    issuer_code=ALIAS,
    holders=(RecordHolder(name="张三", code="110105491231002", code_type="111"),),
    source="pdf",
    document=RecordDocument(format="pdf", content=b"pdf"),
)


def copies_of(meant: LicenceRecord, *records: LicenceRecord) -> tuple[LicenceRecord, ...]:
    return select_copies([meant], records, tables=shipped_tables())


def test_the_pdf_and_the_ofd_of_one_licence_are_one() -> None:
    """Brackets of another width, a type by name, an alias of the issuer and an old citizen ID make no other licence."""
    assert copies_of(OFD, OFD, PDF) == (OFD, PDF)
    assert copies_of(PDF, OFD, PDF) == (PDF, OFD)
    assert merge_copies([OFD, PDF]) == OFD


@pytest.mark.parametrize("status", [one for one in RecordStatus if one is not RecordStatus.ACTIVE])
def test_the_worst_status_wins_whichever_copy_has_it(status: RecordStatus) -> None:
    """A licence of which one copy was cancelled is cancelled, whatever the other says; the difference is told."""
    bad = replace(PDF, status=status, raw_status="X")
    for records in ((OFD, bad), (bad, OFD)):
        merged = merge_copies(records)
        assert (merged.status, merged.raw_status) == (status, "X")
        assert merged.flags == {RecordFlag.COPIES_DIFFER}
        assert merged.document == records[0].document


def test_known_to_be_out_of_force_is_worse_than_not_known() -> None:
    """An unknown copy takes "active" away, and no more."""
    assert worst_status([RecordStatus.ACTIVE, RecordStatus.UNKNOWN]) is RecordStatus.UNKNOWN
    assert worst_status([RecordStatus.SUSPENDED, RecordStatus.UNKNOWN]) is RecordStatus.SUSPENDED
    assert worst_status([]) is RecordStatus.UNKNOWN


@given(st.lists(st.sampled_from(RecordStatus), min_size=1, max_size=4), st.sampled_from(RecordStatus))
def test_one_more_copy_never_makes_a_licence_better(statuses: list[RecordStatus], another: RecordStatus) -> None:
    """Only when all copies are active is the licence active."""
    merged = merge_copies([replace(OFD, status=status) for status in [*statuses, another]])
    assert (merged.status is RecordStatus.ACTIVE) == (set(statuses) | {another} == {RecordStatus.ACTIVE})
    assert worst_status([*statuses, another]) in {worst_status(statuses), another}


@pytest.mark.parametrize(
    "other",
    [
        replace(OFD, number="京（2020）字第2号", identifier=identifier("8")),
        replace(PDF, number="京(2020)字第2号"),
        replace(PDF, issuer_code="11430000006122244L"),
        replace(PDF, issuer_code=""),
        replace(PDF, number=""),
        replace(PDF, type_code="11100000000013338W001"),
        LicenceRecord(),
    ],
)
def test_another_licence_is_not_joined(other: LicenceRecord) -> None:
    """Another number, type or issuer is another licence, and what is missing is never guessed."""
    assert copies_of(OFD, OFD, other) == (OFD,)
    assert copies_of(other, OFD, other) == (other,)


def test_records_without_anything_stay_apart() -> None:
    """Two records that say nothing are not one."""
    assert len(copies_of(LicenceRecord(), LicenceRecord())) == 1


def test_the_same_identifier_joins_what_is_printed_otherwise() -> None:
    """Type, issuer and serial are the licence, whatever number is printed."""
    other = replace(OFD, number="另号", issued_on=None)
    assert copies_of(OFD, other) == (OFD, other)


def test_a_copy_of_a_copy_is_one() -> None:
    """A copy with both keys brings together one that has the number and one that has the identifier."""
    only_identifier = LicenceRecord(identifier=identifier(), status=RecordStatus.CANCELLED)
    for records in permutations((OFD, PDF, only_identifier)):
        assert merge_copies(copies_of(PDF, *records)).status is RecordStatus.CANCELLED


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (OFD, True),
        (PDF, True),
        (replace(OFD, identifier=identifier(version="002")), False),
        (replace(OFD, issued_on=date(2023, 1, 1)), True),  # one file, whatever day its record has
        (replace(PDF, issued_on=date(2023, 1, 1)), False),
        (replace(OFD, identifier=identifier("8"), issued_on=date(2023, 1, 1)), False),
        (replace(PDF, issued_on=None), True),
    ],
)
def test_versions(other: LicenceRecord, *, is_same: bool) -> None:
    """A renewed licence is no copy of the one before; what does not say its version may be a copy of any."""
    assert is_same_version(OFD, other) is is_same
    assert is_same_version(other, OFD) is is_same


def test_the_earliest_end_an_objection_and_all_flags_count() -> None:
    """What could end or burden the licence is taken from every copy."""
    other = replace(
        PDF, valid_to=None, long_term=True, under_objection=True, flags=frozenset({RecordFlag.FIELDS_ASIDE})
    )
    merged = merge_copies([other, OFD])
    assert (merged.valid_to, merged.long_term) == (date(2026, 1, 1), False)
    assert merged.under_objection
    assert merged.flags == {RecordFlag.FIELDS_ASIDE}
    assert merged.identifier == ""


@given(st.lists(st.sampled_from([OFD, PDF, replace(OFD, number="二", identifier=""), LicenceRecord()]), max_size=8))
def test_no_record_is_counted_twice(records: list[LicenceRecord]) -> None:
    """Whatever is a copy is there once, the licence itself first."""
    found = copies_of(OFD, *records)
    assert found[0] is OFD
    assert len({id(one) for one in found}) == len(found)
    assert set(map(id, found)) <= {id(OFD), *map(id, records)}
