"""The status feed of one publisher: a snapshot, then deltas, and a snapshot again where a delta is missing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from gateway.status.conditional import Known
from gateway.status.failure import StatusError, StatusFailure
from gateway.status.fetch import Clock, Fetched
from gateway.status.judge import judge_feed_delta, judge_snapshot
from gateway.status.schedule import Random, Schedule, draw
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource
from gateway.status.track import Ask, Attempt, Confirmed, Track, ask_in_order, confirmed_on_disk, select_beside
from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.status_feed_evidence import feed_evidence
from keys.status_feed_state import FeedState

MAX_DELTAS: Final = 64  # kept on top of a snapshot; then the snapshot is fetched anew
_SNAPSHOT: Final = "snapshot"
_DELTA: Final = "delta-"


class FeedTrack:
    """The status feed of one source; ``state`` is for those who ask about licences."""

    def __init__(self, source: StatusSource, *, random: Random = draw) -> None:
        """Start with nothing known."""
        self.source = source
        self.state: FeedState | None = None
        self._schedule = Schedule(source.interval_seconds, random)
        self._delta_error: StatusError | None = None
        self._confirmed: Confirmed | None = None
        self._earlier: list[tuple[FeedState, Confirmed]] = []
        self._deltas: list[str] = []
        self._gone: list[str] = []  # parts on disk that say nothing beyond the snapshot
        self._known: Known | None = None  # the snapshot as it was read, while no delta is on top of it

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take the snapshot that was kept, then the deltas in their order.

        Deltas at or below the snapshot's number are left from before it; one that is not good is passed over, since a
        later one that would miss changes without it is not good either.
        """
        errors = []
        deltas = sorted(part for part in kept if part.startswith(_DELTA))
        for part in [_SNAPSHOT, *deltas] if _SNAPSHOT in kept else deltas:
            answer, confirmed = kept[part], confirmed_on_disk(kept[part], now)
            try:
                if part == _SNAPSHOT:
                    state = judge_snapshot(answer.body, source=self.source, old=None, at=confirmed.at)
                elif self.state is None or part <= _name_delta(self.state):
                    self._gone.append(part)
                    continue
                else:
                    state = judge_feed_delta(answer.body, source=self.source, old=self.state, at=confirmed.at)
            except StatusError as error:
                errors.append(error)
                self._gone.append(part)
                continue
            self.state, self._confirmed = state, confirmed
            if part != _SNAPSHOT:
                self._deltas.append(part)
        return tuple(errors)

    def watch(self, certificate: Certificate) -> bool:  # noqa: ARG002 - a feed is about all certificates
        """Nothing more is fetched for a single certificate."""
        return False

    def inherit(self, before: Track, now: datetime, *, is_partial: bool) -> None:
        """Keep the state of another track where it is the newer one as of ``now``."""
        if not isinstance(before, FeedTrack):
            return
        versions = list(before.versions())
        if self.state is None and is_partial and versions:
            (self.state, self._confirmed), *self._earlier = versions
        elif self.state is not None:
            beside = select_beside(self.state.issued, versions, now, issued=_issued)
            if self.state.issued <= now and beside:  # a delta could not be read
                self.state, self._confirmed = beside.pop()
            self._earlier = beside

    async def refresh(self, ask: Ask, clock: Clock) -> Attempt:
        """Ask for the delta since the number at hand; where it does not come or is not good, for the snapshot."""
        attempt = Attempt(changes=dict.fromkeys(self._gone))
        self._gone.clear()
        if not self._schedule.is_due(clock()):
            return attempt
        if await self._take_delta(ask, attempt):
            return attempt
        judge = partial(_judge_snapshot, source=self.source, old=self.state)
        try:
            fetched, state = await ask_in_order(ask, self.source.urls, None, judge, known=self._known)
        except StatusError as error:
            attempt.errors.append(error)
            self._schedule.fail(error, clock(), ends_at=self.usable_until)
            return attempt
        attempt.changes |= {_SNAPSHOT: _keep(fetched)} | dict.fromkeys(self._deltas)
        self._deltas.clear()
        self._known = None
        if fetched.validators is not None:
            self._known = Known(validators=fetched.validators, body=fetched.body)
        self._put_in_force(state, fetched, attempt)
        return attempt

    async def _take_delta(self, ask: Ask, attempt: Attempt) -> bool:
        """Ask for the delta, where there can be one; False: a snapshot is needed.

        A publisher that has no delta from this number any more (GAP, or an HTTP status) has not failed.
        """
        self._delta_error = None
        if self.state is None or not self.source.delta_urls or len(self._deltas) >= MAX_DELTAS:
            return False
        urls = tuple(url.replace("{seq}", str(self.state.sequence)) for url in self.source.delta_urls)
        judge = partial(_judge_delta, source=self.source, old=self.state)
        try:
            fetched, state = await ask_in_order(ask, urls, None, judge)
        except StatusError as error:
            if error.failure not in {StatusFailure.GAP, StatusFailure.HTTP_STATUS}:
                self._delta_error = error
                attempt.errors.append(error)
            return False
        part = _name_delta(state)
        attempt.changes[part] = _keep(fetched)
        self._deltas.append(part)
        self._known = None
        self._put_in_force(state, fetched, attempt)
        return True

    def _put_in_force(self, state: FeedState, fetched: Fetched, attempt: Attempt) -> None:
        is_early = state.issued > fetched.at
        self._earlier = select_beside(state.issued, self.versions(), fetched.at, issued=_issued) if is_early else []
        self.state, self._confirmed = state, Confirmed(at=fetched.at, skew=fetched.skew)
        attempt.note_answer(fetched)
        self._schedule.succeed(fetched.at, ends_at=self.usable_until)

    def make_due(self) -> None:
        """Have the feed fetched in the next round."""
        self._schedule.make_due()

    def seconds_left(self, now: datetime) -> float:
        """Return how long it is until the feed is due."""
        return self._schedule.seconds_left(now)

    @property
    def errors(self) -> tuple[StatusError, ...]:
        """Why the feed, or only its delta, is not good now."""
        found = (self._schedule.error, self._delta_error)
        return tuple(error for error in found if error is not None)

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return what the feed says about the issuer of the source."""
        for state, confirmed in self.versions():
            yield feed_evidence(state, self.source.issuer, upkeep=confirmed.upkeep(self.source))

    def versions(self) -> Iterable[tuple[FeedState, Confirmed]]:
        """Return the state, and the one before it while it is dated ahead."""
        if self.state is not None and self._confirmed is not None:
            yield self.state, self._confirmed
        yield from self._earlier

    @property
    def as_of(self) -> datetime | None:
        """When the state was issued."""
        return None if self.state is None else self.state.issued

    @property
    def usable_until(self) -> datetime | None:
        """When the state ends, by its next issue or by the tolerance."""
        if self.state is None or self._confirmed is None:
            return None
        return min(self.state.next_due, self._confirmed.upkeep(self.source).usable_until)


def _issued(state: FeedState) -> datetime:
    return state.issued


def _name_delta(state: FeedState) -> str:
    """Return the name of the part that holds the delta which leads to ``state``; the names sort as the states do."""
    return f"{_DELTA}{state.sequence:020d}-{int(state.issued.timestamp()):012d}"


def _keep(fetched: Fetched) -> KeptAnswer:
    return KeptAnswer(body=fetched.body, confirmed_at=fetched.at, skew=fetched.skew)


def _judge_snapshot(body: bytes, at: datetime, *, source: StatusSource, old: FeedState | None) -> FeedState:
    return judge_snapshot(body, source=source, old=old, at=at)


def _judge_delta(body: bytes, at: datetime, *, source: StatusSource, old: FeedState) -> FeedState:
    return judge_feed_delta(body, source=source, old=old, at=at)
