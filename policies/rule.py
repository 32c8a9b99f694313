"""Sharing rules (共享规则), and what stands beside them: limits on forms together, budgets, tests."""

from enum import StrEnum
from typing import Annotated, Final, Generic, TypeVar

from msgspec import Meta, Struct

from policies.catalogue import Code, FieldName, FormText, Slug, Some, Text
from policies.dimension import AgeClass, Consent, HolderType, Home, LicenceStatus, OutcomeClass

RuleId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        extra={
            "zh": "至多 64 个字母、数字、点、下划线和连字符的编号",
            "en": "an id of at most 64 letters, digits, dots, underscores and hyphens",
        },
    ),
]


class AuditDepth(StrEnum):
    """How fully the access log records an answer; later members are fuller."""

    BRIEF = "brief"
    FULL = "full"


class CallerCondition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which callers."""

    kind: Annotated[tuple[Slug, ...], Some] | None = None
    home: Annotated[tuple[Home, ...], Some] | None = None


class LicenceCondition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which licences."""

    type: Annotated[tuple[Slug, ...], Some] | None = None
    status: Annotated[tuple[LicenceStatus, ...], Some] | None = None


class HolderCondition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which holders."""

    type: Annotated[tuple[HolderType, ...], Some] | None = None
    age: Annotated[tuple[AgeClass, ...], Some] | None = None


class Obligations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What sharing obliges to. Merged over all matching rules: fullest audit, longest keeping, lowest rate, any mark.

    ``keep_days``: how long the record of provision is kept. ``per_minute``: questions of one official; None: no limit.
    """

    audit: AuditDepth = AuditDepth.FULL
    keep_days: Annotated[int, Meta(ge=1, le=36_525)] = 1095  # three years, PIPL art. 56
    per_minute: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    watermark: bool = False


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule: whom it accepts, and the forms it grants.

    A dimension that is not mentioned accepts every known value, but ``outcome`` accepts `valid` only, and ``consent``
    what the item asks for: a rule that gives something without the consent that an item asks for says `none`. One that
    only withholds does so whatever the consent is.
    ``grant`` names for each field a form, or a form and `match` besides. ``overrides`` names rules that lose to this:
    of a field that both mention, all that they grant, also where this rule grants `match` alone, and where this rule
    itself loses to a third one. So an override can only take away.
    """

    id: RuleId
    why: Text
    basis: Text
    grant: Annotated[dict[FieldName, FormText | Annotated[tuple[FormText, ...], Some]], Some]
    item: Annotated[tuple[Code, ...], Some] | None = None
    caller: CallerCondition = CallerCondition()
    licence: LicenceCondition = LicenceCondition()
    holder: HolderCondition = HolderCondition()
    consent: Annotated[tuple[Consent, ...], Some] | None = None
    outcome: Annotated[tuple[OutcomeClass, ...], Some] = (OutcomeClass.VALID,)
    oblige: Obligations = Obligations()
    overrides: tuple[RuleId, ...] = ()

    @property
    def wants_consent_asked(self) -> bool:
        """Say whether it accepts that consent only which the item asks for: it gives something, and does not say."""
        return self.consent is None and any(forms not in _PROTECTED for forms in self.grant.values())


_PROTECTED: Final = ("withheld", ("withheld",))


class Together(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Fields that may not all have one of these kinds of forms in one answer, because together they identify."""

    fields: Annotated[tuple[FieldName, ...], Meta(min_length=2)]
    forms: Annotated[tuple[FormText, ...], Some]  # kinds, such as mask and plain
    why: Text


class BudgetSubject(StrEnum):
    """What a budget counts for each of."""

    CALLER = "caller"
    OFFICIAL = "official"
    SUBJECT = "subject"
    CASE = "case"
    ITEM = "item"


class Counted(StrEnum):
    """What a budget counts."""

    QUESTIONS = "questions"
    MATCHES = "matches"  # questions that compare, whatever comes out
    MISSES = "misses"  # comparisons that failed, and licences that were not found
    SUBJECTS = "subjects"  # different holders
    NEIGHBOURS = "neighbours"  # questions about numbers one step beside one that was asked before


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much may be asked: at most ``limit`` in ``window_seconds`` for each combination of ``per``."""

    id: Slug
    zh: Text
    en: Text
    counts: Counted
    per: Annotated[tuple[BudgetSubject, ...], Some]
    limit: Annotated[int, Meta(ge=1, le=10_000_000)]
    window_seconds: Annotated[int, Meta(ge=1, le=31_622_400)]
    item: tuple[Code, ...] = ()  # empty: all
    caller: tuple[Slug, ...] = ()  # empty: all kinds


_Value_co = TypeVar("_Value_co", covariant=True)


class Except(
    Struct, Generic[_Value_co], frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"values": "except"}
):
    """All values of a dimension but these: `{ except = ["counter"] }`."""

    values: Annotated[tuple[_Value_co, ...], Some]


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contexts of a test: of each dimension one value, a list, or all but some; every combination that can occur.

    What is not said stands for everything: every kind of caller, every licence type of the item, holders of every
    type and age; but for consent as the item asks for it, and for a licence that is active and valid.
    """

    item: Code | Annotated[tuple[Code, ...], Some] | Except[Code]
    caller: Slug | Annotated[tuple[Slug, ...], Some] | Except[Slug] | None = None
    home: Home | Annotated[tuple[Home, ...], Some] | Except[Home] | None = None
    licence: Slug | Annotated[tuple[Slug, ...], Some] | Except[Slug] | None = None
    status: LicenceStatus | Annotated[tuple[LicenceStatus, ...], Some] | Except[LicenceStatus] = LicenceStatus.ACTIVE
    holder: HolderType | Annotated[tuple[HolderType, ...], Some] | Except[HolderType] | None = None
    age: AgeClass | Annotated[tuple[AgeClass, ...], Some] | Except[AgeClass] | None = None
    consent: Consent | Annotated[tuple[Consent, ...], Some] | Except[Consent] | None = None
    outcome: OutcomeClass | Annotated[tuple[OutcomeClass, ...], Some] | Except[OutcomeClass] = OutcomeClass.VALID


class PolicyTest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An example beside the rules: in these contexts exactly these fields leave, in these forms; all others do not.

    Where anything leaves, it obliges to exactly ``obligations``, merged; what is not said is as in a rule that says
    nothing.
    """

    name: Text
    given: Given
    expect: dict[FieldName, FormText | Annotated[tuple[FormText, ...], Some]]
    obligations: Obligations = Obligations()
