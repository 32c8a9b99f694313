"""OCSP answers of one source about the certificates that are asked about: each fetched anew before it ends."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gateway.status.failure import StatusError
from gateway.status.judge import judge_ocsp
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource, is_allowed_url
from gateway.status.track import Ask, Attempt, Confirmed, ask_in_order, confirmed_on_disk
from keys.certificate import Certificate, parse_certificate
from keys.errors import MalformedCertificateError
from keys.ocsp import OcspResponse, OcspStatus, encode_ocsp_request, select_status
from keys.ocsp_answers import OcspAnswer, collect_ocsp_answers
from keys.revocation_evidence import RevocationEvidence
from keys.status_addresses import read_ocsp_addresses

MAX_WATCHED: Final = 4_096  # certificates of one issuer; the one that was not asked about for longest gives way
_AT_ONCE: Final = 4  # questions under way
_GIVE_UP: Final = 3  # failures in a row after which the rest of a round is left for the next one
_NONCE_BYTES: Final = 32  # RFC 9654 section 2.1


@dataclass(slots=True)
class _Watched:
    certificate: Certificate
    current: OcspResponse | None = None
    confirmed: Confirmed | None = None
    due: datetime | None = None  # None: at once
    earlier: list[tuple[OcspResponse, Confirmed]] = field(default_factory=list)


class OcspTrack:
    """The OCSP answers of one source."""

    def __init__(self, source: StatusSource) -> None:
        """Start with nothing known and nobody watched."""
        self.source = source
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
            except MalformedCertificateError:
                continue
            except StatusError as error:
                errors.append(error)
                continue
            self._watched[certificate.fingerprint] = _Watched(certificate, response, confirmed)
        return tuple(errors)

    def watch(self, certificate: Certificate) -> bool:
        """Watch a certificate; True when it was not watched before."""
        known = certificate.fingerprint in self._watched
        if not known:
            self._watched[certificate.fingerprint] = _Watched(certificate)
        self._watched.move_to_end(certificate.fingerprint)
        while len(self._watched) > MAX_WATCHED:
            fingerprint, _ = self._watched.popitem(last=False)
            self._dropped.append(fingerprint.hex())
        return not known

    async def refresh(self, ask: Ask, now: datetime) -> Attempt:
        """Ask about every certificate that is due; a responder that fails repeatedly is left alone until next time."""
        attempt = Attempt(changes=dict.fromkeys(self._dropped))
        self._dropped.clear()
        waiting = [one for one in self._watched.values() if one.due is None or one.due <= now]
        failed = 0

        async def work() -> None:
            nonlocal failed
            while waiting and failed < _GIVE_UP:
                watched = waiting.pop()
                try:
                    await self._ask_about(watched, ask, attempt)
                    failed = 0
                except StatusError as error:
                    attempt.errors.append(error)
                    failed += 1

        await asyncio.gather(*(work() for _ in range(min(_AT_ONCE, len(waiting)))))
        return attempt

    async def _ask_about(self, watched: _Watched, ask: Ask, attempt: Attempt) -> None:
        certificate = watched.certificate
        nonce = secrets.token_bytes(_NONCE_BYTES)
        question = encode_ocsp_request(certificate, self.source.issuer, digest=self.source.digest, nonce=nonce)
        judge = partial(_judge, source=self.source, certificate=certificate, nonce=nonce, old=watched.current)
        fetched, response = await ask_in_order(ask, self._urls(certificate), question, judge)
        confirmed = Confirmed(at=fetched.at, skew=fetched.skew)
        status = self._status(watched, response)
        is_early = status is not None and status.this_update > fetched.at
        if is_early and watched.current is not None and watched.confirmed is not None:
            watched.earlier = [(watched.current, watched.confirmed)]
        elif not is_early:
            watched.earlier = []
        watched.current, watched.confirmed = response, confirmed
        watched.due = self._next_due(status, fetched.at)
        attempt.answered += 1
        attempt.skew = fetched.skew
        attempt.changes[certificate.fingerprint.hex()] = KeptAnswer(
            body=response.encoded, confirmed_at=fetched.at, skew=fetched.skew, about=certificate.encoded
        )

    def _urls(self, certificate: Certificate) -> tuple[str, ...]:
        if not self.source.from_certificates:
            return self.source.urls
        stated = read_ocsp_addresses(certificate)
        return (*self.source.urls, *(url for url in stated if is_allowed_url(url, self.source.hosts)))

    def _next_due(self, status: OcspStatus | None, at: datetime) -> datetime:
        """Return when to ask again: at the interval, a little early for the jitter, or halfway to the answer's end."""
        due = at + timedelta(seconds=self.source.interval_seconds * 0.8)
        if status is None or status.next_update is None:
            return due
        return min(due, at + (status.next_update - at) / 2)

    def _status(self, watched: _Watched, response: OcspResponse | None) -> OcspStatus | None:
        if response is None:
            return None
        return select_status(response, certificate=watched.certificate, issuer=self.source.issuer)

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return all answers together."""
        answers = [
            OcspAnswer(response=response, upkeep=confirmed.upkeep(self.source))
            for one in self._watched.values()
            for response, confirmed in ((one.current, one.confirmed), *one.earlier)
            if response is not None and confirmed is not None
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
        ends = []
        for one in self._watched.values():
            status = self._status(one, one.current)
            if status is not None and status.next_update is not None and one.confirmed is not None:
                ends.append(min(status.next_update, one.confirmed.upkeep(self.source).usable_until))
        return min(ends, default=None)


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
