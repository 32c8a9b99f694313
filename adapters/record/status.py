"""The status of a licence in our words, and what is odd about a record; each word is stable."""

from enum import StrEnum


class RecordStatus(StrEnum):
    """The status of a licence; systems' own codes are mapped to it one by one, and what no table names is UNKNOWN."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class RecordFlag(StrEnum):
    """What an operator must know about a record; a flag never refuses it by itself."""

    STATUS_UNSEEN = "status.unseen"  # a status code that no table names: an alarm, and the status is unknown
    STATUS_MISSING = "status.missing"  # the message has no status where the system has one
    CODE_UNSEEN = "code.unseen"  # a code that its table does not name; its field is empty, the raw value is aside
    COPIES_DIFFER = "copies.differ"  # copies of one licence have different statuses, and the worst one counts
    FIELDS_ASIDE = "fields.aside"  # the message holds what no mapping names
