"""Whether seals and certificates were in force when it mattered."""

from dataclasses import replace
from datetime import datetime

from adapters.document import Seal
from gateway.checks.answers import invalid, next_of, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.certificate import Certificate

NO_TIME = "no signing time is stated; judged at the time of verification"


def check_seal_period(seal: Seal, signed_at: datetime | None, at: datetime) -> Check:
    """Decide whether the seal's window contains the signing time (valid_from <= signed < valid_to).

    Without a signing time the seal is judged at ``at``; being out of force then is unknown, not invalid, since what
    was sealed earlier may well be good.
    """
    check = CheckName.SEAL_PERIOD
    moment = at if signed_at is None else signed_at
    not_yet = moment < max(seal.valid_from, seal.created)
    expired = moment >= seal.valid_to
    if signed_at is None:
        if not_yet or expired:
            found = unknown(check, Reason.SEAL_PERIOD_NO_TIME, _window(seal.valid_from, seal.valid_to))
        else:
            found = valid(check, NO_TIME)
        return replace(found, ends_at=next_of(at, seal.valid_from, seal.created, seal.valid_to))
    if not_yet:
        return invalid(check, Reason.SEAL_PERIOD_NOT_YET, _window(seal.valid_from, seal.valid_to))
    if expired:
        return invalid(check, Reason.SEAL_PERIOD_EXPIRED, _window(seal.valid_from, seal.valid_to))
    return valid(check)


def check_maker_period(maker: Certificate, created: datetime) -> Check:
    """Decide whether the maker's certificate was valid at the seal's creation.

    Not at signing time: real seals outlive the certificate that made them (domain page on seals, section 7 step 4).
    """
    check = CheckName.MAKER_PERIOD
    if created < maker.not_before:
        return invalid(check, Reason.MAKER_PERIOD_NOT_YET, _window(maker.not_before, maker.not_after))
    if created >= maker.valid_until:
        return invalid(check, Reason.MAKER_PERIOD_EXPIRED, _window(maker.not_before, maker.not_after))
    return valid(check)


def check_signer_period(signer: Certificate, signed_at: datetime | None, at: datetime) -> Check:
    """Decide whether the signer's certificate was valid at signing time (X.509 counts the whole last second)."""
    check = CheckName.SIGNER_PERIOD
    moment = at if signed_at is None else signed_at
    is_within = signer.not_before <= moment < signer.valid_until
    if signed_at is None:
        window = _window(signer.not_before, signer.not_after)
        found = valid(check, NO_TIME) if is_within else unknown(check, Reason.SIGNER_PERIOD_NO_TIME, window)
        return replace(found, ends_at=next_of(at, signer.not_before, signer.valid_until))
    if is_within:
        return valid(check)
    early = moment < signer.not_before
    return invalid(
        check,
        Reason.SIGNER_PERIOD_NOT_YET if early else Reason.SIGNER_PERIOD_EXPIRED,
        _window(signer.not_before, signer.not_after),
    )


def _window(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"
