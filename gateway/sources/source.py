"""A source of licences: how a question names one, what a source answers, and what every source keeps to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, Protocol

from adapters.identifier import ROOT
from adapters.licence import Licence
from gateway.remembered import Remembered
from gateway.sources.errand import Errand
from gateway.sources.masks import is_masked
from policies.dimension import LicenceStatus
from policies.forms.citizen import is_citizen_number, widen
from policies.forms.normal import UnfitTextError, normalise

SYSTEM_PREFIX: Final = "system:"  # of the names of sources that are other systems
_ROOT: Final = ROOT.split(".")
_SEGMENTS: Final = 5  # type, issuer, serial, version, check
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
    """The licence with this identifier (GB/T 36904); use `by_identifier`.

    ``holder`` is the code of one of its holders; None: nobody asks for a certain holder. ``written`` is how the caller
    spelled it, for systems that compare characters.
    """

    identifier: str
    holder: str | None = None
    written: str = field(default="", compare=False, repr=False)

    @property
    def asks_holder(self) -> bool:
        """Whether the licence must be that of a certain holder."""
        return self.holder is not None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, and fits no licence."""
        return not self.identifier

    @property
    def stated(self) -> tuple[str, str, str]:
        """The codes of type and issuer, and the serial, that the identifier states.

        Each is "" where it has not the parts of the standard. Not as `parse_identifier` finds them, whose check
        character costs as much as a look-up.
        """
        parts = self.identifier.split(".")
        if parts[: len(_ROOT)] != _ROOT or len(parts) != len(_ROOT) + _SEGMENTS:
            return "", "", ""
        kind, issuer, serial = parts[len(_ROOT) : len(_ROOT) + 3]
        return kind, issuer, serial

    def fits(self, index: LicenceIndex) -> bool:
        """Say whether a licence is the one that is asked for."""
        return not self.is_empty and index.identifier == self.identifier and _is_held(index, self.holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByNumber:
    """The licence with this number among those of a type, by code or by name; use `by_number`.

    ``holder`` is the code of one of its holders; None: nobody asks for a certain holder. The ``written_`` ones are how
    the caller spelled them, for systems that compare characters.
    """

    number: str
    type: str
    holder: str | None = None
    written_number: str = field(default="", compare=False, repr=False)
    written_type: str = field(default="", compare=False, repr=False)

    @property
    def asks_holder(self) -> bool:
        """Whether the licence must be that of a certain holder."""
        return self.holder is not None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, and fits no licence."""
        return not (self.number and self.type)

    def fits(self, index: LicenceIndex) -> bool:
        """Say whether a licence is the one that is asked for."""
        return (
            not self.is_empty
            and index.number == self.number
            and self.type in (index.type_code, index.name)
            and _is_held(index, self.holder)
        )


LicenceKey = ByIdentifier | ByNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLicence:
    """A licence that the source knows; its document proves nothing before it is verified here.

    ``status`` is the one of the moment of the question, ``status_since`` when it began; ``sha256`` is that of
    ``document``. A licence found by the identifier of an earlier version is `superseded`. ``as_of`` is as in
    `Registered`.
    """

    document: bytes
    sha256: str
    status: LicenceStatus
    status_since: datetime
    is_under_objection: bool
    stored_at: datetime
    source: str
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A licence that the gateway's own store knows, without its document: that is read only where it must be verified.

    The fields are those of `StoredLicence`. ``sha256`` decides which document is meant, whatever happens in between.
    """

    sha256: str
    status: LicenceStatus
    status_since: datetime
    is_under_objection: bool
    stored_at: datetime
    source: str
    as_of: datetime | None = None

    def with_document(self, document: bytes) -> StoredLicence:
        """Return the licence with its document, which has this digest."""
        return StoredLicence(
            document=document,
            sha256=self.sha256,
            status=self.status,
            status_since=self.status_since,
            is_under_objection=self.is_under_objection,
            stored_at=self.stored_at,
            source=self.source,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """The source knows the licence, and its document is not made yet. ``document`` is a decoy, as in `NotFound`.

    ``holders`` are the codes that it knows of its holders, for there is nothing sealed to compare with; one that is
    masked is no word about who it is. ``as_of`` is as in `Registered`.
    """

    status: LicenceStatus
    document: bytes
    source: str
    holders: tuple[str, ...] = ()
    is_under_objection: bool = False
    as_of: datetime | None = None

    def fits(self, key: "LicenceKey") -> bool:
        """Say whether the licence, found by this key, is that of the holder whom it asks for, if it asks for one."""
        known = (normal_code(code) for code in self.holders if not is_masked(code))
        return key.holder is None or (bool(key.holder) and key.holder in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """The source knows no such licence.

    ``document`` is a decoy: some other licence, verified and forgotten, so that finding nothing takes as long as
    finding something. The same for every holder that is asked for, so that repeating tells nothing; b"": the source
    has no document at all. ``is_ambiguous``: the name of a type fits several licences of one number, so it names none.
    """

    document: bytes
    source: str
    is_ambiguous: bool = False


class NoDocument(StrEnum):
    """Why a system that knows a licence gave no document of it."""

    NOT_THERE = "not-there"  # it has none, or hands none out
    UNAVAILABLE = "unavailable"  # it has one, which could not be fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLicence:
    """A licence that another system knows, with the document that it sent; ``document`` is b"" where it sent none.

    ``stated`` is what the system's record says, ``index`` what that is found by: its word, which no seal covers. A
    part that the record does not state is empty, and so is a holder's number that is masked: those are ``masked``, in
    the spelling of keys. ``status`` is the one of the moment of the question; ``is_unseen`` says that the system has a
    code for it that its mapping does not name. ``detail`` is a word about why there is no document. ``as_of`` is when
    the system was asked; None: for this very question. ``is_of_part``: the rest of the answer could not be read,
    and may speak of another licence of the same key.
    """

    document: bytes
    absence: NoDocument | None
    stated: Licence
    index: LicenceIndex
    status: LicenceStatus
    is_unseen: bool
    is_under_objection: bool
    source: str
    masked: tuple[str, ...] = ()
    detail: str = ""
    as_of: datetime | None = None
    is_of_part: bool = False


Found = StoredLicence | StatedLicence | NotReady | NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a source says of a licence whose document came from elsewhere.

    ``as_of`` is when the system was asked, or, in the gateway's own store, when a register was imported that states the
    licence; None: for this very question. ``is_announced``: the store itself has no document of the licence, so that
    another source may know more of it. ``may_differ``: it contradicts the document, and may be about another licence.
    """

    status: LicenceStatus
    is_under_objection: bool
    source: str
    is_unseen: bool = False  # the system has a code for it that its mapping does not name
    as_of: datetime | None = None
    is_announced: bool = False
    may_differ: bool = False


class LicenceSource(Protocol):
    """What a question is answered from: the gateway's own store, or another system.

    A holder that is asked for is compared with what is sealed, wherever there is a seal.
    """

    @property
    def name(self) -> str:
        """The word under which answers name the source."""

    async def find(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:
        """Return what the source knows of a licence; only the gateway's own store leaves the document for later.

        Raises:
            SourceUnavailableError: the gateway's own store cannot say.
            SystemUnavailableError: another system cannot say.

        """

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:
        """Return how a licence stands whose document is at hand; None: the source does not know it.

        It is known by its identifier, else by number and type. A document that was issued before the current version
        of the licence is `superseded`.

        Raises:
            SourceUnavailableError: the gateway's own store cannot say.
            SystemUnavailableError: another system cannot say.

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


class SystemFault(StrEnum):
    """Why another system cannot say."""

    UNREACHABLE = "unreachable"  # it does not answer in time, or says to come back later
    DENIED = "denied"  # it takes us, or this question of ours, for one without permission
    NOT_PROVIDED = "not-provided"  # it does not answer questions of this kind
    UNUSABLE_ANSWER = "unusable-answer"  # it answered, and nothing can be made of it
    PARTIAL = "partial"  # it answered in part, and the licence may be in the rest
    RECORD_DIFFERS = "record-differs"  # it answered with records of other licences than the one that was asked for


class SystemUnavailableError(Exception):
    """Another system cannot say; no word about the licence. ``word`` is ours, more exact than the fault.

    ``until`` is when an outage ends that was announced; None: there is none. ``registered`` is what it says of what may
    be the licence, and contradicts its document.
    """

    def __init__(
        self,
        fault: SystemFault,
        source: str,
        word: str,
        *,
        until: datetime | None = None,
        registered: Registered | None = None,
    ) -> None:
        end = "" if until is None else f" until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        super().__init__(f"{source}: {word}{end}")
        self.fault = fault
        self.source = source
        self.word = word
        self.until = until
        self.registered = registered


def by_identifier(identifier: str, holder: str | None = None) -> ByIdentifier:
    """Return the key of a licence that is named by its identifier; one that says nothing fits no licence."""
    return ByIdentifier(
        identifier=key_text(identifier),
        holder=None if holder is None else normal_code(holder),
        written=identifier.strip(),
    )


def by_number(number: str, licence_type: str, holder: str | None = None) -> ByNumber:
    """Return the key of a licence that is named by number and type; one that says nothing fits no licence."""
    return ByNumber(
        number=key_text(number),
        type=key_text(licence_type),
        holder=None if holder is None else normal_code(holder),
        written_number=number.strip(),
        written_type=licence_type.strip(),
    )


def type_of_key(key: LicenceKey) -> str:
    """Return the type that a key names, as it was written, or as its identifier states it; "" where that is neither."""
    return key.written_type or key.type if isinstance(key, ByNumber) else key.stated[0]


def _index(licence: Licence) -> LicenceIndex:
    identifier = licence.identifier
    return LicenceIndex(
        identifier="" if identifier is None else key_text(identifier.text),
        number=key_text(licence.number),
        type_code=key_text(licence.type_code or ("" if identifier is None else identifier.type_code)),
        name=key_text(licence.name),
        holders=_distinct([key_text(holder.code) for holder in licence.holders]),
    )


def _holder_codes(licence: Licence) -> tuple[str, ...]:
    return tuple(normal_code(holder.code) for holder in licence.holders)


# What a licence is found by; a type code that it does not state is that of its identifier.
index_licence: Final = Remembered(_index)
# The numbers of its holders in normal spelling, in their order; "" for one that says nothing.
holder_codes: Final = Remembered(_holder_codes)


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


def _is_held(index: LicenceIndex, holder: str | None) -> bool:
    """Say whether a licence is that of whom a key asks for, if it asks for anybody."""
    return holder is None or (bool(holder) and holder in map(normal_code, index.holders))


def _distinct(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
