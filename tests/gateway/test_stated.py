"""What is said of a licence that another system states: only what is sealed, and agrees with it, can be valid."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.licence import Licence
from gateway.pipeline import Verified, judge_found
from gateway.reason import Reason
from gateway.sources.source import (
    LicenceKey,
    NoDocument,
    StatedLicence,
    by_identifier,
    by_number,
    index_licence,
)
from gateway.verdict import Check, CheckName, Outcome, Verdict
from policies.dimension import LicenceStatus
from tests.support.http import FORGED, GENUINE
from tests.support.sharing import ADULT, CHILD, NOW, holder, make_licence

SOURCE = "system:river"
UNREADABLE = Verdict(
    format=None,
    checks=(
        Check(check=CheckName.FORMAT, outcome=Outcome.INVALID, reason=Reason.FORMAT_MALFORMED, detail="not-a-package"),
    ),
)
KEY = by_number("ID-0001", "居民身份证")
OF_ADULT = by_number("ID-0001", "居民身份证", ADULT)


def stated(licence: Licence | None = None, **changes: Any) -> StatedLicence:
    """Return what a system states of the identity card, with a document, except for the changes."""
    licence = licence or make_licence()
    content: dict[str, Any] = {
        "document": b"sealed",
        "absence": None,
        "stated": licence,
        "index": index_licence(licence),
        "status": LicenceStatus.ACTIVE,
        "is_unseen": False,
        "is_under_objection": False,
        "source": SOURCE,
    }
    return StatedLicence(**content | changes)


def judge(
    found: StatedLicence, key: LicenceKey = KEY, *, sealed: Licence | None = None, verdict: Verdict = GENUINE
) -> Verified:
    return judge_found(Verified(verdict=verdict, licence=sealed), found, key, at=NOW)


def outcome_of(verified: Verified) -> tuple[str, list[str]]:
    return verified.verdict.outcome.value, [reason.value for reason in verified.verdict.reasons]


def test_a_genuine_document() -> None:
    """A document that verifies, and agrees with its record, is what it is, from that system."""
    verified = judge(stated(), OF_ADULT, sealed=make_licence())
    assert outcome_of(verified) == ("valid", [])
    assert (verified.source, verified.register, verified.status) == (SOURCE, SOURCE, LicenceStatus.ACTIVE)


def test_a_document_without_metadata() -> None:
    """A genuine seal on a file that says nothing of a licence shows nothing about this one."""
    assert outcome_of(judge(stated())) == ("unknown", ["format.no-metadata"])
    assert outcome_of(judge(stated(), OF_ADULT)) == ("unknown", ["format.no-metadata"])
    for child in (by_number("ID-0001", "居民身份证", CHILD), by_identifier("1.2.3", CHILD)):
        assert outcome_of(judge(stated(), child)) == ("unknown", ["status.not-found"])


def test_a_document_that_cannot_be_read() -> None:
    """An unreadable file is no word about the licence; the detail says which system sent it."""
    verified = judge(stated(), verdict=UNREADABLE)
    assert outcome_of(verified) == ("unknown", ["format.document-unavailable"])
    assert verified.verdict.checks[0].detail == f"{SOURCE}: not-a-package"


def test_the_document_of_another_holder() -> None:
    """Where somebody asks for a holder, the document of another one is as if it were not there."""
    masked = make_licence(holders=(holder(code=""),))
    child = make_licence(holders=(holder(code=CHILD),))
    assert outcome_of(judge(stated(masked), OF_ADULT, sealed=child)) == ("unknown", ["status.not-found"])
    assert judge(stated(masked), OF_ADULT, sealed=child).licence is None


def test_a_record_without_a_document() -> None:
    """The record counts for what speaks against the licence, its period included."""
    alone = {"document": b"", "absence": NoDocument.NOT_THERE}
    assert outcome_of(judge(stated(**alone), verdict=UNREADABLE)) == ("unknown", ["format.no-document"])
    over = make_licence(valid_to=NOW.date().replace(year=NOW.year - 1))
    verified = judge(stated(over, **alone), verdict=UNREADABLE)
    assert outcome_of(verified) == ("invalid", ["validity-period.expired", "format.no-document"])


def test_the_record_of_a_holder_whose_licences_were_asked_for() -> None:
    """A record alone that masks its holder counts for the holder whose licences the system was asked for."""
    masked = make_licence(holders=(holder(code=""),))
    alone = {"document": b"", "absence": NoDocument.NOT_THERE, "status": LicenceStatus.REVOKED}
    assert outcome_of(judge(stated(masked, **alone), OF_ADULT, verdict=UNREADABLE)) == ("unknown", ["status.not-found"])
    index = replace(index_licence(masked), holders=(ADULT,))
    known = judge(stated(masked, **alone, index=index), OF_ADULT, verdict=UNREADABLE)
    assert outcome_of(known) == ("invalid", ["status.revoked", "format.no-document"])


def test_a_failed_file_is_named() -> None:
    """The word about a file that could not be fetched is in the detail."""
    found = stated(document=b"", absence=NoDocument.UNAVAILABLE, detail="timeout")
    assert judge(found, verdict=UNREADABLE).verdict.checks[0].detail == f"{SOURCE}: timeout"


KEYS = st.sampled_from(
    [
        *(KEY, OF_ADULT, by_number("ID-0001", "居民身份证", CHILD), by_number("", "")),
        *(by_identifier("1.2.3"), by_identifier("1.2.3", ADULT)),
    ]
)
LICENCES = st.sampled_from(
    [
        make_licence(),
        make_licence(number="another"),
        make_licence(holders=(holder(code=CHILD),)),
        make_licence(holders=()),
    ]
)


@given(
    found=st.builds(
        stated,
        LICENCES,
        status=st.sampled_from(LicenceStatus),
        absence=st.sampled_from([None, *NoDocument]),
        is_unseen=st.booleans(),
    ),
    key=KEYS,
    sealed=st.none() | LICENCES,
    verdict=st.sampled_from([GENUINE, FORGED, UNREADABLE]),
)
def test_when_it_is_valid(found: StatedLicence, key: LicenceKey, sealed: Licence | None, verdict: Verdict) -> None:
    """Valid is said only of a genuine document that is what was asked for, with a record that says active."""
    verified = judge(found, key, sealed=sealed, verdict=verdict)
    if verified.verdict.outcome is Outcome.VALID:
        assert sealed is not None
        assert verdict is GENUINE
        assert found.status is LicenceStatus.ACTIVE
        assert key.fits(index_licence(sealed))
        assert verified.licence is sealed
