"""What was read of a record so far, and the shapes in which values are met on the way."""

from collections.abc import Callable
from typing import Any

from adapters.mapping.bounds import MAX_RECORDS
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.xml import TEXT
from adapters.record.status import RecordFlag  # noqa: TC001 -- no import is for types alone here

Aside = list[tuple[str, object]]  # paths, and what stands there that no rule names


class Draft:
    """What was read so far: values by slot, surface fields by name, flags.

    ``unseen`` are the slots (in the surface or not, and the name) of codes that their table does not name.
    """

    __slots__ = ("flags", "neutral", "surface", "unseen")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.neutral: dict[str, Any] = {}
        self.surface: dict[str, Any] = {}
        self.flags: set[RecordFlag] = set()
        self.unseen: set[tuple[bool, str]] = set()


Reader = Callable[[object, Draft, Aside], None]


def text_of(value: object, path: str, aside: Aside) -> str:
    """Return the text of a value that is no str: nothing, or an XML element with attributes that no rule names."""
    if value is None:
        return ""
    if value.__class__ is dict and TEXT in value:
        for key, one in value.items():
            if key != TEXT:
                aside.append((f"{path}.{key}", one))
        return str(value[TEXT])
    raise AdapterError(misplaced(value), path)


def misplaced(value: object) -> AdapterFault:
    """Return what is wrong with a value that stands where another kind was expected."""
    return AdapterFault.SHAPE if isinstance(value, dict | list) else AdapterFault.TYPE


def list_of(value: object, path: str, *, is_xml: bool, most: int = MAX_RECORDS) -> list[object]:
    """Return a list of a message, empty where nothing is there; in XML one element alone is a list of one.

    Raises:
        AdapterError: SHAPE or TOO_LARGE.

    """
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        if is_xml:
            return [value]
        raise AdapterError(misplaced(value), path)
    if len(value) > most:
        raise AdapterError(AdapterFault.TOO_LARGE, path)
    return value
