"""A codec as a value: a lens between a foreign and a neutral value, with its domain and what it loses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from adapters.mapping.fault import Words


class Sort(StrEnum):
    """The kinds of value between which codecs go."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"  # true or false
    TEXTS = "texts"  # a tuple of texts
    TREE = "tree"  # a list or an object of JSON
    DAY = "day"
    BYTES = "bytes"


class LongTerm(Enum):
    """The value of ``valid_to`` that says "no end" (长期)."""

    LONG_TERM = "long-term"


Special = LongTerm | None  # None: nothing is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One lens. ``parse`` goes from foreign to neutral, ``render`` back; ``render ∘ parse`` changes only what is lost.

    Outside their domains both raise ValueError; ``parse`` raises KeyError for a code that a table does not name.
    ``words`` are foreign texts that stand for something special, and are looked for before ``parse``; ``written`` has
    the word with which each special value is written, where the codec writes it.
    ``is_normal`` says that ``parse`` makes one spelling of several, and leaves that one alone. ``separator`` is what a
    text is cut at. ``is_read_only`` says that nothing can be written, because ``render`` makes a part of a text.
    ``loses`` says what of a foreign value is not there any more after reading it; None when nothing is lost.
    """

    name: str
    foreign: Sort
    neutral: Sort
    parse: Callable[[Any], Any]
    render: Callable[[Any], Any]
    words: Mapping[str, Special] = field(default_factory=dict)
    written: Mapping[Special, str] = field(default_factory=dict)
    is_normal: bool = False
    separator: str = ""
    is_read_only: bool = False
    loses: Words | None = None


class MalformedCodecError(ValueError):
    """A codec that a mapping file names wrongly; ``expected`` says how it is written, ``meant`` a name near it."""

    def __init__(self, expected: Words, meant: str = "") -> None:
        """Keep what was expected."""
        super().__init__(expected.en)
        self.expected = expected
        self.meant = meant


def same(value: Any) -> Any:  # noqa: ANN401 -- the identity of every sort
    """Return the value."""
    return value
