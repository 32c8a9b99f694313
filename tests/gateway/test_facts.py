"""From a licence to the facts that a policy decides about: nothing is guessed."""

from datetime import date
from typing import Any

import pytest

from adapters.identifier import parse_identifier
from adapters.licence import Holder, Licence, LicenceFlag
from gateway.demo.numbers import citizen_id, credit_code, licence_identifier
from gateway.facts import UNKNOWN, LicenceTypes, classify_age, classify_holder, classify_holders, home_of, make_context
from gateway.policy.moment import china_day
from policies.catalogue import LicenceType
from policies.dimension import AgeClass, Consent, Home
from tests.support.callers import NOW
from tests.support.http import FORGED
from tests.support.sharing import (
    ADULT,
    AREA,
    CHILD,
    COMPANY,
    ID_CARD_CODE,
    REAL_ESTATE,
    TRADER,
    business_licence,
    caller,
    driving_licence,
    holder,
    in_force,
    make_licence,
    verified,
)

BUNDLE = in_force().bundle
TYPES = LicenceTypes(BUNDLE)
ID_CARD = next(one for one in BUNDLE.licences if one.id == "id-card")
DRIVING = next(one for one in BUNDLE.licences if one.id == "driving-licence")
TODAY = date(2026, 3, 1)
OLD = ADULT[:6] + ADULT[8:17]  # the number in 15 digits


def selected(licence: Licence) -> str | None:
    found = TYPES.select(licence)
    return None if found is None else found.id


def identified(type_code: str) -> Any:
    return parse_identifier(licence_identifier(type_code, COMPANY, "0000001"))


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        (make_licence(), "id-card"),
        (make_licence(name="任意名称"), "id-card"),
        (make_licence(type_code=""), "id-card"),
        (make_licence(type_code="", identifier=identified(ID_CARD_CODE), name=""), "id-card"),
        (make_licence(identifier=identified(ID_CARD_CODE)), "id-card"),
        (make_licence(identifier=identified("11100000000013338W001")), None),  # code and identifier contradict
        (make_licence(type_code="11100000000013338W001"), None),  # another code, and the type has codes of its own
        (make_licence(type_code="", name="居民身份证 "), None),
        (make_licence(type_code="", name="身份证"), None),
        (driving_licence(), "driving-licence"),
        (driving_licence(type_code="11100000000013338W099"), "driving-licence"),  # the type names no codes
        (business_licence(), "business-licence"),
        (make_licence(type_code="", name=""), None),
    ],
)
def test_licence_type(licence: Licence, expected: str | None) -> None:
    """The code decides, else the exact name; a code that is not the type's leaves no type."""
    assert selected(licence) == expected


def test_a_name_of_two_types_is_nobody_s() -> None:
    """Two types of one name cannot be told apart by it."""
    twins = tuple(
        LicenceType(id=name, zh="机动车驾驶证", en=name, fields=DRIVING.fields, holders=DRIVING.holders)
        for name in "ab"
    )
    types = LicenceTypes(
        type(BUNDLE)(**{name: getattr(BUNDLE, name) for name in BUNDLE.__struct_fields__} | {"licences": twins})
    )
    assert types.select(driving_licence()) is None


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (holder(), "person"),
        (holder(code=ADULT.lower()), "person"),
        (holder(code=OLD), "person"),
        (holder(code_type="公民身份号码"), "person"),
        (holder(code_type=""), "person"),
        (holder(code_type="999"), "person"),
        (holder(code=ADULT[:-1] + ("0" if ADULT[-1] != "0" else "1")), UNKNOWN),  # the check character is wrong
        (holder(code=COMPANY), UNKNOWN),  # a citizen number was stated
        (holder(code=COMPANY, code_type="001"), "organisation"),
        (holder(code=COMPANY, code_type="099"), "organisation"),
        (holder(code=COMPANY, code_type=""), "organisation"),
        (holder(code=TRADER, code_type="001"), "sole-trader"),
        (holder(code=TRADER, code_type="统一社会信用代码"), "sole-trader"),
        (holder(code=ADULT, code_type="001"), UNKNOWN),
        (holder(code="E12345678", code_type="414"), "person"),
        (holder(code="12345678", code_type="511"), "person"),
        (holder(code="", code_type="414"), UNKNOWN),
        (holder(code=COMPANY, code_type="414"), UNKNOWN),
        (holder(code="12345678-9", code_type="099"), UNKNOWN),
        (holder(code="E12345678", code_type=""), UNKNOWN),
        (holder(code="", code_type=""), UNKNOWN),
        (holder(code="无", code_type="111"), UNKNOWN),
        (holder(code=OLD, code_type="公民身份号码"), "person"),
        (holder(code=OLD, code_type=""), UNKNOWN),  # a registration number of a business may look the same
        (holder(code=OLD, code_type="099"), UNKNOWN),
        (holder(code=OLD, code_type="001"), UNKNOWN),
        (holder(code="不详", code_type="414"), UNKNOWN),
        (holder(code="护照", code_type="414"), UNKNOWN),
    ],
)
def test_holder_type(one: Holder, expected: str) -> None:
    """A type counts when the number bears it out; a number tells by its check character; else it is unknown."""
    assert classify_holder(one) == expected


def test_several_holders() -> None:
    """Holders of one type have it; where they differ, or do not pair, it is unknown; no holder is no type."""
    company = holder("公司", COMPANY, "001")
    assert classify_holders(make_licence(holders=(holder(), holder("孩子", CHILD)))) == "person"
    assert classify_holders(make_licence(holders=(holder(), company))) == UNKNOWN
    assert classify_holders(make_licence(holders=())) == UNKNOWN
    assert classify_holders(make_licence(flags=frozenset({LicenceFlag.HOLDERS_DO_NOT_PAIR}))) == UNKNOWN


