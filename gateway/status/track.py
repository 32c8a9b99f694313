"""What is known from one source, whatever its kind: the interface that the keeper works with, and what they share."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from yarl import URL

from gateway.status.conditional import Known
from gateway.status.failure import NO_ANSWER, StatusError, StatusFailure
from gateway.status.fetch import Clock, Fetched
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource
from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.revocation_list import Upkeep

T = TypeVar("T")

# An address, and perhaps a question, or what is at hand from there; raises StatusError.
Ask = Callable[[str, bytes | None, Known | None], Awaitable[Fetched]]


_GIVE_UP: Final = 3  # times in a row that servers gave no answer, after which they are left alone for the round


@dataclass(slots=True)
class Attempt:
    """What one round with a source brought: parts to keep (None: to forget), what was good, and what failed.

    ``crowded_out`` are the things that gave way to others since the round before.
    """

    changes: dict[str, KeptAnswer | None] = field(default_factory=dict)
    errors: list[StatusError] = field(default_factory=list)
    answered: int = 0
    crowded_out: int = 0
    skew: timedelta | None = None

    def note_answer(self, fetched: Fetched) -> None:
        """Count something that was good."""
        self.answered += 1
        self.skew = fetched.skew


class Patience:
    """Which servers still are worth asking in a round, where much is to be asked of the same ones."""

    def __init__(self) -> None:
        self._failed: Counter[tuple[URL, ...]] = Counter()
        self._last: dict[tuple[URL, ...], StatusError] = {}

    def note(self, urls: Iterable[str], error: StatusError | None) -> None:
        """Note how it went; only a server that gives no answer is like that for whatever else it is asked."""
        servers = _servers(urls)
        if error is None or error.failure not in NO_ANSWER:
            del self._failed[servers]
        else:
            self._failed[servers] += 1
            self._last[servers] = error

    def find_reason(self, urls: Iterable[str]) -> StatusError | None:
        """Return why these addresses are not to be asked in this round; None: they are."""
        servers = _servers(urls)
        return self._last[servers] if self._failed[servers] >= _GIVE_UP else None


def _servers(urls: Iterable[str]) -> tuple[URL, ...]:
    return tuple(URL(url).origin() for url in urls)


class Track(Protocol):
    """What is known from one source; methods run on the event loop, except `load`."""

    source: StatusSource

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take what was kept, verified again as of when it was confirmed; return what was not good."""

    async def refresh(self, ask: Ask, clock: Clock) -> Attempt:
        """Ask the source for everything that is due."""

    def make_due(self) -> None:
        """Have everything fetched in the next round."""

    def seconds_left(self, now: datetime) -> float | None:
        """Return how long it is until something is due; None: there is nothing to fetch."""

    def watch(self, certificate: Certificate) -> bool:
        """Note that a certificate of this issuer is asked about; True: something new is to be fetched now."""

    def inherit(self, before: "Track", now: datetime, *, is_partial: bool) -> None:
        """Keep what another track of the source knew and is the newer, thing by thing, as of ``now``.

        What was just loaded may be dated ahead, or older. ``is_partial``: not all of it could be read, so what is
        missing here is kept too.
        """

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return what is known, with its upkeep."""

    @property
    def errors(self) -> tuple[StatusError, ...]:
        """Why something that is fetched is not good now, one reason for each such thing."""

    @property
    def as_of(self) -> datetime | None:
        """As of when the oldest of it speaks; None: nothing is known."""

    @property
    def usable_until(self) -> datetime | None:
        """When the first of it ends; None: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """When a source last confirmed an answer, and the skew that was measured then."""

    at: datetime
    skew: timedelta | None

    def upkeep(self, source: StatusSource) -> Upkeep:
        """Return until when the answer is used, by the tolerance of the source."""
        return Upkeep(usable_until=self.at + timedelta(seconds=source.tolerance_seconds), skew=self.skew)


def select_beside(
    new: datetime, versions: Iterable[tuple[T, Confirmed]], now: datetime, *, issued: Callable[[T], datetime]
) -> list[tuple[T, Confirmed]]:
    """Return which earlier versions go on counting beside one that is dated ``new``.

    Beside one that is dated after ``now`` the newest that counts now, and the first that will: so a source that is
    always a little ahead of this clock is known a little late, and not never. Beside any other only a newer one.
    """
    known = sorted(versions, key=lambda one: issued(one[0]))
    in_force = [one for one in known if issued(one[0]) <= now][-1:]
    if new <= now:
        return [one for one in in_force if issued(one[0]) > new]
    return in_force + [one for one in known if now < issued(one[0]) < new][:1]


def confirmed_on_disk(kept: KeptAnswer, now: datetime) -> Confirmed:
    """Return the confirmation that was kept; a time in the future would prolong the tolerance, and counts as now."""
    return Confirmed(at=min(kept.confirmed_at, now), skew=kept.skew)


_NO_ADDRESS: Final = "no address that is allowed"


async def ask_in_order(
    ask: Ask,
    urls: Iterable[str],
    question: bytes | None,
    judge: Callable[[bytes, datetime], T],
    *,
    known: Known | None = None,
) -> tuple[Fetched, T]:
    """Ask one address after the other until one answers with something good; judging leaves the event loop.

    ``known`` is what is at hand from one of them, which need not send it again.

    Raises:
        StatusError: none did; the error of the last one.

    """
    last = StatusError(StatusFailure.HOST_NOT_ALLOWED, _NO_ADDRESS)
    for url in urls:
        try:
            at_hand = known if known is not None and known.validators.url == url else None
            fetched = await ask(url, question, at_hand)
            return fetched, await asyncio.to_thread(judge, fetched.body, fetched.at)
        except StatusError as error:
            last = error
    raise last
