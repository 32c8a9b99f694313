"""A request as it goes out, made from the templates of a recipe; nothing here touches the network."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from adapters.mapping.error import AdapterError
from adapters.mapping.path import MessagePath
from adapters.transport.reader import TOKEN
from adapters.transport.recipe import BodyKind, Call, Method, Question, Request, TransportRecipe, Tree
from adapters.transport.template import TIME_FORMS, MissingValueError, Template
from gateway.adapters.access import SystemAccess, reveal_text
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.functions import Functions, KeyName
from gateway.adapters.tree import replace_texts
from keys.payload.encryption import Encryptor
from keys.payload.errors import PayloadError, RequestSignatureError
from keys.payload.secret import Secret
from keys.payload.time_form import CHINA, TimeForm, encode_time

MAX_ADDRESS: Final = 8 * 1024  # characters: what HTTP servers take as a request line
_SIGNATURE: Final = "signature"
_FRESH: Final = 16  # bytes of a nonce and of a request id: nobody meets one twice
_CONTENT_TYPES: Final = {
    BodyKind.JSON: "application/json; charset=utf-8",
    BodyKind.FORM: "application/x-www-form-urlencoded; charset=utf-8",
    BodyKind.XML: "application/xml; charset=utf-8",
}
_CONTENT_TYPE: Final = "Content-Type"
# What the connection itself says; a system that asks for another one would be talked to in a language we do not speak.
_OURS: Final = {"Accept-Encoding": "identity"}
_IN_HEADERS: Final = re.compile(r"[\x20-\x7e]*")
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 section 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request; repr shows none of it, for it holds secrets and names people."""

    method: Method
    address: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes the requests of one recipe."""

    recipe: TransportRecipe
    access: SystemAccess
    functions: Functions

    def write(
        self,
        request: Request,
        words: Mapping[str, str],
        *,
        at: datetime,
        token: Secret | None = None,
        is_sign_in: bool = False,
    ) -> Outgoing:
        """Fill the templates of a request; ``words`` are those of the question, of steps and of the page.

        Raises:
            AskError: REQUEST.

        """
        try:
            headers = request.headers if is_sign_in else {**self.recipe.headers, **request.headers}
            values = self._values(_names_in(request, headers.values()), words, at, token)
            kind = None if request.body is None else request.body.kind
            said = dict(_OURS) if kind is None else {**_OURS, _CONTENT_TYPE: _CONTENT_TYPES[kind]}
            for name, template in headers.items():
                _set_header(said, name, _fill_header(template, values))
            return Outgoing(
                method=request.method,
                address=_fill_address(request, values),
                headers=said,
                body=self._body(request, values, [] if is_sign_in else self._encryptors(token)),
            )
        except MissingValueError as error:
            raise AskError(AskFault.REQUEST, str(error)) from error
        except (PayloadError, RequestSignatureError, AdapterError) as error:
            raise AskError(AskFault.REQUEST, str(error)) from error
        except ValueError:  # half a surrogate pair, or a moment without a spelling; not chained: it carries the value
            raise AskError(AskFault.REQUEST, "text") from None

    def _values(self, used: set[str], words: Mapping[str, str], at: datetime, token: Secret | None) -> dict[str, str]:
        """Return a value for each name that is used; a secret that no template asks for is not made a text."""
        if _SIGNATURE in used and self.functions.signature is not None:
            used = used | {f"value.{name}" for name in self.functions.signature[0].template.fields}
        made = {f"value.{name}": one for name, one in self.recipe.values.items() if f"value.{name}" in used}
        used = used | {str(place) for one in made.values() for place in one.places}
        values = {
            **words,
            "base": self.access.base,
            "request_id": secrets.token_hex(_FRESH),
            "nonce": secrets.token_hex(_FRESH),
            **{f"setting.{name}": text for name, text in self.access.settings.items()},
            **{f"now.{form}": spell_time(at, form) for form in TIME_FORMS if f"now.{form}" in used},
            **{
                f"secret.{name}": reveal_text(one)
                for name, one in self.access.secrets.items()
                if f"secret.{name}" in used
            },
        }
        if token is not None and TOKEN in used:
            values[TOKEN] = reveal_text(token)
        values |= {name: one.fill(values, str) for name, one in made.items()}
        if _SIGNATURE in used and self.functions.signature is not None:
            signature, key = self.functions.signature
            signer = signature.make_signer(_find(key, self.access, token))
            values[_SIGNATURE] = signer.sign({name: values[f"value.{name}"] for name in signature.template.fields})
        return values

    def _encryptors(self, token: Secret | None) -> list[tuple[MessagePath | None, Encryptor]]:
        return [
            (part.path, part.encryption.make_encryptor(_find(part.key, self.access, token)))
            for part in self.functions.sent
        ]

    def _body(
        self, request: Request, values: Mapping[str, str], encryptors: Sequence[tuple[MessagePath | None, Encryptor]]
    ) -> bytes | None:
        if request.body is None:
            return None
        content = request.body.content
        if isinstance(content, Template):  # XML, whose message is what may be encrypted
            filled = dict(values)
            if request.message is not None:
                filled["message"] = _encrypt_whole(request.message.fill(values, _escape_xml), encryptors)
            text = content.fill(filled, _escape_xml)
            return (text if request.message is not None else _encrypt_whole(text, encryptors)).encode()
        tree = _fill_tree(content, values)
        for path, encryptor in encryptors:
            if path is not None:
                tree = replace_texts(tree, path, partial(_encrypt, encryptor))
        if request.body.kind is BodyKind.FORM and isinstance(tree, dict):
            return _encrypt_whole(urlencode(tree), encryptors).encode()
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        return _encrypt_whole(text, encryptors).encode()


def names_in(recipe: TransportRecipe, call: Call) -> frozenset[str]:
    """Return the names of all values that a call is filled with, those of its steps included."""
    steps = [step.request for step in recipe.steps if step.name in call.after]
    return frozenset(name for request in (call.request, *steps) for name in names_of(recipe, request))


def words_told(recipe: TransportRecipe, question: Question) -> frozenset[str]:
    """Return the names of all words of a question that the system is told when it is asked, or may be told.

    What is signed need not stand in the request: with a signature all values of the recipe count.
    """
    questions = [question, Question.HOLDER_ELSEWHERE] if question is Question.HOLDER else [question]
    calls = [recipe.calls[one] for one in questions if one in recipe.calls]
    signed = () if recipe.signature is None else recipe.values.values()
    places = {str(place) for one in signed for place in one.places}
    return frozenset(places.union(*(names_in(recipe, call) for call in calls)))


def names_of(recipe: TransportRecipe, request: Request, *, is_sign_in: bool = False) -> frozenset[str]:
    """Return the names of all values that one request is filled with, and of what these are made of."""
    headers = request.headers if is_sign_in else {**recipe.headers, **request.headers}
    names = _names_in(request, headers.values())
    made = (recipe.values.get(name.removeprefix("value.")) for name in names)
    return frozenset(names | {str(place) for one in made if one is not None for place in one.places})


def _find(key: KeyName, access: SystemAccess, token: Secret | None) -> Secret:
    """Return the key of a function; raises MissingValueError where the sign-in has not given it yet."""
    try:
        return key.find(access.secrets, token)
    except KeyError as error:
        raise MissingValueError(key.name) from error


def _names_in(request: Request, headers: Iterable[Template]) -> set[str]:
    templates = [request.url, *request.query.values(), *headers]
    if request.message is not None:
        templates.append(request.message)
    if request.body is not None:
        templates += _templates(request.body.content)
    return {str(place) for template in templates for place in template.places}


def _encrypt(encryptor: Encryptor, text: str) -> str:
    return encryptor.encrypt_text(text).text


def _encrypt_whole(text: str, encryptors: Iterable[tuple[MessagePath | None, Encryptor]]) -> str:
    for path, encryptor in encryptors:
        if path is None:
            text = _encrypt(encryptor, text)
    return text


def spell_time(at: datetime, form: str) -> str:
    """Write the moment of a request in a form of templates."""
    return f"{at.astimezone(CHINA):%Y-%m-%d}" if form == "yyyy-MM-dd" else encode_time(at, TimeForm(form))


def _fill_address(request: Request, values: Mapping[str, str]) -> str:
    # The base is an address already; everything else is escaped, so that no value leads to another host or path.
    after_base = Template(parts=request.url.parts[1:])
    address = values["base"] + after_base.fill(values, lambda text: quote(text, safe=""))
    if request.query:
        filled = {name: template.fill(values, str) for name, template in request.query.items()}
        address += "?" + urlencode(filled, quote_via=quote, safe="")
    if len(address) > MAX_ADDRESS:
        raise AskError(AskFault.REQUEST, "url")
    return address


def _fill_header(template: Template, values: Mapping[str, str]) -> str:
    text = template.fill(values, str)
    if not _IN_HEADERS.fullmatch(text):
        raise AskError(AskFault.REQUEST, "headers")
    return text


def _set_header(headers: dict[str, str], name: str, text: str) -> None:
    """Set a header, whatever the case of the letters in which it was set before."""
    for known in [one for one in headers if one.lower() == name.lower()]:
        del headers[known]
    headers[name] = text


def _fill_tree(tree: Tree, values: Mapping[str, str]) -> object:
    match tree:
        case Template():
            return tree.fill(values, str)
        case bool() | int():
            return tree
        case tuple():
            return [_fill_tree(one, values) for one in tree]
        case _:
            return {name: _fill_tree(one, values) for name, one in tree.items()}


def _templates(tree: Tree) -> list[Template]:
    match tree:
        case Template():
            return [tree]
        case bool() | int():
            return []
        case tuple():
            return [found for one in tree for found in _templates(one)]
        case _:
            return [found for one in tree.values() for found in _templates(one)]


def _escape_xml(text: str) -> str:
    if _NOT_IN_XML.search(text):
        raise AskError(AskFault.REQUEST, "xml")
    return escape(text, {'"': "&quot;"})
