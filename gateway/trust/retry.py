"""When a folder that could not be used is read again without a change, since the cause may have passed by itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

RETRY_SECONDS: Final = 2.0  # until a reading that failed is tried again without a change; twice as long each time
MAX_RETRY_SECONDS: Final = 60.0  # a folder with a million revoked takes a second to read


@dataclass(slots=True)
class Retry:
    """The next try of one folder; ``tried_at`` is the last one, ``due`` the next, None: only when something changes."""

    tried_at: datetime
    due: datetime | None = None
    _seconds: float = field(default=RETRY_SECONDS, init=False)

    def is_due(self, now: datetime) -> bool:
        """Say whether to read again without a change; a clock that was set back does not put it off."""
        return self.due is not None and (now >= self.due or now < self.tried_at)

    def note_failure(self, now: datetime) -> None:
        """Note that it could not be used."""
        self.due = now + timedelta(seconds=self._seconds)
        self._seconds = min(2 * self._seconds, MAX_RETRY_SECONDS)

    def note_success(self, due: datetime | None = None) -> None:
        """Note that it could; ``due`` is when it says something else by the clock alone, None: never."""
        self.due, self._seconds = due, RETRY_SECONDS
