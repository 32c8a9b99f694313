"""Consents in memory, for tests: it keeps the contract, and fails when it is told to."""

from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from gateway.consent.record import ConsentId, ConsentRecord
from gateway.sources.source import SourceFault, SourceUnavailableError


class Failing(Enum):
    """How the next use fails."""

    BEFORE = auto()  # nothing was stored
    AFTER = auto()  # stored, yet reported as failed


class MemoryConsentStore:
    """A `ConsentStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._records: dict[ConsentId, ConsentRecord] = {}
        self.failing: Failing | None = None

    def add(self, record: ConsentRecord) -> None:
        """Keep a consent."""
        self._fail(Failing.BEFORE)
        self._records.setdefault(record.id, record)
        self._fail(Failing.AFTER)

    def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent."""
        self._fail(Failing.BEFORE)
        return self._records.get(consent)

    def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent."""
        self._fail(Failing.BEFORE)
        record = self._records.get(consent)
        if record is None or organisation not in (None, record.registered_by):
            return None
        if record.withdrawn_at is None:
            record = self._records[consent] = replace(record, withdrawn_at=at)
        self._fail(Failing.AFTER)
        return record.withdrawn_at

    def close(self) -> None:
        """Nothing is held that could be let go."""

    def _fail(self, when: Failing) -> None:
        if self.failing is when:
            self.failing = None
            raise SourceUnavailableError(SourceFault.UNUSABLE, "told to")
