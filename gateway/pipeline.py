"""From bytes to a verdict: read, then judge. Pure; the callers do the input and output."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from adapters.errors import Malformed, MalformedDocumentError
from adapters.licence import Licence
from adapters.registry import parse_document
from gateway.checks.answers import invalid, name_members, unknown, valid
from gateway.checks.document import WatchChain, check_document
from gateway.checks.licence import check_status, check_validity_period
from gateway.reason import Reason
from gateway.sources.records import contradicts, holds, may_be_of, register_stated
from gateway.sources.source import (
    Found,
    LicenceKey,
    NoDocument,
    NotReady,
    Registered,
    StatedLicence,
    StoredHead,
    StoredLicence,
    SystemFault,
    index_licence,
)
from gateway.sources.superseding import is_current
from gateway.verdict import CheckName, Outcome, Verdict
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.second_opinion import SecondOpinion
from keys.trust import TrustStore
from policies.dimension import LicenceStatus

SOURCE_DOCUMENT: Final = "document"
# Notes of a verdict.
UNDER_OBJECTION: Final = "status.under-objection"  # somebody objects, and nothing is decided yet
CODE_UNSEEN: Final = "status.code-unseen"  # the source has a word for the status that nobody has explained to us
PASSED_OVER: Final = "source.passed-over"  # one that comes first could not be asked
KEPT_ANSWER: Final = "source.kept-answer"  # one could not be asked, and what it said before counts
PLANNED_OUTAGE: Final = "source.planned-outage"  # one was not asked, for its operator had announced that it is down
NOT_REGISTERED: Final = "status.not-registered"  # the source whose word is final does not know the document's licence
UNREADABLE: Final = "unreadable"  # a word about a system whose file cannot be read
ANNOTATED_COPY: Final = "licence.annotated-copy"  # made for one purpose (加注件), which a person has to compare

STALE: Final = frozenset({PASSED_OVER, KEPT_ANSWER})  # with any of these nobody knows how the licence stands now

# What a genuine document may come to without anybody having touched it.
_MAY_BEFALL: Final = frozenset(
    {
        (CheckName.VALIDITY_PERIOD, Outcome.INVALID),
        (CheckName.VALIDITY_PERIOD, Outcome.UNKNOWN),
        (CheckName.REVOCATION, Outcome.UNKNOWN),
    }
)

# Why another system gave no answer.
SYSTEM_REASONS: Final[Mapping[SystemFault, Reason]] = {
    SystemFault.UNREACHABLE: Reason.STATUS_UNAVAILABLE,
    SystemFault.DENIED: Reason.STATUS_DENIED,
    SystemFault.NOT_PROVIDED: Reason.STATUS_NOT_PROVIDED,
    SystemFault.UNUSABLE_ANSWER: Reason.STATUS_UNUSABLE_ANSWER,
    SystemFault.PARTIAL: Reason.STATUS_PARTIAL,
    SystemFault.RECORD_DIFFERS: Reason.STATUS_RECORD_DIFFERS,
}

# Every other fault of a document is format.malformed, with the kind as the detail.
MALFORMED_REASONS = {
    Malformed.TOO_LARGE: Reason.FORMAT_TOO_LARGE,
    Malformed.UNRECOGNISED: Reason.FORMAT_UNRECOGNISED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verdict, and beside it what was verified: nothing of the licence stands in the verdict (ADR 0008).

    ``licence`` is what the document says, believed as far as the verdict goes; None: it says nothing that can be read,
    or is not the licence that was asked for. ``status`` is the one in the register; a document alone cannot tell.
    ``source`` is where the document came from, ``register`` where the status is from; None: nobody knows it.
    """

    verdict: Verdict
    licence: Licence | None = None
    status: LicenceStatus = LicenceStatus.UNKNOWN
    source: str = SOURCE_DOCUMENT
    register: str | None = None


def verify_licence(
    data: bytes,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    watch: WatchChain | None = None,
    stapled: StapledAnswers = NO_ANSWERS,
) -> Verified:
    """Return the verdict of any bytes, as of ``at`` (aware), with the licence in them.

    What cannot be read is invalid with a format reason.
    Takes well under 10 ms for a usual licence; inputs above 256 KiB belong off the event loop.
    ``opinion`` repeats a share of the SM2 verifications; ``watch`` is told of every chain that was relied on.
    ``stapled`` are OCSP answers that came beside the document.
    """
    try:
        document = parse_document(data)
    except MalformedDocumentError as error:
        return Verified(verdict=refuse(error))
    verdict = check_document(document, store=store, at=at, opinion=opinion, watch=watch, stapled=stapled)
    if document.licence is not None and document.licence.copy is not None:
        verdict = replace(verdict, notes=(*verdict.notes, ANNOTATED_COPY))
    return Verified(verdict=verdict, licence=document.licence)


