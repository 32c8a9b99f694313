"""One form of message as a value: how its bytes become a tree, and a tree its bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FormName(StrEnum):
    """The forms that the mapping language knows."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    DELIMITED = "delimited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Both functions raise AdapterError only. A tree is made of dicts, lists, texts, numbers, flags and None.

    ``separator`` is what stands between values that may be in quotes; "" where none may.
    """

    name: FormName
    read: Callable[[bytes], object]
    write: Callable[[object], bytes]
    separator: str = ""
