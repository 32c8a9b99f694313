"""Whether any certificate of a chain is revoked, by the lists at hand; what cannot be known is unavailable."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from keys.certificate import Certificate, KeyUsage
from keys.chain import Chain
from keys.errors import SignatureVerificationError
from keys.memo import Memo
from keys.revocation_list import RevocationList, parse_revocation_list
from keys.revoked import Revocation, RevocationReason
from keys.signature import verify_signature
from keys.trust import TrustStore

__all__ = [
    "Revocation",
    "RevocationList",
    "RevocationReason",
    "RevocationState",
    "RevocationStatus",
    "Unavailable",
    "parse_revocation_list",
    "revocation_status",
]

_SIGNED: Final = 4_096  # remembered pairs of list and issuer's key; lists are replaced hourly, by a few hundred issuers


class RevocationState(StrEnum):
    """Three answers; "could not find out" is none of the other two."""

    GOOD = "good"
    REVOKED = "revoked"
    UNAVAILABLE = "unavailable"


class Unavailable(StrEnum):
    """Why nothing is known; of several lists, the one that came closest to being used gives the reason."""

    STALE = "stale"  # its next update was due, or it never said when
    NOT_YET = "not-yet"  # issued after the moment of the question
    UNUSABLE = "unusable"  # partial, or with critical contents that we do not know, or by a key that may not sign lists
    BAD_SIGNATURE = "bad-signature"
    NO_LIST = "no-list"


_CLOSEST: Final = tuple(Unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationStatus:
    """The state of a chain; ``serial`` is the certificate that decided it, None when good.

    ``why`` is set when unavailable, ``revoked_at`` and perhaps ``reason`` when revoked.
    ``as_of`` is the oldest this_update of the lists that were relied on; None: none was needed, or none could be used.
    """

    state: RevocationState
    serial: int | None = None
    revoked_at: datetime | None = None
    reason: RevocationReason | None = None
    why: Unavailable | None = None
    as_of: datetime | None = None


def revocation_status(
    chain: Chain, *, store: TrustStore, now: datetime, trusted_time: datetime | None
) -> RevocationStatus:
    """Decide whether any certificate below the anchor is revoked, by the lists that are current at ``now``.

    A certificate that was revoked after ``trusted_time`` counts as good: it is the proven time of the signature, never
    the signer's own claim; None: no time is proven, and every revocation counts.
    A revoked certificate decides, whatever else is unavailable. A chain of one is good: its trust is withdrawn by
    taking the anchor away.
    """
    as_of: datetime | None = None
    unavailable: RevocationStatus | None = None
    for certificate, issuer in pairwise(chain.certificates):
        current = _select_list(certificate, issuer, store, now)
        if not isinstance(current, RevocationList):
            unavailable = unavailable or RevocationStatus(
                state=RevocationState.UNAVAILABLE, serial=certificate.serial, why=current
            )
            continue
        as_of = current.this_update if as_of is None else min(as_of, current.this_update)
        revocation = current.find(certificate.serial)
        if revocation is not None and (trusted_time is None or trusted_time >= revocation.revoked_at):
            return RevocationStatus(
                state=RevocationState.REVOKED,
                serial=certificate.serial,
                revoked_at=revocation.revoked_at,
                reason=revocation.reason,
                as_of=current.this_update,
            )
    return unavailable or RevocationStatus(state=RevocationState.GOOD, as_of=as_of)


def _select_list(
    certificate: Certificate, issuer: Certificate, store: TrustStore, now: datetime
) -> RevocationList | Unavailable:
    """Select the newest list of this very issuer that can be relied on at ``now``, or say why there is none."""
    faults = {Unavailable.NO_LIST}
    for candidate in store.select_lists(certificate.issuer):
        fault = _find_fault(candidate, issuer, now)
        if fault is None:
            return candidate
        faults.add(fault)
    return min(faults, key=_CLOSEST.index)


def _find_fault(candidate: RevocationList, issuer: Certificate, now: datetime) -> Unavailable | None:
    if now < candidate.this_update:
        return Unavailable.NOT_YET
    if candidate.next_update is None or now >= candidate.next_update:
        return Unavailable.STALE
    if candidate.unusable is not None:
        return Unavailable.UNUSABLE
    if issuer.key_usage is not None and KeyUsage.CRL_SIGN not in issuer.key_usage:
        return Unavailable.UNUSABLE
    if not _signed.get((candidate.fingerprint, issuer.spki), lambda: _is_signed(candidate, issuer.spki)):
        return Unavailable.BAD_SIGNATURE
    return None


# Keyed by digests, so that a list that was replaced is not kept alive by what we remember of it.
_signed: Final[Memo[tuple[bytes, bytes], bool]] = Memo(_SIGNED)


def _is_signed(candidate: RevocationList, issuer_spki: bytes) -> bool:
    try:
        verify_signature(
            message=candidate.tbs,
            signature=candidate.signature,
            algorithm=candidate.signature_algorithm,
            spki=issuer_spki,
        )
    except SignatureVerificationError:
        return False
    return True
