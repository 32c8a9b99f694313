"""How the shared Redis stands, as operators are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.shared.fault import SharedFault


class SharedState(StrEnum):
    """How it stands as a whole."""

    UP = "up"
    PARTLY = "partly"  # some servers of a cluster are away, or some keys belong to none
    AWAY = "away"
    NOT_CONFIGURED = "not-configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedReport:
    """How it stands, since when (None: it was not asked yet), and how many servers there are and answer.

    ``fault`` is why one that is away did not answer the last time.
    """

    state: SharedState
    since: datetime | None
    nodes: int
    up: int
    fault: SharedFault | None = None


NOT_CONFIGURED: Final = SharedReport(state=SharedState.NOT_CONFIGURED, since=None, nodes=0, up=0)
