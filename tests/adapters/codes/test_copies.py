"""Copies of one licence: which records are one, which status counts, and what differs."""

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codes import identifier_check_character
from adapters.codes.copies import MergedLicence, merge_copies, worst_status
from adapters.codes.issuers import shipped_issuers
from adapters.codes.licence_types import shipped_licence_types
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


def merge(*records: LicenceRecord) -> tuple[MergedLicence, ...]:
    return merge_copies(records, issuers=shipped_issuers(), types=shipped_licence_types())


def test_the_pdf_and_the_ofd_of_one_licence_are_one() -> None:
    """Brackets of another width, a type by name, an alias of the issuer and an old citizen ID make no other licence."""
    (merged,) = merge(OFD, PDF)
    assert merged.copies == (OFD, PDF)
    assert merged.differences == ()
    assert merged.record == OFD


@pytest.mark.parametrize("status", [one for one in RecordStatus if one is not RecordStatus.ACTIVE])
def test_the_worst_status_wins_whichever_copy_has_it(status: RecordStatus) -> None:
    """A licence of which one copy was cancelled is cancelled, whatever the other says; the difference is told."""
    bad = replace(PDF, status=status, raw_status="X")
    for records in ((OFD, bad), (bad, OFD)):
        (merged,) = merge(*records)
        assert (merged.record.status, merged.record.raw_status) == (status, "X")
        assert [one.field for one in merged.differences] == ["status"]
        assert merged.differences[0].groups == ((0,), (1,))


def test_known_to_be_out_of_force_is_worse_than_not_known() -> None:
    """An unknown copy takes "active" away, and no more."""
    assert worst_status([RecordStatus.ACTIVE, RecordStatus.UNKNOWN]) is RecordStatus.UNKNOWN
    assert worst_status([RecordStatus.SUSPENDED, RecordStatus.UNKNOWN]) is RecordStatus.SUSPENDED
    assert worst_status([]) is RecordStatus.UNKNOWN


@given(st.lists(st.sampled_from(RecordStatus), min_size=1, max_size=4), st.sampled_from(RecordStatus))
def test_one_more_copy_never_makes_a_licence_better(statuses: list[RecordStatus], another: RecordStatus) -> None:
    """Only when all copies are active is the licence active."""
    (merged,) = merge(*(replace(OFD, status=status) for status in [*statuses, another]))
    assert (merged.record.status is RecordStatus.ACTIVE) == (set(statuses) | {another} == {RecordStatus.ACTIVE})
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
    assert [merged.copies for merged in merge(OFD, other)] == [(OFD,), (other,)]


def test_records_without_anything_stay_apart() -> None:
    """Two records that say nothing are not one."""
    assert len(merge(LicenceRecord(), LicenceRecord())) == 2


def test_the_same_identifier_joins_what_is_printed_otherwise() -> None:
    """Type, issuer and serial are the licence; a number that differs then is told."""
    (merged,) = merge(OFD, replace(OFD, number="另号", issued_on=None))
    assert [one.field for one in merged.differences] == ["number"]


def test_one_record_joins_two_groups() -> None:
    """A copy with both keys brings together one that has the number and one that has the identifier."""
    only_identifier = LicenceRecord(identifier=identifier(), status=RecordStatus.CANCELLED)
    for records in permutations((OFD, PDF, only_identifier)):
        (merged,) = merge(*records)
        assert merged.record.status is RecordStatus.CANCELLED


def test_an_older_version_is_no_copy() -> None:
    """The file before a renewal is replaced and ended, and the licence is not."""
    old = replace(OFD, status=RecordStatus.SUPERSEDED, valid_to=date(2023, 1, 1))
    new = replace(OFD, identifier=identifier(version="002"))
    (merged,) = merge(old, new)
    assert (merged.copies, merged.older) == ((new,), (old,))
    assert merged.record == new
    assert merged.differences == ()


def test_a_record_without_a_version_counts_beside_the_latest() -> None:
    """It may be a copy of the latest file, so that its status is not passed over."""
    (merged,) = merge(
        OFD, replace(OFD, identifier=identifier(version="002")), replace(PDF, status=RecordStatus.REVOKED)
    )
    assert merged.record.status is RecordStatus.REVOKED
    assert merged.older == (OFD,)


def test_the_earliest_end_an_objection_and_all_flags_count() -> None:
    """What could end or burden the licence is taken from every copy."""
    other = replace(
        PDF,
        valid_to=None,
        long_term=True,
        under_objection=True,
        flags=frozenset({RecordFlag.FIELDS_ASIDE}),
        surface={"address": "甲"},
    )
    (merged,) = merge(other, replace(OFD, surface={"address": "乙"}))
    assert merged.record.valid_to == date(2026, 1, 1)
    assert not merged.record.long_term
    assert merged.record.under_objection
    assert merged.record.flags == {RecordFlag.FIELDS_ASIDE}
    assert [one.field for one in merged.differences] == ["valid_to", "under_objection", "surface.address"]


def test_what_one_copy_leaves_out_another_says() -> None:
    """The first record gives the values, and the others what it does not say; that is no difference."""
    (merged,) = merge(replace(PDF, issued_on=None), OFD)
    assert merged.record.identifier == OFD.identifier
    assert merged.record.issued_on == OFD.issued_on
    assert merged.record.source == "pdf"
    assert merged.differences == ()


def test_differences_hold_no_value() -> None:
    """A report of differences can be logged: it names fields and places."""
    other = replace(PDF, holders=(RecordHolder(name="李四", code="440524188001010014"),))
    (merged,) = merge(OFD, other)
    assert [one.field for one in merged.differences] == ["holders"]
    assert "李四" not in repr(merged.differences)
    assert "张三" not in repr(merged.differences)


@given(st.lists(st.sampled_from([OFD, PDF, replace(OFD, number="二", identifier=""), LicenceRecord()]), max_size=8))
def test_no_record_is_lost_or_counted_twice(records: list[LicenceRecord]) -> None:
    """Every record is in exactly one licence."""
    merged = merge(*records)
    assert sorted(map(id, records)) == sorted(
        id(one) for licence in merged for one in (*licence.copies, *licence.older)
    )
