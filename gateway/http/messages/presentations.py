"""Presentations as holders ask for them: the bodies of ``/holder/v1/presentations``."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.decision import DECISION_ID_PATTERN
from gateway.http.messages.answers import ReceiptAnswer
from gateway.http.messages.texts import Name, Word
from gateway.presentations.code import CODE_PATTERN, QR_PATTERN
from gateway.presentations.presentation import MAX_SECONDS, MIN_SECONDS, USUAL_SECONDS

MAX_ITEMS: Final = 16  # of one code: whoever shows a licence knows what for


class PresentationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A licence of the holder who signed in, by its identifier or by number and type."""

    identifier: Annotated[Name, Meta(description="The identifier of GB/T 36904.")] | None = None
    number: Annotated[Name, Meta(description="The number of the licence (ZZBH); `type` belongs to it.")] | None = None
    type: Annotated[Name, Meta(description="The type of the licence: its code (ZZLXDM) or its name (ZZMC).")] | None = (
        None
    )
    items: (
        Annotated[
            list[Word],
            Meta(min_length=1, max_length=MAX_ITEMS, description="The items that the code may be used for; null: any."),
        ]
        | None
    ) = None
    seconds: Annotated[int, Meta(ge=MIN_SECONDS, le=MAX_SECONDS, description="For how long the code is good.")] = (
        USUAL_SECONDS
    )


class PresentationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code that works once; what it is worth is judged when it is used."""

    code: Annotated[str, Meta(pattern=CODE_PATTERN, description="The code, for people.")]
    qr: Annotated[str, Meta(pattern=QR_PATTERN, description="What to show as a QR code (alphanumeric mode).")]
    expires: Annotated[str, Meta(description="From when it does not count.")]
    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    receipt: ReceiptAnswer
