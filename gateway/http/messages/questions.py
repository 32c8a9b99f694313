"""What is asked: the body of ``POST /v1/verifications``."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from adapters.document import Format
from gateway.http.messages.texts import Coordinate, DayText, FieldName, Name, Word
from keys.ocsp_stapled import MAX_STAPLED, MAX_STAPLED_BYTES

MAX_TOLERANCE_SECONDS: Final = 86_400  # older knowledge than a day's is no answer to "is it in force"
MAX_FIELDS: Final = 256  # no licence type has more
MAX_MATCHED: Final = 8  # fields of one comparison; a name, a number and a date are three


class LicenceQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The licence: its document, or what a source finds it by, or a code that its holder shows."""

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
    code: (
        Annotated[
            Name, Meta(description="A presentation code (亮证码), which works once, or what a QR code of it says.")
        ]
        | None
    ) = None


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


class HolderKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The holder's public key, as JWK with nothing in it but the key."""

    kty: Annotated[str, Meta(description="EC or OKP.")]
    crv: Annotated[str, Meta(description="P-256, Ed25519, or SM2, which is a private name.")]
    x: Coordinate
    y: Annotated[Coordinate | None, Meta(description="For EC.")] = None


class CredentialQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the answer is wanted as a credential of the holder too (SD-JWT VC), bound to this key."""

    holder_key: HolderKey


class VerificationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question about one licence."""

    licence: LicenceQuestion
    purpose: Purpose | None = None
    operator: Operator | None = None
    match: MatchQuestion | None = None
    attest: AttestQuestion | None = None
    consent: Annotated[Word, Meta(description="The id of a consent that was registered.")] | None = None
    fields: Annotated[list[Word], Meta(max_length=MAX_FIELDS)] | None = None
    credential: CredentialQuestion | None = None
    tolerance_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_TOLERANCE_SECONDS,
            description="How old an answer of another system may be while that cannot be asked; 0: never an old one.",
        ),
    ] = 0
