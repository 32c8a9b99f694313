"""Texts with places for values, ``{setting.access_id}``: read once, filled for each request."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# What a request may say that is not particular to a system. Each is a text; "" where nothing is known.
QUESTION: Final = frozenset(
    {
        "identifier",
        "number",
        "type_code",
        "name",
        "holder_name",
        "holder_code",
        "holder_code_type",
        "area",
        "code",  # a presentation code
        "link",  # what a record said about its file: an address, or a grant of one use
        "use",
        "item_code",
        "item_name",
        "case",
        "operator_id",
        "operator_name",
        "operator_org",
        "operator_org_code",
        "question_id",  # under which the asker's log has the question; a decision id, which names nobody
    }
)
# A licence or a person: never in an address, for addresses are logged by everyone they pass.
PERSONAL: Final = frozenset(
    {"identifier", "number", "holder_name", "holder_code", "code", "case", "operator_id", "operator_name"}
)
MACHINERY: Final = frozenset({"base", "token", "signature", "request_id", "nonce", "page", "page_size", "message"})
TIME_FORMS: Final = frozenset({"epoch-s", "epoch-ms", "yyyyMMddHHmmss", "yyyy-MM-dd"})

_PLACE: Final = re.compile(r"\{([a-z_]+)(?:\.([A-Za-z0-9_-]{1,64}))?\}|([^{}]+)")


class Kind(StrEnum):
    """Where the value of a place comes from."""

    WORD = ""  # a word of `QUESTION` or `MACHINERY`
    SETTING = "setting"  # what the site says openly
    SECRET = "secret"  # noqa: S105 -- the name of a kind: what the site keeps secret
    VALUE = "value"  # made for each request, [transport.values]
    GIVEN = "given"  # given by a step before this call
    NOW = "now"  # the moment of the request, in one of `TIME_FORMS`


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place: ``{identifier}`` has the name alone, ``{setting.account}`` a kind as well."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """Return the key under which its value is looked up."""
        return f"{self.kind}.{self.name}" if self.kind else self.name


class MalformedTemplateError(ValueError):
    """A template that cannot be read."""


class MissingValueError(LookupError):
    """A template that is filled without one of its values; the message is the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Fixed texts and places in their order."""

    parts: tuple[str | Place, ...]

    @property
    def places(self) -> Iterator[Place]:
        """The places, in order."""
        return (part for part in self.parts if isinstance(part, Place))

    def fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """Return the text; every value is escaped for where it will stand, the fixed texts are not.

        Raises:
            MissingValueError: for a place without a value.

        """
        filled = []
        for part in self.parts:
            if isinstance(part, str):
                filled.append(part)
                continue
            value = values.get(str(part))
            if value is None:
                raise MissingValueError(str(part))
            filled.append(escape(value))
        return "".join(filled)


def parse_template(text: str) -> Template:
    """Read a template.

    Raises:
        MalformedTemplateError: a stray brace, an unknown name, or a control character.

    """
    if any(one < " " or one == "\x7f" for one in text):
        raise MalformedTemplateError("a text without control characters was expected")
    parts: list[str | Place] = []
    position = 0
    while position < len(text):
        found = _PLACE.match(text, position)
        if found is None:
            raise MalformedTemplateError("names in braces were expected")
        parts.append(found[3] or _place(found[1], found[2]))
        position = found.end()
    return Template(parts=tuple(parts))


def _place(word: str, name: str | None) -> Place:
    if name is None:
        if word not in QUESTION | MACHINERY:
            raise MalformedTemplateError("an unknown name")
        return Place(kind=Kind.WORD, name=word)
    kind = next((kind for kind in Kind if kind and kind == word), None)
    if kind is None or (kind is Kind.NOW and name not in TIME_FORMS):
        raise MalformedTemplateError("an unknown name")
    return Place(kind=kind, name=name)
