"""Revocation lists of one source: complete ones, a delta on top, and the lists that certificates point to."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from gateway.status.conditional import Known, Validators
from gateway.status.failure import StatusError
from gateway.status.fetch import Fetched
from gateway.status.judge import JudgedList, judge_delta, judge_list, verify_signer
from gateway.status.shelf import KeptAnswer
from gateway.status.source import StatusSource, is_allowed_url
from gateway.status.track import Ask, Attempt, Confirmed, ask_in_order, confirmed_on_disk
from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.revocation_list import RevocationList
from keys.revocation_update import RevocationUpdateError, apply_delta, remove_delta
from keys.status_addresses import read_list_addresses

MAX_LISTS: Final = 64  # lists of one source that certificates point to; a divided list has up to a few dozen parts
FindSigners = Callable[[Certificate, datetime], Sequence[Certificate]]

_MAIN: Final = "list"
_DELTA: Final = "delta"


class _Slot:
    """One list and its successors."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self.urls = urls
        self.current: RevocationList | None = None
        self.confirmed: Confirmed | None = None
        self.validators: Validators | None = None  # of the complete list
        self.delta_validators: Validators | None = None
        self.others: list[tuple[RevocationList, Confirmed]] = []  # until the next good answer: before it, or too early

    def take(self, judged: JudgedList, confirmed: Confirmed) -> None:
        """Put a judged list in force; one that is dated after now leaves the present one beside it."""
        if judged.failure is not None:
            self.others = [(judged.revocations, confirmed)]
            raise judged.failure
        new = judged.revocations
        if self.current is not None and self.confirmed is not None and new.this_update > confirmed.at:
            self.others = [(self.current, self.confirmed)]
        elif new.this_update <= confirmed.at:
            self.others = []
        self.current, self.confirmed = new, confirmed

    def take_complete(
        self, judged: JudgedList, confirmed: Confirmed, *, has_delta: bool, verify: Callable[[RevocationList], None]
    ) -> None:
        """Put a complete list in force, with the delta at hand laid over it again while that is the newer one.

        ``verify`` raises StatusError where list and delta are by different keys; both that are in force stay then.
        """
        current = self.current
        if judged.failure is None and current is not None and current.delta is not None:
            if judged.revocations == remove_delta(current):
                return  # unchanged; how fresh the whole is depends on the delta
            try:
                judged = JudgedList(apply_delta(judged.revocations, current.delta))
            except RevocationUpdateError:
                pass  # the new complete list already includes it
            else:
                verify(judged.revocations)
                confirmed = self.confirmed or confirmed if has_delta else confirmed
        self.take(judged, confirmed)


