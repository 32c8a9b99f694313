"""A value that systems write under one of several names: whichever is there is read, and they may not contradict."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.mapping.draft import Draft
from adapters.mapping.error import AdapterError, AdapterFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The slot of the value, and those of its other names with the path that a fault reports."""

    slot: str
    others: Mapping[str, str]
    in_surface: bool


def choose(choice: Choice, draft: Draft) -> None:
    """Put the value into its slot, whatever name it had.

    Raises:
        AdapterError: VALUE, when two names are there with different values.

    """
    slots = draft.surface if choice.in_surface else draft.neutral
    for other, path in choice.others.items():
        if (False, other) in draft.unseen:
            draft.unseen.add((choice.in_surface, choice.slot))
        found = draft.neutral.pop(other, None)
        if found is not None and slots.setdefault(choice.slot, found) != found:
            raise AdapterError(AdapterFault.VALUE, path)
