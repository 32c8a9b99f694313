"""A scheme: what one form does with a value, and how much it gives away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from policies.catalogue import ValueType
from policies.form import Form
from policies.forms.known import Known, Mask

if TYPE_CHECKING:
    from policies.forms.pseudonym import Pseudonyms

Value: TypeAlias = str | date

HIDDEN: Final = "***"  # what a mask shows of a value that is not what its type promises
_NOTHING_ASKED: Final[Mapping[str, str]] = MappingProxyType({})


class Gives(StrEnum):
    """What comes out of a scheme."""

    VALUE = "value"  # what went in
    TEXT = "text"
    YES_NO = "yes-no"  # or None: cannot be said
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a scheme may use besides the value.

    ``today`` is the day of the request in China Standard Time. ``pseudonyms`` belong to its partner and purpose;
    None: there is no master key, and pseudonyms are not known. ``asked`` holds what the caller asks of a predicate, by
    its name: `{"valid-on": "2026-03-01", "covers": "热食类食品制售"}`. ``valid_from`` is that of the licence, for the
    predicate `valid-on`.
    """

    today: date
    pseudonyms: "Pseudonyms | None" = None
    asked: Mapping[str, str] = field(default_factory=lambda: _NOTHING_ASKED)
    valid_from: Value | None = None


Apply: TypeAlias = Callable[[Value, Surroundings], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A form with what it does, and what that gives away.

    ``apply_to`` returns for a type of values the function that makes the form of one. That function never raises for
    any value; what a mask does not understand becomes `HIDDEN`, what a predicate or a pseudonym cannot answer, None.
    ``reveals`` is the most characters of the value that are shown; None: all of them, be it of some values only or by
    asking again and again.
    ``residual`` is the fewest values that look like this when nothing else is known; None: nothing is shown that
    could be counted.
    ``tells`` is what it tells of the holder where the value is about the holder's birth, place or sex; ``number``,
    how much it shows of a citizen number, where it shows so much or lets callers try it out.
    ``also_reads`` are the sources (`valid-from`) that it reads besides the field's own.
    """

    form: Form
    accepts: frozenset[ValueType]
    gives: Gives
    apply_to: Callable[[ValueType], Apply]
    reveals: int | None
    residual: int | None
    tells: Known
    number: Mask | None
    also_reads: frozenset[str]
    zh: str
    en: str

    @property
    def counts_as_plain(self) -> bool:
        """Whether whole values may leave, so that whatever holds of `plain` holds of this form."""
        return self.reveals is None
