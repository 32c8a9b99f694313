"""What leads to a person in one half-year: entries about them, the licences these name, and entries about those.

A licence identifies its holder too, also where somebody asked for it in vain. Everything here blocks, and raises
LogUnavailableError where the log cannot be read.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.audit.entry import SubjectId, split_names
from gateway.audit.lookup import KeyOwner, LookupKind
from gateway.audit.private import PrivatePartError
from gateway.audit.reader import LogReader
from gateway.audit.seal.digest import Erasure

_STEP: Final = 256  # rows of the index that are read at a time
_LAST: Final = 2**63 - 1

Names = frozenset[str]  # of licences


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NamedLicences:
    """The licences that entries name, and of each an entry that does.

    ``damaged`` are entries that cannot be opened, or whose keys cannot: what they named is lost.
    """

    by_name: Mapping[str, int]
    damaged: frozenset[int]


def find_about_person(log: LogReader, subject: SubjectId, *, since: int = 0) -> frozenset[int]:
    """Return the entries about a person from ``since`` on."""
    return _follow(log, person_words(log, subject), since=since)


def find_about_licences(log: LogReader, names: Iterable[str]) -> frozenset[int]:
    """Return the entries that name one of these licences."""
    return _follow(log, licence_words(log, names), since=0)


def name_licences(log: LogReader, entries: Collection[int]) -> NamedLicences:
    """Return what entries name, as far as the subject's half of their private part can be opened."""
    by_name: dict[str, int] = {}
    damaged: set[int] = set()
    for entry in sorted(entries):
        try:
            opened = log.private_of_subject(entry)
        except PrivatePartError:
            damaged.add(entry)
            continue
        for name in split_names(opened.part.licence) if opened is not None else ():
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


def _follow(log: LogReader, words: Iterable[int], *, since: int) -> frozenset[int]:
    found: set[int] = set()
    for word in words:
        before = _LAST
        while page := log.store.find(word, before=before, limit=_STEP, since=since):
            found.update(page)
            before = page[-1]
    return frozenset(found)
