"""The verdict of one document: which checks apply, in which order, and what they are called with."""

from datetime import datetime

from adapters.document import Document, DocumentSignature, Seal
from gateway.checks.answers import invalid, valid
from gateway.checks.content import MemberDigests, check_coverage, check_data_hash, check_references
from gateway.checks.licence import check_validity_period
from gateway.checks.listing import check_signer_listed
from gateway.checks.period import check_maker_period, check_seal_period, check_signer_period
from gateway.checks.signed_part import MAKER, SIGNER, check_signed_part, read_certificate
from gateway.checks.timestamp import check_timestamp
from gateway.checks.trust import MAKER_CHAIN, SIGNER_CHAIN, check_chain, check_revocation
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, SealSummary, SignatureVerdict, Verdict
from keys.certificate import Certificate
from keys.chain import Chain
from keys.trust import TrustStore


def check_document(document: Document, *, store: TrustStore, at: datetime) -> Verdict:
    """Judge a document that was read: every check of every signature, then the licence's own dates.

    ``at`` is the moment of verification. All checks are made even when an early one fails, so that the answer names
    everything that is wrong. A document without any signature is invalid.
    """
    checks = [valid(CheckName.FORMAT)]
    if document.bare_seal is not None:
        verdicts = [_check_bare_seal(document.bare_seal, store=store, at=at)]
    else:
        digests = MemberDigests(document.members)
        verdicts = [
            check_signature(signature, document, digests, store=store, at=at) for signature in document.signatures
        ]
    if not verdicts:
        checks = [invalid(CheckName.FORMAT, Reason.FORMAT_UNSIGNED)]
    if document.licence is not None:
        checks.append(check_validity_period(document.licence, at))
    return Verdict(
        format=document.format,
        checks=tuple(checks),
        signatures=tuple(verdicts),
        notes=tuple(sorted(document.notes)),
    )


def check_signature(
    signature: DocumentSignature, document: Document, digests: MemberDigests, *, store: TrustStore, at: datetime
) -> SignatureVerdict:
    """Judge one signature, in the order of GB/T 38540 as far as it is known (domain page on seals, section 7).

    1 format: the reader's work, reported for the whole document. 2 content: references, coverage, data hash.
    3 the signature itself. 4 the signer is in the seal's list. 5 the seal: maker's signature, window, maker's
    certificate at the seal's creation. 6 the signer's certificate at signing time. 7 revocation of both.
    8 the time stamp, which is looked at first because 5 to 7 need the signing time, and reported last.
    """
    timestamp, proven_at = check_timestamp(signature, store=store, at=at)
    signed_at = proven_at or signature.signed_at
    signer = read_certificate(signature.signed)
    # 2 content
    checks = [check_references(signature, digests), check_coverage(signature, document), check_data_hash(signature)]
    # 3 signature
    if signature.data is not None or signature.seal is not None:
        checks.append(check_signed_part(signature.signed, signer, SIGNER))
    chains: list[Chain | None] = []
    if signature.seal is not None:
        # 4 listed
        checks.append(check_signer_listed(signature.seal, signature.signed.certificate))
        # 5 seal
        seal_checks, chain = _check_seal(signature.seal, signed_at, store=store, at=at)
        checks += seal_checks
        chains.append(chain)
    # 6 signer
    if signer is not None:
        checks.append(check_signer_period(signer, signed_at, at))
        check, chain = check_chain(signer, signed_at or at, store=store, wording=SIGNER_CHAIN)
        checks.append(check)
        chains.append(chain)
    # 7 revocation
    if chains:
        checks.append(check_revocation(chains, store=store, at=at, proven_at=proven_at))
    # 8 time stamp
    checks.append(timestamp)
    return SignatureVerdict(
        id=signature.id,
        kind=signature.kind,
        standard=signature.standard,
        signed_at=signed_at,
        signer=_subject(signer),
        seal=_summarise(signature.seal),
        checks=tuple(check for check in checks if check is not None),
        notes=_notes(signature, signature.seal),
    )


def _check_seal(
    seal: Seal, signed_at: datetime | None, *, store: TrustStore, at: datetime
) -> tuple[list[Check], Chain | None]:
    maker = read_certificate(seal.maker)
    checks = [check_signed_part(seal.maker, maker, MAKER), check_seal_period(seal, signed_at, at)]
    if maker is None:
        return checks, None
    check, chain = check_chain(maker, seal.created, store=store, wording=MAKER_CHAIN)
    checks += [check_maker_period(maker, seal.created), check]
    return checks, chain


def _check_bare_seal(seal: Seal, *, store: TrustStore, at: datetime) -> SignatureVerdict:
    """Judge a seal that signs nothing: its maker, its window now, revocation."""
    checks, chain = _check_seal(seal, None, store=store, at=at)
    checks.append(check_revocation([chain], store=store, at=at, proven_at=None))
    return SignatureVerdict(
        id=seal.identifier,
        kind="seal",
        standard=seal.standard,
        signed_at=None,
        signer=None,
        seal=_summarise(seal),
        checks=tuple(checks),
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
