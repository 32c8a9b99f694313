"""Binding a question to its purpose: an item (事项) of the policy in force, and a case (办件) of the item's form."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from re import Pattern
from re import compile as compile_pattern
from typing import Final

from policies.engine import item_in_force
from policies.item import Item

_KEPT_PATTERNS: Final = 4096  # one for each item of a policy


class Unbound(StrEnum):
    """Why a question has no purpose that it could be answered for."""

    ITEM_MISSING = "purpose.item-missing"
    ITEM_UNKNOWN = "purpose.item-unknown"
    ITEM_NOT_IN_FORCE = "purpose.item-not-in-force"
    CASE_MISSING = "purpose.case-missing"
    CASE_MALFORMED = "purpose.case-malformed"


class PurposeError(Exception):
    """A question is not bound to a purpose; the text holds nothing that was asked."""

    def __init__(self, unbound: Unbound) -> None:
        """Keep why."""
        self.unbound = unbound
        super().__init__(str(unbound))


def bind_purpose(items: Mapping[str, Item], item: str | None, case: str | None, *, today: date) -> Item:
    """Return the item that a question is asked for, on this day in China.

    Raises:
        PurposeError: there is no such item, it is not in force, or the case number does not go with it.

    """
    if item is None:
        raise PurposeError(Unbound.ITEM_MISSING)
    found = items.get(item)
    if found is None:
        raise PurposeError(Unbound.ITEM_UNKNOWN)
    if not item_in_force(found, today):
        raise PurposeError(Unbound.ITEM_NOT_IN_FORCE)
    if case is None:
        if found.case.required:
            raise PurposeError(Unbound.CASE_MISSING)
    elif not _pattern(found.case.pattern).fullmatch(case):
        raise PurposeError(Unbound.CASE_MALFORMED)
    return found


@lru_cache(_KEPT_PATTERNS)
def _pattern(text: str) -> Pattern[str]:
    return compile_pattern(text)  # of the part that is matched in one pass (`policies.validation.pattern`)
