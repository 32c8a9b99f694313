"""What the log is told of a question: codes in the leaf, people and numbers in the private part alone."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from adapters.errors import Malformed, MalformedDocumentError
from adapters.licence import Holder
from gateway.audit.entry import MAX_SUBJECTS, TYPED_IN, fit_text, join_names, split_names
from gateway.audit.form_letters import FORM_LETTERS
from gateway.audit.leaf import LeafKind, encode_leaf
from gateway.decision import make_decision_id
from gateway.demo.numbers import citizen_id
from gateway.disclosure import FieldShown
from gateway.pipeline import Verified, refuse
from gateway.recording import (
    About,
    Asking,
    Basis,
    about_licence,
    about_question,
    draft_answer,
    draft_consent,
    draft_refusal,
    spell_form,
)
from gateway.sharing import Shared
from gateway.sources.source import by_identifier, by_number
from policies.dimension import Context
from policies.form import FormKind
from tests.support.callers import NOW, make_party
from tests.support.http import GENUINE
from tests.support.sharing import in_force, make_licence

ASKING = Asking(decision=make_decision_id(NOW), request_id="request-1", caller=make_party().caller)
BASIS = Basis(trust="a" * 64, revocation=17)
TYPE = next(one for one in in_force().bundle.licences if one.id == "id-card")
CONTEXT = Context("item", "counter", "own", "id-card", "active", "person", "adult", "statutory", "valid")


def shared(**changes: object) -> Shared:
    """Return what a question was given: one field plain, one masked, one withheld."""
    names = sorted(TYPE.fields)
    fields = {
        names[0]: FieldShown(form="plain", value="张三丰"),
        names[1]: FieldShown(form="mask:name", value="张**"),
        names[2]: FieldShown(form="withheld", reason="no-rule"),
    }
    whole = Shared(
        fields=fields,
        match=None,
        obligations=None,
        bundle="sha256:" + "0" * 64,
        plan="p",
        context=CONTEXT,
        licence_type=TYPE,
    )
    return structs.replace(whole, **changes)  # type: ignore[arg-type]


def test_every_form_has_a_character() -> None:
    """Each kind of form has one character of its own."""
    assert set(FORM_LETTERS) == set(FormKind)
    assert len(set(FORM_LETTERS.values())) == len(FormKind)


def test_the_form_says_how_each_field_left() -> None:
    """The form has a character for each field of the type, by name, and what was not given is withheld."""
    form = spell_form(shared())
    assert form == "pm" + "-" * (len(TYPE.fields) - 2)
    names = sorted(TYPE.fields)
    assert spell_form(shared(compared=frozenset({names[3]})))[3] == "c"
    assert spell_form(shared(licence_type=None)) == ""
    empty = FieldShown(form="plain", value=UNSET, reason="not-stated")
    assert spell_form(shared(fields={names[0]: empty})) == "-" * len(TYPE.fields)


def test_an_answer() -> None:
    """The entry of an answer names policy, plan and outcome, and in private the licence by both of its names."""
    licence = make_licence()
    about = about_licence(about_question(item=None, official="W-1", case="C-1", key=None, match=None), licence)
    draft = draft_answer(
        ASKING, about, Verified(verdict=GENUINE, licence=licence), shared(), compares=False, basis=BASIS
    )
    assert (draft.leaf.kind, draft.leaf.plan, draft.leaf.revocation) == (LeafKind.ACCESS, "p", 17)
    assert draft.private is not None
    assert draft.private.context == (*CONTEXT, "iat=0", "request-1")
    assert (draft.private.official, draft.private.case) == ("W-1", "C-1")
    assert set(split_names(draft.private.licence)) >= {licence.number}
    assert {one.code for one in licence.holders} == set(draft.private.subjects)


def test_a_comparison_is_a_match() -> None:
    """A question that asks yes or no is a match where no field left, and an access where one did."""
    held = {name: FieldShown(form="withheld", reason="no-rule") for name in TYPE.fields}
    for given_fields, kind in ((held, LeafKind.MATCH), (shared().fields, LeafKind.ACCESS)):
        draft = draft_answer(
            ASKING, About(), Verified(verdict=GENUINE), shared(fields=given_fields), compares=True, basis=BASIS
        )
        assert draft.leaf.kind is kind


def test_whoever_was_asked_about_is_named() -> None:
    """A question in vain is about the holder and the people that it named, in the spelling they are searched by."""
    one, another = citizen_id("370102", date(1980, 1, 1), 1), citizen_id("370102", date(1990, 2, 2), 2)
    key = by_number("ID-1", "居民身份证", one.lower())
    about = about_question(item=None, official="", case=None, key=key, match={"holder_id": another, "holder_name": "x"})
    assert about.subjects == (one, another)
    assert about.licence == "ID-1"
    assert about_question(item=None, official="", case=None, key=by_identifier("1.2.3"), match=None).licence == "1.2.3"


def test_the_number_of_an_identity_card_is_its_holders() -> None:
    """Whoever asks for a card by the number of its holder, in vain, asked about that person."""
    person = citizen_id("370102", date(1980, 1, 1), 1)
    for key in (by_number(person.lower(), "居民身份证"), by_identifier(person)):
        about = about_question(item=None, official="", case=None, key=key, match=None)
        assert (about.subjects, about.licence) == ((person,), person)
    asked = about_question(item=None, official="", case=None, key=by_number("ID-1", "居民身份证"), match=None)
    assert asked.subjects == ()


def test_whoever_was_only_compared_is_not_named_with_the_licence_of_others() -> None:
    """Once a licence was found its holders are named, and nobody whose number was typed in besides."""
    licence, stranger = make_licence(), citizen_id("370102", date(1990, 2, 2), 2)
    asked = about_question(item=None, official="", case=None, key=None, match={"holder_id": stranger})
    assert (asked.subjects, asked.is_found) == ((stranger,), False)
    assert about_licence(asked, None) == asked
    found = about_licence(asked, licence)
    assert (found.subjects, found.is_found) == (tuple(one.code for one in licence.holders), True)
    nobody = about_licence(asked, replace(licence, holders=()))
    assert (nobody.subjects, nobody.is_found) == ((stranger,), False)


def test_what_was_typed_in_is_marked() -> None:
    """Whose licence it is, an entry says by somebody's word: of a source, or of a document that is genuine."""
    licence = make_licence()
    asked = about_question(item=None, official="", case=None, key=by_number("L9", "x", "P"), match=None)
    found = about_licence(asked, licence)
    forged = refuse(MalformedDocumentError(Malformed.UNRECOGNISED))
    for about, verified, is_marked in (
        (asked, Verified(verdict=GENUINE, source="store"), True),
        (found, Verified(verdict=GENUINE, licence=licence), False),
        (found, Verified(verdict=forged, licence=licence), True),
        (found, Verified(verdict=forged, licence=licence, source="store"), False),
        (about_licence(asked, replace(licence, holders=())), Verified(verdict=GENUINE, licence=licence), True),
    ):
        private = draft_answer(ASKING, about, verified, shared(), compares=True, basis=BASIS).private
        assert private is not None
        assert private.context == (*CONTEXT, *([TYPED_IN] if is_marked else []), "iat=0", "request-1")


