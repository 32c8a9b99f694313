"""Whether any certificate of a chain is revoked, by the evidence at hand; what cannot be known is unavailable.

Evidence is a revocation list, OCSP answers (also one stapled to the question), or a status feed.
Of each kind the newest that can be relied on speaks; revoked by any of them is revoked, so that the fastest warning
counts; good by one of them is good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from keys.certificate import Certificate
from keys.chain import Chain
from keys.list_signers import find_list_signers, known_issuers
from keys.ocsp import OcspResponse, OcspState, find_responder, select_status
from keys.ocsp_answers import OcspAnswer, OcspAnswers
from keys.ocsp_errors import OcspError, OcspFault
from keys.revocation_list import RevocationList, parse_revocation_list
from keys.revocation_list_word import Signers, ask_lists, is_list_signed
from keys.revocation_word import Fault, Unavailable, Word, find_period, is_silence_telling, select_closest
from keys.revoked import Revocation, RevocationReason
from keys.status_feed import issuer_key
from keys.status_feed_evidence import FeedEvidence
from keys.trust import TrustStore

__all__ = [
    "OcspAnswer",
    "OcspAnswers",
    "Revocation",
    "RevocationList",
    "RevocationReason",
    "RevocationState",
    "RevocationStatus",
    "Unavailable",
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


def revocation_status(
    chain: Chain,
    *,
    store: TrustStore,
    now: datetime,
    trusted_time: datetime | None,
    stapled: Sequence[OcspResponse] = (),
) -> RevocationStatus:
    """Decide whether any certificate of the chain is revoked, by the evidence that is current at ``now``.

    ``stapled`` are answers that came with the question; they count as much as fetched ones, since they are signed.
    A certificate that was revoked after ``trusted_time`` counts as good: it is the proven time of the signature, never
    the signer's own claim; None: no time is proven, and every revocation counts. Where the revocation says since when
    the key was in other hands, that moment counts.
    A revoked certificate decides, whatever else is unavailable.
    The anchor, or the certificate of a chain of one, needs no evidence, since trust is withdrawn by taking it away;
    but where an issuer of it is at hand, what that one says of it counts too.
    """
    asking = _Asking(chain, store, now, stapled)
    as_of: datetime | None = None
    ends: list[datetime] = []
    unavailable: tuple[Certificate, Fault] | None = None
    links = [(one, issuer, False) for one, issuer in pairwise(chain.certificates)]
    top = chain.certificates[-1]
    links += [(top, issuer, True) for issuer in known_issuers(top, store)]
    for certificate, issuer, is_anchor in links:
        words, fault = asking.consult(certificate, issuer)
        ends += [word.ends_at for word in words]
        if fault.begins_at is not None:
            ends.append(fault.begins_at)
        if not words:
            if not (is_anchor and fault.why in _AS_IF_NONE):
                unavailable = unavailable or (certificate, fault)
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
                )
    ends_at = min(ends, default=None)
    if unavailable is None:
        return RevocationStatus(state=RevocationState.GOOD, as_of=as_of, ends_at=ends_at)
    certificate, fault = unavailable
    return RevocationStatus(
        state=RevocationState.UNAVAILABLE,
        serial=certificate.serial,
        why=fault.why,
        ahead=fault.ahead,
        skew=fault.skew,
        ends_at=ends_at,
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """One question about one chain."""

    chain: Chain
    store: TrustStore
    now: datetime
    stapled: Sequence[OcspResponse]

    def consult(self, certificate: Certificate, issuer: Certificate) -> tuple[list[Word], Fault]:
        """Return what the newest reliable evidence of each kind says, and why the rest cannot be relied on."""
        evidence = self.store.select_lists(certificate.issuer)
        lists = [one for one in evidence if isinstance(one, RevocationList)]
        keeps = bool(self.store.keeps_expired) and issuer_key(issuer.spki) in self.store.keeps_expired
        found: list[Word | Fault] = []
        if lists:
            found.append(
                ask_lists(certificate, issuer, lists, self.now, signers=self._signers_of(issuer), keeps_expired=keeps)
            )
        if self.stapled or len(lists) < len(evidence):
            found += self._consult_others(certificate, issuer, evidence, lists, keeps_expired=keeps)
        words = [one for one in found if isinstance(one, Word)]
        return words, select_closest([one for one in found if isinstance(one, Fault)])

    def _consult_others(
        self,
        certificate: Certificate,
        issuer: Certificate,
        evidence: Sequence[object],
        lists: Sequence[RevocationList],
        *,
        keeps_expired: bool,
    ) -> list[Word | Fault]:
        kept = (answer for one in evidence if isinstance(one, OcspAnswers) for answer in one.select(certificate.serial))
        answers = sorted((*(OcspAnswer(response=one) for one in self.stapled), *kept), key=_this_update, reverse=True)
        feeds: dict[str, list[FeedEvidence]] = {}  # each publisher may know what another does not
        for one in evidence:
            if isinstance(one, FeedEvidence) and one.is_about(issuer):
                feeds.setdefault(one.state.publisher, []).append(one)
        found = self._ask_responders(certificate, issuer, answers, lists, keeps_expired=keeps_expired)
        for published in feeds.values():
            for feed in published:
                said = _ask_feed(feed, certificate, self.now)
                found.append(said)
                if isinstance(said, Word):
                    break
        return found

    def _ask_responders(
        self,
        certificate: Certificate,
        issuer: Certificate,
        answers: Sequence[OcspAnswer],
        lists: Sequence[RevocationList],
        *,
        keeps_expired: bool,
    ) -> list[Word | Fault]:
        """Return what the newest reliable answer says; behind a newer one that does not know, good is not believed."""
        found: list[Word | Fault] = []
        doubtful = False
        for answer in answers:
            said = self._ask_responder(answer, certificate, issuer, lists, keeps_expired=keeps_expired)
            if isinstance(said, Word) and not (doubtful and said.revocation is None):
                return [*found, said]
            if isinstance(said, Fault):
                found.append(said)
                doubtful |= said.why in (Unavailable.UNKNOWN_TO_RESPONDER, Unavailable.EXPIRED_BEFORE_LIST)
        return found

    def _ask_responder(
        self,
        answer: OcspAnswer,
        certificate: Certificate,
        issuer: Certificate,
        lists: Sequence[RevocationList],
        *,
        keeps_expired: bool,
    ) -> Word | Fault:
        """Return what a responder says; an answer about another certificate says nothing."""
        status = select_status(answer.response, certificate=certificate, issuer=issuer)
        if status is None:
            return Fault(Unavailable.NO_LIST)
        end = find_period(status.this_update, status.next_update, answer.upkeep, self.now)
        if isinstance(end, Fault):
            return end
        try:
            delegate = find_responder(answer.response, issuer=issuer).delegate
        except OcspError as error:
            bad = error.fault is OcspFault.BAD_SIGNATURE
            return Fault(Unavailable.BAD_SIGNATURE if bad else Unavailable.UNUSABLE)
        if delegate is not None and (
            not delegate.not_before <= self.now < delegate.valid_until or self._is_listed(delegate, issuer, lists)
        ):
            return Fault(Unavailable.UNUSABLE)
        if status.state is OcspState.UNKNOWN:
            return Fault(Unavailable.UNKNOWN_TO_RESPONDER)
        if status.revocation is None and not is_silence_telling(
            certificate, status.this_update, status.archive_cutoff, keeps_expired=keeps_expired
        ):
            return Fault(Unavailable.EXPIRED_BEFORE_LIST)
        return Word(status.revocation, status.this_update, end if delegate is None else min(end, delegate.valid_until))

    def _is_listed(self, delegate: Certificate, issuer: Certificate, lists: Sequence[RevocationList]) -> bool:
        """Return whether the newest reliable list of the issuer names the delegate.

        Without a list the delegate counts: it is short-lived, and most say themselves that nobody need ask
        (id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1).
        """
        word = ask_lists(delegate, issuer, lists, self.now, signers=self._signers_of(issuer), keeps_expired=False)
        return isinstance(word, Word) and word.revocation is not None

    def _signers_of(self, issuer: Certificate) -> Signers:
        """Return how to find the other certificates whose lists count; nobody looks while the issuer's own do."""

        def find() -> tuple[Certificate, ...]:
            paths = find_list_signers(issuer, self.chain, self.store, self.now)
            return tuple(path[0] for path in paths if self._is_good(path))

        return find

    def _is_good(self, path: Sequence[Certificate]) -> bool:
        """Return whether nothing on the path of another signer is revoked, by lists of the issuers' own keys.

        What the chain holds is judged with the chain; for another anchor, as for that of the chain, no list will do.
        """
        for certificate, issuer in pairwise(path):
            word = self._ask_own_lists(certificate, issuer)
            if not isinstance(word, Word) or word.revocation is not None:
                return False
        top = path[-1]
        if top in self.chain.certificates:
            return True
        above = (self._ask_own_lists(top, issuer) for issuer in known_issuers(top, self.store))
        return not any(isinstance(word, Word) and word.revocation is not None for word in above)

    def _ask_own_lists(self, certificate: Certificate, issuer: Certificate) -> Word | Fault:
        lists = [one for one in self.store.select_lists(certificate.issuer) if isinstance(one, RevocationList)]
        return ask_lists(certificate, issuer, lists, self.now, signers=tuple, keeps_expired=False)


def _this_update(answer: OcspAnswer) -> datetime:
    return answer.this_update


def _ask_feed(feed: FeedEvidence, certificate: Certificate, now: datetime) -> Word | Fault:
    """Return what a feed says; one that is not complete for the issuer can only warn."""
    end = find_period(feed.this_update, feed.next_update, feed.upkeep, now)
    if isinstance(end, Fault):
        return end
    revocation = feed.find(certificate.serial)
    if revocation is None and not feed.is_complete:
        return Fault(Unavailable.NO_LIST)
    return Word(revocation, feed.this_update, end)
