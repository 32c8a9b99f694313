"""The twenty-four licences of the demo: invented people and companies of two provinces, dated relative to today."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.demo.licences import (
    BRANCHES,
    Annotation,
    Field,
    Kind,
    LicenceDraft,
    Party,
    Placement,
    spell_day,
)
from gateway.demo.offices import ANHUI, OFFICES, SHANDONG, Province
from gateway.demo.people import ANHUI_COMPANIES, ANHUI_PEOPLE, SHANDONG_COMPANIES, SHANDONG_PEOPLE, Company, Person

CHINA = CHINA_STANDARD_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a licence is issued on: the province, the day, and a running number that makes its numbers distinct."""

    province: Province
    day: date
    sequence: int

    def draft(self, kind: Kind, *holders: Party, years: int | None, fields: tuple[Field, ...]) -> LicenceDraft:
        """Start a draft of this kind by the province's office for it, valid from the day for so many years."""
        return LicenceDraft(
            kind=kind,
            office=OFFICES[self.province, BRANCHES[kind]],
            number=self.number(kind, holders[0]),
            serial=self.serial(kind),
            holders=holders,
            issued_on=self.day,
            valid_from=self.day,
            valid_to=None if years is None else years_after(self.day, years),
            fields=fields,
        )

    def number(self, kind: Kind, holder: Party) -> str:
        """Give the number of a licence, in the form of its kind."""
        province, sequence, year = self.province, self.sequence, self.day.year
        match kind:
            case Kind.BUSINESS | Kind.DRIVER:
                return holder.code
            case Kind.FOOD:
                return f"JY1{province.area}{sequence:07d}"
            case Kind.PROPERTY:
                return f"{province.short_name}（{year}）{province.city}不动产权第{sequence:07d}号"
            case Kind.CONSTRUCTOR:
                return f"{province.short_name}2{province.code}{year}{sequence:05d}"
            case Kind.BIRTH:
                return f"T{province.code}0{sequence:06d}"
            case Kind.MARRIAGE:
                return f"J{province.area}-{year}-{sequence:06d}"
            case Kind.SOCIAL_CARD:
                return f"{province.short_name}{province.code}{sequence:08d}"

    def serial(self, kind: Kind) -> str:
        """Give the running part of the licence identifier."""
        # Both forms are in use: nine digits, and a UUID (Shandong).
        if self.province is SHANDONG:
            return hashlib.sha256(f"{kind}{self.sequence}".encode()).hexdigest()[:32].upper()
        return f"{self.sequence:09d}"


def years_after(day: date, years: int) -> date:
    """Give the last day of a period of whole years that starts on the day."""
    month_day = (3, 1) if (day.month, day.day) == (2, 29) else (day.month, day.day)
    return date(day.year + years, *month_day) - timedelta(days=1)


def drafts(now: datetime) -> tuple[LicenceDraft, ...]:
    """Write all drafts, ten for each province; every one of them is in force at ``now``."""
    today = now.astimezone(CHINA).date()
    return _anhui(today) + _shandong(today)


def write_draft(kind: Kind, occasion: Occasion, company: Company, groom: Person, bride: Person) -> LicenceDraft:
    """Write the draft of a licence of any kind, for whoever of these such licences are for."""
    match kind:
        case Kind.BUSINESS:
            return _business(occasion, company)
        case Kind.FOOD:
            return _food(occasion, company)
        case Kind.PROPERTY:
            return _property(occasion, groom)
        case Kind.CONSTRUCTOR:
            return _constructor(occasion, groom)
        case Kind.BIRTH:
            return _birth(occasion, groom)
        case Kind.MARRIAGE:
            return _marriage(occasion, groom, bride)
        case Kind.SOCIAL_CARD:
            return _social_card(occasion, groom)
        case Kind.DRIVER:
            return _driver(occasion, groom)


def holders_of(kind: Kind, occasion: Occasion, company: Company, groom: Person, bride: Person) -> tuple[Party, ...]:
    """Return the holders of the licence that `write_draft` writes."""
    province = occasion.province
    match kind:
        case Kind.BUSINESS | Kind.FOOD:
            return (company.party(province),)
        case Kind.BIRTH:
            return (_newborn(occasion, groom).party(province),)
        case Kind.MARRIAGE:
            return groom.party(province), bride.party(province)
        case _:
            return (groom.party(province),)


def _anhui(today: date) -> tuple[LicenceDraft, ...]:
    def on(days: int) -> Occasion:
        return Occasion(province=ANHUI, day=today - timedelta(days=days), sequence=1000 + days)

    software, bakery, foundry = ANHUI_COMPANIES
    owner, heir, builder, child, groom, bride, worker, driver = ANHUI_PEOPLE
    return (
        _annotated(
            _business(on(610), software), today, by=f"{ANHUI.name}{ANHUI.city}公共资源交易中心", reason="投标报名"
        ),
        _business(on(355), bakery),
        _food(on(61), foundry),
        _property(on(704), owner),
        _property(on(203), heir),
        _constructor(on(418), builder),
        _birth(on(133), child),
        _marriage(on(287), groom, bride),
        _social_card(on(512), worker),
        replace(_driver(on(166), driver), placement=Placement.CUSTOM_TAGS),
    )


