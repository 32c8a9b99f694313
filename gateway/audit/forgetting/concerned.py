"""What leads to a person in one half-year: entries about them, the licences these name, and entries about those.

A licence identifies its holder too, also where somebody asked for it in vain. Whose it is, only an answer tells that
found it: whoever asks may put anybody's number beside anybody's licence. Everything here blocks, and raises
LogUnavailableError where the log cannot be read.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.audit.entry import TYPED_IN, PrivatePart, SubjectId, split_names
from gateway.audit.leaf import LeafError, LeafKind, parse_leaf
from gateway.audit.lookup import KeyOwner, LookupKind
from gateway.audit.private import PrivateFlaw, PrivatePartError
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import Erasure

_FINDING: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH})  # a refusal may rest on a document of one's own making
_STEP: Final = 256  # rows of the index that are read at a time
_LAST: Final = 2**63 - 1

Names = frozenset[str]  # of licences


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NamedLicences:
    """The licences that entries name whose holders are known from them, and of each an entry that does.

    ``damaged`` are entries that cannot be opened, or whose keys cannot: what they named is lost.
    """

    by_name: Mapping[str, int]
    damaged: frozenset[int]


def find_about_person(log: LogReader, subject: SubjectId, *, since: int = 0) -> frozenset[int]:
    """Return the entries about a person from ``since`` on."""
    return _follow(log, person_words(log, subject), since=since)


def find_about_licences(log: LogReader, names: Iterable[str], *, since: int = 0) -> frozenset[int]:
    """Return the entries from ``since`` on that name one of these licences."""
    return _follow(log, licence_words(log, names), since=since)


def name_of_others(log: LogReader, entries: Collection[int], subject: SubjectId) -> Mapping[int, Names]:
    """Return those of these entries that are about other people, with the licences that these hold by them.

    One that cannot be opened is not among them, nor one whose subjects were only typed in. The number of an identity
    card is its holder's own, so what names the person's is about the person.
    """
    others: dict[int, Names] = {}
    for entry in sorted(entries):
        try:
            part = _find_holders(log, entry)
        except PrivatePartError:
            continue
        names = Names() if part is None else Names(split_names(part.licence))
        if part is not None and part.subjects and subject not in {*part.subjects, *names}:
            others[entry] = names
    return others


def name_licences(log: LogReader, entries: Collection[int]) -> NamedLicences:
    """Return which licences entries found, as far as the subject's half of their private part can be opened."""
    by_name: dict[str, int] = {}
    damaged: set[int] = set()
    for entry in sorted(entries):
        try:
            part = _find_holders(log, entry)
        except PrivatePartError:
            damaged.add(entry)
            continue
        for name in () if part is None else split_names(part.licence):
            by_name.setdefault(name, entry)
    return NamedLicences(by_name=by_name, damaged=frozenset(damaged))


def owners_of(log: LogReader, subject: SubjectId) -> frozenset[KeyOwner]:
    """Return a person as the owner of data keys."""
    return frozenset(log.lookup.owner(LookupKind.SUBJECT, subject, epoch) for epoch in log.lookup.keys)


def person_words(log: LogReader, subject: SubjectId) -> frozenset[int]:
    """Return what the index has a person under."""
    return frozenset(log.lookup.words(LookupKind.SUBJECT, subject))


def licence_words(log: LogReader, names: Iterable[str]) -> frozenset[int]:
    """Return what the index has licences under."""
    return frozenset(word for name in names for word in log.lookup.words(LookupKind.LICENCE, name))


def erase_licences(log: LogReader, names: Iterable[str]) -> Erasure:
    """Return what the index loses when these licences are forgotten."""
    return Erasure(words=licence_words(log, names))


def erase_person(log: LogReader, subject: SubjectId, names: Iterable[str]) -> Erasure:
    """Return what it loses when a person is forgotten with these licences."""
    return Erasure(words=licence_words(log, names) | person_words(log, subject), owners=owners_of(log, subject))


def digest_entries(entries: Collection[int]) -> bytes:
    """Return SHA-256 over entry numbers in order, a line each: what an entry about forgetting them commits to."""
    return sha256("".join(f"{entry}\n" for entry in sorted(entries)).encode()).digest()


def _find_holders(log: LogReader, entry: int) -> PrivatePart | None:
    """Return the private part of an entry whose subjects, if any, hold its licence; None where they were typed in.

    Raises:
        PrivatePartError: it was changed, or its leaf was.

    """
    opened = log.private_of_subject(entry)
    if opened is None or TYPED_IN in opened.part.context[:-1]:  # the last is the caller's own
        return None
    try:
        kind = parse_leaf(log.leaf(entry)).content.kind
    except LeafError as error:
        raise PrivatePartError(PrivateFlaw.MALFORMED) from error
    return opened.part if kind in _FINDING else None


def _follow(log: LogReader, words: Iterable[int], *, since: int) -> frozenset[int]:
    found: set[int] = set()
    for word in words:
        before = _LAST
        while page := log.store.find(word, before=before, limit=_STEP, since=since):
            found.update(page)
            before = page[-1]
    return frozenset(found)
