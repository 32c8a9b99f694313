"""Which files are stored as licences."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.demo.licences import Annotation
from gateway.sources.intake import IntakeError, IntakeFault, read_new_licence
from gateway.sources.source import MAX_KEY, key_text
from tests.support.demo import NOW, demo_stock
from tests.support.sealed import INDEX, PAGE, Members, Recipe, draft, swap

TODAY = NOW.date()


def fault_of(data: bytes) -> IntakeFault:
    with pytest.raises(IntakeError) as caught:
        read_new_licence(data)
    return caught.value.fault


def test_a_licence_is_found_by_what_it_says() -> None:
    """A sealed licence gives its keys, in the spelling in which keys are compared, and its day of issue."""
    document = Recipe().document()
    new = read_new_licence(document)
    one = draft()
    assert (new.document, new.issued_on) == (document, one.issued_on)
    assert new.index.identifier == one.identifier
    assert new.index.number == one.number
    assert (new.index.name, new.index.holders) == ("食品经营许可证", tuple(holder.code for holder in one.holders))


def test_a_seal_is_no_reason_to_refuse() -> None:
    """A forged document is stored: what it is worth is found out each time it is asked for."""

    def forge(members: Members) -> Members:
        return {**members, PAGE: members[PAGE] + b" "}

    assert read_new_licence(Recipe(after=forge).document()).index.number


def test_an_annotated_copy_is_no_licence_of_record() -> None:
    """A copy made for one purpose does not take the place of its original."""
    note = Annotation(made_on=TODAY, made_by="x", reason="y", valid_until=TODAY + timedelta(days=30))
    assert fault_of(Recipe(draft=replace(draft(), annotation=note)).document()) is IntakeFault.ANNOTATED_COPY


def test_what_is_no_licence_is_refused() -> None:
    """Garbage, and a document that says nothing a licence could be found by, are refused each with its kind."""
    assert fault_of(b"garbage") is IntakeFault.UNRECOGNISED
    assert fault_of(b"PK\x03\x04garbage") is IntakeFault.MALFORMED
    assert fault_of(b"\0" * (20 * 1024 * 1024 + 1)) is IntakeFault.TOO_LARGE
    assert fault_of(demo_stock().licences[0].seal.encoded) is IntakeFault.NO_METADATA


def test_a_licence_needs_a_key() -> None:
    """A licence that states neither number nor identifier could never be asked for."""
    one = draft()

    def take(members: Members) -> Members:
        index = swap(one.identifier, "")(members[INDEX])
        return {**members, INDEX: swap(f">{one.number}<", "><")(index)}

    assert fault_of(Recipe(before=take).document()) is IntakeFault.NO_KEY


@given(st.text(max_size=300))
@example("ı\u02d8")
@example("i\u0307")
def test_a_key_has_one_spelling(text: str) -> None:
    """The spelling of a key is its own spelling, has a bound, and never raises, whatever text it is made of."""
    key = key_text(text)
    assert key_text(key) == key
    assert len(key) <= MAX_KEY


@given(st.binary(max_size=200))
def test_garbage_is_refused_with_a_kind(data: bytes) -> None:
    """Whatever bytes come, they are stored or refused with a typed error."""
    try:
        new = read_new_licence(data)
    except IntakeError:
        return
    assert new.index.identifier or new.index.number


def test_days_are_days() -> None:
    """The day of issue is a day, so that versions can be put in order."""
    assert isinstance(read_new_licence(Recipe().document()).issued_on, date)
