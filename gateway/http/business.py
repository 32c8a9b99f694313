"""``POST /v1/verifications``: one question about one licence."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.base64 import decode_base64
from gateway.decision import make_decision_id
from gateway.http.bodies import read_body
from gateway.http.buffers import BodyShare
from gateway.http.large_body import cut_document
from gateway.http.messages import LicenceQuestion, VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place, parse_verification_request
from gateway.http.state import BUDGET, NOW, OUTCOME, SITE, STATUS, STORE, VERIFIER
from gateway.reason import Reason
from gateway.rendering import encode_time, explanations_to_list, verdict_to_dict
from gateway.settings import HttpSettings
from gateway.verdict import Verdict
from keys.ocsp_stapled import MAX_STAPLED_BYTES, StapledAnswers, read_stapled

STATUS_UNKNOWN: Final = "unknown"  # a document shows what it was when it was issued, not what became of it
SOURCE_DOCUMENT: Final = "document"
NO_POLICY: Final = "no-policy"
WITHHELD: Final = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuestion:
    """A question that was read: the document's bytes, the OCSP answers beside it, and the question they came in."""

    document: bytes
    stapled: StapledAnswers
    request: VerificationRequest


async def post_verification(request: web.Request) -> web.Response:
    """Answer one question.

    1. the body, within its bounds; 2. the question in it; 3. the verdict; 4. the answer.
    """
    now, status = request[NOW], request.app[STATUS]
    with request.app[BUDGET].share() as share:
        # 1. and 2. body and question
        question = await _read_question(request, share)
        share.keep(len(question.document))  # the body was let go
        # 3. verdict
        verdict = await request.app[VERIFIER].verify(
            question.document, store=request.app[STORE](), at=now, stapled=question.stapled
        )
    asked = question.request
    if asked.licence.format is not None and verdict.format is not None and asked.licence.format != verdict.format:
        raise ProblemError(ProblemKind.LICENCE_FORMAT_DIFFERS, errors=[name_place("$.licence.format", WRONG_VALUE)])
    request[OUTCOME] = verdict.outcome.value
    # 4. answer
    sequence = None if status is None else status.sequence
    answer = render_answer(verdict, decision=make_decision_id(now), request=asked, revocation_seq=sequence)
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


async def _read_question(request: web.Request, share: BodyShare) -> DocumentQuestion:
    """Return the question; the body it came in is let go on return."""
    settings = request.app[SITE].settings.http
    body = await read_body(request, settings, share)
    return await request.app[VERIFIER].run(lambda: parse_question(body, settings), size=len(body))


def parse_question(body: bytes | bytearray, settings: HttpSettings) -> DocumentQuestion:
    """Read the question and decode the document in it.

    Raises:
        ProblemError: 400, 413 or 422, as the body deserves.

    """
    if len(body) > settings.inline_document_bytes:
        cut = cut_document(body, limit=settings.max_document_bytes)
        if cut is not None:
            request = parse_verification_request(cut.rest, max_body_bytes=settings.max_body_bytes)
            if _select_document(request.licence) == cut.placeholder:
                return DocumentQuestion(
                    document=cut.document, stapled=_decode_stapled(request.licence), request=request
                )
    request = parse_verification_request(body, max_body_bytes=settings.max_body_bytes)
    encoded = _select_document(request.licence)
    try:
        document = decode_base64(encoded, limit=settings.max_document_bytes)
    except MalformedDocumentError as error:
        too_large = error.malformed is Malformed.TOO_LARGE
        kind = ProblemKind.LICENCE_TOO_LARGE if too_large else ProblemKind.LICENCE_NOT_BASE64
        raise ProblemError(kind, errors=[name_place("$.licence.document", WRONG_VALUE)]) from error
    stapled = _decode_stapled(request.licence)
    # The text is not part of the question any more, so that it is let go.
    request = msgspec.structs.replace(request, licence=msgspec.structs.replace(request.licence, document=None))
    return DocumentQuestion(document=document, stapled=stapled, request=request)


def _decode_stapled(licence: LicenceQuestion) -> StapledAnswers:
    """Decode and read the OCSP answers; what they say, and whether they are any, is judged with the document."""
    left, blobs, places = MAX_STAPLED_BYTES, [], []
    for index, encoded in enumerate(licence.stapled or ()):
        try:
            blobs.append(decode_base64(encoded, limit=left))
        except MalformedDocumentError as error:
            if error.malformed is Malformed.TOO_LARGE:
                places = [name_place("$.licence.stapled", WRONG_VALUE)]
                break
            places.append(name_place(f"$.licence.stapled[{index}]", WRONG_VALUE))
        else:
            left -= len(blobs[-1])
    if places:
        raise ProblemError(ProblemKind.BODY_INVALID, errors=places)
    return read_stapled(blobs)


def _select_document(licence: LicenceQuestion) -> str:
    """Return the document of a licence that is named by it alone."""
    others = (
        licence.identifier is not None,
        any(part is not None for part in (licence.number, licence.type, licence.holder)),
        licence.code is not None,
    )
    if (licence.document is not None) + sum(others) != 1:
        raise ProblemError(ProblemKind.LICENCE_AMBIGUOUS, errors=[name_place("$.licence", WRONG_VALUE)])
    if licence.document is None:
        raise ProblemError(ProblemKind.LICENCE_KIND_NOT_OFFERED, errors=[name_place("$.licence", WRONG_VALUE)])
    return licence.document


def render_answer(
    verdict: Verdict, *, decision: str, request: VerificationRequest, revocation_seq: int | None = None
) -> dict[str, Any]:
    """Return the body of an answer.

    There is no policy yet, so every field that was asked for is withheld, and no match is answered. ``as_of`` is the
    oldest evidence on revocation that was relied on, null when there was none; ``stale`` says that some was missing;
    ``fresh_until`` is when the first thing ends that a valid verdict rests on.
    """
    judged = verdict_to_dict(verdict)
    as_of, ends_at = verdict.revocation_as_of, verdict.ends_at
    return {
        "decision": decision,
        "outcome": judged["outcome"],
        "status": STATUS_UNKNOWN,
        "format": judged["format"],
        "reasons": judged["reasons"],
        "explanations": explanations_to_list(verdict.reasons),
        "checks": judged["checks"],
        "signatures": judged["signatures"],
        "notes": judged["notes"],
        "fields": {name: {"form": WITHHELD, "reason": NO_POLICY} for name in request.fields or ()},
        "match": None if request.match is None else {"outcome": None, "reason": NO_POLICY},
        "freshness": {
            "source": SOURCE_DOCUMENT,
            "as_of": None if as_of is None else encode_time(as_of),
            "revocation_seq": revocation_seq,
            "stale": Reason.REVOCATION_UNAVAILABLE in verdict.reasons,
            "fresh_until": None if ends_at is None else encode_time(ends_at),
        },
        "policy": None,
        "receipt": None,
    }
