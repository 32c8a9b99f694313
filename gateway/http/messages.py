"""The bodies of ``/v1/verifications`` as types: requests are read into them, the OpenAPI document is made from them."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.document import Format
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.problems import ProblemKind
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.ocsp_stapled import MAX_STAPLED, MAX_STAPLED_BYTES

MAX_TOLERANCE_SECONDS: Final = 86_400  # older knowledge than a day's is no answer to "is it in force"
MAX_FIELDS: Final = 256  # no licence type has more
_DIGEST: Final = "^sha256:[0-9a-f]{64}$"

Word = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class LicenceQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The licence: so far only as the document itself; the other ways are refused as not offered yet."""

    document: Annotated[str, Meta(description="The file in base64 (RFC 4648 section 4), padded, unbroken.")] | None = (
        None
    )
    format: Annotated[Format, Meta(description="If given, it must be the format that is found.")] | None = None
    stapled: (
        Annotated[
            list[Annotated[str, Meta(max_length=MAX_STAPLED_BYTES * 2)]],
            Meta(
                max_length=MAX_STAPLED,
                description=(
                    "OCSP answers (RFC 6960) about the certificates of the document, each in base64 (RFC 4648 section "
                    f"4), {MAX_STAPLED_BYTES} bytes at most together. They count as fetched ones do; one that cannot "
                    "be relied on counts as none."
                ),
            ),
        ]
        | None
    ) = None
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
    fields: Annotated[list[Word], Meta(max_length=MAX_FIELDS)] | None = None
    tolerance_seconds: Annotated[int, Meta(ge=0, le=MAX_TOLERANCE_SECONDS)] = 0


class CheckAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check; ``reason`` is null exactly when it is valid."""

    check: CheckName
    outcome: Outcome
    reason: Reason | None
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

    reason: Reason
    zh: str
    en: str
    next_zh: str
    next_en: str


class MatchAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a match question; so far always unanswered: no policy permits it."""

    outcome: bool | None
    reason: str | None


class FieldAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field that was asked for: in which form it leaves, or that it is withheld and why.

    ``value`` is absent when the field is withheld; ``reason`` is there exactly then.
    """

    form: Annotated[str, Meta(description="plain, mask:…, general:…, pseudonym:…, attest:…, exists or withheld.")]
    value: str | int | float | bool | UnsetType = UNSET
    reason: Annotated[str, Meta(description="no-policy until sharing policies exist.")] | UnsetType = UNSET


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How old the knowledge is."""

    source: Annotated[str, Meta(description="document: the file alone, and the revocation information at hand.")]
    as_of: Annotated[
        str | None,
        Meta(description="The oldest revocation information that the verdict rests on; null: it rests on none."),
    ]
    revocation_seq: int | None
    stale: Annotated[bool, Meta(description="Some revocation information that was needed was missing or too old.")]
    fresh_until: Annotated[
        str | None,
        Meta(
            description=(
                "Until when a valid answer holds if nothing new becomes known: the first end of a path, of revocation "
                "information or of a period; null: nothing that it rests on has an end. Another outcome may change "
                "earlier."
            )
        ),
    ]


class PolicyAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sharing policy that decided about the fields."""

    bundle: Annotated[str, Meta(pattern=_DIGEST)]
    plan: str


class ReceiptAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this answer stands in the access log."""

    log: str
    index: Annotated[int, Meta(ge=0)]
    checkpoint: str


class VerificationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict. ``policy`` and ``receipt`` are null until sharing policies and the access log exist.

    Without a policy that names it no field leaves, so every field that is asked for is withheld now.
    """

    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    outcome: Outcome
    status: Annotated[str, Meta(description="Status of the licence; unknown for documents, which cannot tell.")]
    format: Format | None
    reasons: list[Reason]
    explanations: list[Explanation]
    checks: list[CheckAnswer]
    signatures: list[SignatureAnswer]
    notes: list[str]
    fields: Annotated[dict[str, FieldAnswer], Meta(description="One entry for each name in the question's fields.")]
    match: MatchAnswer | None
    freshness: Freshness
    policy: PolicyAnswer | None
    receipt: ReceiptAnswer | None


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process answers."""

    healthy: bool


class ListReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trust list that was verified; its anchors count while it is in force."""

    name: str
    version: int
    issued: str
    expires: str
    in_force: bool


class HeldReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a trust list that changes so much that it waits for approval; shares of the one in force."""

    name: str
    version: int
    in_force: int
    shrinkage: float
    growth: float


class FindingReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with one file of the trust folder, in Chinese and in English."""

    file: str
    zh: str
    en: str


class FailureReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the trust folder as it is now is not in force."""

    at: str
    findings: list[FindingReadiness]


class TrustReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trust in force: its digest, since when, when the next part of it ends."""

    version: str
    loaded: str
    next_end: str | None
    lists: list[ListReadiness]
    held: list[HeldReadiness]
    failure: FailureReadiness | None


class StatusReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of revocation status: as of when it speaks, until when that may be used, and its last failure.

    Of several workers the one that asks the sources knows of failures; ``asks`` says whether it is this one.
    """

    source: str
    kind: str
    as_of: str | None
    usable_until: str | None
    asks: bool
    failures: int
    failure: str | None
    zh: str
    en: str


class Readiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway works with; ``anchors`` by purpose."""

    ready: bool
    anchors: dict[str, int]
    revocation_lists: int
    callers: int
    trust: TrustReadiness
    status: list[StatusReadiness]
    status_failure: Annotated[
        FailureReadiness | None, Meta(description="Why the folder of sources, as it is now, is not in force.")
    ]


class PlaceError(StrEnum):
    """What is wrong at one place of a request."""

    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    WRONG_VALUE = "wrong-value"


class ProblemPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place of the request that is wrong: a path such as ``$.licence.document``, and what belongs there."""

    path: str
    error: PlaceError
    expected: str
    expected_en: str


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