def _shandong(today: date) -> tuple[LicenceDraft, ...]:
    def on(days: int) -> Occasion:
        return Occasion(province=SHANDONG, day=today - timedelta(days=days), sequence=2000 + days)

    shipping, seafood = SHANDONG_COMPANIES
    owner, heir, builder, child, groom, bride, worker, driver = SHANDONG_PEOPLE
    return (
        _business(on(588), shipping),
        _business(on(301), seafood),
        replace(_food(on(296), seafood), reviewed=True),
        _annotated(
            _property(on(655), owner),
            today,
            by=f"{SHANDONG.name}{SHANDONG.city}住房公积金管理中心",
            reason="公积金贷款",
        ),
        replace(_property(on(148), heir), placement=Placement.ATTACHMENT),
        _constructor(on(377), builder),
        _birth(on(21), child),
        _marriage(on(240), groom, bride),
        replace(_social_card(on(469), worker), placement=Placement.ATTACHMENT),
        _driver(on(119), driver),
    )


def _annotated(draft: LicenceDraft, today: date, *, by: str, reason: str) -> LicenceDraft:
    made_on = today - timedelta(days=3)
    annotation = Annotation(made_on=made_on, made_by=by, reason=reason, valid_until=made_on + timedelta(days=90))
    return replace(draft, annotation=annotation)


def _business(occasion: Occasion, company: Company) -> LicenceDraft:
    holder = company.party(occasion.province)
    fields = (
        Field(label="名称", value=company.name),
        Field(label="类型", value="有限责任公司（自然人投资或控股）", tag="KZ_LX"),
        Field(label="法定代表人", value=company.person.name, tag="KZ_FDDBR"),
        Field(label="经营范围", value=company.scope, tag="KZ_JYFW"),
        Field(label="注册资本", value=company.capital, tag="KZ_ZCZB"),
        Field(label="成立日期", value=spell_day(occasion.day), tag="KZ_CLRQ"),
        Field(label="营业期限", value=f"{spell_day(occasion.day)}至长期", tag="KZ_YYQX"),
        Field(label="住所", value=f"{_street(occasion)}{occasion.sequence % 90 + 1}号", tag="KZ_ZS"),
    )
    return occasion.draft(Kind.BUSINESS, holder, years=None, fields=fields)


def _food(occasion: Occasion, company: Company) -> LicenceDraft:
    fields = (
        Field(label="经营者名称", value=company.name),
        Field(label="社会信用代码", value=company.party(occasion.province).code),
        Field(label="法定代表人", value=company.person.name, tag="KZ_FDDBR"),
        Field(label="经营场所", value=f"{_street(occasion)}{occasion.sequence % 90 + 1}号", tag="KZ_JYCS"),
        Field(label="主体业态", value="食品销售经营者", tag="KZ_ZTYT"),
        Field(label="经营项目", value="预包装食品（含冷藏冷冻食品）销售；散装食品销售；糕点类食品制售", tag="KZ_JYXM"),
        Field(label="日常监督机构", value=f"{occasion.province.city}市场监督管理综合执法支队", tag="KZ_RCJGJG"),
        Field(label="举报电话", value="12315", tag="KZ_JBDH"),
    )
    holder = company.party(occasion.province)
    return occasion.draft(Kind.FOOD, holder, years=5, fields=fields)


def _property(occasion: Occasion, owner: Person) -> LicenceDraft:
    province, sequence = occasion.province, occasion.sequence
    unit = f"{province.area}001002GB{sequence:05d}F{sequence % 40:04d}{sequence % 7:04d}"
    fields = (
        Field(label="权利人", value=owner.name),
        Field(label="共有情况", value="单独所有", tag="KZ_GYQK"),
        Field(
            label="坐落",
            value=f"{_street(occasion)}{sequence % 60 + 1}号院{sequence % 9 + 1}号楼2单元{sequence % 18 + 1}02室",
            tag="KZ_ZL",
        ),
        Field(label="不动产单元号", value=unit, tag="KZ_BDCDYH"),
        Field(label="权利类型", value="国有建设用地使用权／房屋所有权", tag="KZ_QLLX"),
        Field(label="权利性质", value="出让／市场化商品房", tag="KZ_QLXZ"),
        Field(label="用途", value="城镇住宅用地／成套住宅", tag="KZ_YT"),
        Field(
            label="面积", value=f"共有宗地面积{sequence * 7}.00㎡／房屋建筑面积{80 + sequence % 50}.36㎡", tag="KZ_MJ"
        ),
        Field(
            label="使用期限", value=f"国有建设用地使用权 {spell_day(years_after(occasion.day, 70))}止", tag="KZ_SYQX"
        ),
    )
    second_page = (
        Field(label="房屋结构", value="钢筋混凝土结构", tag="KZ_FWJG"),
        Field(
            label="专有面积", value=f"{64 + sequence % 50}.12㎡，分摊建筑面积{16 + sequence % 5}.24㎡", tag="KZ_ZYMJ"
        ),
        Field(label="总层数", value=f"{20 + sequence % 9}层，所在层第{sequence % 18 + 1}层", tag="KZ_ZCS"),
        Field(
            label="附记",
            value=f"业务编号：{occasion.day:%Y%m%d}{sequence:04d}。本证书附图一张，存登记档案。",
            tag="KZ_FJ",
        ),
    )
    draft = occasion.draft(Kind.PROPERTY, owner.party(province), years=None, fields=fields)
    return replace(draft, second_page=second_page)


