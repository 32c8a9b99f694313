"""The bodies of ``/v1/verifications`` as types: requests are read into them, the OpenAPI document is made from them."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from adapters.document import Format
from adapters.errors import MalformedDocumentError
from adapters.strict.json import parse_json
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.problems import ProblemError, ProblemKind
from gateway.verdict import CheckName, Outcome

MAX_TOLERANCE_SECONDS: Final = 86_400  # older knowledge than a day's is no answer to "is it in force"
_MAX_NAMED_ERRORS: Final = 20  # of one request; whoever has more is not helped by more
_SHOWN_NAME: Final = 64  # characters of an unknown field's name that are repeated to its sender

Word = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class LicenceQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The licence: so far only as the document itself; the other ways are refused as not offered yet."""

    document: Annotated[str, Meta(description="The file in base64 (RFC 4648 section 4), padded, unbroken.")] | None = (
        None
    )
    format: Annotated[Format, Meta(description="If given, it must be the format that is found.")] | None = None
    identifier: Annotated[Name, Meta(description="GB/T 36904; not offered yet.")] | None = None
    number: Annotated[Name, Meta(description="Not offered yet.")] | None = None
    type: Annotated[Name, Meta(description="Not offered yet.")] | None = None
    holder: Annotated[Name, Meta(description="Not offered yet.")] | None = None
    code: Annotated[Name, Meta(description="A presentation code (亮证码); not offered yet.")] | None = None


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is asked: item (事项), case (办件), use; read and checked for form, decided on once policies exist."""

    item: Word | None = None
    case: Word | None = None
    use: Name | None = None


class Operator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clerk who asks."""

    id: Word
    name: Name | None = None


class MatchQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Yes/no questions about the holder; they are answered with ``no-policy`` until a policy permits them."""

    holder_name: Name | None = None
    holder_id: Word | None = None


class VerificationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question about one licence."""

    licence: LicenceQuestion
    purpose: Purpose | None = None
    operator: Operator | None = None
    match: MatchQuestion | None = None
    fields: Annotated[list[Word], Meta(max_length=256)] | None = None
    tolerance_seconds: Annotated[int, Meta(ge=0, le=MAX_TOLERANCE_SECONDS)] = 0


class CheckAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check; ``reason`` is null exactly when it is valid."""

    check: CheckName
    outcome: Outcome
    reason: str | None
    detail: str | None


class SealAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The seal: its number, its name, and the certificate of its maker."""

    id: str
    name: str
    maker: str | None


class SignatureAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature of the document and its checks in order."""

    id: str
    kind: str
    standard: str
    signed_at: str | None
    signer: str | None
    seal: SealAnswer | None
    outcome: Outcome
    checks: list[CheckAnswer]
    notes: list[str]


class Explanation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reason in words, and what to do next."""

    reason: str
    zh: str
    en: str
    next_zh: str
    next_en: str


class MatchAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a match question; so far always unanswered: no policy permits it."""

    outcome: bool | None
    reason: str | None


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How old the knowledge is: for a document, the moment of the verification itself."""

    source: str
    as_of: str
    revocation_seq: int | None
    stale: bool


class VerificationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict. ``fields``, ``policy`` and ``receipt`` stay empty until sharing policies and the access log exist.

    Without a policy that names it no field leaves, so ``fields`` is always ``{}`` now.
    """

    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    outcome: Outcome
    status: Annotated[str, Meta(description="Status of the licence; unknown for documents, which cannot tell.")]
    format: Format | None
    reasons: list[str]
    explanations: list[Explanation]
    checks: list[CheckAnswer]
    signatures: list[SignatureAnswer]
    notes: list[str]
    fields: Annotated[dict[str, str], Meta(description="Empty: no field leaves without a policy.")]
    match: MatchAnswer | None
    freshness: Freshness
    policy: Annotated[None, Meta(description="Null until sharing policies exist.")]
    receipt: Annotated[None, Meta(description="Null until the access log exists.")]


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process answers."""

    healthy: bool


class Readiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway works with; ``anchors`` by purpose."""

    ready: bool
    anchors: dict[str, int]
    revocation_lists: int
    callers: int


class ProblemPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One place of the request that is wrong: a path such as ``$.licence.document``, and what is wrong there."""

    path: str
    error: str = ""
    expected: str = ""


class ProblemDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A refusal (RFC 9457), in Chinese and in English."""

    type: str
    title: str
    title_en: str
    status: int
    reason: ProblemKind
    next: str
    next_en: str
    request_id: str
    errors: list[ProblemPlace] = []


def parse_verification_request(body: bytes, *, max_body_bytes: int) -> VerificationRequest:
    """Read the body of a question.

    Raises:
        ProblemError: 400, it is no JSON; 422, with every unknown field named, or the first field that is wrong.

    """
    try:
        content = parse_json(body, limit=max_body_bytes)
    except MalformedDocumentError as error:
        raise ProblemError(ProblemKind.BODY_NOT_JSON) from error
    unknown = list(_unknown_fields(content, VerificationRequest, "$"))
    if unknown:
        raise ProblemError(ProblemKind.BODY_INVALID, errors=unknown[:_MAX_NAMED_ERRORS])
    try:
        return msgspec.convert(content, VerificationRequest)
    except msgspec.ValidationError as error:
        raise ProblemError(ProblemKind.BODY_INVALID, errors=[_describe(str(error))]) from error


# The nested objects of a request by field name; lists of a request hold no objects.
_NESTED: Final[Mapping[str, type[Struct]]] = {
    "licence": LicenceQuestion,
    "purpose": Purpose,
    "operator": Operator,
    "match": MatchQuestion,
}


def _unknown_fields(content: object, expected: type[Struct], path: str) -> Iterator[dict[str, str]]:
    """Name every field that a request does not have; wrong types are left to the conversion."""
    if not isinstance(content, dict):
        return
    for name, value in content.items():
        if name not in expected.__struct_fields__:
            yield {"path": f"{path}.{name[:_SHOWN_NAME]}", "error": "unknown-field"}
        elif path == "$" and name in _NESTED:
            yield from _unknown_fields(value, _NESTED[name], f"{path}.{name}")


_AT: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_REQUIRED: Final = re.compile(r"Object missing required field `(?P<name>\w+)`")


def _describe(message: str) -> dict[str, str]:
    """Turn msgspec's text into the place and what was expected there; its texts hold types and bounds, no values."""
    parts: Any = _AT.fullmatch(message)
    path = parts["path"] or "$"
    missing = _REQUIRED.fullmatch(parts["what"])
    if missing is not None:
        return {"path": f"{path}.{missing['name']}", "error": "missing-field"}
    return {"path": path, "error": "wrong-value", "expected": _without_value(parts["what"])}


def _without_value(what: str) -> str:
    """Cut the one text of msgspec that repeats the value (an enum's), and keep what was expected."""
    if what.startswith("Invalid enum value"):
        return "one of the words that /openapi.json lists"
    return what
