"""Seals of days: entries that commit to the index of the entries [first, next).

A seal states SHA-256(0x11 ‖ salt ‖ digest); the salt is that of ``resp`` in the seal's private part, which belongs to
nobody. When a day is sealed anew, because something of it was forgotten, the earlier seal loses its salt: otherwise
whoever has the key of the index could find out who was forgotten by trying all people against the earlier digest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gateway.audit.commitment import is_opened_by, make_commitment
from gateway.audit.entry import OWN_CALLER, EntryDraft, make_private
from gateway.audit.leaf import Leaf, LeafDraft, LeafError, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.private import PrivatePartError
from gateway.audit.reader import LogReader
from gateway.audit.search.entry import decode_digest, encode_digest
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_DAY, SEAL_RESEAL
from gateway.audit.verify.part import CHINA_MS, DAY_MS
from gateway.decision import make_decision_id

_FETCHED: Final = 256  # rows of the index; a half-year has fewer seals, but for what was sealed anew
_LAST: Final = 2**63 - 1
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDay:
    """What one seal says: entry ``seal`` commits to the index of the entries [first, next) of a day in China."""

    seal: int
    day: str
    first: int
    next: int
    commitment: bytes

    @property
    def span(self) -> tuple[int, int]:
        """The entries that are sealed."""
        return self.first, self.next

    @property
    def end_ms(self) -> int:
        """When the day was over in China, in milliseconds since 1970: before that all that is sealed was written."""
        return (date.fromisoformat(self.day) - _EPOCH).days * DAY_MS + DAY_MS - CHINA_MS

    def is_of(self, digest: bytes, salt: bytes) -> bool:
        """Answer whether this is the digest that was sealed."""
        return is_opened_by(self.commitment, salt=salt, value=digest)


def draft_day_seal(day: str, span: tuple[int, int], digest: bytes, *, at: datetime) -> EntryDraft:
    """Return the seal of a day."""
    return _draft({"action": SEAL_DAY, "day": day}, span, digest, at)


def draft_reseal(sealed: SealedDay, digest: bytes, *, shred: int, at: datetime) -> EntryDraft:
    """Return the new seal of a day of which something is forgotten, as entry ``shred`` says."""
    return _draft({"action": SEAL_RESEAL, "day": sealed.day, "previous": str(shred)}, sealed.span, digest, at)


def _draft(said: dict[str, str | int], span: tuple[int, int], digest: bytes, at: datetime) -> EntryDraft:
    private = make_private()
    more = said | {
        "digest": encode_digest(make_commitment(private.salts.resp, digest)),
        "first": span[0],
        "next": span[1],
    }
    leaf = LeafDraft(kind=LeafKind.SEAL, req=make_decision_id(at), caller=OWN_CALLER, more=more)
    return EntryDraft(leaf=leaf, private=private)


def read_sealed(seal: int, content: LeafDraft) -> SealedDay | None:
    """Return what an entry seals; None where it is no seal of a day, or none that was written by us."""
    more = content.more
    first, following = more.get("first"), more.get("next")
    if content.kind is not LeafKind.SEAL or more.get("action") not in {SEAL_DAY, SEAL_RESEAL}:
        return None
    try:
        commitment = decode_digest(str(more.get("digest", "")))
        day = date.fromisoformat(str(more.get("day", ""))).isoformat()
    except ValueError:
        return None
    if not isinstance(first, int) or not isinstance(following, int):
        return None
    return SealedDay(seal=seal, day=day, first=first, next=following, commitment=commitment)


def aged_from(leaf: Leaf) -> int:
    """Return from when on the time counts for which an entry is kept: of a seal it is the end of the day it seals."""
    sealed = read_sealed(0, leaf.content)
    return leaf.t if sealed is None else sealed.end_ms


def find_seals(log: LogReader, *, since: int = 0) -> Iterator[tuple[int, LeafDraft]]:
    """Return the seals of a log from ``since`` on, by its index, the latest first; blocks.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    for word in log.lookup.words(LookupKind.KIND, LeafKind.SEAL):  # a later epoch has later entries
        before = _LAST
        while entries := log.store.find(word, before=before, limit=_FETCHED, since=since):
            for entry, one in sorted(log.store.pick(entries).items(), reverse=True):
                content = _parse(one.leaf)
                if content.kind is LeafKind.SEAL:
                    yield entry, content
            before = entries[-1]


def find_seals_of_days(log: LogReader) -> Mapping[tuple[int, int], Sequence[SealedDay]]:
    """Return the seals of every day by what is sealed, the latest first; raises as `find_seals` does."""
    days: dict[tuple[int, int], list[SealedDay]] = {}
    for entry, content in find_seals(log):
        if (sealed := read_sealed(entry, content)) is not None:
            days.setdefault(sealed.span, []).append(sealed)
    return days


def find_sealed_days(log: LogReader) -> tuple[list[SealedDay], list[int]]:
    """Return the latest seal of every day, in the order of days, and all earlier ones; raises as `find_seals` does."""
    days = find_seals_of_days(log)
    return [days[span][0] for span in sorted(days)], [one.seal for seals in days.values() for one in seals[1:]]


def read_salt(log: LogReader, sealed: SealedDay) -> bytes | None:
    """Return the salt of a seal; None where it is gone or was changed. Raises LogUnavailableError."""
    try:
        opened = log.private_of_subject(sealed.seal)
    except PrivatePartError:
        return None
    return None if opened is None or opened.subject_erased else opened.part.salts.resp


def _parse(data: bytes) -> LeafDraft:
    try:
        return parse_leaf(data).content
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"an entry: {error}") from error
