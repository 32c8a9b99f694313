"""What a decision depends on: nine dimensions, each with a closed set of values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Dimension(StrEnum):
    """The dimensions; the values of `ITEM`, `CALLER` and `LICENCE` come from the bundle, all others are fixed."""

    ITEM = "item"  # 事项
    CALLER = "caller"  # kind of system that asks: counter, notary office …
    HOME = "home"  # whether it belongs to this province or to a partner
    LICENCE = "licence"  # licence type
    STATUS = "status"
    HOLDER = "holder"
    AGE = "age"
    CONSENT = "consent"
    OUTCOME = "outcome"


class Home(StrEnum):
    """Where the caller belongs."""

    OWN = "own"
    PARTNER = "partner"


class LicenceStatus(StrEnum):
    """The status of a licence; a document alone says `unknown`."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class HolderType(StrEnum):
    """Who holds the licence; a sole trader (个体工商户) is protected like a person."""

    PERSON = "person"
    SOLE_TRADER = "sole-trader"
    ORGANISATION = "organisation"


class AgeClass(StrEnum):
    """The age of the youngest holder; `undetermined` where no birth date is known."""

    UNDER_14 = "under-14"  # PIPL art. 28 and 31: sensitive, with a guardian's consent
    MINOR = "minor"  # 14 to 17
    ADULT = "adult"
    UNDETERMINED = "undetermined"
    NOT_APPLICABLE = "not-applicable"  # organisations, and nobody else


class Consent(StrEnum):
    """On what ground the holder's data may be used."""

    NONE = "none"
    GIVEN = "given"
    STATUTORY = "statutory"


class OutcomeClass(StrEnum):
    """What the checks of the licence added up to."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


FIXED_VALUES: Final[Mapping[Dimension, tuple[str, ...]]] = {
    Dimension.HOME: tuple(Home),
    Dimension.STATUS: tuple(LicenceStatus),
    Dimension.HOLDER: tuple(HolderType),
    Dimension.AGE: tuple(AgeClass),
    Dimension.CONSENT: tuple(Consent),
    Dimension.OUTCOME: tuple(OutcomeClass),
}


class Context(NamedTuple):
    """The facts of one question, a value for each dimension; a value that the bundle does not know grants nothing."""

    item: str
    caller: str
    home: str
    licence: str
    status: str
    holder: str
    age: str
    consent: str
    outcome: str


def is_party(holder: str, age: str) -> bool:
    """Say whether this holder type and age class occur together: organisations, and they alone, have no age."""
    return (holder == HolderType.ORGANISATION) == (age == AgeClass.NOT_APPLICABLE)


# Adults come first, so that examples of what a policy does are about nobody special.
PARTIES: Final[tuple[tuple[str, str], ...]] = tuple(
    (holder.value, age.value)
    for holder in HolderType
    for age in (AgeClass.ADULT, *(age for age in AgeClass if age is not AgeClass.ADULT))
    if is_party(holder, age)
)
