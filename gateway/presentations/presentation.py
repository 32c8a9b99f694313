"""A presentation: which licence of whom a code stands for, for which items, and until when."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from gateway.sources.source import LicenceKey, by_identifier, by_number

PRESENTED: Final = "presented"  # the reason of an entry about a licence that its holder showed by a code
USUAL_SECONDS: Final = 300  # a queue at a counter
MAX_SECONDS: Final = 600
MIN_SECONDS: Final = 30  # to be shown, scanned and asked about


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What a code stands for; a licence by its identifier, or "" and by number and type, as its holder wrote them.

    ``id`` is the decision by which the code was given, ``holder`` the number of a holder, in the spelling of keys.
    ``items`` None: it may be used for any. It counts while now < ``ends_at``.
    """

    id: str
    identifier: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    type: str = ""
    holder: str = field(repr=False)
    items: frozenset[str] | None = None
    ends_at: datetime

    @property
    def key(self) -> LicenceKey:
        """The licence, as that of this holder."""
        if self.identifier:
            return by_identifier(self.identifier, self.holder)
        return by_number(self.number, self.type, self.holder)

    def serves(self, item: str | None, *, at: datetime) -> bool:
        """Say whether it may be used now, for this item; None: the question names none."""
        return at < self.ends_at and (self.items is None or item in self.items)


class PresentationError(ValueError):
    """This is no presentation; nothing of it is repeated."""


_DECODER: Final = msgspec.msgpack.Decoder(Presentation)


def encode_presentation(presentation: Presentation) -> bytes:
    """Write a presentation; what it is kept in seals it."""
    return msgspec.msgpack.encode(presentation)


def parse_presentation(data: bytes) -> Presentation:
    """Read a presentation.

    Raises:
        PresentationError: it is none.

    """
    try:
        presentation = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # the cause may quote a number
        raise PresentationError from None
    if presentation.ends_at.tzinfo is None:
        raise PresentationError
    return presentation
