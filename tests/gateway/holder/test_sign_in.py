"""Whom an identity platform may vouch for: every claim is needed, and nothing of one is ever repeated."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.numbers import citizen_id, credit_code
from gateway.holder.sign_in import Assurance, SignedInHolder, parse_holder
from gateway.tokens import SignInError, SignInFailure
from policies.forms.citizen import widen

PERSON = citizen_id("349901", date(1986, 3, 14), 26)
WARD = citizen_id("349901", date(2015, 7, 1), 7)
COMPANY = credit_code("91", "349901", "MADEM341")
OLD = "349901860314026"  # the old number of somebody, without a check character


def claims(**changes: Any) -> dict[str, Any]:
    """Return good claims, except for the changes; None takes one away."""
    good = {"iss": "platform", "holder": PERSON, "assurance": "real-person"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def failure_of(content: dict[str, Any]) -> SignInFailure:
    with pytest.raises(SignInError) as caught:
        parse_holder(content)
    assert caught.value.__cause__ is None
    assert str(caught.value) == caught.value.failure.value
    return caught.value.failure


@pytest.mark.parametrize("number", [PERSON, COMPANY])
def test_a_holder_asks_for_themselves(number: str) -> None:
    """Whoever signed in is whom the answer is about, a person or an organisation."""
    holder = parse_holder(claims(holder=number))
    assert (holder.asker, holder.subject, holder.represents) == (number, number, False)
    assert holder.assurance is Assurance.REAL_PERSON
    assert number not in repr(holder)


@pytest.mark.parametrize("number", [WARD, COMPANY])
def test_a_person_asks_for_another(number: str) -> None:
    """The representative stays known beside the represented."""
    holder = parse_holder(claims(acting_for=number, assurance="real-name"))
    assert (holder.asker, holder.subject, holder.represents) == (PERSON, number, True)
    assert holder.assurance is Assurance.REAL_NAME


def test_spellings_that_comparisons_forgive() -> None:
    """Width, case and space do not make another person."""
    number = "11010519491231002X"
    wide = "".join(chr(ord(character) + 0xFEE0) for character in number)
    for spelling in (number.lower(), wide, f" {number} "):
        assert parse_holder(claims(holder=spelling)).subject == number


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"holder": None}, SignInFailure.HOLDER),
        ({"holder": ""}, SignInFailure.HOLDER),
        ({"holder": 34990119860314}, SignInFailure.HOLDER),
        ({"holder": [PERSON]}, SignInFailure.HOLDER),
        ({"holder": "1" * 65}, SignInFailure.HOLDER),
        ({"holder": "张三"}, SignInFailure.HOLDER),
        ({"holder": "\ud800"}, SignInFailure.HOLDER),
        ({"holder": OLD}, SignInFailure.HOLDER),
        ({"holder": PERSON[:-1] + "0"}, SignInFailure.HOLDER),
        ({"holder": COMPANY[:-1] + "0"}, SignInFailure.HOLDER),
        ({"holder": None, "acting_for": COMPANY}, SignInFailure.HOLDER),
        ({"acting_for": ""}, SignInFailure.ACTING_FOR),
        ({"acting_for": 1}, SignInFailure.ACTING_FOR),
        ({"acting_for": OLD}, SignInFailure.ACTING_FOR),
        ({"acting_for": PERSON}, SignInFailure.ACTING_FOR),
        ({"acting_for": PERSON.lower() + " "}, SignInFailure.ACTING_FOR),
        ({"holder": COMPANY, "acting_for": WARD}, SignInFailure.ACTING_FOR),
        ({"assurance": None}, SignInFailure.ASSURANCE),
        ({"assurance": 3}, SignInFailure.ASSURANCE),
        ({"assurance": "high"}, SignInFailure.ASSURANCE),
        ({"assurance": "REAL-PERSON"}, SignInFailure.ASSURANCE),
    ],
)
def test_every_claim_counts(changes: dict[str, Any], failure: SignInFailure) -> None:
    """A claim that is missing, of another type or no number with its check character proves nobody."""
    assert failure_of(claims(**changes)) is failure


def test_null_is_no_absent_claim() -> None:
    """A platform that says it acts for nobody in particular is not understood as acting for oneself."""
    assert failure_of(claims() | {"acting_for": None}) is SignInFailure.ACTING_FOR


def test_an_old_number_is_refused_though_it_has_a_new_one() -> None:
    """The old number has no check character: a typing error would show somebody else's entries."""
    assert parse_holder(claims(holder=widen(OLD))).subject == widen(OLD)
    assert failure_of(claims(holder=OLD)) is SignInFailure.HOLDER


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["holder", "acting_for", "assurance", "iss"]), _JSON))
def test_garbage_raises_only_our_error(content: dict[str, Any]) -> None:
    """Whatever is claimed, there is a holder or a failure to sign in."""
    try:
        assert isinstance(parse_holder(content), SignedInHolder)
    except SignInError:
        pass
