"""What differs between recorded messages and a mapping; no value of a licence is in it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CERTAIN_MISSING: Final = 0.5  # from here on a field that no record has counts as drift
_ABSENCE_WEIGHT: Final = 20  # records without an optional field that are met by chance; half as sure then
_CODE: Final = re.compile(r"[A-Za-z0-9_.+-]{1,8}")  # what else is in the place of a code may be a name or a number


class DriftKind(StrEnum):
    """How messages and mapping differ."""

    UNKNOWN_FIELD = "unknown-field"  # no rule names it
    MISSING_FIELD = "missing-field"  # a rule names it, and no record has it
    UNSEEN_CODE = "unseen-code"  # its table does not name it
    DATE_FORM = "date-form"  # days in a form that its codecs do not read
    OTHER_VALUE = "other-value"  # values that its codecs do not read, for another reason
    UNREADABLE = "unreadable"  # messages that cannot be read at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference: the path, in how many of how many records (or messages), and how sure the proposal is, 0 to 1.

    ``words`` are codes that were met, or the forms of dates; ``to`` is the target that is proposed for a field.
    """

    kind: DriftKind
    at: str
    count: int
    of: int
    confidence: float
    words: tuple[str, ...] = ()
    to: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether it is more than an optional field that nobody happened to fill."""
        return self.kind is not DriftKind.MISSING_FIELD or self.confidence >= CERTAIN_MISSING


def confidence_missing(records: int) -> float:
    """Return how sure it is that a field is gone which none of so many records has."""
    return round(records / (records + _ABSENCE_WEIGHT), 2)


def show_code(code: str) -> str:
    """Return a code as it may be shown; of what may be a value of a licence, only how long it is: ``…(2)``."""
    return code if _CODE.fullmatch(code) else f"…({len(code)})"
