"""What a draft consists of: guesses about fields, codes that a person has to explain, and what is left over."""

from dataclasses import dataclass
from typing import Final

from adapters.draft.sample import Layout
from adapters.draft.value import Kind
from adapters.mapping.fault import Words
from adapters.mapping.rule import Evidence

PROBABLE: Final = 0.85  # from here on a guess is marked probable; certain is for those who know the system


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One line of the mapping. ``confidence`` is from 0 to 1; ``pairs`` are the keys of a list of surface fields."""

    to: str
    at: str
    codecs: tuple[str, ...]
    confidence: float
    why: Words
    pairs: tuple[str, str] | None = None

    @property
    def evidence(self) -> Evidence:
        """The word for how sure it is; a draft is never certain."""
        return Evidence.PROBABLE if self.confidence >= PROBABLE else Evidence.INFERRED


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesSeen:
    """A place with codes to which a person has to give their meaning: the status, or the outcome of a message.

    ``beside_records`` are those codes that came with records.
    """

    at: str
    codes: tuple[str, ...]
    beside_records: tuple[str, ...]
    confidence: float
    why: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """A place left over. ``kind`` is what its values look like, ``near`` a guess that was too weak or too late."""

    at: str
    kind: Kind | None
    near: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A mapping, proposed. ``records`` is the path of the records, "" when each message is one.

    ``is_whole`` is False when the samples were larger than a draft looks at.
    """

    layout: Layout
    records: str
    fields: tuple[Guess, ...]
    status: CodesSeen | None
    outcome: CodesSeen | None
    envelope: tuple[Guess, ...]
    unmapped: tuple[Unmapped, ...]
    samples: int
    is_whole: bool
