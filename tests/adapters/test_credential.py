"""What a licence says as a credential, and when it says nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.credential import (
    TYPE_PREFIX,
    CredentialError,
    CredentialFault,
    end_of_validity,
    map_claims,
    name_type,
)
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
WHOLE = LicenceRecord(
    identifier="1.2.156.3005.2.A.B.C.001.1",
    number="N-1",
    type_code="T",
    name="食品经营许可证",
    holders=(RecordHolder(name="张某", code="11010519491231002X", code_type="111"), RecordHolder(name="李某")),
    issuer="某局",
    issuer_code="C",
    area="440106",
    issued_on=date(2024, 2, 29),
    valid_from=date(2024, 2, 29),
    valid_to=date(2029, 2, 27),
    status=RecordStatus.ACTIVE,
    trust_level="A",
    source="shandong",
    surface={"JYXM": "热食", "空": "", "分": ("甲", "乙"), "表": ({"列": "1"},)},
    document=RecordDocument(format="ofd", content=b"file", link="https://x"),
    aside={"$.secret": "aside-value"},
    flags=frozenset({RecordFlag.FIELDS_ASIDE}),
    raw_status="raw-value",
)
OPEN = {"name", "type_code", "issuer", "issuer_code", "area", "licence_status", "under_objection"}


def test_every_claim() -> None:
    """Kind of licence, issuer and status stand in the open; all else is the holder's; the rest is no claim."""
    claims = map_claims(WHOLE)
    assert claims.open == {
        "name": "食品经营许可证",
        "type_code": "T",
        "issuer": "某局",
        "issuer_code": "C",
        "area": "440106",
        "licence_status": "active",
    }
    assert claims.personal == {
        "identifier": "1.2.156.3005.2.A.B.C.001.1",
        "number": "N-1",
        "holders": [{"name": "张某", "code": "11010519491231002X", "code_type": "111"}, {"name": "李某"}],
        "issued_on": "2024-02-29",
        "valid_from": "2024-02-29",
        "valid_to": "2029-02-27",
        "surface": {"JYXM": "热食", "分": ["甲", "乙"], "表": [{"列": "1"}]},
    }


def test_an_objection_cannot_be_withheld() -> None:
    """That somebody objects to a licence stands in the open."""
    assert map_claims(replace(WHOLE, under_objection=True)).open["under_objection"] is True


@given(st.builds(replace, st.just(WHOLE), number=st.text(), surface=st.dictionaries(st.text(), st.text())))
def test_nothing_personal_in_the_open(record: LicenceRecord) -> None:
    """Whatever a record holds, no other names stand in the open, and nothing empty is said."""
    claims = map_claims(record)
    assert claims.open.keys() <= OPEN
    assert not claims.open.keys() & claims.personal.keys()
    assert all(claims.personal.values())


def test_nothing_to_show() -> None:
    """A record of which only the kind is known is no credential."""
    with pytest.raises(CredentialError) as caught:
        map_claims(LicenceRecord(name="x", type_code="T", issuer="某局", status=RecordStatus.ACTIVE))
    assert caught.value.fault is CredentialFault.NOTHING_TO_SHOW


def test_the_type() -> None:
    """The type is named by its code, and without one there is none."""
    assert name_type("T") == f"{TYPE_PREFIX}T"
    with pytest.raises(CredentialError) as caught:
        name_type("")
    assert caught.value.fault is CredentialFault.NO_TYPE


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, datetime(2029, 2, 27, 16, tzinfo=UTC)),
        ({"valid_to": date(2026, 3, 1)}, datetime(2026, 3, 1, 16, tzinfo=UTC)),
        ({"valid_to": None, "long_term": True}, None),
        ({"valid_to": date.max}, None),
        ({"valid_from": None}, datetime(2029, 2, 27, 16, tzinfo=UTC)),
        ({"valid_from": date(2026, 3, 1)}, datetime(2029, 2, 27, 16, tzinfo=UTC)),
    ],
)
def test_the_end(changes: dict[str, Any], end: datetime | None) -> None:
    """A licence ends with its last day in China, or never."""
    assert end_of_validity(replace(WHOLE, **changes), NOW) == end


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        *[({"status": one}, CredentialFault.NOT_ACTIVE) for one in RecordStatus if one is not RecordStatus.ACTIVE],
        ({"valid_from": date(2026, 3, 2)}, CredentialFault.NOT_YET),
        ({"valid_to": date(2026, 2, 28)}, CredentialFault.ENDED),
        ({"valid_to": None}, CredentialFault.END_NOT_STATED),
    ],
)
def test_what_is_not_in_force(changes: dict[str, Any], fault: CredentialFault) -> None:
    """A licence that is not in force, or of which nobody knows, has no end but a reason."""
    with pytest.raises(CredentialError) as caught:
        end_of_validity(replace(WHOLE, **changes), NOW)
    assert caught.value.fault is fault


def test_the_last_moment() -> None:
    """The end is half-open: a licence counts until the last moment of its last day in China."""
    end = end_of_validity(WHOLE, NOW)
    assert end is not None
    assert end_of_validity(WHOLE, end - timedelta(seconds=1)) == end
    with pytest.raises(CredentialError):
        end_of_validity(WHOLE, end)
