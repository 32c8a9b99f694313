"""What a record may say: what the policy gave, in its form, and nothing that was not checked."""

from datetime import date

import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus
from gateway.disclosure import FieldShown
from gateway.facade.records import make_record, say_found
from gateway.pipeline import KEPT_ANSWER, PASSED_OVER, UNDER_OBJECTION, Verified
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome, Verdict
from policies.dimension import LicenceStatus
from tests.support.http import FORGED, GENUINE

ASKED = LicenceRecord(identifier="1.2", holders=(RecordHolder(code="H"),))


def plain(value: str | list[str | bool | None]) -> FieldShown:
    """Return a field that is shown as it is."""
    return FieldShown("plain", value=value)


def failing(check: CheckName, outcome: Outcome, reason: Reason) -> Verdict:
    """Return a verdict with one check that is not valid."""
    return Verdict(format="ofd", checks=(Check(check=check, outcome=outcome, reason=reason),))


@pytest.mark.parametrize(
    ("source", "shown", "expected"),
    [
        ("name", plain("证照"), {"name": "证照"}),
        ("number", plain("N-1"), {"number": "N-1"}),
        ("number", FieldShown("mask:code", value="N-*"), {"number": "N-*"}),
        ("identifier", FieldShown("mask:code", value="1*"), {}),
        ("type-code", plain("T"), {"type_code": "T"}),
        ("issued-on", plain("2024-02-29"), {"issued_on": date(2024, 2, 29)}),
        ("issued-on", FieldShown("general:year", value="2024"), {}),
        ("issued-on", plain("约 2024 年"), {}),
        ("valid-to", plain("长期"), {"long_term": True}),
        ("valid-to", plain("2029-02-27"), {"valid_to": date(2029, 2, 27)}),
        ("holder-name", FieldShown("mask:name", value="张*"), {"holders": (RecordHolder(name="张*", code="H"),)}),
        ("holder-code", FieldShown("pseudonym:hmac", value="abc"), {}),
        ("holder-code", FieldShown("exists", value=True), {}),
        ("KZ_JYXM", plain("热食"), {"surface": {"JYXM": "热食"}}),
        ("KZ_JYXM", plain(["热食", "冷食"]), {"surface": {"JYXM": ("热食", "冷食")}}),
        ("KZ_CSRQ", FieldShown("general:year", value="1986"), {"surface": {"CSRQ": "1986"}}),
        ("KZ_CSRQ", FieldShown("attest:age>=18", value=True), {}),
        ("status", plain("active"), {}),
    ],
)
def test_one_field(source: str, shown: FieldShown, expected: dict[str, object]) -> None:
    """A field stands where its source says, in a form that has room there, or is left out."""
    record = make_record(ASKED, {source: shown})
    changed = {name: getattr(record, name) for name in LicenceRecord.__slots__}
    same = {name: getattr(ASKED, name) for name in LicenceRecord.__slots__}
    assert {name: one for name, one in changed.items() if one != same[name]} == expected


def test_several_holders() -> None:
    """Names and numbers of several holders pair, or none of them is told."""
    both = {"holder-name": plain(["甲", "乙"]), "holder-code": plain(["1", "2"])}
    expected = (RecordHolder(name="甲", code="1"), RecordHolder(name="乙", code="2"))
    assert make_record(ASKED, both).holders == expected
    assert make_record(ASKED, both | {"holder-code": plain("1")}).holders == ASKED.holders


@pytest.mark.parametrize(
    ("verdict", "status", "outcome", "said"),
    [
        (GENUINE, LicenceStatus.SUSPENDED, AnswerOutcome.ERROR, None),
        (FORGED, LicenceStatus.ACTIVE, AnswerOutcome.ERROR, None),
        (FORGED, LicenceStatus.UNKNOWN, AnswerOutcome.ERROR, None),
        (FORGED, LicenceStatus.CANCELLED, AnswerOutcome.FOUND, RecordStatus.CANCELLED),
        (GENUINE, LicenceStatus.ACTIVE, AnswerOutcome.DENIED, None),
        (
            failing(CheckName.STATUS, Outcome.UNKNOWN, Reason.STATUS_NOT_FOUND),
            LicenceStatus.UNKNOWN,
            AnswerOutcome.NOT_FOUND,
            None,
        ),
        (
            failing(CheckName.REVOCATION, Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE),
            LicenceStatus.ACTIVE,
            AnswerOutcome.RETRY,
            None,
        ),
        (
            failing(CheckName.VALIDITY_PERIOD, Outcome.INVALID, Reason.VALIDITY_PERIOD_EXPIRED),
            LicenceStatus.ACTIVE,
            AnswerOutcome.FOUND,
            RecordStatus.EXPIRED,
        ),
        (
            failing(CheckName.VALIDITY_PERIOD, Outcome.INVALID, Reason.VALIDITY_PERIOD_NOT_YET),
            LicenceStatus.ACTIVE,
            AnswerOutcome.ERROR,
            None,
        ),
    ],
)
def test_what_is_said(
    verdict: Verdict, status: LicenceStatus, outcome: AnswerOutcome, said: RecordStatus | None
) -> None:
    """In force is said of a valid verdict alone; without a policy nothing else is said of it."""
    found = say_found(Verified(verdict=verdict, status=status), None, ASKED)
    assert found.outcome is outcome
    assert (None if found.record is None else found.record.status) is said
    assert found.record is None or found.record.holders == ASKED.holders


@pytest.mark.parametrize(
    ("verdict", "status", "outcome"),
    [
        (GENUINE, LicenceStatus.ACTIVE, AnswerOutcome.RETRY),
        (FORGED, LicenceStatus.CANCELLED, AnswerOutcome.FOUND),
    ],
)
def test_a_source_that_was_passed_over(verdict: Verdict, status: LicenceStatus, outcome: AnswerOutcome) -> None:
    """While a source that comes first cannot be asked, nothing is in force; what speaks against a licence is told."""
    for note in (PASSED_OVER, KEPT_ANSWER):
        noted = Verdict(format="ofd", checks=verdict.checks, notes=(note,))
        assert say_found(Verified(verdict=noted, status=status), None, ASKED).outcome is outcome


def test_a_record_that_differs() -> None:
    """A record that cannot be told to be the one that is asked for is neither found nor not found."""
    verdict = failing(CheckName.STATUS, Outcome.UNKNOWN, Reason.STATUS_RECORD_DIFFERS)
    assert say_found(Verified(verdict=verdict), None, ASKED).outcome is AnswerOutcome.ERROR


def test_an_objection_is_told() -> None:
    """An objection that is noted goes along, for formats that have a place for it."""
    verdict = Verdict(format="ofd", checks=GENUINE.checks, notes=(UNDER_OBJECTION,))
    found = say_found(Verified(verdict=verdict, status=LicenceStatus.CANCELLED), None, ASKED)
    assert found.outcome is AnswerOutcome.ERROR  # valid, and yet not in force: nobody says such a thing
    verdict = Verdict(format="ofd", checks=FORGED.checks, notes=(UNDER_OBJECTION,))
    found = say_found(Verified(verdict=verdict, status=LicenceStatus.CANCELLED), None, ASKED)
    assert found.record is not None
    assert found.record.under_objection
