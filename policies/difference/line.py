"""One difference between two versions of a policy, in words; whether it widens what leaves."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from policies.dimension import Context
from policies.fault import Words
from policies.form import MATCH, WITHHELD, Form

_NOT_SAID: Final = Words("", "")


class Topic(StrEnum):
    """What a difference is about; the first two are found in contexts, the others in what was written."""

    FIELD = "field"
    OBLIGATION = "obligation"
    LICENCE = "licence"
    CATALOGUE = "catalogue"
    CALLER = "caller"
    ITEM = "item"
    RULE = "rule"
    CEILING = "ceiling"
    TOGETHER = "together"
    BUDGET = "budget"
    TEST = "test"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Shown:
    """What leaves of a field: a form, and whether it may be compared besides."""

    form: Form = WITHHELD
    may_match: bool = False

    def __str__(self) -> str:
        """Spell it: `mask:name+match`."""
        if not self.may_match:
            return str(self.form)
        return str(MATCH) if self.form == WITHHELD else f"{self.form}+{MATCH}"

    def is_no_wider_than(self, other: "Shown") -> bool:
        """Say whether this is certainly no more than the other; a comparison is something of its own."""
        return self.form.is_no_wider_than(other.form) and (other.may_match or not self.may_match)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One difference.

    Of a field or an obligation: the callers (kind, home) that all see the same change, item, licence type, field, in
    how many contexts, and one of these. Of anything else: ``subject`` is what was changed, `item 34-001.licences`.
    ``old`` and ``new`` are spelled as in policies; "" is nothing.
    """

    topic: Topic
    old: str
    new: str
    widens: bool
    subject: str = ""
    callers: tuple[tuple[str, str], ...] = ()
    item: str = ""
    licence: str = ""
    field: str = ""
    contexts: int = 0
    witness: Context | None = None
    sentence: Words = _NOT_SAID


def spell_value(value: object) -> str:
    """Spell what a policy says, on one line: lists with commas, tables as JSON, "" for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple() | list():
            return ", ".join(map(str, value))
        case Struct():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)
