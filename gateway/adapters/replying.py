"""What the side that is asked answers, in the shape in which the recipe of its callers reads it."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset, decode, encode
from adapters.mapping.forms.form import FormName
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from adapters.mapping.path import ROOT, MessagePath
from adapters.transport.recipe import SignIn, Step, Success
from gateway.adapters.connection import MAX_ANSWER
from gateway.adapters.request import spell_time
from gateway.adapters.tree import replace_texts
from keys.payload.encryption import Encryptor, KeySpelling
from keys.payload.secret import Secret
from keys.payload.secret_wrapping import SecretWrapping

# With what the texts are encrypted that the caller decrypts: the text at a path, or the whole message.
Encryptors = Sequence[tuple[MessagePath | None, Encryptor]]

_JSON: Final = "application/json"
_XML: Final = "text/xml"
_CONTENT_TYPES: Final = {
    FormName.JSON: _JSON,
    FormName.XML: _XML,
    FormName.FORM: "application/x-www-form-urlencoded",
    FormName.DELIMITED: "text/plain",
}
_NAMESPACE: Final = ("{", "}")
_SPELLINGS: Final[Mapping[KeySpelling, Callable[[bytes], bytes]]] = {
    KeySpelling.TEXT: bytes,
    KeySpelling.HEX: lambda plain: plain.hex().encode(),
    KeySpelling.BASE64: b64encode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenReply:
    """The body of an answer; repr does not show it. ``charset`` is the one it is in."""

    body: bytes = field(repr=False)
    content_type: str
    charset: Charset


def write_message(
    adapter: Adapter, message: bytes, *, answer: MessagePath | None, encryptors: Encryptors = ()
) -> WrittenReply:
    """Return a message of the mapping as it travels: encrypted, and at ``answer`` where the recipe has one.

    Raises:
        AdapterError: the message cannot be written so.
        PayloadError: it cannot be encrypted.

    """
    rules = adapter.rules.message
    inside = [(path, one) for path, one in encryptors if path is not None]
    if inside:
        tree = rules.form.read(message)
        for path, encryptor in inside:
            tree = replace_texts(tree, path, partial(_encrypt, encryptor))
        message = rules.form.write(tree)
    whole = [one for path, one in encryptors if path is None]
    if answer is None and not whole:
        return WrittenReply(body=message, content_type=_CONTENT_TYPES[rules.form_name], charset=rules.charset)
    text = decode(message, rules.charset)
    for encryptor in reversed(whole):
        text = _encrypt(encryptor, text)
    if answer is None:
        return WrittenReply(body=encode(text, Charset.UTF_8), content_type="text/plain", charset=Charset.UTF_8)
    return write_texts({answer: text})


def write_without_file(adapter: Adapter, message: bytes, answer: MessagePath) -> WrittenReply:
    """Return a message where a file was expected: what the file would be part of is left out, a list of records or not.

    Raises:
        AdapterError: the message cannot be written so.

    """
    form = adapter.rules.message.form
    tree = form.read(message)
    if isinstance(tree, dict) and len(answer.steps) > 1:
        message = form.write({name: one for name, one in tree.items() if name != answer.steps[1].key})
    return write_message(adapter, message, answer=None)


def write_token(
    sign_in: SignIn, token: Secret, until: datetime, *, wrapping: tuple[SecretWrapping, Secret] | None
) -> WrittenReply:
    """Return the answer to a sign-in that gives a token, good until a moment.

    Raises:
        AdapterError: a path of the recipe leads nowhere.
        PayloadError: the token cannot be encrypted.

    """
    text = token.reveal().decode() if wrapping is None else _wrap(token, *wrapping)
    texts = {sign_in.token: text} | _say(sign_in.success)
    if sign_in.ends_at is not None:
        texts[sign_in.ends_at] = spell_time(until, sign_in.time_form)
    return write_texts(texts)


def write_step(step: Step, given: Mapping[str, str]) -> WrittenReply:
    """Return the answer to a step, with what it gives by name; raises AdapterError."""
    return write_texts({path: given[name] for name, path in step.gives.items()} | _say(step.success))


def write_texts(texts: Mapping[MessagePath, str]) -> WrittenReply:
    """Return a message that has these texts at these paths and nothing else, in the form that the paths are spelled in.

    Raises:
        AdapterError: SHAPE, a path goes through a list or a text, or two do not go together.

    """
    tree: dict[str, Any] = {}
    for path, text in texts.items():
        _put(tree, path, text)
    if all(path.text.startswith(ROOT) for path in texts):
        body = json_form(Charset.UTF_8, MAX_ANSWER).write(tree)
        return WrittenReply(body=body, content_type=_JSON, charset=Charset.UTF_8)
    form = xml_form(Charset.UTF_8, MAX_ANSWER, _prefixes(tree), declaration=True)
    return WrittenReply(body=form.write(tree), content_type=_XML, charset=Charset.UTF_8)


def _put(tree: dict[str, Any], path: MessagePath, text: str) -> None:
    *way, last = path.steps
    if any(step.operations for step in path.steps) or not last.key:
        raise AdapterError(AdapterFault.SHAPE, path.text)
    for step in way:
        if step.key:
            tree = tree.setdefault(step.key, {})
        if not isinstance(tree, dict):
            raise AdapterError(AdapterFault.SHAPE, path.text)
    if last.key in tree:
        raise AdapterError(AdapterFault.SHAPE, path.text)
    tree[last.key] = text


def _prefixes(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return a prefix for every namespace in the names of a tree."""
    found: dict[str, str] = {}
    nodes: list[Mapping[str, Any]] = [tree]
    while nodes:
        for key, inner in nodes.pop().items():
            opening, closing = _NAMESPACE
            name = key.lstrip("@").partition(closing)[0].removeprefix(opening) if closing in key else ""
            if name:
                found.setdefault(name, f"n{len(found)}")
            if isinstance(inner, dict):
                nodes.append(inner)
    return {prefix: name for name, prefix in found.items()}


def _say(success: Success | None) -> dict[MessagePath, str]:
    return {} if success is None else {success.path: success.equals}


def _wrap(token: Secret, wrapping: SecretWrapping, key: Secret) -> str:
    spell = _SPELLINGS[wrapping.secret_spelling]
    spelled = spell(token.reveal())
    return wrapping.cipher.make_encryptor(key).encrypt_bytes(spelled).text


def _encrypt(encryptor: Encryptor, text: str) -> str:
    return encryptor.encrypt_text(text).text
