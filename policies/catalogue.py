"""Licence types with their fields, and the kinds of callers: what rules may speak about.

The types of a bundle are msgspec structs, read from TOML and written as canonical JSON without a second shape.
What a pattern means for people stands beside it, in ``extra``. Patterns end where the text ends: ``$`` would allow a
line break behind it.
"""

import re
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from policies.dimension import HolderType, Home
from policies.form import MAX_FORM

STATUS: Final = "status"  # the field, and its source; all that may be told of a licence that is not valid
HOLDER_CODE: Final = "holder-code"  # the source of the holder's number

MAX_TEXT: Final = 512  # characters of a name, a reason or a legal basis

# What nobody sees or what turns other text round: control characters, direction marks, zero-width and filler
# characters, surrogates, private use, non-characters. Code points and not categories, so that a bundle that is right
# stays right under every version of Unicode.
_HIDDEN: Final = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff"
)
_FIND_HIDDEN: Final = re.compile(f"[{_HIDDEN}]")
_VISIBLE: Final = rf"(?!\s)[^{_HIDDEN}]+(?<!\s)"

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z",
        extra={
            "zh": "至多 64 个小写字母、数字和连字符",
            "en": "at most 64 lower-case letters, digits and hyphens",
        },
    ),
]
FieldName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,63}\Z",
        extra={
            "zh": "以字母开头的至多 64 个小写字母、数字和下划线",
            "en": "at most 64 lower-case letters, digits and underscores, a letter first",
        },
    ),
]
Code = Annotated[  # item codes, licence type codes
    str,
    Meta(
        pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}\Z",
        extra={
            "zh": "至多 64 个字母、数字、点、下划线和连字符的代码",
            "en": "a code of at most 64 letters, digits, dots, underscores and hyphens",
        },
    ),
]
_TEXT_WORDS: Final = {
    "zh": f"至多 {MAX_TEXT} 个可见字符，首尾无空格",
    "en": f"at most {MAX_TEXT} visible characters, no space at either end",
}
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, pattern=rf"^{_VISIBLE}\Z", extra=_TEXT_WORDS)]
OptionalText = Annotated[str, Meta(max_length=MAX_TEXT, pattern=rf"^(?:{_VISIBLE})?\Z", extra=_TEXT_WORDS)]
Source = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}\Z",
        extra={
            "zh": "证照属性（如 holder-name）或元数据元素标签（如 KZ_ZS）",
            "en": "an attribute of the licence, such as holder-name, or the tag of a metadata element, such as KZ_ZS",
        },
    ),
]
FormText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_FORM,
        extra={"zh": "提供形式，如 plain 或 mask:name", "en": "a form, such as plain or mask:name"},
    ),
]
Residual = Annotated[  # beyond a billion candidates nothing is known any more
    int, Meta(ge=1, le=1_000_000_000)
]

Some = Meta(min_length=1)  # an empty list would accept nothing, which nobody means

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


class About(StrEnum):
    """What a field says of a person, where it is something that the citizen number says too (GB 11643—1999)."""

    BIRTH = "birth"
    SEX = "sex"
    PLACE = "place"


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field of a licence type.

    ``source`` says where its value stands: an attribute of the neutral licence (`holder-name`, `holder-code`,
    `number`, `issued-on` …) or the tag of a metadata element (`KZ_ZS`). ``basis``: for class none, the law.
    ``about``: whether it says the holder's birth, sex or place, which narrows down the holder's number.
    """

    type: ValueType
    source: Source
    zh: Text
    en: Text
    share: ShareClass = ShareClass.UNCLASSIFIED
    sensitivity: Sensitivity = Sensitivity.SENSITIVE
    basis: OptionalText = ""
    about: About | None = None

    @property
    def may_be_shared(self) -> bool:
        """Say whether any rule may grant it."""
        return self.share in {ShareClass.UNCONDITIONAL, ShareClass.CONDITIONAL}


class LicenceType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A licence type (证照类型): how documents name it, who may hold it, which fields it has."""

    id: Slug
    zh: Text
    en: Text
    fields: Annotated[dict[FieldName, Field], Some]
    holders: Annotated[tuple[HolderType, ...], Some] = tuple(HolderType)
    codes: tuple[Code, ...] = ()  # ZZLXDM


class CallerKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A kind of caller, and whether such callers belong to this province, to partners, or both."""

    id: Slug
    zh: Text
    en: Text
    home: Annotated[tuple[Home, ...], Some] = tuple(Home)


def find_hidden(text: str) -> str:
    """Return the first character that no text of a policy may hold, because people would not see it; "" for none."""
    found = _FIND_HIDDEN.search(text)
    return found[0] if found else ""
