"""A list of people or licences that nobody should ask about without a reason: keyed hashes, one a line, sorted.

    tongban-watchlist/1 subject 1f2e3d4c5b6a7988
    00a1…

The first line says what is listed and the fingerprint of the key that the hashes were made with; a list of another key
would never find anybody, and is noticed. Without the key nobody can try all citizen numbers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.audit.alarms.observed import MARK_SIZE, ObservationKey
from gateway.audit.alarms.words import WatchlistKind
from gateway.audit.errors import AuditError
from gateway.audit.lookup import LookupKind
from gateway.toml_table import Words
from gateway.trust.files import read_file

MAX_LISTED: Final = 100_000  # a province protects some thousands of people
WATCHLIST_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
SCHEMA: Final = "tongban-watchlist/1"
_LINE: Final = 2 * MARK_SIZE + 1
_MAX_BYTES: Final = 100 + MAX_LISTED * _LINE
_HEAD: Final = re.compile(rf"{SCHEMA} (subject|licence) ([0-9a-f]{{16}})")
_MARK: Final = re.compile(rf"[0-9a-f]{{{2 * MARK_SIZE}}}")


_LOOKUP: Final = {WatchlistKind.SUBJECT: LookupKind.SUBJECT, WatchlistKind.LICENCE: LookupKind.LICENCE}


class WatchlistError(AuditError):
    """This is no list; ``words`` say what it is."""

    def __init__(self, words: Words) -> None:
        """Keep what was found."""
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Watchlist:
    """The marks that are listed, and the fingerprint of the key that made them."""

    kind: WatchlistKind
    fingerprint: str
    marks: frozenset[bytes]


def make_watchlist(kind: WatchlistKind, values: Iterable[str], key: ObservationKey) -> Watchlist:
    """Return the list of these values, which are in their normal spelling; raises ValueError for too many."""
    marks = frozenset(key.mark(_LOOKUP[kind], value) for value in values)
    if len(marks) > MAX_LISTED:
        raise ValueError(f"at most {MAX_LISTED} were expected, got {len(marks)}")
    return Watchlist(kind=kind, fingerprint=key.fingerprint, marks=marks)


def encode_watchlist(listed: Watchlist) -> bytes:
    """Write a list in its one spelling."""
    head = f"{SCHEMA} {listed.kind} {listed.fingerprint}"
    return "\n".join([head, *sorted(mark.hex() for mark in listed.marks), ""]).encode()


def parse_watchlist(data: bytes) -> Watchlist:
    """Read a list.

    Raises:
        WatchlistError: it is none, or written in another way.

    """
    head, *lines = data.decode("ascii", "replace").split("\n")
    matched = _HEAD.fullmatch(head)
    if matched is None or len(data) > _MAX_BYTES or not lines or lines.pop() != "":
        raise WatchlistError(_OTHER)
    if lines != sorted(set(lines)) or not all(map(_MARK.fullmatch, lines)):
        raise WatchlistError(_OTHER)
    return Watchlist(kind=WatchlistKind(matched[1]), fingerprint=matched[2], marks=frozenset(map(bytes.fromhex, lines)))


def read_watchlist(path: Path) -> Watchlist:
    """Read the list of a file; raises WatchlistError, also for a file that cannot be read."""
    try:
        return parse_watchlist(read_file(path, _MAX_BYTES))
    except FileNotFoundError as error:
        raise WatchlistError(Words("文件不存在", "no such file")) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise WatchlistError(Words(f"无法读取（{why}）", f"an unreadable file ({why})")) from error


_OTHER: Final = Words("不是 tongban audit watchlist 写成的内容", "something else than tongban audit watchlist writes")
