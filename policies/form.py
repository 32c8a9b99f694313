"""The form in which a field leaves: `plain`, `mask:name`, `withheld` … (design section 4)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

MAX_FORM: Final = 64  # characters; the longest in use has about 20
_SCHEME: Final = re.compile(r"[a-z0-9][a-z0-9.<>=-]*")


class FormKind(StrEnum):
    """The kinds of forms; those in `WITH_SCHEME` are followed by a colon and the name of a scheme."""

    PLAIN = "plain"
    MASK = "mask"
    GENERAL = "general"
    PSEUDONYM = "pseudonym"
    MATCH = "match"
    ATTEST = "attest"
    EXISTS = "exists"
    WITHHELD = "withheld"


WITH_SCHEME: Final = frozenset({FormKind.MASK, FormKind.GENERAL, FormKind.PSEUDONYM, FormKind.ATTEST})


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its kind and, for some kinds, a scheme; ``str()`` spells it as policies and answers do."""

    kind: FormKind
    scheme: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the spelling of a form; whether its scheme exists is for the registry of schemes to say.

        Raises:
            ValueError: it is none.

        """
        kind_text, colon, scheme = text.partition(":")
        try:
            kind = FormKind(kind_text)
        except ValueError:
            raise ValueError("a form was expected") from None
        if (kind in WITH_SCHEME) != bool(colon) or len(text) > MAX_FORM or (colon and not _SCHEME.fullmatch(scheme)):
            raise ValueError("a form was expected")
        return cls(kind, scheme)

    def __str__(self) -> str:
        """Spell the form."""
        return f"{self.kind}:{self.scheme}" if self.scheme else str(self.kind)

    def is_no_wider_than(self, other: "Form") -> bool:
        """Say whether this form certainly shows no more than ``other`` does.

        Two masks, or a mask and a year, have no natural order: where it is not certain, it is not claimed.
        """
        return self == other or self.kind is FormKind.WITHHELD or other.kind is FormKind.PLAIN


PLAIN: Final = Form(FormKind.PLAIN)
MATCH: Final = Form(FormKind.MATCH)
EXISTS: Final = Form(FormKind.EXISTS)
WITHHELD: Final = Form(FormKind.WITHHELD)
