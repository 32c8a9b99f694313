"""The words of alarms: how soon somebody should look, what was made of it, what lists are of."""

from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Verdict(StrEnum):
    """What somebody made of an alarm; one that needs inquiry stays open."""

    JUSTIFIED = "justified"  # the access was in order
    UNJUSTIFIED = "unjustified"
    NEEDS_INQUIRY = "needs-inquiry"

    @property
    def closes(self) -> bool:
        """Whether nothing is left to be done."""
        return self is not Verdict.NEEDS_INQUIRY


class AlarmKind(StrEnum):
    """What an alarm says."""

    FOUND = "found"  # the rule found something
    SUPPRESSED = "suppressed"  # one caller raised so many of the rule on one day that this stands for all further ones
    FAILED = "failed"  # the rule could not judge an entry
    BEYOND = "beyond"  # one that another stands for: found over history, and in no entry


class WatchlistKind(StrEnum):
    """What is listed."""

    SUBJECT = "subject"  # numbers of people and organisations
    LICENCE = "licence"  # numbers or identifiers of licences
