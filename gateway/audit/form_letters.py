"""How a field left, as a leaf says it: a letter for each field of the licence type, in the order of their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.form import FormKind

FORM_LETTERS: Final[Mapping[FormKind, str]] = MappingProxyType(
    {
        FormKind.PLAIN: "p",
        FormKind.MASK: "m",
        FormKind.GENERAL: "g",
        FormKind.PSEUDONYM: "y",
        FormKind.MATCH: "c",
        FormKind.ATTEST: "a",
        FormKind.EXISTS: "e",
        FormKind.WITHHELD: "-",
    }
)
WITHHELD: Final = FORM_LETTERS[FormKind.WITHHELD]
COMPARED: Final = FORM_LETTERS[FormKind.MATCH]
CUT_OFF: Final = "+"  # at the end of the letters of more fields than a leaf takes
