"""OCSP answers of one source about the certificates that are asked about: each fetched anew before it ends."""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from gateway.status.failure import StatusError, StatusFailure
from gateway.status.fetch import Clock
from gateway.status.judge import judge_ocsp
from gateway.status.schedule import Random, Schedule, draw, find_errors, find_seconds_left
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource, is_allowed_url
from gateway.status.track import (
    Ask,
    Attempt,
    Confirmed,
    Patience,
    Track,
    ask_in_order,
    confirmed_on_disk,
    select_beside,
)
from keys.certificate import Certificate, parse_certificate
from keys.errors import MalformedCertificateError
from keys.ocsp import OcspResponse, OcspStatus, encode_ocsp_request, select_status
from keys.ocsp_answers import OcspAnswer, collect_ocsp_answers
from keys.revocation_evidence import RevocationEvidence
from keys.status_addresses import read_ocsp_addresses

MAX_WATCHED: Final = 4_096  # certificates of one issuer; the one that was not asked about for longest gives way
_AT_ONCE: Final = 2  # questions under way, so that one responder never takes all turns
_NONCE_BYTES: Final = 32  # RFC 9654 section 2.1
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Watched:
    certificate: Certificate
    schedule: Schedule
    current: OcspResponse | None = None
    confirmed: Confirmed | None = None
    earlier: list[tuple[OcspResponse, Confirmed]] = field(default_factory=list)

    def versions(self) -> Iterable[tuple[OcspResponse, Confirmed]]:
        """Return the answer, and the one before it while it is dated ahead."""
        if self.current is not None and self.confirmed is not None:
            yield self.current, self.confirmed
        yield from self.earlier