def test_a_refusal_stands_for_others() -> None:
    """The entry of a refusal says how many have none, and nothing of it where all have one."""
    assert draft_refusal(ASKING, About(), "body.invalid").leaf.reasons == ("body.invalid",)
    assert draft_refusal(ASKING, About(), "x", left_out=10**9).leaf.reasons == ("x", "left-out:1000000000")


def test_many_holders() -> None:
    """Of a licence with more holders than an entry takes the first ones are named; the entry stays one."""
    holders = tuple(Holder(name=f"n{n}", code=f"CODE-{n:03}", code_type="") for n in range(MAX_SUBJECTS + 5))
    about = about_licence(About(), replace(make_licence(), holders=holders))
    draft = draft_answer(ASKING, about, Verified(verdict=GENUINE), None, compares=False, basis=BASIS)
    assert draft.private is not None
    assert draft.private.subjects == tuple(f"CODE-{n:03}" for n in range(MAX_SUBJECTS))


texts = st.text(min_size=1, max_size=200)


@given(official=texts, case=texts, number=texts, holder=texts, matched=texts)
def test_nothing_personal_in_a_leaf(official: str, case: str, number: str, holder: str, matched: str) -> None:
    """Whatever a question brings, an entry can be made of it, and none of it stands in the leaf."""
    key = by_number(f"号{number}", "身份证", f"人{holder}")
    about = about_question(
        item=None, official=f"员{official}", case=f"件{case}", key=key, match={"holder_name": matched}
    )
    drafts = (
        draft_answer(ASKING, about, Verified(verdict=GENUINE), shared(), compares=True, basis=BASIS),
        draft_refusal(ASKING, about, "body.invalid"),
        draft_consent(ASKING, action="register", consent="c", holders=[holder]),
    )
    for draft in drafts:
        leaf = encode_leaf(draft.leaf, t=1, seq=1).decode()
        assert leaf.isascii()
        assert not any(mark in leaf for mark in ("号", "人", "员", "件"))
        assert encode_leaf(replace(draft.leaf, commits=draft_refusal(ASKING, About(), "x").leaf.commits), t=1, seq=1)


@given(st.text(max_size=400), st.integers(80, 300))
def test_fitting(text: str, most: int) -> None:
    """A text that fits is kept; another becomes a hash, always the same, that fits."""
    fitted = fit_text(text, most=most)
    assert len(fitted.encode()) <= most
    assert "\0" not in fitted
    assert fit_text(fitted, most=most) == fitted
    assert (fitted == text) == ("\0" not in text and len(text.encode()) <= most)


@given(st.text(max_size=200), st.text(max_size=200))
def test_names_of_a_licence(number: str, identifier: str) -> None:
    """A licence has its names, each once, and both fit together."""
    joined = join_names(number.replace("\n", ""), identifier.replace("\n", ""))
    assert len(joined.encode()) <= 256
    assert len(split_names(joined)) == len(
        {name for name in (number.replace("\n", ""), identifier.replace("\n", "")) if name}
    )
