"""From bytes to a verdict: read, then judge. Pure; the callers do the input and output."""

from datetime import datetime

from adapters.errors import Malformed, MalformedDocumentError
from adapters.registry import parse_document
from gateway.checks.answers import invalid, name_members
from gateway.checks.document import WatchChain, check_document
from gateway.reason import Reason
from gateway.verdict import CheckName, Verdict
from keys.ocsp_stapled import NO_ANSWERS, StapledAnswers
from keys.second_opinion import SecondOpinion
from keys.trust import TrustStore

# Every other fault of a document is format.malformed, with the kind as the detail.
MALFORMED_REASONS = {
    Malformed.TOO_LARGE: Reason.FORMAT_TOO_LARGE,
    Malformed.UNRECOGNISED: Reason.FORMAT_UNRECOGNISED,
}


def verify_document(
    data: bytes,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    watch: WatchChain | None = None,
    stapled: StapledAnswers = NO_ANSWERS,
) -> Verdict:
    """Return the verdict of any bytes, as of ``at`` (aware); what cannot be read is invalid with a format reason.

    Takes well under 10 ms for a usual licence; inputs above 256 KiB belong off the event loop.
    ``opinion`` repeats a share of the SM2 verifications; ``watch`` is told of every chain that was relied on.
    ``stapled`` are OCSP answers that came beside the document.
    """
    try:
        document = parse_document(data)
    except MalformedDocumentError as error:
        return refuse(error)
    return check_document(document, store=store, at=at, opinion=opinion, watch=watch, stapled=stapled)


def refuse(error: MalformedDocumentError) -> Verdict:
    """Return the verdict of a document that could not be read."""
    reason = MALFORMED_REASONS.get(error.malformed, Reason.FORMAT_MALFORMED)
    detail = f"{error.malformed}: {name_members([error.where])}" if error.where else str(error.malformed)
    return Verdict(format=None, checks=(invalid(CheckName.FORMAT, reason, detail),))
