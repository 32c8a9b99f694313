"""The facts of one question: from a licence, its verdict and its caller to the context that a policy decides about.

Nothing is guessed. What is not certain becomes `UNKNOWN`, which no rule accepts, or an undetermined age.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from adapters.licence import Holder, Licence, LicenceFlag
from adapters.metadata import parse_date
from gateway.callers import Caller
from gateway.pipeline import Verified
from gateway.remembered import Remembered
from gateway.sources.source import key_text
from policies.bundle import Bundle
from policies.catalogue import LicenceType, ValueType
from policies.dimension import AgeClass, Consent, Context, HolderType, Home
from policies.forms.citizen import birth_date, is_citizen_number, is_new_number
from policies.forms.credit_code import is_credit_code
from policies.forms.day import OLDEST, age_on

UNKNOWN: Final = ""  # no bundle knows this value, so it grants nothing
BIRTH_FIELD: Final = "birth_date"  # the field of a licence type that states when its only holder was born
PROVINCE_DIGITS: Final = 2  # GB/T 2260: the first two digits of a region

_SOLE_TRADER: Final = "92"  # GB 32100: registered by the market regulator (9), individual business (2)
_MINOR_FROM: Final = 14  # PIPL art. 28: below, a child
_ADULT_FROM: Final = 18  # Civil Code art. 17

# Holder code types (CZZTDMLXDM), and the words of CZZTDMLX for them. Types that are not here, 099 and 999 among them,
# say nothing: then the number itself has to tell, by its check character.
_CREDIT_CODE: Final = frozenset({"001", "统一社会信用代码"})
_CITIZEN_NUMBER: Final = frozenset({"111", "公民身份号码", "居民身份证"})
_OTHER_PERSONAL: Final = frozenset(
    {
        *("114", "115", "118", "119", "120", "122"),  # officers, soldiers, armed police
        *("411", "412", "413", "414", "511", "516"),  # passports, travel permits
        *("军官证", "士兵证", "普通护照", "护照", "台湾居民来往大陆通行证", "港澳居民来往内地通行证"),
    }
)


class LicenceTypes:
    """The licence types of a bundle, by how documents name them."""

    __slots__ = ("_by_code", "_by_name")

    def __init__(self, bundle: Bundle) -> None:
        """Index the types; a code or a name that two of them have belongs to neither."""
        self._by_code = _distinct((code, one) for one in bundle.licences for code in one.codes)
        self._by_name = _distinct((one.zh, one) for one in bundle.licences)

    def find(self, text: str) -> LicenceType | None:
        """Return the type that a question names by its code or its exact name; None where it is unclear."""
        return self._by_code.get(text) or self._by_name.get(text)

    def select(self, licence: Licence) -> LicenceType | None:
        """Return the type of a licence: by its code (ZZLXDM), else by its exact name (ZZMC); None where it is unclear.

        A licence whose code and identifier name different types has none. The name does not count for a type that has
        codes, when the licence states another code.
        """
        stated = licence.type_code
        identified = "" if licence.identifier is None else licence.identifier.type_code
        if stated and identified and stated != identified:
            return None
        code = stated or identified
        if code in self._by_code:
            return self._by_code[code]
        named = self._by_name.get(licence.name)
        return None if named is None or (code and named.codes) else named


def _distinct(pairs: Iterable[tuple[str, LicenceType]]) -> Mapping[str, LicenceType]:
    found: dict[str, LicenceType] = {}
    twice: set[str] = set()
    for key, licence in pairs:
        if found.setdefault(key, licence) is not licence:
            twice.add(key)
    return {key: licence for key, licence in found.items() if key not in twice}


def make_context(
    verified: Verified,
    licence_type: LicenceType | None,
    *,
    item: str,
    caller: Caller,
    region: str,
    consent: Consent,
    today: date,
) -> Context:
    """Return the facts of a question, a value for each dimension.

    ``region`` is that of this site, ``today`` the day of the question in China. Without a licence type there is
    nothing to decide about, and its holder is not looked at.
    """
    licence = verified.licence if licence_type is not None else None
    holder, age = UNKNOWN, AgeClass.UNDETERMINED.value
    if licence is not None and licence_type is not None:
        holder = _class_of_holders(licence)
        age = classify_age(licence, licence_type, holder, today).value
    return Context(
        item=item,
        caller=caller.kind,
        home=home_of(caller, region).value,
        licence=UNKNOWN if licence is None or licence_type is None else licence_type.id,
        status=verified.status.value,
        holder=holder,
        age=age,
        consent=consent.value,
        outcome=verified.verdict.outcome.value,
    )


def home_of(caller: Caller, region: str) -> Home:
    """Return whether a caller belongs to the province of this site or to a partner."""
    is_own = caller.region[:PROVINCE_DIGITS] == region[:PROVINCE_DIGITS]
    return Home.OWN if is_own else Home.PARTNER


def classify_holders(licence: Licence) -> str:
    """Return what all holders of the licence are; `UNKNOWN` without one, and where they differ or one is unclear."""
    if LicenceFlag.HOLDERS_DO_NOT_PAIR in licence.flags:
        return UNKNOWN
    kinds = {classify_holder(holder) for holder in licence.holders}
    return kinds.pop() if len(kinds) == 1 else UNKNOWN


def classify_holder(holder: Holder) -> str:
    """Return what a holder is, by the number and its stated type together.

    Systems guess the type by the length of the number, and citizen numbers are as long as credit codes: a type that
    the number contradicts counts for nothing, and so does a number that could be both. A text without digits is a
    remark (不详, 护照), and no number.
    """
    code = key_text(holder.code)
    is_citizen, is_organisation = _tells_a_citizen(holder), is_credit_code(code)
    if is_citizen and is_organisation:
        return UNKNOWN
    if holder.code_type in _CREDIT_CODE:
        return _of_credit_code(code) if is_organisation else UNKNOWN
    if holder.code_type in _CITIZEN_NUMBER:
        return HolderType.PERSON.value if is_citizen else UNKNOWN
    if holder.code_type in _OTHER_PERSONAL:
        is_number = any(map(str.isdecimal, code))
        return HolderType.PERSON.value if is_number and not is_organisation else UNKNOWN
    if is_organisation:
        return _of_credit_code(code)
    return HolderType.PERSON.value if is_citizen else UNKNOWN


def classify_age(licence: Licence, licence_type: LicenceType, holder: str, today: date) -> AgeClass:
    """Return the age class of the youngest holder.

    A child among the holders decides; else one whose birth date is not known leaves the class undetermined. Where the
    number of an only holder and the field of the licence state different birth dates, the later one decides.
    """
    if holder == HolderType.ORGANISATION:
        return AgeClass.NOT_APPLICABLE
    births: Sequence[date | None] = _births_of(licence)
    if len(births) == 1:
        stated = (births[0], _stated_birth(licence, licence_type))
        births = [birth for birth in stated if birth is not None]
    ages = [None if birth is None else _age(birth, today) for birth in births]
    if any(age is not None and age < _MINOR_FROM for age in ages):
        return AgeClass.UNDER_14
    known = [age for age in ages if age is not None]
    if not known or len(known) < len(ages):
        return AgeClass.UNDETERMINED
    return AgeClass.MINOR if min(known) < _ADULT_FROM else AgeClass.ADULT


def _tells_a_citizen(holder: Holder) -> bool:
    """Return whether the number is a citizen's.

    One of 15 digits has no check character, and one in thirty registration numbers of businesses looks like it: it has
    to be stated as a citizen number.
    """
    code = key_text(holder.code)
    return is_new_number(code) or (holder.code_type in _CITIZEN_NUMBER and is_citizen_number(code))


def _of_credit_code(code: str) -> str:
    return (HolderType.SOLE_TRADER if code.startswith(_SOLE_TRADER) else HolderType.ORGANISATION).value


def _births(licence: Licence) -> tuple[date | None, ...]:
    return tuple(_birth_of(one) for one in licence.holders)


def _birth_of(holder: Holder) -> date | None:
    is_person = _tells_a_citizen(holder) and classify_holder(holder) == HolderType.PERSON
    return birth_date(key_text(holder.code)) if is_person else None


def _stated_birth(licence: Licence, licence_type: LicenceType) -> date | None:
    field = licence_type.fields.get(BIRTH_FIELD)
    if field is None or field.type is not ValueType.DATE:
        return None
    return parse_date(licence.elements.get(field.source, ""))


def _age(birth: date, today: date) -> int | None:
    """Return the full years of age; None for a birth that lies ahead, or before anybody alive."""
    age = age_on(birth, today)
    return age if 0 <= age <= OLDEST else None


_class_of_holders: Final = Remembered(classify_holders)
_births_of: Final = Remembered(_births)
