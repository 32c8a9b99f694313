"""Revocation lists of one source: the one that it states, a delta on top, and the lists that certificates point to."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from gateway.status.conditional import Known, Validators
from gateway.status.failure import StatusError
from gateway.status.fetch import Clock, Fetched
from gateway.status.judge import JudgedList, judge_delta, judge_list, verify_signer
from gateway.status.list_slot import MAIN, ListSlot
from gateway.status.schedule import Random, Schedule, draw, find_errors, find_seconds_left
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource, is_allowed_url
from gateway.status.track import Ask, Attempt, Confirmed, Patience, Track, ask_in_order, confirmed_on_disk
from keys.certificate import Certificate, parse_certificate
from keys.errors import MalformedCertificateError
from keys.revocation_evidence import RevocationEvidence
from keys.revocation_list import RevocationList
from keys.status_addresses import read_list_addresses

MAX_LISTS: Final = 64  # lists of one source that certificates point to; a divided list has up to a few dozen parts
FindSigners = Callable[[Certificate, datetime], Sequence[Certificate]]

_DELTA: Final = "delta"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class ListTrack:
    """The revocation lists of one source."""

    def __init__(self, source: StatusSource, *, find_signers: FindSigners, random: Random = draw) -> None:
        """Start with nothing known; ``find_signers`` names the other certificates of the issuer whose lists count."""
        self.source = source
        self._find_signers = find_signers
        self._random = random
        self._main = self._open_slot(MAIN, source.urls)
        self._delta = self._plan()
        self._delta_validators: Validators | None = None
        self._pointed: OrderedDict[str, ListSlot] = OrderedDict()  # who was not asked about for longest first
        self._gone: list[str] = []  # parts on disk that are of no more use
        self._crowded_out = 0

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take what was kept; lists that certificates pointed to keep their place until they are pointed to again."""
        errors = []
        for part in sorted(kept, key=lambda name: name == _DELTA):  # the delta after its base
            try:
                if not self._load_part(part, kept[part], confirmed_on_disk(kept[part], now)):
                    self._gone.append(part)
            except StatusError as error:
                errors.append(error)
        return tuple(errors)

    def _load_part(self, part: str, answer: KeptAnswer, confirmed: Confirmed) -> bool:
        """Take one part; False: nobody asks for it any more."""
        if part == _DELTA:
            return self._load_delta(answer, confirmed)
        if part == MAIN and not self.source.urls:
            return False
        slot = self._main if part == MAIN else self._open_kept(part, answer)
        if slot is None:
            return False
        slot.take(self._judge_list(answer.body, confirmed.at, slot=slot), confirmed)
        return True

    def _load_delta(self, answer: KeptAnswer, confirmed: Confirmed) -> bool:
        """Lay the delta over the list, as long as the source has deltas; without, nobody would ever renew it."""
        if not self.source.delta_urls:
            return False
        current = self._main.current
        if current is not None:
            self._main.take(self._judge_delta(answer.body, confirmed.at, current=current), confirmed)
        return True

    def _open_kept(self, part: str, answer: KeptAnswer) -> ListSlot | None:
        """Return a slot for a list that a certificate pointed to; None: there is no more room, or nobody did."""
        if len(self._pointed) >= MAX_LISTS or not self.source.from_certificates:
            return None
        try:
            slot = self._open_slot(part, (), parse_certificate(answer.about or b""))
        except MalformedCertificateError:
            return None
        self._pointed[part] = slot
        return slot

    def watch(self, certificate: Certificate) -> bool:
        """Note the lists that a certificate points to, where the source says so and allows their hosts.

        One too many takes the place of the one that was not asked about for longest.
        """
        if not self.source.from_certificates:
            return False
        found = False
        for url in read_list_addresses(certificate):
            if url in self.source.urls or not is_allowed_url(url, self.source.hosts):
                continue
            part = hashlib.sha256(url.encode()).hexdigest()[:32]
            slot = self._pointed.setdefault(part, self._open_slot(part, (), certificate))
            self._pointed.move_to_end(part)
            if not slot.urls:
                slot.urls = (url,)
                found = True
        while len(self._pointed) > MAX_LISTS:
            self._gone.append(self._pointed.popitem(last=False)[0])
            self._crowded_out += 1
        return found

    def inherit(self, before: Track, now: datetime, *, is_partial: bool) -> None:
        """Keep the lists of another track that are newer as of ``now``, list by list."""
        if not isinstance(before, ListTrack):
            return
        for part, known in before.slots().items():
            if is_partial and part not in self.slots():
                self._pointed[part] = self._open_slot(part, (), known.pointed_by)
            slot = self.slots().get(part)
            if slot is not None and (is_partial or slot.current is not None):
                slot.inherit(known, now)

    async def refresh(self, ask: Ask, clock: Clock) -> Attempt:
        """Ask for every list that is due, the one that has been due for longest first, then for the delta."""
        now = clock()
        attempt = Attempt(changes=dict.fromkeys(self._forget(now)), crowded_out=self._crowded_out)
        self._crowded_out = 0
        patience = Patience()
        due = [slot for slot in self._asked() if slot.schedule.is_due(now)]
        for slot in sorted(due, key=lambda one: one.schedule.due or _LONG_AGO):
            error = patience.find_reason(slot.urls)
            if error is None:
                error = await self._refresh_slot(slot, ask, attempt)
                patience.note(slot.urls, error)
            if error is not None:
                slot.schedule.fail(error, clock(), ends_at=slot.complete_ends_at)
        if self._has_delta and self._delta.is_due(now):
            await self._refresh_delta(ask, clock, attempt)
        return attempt

    async def _refresh_slot(self, slot: ListSlot, ask: Ask, attempt: Attempt) -> StatusError | None:
        try:
            fetched, judged = await ask_in_order(
                ask, slot.urls, None, partial(self._judge_list, slot=slot), known=slot.known
            )
            slot.take_complete(
                judged,
                Confirmed(at=fetched.at, skew=fetched.skew),
                has_delta=slot is self._main and bool(self.source.delta_urls),
                verify=partial(verify_signer, source=self.source, signers=partial(self._signers, fetched.at)),
            )
        except StatusError as error:
            attempt.errors.append(error)
            return error
        attempt.note_answer(fetched)
        slot.validators = fetched.validators
        slot.schedule.succeed(fetched.at, ends_at=slot.complete_ends_at)
        attempt.changes[slot.part] = _keep(judged.revocations, fetched, pointed_by=slot.pointed_by)
        if slot is self._main and slot.current is not None and slot.current.delta is None:
            attempt.changes[_DELTA] = None
        return None

    async def _refresh_delta(self, ask: Ask, clock: Clock, attempt: Attempt) -> None:
        slot, current = self._main, self._main.current
        if current is None:
            return
        known = None
        if current.delta is not None and self._delta_validators is not None:
            known = Known(validators=self._delta_validators, body=current.delta.encoded)
        try:
            judge = partial(self._judge_delta, current=current)
            fetched, judged = await ask_in_order(ask, self.source.delta_urls, None, judge, known=known)
            slot.take(judged, Confirmed(at=fetched.at, skew=fetched.skew))
        except StatusError as error:
            attempt.errors.append(error)
            self._delta.fail(error, clock(), ends_at=slot.ends_at)
            return
        attempt.note_answer(fetched)
        self._delta.succeed(fetched.at, ends_at=slot.ends_at)
        if judged.revocations.delta is not None:
            self._delta_validators = fetched.validators
            attempt.changes[_DELTA] = _keep(judged.revocations.delta, fetched)

    def _forget(self, now: datetime) -> list[str]:
        """Return parts to remove from disk, those that ended while nobody pointed to them among them."""
        for part, slot in list(self._pointed.items()):
            if not slot.urls and (slot.ends_at is None or slot.ends_at <= now):
                del self._pointed[part]
                self._gone.append(part)
        gone, self._gone = self._gone, []
        return [part for part in gone if part not in self._pointed or self._pointed[part].current is None]

    def make_due(self) -> None:
        """Have every list fetched in the next round."""
        for schedule in self._schedules():
            schedule.make_due()

    def seconds_left(self, now: datetime) -> float | None:
        """Return how long it is until a list is due."""
        return find_seconds_left(self._schedules(), now)

    @property
    def errors(self) -> tuple[StatusError, ...]:
        """Why lists that are fetched are not good now."""
        return find_errors(self._schedules())

    def _schedules(self) -> list[Schedule]:
        return [slot.schedule for slot in self._asked()] + ([self._delta] if self._has_delta else [])

    @property
    def _has_delta(self) -> bool:
        return bool(self.source.delta_urls) and self._main.current is not None

    def _asked(self) -> list[ListSlot]:
        """Return the lists that are fetched."""
        return [slot for slot in self.slots().values() if slot.urls]

    def _judge_list(self, body: bytes, at: datetime, *, slot: ListSlot) -> JudgedList:
        return judge_list(
            body,
            source=self.source,
            old=slot.current,
            at=at,
            signers=partial(self._signers, at),
            pointed_by=slot.pointed_by,
        )

    def _judge_delta(self, body: bytes, at: datetime, *, current: RevocationList) -> JudgedList:
        return judge_delta(body, source=self.source, current=current, at=at, signers=partial(self._signers, at))

    def _signers(self, at: datetime) -> Sequence[Certificate]:
        return self._find_signers(self.source.issuer, at)

    def _open_slot(self, part: str, urls: tuple[str, ...], pointed_by: Certificate | None = None) -> ListSlot:
        return ListSlot(self.source, part, urls, self._plan(), pointed_by)

    def _plan(self) -> Schedule:
        return Schedule(self.source.interval_seconds, self._random)

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return every list in force, and those beside it."""
        for slot in self.slots().values():
            yield from slot.evidence()

    def slots(self) -> Mapping[str, ListSlot]:
        """Return the lists by part."""
        return {MAIN: self._main, **self._pointed}

    @property
    def as_of(self) -> datetime | None:
        """As of when the oldest list that is fetched speaks."""
        return min((slot.current.this_update for slot in self._asked() if slot.current), default=None)

    @property
    def usable_until(self) -> datetime | None:
        """When the first list that is fetched ends, by its next update or by the tolerance."""
        return min((slot.ends_at for slot in self._asked() if slot.ends_at is not None), default=None)


def _keep(revocations: RevocationList, fetched: Fetched, *, pointed_by: Certificate | None = None) -> KeptAnswer:
    return KeptAnswer(
        body=revocations.encoded,
        confirmed_at=fetched.at,
        skew=fetched.skew,
        about=None if pointed_by is None else pointed_by.encoded,
    )
