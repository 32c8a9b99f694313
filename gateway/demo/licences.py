"""The values of the demo's licences: what each says, in which metadata elements, and how its page is laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.demo.numbers import credit_code, licence_identifier
from gateway.demo.offices import Branch, Office

CITIZEN = ("公民身份号码", "111")
ORGANISATION = ("统一社会信用代码", "001")

# The ministry's real code is public in its licence type code; the other defining authorities are invented.
_HOUSING_MINISTRY = "11100000000013338W"


def _invented_ministry(position: int) -> str:
    return credit_code("11", "100000", f"DEM{position:05d}")


class Kind(StrEnum):
    """The kinds of licence the demo issues; the value is the licence's name (ZZMC)."""

    BUSINESS = "营业执照"
    FOOD = "食品经营许可证"
    PROPERTY = "不动产权证书"
    CONSTRUCTOR = "二级建造师注册证书"
    BIRTH = "出生医学证明"
    MARRIAGE = "结婚证"
    SOCIAL_CARD = "社会保障卡"
    DRIVER = "道路运输从业资格证"


TYPE_CODES: Mapping[Kind, str] = {
    Kind.BUSINESS: f"{_invented_ministry(1)}001",
    Kind.FOOD: f"{_invented_ministry(1)}002",
    Kind.PROPERTY: f"{_invented_ministry(2)}001",
    Kind.CONSTRUCTOR: f"{_HOUSING_MINISTRY}001",
    Kind.BIRTH: f"{_invented_ministry(3)}001",
    Kind.MARRIAGE: f"{_invented_ministry(4)}001",
    Kind.SOCIAL_CARD: f"{_invented_ministry(5)}001",
    Kind.DRIVER: f"{_invented_ministry(6)}001",
}

BRANCHES: Mapping[Kind, Branch] = {
    Kind.BUSINESS: Branch.MARKET,
    Kind.FOOD: Branch.MARKET,
    Kind.PROPERTY: Branch.PROPERTY,
    Kind.CONSTRUCTOR: Branch.CONSTRUCTION,
    Kind.BIRTH: Branch.HEALTH,
    Kind.MARRIAGE: Branch.CIVIL_AFFAIRS,
    Kind.SOCIAL_CARD: Branch.LABOUR,
    Kind.DRIVER: Branch.TRANSPORT,
}


class Placement(StrEnum):
    """Where a file carries its GB/T 36903 metadata; producers differ, so the demo does."""

    CUSTOM_DATAS = "custom-datas"  # CustomDatas of OFD.xml
    ATTACHMENT = "attachment"  # an XML file listed in Attachments.xml
    CUSTOM_TAGS = "custom-tags"  # an XML file listed in CustomTags.xml


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A holder: a person or an organisation, with the number that identifies it."""

    name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A line of the licence's face; with a ``tag`` it is also an extension element of the metadata (KZ_...)."""

    label: str
    value: str
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What makes a file an annotated copy (加注件): who made it, why, and until when it may be used."""

    made_on: date
    made_by: str
    reason: str
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceDraft:
    """A licence before it is typeset and sealed; dates are days in China, ``valid_to`` None means long-term."""

    kind: Kind
    office: Office
    number: str
    serial: str
    holders: tuple[Party, ...]
    issued_on: date
    valid_from: date
    valid_to: date | None
    fields: tuple[Field, ...]
    second_page: tuple[Field, ...] = ()
    portrait_tone: int | None = None
    placement: Placement = Placement.CUSTOM_DATAS
    annotation: Annotation | None = None
    reviewed: bool = False  # carries a second seal, of the reviewing desk (审核专用章)

    @property
    def holder_type(self) -> tuple[str, str]:
        """Tell the kind of the holders' numbers, as text and as code."""
        return ORGANISATION if self.kind in {Kind.BUSINESS, Kind.FOOD} else CITIZEN

    @property
    def identifier(self) -> str:
        """Give the licence identifier of GB/T 36904."""
        return licence_identifier(TYPE_CODES[self.kind], self.office.code, self.serial)

    @property
    def validity(self) -> str:
        """Write the period as the face of the licence has it."""
        return f"{spell_day(self.valid_from)}至{'长期' if self.valid_to is None else spell_day(self.valid_to)}"

    @property
    def elements(self) -> Mapping[str, str]:
        """Collect the metadata elements of GB/T 36903, the extension elements of the kind among them."""
        spell = self.office.province.spell_date
        type_name, type_code = self.holder_type
        elements = {
            "ZZMC": str(self.kind),
            "ZZLXDM": TYPE_CODES[self.kind],
            "ZZBH": self.number,
            "ZZBS": self.identifier,
            "ZZBFJG": self.office.name,
            "ZZBFJGDM": self.office.code,
            "ZZBFRQ": spell(self.issued_on),
            "CZZT": "、".join(holder.name for holder in self.holders),
            "CZZTDM": "、".join(holder.code for holder in self.holders),
            "CZZTDMLX": type_name,
            "CZZTDMLXDM": type_code,
            "ZZYXQQSRQ": spell(self.valid_from),
            "ZZYXQJZRQ": "长期" if self.valid_to is None else spell(self.valid_to),
        }
        elements |= {field.tag: field.value for field in (*self.fields, *self.second_page) if field.tag}
        if self.annotation is not None:
            elements |= {
                "JZJZZSJ": spell(self.annotation.made_on),
                "JZJZZZ": self.annotation.made_by,
                "JZJZZSY": self.annotation.reason,
                "JZJYXQJZSJ": spell(self.annotation.valid_until),
            }
        return elements


def spell_day(day: date) -> str:
    """Write a day as Chinese print does."""
    return f"{day.year}年{day.month:02d}月{day.day:02d}日"
