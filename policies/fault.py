"""What is wrong in a policy: where, what was expected, what was found, and what was probably meant."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_FAULTS: Final = 500  # of one report; nobody reads more before mending the first, and a file may hold a million
MAX_COMPARISONS: Final = 50_000  # of names, for all hints of one report: about a second
_SHOWN: Final = 60  # characters of a wrong value or name that a fault repeats


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str


def same(text: str) -> Words:
    """Return words that are the same in both languages: a name, a number, an example."""
    return Words(text, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFault:
    """One fault: file, line (1-based; None: not known), key as a dotted path with the id of the rule or item.

    ``file`` is "" for what is wrong with the policy as a whole.
    """

    file: str
    line: int | None
    key: str
    expected: Words
    found: Words
    meant: str = ""  # the nearest known name

    def __str__(self) -> str:
        """Return the line that a policy officer reads, in English."""
        hint = f"; did you mean {self.meant}?" if self.meant else ""
        place = f"{self._place}: " if self._place else ""
        return f"{place}expected {self.expected.en}, found {self.found.en}{hint}"

    @property
    def sentence_zh(self) -> str:
        """Return the same line in Chinese."""
        hint = f"；是否应为 {self.meant}？" if self.meant else ""
        place = f"{self._place}：" if self._place else ""
        return f"{place}应为{self.expected.zh}，实际为{self.found.zh}{hint}"

    @property
    def _place(self) -> str:
        file = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (file, self.key) if part)


class PolicyError(Exception):
    """A policy that cannot be used; ``faults`` are those that were found, and ``more`` were found besides."""

    def __init__(self, faults: Iterable[PolicyFault], *, more: int = 0) -> None:
        """Keep the faults."""
        self.faults = tuple(faults)
        self.more = more
        lines = [str(fault) for fault in self.faults]
        if more:
            lines.append(f"and {more} more faults")
        super().__init__("\n".join(lines))

    @property
    def sentences_zh(self) -> tuple[str, ...]:
        """Return the same lines in Chinese."""
        lines = tuple(fault.sentence_zh for fault in self.faults)
        return (*lines, f"另有 {self.more} 处错误") if self.more else lines


class Place(NamedTuple):
    """Where something stands; line is 1-based, None where it is not known for certain."""

    file: str
    line: int | None


class Report:
    """Collects the faults of a whole policy; memory and time stay bounded however many there are."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._faults: list[PolicyFault] = []
        self._count = 0
        self._comparisons = 0

    def __bool__(self) -> bool:
        """Say whether anything is wrong."""
        return self._count > 0

    @property
    def count(self) -> int:
        """How many faults were found, those beyond `MAX_FAULTS` included."""
        return self._count

    def add(self, place: Place, key: str, *, expected: Words, found: Words, meant: str = "") -> None:
        """Note a fault."""
        self._count += 1
        if len(self._faults) < MAX_FAULTS:
            line = place.line
            self._faults.append(
                PolicyFault(file=place.file, line=line, key=key, expected=expected, found=found, meant=meant)
            )

    @property
    def is_full(self) -> bool:
        """Say whether further faults are counted only; then nothing need be put into words for them."""
        return len(self._faults) >= MAX_FAULTS

    def count_only(self) -> None:
        """Count a fault of which nothing is kept."""
        self._count += 1

    def extend(self, error: PolicyError) -> None:
        """Note the faults of one file."""
        room = MAX_FAULTS - len(self._faults)
        self._faults.extend(error.faults[:room])
        self._count += len(error.faults) + error.more

    def hint(self, name: str, known: Collection[str]) -> str:
        """Return the known name that was probably meant, "" when none is near or the time for hints is used up."""
        self._comparisons += len(known)
        return nearest(name, known) if self._comparisons <= MAX_COMPARISONS else ""

    def error(self) -> PolicyError:
        """Return the faults by file and line, as the error to raise."""
        ordered = sorted(self._faults, key=lambda fault: (fault.file, fault.line or 0))
        return PolicyError(ordered, more=self._count - len(ordered))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, "" when none is near."""
    found = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=0.75)
    return found[0] if found else ""


def spell(text: str, most: int = _SHOWN) -> str:
    """Return a text from a file so that it can be shown: short, and with what deceives the eye as code points.

    Han and punctuation stay; control characters, direction marks, right-to-left letters and the letters and digits of
    other alphabets, which look like ASCII, are shown by their numbers.
    """
    shown = "".join(one if _is_plain(one) else _code_point(one) for one in text[:most])
    return shown if len(text) <= most else f"{shown}…"


def _is_plain(one: str) -> bool:
    if one.isascii():
        return one.isprintable()
    kind = unicodedata.category(one)
    return (kind == "Lo" or kind[0] in "PS") and unicodedata.bidirectional(one) not in {"R", "AL"}


def _code_point(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"  # noqa: PLR2004 — the first plane