class ListTrack:
    """The revocation lists of one source."""

    def __init__(self, source: StatusSource, *, find_signers: FindSigners) -> None:
        """Start with nothing known; ``find_signers`` names the other certificates of the issuer whose lists count."""
        self.source = source
        self._find_signers = find_signers
        self._slots: dict[str, _Slot] = {_MAIN: _Slot(source.urls)} if source.urls else {}

    def load(self, kept: Mapping[str, KeptAnswer], now: datetime) -> tuple[StatusError, ...]:
        """Take what was kept; lists that certificates pointed to keep their place until they are pointed to again."""
        errors = []
        for part in sorted(kept, key=lambda name: name == _DELTA):  # the delta after its base
            answer = kept[part]
            confirmed = confirmed_on_disk(answer, now)
            try:
                if part == _DELTA:
                    slot = self._slots.get(_MAIN)
                    if slot is None or slot.current is None:
                        continue
                    slot.take(self._judge_delta(answer.body, confirmed.at, slot.current), confirmed)
                    slot.delta_validators = answer.validators
                else:
                    slot = self._slots.setdefault(part, _Slot(()))
                    slot.take(self._judge_list(answer.body, confirmed.at, None), confirmed)
                    slot.validators = answer.validators
            except StatusError as error:
                errors.append(error)
        return tuple(errors)

    def watch(self, certificate: Certificate) -> bool:
        """Note the lists that a certificate points to, where the source says so and allows their hosts."""
        if not self.source.from_certificates:
            return False
        found = False
        for url in read_list_addresses(certificate):
            part = hashlib.sha256(url.encode()).hexdigest()[:32]
            slot = self._slots.get(part)
            if url in self.source.urls or (slot is not None and slot.urls):
                continue
            if len(self._slots) < MAX_LISTS and is_allowed_url(url, self.source.hosts):
                self._slots.setdefault(part, _Slot(())).urls = (url,)
                found = True
        return found

    async def refresh(self, ask: Ask, now: datetime) -> Attempt:  # noqa: ARG002 - every list is due in every round
        """Ask for every list, then for the delta."""
        attempt = Attempt()
        for part, slot in list(self._slots.items()):
            if slot.urls:
                await self._refresh_slot(part, slot, ask, attempt)
        main = self._slots.get(_MAIN)
        if main is not None and main.current is not None and self.source.delta_urls:
            await self._refresh_delta(main, main.current, ask, attempt)
        return attempt

    async def _refresh_slot(self, part: str, slot: _Slot, ask: Ask, attempt: Attempt) -> None:
        judge = partial(self._judge_list, old=slot.current)
        known = None
        if slot.current is not None and slot.validators is not None:
            known = Known(validators=slot.validators, body=remove_delta(slot.current).encoded)
        try:
            fetched, judged = await ask_in_order(ask, slot.urls, None, judge, known=known)
            has_delta = part == _MAIN and bool(self.source.delta_urls)
            verify = partial(verify_signer, source=self.source, signers=partial(self._signers, fetched.at))
            slot.take_complete(judged, _confirm(fetched, attempt), has_delta=has_delta, verify=verify)
        except StatusError as error:
            attempt.errors.append(error)
            return
        attempt.answered += 1
        slot.validators = fetched.validators
        attempt.changes[part] = KeptAnswer(
            body=judged.revocations.encoded,
            confirmed_at=fetched.at,
            skew=fetched.skew,
            validators=fetched.validators,
        )
        if part == _MAIN and slot.current is not None and slot.current.delta is None:
            attempt.changes[_DELTA] = None

    async def _refresh_delta(self, slot: _Slot, current: RevocationList, ask: Ask, attempt: Attempt) -> None:
        judge = partial(self._judge_delta, current=current)
        known = None
        if current.delta is not None and slot.delta_validators is not None:
            known = Known(validators=slot.delta_validators, body=current.delta.encoded)
        try:
            fetched, judged = await ask_in_order(ask, self.source.delta_urls, None, judge, known=known)
            slot.take(judged, _confirm(fetched, attempt))
        except StatusError as error:
            attempt.errors.append(error)
            return
        attempt.answered += 1
        if judged.revocations.delta is not None:
            slot.delta_validators = fetched.validators
            attempt.changes[_DELTA] = KeptAnswer(
                body=judged.revocations.delta.encoded,
                confirmed_at=fetched.at,
                skew=fetched.skew,
                validators=fetched.validators,
            )

    def _judge_list(self, body: bytes, at: datetime, old: RevocationList | None) -> JudgedList:
        return judge_list(body, source=self.source, old=old, at=at, signers=partial(self._signers, at))

    def _judge_delta(self, body: bytes, at: datetime, current: RevocationList) -> JudgedList:
        return judge_delta(body, source=self.source, current=current, at=at, signers=partial(self._signers, at))

    def _signers(self, at: datetime) -> Sequence[Certificate]:
        return self._find_signers(self.source.issuer, at)

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return every list in force, and those beside it."""
        for slot in self._slots.values():
            if slot.current is not None and slot.confirmed is not None:
                yield replace(slot.current, upkeep=slot.confirmed.upkeep(self.source))
            for revocations, confirmed in slot.others:
                yield replace(revocations, upkeep=confirmed.upkeep(self.source))

    @property
    def as_of(self) -> datetime | None:
        """As of when the oldest list in force speaks."""
        return min((slot.current.this_update for slot in self._slots.values() if slot.current), default=None)

    @property
    def usable_until(self) -> datetime | None:
        """When the first list in force ends, by its next update or by the tolerance."""
        ends = [
            end
            for slot in self._slots.values()
            if slot.current is not None and slot.confirmed is not None
            for end in (slot.current.next_update, slot.confirmed.upkeep(self.source).usable_until)
            if end is not None
        ]
        return min(ends, default=None)


def _confirm(fetched: Fetched, attempt: Attempt) -> Confirmed:
    attempt.skew = fetched.skew
    return Confirmed(at=fetched.at, skew=fetched.skew)