def born(year: int, month: int, day: int) -> str:
    return citizen_id(AREA, date(year, month, day), 26)


@pytest.mark.parametrize(
    ("codes", "stated", "expected"),
    [
        ((born(2008, 3, 1),), "", AgeClass.ADULT),  # the eighteenth birthday
        ((born(2008, 3, 2),), "", AgeClass.MINOR),
        ((born(2012, 3, 1),), "", AgeClass.MINOR),
        ((born(2012, 3, 2),), "", AgeClass.UNDER_14),
        ((born(1990, 1, 1), born(2015, 1, 1)), "", AgeClass.UNDER_14),
        ((born(1990, 1, 1), born(2010, 1, 1)), "", AgeClass.MINOR),
        ((born(1990, 1, 1), "E12345678"), "", AgeClass.UNDETERMINED),
        ((born(2010, 1, 1), "E12345678"), "", AgeClass.UNDETERMINED),  # the other may be a child
        ((born(2015, 1, 1), "E12345678"), "", AgeClass.UNDER_14),
        (("E12345678",), "", AgeClass.UNDETERMINED),
        (("E12345678",), "19900101", AgeClass.ADULT),
        (("E12345678",), "2015年1月1日", AgeClass.UNDER_14),
        (("E12345678",), "not a day", AgeClass.UNDETERMINED),
        (("E12345678", "E12345679"), "19900101", AgeClass.UNDETERMINED),  # whose birthday it is is not said
        ((born(1990, 1, 1),), "19900101", AgeClass.ADULT),
        ((born(1990, 1, 1),), "20150101", AgeClass.UNDER_14),  # they contradict each other: the younger counts
        ((born(2015, 1, 1),), "19900101", AgeClass.UNDER_14),
        ((born(2010, 1, 1),), "19900101", AgeClass.MINOR),
        ((born(1990, 1, 1),), "18500101", AgeClass.UNDETERMINED),
        ((born(2026, 3, 2),), "", AgeClass.UNDETERMINED),  # not born yet
        ((born(1850, 1, 1),), "", AgeClass.UNDETERMINED),
        ((), "", AgeClass.UNDETERMINED),
    ],
)
def test_age(codes: tuple[str, ...], stated: str, expected: AgeClass) -> None:
    """The youngest holder counts, by number or by the stated birth date of the only one; doubt leaves it open."""
    holders = tuple(holder(code=code, code_type="111" if len(code) == 18 else "414") for code in codes)
    licence = make_licence(holders=holders, elements={"KZ_CSRQ": stated})
    assert classify_age(licence, ID_CARD, "person", TODAY) is expected


def test_an_old_number_that_nobody_stated() -> None:
    """Fifteen digits beside another type of number say nothing of a birth."""
    assert classify_age(make_licence(holders=(holder(code=OLD),), elements={}), ID_CARD, "person", TODAY) == "adult"
    passport = make_licence(holders=(holder(code=OLD, code_type="414"),), elements={})
    assert classify_age(passport, ID_CARD, "person", TODAY) is AgeClass.UNDETERMINED


def test_age_of_others() -> None:
    """Organisations have no age; of sole traders none is known from their credit code."""
    assert classify_age(business_licence(), ID_CARD, "organisation", TODAY) is AgeClass.NOT_APPLICABLE
    trader = business_licence(holders=(holder("商户", TRADER, "001"),))
    assert classify_age(trader, DRIVING, "sole-trader", TODAY) is AgeClass.UNDETERMINED


@pytest.mark.parametrize(("region", "home"), [("370000", Home.OWN), ("370102", Home.OWN), ("340000", Home.PARTNER)])
def test_home(region: str, home: Home) -> None:
    """A caller is a partner's when its region is of another province than the site's."""
    assert home_of(caller(region=region).caller, "370000") is home


def test_context() -> None:
    """The facts of a question, a value for each dimension."""
    context = make_context(
        verified(make_licence()),
        ID_CARD,
        item=REAL_ESTATE,
        caller=caller().caller,
        region="370000",
        consent=Consent.STATUTORY,
        today=china_day(NOW),
    )
    assert context == (REAL_ESTATE, "counter", "own", "id-card", "active", "person", "adult", "statutory", "valid")


def test_context_without_a_type() -> None:
    """Of a licence whose type is not known nothing but the verdict is a fact."""
    context = make_context(
        verified(make_licence(), verdict=FORGED),
        None,
        item=REAL_ESTATE,
        caller=caller("").caller,
        region="340000",
        consent=Consent.NONE,
        today=TODAY,
    )
    assert context == (REAL_ESTATE, "", "partner", "", "active", "", "undetermined", "none", "invalid")


def test_numbers_of_both_kinds() -> None:
    """A number that is a citizen number and a credit code by its check characters tells nothing."""
    assert classify_holder(holder(code=both(), code_type="")) == UNKNOWN
    assert classify_holder(holder(code=both(), code_type="001")) == UNKNOWN
    assert classify_holder(holder(code=both(), code_type="111")) == UNKNOWN


def both() -> str:
    """Look for a number that is both."""
    from policies.forms.citizen import check_character, is_citizen_number  # noqa: PLC0415 -- only here
    from policies.forms.credit_code import is_credit_code  # noqa: PLC0415

    for order in range(1000):
        for day in range(1, 29):
            body = f"31{AREA[:4]}199001{day:02d}{order:03d}"[:17]
            number = body + check_character(body)
            if is_citizen_number(number) and is_credit_code(number):
                return number
    raise LookupError


def test_codes_of_the_demo() -> None:
    """The numbers that these tests use are what they say."""
    assert classify_holder(holder(code=credit_code("93", AREA, "MADEM341"), code_type="")) == "organisation"
