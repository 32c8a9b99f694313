"""A service item (事项) and its ceiling: the most that it may ever receive (用证清单)."""

from typing import Annotated

from msgspec import Meta, Struct

from policies.catalogue import Code, FieldName, FormText, OptionalText, Residual, Slug, Some, Text
from policies.dimension import Consent

Day = Annotated[  # as quoted text: TOML dates are no JSON
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z",
        extra={"zh": '日期，如 "2026-01-01"', "en": 'a day, such as "2026-01-01"'},
    ),
]


class CaseRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a case number (办件编号) of the item looks like; the pattern is anchored at both ends.

    ``pattern`` is a regular expression of literals, classes and counted repetition only, so that matching is linear;
    `policies.validation.pattern` says exactly which.
    """

    pattern: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            extra={"zh": "办件编号的格式，如 BDC[0-9]{8}", "en": "the form of case numbers, such as BDC[0-9]{8}"},
        ),
    ] = r"[0-9A-Za-z-]{1,64}"
    required: bool = True


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An item: its legal basis, the licences it may ask for, and for each field the forms that it may receive.

    It is in force from the day ``valid_from`` to before the day ``valid_to``, in China Standard Time.
    ``residual`` accepts plans that leave fewer candidates for a holder's number than the bundle's threshold.
    """

    id: Code
    zh: Text
    en: Text
    purpose: Slug
    basis: Text
    licences: Annotated[tuple[Slug, ...], Some]
    consent: Consent
    ceiling: Annotated[dict[FieldName, Annotated[tuple[FormText, ...], Some]], Some]
    valid_from: Day
    valid_to: Day
    case: CaseRule = CaseRule()
    residual: Residual | None = None
    why_residual: OptionalText = ""


def possible_consents(item: Item) -> tuple[Consent, ...]:
    """Return what consent a question about this item can have: holders need not have given it where it is asked for."""
    return (Consent.GIVEN, Consent.NONE) if item.consent is Consent.GIVEN else (item.consent,)
