"""Short spellings for the three answers of a check."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome

# A verdict names at most this many members, so that a hostile package cannot make an answer long.
NAMED_MEMBERS = 5
NAME_LENGTH = 120
_NEVER: Final = datetime.max.replace(tzinfo=UTC)  # how a path or an algorithm spells that it has no end


def valid(check: CheckName, detail: str | None = None) -> Check:
    """Return the check as passed."""
    return Check(check=check, outcome=Outcome.VALID, detail=detail)


def next_of(at: datetime, *moments: datetime | None) -> datetime | None:
    """Return the first of ``moments`` after ``at``: until then nothing that is compared with them changes."""
    return min((moment for moment in moments if moment is not None and at < moment < _NEVER), default=None)


def invalid(check: CheckName, reason: Reason, detail: str | None = None) -> Check:
    """Return the check as failed, with the reason."""
    return Check(check=check, outcome=Outcome.INVALID, reason=reason, detail=detail)


def unknown(check: CheckName, reason: Reason, detail: str | None = None) -> Check:
    """Return the check as impossible to decide, with the reason."""
    return Check(check=check, outcome=Outcome.UNKNOWN, reason=reason, detail=detail)


def name_members(paths: Iterable[str]) -> str:
    """Name the first few members, sorted, bounded and without control characters."""
    ordered = sorted(paths)
    shown = [_printable(path[:NAME_LENGTH]) for path in ordered[:NAMED_MEMBERS]]
    rest = len(ordered) - len(shown)
    return ", ".join(shown) + (f" (+{rest})" if rest else "")


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)
