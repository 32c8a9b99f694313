"""A question as it was read: about a document that came along, or about a licence that is to be found first."""

from dataclasses import dataclass, field

import msgspec

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.base64 import decode_base64
from gateway.http.large_body import cut_document
from gateway.http.messages.problems import PlaceError
from gateway.http.messages.questions import LicenceQuestion, VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place, parse_verification_request
from gateway.settings import HttpSettings
from gateway.sources.source import LicenceKey, by_identifier, by_number
from keys.ocsp_stapled import MAX_STAPLED_BYTES, StapledAnswers, read_stapled


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuestion:
    """A question that was read: the document's bytes, the OCSP answers beside it, and the question they came in."""

    document: bytes
    stapled: StapledAnswers
    request: VerificationRequest

    @property
    def compares(self) -> bool:
        """Whether it asks yes or no about a holder."""
        return self.request.match is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """A question that was read, about a licence that is to be found first.

    ``is_presented``: its holder showed a code for it, and whoever asks named nothing.
    """

    key: LicenceKey
    request: VerificationRequest
    is_presented: bool = False

    @property
    def named(self) -> LicenceKey | None:
        """What whoever asks named the licence by, which may be a guess; None: it was presented."""
        return None if self.is_presented else self.key

    @property
    def compares(self) -> bool:
        """Whether it asks yes or no about a holder."""
        return self.request.match is not None or (self.named is not None and self.named.asks_holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeQuestion:
    """A question that was read, about the licence that a presentation code stands for."""

    code: str = field(repr=False)
    request: VerificationRequest

    @property
    def compares(self) -> bool:
        """Whether it asks yes or no about a holder."""
        return self.request.match is not None


Question = DocumentQuestion | KeyQuestion | CodeQuestion


def parse_question(body: bytes | bytearray, settings: HttpSettings) -> Question:
    """Read the question, and decode the document if there is one in it.

    Raises:
        ProblemError: 400, 413 or 422, as the body deserves.

    """
    if len(body) > settings.inline_document_bytes:
        cut = cut_document(body, limit=settings.max_document_bytes)
        if cut is not None:
            request = parse_verification_request(cut.rest, max_body_bytes=settings.max_body_bytes)
            if _select_way(request.licence) == cut.placeholder:
                return DocumentQuestion(
                    document=cut.document, stapled=_decode_stapled(request.licence), request=request
                )
    request = parse_verification_request(body, max_body_bytes=settings.max_body_bytes)
    way = _select_way(request.licence)
    if way is None:
        code = request.licence.code or ""
        # The code is no part of the question any more, so that nothing that has the question can repeat it.
        request = msgspec.structs.replace(request, licence=msgspec.structs.replace(request.licence, code=None))
        return CodeQuestion(code=code, request=request)
    if not isinstance(way, str):
        return KeyQuestion(key=way, request=request)
    try:
        document = decode_base64(way, limit=settings.max_document_bytes)
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


def _select_way(licence: LicenceQuestion) -> str | LicenceKey | None:
    """Return the document of a licence, or the key that it is named by; None: it is named by a presentation code.

    Format and OCSP answers go with a document.
    """
    by_parts = (licence.number, licence.type, licence.holder)
    ways = (
        licence.document is not None,
        licence.identifier is not None,
        any(part is not None for part in by_parts),
        licence.code is not None,
    )
    beside = licence.format is not None or licence.stapled is not None
    if sum(ways) != 1 or (licence.document is None and beside):
        raise ProblemError(ProblemKind.LICENCE_AMBIGUOUS, errors=[name_place("$.licence", WRONG_VALUE)])
    if licence.document is not None:
        return licence.document
    return None if licence.code is not None else _name(licence, licence.holder, place="$.licence")


def name_for_holder(licence: LicenceQuestion, holder: str) -> LicenceKey:
    """Return the key of a licence that its holder names, as that of this holder.

    Raises:
        ProblemError: 422, it is named in no way, or in two.

    """
    if (licence.identifier is None) == (licence.number is None and licence.type is None):
        raise ProblemError(ProblemKind.BODY_INVALID, errors=[name_place("$", WRONG_VALUE)])
    return _name(licence, holder, place="$")


def _name(licence: LicenceQuestion, holder: str | None, *, place: str) -> LicenceKey:
    if licence.identifier is not None:
        return by_identifier(licence.identifier, holder)
    if licence.number is None or licence.type is None:
        missing = [name for name in ("number", "type") if getattr(licence, name) is None]
        places = [name_place(f"{place}.{name}", PlaceError.MISSING_FIELD) for name in missing]
        raise ProblemError(ProblemKind.BODY_INVALID, errors=places)
    return by_number(licence.number, licence.type, holder)


def not_offered() -> ProblemError:
    """Return the refusal of a licence that is named in a way that is not offered."""
    return ProblemError(ProblemKind.LICENCE_KIND_NOT_OFFERED, errors=[name_place("$.licence", WRONG_VALUE)])
