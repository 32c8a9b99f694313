"""What is wrong in a policy: where, what was expected, what was found, and what was probably meant."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFault:
    """One fault: file, line (1-based; None: not known), key as a dotted path with the id of the rule or item."""

    file: str
    line: int | None
    key: str
    expected: Words
    found: Words
    meant: str = ""  # the nearest known name

    def __str__(self) -> str:
        """Return the line that a policy officer reads, in English."""
        hint = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{self._place}: expected {self.expected.en}, found {self.found.en}{hint}"

    @property
    def sentence_zh(self) -> str:
        """Return the same line in Chinese."""
        hint = f"；是否应为 {self.meant}？" if self.meant else ""
        return f"{self._place}：应为{self.expected.zh}，实际为{self.found.zh}{hint}"

    @property
    def _place(self) -> str:
        file = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{file}: {self.key}" if self.key else file


class PolicyError(Exception):
    """A policy that cannot be used; ``faults`` are all that were found."""

    def __init__(self, faults: Iterable[PolicyFault]) -> None:
        """Keep the faults."""
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, "" when none is near."""
    found = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=0.75)
    return found[0] if found else ""
