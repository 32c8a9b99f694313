"""The registry: every form has a scheme with words in two languages, and its version follows the tables."""

import re

from policies.catalogue import ValueType
from policies.form import Form, FormKind
from policies.forms.registry import REGISTRY_VERSION, SCHEMES, scheme_of
from policies.forms.scheme import Gives
from policies.forms.tables import COMMON_SURNAMES, COMPOUND_SURNAMES, PROVINCES
from tests.policies.forms.support import SURROUNDINGS


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
    assert domain.injective
    for unknown in ("mask:name-2", "general:decade", "pseudonym:a.b", "attest:age>=999"):
        assert scheme_of(Form.parse(unknown)) is None


def test_forms_that_show_in_part_say_how_much() -> None:
    """Masks and coarser values declare what they reveal and how many values look alike; only `plain` reveals all."""
    for scheme in SCHEMES.values():
        assert (scheme.reveals is None) == (scheme.form.kind is FormKind.PLAIN)
        if scheme.gives is Gives.TEXT:
            assert scheme.residual is not None
            assert scheme.residual >= 1


def test_forms_without_a_scheme() -> None:
    """`plain` gives the value, `exists` says whether there is one, `match` and `withheld` show nothing."""
    for value in ("张三", "无"):
        assert SCHEMES["plain"].apply(value, SURROUNDINGS) == value
        assert SCHEMES["exists"].apply(value, SURROUNDINGS) is (value == "张三")
        assert SCHEMES["match"].apply(value, SURROUNDINGS) is None
        assert SCHEMES["withheld"].apply(value, SURROUNDINGS) is None


def test_images_and_free_text_are_never_masked() -> None:
    """Nothing is cut out of a picture or a free text: plain, whether there is one, or nothing."""
    for value_type in (ValueType.IMAGE, ValueType.TEXT):
        fitting = {form for form, scheme in SCHEMES.items() if value_type in scheme.accepts}
        assert fitting == {"plain", "exists", "withheld"}


def test_the_version_names_the_tables() -> None:
    """The version of the forms has a digest of the shipped tables."""
    assert re.fullmatch(r"forms-[0-9]+-[0-9a-f]{16}", REGISTRY_VERSION)


def test_the_tables_are_sound() -> None:
    """Compound surnames have two characters, common ones one, and the first two characters tell provinces apart."""
    assert {len(surname) for surname in COMPOUND_SURNAMES} == {2}
    assert {len(surname) for surname in COMMON_SURNAMES} == {1}
    assert len(COMMON_SURNAMES) == 100
    assert len({province[:2] for province in PROVINCES}) == len(PROVINCES) == 34
