"""What looks for one thing: given the entries in their order, it says which of them show it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from gateway.audit.alarms.calendar import WorkCalendar
from gateway.audit.alarms.observed import Observed, Place
from gateway.audit.alarms.policy_facts import PolicyLibrary
from gateway.audit.alarms.windows import MAX_KEYS, Evidence


class Hit(NamedTuple):
    """Something was found about ``key``: an official, a case, a caller …; the last of the entries has just come.

    ``shared`` are entries that show it too, and would for any other key.
    """

    key: Hashable
    evidence: Evidence
    shared: tuple[Place, ...] = ()


CALENDAR: Final = "calendar"
POLICY: Final = "policy"
MAX_BLIND: Final = 64  # things that are said to be missing; a log that names ever new bundles has more

NOTHING: Final[tuple[Hit, ...]] = ()
Hits = tuple[Hit, ...]


class Detector(Protocol):
    """Looks for one thing."""

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        ...

    def lost(self) -> int:
        """Return how many keys were forgotten before their time, because there was no room."""
        ...


class Blindness(NamedTuple):
    """Something that a rule could not judge for want of knowledge: a year of the calendar, a policy bundle."""

    what: str  # `CALENDAR` or `POLICY`
    which: str


class Blind:
    """What the rules could not judge, each once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.found: frozenset[Blindness] = frozenset()  # another one each time: it is read from other threads

    def note(self, what: str, which: str) -> None:
        """Note it."""
        if len(self.found) < MAX_BLIND:
            self.found |= {Blindness(what, which)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What detectors need to know beside the entries; ``most_keys`` is the room of each window."""

    calendar: WorkCalendar
    policies: PolicyLibrary
    most_keys: int = MAX_KEYS
    blind: Blind = field(default_factory=Blind)
