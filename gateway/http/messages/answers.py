"""What is answered: the body of an answer to ``POST /v1/verifications``."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.credential import CredentialFault
from adapters.document import Format
from gateway.credential.answering import NotIssued
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.messages.problems import LineNumber
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from gateway.withheld import WITHHELD_SENTENCES
from policies.rule import AuditDepth

_DIGEST: Final = "^sha256:[0-9a-f]{64}$"


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
        Annotated[str, Meta(description="no-policy or not-comparable; there exactly without an outcome.")] | UnsetType
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
        str,
        Meta(
            description=(
                "document: the file that came with the question; store: the gateway's own licences; system:NAME: "
                "another system; none: no source is asked for such a licence."
            )
        ),
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
    status_as_of: Annotated[
        str | None,
        Meta(
            description=(
                "As of when the status is known: of the gateway's own store what was acknowledged 0.25 s before that "
                "counts; null: nobody was asked."
            )
        ),
    ]
    register: Annotated[
        str | None,
        Meta(
            description=(
                "store: the status is that of the gateway's own store; system:NAME: that of another system; null: no "
                "register knows the licence."
            )
        ),
    ]
    mapping: Annotated[
        str | None,
        Meta(
            description=(
                "The digest of the mapping file by which the answer of the system was read that register, else source, "
                "names; null: they name none. Its first 16 digits are in the entry of the log."
            )
        ),
    ]
    revocation_seq: int | None
    stale: Annotated[
        bool,
        Meta(
            description=(
                "Some revocation information that was needed was missing or too old, or a source could not be asked; "
                "also where what it said before that counts, as the question tolerates."
            )
        ),
    ]
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


class ObligationsAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What receiving it obliges to: the strictest of all rules that gave something."""

    audit: Annotated[AuditDepth, Meta(description="How fully the use is to be recorded, in the log of the caller too.")]
    keep_days: Annotated[int, Meta(ge=1, description="Days for which the record of what was received is to be kept.")]
    watermark: Annotated[bool, Meta(description="Wherever it is shown or printed it carries a watermark.")]


class WitnessedAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The newest size of the log that enough witnesses have cosigned, and when they last did."""

    size: Annotated[int, Meta(ge=1)]
    at: str


class ReceiptAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this answer stands in the log, with a tree that the log signed; the proof: ``/v1/receipts/{decision}``."""

    log: Annotated[str, Meta(description="The name of the log.")]
    index: Annotated[int, Meta(ge=0, description="The number of the entry.")]
    seq: Annotated[int, Meta(ge=1, description="The number among the caller's entries: a gap shows what is missing.")]
    leaf_hash: Annotated[str, Meta(description="The hash of the entry (RFC 6962), in base64.")]
    checkpoint: Annotated[str, Meta(description="Size and root of the log with the entry, signed (C2SP checkpoint).")]
    witnessed: Annotated[
        WitnessedAnswer | None,
        Meta(description="How much of the log enough witnesses have seen; null: nothing, or there are none."),
    ] = None


class FullReceiptAnswer(ReceiptAnswer, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt that proves itself: with the entry, and its inclusion in the log."""

    leaf: Annotated[str, Meta(description="The entry as the log has it; it names nobody.")]
    proof: Annotated[str, Meta(description="Inclusion in the tree of the newest checkpoint (C2SP tlog-proof).")]


class CredentialAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer as a credential for its holder (SD-JWT VC); null with the reason where there is none."""

    sd_jwt: Annotated[str | None, Meta(description="For the holder alone: everything in it is in the clear.")]
    reason: Annotated[
        str | None, Meta(description=f"One of: {', '.join([*CredentialFault, *NotIssued])}; there exactly without one.")
    ]
    type: Annotated[str | None, Meta(description="The vct.")]
    expires: str | None
    claims: Annotated[list[str], Meta(description="What it says, in the names of the credential.")]
    left_out: Annotated[
        dict[str, str],
        Meta(description="Fields of the answer that are no claims, since they left in another form than plain."),
    ]


class VerificationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The verdict, and what the caller may see.

    ``policy`` is null while no sharing policy is in force; then every field that is asked for is withheld.
    ``credential`` is there exactly where the question asks for one, and ``line`` where it is one of a batch.
    """

    line: LineNumber | UnsetType = UNSET
    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    outcome: Outcome
    status: Annotated[str, Meta(description="Status in the register; unknown where it does not know the licence.")]
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
    obligations: Annotated[ObligationsAnswer | None, Meta(description="Null exactly when nothing is shared.")]
    freshness: Freshness
    policy: PolicyAnswer | None
    receipt: ReceiptAnswer
    credential: CredentialAnswer | UnsetType = UNSET
