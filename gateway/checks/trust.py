"""Whether somebody we trust stands behind a certificate, and whether it was revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.checks.answers import invalid, next_of, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.certificate import Certificate
from keys.chain import Chain, build_chain
from keys.errors import ChainError, ChainFault
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.revocation import RevocationState, RevocationStatus, Unavailable, revocation_status
from keys.scope import NO_CLAIM, Claim, ScopeAnswer
from keys.trust import Purpose, TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainWording:
    """The reasons under which one role reports the faults of its chain."""

    check: CheckName
    purpose: Purpose
    unknown_issuer: Reason
    expired_issuer: Reason
    refused: Reason
    not_authorised: Reason
    outside_trust_period: Reason
    algorithm_sunset: Reason
    out_of_scope: Reason
    scope_not_stated: Reason


SIGNER_CHAIN = ChainWording(
    check=CheckName.SIGNER_CHAIN,
    purpose=Purpose.SIGNER,
    unknown_issuer=Reason.SIGNER_CHAIN_UNKNOWN_ISSUER,
    expired_issuer=Reason.SIGNER_CHAIN_EXPIRED_ISSUER,
    refused=Reason.SIGNER_CHAIN_REFUSED,
    not_authorised=Reason.SIGNER_CHAIN_NOT_AUTHORISED,
    outside_trust_period=Reason.SIGNER_CHAIN_OUTSIDE_TRUST_PERIOD,
    algorithm_sunset=Reason.SIGNER_CHAIN_ALGORITHM_SUNSET,
    out_of_scope=Reason.SIGNER_CHAIN_OUT_OF_SCOPE,
    scope_not_stated=Reason.SIGNER_CHAIN_SCOPE_NOT_STATED,
)
MAKER_CHAIN = ChainWording(
    check=CheckName.MAKER_CHAIN,
    purpose=Purpose.SEAL_MAKER,
    unknown_issuer=Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
    expired_issuer=Reason.MAKER_CHAIN_EXPIRED_ISSUER,
    refused=Reason.MAKER_CHAIN_REFUSED,
    not_authorised=Reason.MAKER_CHAIN_NOT_AUTHORISED,
    outside_trust_period=Reason.MAKER_CHAIN_OUTSIDE_TRUST_PERIOD,
    algorithm_sunset=Reason.MAKER_CHAIN_ALGORITHM_SUNSET,
    out_of_scope=Reason.MAKER_CHAIN_OUT_OF_SCOPE,
    scope_not_stated=Reason.MAKER_CHAIN_SCOPE_NOT_STATED,
)


def check_chain(
    certificate: Certificate,
    at: datetime,
    *,
    store: TrustStore,
    wording: ChainWording,
    trusted_at: datetime | None = None,
    claim: Claim = NO_CLAIM,
    extra: Sequence[Certificate] = (),
) -> tuple[Check, Chain | None]:
    """Decide whether a path of valid issuers leads from ``certificate`` to an anchor for this purpose, as of ``at``.

    The anchor and the algorithms of the path must count at ``trusted_at`` too (the proven time or the present), and the
    anchor may speak for the ``claim``.
    ``extra`` are certificates that came along, for the middle of the chain.
    A chain that is out of scope is returned as well, so that a revocation is named besides.
    """
    try:
        chain = build_chain(
            certificate,
            store=store,
            purpose=wording.purpose,
            at=at,
            extra=extra,
            trusted_at=trusted_at,
            claim=claim,
        )
    except ChainError as error:
        return _refuse(error.fault, wording), None
    match chain.answer(claim):
        case ScopeAnswer.OUTSIDE:
            return invalid(wording.check, wording.out_of_scope), chain
        case ScopeAnswer.NOT_STATED:
            return unknown(wording.check, wording.scope_not_stated), chain
        case ScopeAnswer.WITHIN:
            return valid(wording.check), chain


def _refuse(fault: ChainFault, wording: ChainWording) -> Check:
    match fault:
        case ChainFault.UNKNOWN_ISSUER:
            return unknown(wording.check, wording.unknown_issuer)
        case ChainFault.EXPIRED_ISSUER | ChainFault.NOT_YET_VALID_ISSUER:
            return invalid(wording.check, wording.expired_issuer, str(fault))
        case ChainFault.NOT_AUTHORISED:
            return invalid(wording.check, wording.not_authorised)
        case ChainFault.OUTSIDE_TRUST_PERIOD:
            return unknown(wording.check, wording.outside_trust_period)
        case ChainFault.ALGORITHM_SUNSET:
            return unknown(wording.check, wording.algorithm_sunset)
        case ChainFault.BUDGET | ChainFault.WEAK_ALGORITHM | ChainFault.OTHER:
            return unknown(wording.check, wording.refused, str(fault))
        case _:
            return invalid(wording.check, wording.refused, str(fault))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainInUse:
    """A chain, or None where there is none, and the moment by which a time stamp proves that it was used; or None."""

    chain: Chain | None
    proven_at: datetime | None


def find_path_end(chain: Chain, store: TrustStore, at: datetime) -> datetime | None:
    """Return when next after ``at`` a period of the path, its anchor or its list, or an algorithm, begins or ends."""
    anchor = chain.anchor
    grant = (None, None) if anchor is None else (anchor.start, anchor.sunset)
    return next_of(at, chain.valid_from, chain.valid_to, chain.algorithms_until, store.until, *grant)


def check_revocation(
    uses: Sequence[ChainInUse], *, store: TrustStore, at: datetime, stapled: StapledAnswers = NO_ANSWERS
) -> Check | None:
    """Decide whether any certificate of the chains is revoked, by the lists at hand as of ``at``.

    A revocation counts whenever it happened, unless a trusted time stamp proves that the signature is older: the
    signer's own claim of a time proves nothing against whoever stole the key. No current list: unknown.
    Where there is no chain there is no issuer whose list would count, and the check of the chain says so already:
    None when there is no chain at all.
    ``stapled`` came with the question; what could not be relied on of it is in the detail. The answer ends with the
    first thing that ends, the paths included.
    """
    chains = [(use.chain, use.proven_at) for use in uses if use.chain is not None]
    found = [
        revocation_status(chain, store=store, now=at, trusted_time=proven_at, stapled=stapled.responses)
        for chain, proven_at in chains
    ]
    if not found:
        return None
    known = [status.as_of for status in found if status.as_of is not None]
    answer = _answer_revocation(found, known)
    refused = _describe_stapled(found, stapled)
    return replace(
        answer,
        detail=f"{answer.detail}; {refused}" if refused else answer.detail,
        as_of=min(known, default=None),
        ends_at=next_of(
            at, *(status.ends_at for status in found), *(find_path_end(chain, store, at) for chain, _ in chains)
        ),
    )


def _answer_revocation(found: Sequence[RevocationStatus], known: Sequence[datetime]) -> Check:
    check = CheckName.REVOCATION
    for status in found:
        if status.state is RevocationState.REVOKED:
            return invalid(check, Reason.REVOCATION_REVOKED, _describe(status))
    for status in found:
        if status.state is RevocationState.UNAVAILABLE:
            return unknown(check, Reason.REVOCATION_UNAVAILABLE, _describe(status))
    return valid(check, f"as of {min(known).strftime('%Y-%m-%dT%H:%M:%SZ')}" if known else "directly trusted")


def _describe(status: RevocationStatus) -> str:
    parts = []
    if status.serial is not None:
        parts.append(f"serial {status.serial:X}")
    if status.revoked_at is not None:
        parts.append(f"revoked at {status.revoked_at.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    if status.invalid_since is not None:
        parts.append(f"key in other hands since {status.invalid_since.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    if status.reason is not None:
        parts.append(str(status.reason))
    if status.why is not None:
        parts.append(str(status.why))
    if status.ahead is not None:
        parts.append(f"dated {_span(status.ahead)} ahead of this clock")
    if status.skew is not None:
        side = "ahead of" if status.skew > timedelta() else "behind"
        parts.append(f"this clock was {_span(abs(status.skew))} {side} the source's when it was fetched")
    return ", ".join(parts)


def _describe_stapled(found: Sequence[RevocationStatus], stapled: StapledAnswers) -> str:
    """Say which stapled answers were as good as none; one that served for one of the chains served."""
    fates: dict[bytes, Unavailable | None] = {}
    for fate in (one for status in found for one in status.stapled):
        if fate.why is None or fate.fingerprint not in fates:
            fates[fate.fingerprint] = fate.why
    reasons = [str(why) for why in fates.values() if why is not None] + ["unreadable"] * stapled.unreadable
    return f"stapled answers not relied on: {', '.join(reasons)}" if reasons else ""


def _span(span: timedelta) -> str:
    """Return a span of time for people, in hours and minutes, or in seconds where it is short."""
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 60 else f"{seconds // 3600} h {seconds % 3600 // 60} min"  # noqa: PLR2004
