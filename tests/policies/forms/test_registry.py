"""The registry: every form has a scheme with words in two languages, and its version follows the tables."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from policies.catalogue import ValueType
from policies.form import Form
from policies.forms.known import COUNTIES, COUNTIES_OF_A_CITY, NOTHING_KNOWN
from policies.forms.registry import REGISTRY_VERSION, SCHEMES, scheme_of
from policies.forms.samples import ASKED, SAMPLES, digest_outputs
from policies.forms.scheme import HIDDEN, Gives
from policies.forms.tables import COMMON_SURNAMES, COMPOUND_SURNAMES, PROVINCES
from tests.policies.forms.support import SURROUNDINGS, applied
from tests.policies.forms.support import scheme as scheme_named


def test_every_scheme_is_found_by_its_form() -> None:
    """The spelling of a form leads to the scheme of that form, and back."""
    for spelling, scheme in SCHEMES.items():
        assert str(scheme.form) == spelling
        assert scheme_of(Form.parse(spelling)) is scheme
        assert scheme.accepts
        assert scheme.zh
        assert scheme.en


def test_parametrised_forms_have_schemes() -> None:
    """Ages and domains are parameters, not entries."""
    age = scheme_of(Form.parse("attest:age>=14"))
    assert age is not None
    assert age.accepts == {ValueType.DATE, ValueType.CITIZEN_ID, ValueType.HOLDER_CODE}
    domain = scheme_of(Form.parse("pseudonym:holder-id"))
    assert domain is not None
    assert domain.residual is None
    for unknown in ("mask:name-2", "general:decade", "pseudonym:a.b", "attest:age>=999"):
        assert scheme_of(Form.parse(unknown)) is None


def test_forms_that_show_in_part_say_how_much() -> None:
    """Masks and coarser values declare what they reveal and how many values look alike."""
    for scheme in SCHEMES.values():
        if scheme.gives is Gives.TEXT:
            assert scheme.residual is not None
            assert scheme.residual >= 1


def test_forms_without_a_scheme() -> None:
    """`plain` gives the value, `exists` says whether there is one, `match` and `withheld` show nothing."""
    for value in ("张三", "无"):
        assert applied("plain", value) == value
        assert applied("exists", value) is (value == "张三")
        assert applied("match", value) is None
        assert applied("withheld", value) is None


def test_images_and_free_text_are_never_masked() -> None:
    """Nothing is cut out of a picture or a free text: plain, whether there is one, or nothing."""
    for value_type in (ValueType.IMAGE, ValueType.TEXT):
        fitting = {form for form, scheme in SCHEMES.items() if value_type in scheme.accepts}
        assert fitting == {"plain", "exists", "withheld"}


def test_the_version_follows_the_tables_and_the_outputs() -> None:
    """The version of the forms is a digest: of the shipped tables, and of what each scheme makes of the samples."""
    assert re.fullmatch(r"forms-[0-9]+-[0-9a-f]{16}", REGISTRY_VERSION)
    schemes = tuple(SCHEMES.values())
    digest = digest_outputs(schemes, "tables")
    assert digest == digest_outputs(schemes, "tables") != digest_outputs(schemes, "other tables")
    for at, scheme in enumerate(schemes):
        another = replace(scheme, apply_to=lambda _: lambda *_: "something else")
        assert digest_outputs((*schemes[:at], another, *schemes[at + 1 :]), "tables") != digest


def test_the_samples_are_telling() -> None:
    """Every scheme that shows something understands one sample at least, and every predicate has an answer to one."""
    for scheme in SCHEMES.values():
        if scheme.gives in {Gives.TEXT, Gives.YES_NO}:
            made = {
                scheme.apply_to(min(scheme.accepts))(
                    sample, replace(SURROUNDINGS, asked=asked, valid_from=date(2024, 3, 5))
                )
                for sample in SAMPLES
                for asked in ASKED
            }
            assert made - {HIDDEN, None}


def test_what_counts_as_plain() -> None:
    """The value itself; the credit code of an organisation, which is whole; a day that asking again and again finds."""
    assert {form for form, scheme in SCHEMES.items() if scheme.counts_as_plain} == {
        "plain", "mask:credit-code", "attest:valid-on",
    }  # fmt: skip


def test_what_is_read_besides_the_field() -> None:
    """Validity on a day is about the first day as well, so that a policy must allow both."""
    assert {form: scheme.also_reads for form, scheme in SCHEMES.items() if scheme.also_reads} == {
        "attest:valid-on": {"valid-from"}
    }


_FIRST_OF_MONTHS = [date(year, month, 1) for year in range(1960, 2000) for month in range(1, 13)]
_DAYS = [date(1985, 1, 1) + timedelta(days=day) for day in range(365)]


@pytest.mark.parametrize("form", [form for form, scheme in SCHEMES.items() if ValueType.DATE in scheme.accepts])
def test_a_scheme_declares_the_period_that_it_tells(form: str) -> None:
    """As many months look like one month, and as many days like one day, as the scheme of a date says."""
    found = scheme_named(form)
    if found.gives is Gives.YES_NO and found.counts_as_plain:
        return  # one answer tells little, all of them the day
    months = Counter(applied(form, day) for day in _FIRST_OF_MONTHS)
    days = Counter(applied(form, day) for day in _DAYS)
    declared = found.tells.birth_months
    if declared == 0:
        assert max(days.values()) == 1
    elif declared == 1:
        assert max(months.values()) == 1 < min(days.values())
    elif declared < len(_FIRST_OF_MONTHS):
        assert max(months.values()) == declared
    else:
        assert len(months) == 1


@pytest.mark.parametrize("form", [form for form, scheme in SCHEMES.items() if ValueType.ADDRESS in scheme.accepts])
def test_a_scheme_declares_the_place_that_it_tells(form: str) -> None:
    """Whoever sees which of two districts, or of two cities, an address is in, is told so by the scheme."""
    near, far, further = (
        applied(form, f"安徽省{place}某某路1号") for place in ("合肥市蜀山区", "合肥市肥东县", "黄山市歙县")
    )
    assert scheme_named(form).tells.counties == (
        1 if near != far else COUNTIES_OF_A_CITY if near != further else COUNTIES
    )


def test_parametrised_schemes_tell_what_they_show() -> None:
    """An age tells a period of birth, a pseudonym nothing."""
    assert scheme_named("attest:age>=18").tells.birth_months == 18 * 12
    assert scheme_named("pseudonym:holder").tells == NOTHING_KNOWN


def test_the_tables_are_sound() -> None:
    """Compound surnames have two characters, common ones one, and the first two characters tell provinces apart."""
    assert {len(surname) for surname in COMPOUND_SURNAMES} == {2}
    assert {len(surname) for surname in COMMON_SURNAMES} == {1}
    assert len(COMMON_SURNAMES) == 100
    assert len({province[:2] for province in PROVINCES}) == len(PROVINCES) == 34
