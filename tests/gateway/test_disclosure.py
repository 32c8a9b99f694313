"""Applying plans: every field in its form or visibly withheld, and nothing beyond the form."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.licence import Licence, LicenceFlag
from adapters.metadata import parse_date
from gateway.disclosure import MAX_VALUE, Limits, bind_plan, compare, disclose
from gateway.licence_values import Attribute, reader_of
from gateway.pseudonym_keys import PseudonymKeys
from policies.catalogue import Field, LicenceType, ShareClass, ValueType
from policies.dimension import LicenceStatus
from policies.form import MATCH, WITHHELD, Form, FormKind
from policies.forms.normal import is_nothing
from policies.forms.registry import SCHEMES, scheme_of
from policies.forms.scheme import Surroundings
from policies.plan import FieldDecision, Plan, Withheld, make_plan
from tests.support.sharing import ADULT, SECRET, holder, make_licence

TODAY = date(2026, 3, 1)
AROUND = Surroundings(today=TODAY, valid_from=date(2020, 5, 1))
VALID = Limits(is_valid=True)
NAME, CODE = "欧阳晓禾", ADULT


def field(source: str, value_type: ValueType = ValueType.TERM) -> Field:
    return Field(type=value_type, source=source, zh="项", en="field", share=ShareClass.CONDITIONAL)


def shown(name: str, form: str, *, match: bool = False) -> FieldDecision:
    parsed = Form.parse(form)
    if parsed == MATCH:
        return FieldDecision(field=name, form=WITHHELD, match_rule="R")
    return FieldDecision(field=name, form=parsed, rule="R", match_rule="R" if match else None)


def make(fields: dict[str, Field], *decisions: FieldDecision) -> tuple[Plan, LicenceType]:
    licence_type = LicenceType(id="t", zh="证", en="t", fields=fields)
    return make_plan("t", decisions, ("R",), None), licence_type


def show(
    one: Field, form: str, licence: Licence | None = None, around: Surroundings = AROUND, limits: Limits = VALID
) -> Any:
    """Return what leaves of one field in one form."""
    plan, licence_type = make({"f": one}, shown("f", form))
    bound = bind_plan(plan, licence_type)
    found = disclose(bound, licence or make_licence(), status=LicenceStatus.ACTIVE, around=around, limits=limits)
    return plainly(found["f"])


def plainly(found: Any) -> Any:
    """Return answers about fields as they leave."""
    return msgspec.to_builtins(found)


TWO = make_licence(holders=(holder(), holder("张三", "E12345678", "414")))


@pytest.mark.parametrize(
    ("source", "value_type", "value"),
    [
        ("name", ValueType.TERM, "居民身份证"),
        ("number", ValueType.CODE, "ID-0001"),
        ("type-code", ValueType.CODE, "11100000000013338W011"),
        ("issuer", ValueType.TERM, "示例公安局"),
        ("issuer-code", ValueType.CODE, make_licence().issuer_code),
        ("issued-on", ValueType.DATE, "2020-05-01"),
        ("valid-from", ValueType.DATE, "2020-05-01"),
        ("valid-to", ValueType.DATE, "2040-05-01"),
        ("holder-name", ValueType.NAME, NAME),
        ("holder-code", ValueType.CITIZEN_ID, CODE),
        ("holder-code-type", ValueType.TERM, "111"),
        ("status", ValueType.TERM, "active"),
        ("KZ_CSRQ", ValueType.DATE, "1986-03-14"),
        ("KZ_CSRQ", ValueType.TERM, "19860314"),
        ("KZ_ZS", ValueType.ADDRESS, "安徽省合肥市蜀山区长江西路1号"),
    ],
)
def test_sources(source: str, value_type: ValueType, value: str) -> None:
    """Every attribute of the closed list is read, and every element by its tag; days as ISO 8601 spells them."""
    assert show(field(source, value_type), "plain") == {"form": "plain", "value": value}


@given(
    st.one_of(
        st.text("0123456789-/年月日 ", max_size=12), st.dates().map(str), st.dates().map(lambda day: f"{day:%Y%m%d}")
    )
)
def test_days_are_those_of_the_adapters(text: str) -> None:
    """A date element is the day that the adapters read in it, in whichever spelling."""
    value = reader_of("KZ_X", ValueType.DATE)(make_licence(elements={"KZ_X": text}), LicenceStatus.ACTIVE)
    assert value == (parse_date(text.strip()) or text.strip())


def test_every_attribute_is_read() -> None:
    """The closed list has no attribute that nothing reads."""
    for attribute in Attribute:
        assert reader_of(attribute, ValueType.TERM)(make_licence(), LicenceStatus.ACTIVE) is not None
    assert show(field("identifier"), "plain") == {"form": "withheld", "reason": "not-known"}


def test_long_term() -> None:
    """A licence without an end says so in every form of a date."""
    licence = make_licence(valid_to=None, long_term=True)
    assert show(field("valid-to", ValueType.DATE), "plain", licence)["value"] == "长期"
    assert show(field("valid-to", ValueType.DATE), "general:year", licence)["value"] == "长期"
    missing = make_licence(valid_to=None)
    assert show(field("valid-to", ValueType.DATE), "plain", missing) == {"form": "withheld", "reason": "not-known"}


def test_several_holders() -> None:
    """Several holders give a list in their order; one that states nothing is null in it."""
    assert show(field("holder-name", ValueType.NAME), "mask:name", TWO)["value"] == ["欧阳**", "张*"]
    assert show(field("holder-code", ValueType.HOLDER_CODE), "mask:id-1-1", TWO)["value"][1] == "***"
    unnamed = make_licence(holders=(holder(""), holder("张三")))
    assert show(field("holder-name", ValueType.NAME), "plain", unnamed)["value"] == [None, "张三"]
    nobody = make_licence(holders=(holder(""), holder("无")))
    assert show(field("holder-name", ValueType.NAME), "plain", nobody) == {"form": "withheld", "reason": "not-known"}
    unclear = replace(TWO, flags=frozenset({LicenceFlag.HOLDERS_DO_NOT_PAIR}))
    assert show(field("holder-name", ValueType.NAME), "plain", unclear) == {"form": "withheld", "reason": "not-known"}


@pytest.mark.parametrize(
    ("text", "there"), [("A2", True), ("", False), (" 无 ", False), ("null", False), ("未填写", False), (None, False)]
)
def test_exists(text: str | None, *, there: bool) -> None:
    """Whether a field has a value is answered, also with no; texts that say "nothing" are none."""
    elements = {} if text is None else {"KZ_X": text}
    assert show(field("KZ_X"), "exists", make_licence(elements=elements)) == {"form": "exists", "value": there}
    if not there:
        nothing = show(field("KZ_X"), "plain", make_licence(elements=elements))
        assert nothing == {"form": "withheld", "reason": "not-known"}


@given(st.text(alphabet="无None nul0-—/一龥\u3000ｎｕｌ", max_size=6))
def test_what_says_nothing(text: str) -> None:
    """A text that says nothing is never shown, in whichever width and with whatever white space around it."""
    found = show(field("KZ_X"), "plain", make_licence(elements={"KZ_X": text}))
    assert (found == {"form": "withheld", "reason": "not-known"}) >= (is_nothing(text) and len(text.strip()) <= 4)
    assert (found == {"form": "plain", "value": text.strip()}) >= (not is_nothing(text))


def test_attest() -> None:
    """Predicates are asked with what they are about; without it, or when it cannot be said, there is no answer."""
    number, until = field("holder-code", ValueType.CITIZEN_ID), field("valid-to", ValueType.DATE)
    assert show(number, "attest:age>=18") == {"form": "attest:age>=18", "value": True}
    assert show(number, "attest:age>=60") == {"form": "attest:age>=60", "value": False}
    assert show(until, "attest:valid-on") == {"form": "withheld", "reason": "not-asked"}
    ends = make_licence(valid_to=date(2026, 5, 1))
    asked = replace(AROUND, asked={"valid-on": "2026-05-02"})
    assert show(until, "attest:valid-on", ends, asked) == {"form": "attest:valid-on", "value": False}
    far = replace(AROUND, asked={"valid-on": "2041-01-01"})
    assert show(until, "attest:valid-on", ends, far) == {"form": "withheld", "reason": "not-known"}
    unsaid = replace(AROUND, asked={"valid-on": "tomorrow"})
    assert show(until, "attest:valid-on", around=unsaid) == {"form": "withheld", "reason": "not-known"}


def test_pseudonyms() -> None:
    """Pseudonyms differ by organisation and by purpose, and are withheld without a key."""
    one = field("holder-code", ValueType.CITIZEN_ID)
    assert show(one, "pseudonym:holder") == {"form": "withheld", "reason": "no-key"}
    keys = PseudonymKeys(SECRET)
    pairs = [("A", "p"), ("A", "q"), ("B", "p")]
    made = [show(one, "pseudonym:holder", around=replace(AROUND, pseudonyms=keys.of(*pair)))["value"] for pair in pairs]
    assert len(set(made)) == 3
    assert all(len(name) == 24 for name in made)
    again = show(one, "pseudonym:holder", around=replace(AROUND, pseudonyms=PseudonymKeys(SECRET).of("A", "p")))
    assert again["value"] == made[0]
    assert PseudonymKeys(None).of("A", "p") is None


def test_too_long() -> None:
    """A value longer than any real field is withheld in every form that would read it."""
    licence = make_licence(elements={"KZ_X": "长" * (MAX_VALUE + 1)})
    for form in ("plain", "exists", "attest:covers"):
        assert show(field("KZ_X", ValueType.LIST), form, licence) == {"form": "withheld", "reason": "too-long"}


def test_what_is_not_valid_leaves_nothing() -> None:
    """Of a licence that is not valid only what the register says leaves, whatever a plan would let leave."""
    limits = Limits(is_valid=False)
    assert show(field("holder-name", ValueType.NAME), "plain", limits=limits) == {
        "form": "withheld",
        "reason": "not-valid",
    }
    assert show(field("KZ_STATUS"), "plain", limits=limits) == {"form": "withheld", "reason": "not-valid"}
    assert show(field("status"), "plain", limits=limits) == {"form": "plain", "value": "active"}


def test_scope_of_a_consent() -> None:
    """A field outside of the consent is withheld, and is not compared."""
    plan, licence_type = make(
        {"a": field("holder-name", ValueType.NAME), "b": field("number")},
        shown("a", "plain", match=True),
        shown("b", "match"),
    )
    bound = bind_plan(plan, licence_type)
    limits = Limits(is_valid=True, scope=frozenset({"b"}))
    found = disclose(bound, make_licence(), status=LicenceStatus.ACTIVE, around=AROUND, limits=limits)
    assert plainly(found) == {"a": {"form": "withheld", "reason": "consent-scope"}, "b": {"form": "match"}}
    asking = {"status": LicenceStatus.ACTIVE, "limits": limits}
    assert compare(bound, {"a": NAME}, make_licence(), **asking) is None
    assert compare(bound, {"b": "ID-0001"}, make_licence(), **asking) is True


def test_names_narrow() -> None:
    """Asking for some fields gives those; a name that the type does not have is unclassified."""
    plan, licence_type = make(
        {"a": field("number"), "b": field("number")},
        shown("a", "plain"),
        FieldDecision(field="b", form=WITHHELD, reason=Withheld.NO_RULE),
    )
    bound = bind_plan(plan, licence_type)

    def names(*asked: str) -> Any:
        found = disclose(
            bound, make_licence(), status=LicenceStatus.ACTIVE, around=AROUND, limits=VALID, names=asked or None
        )
        return plainly(found)

    assert list(names()) == ["a", "b"]
    assert names("b", "x", "__class__") == {
        "b": {"form": "withheld", "reason": "no-rule"},
        "x": {"form": "withheld", "reason": "unclassified"},
        "__class__": {"form": "withheld", "reason": "unclassified"},
    }


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"holder_name": NAME, "holder_id": CODE}, True),
        ({"holder_name": " 欧阳 晓禾", "holder_id": CODE.lower()}, True),
        ({"holder_name": NAME, "holder_id": CODE[:-1] + "Q"}, False),
        ({"holder_name": "张三", "holder_id": CODE}, False),
        ({"holder_name": "张三", "holder_id": "E12345678"}, True),
        ({"born": "1986年3月14日"}, True),
        ({"holder_name": NAME, "secret": "示例公安局"}, None),
        ({"secret": "示例公安局"}, None),
        ({"unheard_of": "x"}, None),
        ({"only_shown": "ID-0001"}, None),
        ({}, False),
    ],
)
def test_compare(asked: dict[str, str], *, answer: bool | None) -> None:
    """One bit for all of it, about one holder; any element that may not be compared leaves it unanswered."""
    fields = {
        "holder_name": field("holder-name", ValueType.NAME),
        "holder_id": field("holder-code", ValueType.HOLDER_CODE),
        "born": field("KZ_CSRQ", ValueType.DATE),
        "secret": field("issuer"),
        "only_shown": field("number", ValueType.CODE),
    }
    plan, licence_type = make(
        fields,
        shown("born", "match"),
        shown("holder_id", "match"),
        shown("holder_name", "mask:name", match=True),
        shown("only_shown", "plain"),
        FieldDecision(field="secret", form=WITHHELD, reason=Withheld.PROTECTED),
    )
    bound = bind_plan(plan, licence_type)
    assert compare(bound, asked, TWO, status=LicenceStatus.ACTIVE, limits=VALID) is answer
    assert compare(bound, asked, TWO, status=LicenceStatus.ACTIVE, limits=Limits(is_valid=False)) is None
    assert compare(bound, asked, None, status=LicenceStatus.UNKNOWN, limits=VALID) is None


# What every value of a generated licence contains, so that it is found in an answer wherever it hides.
MARKS = st.text(alphabet="甲乙丙丁戊己庚辛壬癸", min_size=6, max_size=12)
FORMS = sorted(
    form for form, scheme in SCHEMES.items() if scheme.form.kind in {FormKind.MASK, FormKind.GENERAL, FormKind.ATTEST}
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, LicenceType, dict[str, str]]:
    """Make a licence type of a few fields, a plan in which each has some form, and their values."""
    fields: dict[str, Field] = {}
    decisions = []
    values: dict[str, str] = {}
    for place in range(draw(st.integers(1, 6))):
        name = f"f{place}"
        form = draw(st.sampled_from((*FORMS, "plain", "exists", "match", "pseudonym:x", "withheld")))
        scheme = scheme_of(Form.parse(form))
        assert scheme is not None
        fields[name] = field(f"KZ_{place}", draw(st.sampled_from(sorted(scheme.accepts))))
        if form == "withheld":
            decisions.append(FieldDecision(field=name, form=WITHHELD, reason=draw(st.sampled_from(Withheld))))
        else:
            decisions.append(shown(name, form, match=draw(st.booleans()) and form != "match"))
        values[name] = draw(MARKS)
    plan, licence_type = make(fields, *decisions)
    return plan, licence_type, values


@given(made=plans(), is_valid=st.booleans(), keyed=st.booleans())
def test_no_value_leaves_outside_its_form(
    made: tuple[Plan, LicenceType, dict[str, str]], *, is_valid: bool, keyed: bool
) -> None:
    """Whatever the plan: a value stands in the answer only when its form is plain and nothing holds it back."""
    plan, licence_type, values = made
    licence = make_licence(elements={f"KZ_{name[1:]}": value for name, value in values.items()})
    around = replace(
        AROUND,
        pseudonyms=PseudonymKeys(SECRET).of("A", "p") if keyed else None,
        asked={"covers": "子丑寅卯", "valid-on": "2026-01-01"},
    )
    limits = Limits(is_valid=is_valid)
    found = disclose(bind_plan(plan, licence_type), licence, status=LicenceStatus.ACTIVE, around=around, limits=limits)
    assert list(found) != []
    decided = {one.field: one for one in plan.fields}
    for name, answer in plainly(found).items():
        body = msgspec.json.encode(answer).decode()
        is_plain = decided[name].form.kind is FormKind.PLAIN and not decided[name].is_withheld
        assert (values[name] in body) <= (is_plain and is_valid)
        if answer["form"] != "withheld":
            assert answer["form"] == str(decided[name].shown)
        else:
            assert set(answer) == {"form", "reason"}
        scheme = scheme_of(decided[name].form)
        assert scheme is not None
        if scheme.reveals is not None:
            kept = sum(character in "甲乙丙丁戊己庚辛壬癸" for character in json.dumps(answer, ensure_ascii=False))
            assert kept <= scheme.reveals
