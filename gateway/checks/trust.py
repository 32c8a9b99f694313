"""Whether somebody we trust stands behind a certificate, and whether it was revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.certificate import Certificate
from keys.chain import Chain, build_chain
from keys.errors import ChainError, ChainFault
from keys.revocation import RevocationState, RevocationStatus, revocation_status
from keys.trust import Purpose, TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainWording:
    """The reasons under which one role reports the faults of its chain."""

    check: CheckName
    purpose: Purpose
    unknown_issuer: Reason
    expired_issuer: Reason
    refused: Reason


SIGNER_CHAIN = ChainWording(
    check=CheckName.SIGNER_CHAIN,
    purpose=Purpose.SIGNER,
    unknown_issuer=Reason.SIGNER_CHAIN_UNKNOWN_ISSUER,
    expired_issuer=Reason.SIGNER_CHAIN_EXPIRED_ISSUER,
    refused=Reason.SIGNER_CHAIN_REFUSED,
)
MAKER_CHAIN = ChainWording(
    check=CheckName.MAKER_CHAIN,
    purpose=Purpose.SEAL_MAKER,
    unknown_issuer=Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
    expired_issuer=Reason.MAKER_CHAIN_EXPIRED_ISSUER,
    refused=Reason.MAKER_CHAIN_REFUSED,
)


def check_chain(
    certificate: Certificate, at: datetime, *, store: TrustStore, wording: ChainWording
) -> tuple[Check, Chain | None]:
    """Decide whether a path of valid issuers leads from ``certificate`` to an anchor for this purpose, as of ``at``."""
    try:
        chain = build_chain(certificate, store=store, purpose=wording.purpose, at=at)
    except ChainError as error:
        match error.fault:
            case ChainFault.UNKNOWN_ISSUER:
                return unknown(wording.check, wording.unknown_issuer), None
            case ChainFault.EXPIRED_ISSUER | ChainFault.NOT_YET_VALID_ISSUER:
                return invalid(wording.check, wording.expired_issuer, str(error.fault)), None
            case _:
                return invalid(wording.check, wording.refused, str(error.fault)), None
    return valid(wording.check), chain


def check_revocation(
    chains: Sequence[Chain | None], *, store: TrustStore, at: datetime, proven_at: datetime | None
) -> Check:
    """Decide whether any certificate of the chains is revoked, by the lists at hand as of ``at``.

    A revocation counts whenever it happened, unless a trusted time stamp proves that the signature is older: the
    signer's own claim of a time proves nothing against whoever stole the key. No chain, or no current list: unknown.
    """
    check = CheckName.REVOCATION
    found = [
        revocation_status(chain, store=store, now=at, trusted_time=proven_at) for chain in chains if chain is not None
    ]
    for status in found:
        if status.state is RevocationState.REVOKED:
            return invalid(check, Reason.REVOCATION_REVOKED, _describe(status))
    for status in found:
        if status.state is RevocationState.UNAVAILABLE:
            return unknown(check, Reason.REVOCATION_UNAVAILABLE, _describe(status))
    if not found or None in chains:
        return unknown(check, Reason.REVOCATION_UNAVAILABLE, "no trusted issuer")
    known = [status.as_of for status in found if status.as_of is not None]
    return valid(check, f"as of {min(known).strftime('%Y-%m-%dT%H:%M:%SZ')}" if known else "directly trusted")


def _describe(status: RevocationStatus) -> str:
    parts = []
    if status.serial is not None:
        parts.append(f"serial {status.serial:X}")
    if status.revoked_at is not None:
        parts.append(f"revoked at {status.revoked_at.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    if status.reason is not None:
        parts.append(str(status.reason))
    if status.why is not None:
        parts.append(str(status.why))
    return ", ".join(parts)
