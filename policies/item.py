"""A service item (事项) and its ceiling: the most that it may ever receive (用证清单)."""

from typing import Annotated

from msgspec import Meta, Struct

from policies.catalogue import Code, FieldName, Slug, Text
from policies.dimension import Consent

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]  # as quoted text: TOML dates are no JSON


class CaseRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a case number (办件编号) of the item looks like; the pattern is anchored at both ends.

    ``pattern`` is a regular expression of literals, classes and counted repetition only, so that matching is linear.
    """

    pattern: Annotated[str, Meta(min_length=1, max_length=128)] = r"[0-9A-Za-z-]{1,64}"
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
    licences: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    consent: Consent
    ceiling: dict[FieldName, Annotated[tuple[str, ...], Meta(min_length=1)]]
    valid_from: Day
    valid_to: Day
    case: CaseRule = CaseRule()
    residual: Annotated[int, Meta(ge=1)] | None = None
    why_residual: str = ""
