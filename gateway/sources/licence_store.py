"""The gateway's own licences: what can be done with a store of them, whoever keeps it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.sources.intake import NewLicence
from gateway.sources.source import ByIdentifier, Found, LicenceIndex, LicenceKey, Registered, StoredHead
from policies.dimension import LicenceStatus

MAX_REASON: Final = 500  # characters of why a status was set: a sentence and the number of a decision
SOURCE_NAME: Final = "store"


class Added(StrEnum):
    """What became of a licence that was to be stored."""

    NEW = "new"
    NEW_VERSION = "new-version"
    ALREADY_THERE = "already-there"
    NEW_STATUS = "new-status"  # known, and its status is another one now; of what a register states only
    IDENTIFIER_IN_USE = "identifier-in-use"  # another licence, of another number or type, has this identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A status, since when, and why; ``reason`` is the operator's own words."""

    status: LicenceStatus
    since: datetime
    is_under_objection: bool
    reason: str


def first_status(at: datetime) -> StatusChange:
    """Return the status that a licence has from the moment on at which it is stored first."""
    return StatusChange(status=LicenceStatus.ACTIVE, since=at, is_under_objection=False, reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """One version of a licence; ``sha256`` "" means that its document is not made yet."""

    identifier: str
    sha256: str
    bytes: int
    issued_on: str
    stored_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceEntry:
    """A licence as lists show it: no number and no holder, because both may be those of a person.

    ``identifier`` and ``sha256`` are those of the current version.
    """

    identifier: str
    sha256: str
    type_code: str
    name: str
    status: LicenceStatus
    status_since: datetime
    is_under_objection: bool
    versions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceHistory:
    """One licence with all versions and every status it had, the oldest first."""

    entry: LicenceEntry
    versions: tuple[VersionEntry, ...]
    changes: tuple[StatusChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which licences a list shows; "" and None leave a condition out. Texts are in the spelling of keys."""

    licence_type: str = ""
    holder: str = ""
    status: LicenceStatus | None = None


MAX_NAMED: Final = 1000  # changes between two looks that are told apart; an import makes more, and ends everything


class Mark(NamedTuple):
    """Where a store stood when it was looked at: its revision, and the highest numbers of its changes and versions."""

    revision: int
    changes: int
    versions: int


class Look(NamedTuple):
    """Where a store stands, and the names (`key_names`, `index_names`) of all licences that changed since another look.

    None: that cannot be told, or it is too much, and all may have.
    """

    mark: Mark
    names: frozenset[str] | None


def key_names(key: LicenceKey) -> frozenset[str]:
    """Return the names by which a store finds the licence of a key: nothing else of a change concerns it."""
    if isinstance(key, ByIdentifier):
        return name_licences([key.identifier], [])
    return name_licences([], [key.number])


def index_names(index: LicenceIndex) -> frozenset[str]:
    """Return the names by which a store finds how the licence of a document stands."""
    return name_licences([index.identifier], [index.number])


def name_licences(identifiers: Iterable[str], numbers: Iterable[str]) -> frozenset[str]:
    """Return the names that licences have by these identifiers and numbers."""
    return frozenset([*(f"i{one}" for one in identifiers), *(f"n{one}" for one in numbers)]) - {"i", "n"}


def is_nameable(since: Mark | None, now: Mark) -> bool:
    """Say whether what changed between two marks can be told: few things, and nothing was taken back."""
    if since is None or now.changes < since.changes or now.versions < since.versions or now.revision <= since.revision:
        return False
    return 0 < (now.changes - since.changes) + (now.versions - since.versions) <= MAX_NAMED


class UnknownLicenceError(LookupError):
    """The store has no such licence; nothing was changed."""


class LicenceStore(Protocol):
    """A store of licences; every method blocks, and raises SourceUnavailableError when the store cannot be used.

    A reference is an identifier, or the SHA-256 of a document in hexadecimal. What a method reports as failed may
    still have been stored; doing it again is then harmless.
    """

    def find(self, key: LicenceKey) -> Found:
        """Return the licence of a key, with its document; a name of a type that fits several licences finds none."""

    def find_head(self, key: LicenceKey) -> Found | StoredHead:
        """Return the licence of a key as `find` does, but without its document where there is one to find."""

    def read_document(self, sha256: str) -> bytes:
        """Return the document with this digest, which a head named; raises SourceUnavailableError where it is gone."""

    def revision(self) -> int:
        """Return a number that every change raises, whoever made it."""

    def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed since an earlier look at the same store.

        That a register stated again what it had stated, at a later moment, may count as no change.
        """

    def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands, as `LicenceSource.find_status` says."""

    def add(self, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
        """Store licences, all or none; one with the number and type of another is a new version of it.

        The version issued last is the current one. A licence that is new is `active`; one that was known keeps its
        status, since no document says that a suspension ended.
        """

    def announce(self, index: LicenceIndex, *, at: datetime) -> Added:
        """Note that a licence exists whose document is not made yet."""

    def set_status(
        self, reference: str, status: LicenceStatus, *, is_under_objection: bool, reason: str, at: datetime
    ) -> StatusChange:
        """Set the status of a licence from ``at`` on, and keep the one before.

        Raises:
            UnknownLicenceError: there is no such licence.

        """

    def index(self, reference: str) -> LicenceIndex:
        """Return what a licence is found by in its current version; raises UnknownLicenceError when there is none."""

    def entries(self, selection: Selection) -> Iterator[LicenceEntry]:
        """Return licences in the order in which they came."""

    def indexes(self, selection: Selection) -> Iterator[LicenceIndex]:
        """Return what licences are found by in their current versions, in the order in which they came."""

    def history(self, reference: str) -> LicenceHistory:
        """Return one licence; raises UnknownLicenceError when there is none."""

    def close(self) -> None:
        """Let go of the store."""
