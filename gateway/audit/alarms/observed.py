"""An entry as the rules see it: its leaf, and keyed hashes in place of the people, cases and licences it concerns.

It is made on arrival from the draft, and over history from the leaf and the opened private part, with equal values. The
hashes have a key of their own, not one of the index: the index changes its key with every shard, while a window of
thirty days goes from one shard into the next, and a list of protected persons outlives many. Whoever destroys that key
has destroyed what was remembered by it; the log itself holds none of these hashes.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from msgspec import Struct

from gateway.audit.entry import EntryDraft, PrivatePart, split_names
from gateway.audit.leaf import Leaf, LeafDraft, LeafKind
from gateway.audit.lookup import LookupKind, spell_value
from gateway.audit.private import OpenedPart
from gateway.decision import DECISION_ID_PATTERN
from gateway.spelling import spell_name
from policies.dimension import Context
from policies.forms.citizen import is_new_number
from policies.forms.credit_code import is_credit_code

OBSERVATION_KEY_SIZE: Final = 32
MARK_SIZE: Final = 16  # bytes of keyed BLAKE2b (RFC 7693): no two of 10^9 people share a mark
QUESTIONS: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY})
ISSUED_AT: Final = "iat="  # a value of the context: when the caller's token was issued, in seconds since 1970
_DIMENSIONS: Final = len(Context._fields)
_CALLER_KIND: Final = Context._fields.index("caller")
_LICENCE_TYPE: Final = Context._fields.index("licence")
_SERIES_DIGITS: Final = 9  # of a number that may count; what is before them names the series
_PLACE_SIZE: Final = 8
_PLACES: Final = 1 << 8 * _PLACE_SIZE
_ISSUED: Final = re.compile(r"iat=([0-9]{1,12})")
_DECISION: Final = re.compile(DECISION_ID_PATTERN)
_TIME_CHARACTERS: Final = 10  # of a decision id: 2 bits of nothing and 48 of milliseconds since 1970
_CROCKFORD: Final = str.maketrans("GHJKMNPQRSTVWXYZ", "GHIJKLMNOPQRSTUV")  # as int(…, 32) reads the same digits


class Place(NamedTuple):
    """Which entry: its number in one shard of the log."""

    shard: str
    entry: int


class Step(NamedTuple):
    """Where a number stands among those it could be counted up from: the distance of two places says how near.

    The place is moved by an amount that only the key knows, so it tells no digits.
    """

    series: bytes
    place: int


class Observed(Struct, frozen=True, kw_only=True):
    """One entry; a struct, because one is made of every entry of a busy log.

    An absent mark is b"". ``is_whole`` is false where a part was erased, so that absent says nothing. ``request`` marks
    what the caller named the request by; ``held_ms`` is how much later the entry was written than its decision was
    made, ``ahead_ms`` how far the caller's clock was ahead of it; None: not known.
    """

    place: Place
    t: int
    leaf: LeafDraft
    official: bytes = b""
    subjects: tuple[bytes, ...] = ()
    case: bytes = b""
    licences: tuple[bytes, ...] = ()  # one for each name of the licence
    request: bytes = b""
    steps: tuple[Step, ...] = ()  # of the licence's number, and of the one subject's
    caller_kind: str = ""
    licence_type: str = ""
    held_ms: int | None = None
    ahead_ms: int | None = None
    is_whole: bool = True

    @property
    def asker(self) -> bytes | str:
        """Who asked: the official, or the caller where none is named."""
        return self.official or self.leaf.caller


class ObservationKey:
    """Makes the marks."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes; raises ValueError for another size."""
        if len(key) != OBSERVATION_KEY_SIZE:
            raise ValueError(f"a key of {OBSERVATION_KEY_SIZE} bytes was expected, got {len(key)}")
        self._key = key

    def name(self, said: str) -> str:
        """Return what something is called, in 32 hexadecimal digits: the same for the same, and telling nothing."""
        return self._digest(_NAME, said).hex()

    @property
    def fingerprint(self) -> str:
        """Return what lists of marks name the key by."""
        return sha256(b"tongban alarms: fingerprint\0" + self._key).hexdigest()[:16]

    def mark(self, kind: LookupKind, value: str) -> bytes:
        """Return the mark of a value, which is the same however an official's or a case's number was typed in."""
        return self._digest(_PREFIXES[kind], spell_value(kind, value))

    def observe_draft(self, draft: EntryDraft, *, place: Place, t: int) -> Observed:
        """Return an entry as it arrives, in place ``place`` of the log at ``t`` milliseconds since 1970."""
        return self._observe(draft.leaf, draft.private, place=place, t=t, is_whole=True)

    def observe_entry(
        self, leaf: Leaf, opened: OpenedPart | None, *, place: Place, is_damaged: bool = False
    ) -> Observed:
        """Return an entry of the log; ``is_damaged`` says that its private part was changed and is not given."""
        is_erased = opened is not None and (opened.subject_erased or opened.official_erased)
        part = None if opened is None else opened.part
        return self._observe(leaf.content, part, place=place, t=leaf.t, is_whole=not (is_erased or is_damaged))

    def _observe(self, leaf: LeafDraft, part: PrivatePart | None, *, place: Place, t: int, is_whole: bool) -> Observed:
        if leaf.kind not in QUESTIONS:
            return Observed(place=place, t=t, leaf=leaf)
        made = _made_ms(leaf.req)
        held = None if made is None else t - made
        if part is None:
            return Observed(place=place, t=t, leaf=leaf, held_ms=held, is_whole=is_whole)
        mark, context = self.mark, part.context
        names = split_names(part.licence)
        decided = len(context) > _DIMENSIONS
        issued = _issued_ms(context)
        return Observed(
            place=place,
            t=t,
            leaf=leaf,
            official=self._of_organisation(_OFFICIAL, leaf, part.official),
            subjects=tuple([mark(LookupKind.SUBJECT, subject) for subject in part.subjects]),
            case=self._of_organisation(_CASE, leaf, part.case),
            licences=tuple([mark(LookupKind.LICENCE, name) for name in names]),
            request=mark(LookupKind.REQUEST, f"{leaf.caller}\0{context[-1]}") if context else b"",
            steps=self._steps(names, part.subjects),
            caller_kind=context[_CALLER_KIND] if decided else "",
            licence_type=context[_LICENCE_TYPE] if decided else "",
            held_ms=held,
            ahead_ms=None if issued is None else issued - (t if made is None else made),
            is_whole=is_whole,
        )

    def _of_organisation(self, prefix: bytes, leaf: LeafDraft, name: str) -> bytes:
        """Return the mark of what one organisation calls so; others may call others so. b"" for what says nothing."""
        spelled = spell_name(name) if name else ""
        return self._digest(prefix, f"{leaf.org or leaf.caller}\0{spelled}") if spelled else b""

    def _steps(self, names: Sequence[str], subjects: Sequence[str]) -> tuple[Step, ...]:
        numbers = (*names[:1], *(subjects if len(subjects) == 1 else ()))
        return tuple([step for number in numbers if (step := self._step(number)) is not None])

    def _step(self, number: str) -> Step | None:
        """Return where a number stands in its series; None where it ends in no digits."""
        if is_new_number(number) or is_credit_code(number):
            number = number[:-1]  # the check character follows from the others, and does not count up
        stem = number.rstrip("0123456789")
        digits = number[len(stem) :]
        if not digits:
            return None
        counted = digits[-_SERIES_DIGITS:]
        stem = f"{len(number)}\0{number[: len(number) - len(counted)]}"
        moved = int.from_bytes(self._digest(_MOVED, stem)[:_PLACE_SIZE])
        return Step(series=self._digest(_SERIES, stem), place=(int(counted) + moved) % _PLACES)

    def _digest(self, prefix: bytes, value: str) -> bytes:
        return blake2b(prefix + value.encode(), key=self._key, digest_size=MARK_SIZE).digest()


_PREFIXES: Final = {kind: f"alarm {kind.value}\0".encode() for kind in LookupKind}
_OFFICIAL: Final = _PREFIXES[LookupKind.OFFICIAL]
_CASE: Final = _PREFIXES[LookupKind.CASE]
_NAME: Final = b"alarm name\0"
_SERIES: Final = b"alarm series\0"
_MOVED: Final = b"alarm place\0"


def _issued_ms(context: Sequence[str]) -> int | None:
    for value in reversed(context):
        if value.startswith(ISSUED_AT) and (matched := _ISSUED.fullmatch(value)):
            return int(matched[1]) * 1000
    return None


def _made_ms(req: str) -> int | None:
    """Return when a decision was made, by its id; None where this is none."""
    if _DECISION.fullmatch(req) is None:
        return None
    return int(req[:_TIME_CHARACTERS].translate(_CROCKFORD), 32)