class OcspTrack:
    """The OCSP answers of one source."""

    def __init__(self, source: StatusSource, *, random: Random = draw) -> None:
        """Start with nothing known and nobody watched."""
        self.source = source
        self._random = random
        self._watched: OrderedDict[bytes, _Watched] = OrderedDict()
        self._dropped: list[str] = []

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take the answers that were kept, and watch their certificates again."""
        errors = []
        for answer in list(kept.values())[:MAX_WATCHED]:
            try:
                certificate = parse_certificate(answer.about or b"")
                confirmed = confirmed_on_disk(answer, now)
                response = judge_ocsp(
                    answer.body, source=self.source, certificate=certificate, nonce=None, old=None, at=confirmed.at
                )
            except MalformedCertificateError as error:
                errors.append(StatusError(StatusFailure.MALFORMED, str(error)))
                continue
            except StatusError as error:
                errors.append(error)
                continue
            self._watched[certificate.fingerprint] = _Watched(certificate, self._plan(), response, confirmed)
        return tuple(errors)

    def watch(self, certificate: Certificate) -> bool:
        """Watch a certificate; True when it was not watched before."""
        known = certificate.fingerprint in self._watched
        if not known:
            self._watched[certificate.fingerprint] = _Watched(certificate, self._plan())
        self._watched.move_to_end(certificate.fingerprint)
        while len(self._watched) > MAX_WATCHED:
            fingerprint, _ = self._watched.popitem(last=False)
            self._dropped.append(fingerprint.hex())
        return not known

    def inherit(self, before: Track, now: datetime, *, is_partial: bool) -> None:
        """Keep the answers of another track that are newer as of ``now``, certificate by certificate."""
        if not isinstance(before, OcspTrack):
            return
        for fingerprint, known in before.watched().items():
            mine = self._watched.get(fingerprint)
            if mine is not None and mine.current is not None:
                issued = partial(self._issued, known)
                mine.earlier = select_beside(issued(mine.current), known.versions(), now, issued=issued)
            elif mine is None and is_partial:
                self._watched[fingerprint] = known

    async def refresh(self, ask: Ask, clock: Clock) -> Attempt:
        """Ask about every certificate that is due, the one that has been due for longest first.

        A responder that gives no answers is left alone for the round; one that declines some certificates is not.
        """
        now = clock()
        attempt = Attempt(changes=dict.fromkeys(self._dropped))
        self._dropped.clear()
        due = [one for one in self._watched.values() if one.schedule.is_due(now)]
        waiting = deque(sorted(due, key=lambda one: one.schedule.due or _LONG_AGO))
        patience = Patience()

        async def work() -> None:
            while waiting:
                watched = waiting.popleft()
                urls = self._urls(watched.certificate)
                error = patience.find_reason(urls)
                if error is None:
                    error = await self._ask_about(watched, urls, ask, attempt)
                    patience.note(urls, error)
                if error is not None:
                    watched.schedule.fail(error, clock(), ends_at=self._ends_at(watched))

        await asyncio.gather(*(work() for _ in range(min(_AT_ONCE, len(waiting)))))
        return attempt

    async def _ask_about(
        self, watched: _Watched, urls: tuple[str, ...], ask: Ask, attempt: Attempt
    ) -> StatusError | None:
        certificate = watched.certificate
        nonce = secrets.token_bytes(_NONCE_BYTES)
        question = encode_ocsp_request(certificate, self.source.issuer, digest=self.source.digest, nonce=nonce)
        judge = partial(_judge, source=self.source, certificate=certificate, nonce=nonce, old=watched.current)
        try:
            fetched, response = await ask_in_order(ask, urls, question, judge)
        except StatusError as error:
            attempt.errors.append(error)
            return error
        confirmed = Confirmed(at=fetched.at, skew=fetched.skew)
        issued = partial(self._issued, watched)
        is_early = issued(response) > fetched.at
        watched.earlier = (
            select_beside(issued(response), watched.versions(), fetched.at, issued=issued) if is_early else []
        )
        watched.current, watched.confirmed = response, confirmed
        watched.schedule.succeed(fetched.at, ends_at=self._ends_at(watched))
        attempt.note_answer(fetched)
        attempt.changes[certificate.fingerprint.hex()] = KeptAnswer(
            body=response.encoded, confirmed_at=fetched.at, skew=fetched.skew, about=certificate.encoded
        )
        return None

    def make_due(self) -> None:
        """Have all certificates asked about in the next round."""
        for one in self._watched.values():
            one.schedule.make_due()

    def seconds_left(self, now: datetime) -> float | None:
        """Return how long it is until a certificate is due."""
        return find_seconds_left((one.schedule for one in self._watched.values()), now)

    @property
    def errors(self) -> tuple[StatusError, ...]:
        """Why the answers about some certificates are not good now."""
        return find_errors(one.schedule for one in self._watched.values())

    def watched(self) -> Mapping[bytes, _Watched]:
        """Return who is watched, by fingerprint."""
        return self._watched

    def _plan(self) -> Schedule:
        return Schedule(self.source.interval_seconds, self._random)

    def _urls(self, certificate: Certificate) -> tuple[str, ...]:
        if not self.source.from_certificates:
            return self.source.urls
        stated = read_ocsp_addresses(certificate)
        return (*self.source.urls, *(url for url in stated if is_allowed_url(url, self.source.hosts)))

    def _ends_at(self, watched: _Watched) -> datetime | None:
        """Return when the answer in force ends, by its next update or by the tolerance; None: there is none."""
        status = self._status(watched, watched.current)
        if status is None or watched.confirmed is None:
            return None
        end = watched.confirmed.upkeep(self.source).usable_until
        return end if status.next_update is None else min(end, status.next_update)

    def _status(self, watched: _Watched, response: OcspResponse | None) -> OcspStatus | None:
        if response is None:
            return None
        return select_status(response, certificate=watched.certificate, issuer=self.source.issuer)

    def _issued(self, watched: _Watched, response: OcspResponse) -> datetime:
        status = self._status(watched, response)
        return _LONG_AGO if status is None else status.this_update

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return all answers together."""
        answers = [
            OcspAnswer(response=response, upkeep=confirmed.upkeep(self.source))
            for one in self._watched.values()
            for response, confirmed in one.versions()
        ]
        found = collect_ocsp_answers(self.source.issuer, answers)
        return () if found is None else (found,)

    @property
    def as_of(self) -> datetime | None:
        """As of when the oldest answer in force speaks."""
        found = (self._status(one, one.current) for one in self._watched.values())
        return min((status.this_update for status in found if status is not None), default=None)

    @property
    def usable_until(self) -> datetime | None:
        """When the first answer in force ends, by its next update or by the tolerance."""
        ends = (self._ends_at(one) for one in self._watched.values())
        return min((end for end in ends if end is not None), default=None)


def _judge(
    body: bytes,
    at: datetime,
    *,
    source: StatusSource,
    certificate: Certificate,
    nonce: bytes,
    old: OcspResponse | None,
) -> OcspResponse:
    return judge_ocsp(body, source=source, certificate=certificate, nonce=nonce, old=old, at=at)
