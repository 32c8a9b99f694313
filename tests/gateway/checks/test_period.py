"""Seals and certificates in force when it mattered: each boundary, on both sides of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import Seal
from adapters.ses.seal import parse_seal
from gateway.checks.period import check_maker_period, check_seal_period, check_signer_period
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.certificate import Certificate
from tests.support.pki import BEGIN, END, make_root, p256_key
from tests.support.seals import CREATED, SIGNED_AT, VALID_TO, make_seal

SECOND = timedelta(seconds=1)
LATER = END + timedelta(days=400)


@pytest.fixture(scope="module")
def seal() -> Seal:
    return parse_seal(make_seal())


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return make_root(key=p256_key()).certificate


@pytest.mark.parametrize("signed_at", [CREATED, SIGNED_AT, VALID_TO - SECOND])
def test_a_seal_is_in_force_from_its_first_second_to_its_last(seal: Seal, signed_at: datetime) -> None:
    """The window is half-open, and what happens after signing does not matter."""
    assert check_seal_period(seal, signed_at, LATER).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("signed_at", "reason"),
    [
        (CREATED - SECOND, Reason.SEAL_PERIOD_NOT_YET),
        (VALID_TO, Reason.SEAL_PERIOD_EXPIRED),
        (VALID_TO + SECOND, Reason.SEAL_PERIOD_EXPIRED),
    ],
)
def test_outside_its_window_a_seal_is_not_in_force(seal: Seal, signed_at: datetime, reason: Reason) -> None:
    """One second before or at the end is outside, and the window is named."""
    check = check_seal_period(seal, signed_at, SIGNED_AT)
    assert (check.check, check.outcome, check.reason) == (CheckName.SEAL_PERIOD, Outcome.INVALID, reason)
    assert check.detail == "2024-01-01T00:00:00Z to 2029-01-01T00:00:00Z"


def test_a_seal_cannot_be_used_before_it_was_made(seal: Seal) -> None:
    """A window that begins before the seal's creation does not let anybody sign before it."""
    made_later = replace(seal, created=SIGNED_AT + SECOND)
    assert check_seal_period(made_later, SIGNED_AT, LATER).reason is Reason.SEAL_PERIOD_NOT_YET


def test_a_window_that_never_was_is_no_window(seal: Seal) -> None:
    """A seal that ends before it begins is in force at no time."""
    turned = replace(seal, valid_from=VALID_TO, valid_to=CREATED)
    assert check_seal_period(turned, SIGNED_AT, LATER).outcome is Outcome.INVALID


@pytest.mark.parametrize(("at", "outcome"), [(SIGNED_AT, Outcome.VALID), (VALID_TO, Outcome.UNKNOWN)])
def test_without_a_signing_time_a_seal_is_judged_now(seal: Seal, at: datetime, outcome: Outcome) -> None:
    """In force now is good; out of force now proves nothing about the day of signing."""
    check = check_seal_period(seal, None, at)
    assert check.outcome is outcome
    assert check.reason in {None, Reason.SEAL_PERIOD_NO_TIME}


@given(st.timedeltas(timedelta(days=-3_000), timedelta(days=6_000)))
def test_the_window_is_one_interval(since_creation: timedelta) -> None:
    """A seal is in force exactly while valid_from <= moment < valid_to."""
    moment = CREATED + since_creation
    found = check_seal_period(parse_seal(make_seal()), moment, LATER).outcome is Outcome.VALID
    assert found is (CREATED <= moment < VALID_TO)


@pytest.mark.parametrize("created", [BEGIN, BEGIN + SECOND, END])
def test_a_maker_is_judged_at_the_creation_of_the_seal(certificate: Certificate, created: datetime) -> None:
    """Both ends of a certificate's period belong to it."""
    assert check_maker_period(certificate, created).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("created", "reason"),
    [(BEGIN - SECOND, Reason.MAKER_PERIOD_NOT_YET), (END + SECOND, Reason.MAKER_PERIOD_EXPIRED)],
)
def test_a_maker_outside_its_period_made_no_seal(certificate: Certificate, created: datetime, reason: Reason) -> None:
    """A seal made before or after the maker's certificate is invalid."""
    check = check_maker_period(certificate, created)
    assert (check.check, check.outcome, check.reason) == (CheckName.MAKER_PERIOD, Outcome.INVALID, reason)


@pytest.mark.parametrize("signed_at", [BEGIN, END])
def test_a_signer_is_judged_at_signing_time(certificate: Certificate, signed_at: datetime) -> None:
    """A certificate that has ended since signed well while it lasted."""
    assert check_signer_period(certificate, signed_at, LATER).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("signed_at", "reason"),
    [(BEGIN - SECOND, Reason.SIGNER_PERIOD_NOT_YET), (END + SECOND, Reason.SIGNER_PERIOD_EXPIRED)],
)
def test_a_signer_outside_its_period_signed_nothing(
    certificate: Certificate, signed_at: datetime, reason: Reason
) -> None:
    """A signature before or after the signer's certificate is invalid, also while it is valid now."""
    check = check_signer_period(certificate, signed_at, SIGNED_AT)
    assert (check.check, check.outcome, check.reason) == (CheckName.SIGNER_PERIOD, Outcome.INVALID, reason)


@pytest.mark.parametrize(("at", "outcome"), [(SIGNED_AT, Outcome.VALID), (LATER, Outcome.UNKNOWN)])
def test_without_a_signing_time_a_signer_is_judged_now(
    certificate: Certificate, at: datetime, outcome: Outcome
) -> None:
    """A signer whose certificate has ended may have signed before or after: nobody can tell."""
    check = check_signer_period(certificate, None, at)
    assert check.outcome is outcome
    assert check.reason in {None, Reason.SIGNER_PERIOD_NO_TIME}
