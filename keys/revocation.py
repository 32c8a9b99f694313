"""Whether any certificate of a chain is revoked, by the evidence at hand; what cannot be known is unavailable.

Evidence is a revocation list, OCSP answers (also one stapled to the question), or a status feed.
Of each kind the newest that can be relied on speaks; revoked by any of them is revoked, so that the fastest warning
counts; good by one of them is good, unless a newer one said "revoked" before its time was over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from keys.chain import Chain
from keys.list_signers import known_issuers
from keys.ocsp import OcspResponse
from keys.ocsp_answers import OcspAnswer, OcspAnswers
from keys.revocation_list import RevocationList, parse_revocation_list
from keys.revocation_list_word import is_list_signed
from keys.revocation_question import RevocationQuestion, find_list_signers_of
from keys.revocation_word import Fault, Unavailable
from keys.revoked import Revocation, RevocationReason
from keys.trust import TrustStore

__all__ = [
    "OcspAnswer",
    "OcspAnswers",
    "Revocation",
    "RevocationList",
    "RevocationReason",
    "RevocationState",
    "RevocationStatus",
    "StapledFate",
    "Unavailable",
    "find_list_signers_of",
    "is_list_signed",
    "parse_revocation_list",
    "revocation_status",
]

# Why evidence about an anchor itself is as good as none: it is about others, or by others, or silent. Evidence whose
# time is over, or has not come, is another matter: somebody meant us to know.
_AS_IF_NONE: Final = frozenset(
    {
        Unavailable.NO_LIST,
        Unavailable.EXPIRED_BEFORE_LIST,
        Unavailable.UNUSABLE,
        Unavailable.BAD_SIGNATURE,
        Unavailable.UNKNOWN_TO_RESPONDER,
    }
)


class RevocationState(StrEnum):
    """Three answers; "could not find out" is none of the other two."""

    GOOD = "good"
    REVOKED = "revoked"
    UNAVAILABLE = "unavailable"


class StapledFate(NamedTuple):
    """What became of a stapled answer about a certificate of the chain; ``why`` None: it was relied on."""

    fingerprint: bytes
    why: Unavailable | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationStatus:
    """The state of a chain; ``serial`` is the certificate that decided it, None when good.

    ``why`` is set when unavailable, ``revoked_at`` and perhaps ``reason`` and ``invalid_since`` when revoked.
    ``as_of`` is the oldest this_update of what was relied on; None: none was needed, or none could be used.
    ``ahead`` is by how much the evidence is dated later than the question (``why`` is NOT_YET then), ``skew`` by how
    much our clock was ahead of its source's when it was fetched, where that is a minute or more: perhaps the clock is
    wrong, and not the evidence.
    ``ends_at`` is the first moment at which the same evidence may say something else; None: it never does, or nothing
    could be relied on.
    ``stapled`` is what became of the stapled answers that are about certificates of the chain.
    """

    state: RevocationState
    serial: int | None = None
    revoked_at: datetime | None = None
    reason: RevocationReason | None = None
    invalid_since: datetime | None = None
    why: Unavailable | None = None
    as_of: datetime | None = None
    ahead: timedelta | None = None
    skew: timedelta | None = None
    ends_at: datetime | None = None
    stapled: tuple[StapledFate, ...] = ()


def revocation_status(
    chain: Chain,
    *,
    store: TrustStore,
    now: datetime,
    trusted_time: datetime | None,
    stapled: Sequence[OcspResponse] = (),
) -> RevocationStatus:
    """Decide whether any certificate of the chain is revoked, by the evidence that is current at ``now``.

    ``stapled`` are answers that came with the question; they count as much as fetched ones, since they are signed. One
    that cannot be relied on now (forged, late, early, by nobody entitled, or good and older than ``store`` allows)
    makes nothing better or worse than none.
    A certificate that was revoked after ``trusted_time`` counts as good: it is the proven time of the signature, never
    the signer's own claim; None: no time is proven, and every revocation counts. Where the revocation says since when
    the key was in other hands, that moment counts.
    A revoked certificate decides, whatever else is unavailable.
    The anchor, or the certificate of a chain of one, needs no evidence, since trust is withdrawn by taking it away;
    but where an issuer of it is at hand, what that one says of it counts too.
    """
    question = RevocationQuestion(chain, store, now, stapled)
    as_of: datetime | None = None
    ends: list[datetime] = []
    unavailable: tuple[int, Fault] | None = None
    links = [(one, issuer, False) for one, issuer in pairwise(chain.certificates)]
    top = chain.certificates[-1]
    links += [(top, issuer, True) for issuer in known_issuers(top, store)]
    consulted = [(one, is_anchor, *question.consult(one, issuer)) for one, issuer, is_anchor in links]
    fates = tuple(map(StapledFate._make, question.fates.items()))
    for certificate, is_anchor, words, fault in consulted:
        ends += [word.ends_at for word in words]
        if fault.begins_at is not None:
            ends.append(fault.begins_at)
        if not words:
            if not (is_anchor and fault.why in _AS_IF_NONE):
                unavailable = unavailable or (certificate.serial, fault)
            continue
        newest = max(word.as_of for word in words)
        as_of = newest if as_of is None else min(as_of, newest)
        for word in words:
            revocation = word.revocation
            if revocation is not None and (trusted_time is None or trusted_time >= revocation.effective_at):
                return RevocationStatus(
                    state=RevocationState.REVOKED,
                    serial=certificate.serial,
                    revoked_at=revocation.revoked_at,
                    reason=revocation.reason,
                    invalid_since=revocation.invalid_since,
                    as_of=word.as_of,
                    ends_at=min(ends),
                    stapled=fates,
                )
    ends_at = min(ends, default=None)
    if unavailable is None:
        return RevocationStatus(state=RevocationState.GOOD, as_of=as_of, ends_at=ends_at, stapled=fates)
    serial, fault = unavailable
    return RevocationStatus(
        state=RevocationState.UNAVAILABLE,
        serial=serial,
        why=fault.why,
        ahead=fault.ahead,
        skew=fault.skew,
        ends_at=ends_at,
        stapled=fates,
    )
