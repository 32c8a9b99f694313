"""Requests are read back as they were written, by the same templates."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mapping.error import AdapterError
from adapters.transport.recipe import Call, TransportRecipe
from gateway.adapters.functions import load_recipe, make_functions
from gateway.adapters.incoming import Incoming, RequestPattern, find_request
from gateway.adapters.request import Outgoing, Writer
from gateway.standins.accounts import make_accounts
from keys.payload.secret import Secret
from tests.support.adapters import SHIPPED_FILES, TEXTS, shipped
from tests.support.stand_ins import ask

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
RECIPES = {path.stem: load_recipe(shipped(path.stem)) for path in SHIPPED_FILES}
CALLS = [(name, call) for name, recipe in RECIPES.items() for call in recipe.calls.values()]
IDS = [f"{name}-{call.question}" for name, call in CALLS]
MACHINERY = {"page": "1", "page_size": "2", "given.holder": "given", "given.licence_token": "given"}
WORDS = st.fixed_dictionaries(dict.fromkeys(("identifier", "number", "holder_code", "code", "use", "name"), TEXTS))


def write(recipe: TransportRecipe, call: Call, **words: str) -> Outgoing:
    """Write a request as the client does."""
    access = make_accounts(recipe).access
    writer = Writer(recipe=recipe, access=access, functions=make_functions(recipe))
    spoken = {**ask(call.question).words, **MACHINERY, **words}
    return writer.write(call.request, spoken, at=NOW, token=Secret(b"a-token"))


def receive(outgoing: Outgoing, **changes: Any) -> Incoming:
    """Return a request as its server sees it."""
    parts = urlsplit(outgoing.address)
    values: dict[str, Any] = {
        "method": str(outgoing.method),
        "path": unquote(parts.path),
        "query": dict(parse_qsl(parts.query, keep_blank_values=True)),
        "headers": {name.lower(): text for name, text in outgoing.headers.items()},
        "body": outgoing.body or b"",
    }
    return Incoming(**{**values, **changes})


def patterns(recipe: TransportRecipe) -> dict[RequestPattern, Call]:
    """Return the patterns of all calls."""
    return {RequestPattern(recipe, call.request): call for call in recipe.calls.values()}


@pytest.mark.parametrize(("name", "call"), CALLS, ids=IDS)
@settings(max_examples=40)  # of each call
@given(words=WORDS)
def test_what_is_written_is_read(name: str, call: Call, words: dict[str, str]) -> None:
    """Of all requests of a recipe the one that was written is found, with every word that it carries."""
    recipe = RECIPES[name]
    known = patterns(recipe)
    found = find_request(known, receive(write(recipe, call, **words)))
    assert found is not None
    pattern, said = found
    assert known[pattern].question is call.question
    assert said.contradictory == frozenset()
    spoken = {**ask(call.question).words, **MACHINERY, **words}
    assert {key: text for key, text in said.texts.items() if key in spoken} == {
        key: spoken[key] for key in said.texts if key in spoken
    }


@pytest.mark.parametrize(("name", "call"), CALLS, ids=IDS)
@pytest.mark.parametrize("changes", [{"method": "PUT"}, {"path": "/elsewhere/and/beyond"}])
def test_another_request(name: str, call: Call, changes: dict[str, str]) -> None:
    """A request by another method or to another address is none of the recipe, but where an address has a place."""
    recipe = RECIPES[name]
    found = find_request(patterns(recipe), receive(write(recipe, call), **changes))
    assert found is None or ("path" in changes and any(call.request.url.places))


@pytest.mark.parametrize(("name", "call"), CALLS, ids=IDS)
@settings(max_examples=40)  # of each call
@given(body=st.binary(max_size=40))
def test_garbage(name: str, call: Call, body: bytes) -> None:
    """Whatever the body is, the request is found, not found, or refused as a message is."""
    recipe = RECIPES[name]
    incoming = receive(write(recipe, call), body=body)
    try:
        find_request(patterns(recipe), incoming)
    except AdapterError:
        pass


def test_one_word_in_two_places_must_be_one() -> None:
    """A request that names two applications in its two places is contradictory: nobody can tell which one it is."""
    recipe = RECIPES["exchange"]
    call = next(iter(recipe.calls.values()))
    written = write(recipe, call)
    headers = {**receive(written).headers, "gjgxjhpt_sid": "another"}
    found = RequestPattern(recipe, call.request).read(receive(written, headers=headers))
    assert found is not None
    assert "setting.sid" in found.contradictory
