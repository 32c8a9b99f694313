"""Whatever a verification may say, for hypothesis: every field of it, filled and empty."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from adapters.identifier import LicenceIdentifier
from adapters.licence import AnnotatedCopy, Holder, Licence, LicenceFlag
from gateway.pipeline import Verified
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome, SealSummary, SignatureVerdict, Verdict
from policies.dimension import LicenceStatus

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MAYBE_TEXT = st.none() | TEXT
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
DAYS = st.none() | st.dates(date(1, 1, 1), date.max)
CHECKS = st.builds(
    Check,
    check=st.sampled_from(CheckName),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(Reason),
    detail=MAYBE_TEXT,
    as_of=st.none() | MOMENTS,
    ends_at=st.none() | MOMENTS,
)
CHECK_LISTS = st.lists(CHECKS, max_size=3).map(tuple)
NOTES = st.lists(TEXT, max_size=2).map(tuple)
SIGNATURES = st.builds(
    SignatureVerdict,
    id=TEXT,
    kind=TEXT,
    standard=TEXT,
    signed_at=st.none() | MOMENTS,
    signer=MAYBE_TEXT,
    seal=st.none() | st.builds(SealSummary, id=TEXT, name=TEXT, maker=MAYBE_TEXT),
    checks=CHECK_LISTS,
    notes=NOTES,
)
VERDICTS = st.builds(
    Verdict, format=MAYBE_TEXT, checks=CHECK_LISTS, signatures=st.lists(SIGNATURES, max_size=2).map(tuple), notes=NOTES
)
IDENTIFIERS = st.builds(
    LicenceIdentifier,
    text=TEXT,
    type_code=TEXT,
    issuer_code=TEXT,
    serial=TEXT,
    version=TEXT,
    check=TEXT,
    standard_form=st.booleans(),
    check_character_matches=st.booleans(),
)
LICENCES = st.builds(
    Licence,
    name=TEXT,
    number=TEXT,
    type_code=TEXT,
    identifier=st.none() | IDENTIFIERS,
    issuer=TEXT,
    issuer_code=TEXT,
    issued_on=DAYS,
    holders=st.lists(st.builds(Holder, name=TEXT, code=TEXT, code_type=TEXT), max_size=2).map(tuple),
    valid_from=DAYS,
    valid_to=DAYS,
    long_term=st.booleans(),
    copy=st.none() | st.builds(AnnotatedCopy, made_at=TEXT, made_by=TEXT, reason=TEXT, valid_until=st.none() | MOMENTS),
    elements=st.dictionaries(TEXT, TEXT, max_size=3),
    flags=st.frozensets(st.sampled_from(LicenceFlag)),
)
VERIFIED = st.builds(
    Verified,
    verdict=VERDICTS,
    licence=st.none() | LICENCES,
    status=st.sampled_from(LicenceStatus),
    source=TEXT,
    register=MAYBE_TEXT,
)
