"""The status feed of one publisher: a snapshot, then deltas, and a snapshot again where a delta is missing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from gateway.status.conditional import Known
from gateway.status.failure import StatusError, StatusFailure
from gateway.status.fetch import Fetched
from gateway.status.judge import judge_feed
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource
from gateway.status.track import Ask, Attempt, Confirmed, ask_in_order, confirmed_on_disk
from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.status_feed_evidence import feed_evidence
from keys.status_feed_state import FeedState

MAX_DELTAS: Final = 64  # kept on top of a snapshot; then the snapshot is fetched anew
_SNAPSHOT: Final = "snapshot"
_DELTA: Final = "delta-"


class FeedTrack:
    """The status feed of one source; ``state`` is for those who ask about licences."""

    def __init__(self, source: StatusSource) -> None:
        """Start with nothing known."""
        self.source = source
        self.state: FeedState | None = None
        self._confirmed: Confirmed | None = None
        self._earlier: tuple[FeedState, Confirmed] | None = None
        self._deltas: list[str] = []
        self._known: Known | None = None  # the snapshot as it was read, while no delta is on top of it

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take the snapshot and the deltas that were kept, in their order; stop at the first that does not follow."""
        deltas = sorted(part for part in kept if part.startswith(_DELTA))
        for part in [_SNAPSHOT, *deltas] if _SNAPSHOT in kept else []:
            confirmed = confirmed_on_disk(kept[part], now)
            try:
                state = judge_feed(kept[part].body, source=self.source, old=self.state, at=confirmed.at)
            except StatusError as error:
                return (error,)
            self.state, self._confirmed = state, confirmed
            validators = kept[part].validators
            if part != _SNAPSHOT:
                self._deltas.append(part)
                self._known = None
            elif validators is not None:
                self._known = Known(validators=validators, body=kept[part].body)
        return ()

    def watch(self, certificate: Certificate) -> bool:  # noqa: ARG002 - a feed is about all certificates
        """Nothing more is fetched for a single certificate."""
        return False

    async def refresh(self, ask: Ask, now: datetime) -> Attempt:  # noqa: ARG002 - the feed is due in every round
        """Ask for the delta since the number at hand, or, where that does not follow, for the snapshot."""
        attempt = Attempt()
        if self.state is not None and self.source.delta_urls and len(self._deltas) < MAX_DELTAS:
            urls = tuple(url.replace("{seq}", str(self.state.sequence)) for url in self.source.delta_urls)
            try:
                await self._take(urls, ask, attempt)
            except StatusError as error:
                if error.failure not in {StatusFailure.GAP, StatusFailure.HTTP_STATUS}:
                    attempt.errors.append(error)
                    return attempt
            else:
                return attempt
        try:
            await self._take(self.source.urls, ask, attempt)
        except StatusError as error:
            attempt.errors.append(error)
        return attempt

    async def _take(self, urls: tuple[str, ...], ask: Ask, attempt: Attempt) -> None:
        judge = partial(_judge, source=self.source, old=self.state)
        fetched, state = await ask_in_order(ask, urls, None, judge, known=self._known)
        self._keep(fetched, state, attempt, is_delta=urls != self.source.urls)

    def _keep(self, fetched: Fetched, state: FeedState, attempt: Attempt, *, is_delta: bool) -> None:
        validators = None if is_delta else fetched.validators
        kept = KeptAnswer(body=fetched.body, confirmed_at=fetched.at, skew=fetched.skew, validators=validators)
        self._known = None if validators is None else Known(validators=validators, body=fetched.body)
        if is_delta:
            part = f"{_DELTA}{state.sequence:020d}-{int(state.issued.timestamp()):012d}"
            attempt.changes[part] = kept
            self._deltas.append(part)
        else:
            attempt.changes |= {_SNAPSHOT: kept} | dict.fromkeys(self._deltas)
            self._deltas.clear()
        is_early = state.issued > fetched.at
        if is_early and self.state is not None and self._confirmed is not None:
            self._earlier = (self.state, self._confirmed)
        elif not is_early:
            self._earlier = None
        self.state, self._confirmed = state, Confirmed(at=fetched.at, skew=fetched.skew)
        attempt.answered += 1
        attempt.skew = fetched.skew

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return what the feed says about the issuer of the source."""
        for state, confirmed in ((self.state, self._confirmed), self._earlier or (None, None)):
            if state is not None and confirmed is not None:
                yield feed_evidence(state, self.source.issuer, upkeep=confirmed.upkeep(self.source))

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


def _judge(body: bytes, at: datetime, *, source: StatusSource, old: FeedState | None) -> FeedState:
    return judge_feed(body, source=source, old=old, at=at)
