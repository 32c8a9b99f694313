"""Consents as they are registered and withdrawn: the bodies of ``/v1/consents``."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from gateway.consent.record import CONSENT_ID_PATTERN, MAX_FIELDS, MAX_HOLDERS, MAX_NAMES
from gateway.decision import DECISION_ID_PATTERN
from gateway.http.messages.answers import ReceiptAnswer
from gateway.http.messages.texts import Word


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
    fields: Annotated[list[Word], Meta(min_length=1, max_length=MAX_FIELDS)] | None = None  # all


class ConsentAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that was registered; ``consent`` is what questions name."""

    consent: Annotated[str, Meta(pattern=CONSENT_ID_PATTERN)]
    given: str
    expires: str
    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    receipt: ReceiptAnswer


class WithdrawalRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that holders have withdrawn."""

    consent: Word


class WithdrawalAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since when it is withdrawn; the first withdrawal counts."""

    consent: Annotated[str, Meta(pattern=CONSENT_ID_PATTERN)]
    withdrawn: str
    decision: Annotated[str, Meta(pattern=DECISION_ID_PATTERN)]
    receipt: ReceiptAnswer
