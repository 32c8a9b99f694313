"""One revocation list and its successors: what is in force, what stands beside it, and when it is fetched next."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.status.conditional import Known, Validators
from gateway.status.judge import JudgedList
from gateway.status.schedule import Schedule
from gateway.status.source import StatusSource
from gateway.status.track import Confirmed
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
        self.validators: Validators | None = None  # of the complete list
        self._others: list[tuple[RevocationList, Confirmed]] = []  # until the next good answer: before it, or too early

    def take(self, judged: JudgedList, confirmed: Confirmed) -> None:
        """Put a judged list in force; one that is dated after now leaves the present one beside it.

        Raises:
            StatusError: it is dated so far ahead that it only stands beside the present one.

        """
        if judged.failure is not None:
            self._others = [(judged.revocations, confirmed)]
            raise judged.failure
        new = judged.revocations
        if self.current is not None and self.confirmed is not None and new.this_update > confirmed.at:
            self._others = [(self.current, self.confirmed)]
        elif new.this_update <= confirmed.at:
            self._others = []
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
        """Return the list in force, and those beside it."""
        if self.current is not None and self.confirmed is not None:
            yield replace(self.current, upkeep=self.confirmed.upkeep(self._source))
        for revocations, confirmed in self._others:
            yield replace(revocations, upkeep=confirmed.upkeep(self._source))
