"""What an answer says, by the paths of a recipe and by the mapping; nothing here touches the network."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome, Parsed
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset, decode, encode
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from adapters.mapping.path import ROOT, MessagePath
from adapters.transport.recipe import Question, Success
from gateway.adapters.access import SystemAccess
from gateway.adapters.connection import MAX_ANSWER, Reply
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.functions import Functions, Part
from gateway.adapters.tree import find_text, replace_texts
from keys.payload.encryption import Decryptor, Encrypted
from keys.payload.errors import PayloadError
from keys.payload.secret import Secret
from keys.payload.time_form import TimeForm, parse_time

_MAX_TOTAL: Final = 9  # digits of a number of records; nobody has a thousand million licences
_DAY: Final = "yyyy-MM-dd"
_FAULTS: Final = {AdapterFault.TOO_LARGE: AskFault.TOO_LARGE, AdapterFault.CHARSET: AskFault.CHARSET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer, read; ``total`` is how many records there are on all pages, None where it is not said.

    ``size`` is that of the answer as it came, in bytes.
    """

    parsed: Parsed
    file: bytes
    total: int | None
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the answers of one system."""

    adapter: Adapter
    access: SystemAccess
    functions: Functions

    def read_page(
        self,
        reply: Reply,
        question: Question,
        answer: MessagePath | None,
        total: MessagePath | None,
        token: Secret | None,
    ) -> Page:
        """Read the answer of a call: the text at ``answer`` or all of it, decrypted, by the mapping.

        Where a call for a file has an ``answer``, the file itself stands there in base64.

        Raises:
            AskError: TOO_LARGE, CHARSET, MALFORMED, NOT_DECRYPTED.

        """
        with _told():
            if question is Question.FILE and answer is not None:
                return self._read_file(reply, answer)
            message = self._message(reply, answer, token)
            return Page(
                parsed=self.adapter.parse(message),
                file=b"",
                total=None if total is None else _read_total(self.adapter.rules.message.form.read(message), total),
                size=len(reply.body),
            )

    def read_outcome(self, reply: Reply) -> Parsed | None:
        """Return what the mapping makes of the answer of a sign-in or a step; None where it is none of its messages."""
        try:
            return self.adapter.parse(reply.body)
        except AdapterError:
            return None

    def _read_file(self, reply: Reply, answer: MessagePath) -> Page:
        text = find_text(_read_tree(reply, answer), answer)
        if text is None:
            return Page(parsed=self.adapter.parse(reply.body), file=b"", total=None, size=len(reply.body))
        try:
            file = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):  # not chained: nothing of the message may be in an error
            raise AdapterError(AdapterFault.VALUE, answer.text) from None
        return Page(parsed=Parsed(outcome=AnswerOutcome.FOUND), file=file, total=None, size=len(reply.body))

    def _message(self, reply: Reply, answer: MessagePath | None, token: Secret | None) -> bytes:
        """Return the bytes that the mapping reads."""
        rules = self.adapter.rules.message
        if answer is None:
            if reply.charset not in {None, rules.charset}:
                raise AdapterError(AdapterFault.CHARSET, "Content-Type")
            message = reply.body
        else:
            message = encode(find_text(_read_tree(reply, answer), answer) or "", rules.charset)
        whole = [part for part in self.functions.received if part.path is None]
        for part in whole:
            text = decode(message, rules.charset if answer is not None else Charset.UTF_8)
            message = encode(_decrypt(self._decryptor(part, token), text), rules.charset)
        inside = [part for part in self.functions.received if part.path is not None]
        if inside:
            tree = rules.form.read(message)
            for part in inside:
                if part.path is not None:
                    tree = replace_texts(tree, part.path, partial(_decrypt, self._decryptor(part, token)))
            message = rules.form.write(tree)
        return message

    def _decryptor(self, part: Part, token: Secret | None) -> Decryptor:
        try:
            return part.encryption.make_decryptor(part.key.find(self.access.secrets, token))
        except KeyError as error:
            raise AskError(AskFault.NOT_DECRYPTED, part.key.name) from error


class Texts:
    """The texts in the answer of a sign-in or a step, which is read once, however many are looked up."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._trees: dict[bool, object] = {}

    def read(self, paths: Mapping[str, MessagePath]) -> dict[str, str]:
        """Return the texts at some paths by name; raises AskError MALFORMED for one that is not there."""
        with _told():
            found = {name: self._find(path) for name, path in paths.items()}
            for name, path in paths.items():
                if found[name] is None:
                    raise AdapterError(AdapterFault.SHAPE, path.text)
            return {name: text for name, text in found.items() if text is not None}

    def is_success(self, success: Success | None) -> bool:
        """Return whether the answer says what it must; raises AskError for one that cannot be read."""
        if success is None:
            return True
        with _told():
            return self._find(success.path) == success.equals

    def _find(self, path: MessagePath) -> str | None:
        is_json = path.text.startswith(ROOT)
        if is_json not in self._trees:
            self._trees[is_json] = _read_tree(self._reply, path)
        return find_text(self._trees[is_json], path)


def read_time(text: str, form: str) -> datetime:
    """Read a moment that a system wrote, in a form of templates; raises AskError MALFORMED."""
    try:
        if form == _DAY:  # its beginning: the day itself may or may not count
            year, month, day = text.split("-")
            return parse_time(f"{year:>4}{month:>2}{day:>2}000000", TimeForm.COMPACT)
        return parse_time(text, TimeForm(form))
    except ValueError as error:
        raise AskError(AskFault.MALFORMED, "ends_at") from error


def _read_tree(reply: Reply, path: MessagePath) -> object:
    """Read what is around the messages of a mapping, in the form in which the path is spelled."""
    charset = reply.charset or Charset.UTF_8
    form = (
        json_form(charset, MAX_ANSWER)
        if path.text.startswith(ROOT)
        else xml_form(charset, MAX_ANSWER, {}, declaration=False)
    )
    return form.read(reply.body)


def _decrypt(decryptor: Decryptor, text: str) -> str:
    return decryptor.decrypt_text(Encrypted(text=text))


def _read_total(tree: object, path: MessagePath) -> int | None:
    text = find_text(tree, path)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_TOTAL):
        raise AdapterError(AdapterFault.VALUE, path.text)
    return int(text)


@contextmanager
def _told() -> Iterator[None]:
    """Turn the errors of mappings and payloads into ours; their texts hold paths and lengths, never values."""
    try:
        yield
    except AdapterError as error:
        raise AskError(_FAULTS.get(error.fault, AskFault.MALFORMED), str(error)) from error
    except PayloadError as error:
        raise AskError(AskFault.NOT_DECRYPTED, str(error)) from error
