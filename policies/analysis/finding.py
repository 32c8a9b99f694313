"""What an analysis finds: a sentence in two languages, how bad it is, where, and a context that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.dimension import Context
from policies.fault import Place, PolicyFault, Words


class Severity(StrEnum):
    """How bad it is: a policy with a fault is refused, a warning is most likely a mistake, a note may be meant."""

    FAULT = "fault"
    WARNING = "warning"
    NOTE = "note"


class FindingKind(StrEnum):
    """What was found."""

    CONFLICT = "conflict"
    TOGETHER = "together"
    RESIDUAL = "residual"
    MASK_AND_MATCH = "mask-and-match"
    DEAD = "dead"
    SHADOWED = "shadowed"
    UNCOVERED = "uncovered"
    UNUSED_FORM = "unused-form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding, about the thing ``subject``: `rule R-014`, `item 34-001`; ``key`` says more precisely where.

    ``contexts`` is in how many contexts it shows, 0 where it shows in none; ``witness`` is one of them.
    ``fields`` and ``items`` are all that an `uncovered` finding is about.
    """

    kind: FindingKind
    severity: Severity
    subject: str
    key: str
    expected: Words
    found: Words
    contexts: int = 0
    witness: Context | None = None
    fields: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    @property
    def sentence(self) -> Words:
        """Say it, without its place."""
        return Words(
            f"{self.key}：应为{self.expected.zh}，实际为{self.found.zh}",
            f"{self.key}: expected {self.expected.en}, found {self.found.en}",
        )

    def fault(self, places: Mapping[str, Place], file: str) -> PolicyFault:
        """Return it as a fault of the policy; ``file`` stands for a subject whose place is not known."""
        place = places.get(self.subject, Place(file, None))
        return PolicyFault(file=place.file, line=place.line, key=self.key, expected=self.expected, found=self.found)


_SEVEREST: Final = tuple(Severity)
_KINDS: Final = tuple(FindingKind)


def rank(finding: Finding) -> tuple[int, int, str]:
    """Order findings: faults first, then by kind and place."""
    return _SEVEREST.index(finding.severity), _KINDS.index(finding.kind), finding.key
