"""Garbage in answers and in questions, for every shipped recipe that has a stand-in."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.forms.charset import Charset
from adapters.transport.recipe import Question
from gateway.adapters.connection import Reply
from gateway.adapters.error import AskError
from gateway.adapters.functions import load_recipe, make_functions
from gateway.adapters.inquiry import Inquiry
from gateway.adapters.reading import Reader
from gateway.adapters.request import Writer
from gateway.standins.registry import STAND_INS
from keys.payload.secret import Secret
from tests.support.stand_ins import ADAPTERS

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
TOKEN = Secret(b"a-token")
TEXTS = st.text(max_size=12)
NAMES = st.sampled_from(sorted(STAND_INS))
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b'{"code":"0","data":{"certData":"00"}}', b'{"code":"0","data":[]}', b"<a/>", b'{"data":"x"}']),
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "data", "certData", "ack_code", "total_count"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ).map(lambda tree: json.dumps(tree).encode()),
)


@given(name=NAMES, body=BODIES, charset=st.sampled_from([None, *Charset]))
def test_any_answer_is_read_or_refused(name: str, body: bytes, charset: Charset | None) -> None:
    """Whatever bytes come back, reading them ends with a page or with our error."""
    adapter = ADAPTERS[name]
    recipe = load_recipe(adapter)
    access = STAND_INS[name].access_at("http://system.invalid")
    reader = Reader(adapter=adapter, access=access, functions=make_functions(recipe))
    reply = Reply(outcome=None, retry_after_seconds=None, charset=charset, body=body)
    for call in recipe.calls.values():
        total = None if call.paging is None else call.paging.total
        try:
            reader.read_page(reply, call.question, answer=call.request.answer, total=total, token=TOKEN)
        except AskError:
            pass


@given(name=NAMES, holder=TEXTS, use=TEXTS, link=TEXTS, case=TEXTS)
def test_any_question_is_written_or_refused(name: str, holder: str, use: str, link: str, case: str) -> None:
    """Whatever is asked, the request goes to the system's address, and no header has more than one line."""
    recipe = load_recipe(ADAPTERS[name])
    access = STAND_INS[name].access_at("http://system.invalid/base")
    writer = Writer(recipe=recipe, access=access, functions=make_functions(recipe))
    inquiry = Inquiry(question=Question.HOLDER, holder_code=holder, use=use, link=link, case=case)
    words = {**inquiry.words, "page": "1", "page_size": "10", "given.licence_token": link}
    for call in recipe.calls.values():
        try:
            outgoing = writer.write(call.request, words, at=NOW, token=TOKEN)
        except AskError:
            continue
        assert outgoing.address.startswith("http://system.invalid/base")
        assert re.fullmatch(r"[\x21-\x7e]+", outgoing.address)
        assert all(re.fullmatch(r"[\x20-\x7e]*", text) for text in outgoing.headers.values())
        assert repr(outgoing) == f"Outgoing(method={outgoing.method!r})"


@pytest.mark.parametrize("name", sorted(STAND_INS))
def test_the_systems_accounts_are_those_of_the_recipe(name: str) -> None:
    """A stand-in has every setting and every secret that its recipe names, and no other."""
    recipe, access = load_recipe(ADAPTERS[name]), STAND_INS[name].access
    assert set(recipe.settings) == set(access.settings)
    assert set(recipe.secrets) == set(access.secrets)
