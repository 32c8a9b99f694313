"""A request as it came in, read back by the templates with which a recipe would have written it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.form_text import form_text
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import read_xml_text, xml_form
from adapters.mapping.path import MessagePath
from adapters.transport.asked import Said, join, read_members, read_text, read_tree, xml_tree
from adapters.transport.recipe import BodyKind, Request, TransportRecipe, Tree
from adapters.transport.template import Kind, Template
from gateway.adapters.tree import replace_texts
from keys.payload.encryption import Encrypted

MAX_ASKED: Final = 1024 * 1024  # bytes of one request; the largest of ours has 2 kB

_CONTENT_TYPE: Final = "content-type"  # says nothing about which request it is
_MESSAGE: Final = "message"
_FORMS: Final = {
    BodyKind.JSON: json_form(Charset.UTF_8, MAX_ASKED),
    BodyKind.FORM: form_text(Charset.UTF_8, MAX_ASKED),
    BodyKind.XML: xml_form(Charset.UTF_8, MAX_ASKED, {}, declaration=False),
}


class TextDecryptor(Protocol):
    """What a function with its key does to a text; one may say of texts that it cannot read that they are empty."""

    def decrypt_text(self, encrypted: Encrypted) -> str:
        """Decrypt a text; raises PayloadError."""
        ...


# With what is decrypted that the other side encrypted: the text at a path, or the whole message.
Decryptors = Sequence[tuple[MessagePath | None, TextDecryptor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One request; ``path`` is behind the address of the system, names of headers are in small letters."""

    method: str
    path: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class RequestPattern:
    """One request of a recipe, to be looked for in what comes in."""

    def __init__(self, recipe: TransportRecipe, request: Request, *, is_sign_in: bool = False) -> None:
        """Look for this one; a sign-in has no headers of all requests, and nothing in it is encrypted."""
        headers = request.headers if is_sign_in else {**recipe.headers, **request.headers}
        self.request = request
        self._values = {f"{Kind.VALUE}.{name}": one for name, one in recipe.values.items()}
        self._path = Template(parts=request.url.parts[1:])  # behind {base}
        self._headers = {name.lower(): one for name, one in headers.items() if name.lower() != _CONTENT_TYPE}
        self._body = None if request.body is None else _spread(request.body.content)
        self._message = None if request.message is None else xml_tree(request.message)
        self._is_encrypted = not is_sign_in

    def read(self, incoming: Incoming, decryptors: Decryptors = ()) -> Said | None:
        """Return what a request says in the places of the templates, by their keys; None: it is another one.

        What is missing reads as "": it is for whoever answers to say what must be there.

        Raises:
            AdapterError: a body that cannot be read.
            PayloadError: a body that cannot be decrypted.

        """
        return self._read(incoming, _Body(incoming.body, decryptors))

    def read_head(self, incoming: Incoming) -> Said | None:
        """Return what the method, the address and the headers say, which are read before anything is decrypted."""
        said = self._read_head(incoming)
        return None if said is None else self._follow(said)

    def _read(self, incoming: Incoming, body: "_Body") -> Said | None:
        said = self._read_head(incoming)
        if said is not None and self._body is not None and self.request.body is not None:
            said = join((said, self._read_body(self.request.body.kind, self._body, body)))
        return None if said is None else self._follow(said)

    def _read_head(self, incoming: Incoming) -> Said | None:
        if incoming.method != self.request.method:
            return None
        return join(
            (
                read_text(self._path, incoming.path.rstrip("/")),
                read_members(self._headers, incoming.headers),
                read_members(self.request.query, incoming.query),
            )
        )

    def _read_body(self, kind: BodyKind, pattern: Tree, body: "_Body") -> Said | None:
        said = read_tree(pattern, body.tree(kind, is_encrypted=self._is_encrypted, is_whole=self._message is None))
        if said is None or self._message is None:
            return said
        text = said.texts.get(_MESSAGE, "")
        message = body.decrypt_whole(text) if self._is_encrypted else text
        return join((said, read_tree(self._message, read_xml_text(message))))

    def _follow(self, said: Said) -> Said | None:
        """Add what the texts of [transport.values] are made of."""
        made = [(self._values[key], text) for key, text in said.texts.items() if key in self._values]
        followed = join(read_text(template, text) for template, text in made)
        return None if followed is None else join((said, replace(followed, named=0)))


def find_request(
    patterns: Iterable[RequestPattern], incoming: Incoming, decryptors: Decryptors = ()
) -> tuple[RequestPattern, Said] | None:
    """Return the request that came in: of those that it can be, the one in which the most is said, the least missing.

    Raises:
        AdapterError: a body that cannot be read.
        PayloadError: a body that cannot be decrypted.

    """
    body = _Body(incoming.body, decryptors)
    found = [(one, said) for one in patterns if (said := one._read(incoming, body)) is not None]  # noqa: SLF001 -- one of ours
    return max(found, key=lambda pair: (pair[1].named, -list(pair[1].texts.values()).count("")), default=None)


class _Body:
    """The body of one request; whatever the patterns are, it is read and decrypted once in each way."""

    def __init__(self, data: bytes, decryptors: Decryptors) -> None:
        self._data = data
        self._whole = [one for path, one in decryptors if path is None]
        self._inside = [(path, one) for path, one in decryptors if path is not None]
        self._trees: dict[tuple[BodyKind, bool, bool], object] = {}

    def tree(self, kind: BodyKind, *, is_encrypted: bool, is_whole: bool) -> object:
        """Return what is in it; ``is_whole``: what encrypts a whole message encrypted this, and no message inside."""
        way = (kind, is_encrypted, is_whole)
        if way not in self._trees:
            self._trees[way] = self._read(kind, is_encrypted=is_encrypted, is_whole=is_whole)
        return self._trees[way]

    def decrypt_whole(self, text: str) -> str:
        """Return a message that was encrypted as a whole."""
        for one in reversed(self._whole):
            text = _decrypt(one, text)
        return text

    def _read(self, kind: BodyKind, *, is_encrypted: bool, is_whole: bool) -> object:
        data = self._data
        if is_encrypted and is_whole and self._whole:
            data = self.decrypt_whole(data.decode("utf-8", "replace")).encode()
        tree = _FORMS[kind].read(data)
        for path, decryptor in self._inside if is_encrypted else ():
            tree = replace_texts(tree, path, partial(_decrypt, decryptor))
        return tree


def _spread(content: Tree) -> Tree:
    """Return the templates of a body by where they stand: the one template of XML is a tree of them."""
    return xml_tree(content) if isinstance(content, Template) else content


def _decrypt(decryptor: TextDecryptor, text: str) -> str:
    return decryptor.decrypt_text(Encrypted(text=text))