def _constructor(occasion: Occasion, builder: Person) -> LicenceDraft:
    fields = (
        *_person_fields(occasion, builder),
        Field(label="注册专业", value="建筑工程、市政公用工程", tag="KZ_certClass"),
        Field(label="聘用企业", value=f"{occasion.province.city}恒基建设工程有限公司", tag="KZ_corpName"),
        Field(label="执业印章号", value=f"{occasion.province.code}2{occasion.sequence:07d}(01)", tag="KZ_sealNum"),
    )
    holder = builder.party(occasion.province)
    draft = occasion.draft(Kind.CONSTRUCTOR, holder, years=3, fields=fields)
    return replace(draft, portrait_tone=builder.order)


def _birth(occasion: Occasion, child: Person) -> LicenceDraft:
    baby = _newborn(occasion, child)
    fields = (
        Field(label="新生儿姓名", value=baby.name),
        Field(label="性别", value=baby.sex, tag="KZ_XB"),
        Field(label="出生时间", value=f"{spell_day(baby.born)}07时26分", tag="KZ_CSSJ"),
        Field(label="出生孕周", value="39周", tag="KZ_CSYZ"),
        Field(label="出生体重", value="3280克", tag="KZ_CSTZ"),
        Field(label="出生地点", value=f"{occasion.province.name}{occasion.province.city}妇幼保健院", tag="KZ_CSDD"),
        Field(label="母亲姓名", value="沈若溪", tag="KZ_MQXM"),
        Field(label="父亲姓名", value=f"{baby.name[0]}修远", tag="KZ_FQXM"),
    )
    return occasion.draft(Kind.BIRTH, baby.party(occasion.province), years=None, fields=fields)


def _newborn(occasion: Occasion, child: Person) -> Person:
    return replace(child, born=occasion.day - timedelta(days=9))


def _marriage(occasion: Occasion, groom: Person, bride: Person) -> LicenceDraft:
    couple = (groom.party(occasion.province), bride.party(occasion.province))
    fields = tuple(
        Field(label=label, value=value)
        for person, party in zip((groom, bride), couple, strict=True)
        for label, value in (
            ("姓名", f"{person.name}（{person.sex}）"),
            ("国籍", "中国"),
            ("出生日期", spell_day(person.born)),
            ("身份证件号", party.code),
        )
    )
    fields += (Field(label="登记日期", value=spell_day(occasion.day), tag="KZ_DJRQ"),)
    return occasion.draft(Kind.MARRIAGE, *couple, years=None, fields=fields)


def _social_card(occasion: Occasion, worker: Person) -> LicenceDraft:
    fields = (
        *_person_fields(occasion, worker),
        Field(label="社会保障号码", value=worker.party(occasion.province).code, tag="KZ_SHBZHM"),
        Field(label="参保地", value=f"{occasion.province.name}{occasion.province.city}", tag="KZ_CBD"),
        Field(label="卡状态", value="已启用", tag="KZ_KZT"),
    )
    holder = worker.party(occasion.province)
    draft = occasion.draft(Kind.SOCIAL_CARD, holder, years=10, fields=fields)
    return replace(draft, portrait_tone=worker.order)


def _driver(occasion: Occasion, driver: Person) -> LicenceDraft:
    holder = driver.party(occasion.province)
    fields = (
        *_person_fields(occasion, driver),
        Field(label="准驾车型", value="A2", tag="KZ_ZJCX"),
        Field(label="从业资格类别", value="经营性道路货物运输驾驶员", tag="KZ_CYZGLB"),
        Field(label="初次领证日期", value=spell_day(occasion.day), tag="KZ_CCLZRQ"),
        Field(label="住址", value=f"{_street(occasion)}{occasion.sequence % 90 + 1}号", tag="KZ_ZZ"),
    )
    draft = occasion.draft(Kind.DRIVER, holder, years=6, fields=fields)
    return replace(draft, portrait_tone=driver.order)


def _person_fields(occasion: Occasion, person: Person) -> tuple[Field, ...]:
    return (
        Field(label="姓名", value=person.name),
        Field(label="性别", value=person.sex, tag="KZ_XB"),
        Field(label="出生日期", value=spell_day(person.born), tag="KZ_CSRQ"),
        Field(label="身份证件号", value=person.party(occasion.province).code),
    )


def _street(occasion: Occasion) -> str:
    streets = ("望湖路", "青桐街", "文汇大道", "石榴巷", "观澜路")
    return f"{occasion.province.name}{occasion.province.city}{streets[occasion.sequence % len(streets)]}"