def verify_document(
    data: bytes,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    stapled: StapledAnswers = NO_ANSWERS,
) -> Verdict:
    """Return the verdict alone, as `verify_licence` finds it."""
    return verify_licence(data, store=store, at=at, opinion=opinion, stapled=stapled).verdict


def judge_found(verified: Verified, found: Found | StoredHead, key: LicenceKey, *, at: datetime) -> Verified:
    """Return what is to be said of a licence that was asked for by ``key``.

    ``verified`` is the document of ``found``, whatever that is. The key is compared with what is sealed and not with
    what the source says, so that a source cannot pass one licence off for another. A licence of another holder is
    not found: the answer is the same as for one that does not exist, and so was the work (policy page, section 13).
    """
    if isinstance(found, StoredLicence | StoredHead) and verified.licence is not None:
        if key.fits(index_licence(verified.licence)):
            verdict = verified.verdict
            if key.asks_holder:
                verdict = replace(verdict, checks=(*verdict.checks, valid(CheckName.HOLDER_MATCH)))
            registered = Registered(
                status=found.status,
                is_under_objection=found.is_under_objection,
                source=found.source,
                as_of=found.as_of,
            )
            return judge_registered(replace(verified, verdict=verdict, source=found.source), registered, at=at)
    elif isinstance(found, StatedLicence):
        return _judge_stated(verified, found, key, at=at)
    elif isinstance(found, NotReady) and found.fits(key):
        check = check_status(found.status, as_of=_known_as_of(found.as_of, at), is_ready=False)
        objected = (UNDER_OBJECTION,) if found.is_under_objection else ()
        verdict = Verdict(format=None, checks=(check,), notes=objected)
        return Verified(verdict=verdict, status=found.status, source=found.source, register=found.source)
    return judge_not_found(found.source, at=at)


def _judge_stated(verified: Verified, found: StatedLicence, key: LicenceKey, *, at: datetime) -> Verified:
    """Return what is to be said of a licence that another system states; only what is sealed can make it valid.

    1. Without a document, or with one in which nothing can be compared, the record counts for what speaks against the
    licence, and for the holder that is asked for; one that cannot be read might have shown him, unless the record says
    that he has none. 2. A document of another licence is worth nothing; whoever asks for a holder is told that only
    where the record names him. 3. Where record
    and document contradict each other, the status may be that of another licence. 4. Else the status is that of the
    record, and a document that was issued before it is superseded.
    """
    sealed = verified.licence
    # 1. nothing that is sealed
    if sealed is None:
        if key.asks_holder and not holds(found.index, key.holder or ""):
            if found.document and verified.verdict.format is None and may_be_of(found, key):
                return judge_unanswered(Reason.STATUS_UNUSABLE_ANSWER, found.source, f"{found.source}: {UNREADABLE}")
            return judge_not_found(found.source, at=at)
        return _judge_record(verified, found, at=at)
    # 2. another licence
    index = index_licence(sealed)
    if not key.fits(index):
        if key.asks_holder and not holds(found.index, key.holder or ""):
            return judge_not_found(found.source, at=at)
        return judge_unanswered(Reason.STATUS_RECORD_DIFFERS, found.source, found.source)
    matched = (valid(CheckName.HOLDER_MATCH),) if key.asks_holder else ()
    verified = replace(
        verified,
        verdict=replace(verified.verdict, checks=(*verified.verdict.checks, *matched)),
        source=found.source,
    )
    # 3. contradiction
    if contradicts(found.index, index):
        return judge_unasked(verified, Reason.STATUS_RECORD_DIFFERS, found.source)
    # 4. status
    day = found.stated.issued_on
    is_latest = is_current(sealed.issued_on, "" if day is None else day.isoformat())
    return judge_registered(verified, register_stated(found, is_latest=is_latest), at=at)


def _judge_record(verified: Verified, found: StatedLicence, *, at: datetime) -> Verified:
    """Return what is to be said of a licence that is stated and not sealed: never that it is valid."""
    verdict = verified.verdict
    if verdict.format is not None:
        missing = (*verdict.checks, unknown(CheckName.FORMAT, Reason.FORMAT_NO_METADATA, found.source))
    else:
        is_absent = found.absence is NoDocument.NOT_THERE
        reason = Reason.FORMAT_NO_DOCUMENT if is_absent else Reason.FORMAT_DOCUMENT_UNAVAILABLE
        unread = [check.detail for check in verdict.checks if found.document and check.detail]
        detail = ": ".join([found.source, *filter(None, [found.detail]), *unread])
        missing = (unknown(CheckName.FORMAT, reason, detail),)
    checks = (*missing, check_validity_period(found.stated, at))
    stated = Verified(verdict=replace(verdict, checks=checks), licence=found.stated, source=found.source)
    return judge_registered(stated, register_stated(found, is_latest=True), at=at)


