"""For how long private parts are kept, by the kind of entry: ``[audit.retention_days]`` of the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.audit.leaf import LeafKind
from gateway.toml_table import TomlTable

_DAY_MS: Final = 86_400_000
PROVISION: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY, LeafKind.CONSENT})
LEAST_PROVISION_DAYS: Final = 1_096  # three years, one of them a leap year
LEAST_DAYS: Final = 184  # six months, the longest
MOST_DAYS: Final = 36_525


def least_days(kind: LeafKind) -> int:
    """Return how many days private parts of this kind are kept at least; a seal is checked as long as what it seals."""
    return LEAST_PROVISION_DAYS if kind in PROVISION or kind is LeafKind.SEAL else LEAST_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days by kind; a kind that is not named is kept as long as the shortest time that is allowed.

    Making one raises ValueError for fewer days than are allowed, and for more than a century.
    """

    days: Mapping[LeafKind, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what is too short or too long."""
        for kind, days in self.days.items():
            if not least_days(kind) <= days <= MOST_DAYS:
                raise ValueError(f"{least_days(kind)} to {MOST_DAYS} days were expected for {kind}, got {days}")

    def at_least(self, days: int) -> "Retention":
        """Return the same, but for records of provision, which are kept for as many days at least."""
        longer = {kind: min(max(self.days.get(kind, least_days(kind)), days), MOST_DAYS) for kind in PROVISION}
        return Retention(days={**self.days, **longer})

    def ends(self, kind: LeafKind, now_ms: int) -> int:
        """Return the time before which entries of this kind are past their time; seals are kept as long as anything."""
        kinds = LeafKind if kind is LeafKind.SEAL else (kind,)
        return now_ms - max(self.days.get(one, least_days(one)) for one in kinds) * _DAY_MS


def parse_retention(table: TomlTable) -> Retention:
    """Read the days of each kind; what is out of bounds is noted in the table's faults."""
    days = {
        kind: table.integer(kind.value, default=least_days(kind), low=least_days(kind), high=MOST_DAYS)
        for kind in LeafKind
    }
    table.finish()
    return Retention(days=days)
