"""One revocation list and its successors: what is in force, what stands beside it, and when it is fetched next."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.status.conditional import Known, Validators
from gateway.status.judge import JudgedList
from gateway.status.schedule import Schedule
from gateway.status.source import StatusSource
from gateway.status.track import Confirmed, select_beside
from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.revocation_list import RevocationList
from keys.revocation_update import RevocationUpdateError, apply_delta, remove_delta

MAIN: Final = "list"  # the part of a source whose addresses the source itself states


class ListSlot:
    """One list of a source; ``pointed_by`` is the certificate that stated its address, None: the source did.

    Without ``urls`` it was read from disk, and is not fetched until a certificate points to it again.
    """

    def __init__(
        self, source: StatusSource, part: str, urls: tuple[str, ...], schedule: Schedule, pointed_by: Certificate | None
    ) -> None:
        """Start with nothing known."""
        self._source = source
        self.part = part
        self.urls = urls
        self.schedule = schedule
        self.pointed_by = pointed_by
        self.current: RevocationList | None = None
        self.confirmed: Confirmed | None = None
        self.complete_confirmed: Confirmed | None = None  # of the complete list, whatever its delta says
        self.validators: Validators | None = None  # of the complete list
        self._others: list[tuple[RevocationList, Confirmed]] = []  # until the next good answer: before it, or too early

    def take(self, judged: JudgedList, confirmed: Confirmed) -> None:
        """Put a judged list in force; one that is dated after now leaves the present one beside it.

        Raises:
            StatusError: it is dated so far ahead that it only stands beside the present one.

        """
        new = judged.revocations
        if judged.failure is not None:
            beside = select_beside(new.this_update, self._others, confirmed.at, issued=_issued)
            self._others = [*beside, (new, confirmed)]
            raise judged.failure
        is_early = new.this_update > confirmed.at
        self._others = select_beside(new.this_update, self.versions(), confirmed.at, issued=_issued) if is_early else []
        self.current, self.confirmed = new, confirmed
        if new.complete is None:
            self.complete_confirmed = confirmed

    def inherit(self, before: "ListSlot", now: datetime) -> None:
        """Keep what another slot of this list knew where it is the newer as of ``now``, beside what was read."""
        versions = list(before.versions())
        if self.current is not None:
            self._others = select_beside(self.current.this_update, versions, now, issued=_issued)
        elif before.current is not None:
            (self.current, self.confirmed), *self._others = versions
            self.complete_confirmed = before.complete_confirmed

    def take_complete(
        self, judged: JudgedList, confirmed: Confirmed, *, has_delta: bool, verify: Callable[[RevocationList], None]
    ) -> None:
        """Put a complete list in force, with the delta at hand laid over it again while that is the newer one.

        ``verify`` raises StatusError where list and delta are by different keys; both that are in force stay then.
        """
        current = self.current
        if judged.failure is None and current is not None and current.delta is not None:
            if judged.revocations == remove_delta(current):
                self.complete_confirmed = confirmed  # and nothing else: how fresh the whole is depends on the delta
                return
            try:
                laid_over = apply_delta(judged.revocations, current.delta)
            except RevocationUpdateError:
                pass  # the new complete list already includes it
            else:
                verify(laid_over)
                self.take(JudgedList(laid_over), self.confirmed or confirmed if has_delta else confirmed)
                self.complete_confirmed = confirmed
                return
        self.take(judged, confirmed)

    @property
    def known(self) -> Known | None:
        """What is at hand of the complete list, for asking whether it changed."""
        if self.current is None or self.validators is None:
            return None
        return Known(validators=self.validators, body=remove_delta(self.current).encoded)

    @property
    def ends_at(self) -> datetime | None:
        """When what is in force ends, by its next update or by the tolerance; None: nothing is."""
        if self.current is None or self.confirmed is None:
            return None
        end = self.confirmed.upkeep(self._source).usable_until
        return end if self.current.next_update is None else min(end, self.current.next_update)

    @property
    def complete_ends_at(self) -> datetime | None:
        """When the complete list ends, whatever its delta says; None: there is none."""
        if self.current is None or self.current.complete is None:
            return self.ends_at
        return self.current.complete.next_update

    def evidence(self) -> Iterable[RevocationEvidence]:
        """Return the list in force, and those beside it.

        A complete list below a delta speaks for itself too, by its own dates: it is what is left when the delta ends.
        """
        for revocations, confirmed in self.versions():
            yield replace(revocations, upkeep=confirmed.upkeep(self._source))
        if self.current is not None and self.current.complete is not None and self.complete_confirmed is not None:
            yield replace(self.current.complete, upkeep=self.complete_confirmed.upkeep(self._source))

    def versions(self) -> Iterable[tuple[RevocationList, Confirmed]]:
        """Return the list in force, and those beside it."""
        if self.current is not None and self.confirmed is not None:
            yield self.current, self.confirmed
        yield from self._others


def _issued(one: RevocationList) -> datetime:
    return one.this_update
