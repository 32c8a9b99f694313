"""One question about one chain: what the newest reliable evidence of each kind says about each of its certificates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from keys.certificate import Certificate
from keys.chain import Chain, build_chain
from keys.errors import ChainError
from keys.list_signers import find_list_signers, known_issuers
from keys.ocsp import OcspResponse, OcspState, find_responder, rank_status, select_status
from keys.ocsp_answers import OcspAnswer, OcspAnswers
from keys.ocsp_errors import OcspError, OcspFault
from keys.revocation_list import RevocationList, Upkeep
from keys.revocation_list_word import Signers, ask_lists
from keys.revocation_word import OVER, Fault, Unavailable, Word, find_period, is_silence_telling, select_closest
from keys.status_feed import issuer_key
from keys.status_feed_evidence import FeedEvidence
from keys.trust import Purpose, TrustStore

# What a responder truly said, and what does not prove that the certificate is good: it casts doubt on older words.
_DOUBTS: Final = frozenset({Unavailable.UNKNOWN_TO_RESPONDER, Unavailable.EXPIRED_BEFORE_LIST})


@dataclass(frozen=True, slots=True)
class RevocationQuestion:
    """One question about one chain, as of ``now``.

    ``stapled`` came with the question. ``fates`` grows while it is asked: for each stapled answer (by fingerprint) that
    is about a certificate of the chain, why it could not be relied on; None: it could.
    """

    chain: Chain
    store: TrustStore
    now: datetime
    stapled: Sequence[OcspResponse] = ()
    fates: dict[bytes, Unavailable | None] = field(default_factory=dict)

    def consult(self, certificate: Certificate, issuer: Certificate) -> tuple[list[Word], Fault]:
        """Return what the newest reliable evidence of each kind says, and why the rest cannot be relied on."""
        evidence = self.store.consult(certificate)
        lists = [one for one in evidence if isinstance(one, RevocationList)]
        keeps = bool(self.store.keeps_expired) and issuer_key(issuer.spki) in self.store.keeps_expired
        found: list[Word | Fault] = []
        if lists:
            found.append(
                ask_lists(certificate, issuer, lists, self.now, signers=self.signers_of(issuer), keeps_expired=keeps)
            )
        if self.stapled or len(lists) < len(evidence):
            found += self._consult_others(certificate, issuer, evidence, lists, keeps_expired=keeps)
        fault = select_closest([one for one in found if isinstance(one, Fault)])
        return [one for one in found if isinstance(one, Word) and not _is_overtaken(one, fault)], fault

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
        stapled = self._accept_stapled(certificate, issuer, lists, keeps_expired=keeps_expired)
        answers = _sort_answers((*stapled, *kept), certificate, issuer)
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

    def _accept_stapled(
        self,
        certificate: Certificate,
        issuer: Certificate,
        lists: Sequence[RevocationList],
        *,
        keeps_expired: bool,
    ) -> list[OcspAnswer]:
        """Return the stapled answers that count as fetched ones do; any other one is as good as none at all.

        Whoever asks can staple what he likes: what is forged, late or early must not even give the reason or the end.
        And whoever asks chooses which: "good" is no older than what is fetched may be, where the site says how old.
        """
        accepted = []
        within = self.store.stapled_within.get(issuer.spki)
        for response in self.stapled:
            status = select_status(response, certificate=certificate, issuer=issuer)
            if status is None:
                continue  # about another certificate
            upkeep = None
            if within is not None and status.state is OcspState.GOOD:
                upkeep = Upkeep(usable_until=status.this_update + within, skew=None)
            answer = OcspAnswer(response=response, upkeep=upkeep)
            said = self._ask_responder(answer, certificate, issuer, lists, keeps_expired=keeps_expired)
            why = said.why if isinstance(said, Fault) else None
            if why is None or why in _DOUBTS:
                accepted.append(answer)
            if why is None or response.fingerprint not in self.fates:
                self.fates[response.fingerprint] = why
        return accepted

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
                doubtful |= said.why in _DOUBTS or said.revoked_as_of is not None
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
        if isinstance(end, Fault) and not (end.why in OVER and status.revocation is not None):
            return end
        try:
            delegate = find_responder(answer.response, issuer=issuer).delegate
        except OcspError as error:
            bad = error.fault is OcspFault.BAD_SIGNATURE
            return Fault(Unavailable.BAD_SIGNATURE if bad else Unavailable.UNUSABLE)
        then = status.this_update if isinstance(end, Fault) else self.now
        if delegate is not None and (
            not delegate.not_before <= then < delegate.valid_until or self._is_listed(delegate, issuer, lists)
        ):
            return Fault(Unavailable.UNUSABLE)
        if isinstance(end, Fault):
            return end._replace(revoked_as_of=status.this_update)
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
        word = ask_lists(delegate, issuer, lists, self.now, signers=self.signers_of(issuer), keeps_expired=False)
        return isinstance(word, Word) and word.revocation is not None

    def signers_of(self, issuer: Certificate) -> Signers:
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
        lists = [one for one in self.store.consult(certificate) if isinstance(one, RevocationList)]
        return ask_lists(certificate, issuer, lists, self.now, signers=tuple, keeps_expired=False)


def find_list_signers_of(issuer: Certificate, *, store: TrustStore, now: datetime) -> tuple[Certificate, ...]:
    """Return the other certificates whose lists about certificates of ``issuer`` count, whatever they were issued for.

    It is for whoever keeps lists before anybody asks: a chain to an anchor of any purpose will do. Which of them counts
    for one chain is decided anew when it is asked about.
    """
    found: dict[Certificate, None] = {}
    for purpose in Purpose:
        try:
            chain = build_chain(issuer, store=store, purpose=purpose, at=now)
        except ChainError:
            continue
        found |= dict.fromkeys(RevocationQuestion(chain, store, now).signers_of(issuer)())
    return tuple(found)


def _sort_answers(answers: Sequence[OcspAnswer], certificate: Certificate, issuer: Certificate) -> Sequence[OcspAnswer]:
    """Return the answers newest first, by what they say about this very certificate: an answer may be about several.

    Of one moment the strictest is first, wherever it came from; an answer about others only is last, and says nothing.
    """

    def rank(answer: OcspAnswer) -> tuple[bool, tuple[datetime, int, float] | None]:
        status = select_status(answer.response, certificate=certificate, issuer=issuer)
        return (False, None) if status is None else (True, rank_status(status))

    return answers if len(answers) <= 1 else sorted(answers, key=rank, reverse=True)


def _is_overtaken(word: Word, fault: Fault) -> bool:
    """Return whether "good" is no newer than a "revoked" whose time is over: nothing has taken that one back."""
    return word.revocation is None and fault.revoked_as_of is not None and word.as_of <= fault.revoked_as_of


def _ask_feed(feed: FeedEvidence, certificate: Certificate, now: datetime) -> Word | Fault:
    """Return what a feed says; one that is not complete for the issuer can only warn."""
    end = find_period(feed.this_update, feed.next_update, feed.upkeep, now)
    revocation = feed.find(certificate.serial)
    if isinstance(end, Fault):
        has_warned = end.why in OVER and revocation is not None
        return end._replace(revoked_as_of=feed.this_update) if has_warned else end
    if revocation is None and not feed.is_complete:
        return Fault(Unavailable.NO_LIST)
    return Word(revocation, feed.this_update, end)
