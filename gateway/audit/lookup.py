"""Words of the index: under which an entry is found by somebody's number, without the number standing anywhere.

A word is a keyed hash, so that whoever steals the index cannot try all citizen numbers; the key changes by epoch, and
an epoch whose key is destroyed can be searched no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final, NewType

from gateway.audit.entry import EntryDraft, split_names
from gateway.audit.leaf import ANSWERS, LeafKind
from gateway.spelling import spell_name

Epoch = NewType("Epoch", int)
KeyOwner = NewType("KeyOwner", bytes)  # whose data key it is, hashed

INDEX_KEY_SIZE: Final = 32
MAX_EPOCH: Final = 2**16 - 1
ALARMS: Final = "alarms"  # what the entry that tells of alarms does, or of none
VERDICT: Final = "verdict"  # what somebody makes of one
WITHHOLDING: Final = "withholding"  # what the entry does that says which rules of secrecy are in force
ALARM_RULES: Final = "alarm-rules"  # and which rules of alarms
OWNER_SIZE: Final = 12  # bytes: no two of 10^9 people share a data key
_WORD_SIZE: Final = 8  # a word is only a way to entries, and two of 10^9 people seldom share one
_BLOCK_SIZE: Final = 64  # bytes of SHA-256, to which HMAC pads its key
_INNER: Final = 0x36
_OUTER: Final = 0x5C
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
    KIND = "kind"  # of every entry but answers, which are most of a log and found by other words
    ALARM = "alarm"  # value "": of the entries that tell of alarms, if of any, or of verdicts
    RULES = "rules"  # value: the action of an entry that says which rules are in force
    NOBODY = "nobody"  # only as the owner of a data key, for private parts without a subject or an official


_ABOUT_ALARMS: Final = frozenset({ALARMS, VERDICT})
_ABOUT_RULES: Final = frozenset({WITHHOLDING, ALARM_RULES})
_TYPED: Final = frozenset({LookupKind.OFFICIAL, LookupKind.CASE})  # by other systems; the rest is in normal spelling


def spell_value(kind: LookupKind, value: str) -> str:
    """Return a value in the one spelling that values of its kind are compared in."""
    return spell_name(value) if kind in _TYPED else value


def caller_day(caller: str, t: int) -> str:
    """Return the value to look up what a caller did on the day of ``t`` (milliseconds since 1970)."""
    return f"{caller}\0{(t + _CHINA) // _DAY}"


@dataclass(frozen=True, slots=True, repr=False)
class LookupKeys:
    """The keys of the index by epoch; the latest epoch is written, all are searched."""

    keys: Mapping[Epoch, bytes]
    _begun: dict[Epoch, "_Hmac"] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse none, and keys of another size; raises ValueError."""
        if not self.keys or any(len(key) != INDEX_KEY_SIZE for key in self.keys.values()):
            raise ValueError(f"index keys of {INDEX_KEY_SIZE} bytes were expected")
        if not all(0 <= epoch <= MAX_EPOCH for epoch in self.keys):
            raise ValueError(f"epochs up to {MAX_EPOCH} were expected")
        self._begun.update({epoch: _Hmac(key) for epoch, key in self.keys.items()})

    @property
    def current(self) -> Epoch:
        """The epoch that is written."""
        return max(self.keys)

    def digest(self, kind: LookupKind, value: str, epoch: Epoch) -> bytes:
        """Return HMAC-SHA256 of a value of a kind under the key of an epoch; of officials and cases, of their spelling.

        So what is searched for, forgotten or shown is the same, however it was typed in.
        """
        return self._begun[epoch].digest((kind + "\0" + spell_value(kind, value)).encode())

    def owner(self, kind: LookupKind, value: str, epoch: Epoch) -> KeyOwner:
        """Return whose data key of this epoch it is."""
        return KeyOwner(self.digest(kind, value, epoch)[:OWNER_SIZE])

    def word(self, kind: LookupKind, value: str, epoch: Epoch) -> int:
        """Return the word of a value in one epoch, a signed 64-bit number."""
        return _word(self.digest(kind, value, epoch))

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
    epoch, private = keys.current, draft.private
    digests = [
        keys.digest(LookupKind.REQUEST, draft.leaf.req, epoch),
        keys.digest(LookupKind.CALLER_DAY, caller_day(draft.leaf.caller, t), epoch),
    ]
    if draft.leaf.kind not in ANSWERS:
        digests.append(keys.digest(LookupKind.KIND, draft.leaf.kind, epoch))
    action = str(draft.leaf.more.get("action", "")) if draft.leaf.kind is LeafKind.ADMIN else ""
    if action in _ABOUT_RULES:
        digests.append(keys.digest(LookupKind.RULES, action, epoch))
    subjects: Sequence[bytes] = ()
    officials: Sequence[bytes] = ()
    if private is not None:
        subjects = [keys.digest(LookupKind.SUBJECT, subject, epoch) for subject in dict.fromkeys(private.subjects)]
        officials = [keys.digest(LookupKind.OFFICIAL, private.official, epoch)] if private.official else ()
        digests += [*subjects, *officials]
        if private.case:
            digests.append(keys.digest(LookupKind.CASE, private.case, epoch))
        digests += [keys.digest(LookupKind.LICENCE, name, epoch) for name in split_names(private.licence)]
        if action in _ABOUT_ALARMS and private.context:
            digests.append(keys.digest(LookupKind.ALARM, "", epoch))
    nobody = () if subjects and officials else (keys.digest(LookupKind.NOBODY, "", epoch),)
    return Marks(
        words=tuple([_word(digest) for digest in digests]),
        subjects=tuple([KeyOwner(digest[:OWNER_SIZE]) for digest in subjects or nobody]),
        official=KeyOwner((officials or nobody)[0][:OWNER_SIZE]),
    )


class _Hmac:
    """HMAC-SHA256 (RFC 2104) whose key is hashed once, which is half of the work for a short value."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK_SIZE, b"\0")
        self._inner = sha256(bytes(byte ^ _INNER for byte in padded))
        self._outer = sha256(bytes(byte ^ _OUTER for byte in padded))

    def digest(self, value: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value)
        outer.update(inner.digest())
        return outer.digest()


def _word(digest: bytes) -> int:
    return int.from_bytes(digest[-_WORD_SIZE:], signed=True)
