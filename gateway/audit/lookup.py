"""Words of the index: under which an entry is found by somebody's number, without the number standing anywhere.

A word is a keyed hash, so that whoever steals the index cannot try all citizen numbers; the key changes by epoch, and
an epoch whose key is destroyed can be searched no more.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from gateway.audit.entry import EntryDraft

Epoch = NewType("Epoch", int)
KeyOwner = NewType("KeyOwner", bytes)  # whose data key it is, hashed

INDEX_KEY_SIZE: Final = 32
MAX_EPOCH: Final = 2**16 - 1
OWNER_SIZE: Final = 12  # bytes: no two of 10^9 people share a data key
_WORD_SIZE: Final = 8  # a word is only a way to entries, and two of 10^9 people seldom share one
_DAY: Final = 86_400_000
_CHINA: Final = 8 * 3_600_000  # a caller's day is a day in China, which has had one offset since 1991


class LookupKind(StrEnum):
    """By what entries are found."""

    SUBJECT = "subject"
    OFFICIAL = "official"
    CASE = "case"
    LICENCE = "licence"
    REQUEST = "request"
    CALLER_DAY = "caller-day"  # value: `caller_day`
    NOBODY = "nobody"  # only as the owner of a data key, for private parts without a subject or an official


_PREFIXES: Final = {kind: f"{kind.value}\0".encode() for kind in LookupKind}


def caller_day(caller: str, t: int) -> str:
    """Return the value to look up what a caller did on the day of ``t`` (milliseconds since 1970)."""
    return f"{caller}\0{(t + _CHINA) // _DAY}"


@dataclass(frozen=True, slots=True, repr=False)
class LookupKeys:
    """The keys of the index by epoch; the latest epoch is written, all are searched."""

    keys: Mapping[Epoch, bytes]

    def __post_init__(self) -> None:
        """Refuse none, and keys of another size; raises ValueError."""
        if not self.keys or any(len(key) != INDEX_KEY_SIZE for key in self.keys.values()):
            raise ValueError(f"index keys of {INDEX_KEY_SIZE} bytes were expected")
        if not all(0 <= epoch <= MAX_EPOCH for epoch in self.keys):
            raise ValueError(f"epochs up to {MAX_EPOCH} were expected")

    @property
    def current(self) -> Epoch:
        """The epoch that is written."""
        return max(self.keys)

    def owner(self, kind: LookupKind, value: str, epoch: Epoch) -> KeyOwner:
        """Return whose data key of this epoch it is."""
        return KeyOwner(_digest(self.keys[epoch], kind, value)[:OWNER_SIZE])

    def word(self, kind: LookupKind, value: str, epoch: Epoch) -> int:
        """Return the word of a value in one epoch, a signed 64-bit number."""
        return _word(_digest(self.keys[epoch], kind, value))

    def words(self, kind: LookupKind, value: str) -> tuple[int, ...]:
        """Return the words of a value in every epoch, the latest first."""
        return tuple(self.word(kind, value, epoch) for epoch in sorted(self.keys, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What one entry is found by, and who owns the keys of its private part."""

    words: tuple[int, ...]
    subjects: tuple[KeyOwner, ...]  # at least one
    official: KeyOwner


def make_marks(draft: EntryDraft, *, t: int, keys: LookupKeys) -> Marks:
    """Return the marks of an entry in the current epoch; the owners are nobody where nobody is named."""
    key, private = keys.keys[keys.current], draft.private
    digests = [
        _digest(key, LookupKind.REQUEST, draft.leaf.req),
        _digest(key, LookupKind.CALLER_DAY, caller_day(draft.leaf.caller, t)),
    ]
    subjects: Sequence[bytes] = ()
    officials: Sequence[bytes] = ()
    if private is not None:
        subjects = [_digest(key, LookupKind.SUBJECT, subject) for subject in dict.fromkeys(private.subjects)]
        officials = [_digest(key, LookupKind.OFFICIAL, private.official)] if private.official else ()
        digests += [*subjects, *officials]
        if private.case:
            digests.append(_digest(key, LookupKind.CASE, private.case))
        if private.licence:
            digests.append(_digest(key, LookupKind.LICENCE, private.licence))
    nobody = () if subjects and officials else (_digest(key, LookupKind.NOBODY, ""),)
    return Marks(
        words=tuple([_word(digest) for digest in digests]),
        subjects=tuple([KeyOwner(digest[:OWNER_SIZE]) for digest in subjects or nobody]),
        official=KeyOwner((officials or nobody)[0][:OWNER_SIZE]),
    )


def _digest(key: bytes, kind: LookupKind, value: str) -> bytes:
    return hmac.digest(key, _PREFIXES[kind] + value.encode(), "sha256")


def _word(digest: bytes) -> int:
    return int.from_bytes(digest[-_WORD_SIZE:], signed=True)
