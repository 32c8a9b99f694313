"""The bodies of ``/v1/verifications`` as types: requests are read into them, the OpenAPI document is made from them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.document import Format
from gateway.consent.record import CONSENT_ID_PATTERN, MAX_HOLDERS, MAX_NAMES
from gateway.consent.record import MAX_FIELDS as MAX_CONSENT_FIELDS
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.problems import ProblemKind
from gateway.policy.activation import Standing, Validity
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from gateway.withheld import WITHHELD_SENTENCES
from keys.ocsp_stapled import MAX_STAPLED, MAX_STAPLED_BYTES

MAX_TOLERANCE_SECONDS: Final = 86_400  # older knowledge than a day's is no answer to "is it in force"
MAX_FIELDS: Final = 256  # no licence type has more
MAX_MATCHED: Final = 8  # fields of one comparison; a name, a number and a date are three
_DIGEST: Final = "^sha256:[0-9a-f]{64}$"

Word = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
DayText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class LicenceQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The licence: its document, or what the gateway's own store finds it by; `code` is refused as not offered yet."""

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
    identifier: Annotated[Name, Meta(description="The identifier of GB/T 36904.")] | None = None
    number: Annotated[Name, Meta(description="The number of the licence (ZZBH); `type` belongs to it.")] | None = None
    type: Annotated[Name, Meta(description="The type of the licence: its code (ZZLXDM) or its name (ZZMC).")] | None = (
        None
    )
    holder: (
        Annotated[
            Name,
            Meta(
                description=(
                    "Beside number and type: the code of a holder (CZZTDM). A licence of another holder is answered as "
                    "one that does not exist."
                )
            ),
        ]
        | None
    ) = None
    code: Annotated[Name, Meta(description="A presentation code (亮证码); not offered yet.")] | None = None


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is asked: item (事项), case (办件), use. With a sharing policy in force ``item`` is required."""

    item: Word | None = None
    case: Word | None = None
    use: Name | None = None


class Operator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clerk who asks."""

    id: Word
    name: Name | None = None


# What is compared, by the name of the field: `{"holder_name": "…", "holder_id": "…"}`.
MatchQuestion = Annotated[
    dict[FieldName, Name],
    Meta(
        min_length=1,
        max_length=MAX_MATCHED,
        description="What is to be compared, by field: one answer, yes or no, about all of it together.",
    ),
]


class AttestQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What predicates are asked about: on which day is it to be valid, which activity is it to cover."""

    valid_on: DayText | None = None
    covers: Name | None = None


class VerificationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question about one licence."""

    licence: LicenceQuestion
    purpose: Purpose | None = None
    operator: Operator | None = None
    match: MatchQuestion | None = None
    attest: AttestQuestion | None = None
    consent: Annotated[Word, Meta(description="The id of a consent that was registered.")] | None = None
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


class MatchAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The answer to a match question: one for everything that was asked; null with the reason when there is none."""

    outcome: bool | None
    reason: (
        Annotated[str, Meta(description="no-policy, not-comparable or not-counted; there exactly without an outcome.")]
        | UnsetType
    ) = UNSET


class FieldAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field: in which form it leaves, or that it is withheld and why.

    ``value`` is absent when the field is withheld, or may be compared only; ``reason`` is there when it is withheld.
    """

    form: Annotated[
        str, Meta(description="plain, mask:…, general:…, pseudonym:…, attest:…, exists, match or withheld.")
    ]
    value: (
        Annotated[
            str | bool | list[str | bool | None],
            Meta(description="A list where several holders have one each, in their order; null: not stated for one."),
        ]
        | UnsetType
    ) = UNSET
    reason: Annotated[str, Meta(description=f"One of: {', '.join(WITHHELD_SENTENCES)}.")] | UnsetType = UNSET


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How old the knowledge is."""

    source: Annotated[
        str, Meta(description="document: the file that came with the question; store: the gateway's own licences.")
    ]
    as_of: Annotated[
        str | None,
        Meta(
            description=(
                "The oldest outside knowledge that the verdict rests on: revocation information, the register; null: "
                "it rests on none."
            )
        ),
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
    """The verdict, and what the caller may see. ``receipt`` is null until the access log exists.

    ``policy`` is null while no sharing policy is in force; then every field that is asked for is withheld.
    """

    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    outcome: Outcome
    status: Annotated[str, Meta(description="Status in the register; unknown for documents, which cannot tell.")]
    format: Format | None
    reasons: list[Reason]
    explanations: list[Explanation]
    checks: list[CheckAnswer]
    signatures: list[SignatureAnswer]
    notes: list[str]
    fields: Annotated[
        dict[str, FieldAnswer],
        Meta(
            description="One entry for each name in the question's fields; without them, for all of the licence type."
        ),
    ]
    match: MatchAnswer | None
    freshness: Freshness
    policy: PolicyAnswer | None
    receipt: ReceiptAnswer | None


class ConsentRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that holders have given to the caller; it counts for questions that fit all of it."""

    holders: Annotated[
        list[Word],
        Meta(
            min_length=1, max_length=MAX_HOLDERS, description="The numbers of those who consent; kept as keyed hashes."
        ),
    ]
    items: Annotated[list[Word], Meta(min_length=1, max_length=MAX_NAMES)]
    licences: Annotated[
        list[Word], Meta(min_length=1, max_length=MAX_NAMES, description="Licence types, by their ids in the policy.")
    ]
    organisations: Annotated[
        list[Word],
        Meta(min_length=1, max_length=MAX_NAMES, description="Who may use it: unified social credit codes."),
    ]
    expires: Annotated[datetime, Meta(tz=True, description="From when it does not count; in five years at most.")]
    fields: Annotated[list[Word], Meta(min_length=1, max_length=MAX_CONSENT_FIELDS)] | None = None  # all


class ConsentAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that was registered; ``consent`` is what questions name."""

    consent: Annotated[str, Meta(pattern=CONSENT_ID_PATTERN)]
    given: str
    expires: str


class WithdrawalRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that holders have withdrawn."""

    consent: Word


class WithdrawalAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since when it is withdrawn; the first withdrawal counts."""

    consent: Annotated[str, Meta(pattern=CONSENT_ID_PATTERN)]
    withdrawn: str


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
    """A version of a trust list that changes so much that it waits for approval; shares of the one before it.

    ``loosens_signing``: fewer must sign the versions after it, or most of those who could sign are replaced.
    """

    name: str
    version: int
    in_force: int
    shrinkage: float
    growth: float
    loosens_signing: bool


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


class InForceReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy that was put in force last; ``validity`` says whether it decides anything today."""

    bundle: str
    name: str
    version: str
    valid_from: str
    valid_to: str
    since: str | None
    approvers: list[str]
    validity: Validity


class DraftReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy that is written in the site; ``needed`` is how many must approve it, 0 where nobody has to."""

    bundle: str
    version: str
    standing: Standing
    approvers: list[str]
    needed: int


class PolicyReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sharing policy stands, and in words; without one in force every field is withheld."""

    in_force: InForceReadiness | None
    draft: DraftReadiness | None
    zh: str
    en: str
    failure: Annotated[
        FailureReadiness | None, Meta(description="Why the policy, as it is written now, cannot be used.")
    ]


class PseudonymReadiness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether there is a key for pseudonyms; without one they are withheld."""

    configured: bool
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
    policy: PolicyReadiness
    pseudonyms: PseudonymReadiness


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
    budget: Annotated[str, Meta(description="Of budget.exceeded: the id of the budget.")] | UnsetType = UNSET