def judge_not_found(source: str, *, at: datetime) -> Verified:
    """Return what is to be said of a licence that a source does not know, or is not to say that it knows."""
    check = replace(unknown(CheckName.STATUS, Reason.STATUS_NOT_FOUND), as_of=at)
    return Verified(verdict=Verdict(format=None, checks=(check,)), source=source)


def is_not_found(verified: Verified) -> bool:
    """Say whether a source does not know the licence, or is not to say that it knows it."""
    return Reason.STATUS_NOT_FOUND in verified.verdict.reasons


def judge_unanswered(reason: Reason, source: str, detail: str) -> Verified:
    """Return what is to be said of a licence that could not be asked for: nobody knows, which is not "not found"."""
    check = unknown(CheckName.STATUS, reason, detail)
    return Verified(verdict=Verdict(format=None, checks=(check,)), source=source)


def note_passed_over(verified: Verified) -> Verified:
    """Return an answer with the note that a source which comes first could not be asked."""
    return note(verified, PASSED_OVER)


def note_kept(verified: Verified) -> Verified:
    """Return an answer with the note that it is a kept one, of a source that could not be asked."""
    return note(verified, KEPT_ANSWER)


def note_outage(verified: Verified, detail: str) -> Verified:
    """Return an answer with the note that a source was not asked in an outage that its operator had announced.

    ``detail`` says which and until when; it stands beside the status, with whatever stands there already.
    """
    checks = tuple(
        replace(check, detail=detail if check.detail in {None, detail} else f"{check.detail}; {detail}")
        if check.check is CheckName.STATUS and detail not in (check.detail or "")
        else check
        for check in verified.verdict.checks
    )
    return note(replace(verified, verdict=replace(verified.verdict, checks=checks)), PLANNED_OUTAGE)


def is_not_in_force(verified: Verified) -> bool:
    """Say whether a register says that the licence is not in force."""
    return verified.status not in {LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN}


def note_not_registered(verified: Verified) -> Verified:
    """Return the answer about a document with the note that the source whose word is final does not know it."""
    return note(verified, NOT_REGISTERED)


def note(verified: Verified, *words: str) -> Verified:
    """Return an answer with notes, each once."""
    if not words:
        return verified
    notes = tuple(dict.fromkeys((*verified.verdict.notes, *words)))
    return replace(verified, verdict=replace(verified.verdict, notes=notes))


def concerns_register(verified: Verified) -> bool:
    """Say whether a register is asked about a document that came with the question.

    Only about one that is genuine, though it may have ended, or its signers' standing not be known: nobody learns of a
    register by a document of his own making. How the licence stands by a source that was
    asked is no part of that.
    """
    return verified.licence is not None and all(
        check.outcome is Outcome.VALID or check.check is CheckName.STATUS or (check.check, check.outcome) in _MAY_BEFALL
        for check in verified.verdict.all_checks()
    )


def judge_registered(verified: Verified, registered: Registered, *, at: datetime) -> Verified:
    """Return what is to be said of a document whose licence a register knows; it spoke as of ``at``, or earlier."""
    as_of = _known_as_of(registered.as_of, at)
    objected = (UNDER_OBJECTION,) if registered.is_under_objection else ()
    unseen = (CODE_UNSEEN,) if registered.is_unseen else ()
    checks = (*verified.verdict.checks, check_status(registered.status, as_of=as_of))
    verdict = replace(verified.verdict, checks=checks)
    judged = replace(verified, verdict=verdict, status=registered.status, register=registered.source)
    return note(judged, *objected, *unseen)


def _known_as_of(as_of: datetime | None, at: datetime) -> datetime:
    """Return as of when a source knows what it says at ``at``; a clock may have been set back since."""
    return at if as_of is None else min(at, as_of)


def judge_unasked(
    verified: Verified, reason: Reason = Reason.STATUS_UNAVAILABLE, detail: str | None = None
) -> Verified:
    """Return what is to be said while the register that might know the licence cannot be asked: it is not valid."""
    check = unknown(CheckName.STATUS, reason, detail)
    return replace(verified, verdict=replace(verified.verdict, checks=(*verified.verdict.checks, check)))


def refuse(error: MalformedDocumentError) -> Verdict:
    """Return the verdict of a document that could not be read."""
    reason = MALFORMED_REASONS.get(error.malformed, Reason.FORMAT_MALFORMED)
    detail = f"{error.malformed}: {name_members([error.where])}" if error.where else str(error.malformed)
    return Verdict(format=None, checks=(invalid(CheckName.FORMAT, reason, detail),))
