"""The recipes of the shipped systems, against the functions that there are."""

import pytest

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.transport.reader import PayloadFunctions, parse_transport
from adapters.transport.recipe import Question, Request, TransportRecipe
from adapters.transport.template import Kind, Place, Template
from keys.payload.registry import (
    ENCRYPTIONS,
    REQUEST_SIGNATURES,
    SECRET_WRAPPINGS,
    parse_encryption,
    parse_request_signature,
    parse_secret_wrapping,
)
from tests.support.adapters import SHIPPED_FILES, shipped

FUNCTIONS = PayloadFunctions(
    encryptions=frozenset(ENCRYPTIONS),
    signatures=frozenset(REQUEST_SIGNATURES),
    wrappings=frozenset(SECRET_WRAPPINGS),
)
ADAPTERS = [adapter for path in SHIPPED_FILES if (adapter := load_adapter(path.read_bytes(), path.name)).transport]
EACH = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.id)


def recipe_of(adapter: Adapter) -> TransportRecipe:
    """Return the recipe of an adapter."""
    return parse_transport(adapter.transport, functions=FUNCTIONS, file=adapter.rules.file)


@EACH
def test_it_is_sound(adapter: Adapter) -> None:
    """A shipped recipe has no faults, and its functions take the parameters that it gives them."""
    recipe = recipe_of(adapter)
    for part in recipe.encryption:
        parse_encryption(part.function.table)
    if recipe.signature is not None:
        signature = parse_request_signature(recipe.signature.table)
        assert signature.template.fields <= recipe.values.keys()
    if recipe.sign_in is not None and recipe.sign_in.wrapping is not None:
        parse_secret_wrapping(recipe.sign_in.wrapping.table)


@EACH
def test_codes_that_renew_are_no_answer(adapter: Adapter) -> None:
    """A code after which one signs in again never means that something was found."""
    for rule in adapter.rules.outcomes:
        for code in recipe_of(adapter).renew_on:
            assert rule.meanings.get(code) not in {AnswerOutcome.FOUND, AnswerOutcome.NOT_FOUND, AnswerOutcome.PARTIAL}


def test_the_exchange_platform_signs_what_it_sends() -> None:
    """The platform's three headers are the three texts under its signature."""
    recipe = recipe_of(shipped("exchange"))
    assert recipe.values.keys() == {"rid", "sid", "rtime"}
    assert {name.removeprefix("gjgxjhpt_") for name in recipe.headers} == {"rid", "sid", "rtime", "sign"}


def test_shanghai_exchanges_the_number_of_a_holder_first() -> None:
    """Shanghai is never asked with a plain number: a step gives the encoded one."""
    recipe = recipe_of(shipped("shanghai"))
    assert recipe.calls[Question.HOLDER].after == ("encode-holder",)
    (step,) = recipe.steps
    assert "holder" in step.gives
    asked = [
        call for call in recipe.calls.values() if Place(kind=Kind.WORD, name="holder_code") in _places(call.request)
    ]
    assert asked == []


def _places(request: Request) -> list[Place]:
    content = request.body.content if request.body is not None else {}
    templates = content.values() if isinstance(content, dict) else ()
    return [place for template in templates if isinstance(template, Template) for place in template.places]
