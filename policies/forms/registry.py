"""The registry of schemes: every form that a policy may name, what it does, and what it gives away."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from policies.catalogue import ValueType
from policies.form import EXISTS, MATCH, PLAIN, WITHHELD, Form, FormKind
from policies.forms import address, amount, day, name, phone, whole
from policies.forms.attest import COVERS, VALID_ON, age_asked, age_at_least, covers, valid_on
from policies.forms.bank_card import mask_bank_card
from policies.forms.candidates import (
    PEOPLE_OF_A_COMMON_SURNAME,
    PEOPLE_OF_A_COUNTY,
    PEOPLE_OF_A_RARE_SURNAME,
    number_candidates,
)
from policies.forms.citizen import MASKS, mask_of
from policies.forms.credit_code import mask_credit_code
from policies.forms.known import (
    ALL_KNOWN,
    BAND,
    COUNTIES_OF_A_CITY,
    DAY,
    MONTH,
    NOTHING_KNOWN,
    YEAR,
    Known,
    Mask,
    known_of_age,
)
from policies.forms.mail import LONGEST_MAIL, mask_mail
from policies.forms.passport import mask_passport
from policies.forms.plate import mask_plate
from policies.forms.pseudonym import pseudonym_in
from policies.forms.samples import digest_outputs
from policies.forms.scheme import Apply, Gives, Scheme
from policies.forms.tables import TABLES_DIGEST

_EVERY: Final = frozenset(ValueType)
_COMPARABLE: Final = _EVERY - {ValueType.TEXT, ValueType.IMAGE}
_PERSONS_NUMBER: Final = frozenset({ValueType.CITIZEN_ID, ValueType.HOLDER_CODE})
_PASSPORTS: Final = frozenset({ValueType.PASSPORT, ValueType.HOLDER_CODE})
_CREDIT_CODES: Final = frozenset({ValueType.CREDIT_CODE, ValueType.HOLDER_CODE})
_PLACES: Final = frozenset({ValueType.ADDRESS, ValueType.AREA})
_DATES: Final = frozenset({ValueType.DATE})
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}").fullmatch

_DAYS_OF_A_YEAR: Final = 365
_DAYS_OF_A_MONTH: Final = 28
_DAYS_OF_A_BAND: Final = 3652
_SMALLEST_BAND_YUAN: Final = 10_000  # 0–1 万
_MOBILE_MIDDLES: Final = 10**4
_MOBILE_BEGINNINGS: Final = 7 * 10**5  # 13 to 19, and five digits
_LANDLINES: Final = 8 * 10**4  # seven digits of which two are shown, the first not 0 or 1
_CARDS: Final = 10**5  # sixteen digits of a known bank: six hidden, and Luhn's digit leaves one of ten
_PASSPORTS_ALIKE: Final = 10**3  # six characters, four of them digits of which the last is shown
_PLATES: Final = 10**4  # four hidden characters that are at least digits
_SHOWN_WHOLE: Final = 1  # the code of an organisation
_ONE_MAILBOX: Final = 1  # a domain may have a single user


def _for_any(apply: Apply) -> Callable[[ValueType], Apply]:
    """Return what makes a form in the same way of values of any type."""
    return lambda _: apply


def _coarser(
    form: str,
    apply: Apply,
    accepts: frozenset[ValueType],
    *,
    reveals: int | None,
    residual: int,
    zh: str,
    en: str,
    tells: Known = NOTHING_KNOWN,
    number: Mask | None = None,
) -> Scheme:
    return Scheme(
        form=Form.parse(form), accepts=accepts, gives=Gives.TEXT, apply_to=_for_any(apply), reveals=reveals,
        residual=residual, tells=tells, number=number, also_reads=frozenset(), zh=zh, en=en,
    )  # fmt: skip


def _attest(
    scheme: str,
    apply: Apply,
    accepts: frozenset[ValueType],
    zh: str,
    en: str,
    *,
    tells: Known = NOTHING_KNOWN,
    reveals: int | None = 0,
    also_reads: frozenset[str] = frozenset(),
) -> Scheme:
    return Scheme(
        form=Form(FormKind.ATTEST, scheme), accepts=accepts, gives=Gives.YES_NO, apply_to=_for_any(apply),
        reveals=reveals, residual=None, tells=tells, number=None, also_reads=also_reads, zh=zh, en=en,
    )  # fmt: skip


def _id_mask(scheme: str, mask: Mask) -> Scheme:
    head, tail = mask
    first = f"前{head}位" if head else ""
    last = f"后{tail}位" if tail else ""
    shown = " and ".join(
        part for part in (f"the first {head}" if head else "", f"the last {tail}" if tail else "") if part
    )
    return _coarser(
        f"mask:{scheme}", mask_of(mask), _PERSONS_NUMBER,
        reveals=head + tail, residual=number_candidates(mask, NOTHING_KNOWN), number=mask,
        zh=f"公民身份号码，显示{first}{'和' if head and tail else ''}{last}", en=f"citizen number, {shown} shown",
    )  # fmt: skip


def _whole(
    form: Form,
    apply: Apply,
    gives: Gives,
    *,
    zh: str,
    en: str,
    tells: Known = NOTHING_KNOWN,
    number: Mask | None = None,
) -> Scheme:
    reveals, residual = (None, 1) if form is PLAIN else (0, None)
    return Scheme(
        form=form, accepts=_COMPARABLE if form is MATCH else _EVERY, gives=gives, apply_to=_for_any(apply),
        reveals=reveals, residual=residual, tells=tells, number=number, also_reads=frozenset(), zh=zh, en=en,
    )  # fmt: skip


_COUNTY: Final = Known(counties=1)
_CITY: Final = Known(counties=COUNTIES_OF_A_CITY)
_YEAR_OF_BIRTH: Final = Known(birth_months=YEAR)
_MONTH_OF_BIRTH: Final = Known(birth_months=MONTH)
_BAND_OF_BIRTH: Final = Known(birth_months=BAND)
_NAMES: Final = frozenset({ValueType.NAME})
_PHONES: Final = frozenset({ValueType.PHONE})
_AMOUNTS: Final = frozenset({ValueType.AMOUNT})
_ADDRESSES: Final = frozenset({ValueType.ADDRESS})
_ALL: Final = (
    _whole(PLAIN, whole.plain, Gives.VALUE, zh="原值", en="the value", tells=ALL_KNOWN),
    _whole(EXISTS, whole.exists, Gives.YES_NO, zh="有无该项信息", en="whether there is a value"),
    _whole(MATCH, whole.withheld, Gives.NOTHING, zh="比对是否一致", en="compared, yes or no", number=Mask(0, 0)),
    _whole(WITHHELD, whole.withheld, Gives.NOTHING, zh="不提供", en="withheld"),
    _coarser(
        "mask:name", name.mask_name, _NAMES, reveals=name.MOST_SHOWN,
        residual=PEOPLE_OF_A_RARE_SURNAME,
        zh="姓名，只显示姓", en="name, the surname shown",
    ),
    _coarser(
        "mask:name-rare", name.mask_rare_name, _NAMES, reveals=1,
        residual=PEOPLE_OF_A_COMMON_SURNAME,
        zh="姓名，只显示常见的姓，少见的姓全部隐去", en="name, a surname shown only where it is common",
    ),
    *(_id_mask(scheme, mask) for scheme, mask in MASKS.items()),
    _coarser(
        "mask:passport-1-1", mask_passport, _PASSPORTS, reveals=2, residual=_PASSPORTS_ALIKE,
        zh="护照、通行证号码，显示首末各1位", en="passport or permit, the first and the last character shown",
    ),
    _coarser(
        "mask:card-0-4", mask_bank_card, frozenset({ValueType.BANK_CARD}), reveals=4, residual=_CARDS,
        zh="银行卡号，显示后4位", en="bank card, the last 4 digits shown",
    ),
    _coarser(
        "mask:phone-3-4", phone.mask_phone_3_4, _PHONES, reveals=7, residual=_MOBILE_MIDDLES,
        zh="电话号码，手机显示前3位和后4位，固定电话显示区号和后2位",
        en="telephone, shown are the first 3 and the last 4 digits of a mobile number, "
        "area code and the last 2 of a landline",
    ),
    _coarser(
        "mask:phone-0-4", phone.mask_phone_0_4, _PHONES, reveals=4, residual=_MOBILE_BEGINNINGS,
        zh="手机号码，显示后4位", en="mobile number, the last 4 digits shown",
    ),
    _coarser(
        "mask:landline", phone.mask_landline, _PHONES, reveals=6, residual=_LANDLINES,
        zh="固定电话号码，显示区号和后2位", en="landline, area code and the last 2 digits shown",
    ),
    _coarser(
        "mask:addr-district", address.mask_address, _ADDRESSES, reveals=address.LONGEST_PLACE,
        residual=PEOPLE_OF_A_COUNTY,
        tells=_COUNTY, zh="地址，显示到区县", en="address, shown down to the district",
    ),
    _coarser(
        "mask:plate-2-1", mask_plate, frozenset({ValueType.PLATE}), reveals=3, residual=_PLATES,
        zh="车牌号，显示前2位和末位", en="number plate, the first 2 characters and the last shown",
    ),
    _coarser(
        "mask:email", mask_mail, frozenset({ValueType.EMAIL}), reveals=LONGEST_MAIL, residual=_ONE_MAILBOX,
        zh="电子邮箱，显示首字母和域名", en="e-mail, first letter and domain shown",
    ),
    _coarser(
        "mask:credit-code", mask_credit_code, _CREDIT_CODES, reveals=None, residual=_SHOWN_WHOLE,
        zh="统一社会信用代码，单位的全部显示，个体工商户的只显示前2位和末位",
        en="credit code, whole for organisations, of a sole trader the first 2 characters and the last",
    ),
    _coarser(
        "mask:date-year", day.mask_day, _DATES, reveals=4, residual=_DAYS_OF_A_YEAR,
        tells=_YEAR_OF_BIRTH, zh="日期，只显示年份", en="date, only the year shown",
    ),
    _coarser(
        "general:year", day.year_of, _DATES, reveals=4, residual=_DAYS_OF_A_YEAR,
        tells=_YEAR_OF_BIRTH, zh="年份", en="the year",
    ),
    _coarser(
        "general:year-month", day.month_of, _DATES, reveals=6, residual=_DAYS_OF_A_MONTH,
        tells=_MONTH_OF_BIRTH, zh="年月", en="year and month",
    ),
    _coarser(
        "general:age-band", day.age_band_of, _DATES, reveals=0, residual=_DAYS_OF_A_BAND,
        tells=_BAND_OF_BIRTH, zh="年龄段（每10岁一段）", en="age band of ten years",
    ),
    _coarser(
        "general:band", amount.band_of, _AMOUNTS, reveals=0, residual=_SMALLEST_BAND_YUAN,
        zh="金额区间", en="amount band",
    ),
    _coarser(
        "general:district", address.district_of, _PLACES, reveals=address.LONGEST_PLACE,
        residual=PEOPLE_OF_A_COUNTY,
        tells=_COUNTY, zh="所在区县", en="the district",
    ),
    _coarser(
        "general:city", address.city_of, _PLACES, reveals=address.LONGEST_PLACE,
        residual=COUNTIES_OF_A_CITY * PEOPLE_OF_A_COUNTY,
        tells=_CITY, zh="所在城市", en="the city",
    ),
    _attest(
        VALID_ON, valid_on, _DATES, "在指定日期是否有效", "valid on the asked day",
        tells=Known(birth_months=DAY), reveals=None, also_reads=frozenset({"valid-from"}),
    ),
    _attest(COVERS, covers, frozenset({ValueType.LIST}), "列有指定的经营项目", "names the asked activity"),
)  # fmt: skip

# Every form without a parameter, by its spelling.
SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType({str(scheme.form): scheme for scheme in _ALL})


@lru_cache(maxsize=1024)  # forms are named by policies: a few dozen
def scheme_of(form: Form) -> Scheme | None:
    """Return the scheme of a form, or None if there is none; also of `attest:age>=N` and `pseudonym:<domain>`."""
    if form.kind is FormKind.ATTEST and (years := age_asked(form.scheme)) is not None:
        accepts = _DATES | _PERSONS_NUMBER
        return _attest(
            form.scheme, age_at_least(years), accepts, f"是否年满{years}周岁", f"aged {years} or older",
            tells=known_of_age(years),
        )  # fmt: skip
    if form.kind is FormKind.PSEUDONYM and _DOMAIN(form.scheme):
        return Scheme(
            form=form, accepts=_COMPARABLE, gives=Gives.TEXT, apply_to=pseudonym_in(form.scheme), reveals=0,
            residual=None, tells=NOTHING_KNOWN, number=None, also_reads=frozenset(),
            zh=f"假名（{form.scheme}）", en=f"pseudonym ({form.scheme})",
        )  # fmt: skip
    return SCHEMES.get(str(form))


# Two forms with a parameter stand for all.
_WITH_PARAMETERS: Final = tuple(
    scheme for form in ("attest:age>=18", "pseudonym:sample") if (scheme := scheme_of(Form.parse(form))) is not None
)
# Enters the digest of every bundle. It changes by itself with the tables and with what the schemes make of the samples;
# raise the number for a change that no sample shows.
REGISTRY_VERSION: Final = "forms-2-" + digest_outputs((*_ALL, *_WITH_PARAMETERS), TABLES_DIGEST)[:16]
