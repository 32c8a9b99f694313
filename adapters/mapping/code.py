"""A code of status or outcome: its text as the table of the mapping has it, or the mark that its codecs refuse it."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from adapters.mapping.codecs.chain import Chain, compose
from adapters.mapping.codecs.codec import Sort

_Meaning = TypeVar("_Meaning")


class UnreadCode(str):
    """A code that its codecs do not read, as it stands in the message: no table means it, whatever it looks like."""

    __slots__ = ()


def meaning_of(code: str, meanings: Mapping[str, _Meaning]) -> _Meaning | None:
    """Return what a code means; None for one that the table does not name, or that was not read."""
    return None if code.__class__ is UnreadCode else meanings.get(code)


def compile_code(chain: Chain) -> Callable[[object], str | None]:
    """Return the function from a text, a number or a flag of a message to the code; None where it says nothing.

    Codes are compared by their text, whether the message has ``1`` or ``"1"``: what turns a number into a text is done
    with all of them, and the codecs behind it read the text.
    """
    texts = chain if chain.foreign is Sort.TEXT else compose(chain.codecs[1:])
    parse = texts.parse

    def read(value: object) -> str | None:
        text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
        if parse is None:
            return text
        try:
            found: str | None = parse(text)
        except (KeyError, ValueError):  # not chained: the exception carries the value
            return UnreadCode(text)
        return found

    return read
