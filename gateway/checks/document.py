"""The verdict of one document: which checks apply, in which order, and what they are called with."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.document import Document, DocumentSignature, Seal
from gateway.checks.answers import invalid, name_members, next_of, unknown, valid
from gateway.checks.claim import read_claim
from gateway.checks.content import MemberDigests, check_coverage, check_data_hash, check_references
from gateway.checks.licence import check_licence
from gateway.checks.listing import check_signer_listed, check_signer_without_seal
from gateway.checks.period import check_maker_period, check_seal_period, check_signer_period
from gateway.checks.second_opinion import confirm_chain
from gateway.checks.signed_part import (
    MAKER,
    SIGNER,
    check_signed_part,
    read_certificate,
    read_companions,
    stated_digests,
)
from gateway.checks.timestamp import check_timestamp
from gateway.checks.trust import MAKER_CHAIN, SIGNER_CHAIN, ChainInUse, check_chain, check_revocation
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome, SealSummary, SignatureVerdict, Verdict
from keys.certificate import Certificate
from keys.chain import Chain
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers, read_stapled
from keys.scope import NO_CLAIM, Claim
from keys.second_opinion import SecondOpinion
from keys.trust import TrustStore

WatchChain = Callable[[Chain], None]  # told whose revocation status is asked about, so that it is fetched ahead of need


def check_document(
    document: Document,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    watch: WatchChain | None = None,
    stapled: StapledAnswers = NO_ANSWERS,
) -> Verdict:
    """Judge a document that was read: every check of every signature, then the licence's own dates.

    ``at`` is the moment of verification. All checks are made even when an early one fails, so that the answer names
    everything that is wrong. A document without any signature is invalid. ``opinion`` repeats a share of the SM2
    verifications. ``stapled`` are OCSP answers that came beside the document; those inside it count likewise, for all
    of its signatures.
    """
    carried = dict.fromkeys(blob for signature in document.signatures for blob in signature.ocsp_responses)
    if carried:
        stapled = stapled.joined(read_stapled(carried))
    checks: list[Check | None] = [valid(CheckName.FORMAT)]
    if document.bare_seal is not None:
        verdicts = [
            _check_bare_seal(document.bare_seal, store=store, at=at, opinion=opinion, watch=watch, stapled=stapled)
        ]
    else:
        digests = MemberDigests(document.members)
        verdicts = [
            check_signature(
                signature, document, digests, store=store, at=at, opinion=opinion, watch=watch, stapled=stapled
            )
            for signature in document.signatures
        ]
    if not verdicts:
        checks = [invalid(CheckName.FORMAT, Reason.FORMAT_UNSIGNED)]
    checks.append(check_licence(document, at))
    return Verdict(
        format=document.format,
        checks=tuple(check for check in checks if check is not None),
        signatures=tuple(verdicts),
        notes=tuple(sorted(document.notes)),
    )


def check_signature(
    signature: DocumentSignature,
    document: Document,
    digests: MemberDigests,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    watch: WatchChain | None = None,
    stapled: StapledAnswers = NO_ANSWERS,
) -> SignatureVerdict:
    """Judge one signature, in the order of GB/T 38540 as far as it is known (domain page on seals, section 7).

    1 format: the reader's work, reported for the whole document. 2 content: references, coverage, data hash.
    3 the signature itself. 4 the signer is in the seal's list. 5 the seal: maker's signature, window, maker's
    certificate at the seal's creation. 6 the signer's certificate at signing time. 7 revocation of both.
    8 the time stamp, which is looked at first because 5 to 7 need the signing time, and reported last.
    Both chains must lead to an anchor that may speak for the type and the issuer which the document names.
    """
    timestamp, proven = check_timestamp(signature, store=store, at=at, opinion=opinion, stapled=stapled.responses)
    signed_at = proven.signature or signature.signed_at
    claim = read_claim(document, signature)
    trusted_at = proven.signature or at
    signer = read_certificate(signature.signed)
    # 2 content
    checks = [
        check_references(signature, digests),
        check_coverage(signature, document),
        check_data_hash(signature, digests),
    ]
    # 3 signature
    if signature.data is not None or signature.seal is not None:
        checks.append(
            check_signed_part(
                signature.signed,
                signer,
                SIGNER,
                algorithms=store.algorithms,
                trusted_at=trusted_at,
                digests=stated_digests(signature),
                opinion=opinion,
            )
        )
    listed_position = len(checks)
    uses: list[ChainInUse] = []
    signer_chain = None
    if signature.seal is not None:
        # 4 listed
        checks.append(check_signer_listed(signature.seal, signature.signed.certificate))
        # 5 seal
        seal_checks, chain = _check_seal(
            signature.seal,
            signed_at,
            store=store,
            at=at,
            trusted_at=trusted_at,
            proven_at=proven.seal,
            claim=claim,
            opinion=opinion,
            critical=signature.critical_extensions,
        )
        checks += seal_checks
        uses.append(ChainInUse(chain=chain, proven_at=proven.seal))
    # 6 signer
    if signer is not None:
        checks.append(check_signer_period(signer, signed_at, at))
        check, signer_chain = check_chain(
            signer,
            signed_at or at,
            store=store,
            wording=SIGNER_CHAIN,
            trusted_at=trusted_at,
            claim=claim,
            extra=read_companions(signature.certificates, signer),
        )
        check, signer_chain = confirm_chain(check, signer_chain, opinion)
        checks.append(check)
        uses.append(ChainInUse(chain=signer_chain, proven_at=proven.signature))
    # 4 once more, where no seal has a list; the chain of the signer decides
    checks.insert(listed_position, check_signer_without_seal(signature, document, signer_chain))
    # 7 revocation
    if uses:
        checks.append(_check_revocation(uses, store=store, at=at, watch=watch, stapled=stapled))
    # 8 time stamp
    checks.append(timestamp)
    return SignatureVerdict(
        id=signature.id,
        kind=signature.kind,
        standard=signature.standard,
        signed_at=signed_at,
        signer=_subject(signer),
        seal=_summarise(signature.seal),
        checks=tuple(_drop_past_end(check, at) for check in checks if check is not None),
        notes=_notes(signature, signature.seal),
    )


def _check_seal(
    seal: Seal,
    signed_at: datetime | None,
    *,
    store: TrustStore,
    at: datetime,
    trusted_at: datetime,
    claim: Claim,
    opinion: SecondOpinion | None,
    proven_at: datetime | None = None,
    critical: frozenset[str] = frozenset(),
) -> tuple[list[Check], Chain | None]:
    """Judge the seal, which existed by ``proven_at`` if that is proven.

    ``critical`` are extensions of what was signed with it that must be understood.
    """
    maker = read_certificate(seal.maker)
    made = check_signed_part(
        seal.maker, maker, MAKER, algorithms=store.algorithms, trusted_at=proven_at or at, opinion=opinion
    )
    critical |= seal.critical_extensions
    if critical and made.outcome is Outcome.VALID:
        made = unknown(made.check, Reason.SEAL_SIGNATURE_CRITICAL_EXTENSION, name_members(critical))
    checks = [
        made,
        check_seal_period(seal, signed_at, at),
    ]
    if maker is None:
        return checks, None
    check, chain = check_chain(
        maker, seal.created, store=store, wording=MAKER_CHAIN, trusted_at=trusted_at, claim=claim
    )
    check, chain = confirm_chain(check, chain, opinion)
    checks += [check_maker_period(maker, seal.created), check]
    return checks, chain


def _check_revocation(
    uses: Sequence[ChainInUse],
    *,
    store: TrustStore,
    at: datetime,
    watch: WatchChain | None,
    stapled: StapledAnswers,
) -> Check | None:
    for use in uses:
        if watch is not None and use.chain is not None:
            watch(use.chain)
    return check_revocation(uses, store=store, at=at, stapled=stapled)


def _drop_past_end(check: Check, at: datetime) -> Check:
    """Leave out an end that was passed without harm, because the check is about a moment that is proven."""
    return check if check.ends_at is None else replace(check, ends_at=next_of(at, check.ends_at))


def _check_bare_seal(
    seal: Seal,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None,
    watch: WatchChain | None,
    stapled: StapledAnswers,
) -> SignatureVerdict:
    """Judge a seal that signs nothing: its maker, its window now, revocation."""
    checks, chain = _check_seal(seal, None, store=store, at=at, trusted_at=at, claim=NO_CLAIM, opinion=opinion)
    uses = [ChainInUse(chain=chain, proven_at=None)]
    revocation = _check_revocation(uses, store=store, at=at, watch=watch, stapled=stapled)
    if revocation is not None:
        checks.append(revocation)
    return SignatureVerdict(
        id=seal.identifier,
        kind="seal",
        standard=seal.standard,
        signed_at=None,
        signer=None,
        seal=_summarise(seal),
        checks=tuple(_drop_past_end(check, at) for check in checks),
        notes=tuple(sorted(seal.notes)),
    )


def _summarise(seal: Seal | None) -> SealSummary | None:
    if seal is None:
        return None
    return SealSummary(id=seal.identifier, name=seal.name, maker=_subject(read_certificate(seal.maker)))


def _subject(certificate: Certificate | None) -> str | None:
    return None if certificate is None else certificate.subject_text


def _notes(signature: DocumentSignature, seal: Seal | None) -> tuple[str, ...]:
    return tuple(sorted(signature.notes | (seal.notes if seal is not None else frozenset())))
