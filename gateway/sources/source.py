"""A source of licences: how a question names one, what a source answers, and what every source keeps to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

from adapters.licence import Licence
from policies.dimension import LicenceStatus
from policies.forms.citizen import is_citizen_number, widen
from policies.forms.normal import UnfitTextError, normalise

MAX_KEY: Final = 200  # characters of an identifier, a number, a type, a holder's code: what a question may bring


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceIndex:
    """What a licence is found by, each in its normal spelling; "" where the licence does not state it."""

    identifier: str
    number: str
    type_code: str
    name: str
    holders: tuple[str, ...]  # their codes


@dataclass(frozen=True, slots=True, kw_only=True)
class ByIdentifier:
    """The licence with this identifier (GB/T 36904); use `by_identifier`."""

    identifier: str

    @property
    def asks_holder(self) -> bool:
        """Whether the licence must be that of a certain holder."""
        return False

    def fits(self, index: LicenceIndex) -> bool:
        """Say whether a licence is the one that is asked for."""
        return bool(self.identifier) and index.identifier == self.identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class ByNumber:
    """The licence with this number among those of a type, by code or by name; use `by_number`.

    ``holder`` is the code of one of its holders; None: nobody asks for a certain holder.
    """

    number: str
    type: str
    holder: str | None = None

    @property
    def asks_holder(self) -> bool:
        """Whether the licence must be that of a certain holder."""
        return self.holder is not None

    def fits(self, index: LicenceIndex) -> bool:
        """Say whether a licence is the one that is asked for."""
        return (
            bool(self.number and self.type)
            and index.number == self.number
            and self.type in (index.type_code, index.name)
            and (self.holder is None or (bool(self.holder) and self.holder in map(normal_code, index.holders)))
        )


LicenceKey = ByIdentifier | ByNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLicence:
    """A licence that the source knows; its document proves nothing before it is verified here.

    ``status`` is the one of the moment of the question, ``status_since`` when it began; ``sha256`` is that of
    ``document``. A licence found by the identifier of an earlier version is `superseded`.
    """

    document: bytes
    sha256: str
    status: LicenceStatus
    status_since: datetime
    is_under_objection: bool
    stored_at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """The source knows the licence, and its document is not made yet. ``document`` is a decoy, as in `NotFound`."""

    status: LicenceStatus
    document: bytes
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """The source knows no such licence.

    ``document`` is a decoy: some other licence, verified and forgotten, so that finding nothing takes as long as
    finding something. The same for every holder that is asked for, so that repeating tells nothing; b"": the source
    has no document at all.
    """

    document: bytes
    source: str


Found = StoredLicence | NotReady | NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a source says of a licence whose document came from elsewhere."""

    status: LicenceStatus
    is_under_objection: bool
    source: str


class LicenceSource(Protocol):
    """What a question is answered from. A holder that is asked for is not compared here, but with what is sealed."""

    @property
    def name(self) -> str:
        """The word under which answers name the source."""

    async def find(self, key: LicenceKey) -> Found:
        """Return what the source knows of a licence.

        Raises:
            SourceUnavailableError: it cannot say.

        """

    async def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how a licence stands whose document is at hand; None: the source does not know it.

        It is known by its identifier, else by number and type. A document that was issued before the current version
        of the licence is `superseded`.

        Raises:
            SourceUnavailableError: it cannot say.

        """

    def close(self) -> None:
        """Let go of what it holds; nothing is asked after that."""


class SourceFault(StrEnum):
    """Why a source cannot say."""

    ABSENT = "absent"  # there is none: nobody ever stored a licence here
    BUSY = "busy"  # locked by somebody else, or too much is waiting
    CORRUPT = "corrupt"  # what it holds contradicts itself
    UNUSABLE = "unusable"  # it cannot be opened, read or written
    NEWER = "newer"  # written by a later version of this program


class SourceUnavailableError(Exception):
    """A source cannot say; ours to mend, and no word about the licence."""

    def __init__(self, fault: SourceFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


def by_identifier(identifier: str) -> ByIdentifier:
    """Return the key of a licence that is named by its identifier; one that says nothing fits no licence."""
    return ByIdentifier(identifier=key_text(identifier))


def by_number(number: str, licence_type: str, holder: str | None = None) -> ByNumber:
    """Return the key of a licence that is named by number and type; one that says nothing fits no licence."""
    return ByNumber(
        number=key_text(number), type=key_text(licence_type), holder=None if holder is None else normal_code(holder)
    )


def index_licence(licence: Licence) -> LicenceIndex:
    """Return what a licence is found by; a type code that it does not state is that of its identifier."""
    identifier = licence.identifier
    return LicenceIndex(
        identifier="" if identifier is None else key_text(identifier.text),
        number=key_text(licence.number),
        type_code=key_text(licence.type_code or ("" if identifier is None else identifier.type_code)),
        name=key_text(licence.name),
        holders=_distinct([key_text(holder.code) for holder in licence.holders]),
    )


def key_text(text: str) -> str:
    """Return the spelling in which keys are compared; "" for a text that says nothing, or is longer than any key.

    Width, brackets, white space and case do not count, as in every comparison of fields.
    """
    try:
        normal = normalise(text) or ""
        capitals = normal.upper()
        # Again, because capitals may take together what small letters leave apart (i and a dot above).
        normal = capitals if capitals == normal else normalise(capitals) or ""
    except UnfitTextError:
        return ""
    return normal if len(normal) <= MAX_KEY else ""


def normal_code(code: str) -> str:
    """Return the spelling in which holders' numbers are compared: that of keys, old citizen numbers widened."""
    text = key_text(code)
    return widen(text) if is_citizen_number(text) else text


def _distinct(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
