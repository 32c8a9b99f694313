"""The exact difference between two versions of a policy. What widens anything needs a second approver."""

from dataclasses import dataclass

from policies.bundle import Bundle
from policies.difference.contexts import compare_contexts
from policies.difference.line import DiffLine
from policies.difference.written import compare_written


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All differences: what was written otherwise, then what callers get otherwise."""

    lines: tuple[DiffLine, ...]

    @property
    def widens(self) -> bool:
        """Say whether anything is wider, or not certainly no wider, than before."""
        return any(line.widens for line in self.lines)


def diff(old: Bundle, new: Bundle) -> Diff:
    """Compare two versions; the order of anything in them makes no difference."""
    return Diff(lines=(*compare_written(old, new), *compare_contexts(old, new)))
