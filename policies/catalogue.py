"""Licence types with their fields, and the kinds of callers: what rules may speak about.

The types of a bundle are msgspec structs, read from TOML and written as canonical JSON without a second shape.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from policies.dimension import HolderType, Home

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Code = Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]  # item codes, licence type codes
Text = Annotated[str, Meta(min_length=1, max_length=512)]
Source = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]

MAX_FIELDS: Final = 200  # of one licence type; the largest met has about 60


class ValueType(StrEnum):
    """What a field holds; it says which forms the field can take."""

    NAME = "name"
    CITIZEN_ID = "citizen-id"
    CREDIT_CODE = "credit-code"
    HOLDER_CODE = "holder-code"  # number of a holder of any kind: citizen number, credit code, passport …
    PASSPORT = "passport"
    PHONE = "phone"
    ADDRESS = "address"
    PLATE = "plate"
    BANK_CARD = "bank-card"
    EMAIL = "email"
    DATE = "date"
    AMOUNT = "amount"
    AREA = "area"  # an administrative division
    CODE = "code"  # a licence number, an identifier, a code from a list
    TERM = "term"  # a word from a list: sex, class of vehicle, status
    LIST = "list"  # several terms in one text: business scope, permitted activities
    TEXT = "text"  # free text
    IMAGE = "image"


class ShareClass(StrEnum):
    """The class of the sharing catalogue (政务数据共享条例 art. 15: 无条件、有条件、不予共享)."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"
    UNCLASSIFIED = "unclassified"  # nobody has decided yet: withheld for everyone


class Sensitivity(StrEnum):
    """How much a field may harm its holder."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field of a licence type.

    ``source`` says where its value stands: an attribute of the neutral licence (`holder-name`, `holder-code`,
    `number`, `issued-on` …) or the tag of a metadata element (`KZ_ZS`). ``basis``: for class none, the law.
    """

    type: ValueType
    source: Source
    zh: Text
    en: Text
    share: ShareClass = ShareClass.UNCLASSIFIED
    sensitivity: Sensitivity = Sensitivity.SENSITIVE
    basis: str = ""

    @property
    def may_be_shared(self) -> bool:
        """Say whether any rule may grant it."""
        return self.share in {ShareClass.UNCONDITIONAL, ShareClass.CONDITIONAL}


class LicenceType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A licence type (证照类型): how documents name it, who may hold it, which fields it has."""

    id: Slug
    zh: Text
    en: Text
    fields: dict[FieldName, Field]
    holders: tuple[HolderType, ...] = tuple(HolderType)
    codes: tuple[Code, ...] = ()  # ZZLXDM


class CallerKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A kind of caller, and whether such callers belong to this province, to partners, or both."""

    id: Slug
    zh: Text
    en: Text
    home: tuple[Home, ...] = tuple(Home)
