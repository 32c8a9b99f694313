"""What the status keeper tells whoever counts: a protocol for metrics, and one report per source for people."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.status.failure import SENTENCES, StatusFailure
from gateway.status.source import SourceKind


class StatusObserver(Protocol):
    """Called on the event loop after every attempt; source names come from files of the site, so they are few."""

    def succeeded(self, source: str, *, at: datetime, as_of: datetime | None) -> None:
        """Note that a source answered well at ``at``; ``as_of``: how old the oldest of its knowledge is."""

    def failed(self, source: str, failure: StatusFailure) -> None:
        """Note that an attempt failed."""

    def changed(self, sequence: int) -> None:
        """Note that what is known changed, under a new number."""

    def lags(self, seconds: float) -> None:
        """Note how old the oldest knowledge is (`count_lag`): told at every look; 0 where another process asks."""


class SilentObserver:
    """Counts nothing."""

    def succeeded(self, source: str, *, at: datetime, as_of: datetime | None) -> None:
        """Do nothing."""

    def failed(self, source: str, failure: StatusFailure) -> None:
        """Do nothing."""

    def changed(self, sequence: int) -> None:
        """Do nothing."""

    def lags(self, seconds: float) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What there is to say about one source now; ``usable_until`` None: nothing is known from it.

    ``failures`` are rounds in a row in which nothing that it was asked for was good; ``failure`` is why something of it
    is not good now, which one declined certificate among many suffices for. ``skew`` is how far our clock was ahead of
    the source's Date header when it last answered.
    """

    source: str
    kind: SourceKind
    as_of: datetime | None
    usable_until: datetime | None
    last_success: datetime | None
    failures: int
    failure: StatusFailure | None
    detail: str
    skew: timedelta | None

    def age_seconds(self, now: datetime) -> float | None:
        """How old the oldest knowledge of this source is at ``now``; None: there is none."""
        return None if self.as_of is None else (now - self.as_of).total_seconds()

    @property
    def sentence(self) -> str:
        """The last failure in English, "" after a success."""
        return "" if self.failure is None else SENTENCES[self.failure][1]

    @property
    def sentence_zh(self) -> str:
        """The last failure in Chinese, "" after a success."""
        return "" if self.failure is None else SENTENCES[self.failure][0]


def count_lag(sources: Iterable[SourceReport], now: datetime) -> float:
    """Return how old the oldest knowledge of sources of revocation status is, in seconds; 0: there is no source.

    One that was asked for nothing yet, as of certificates that nobody has shown, is not behind; one that fails is.
    """
    ages = [math.inf if one.as_of is None and one.failures else one.age_seconds(now) for one in sources]
    return max((age for age in ages if age is not None), default=0.0)
