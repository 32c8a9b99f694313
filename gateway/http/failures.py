"""The sources that could not say anything about a licence, and what they said before that."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.hearing import hear_registered, is_worse
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import FAILURE
from gateway.pipeline import (
    SYSTEM_REASONS,
    Verified,
    is_not_in_force,
    note_kept,
    note_outage,
    note_passed_over,
)
from gateway.reason import Reason
from gateway.sources.source import (
    Registered,
    SourceFault,
    SourceUnavailableError,
    SystemFault,
    SystemUnavailableError,
)

RETRY_AFTER_SECONDS: Final = 5  # a lock is over in seconds; what is broken takes an operator
NO_SOURCE: Final = "none"  # the source of an answer for which nobody was asked
UNDECIDED: Final = "undecided"  # the word about a system of which nobody can tell whether it is to be asked
_NAMED: Final = 5  # systems that a detail names
Failure = SourceUnavailableError | SystemUnavailableError


class Failures:
    """Why sources could not say anything to one question, in their order; used for that question alone."""

    def __init__(self, request: web.Request) -> None:
        """Begin with none."""
        self._request = request
        self._errors: list[Failure] = []
        self._kept: list[Verified] = []
        self._differing: list[tuple[Registered, bool]] = []  # and whether it is kept

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._errors)

    def add(self, error: Failure) -> None:
        """Note why a source cannot say; a store that there is not is no source."""
        if not (isinstance(error, SourceUnavailableError) and error.fault is SourceFault.ABSENT):
            self._errors.append(error)
        if isinstance(error, SystemUnavailableError) and error.registered is not None:
            self._differing.append((error.registered, False))

    def add_undecided(self, names: Iterable[str]) -> None:
        """Note systems that were not asked, for nobody can tell whether they are to be."""
        self._errors += [SystemUnavailableError(SystemFault.NOT_PROVIDED, name, UNDECIDED) for name in names]

    def keep(self, verified: Verified | None) -> None:
        """Note what is to be said of the licence by what a source said before that failed now; None: nothing."""
        if verified is not None:
            self._kept.append(verified)

    def keep_differing(self, registered: Registered) -> None:
        """Note what a source that failed now said before of what may be another licence."""
        self._differing.append((registered, True))

    def hear_differing(self, said: Verified, *, at: datetime) -> Verified:
        """Return an answer with what sources say, or said, of what may be another licence."""
        for registered, is_kept in self._differing:
            heard = hear_registered(said, registered, at=at)
            said = note_kept(heard) if is_kept and heard is not said else heard
        return said

    def select_said(self, answer: Verified | None) -> Verified | None:
        """Return the answer of a source, or by what another one said before it failed, with notes on those that failed.

        What is kept counts where nobody answers, or where it says that the licence is not in force, whatever else is
        away: it never hides worse news, of others or kept ones.
        """
        if not self._errors:
            return answer
        from_before: Verified | None = None
        for one in filter(is_not_in_force, self._kept):
            known = from_before or answer
            if known is None or not is_not_in_force(known) or is_worse(one.status, known.status):
                from_before = one
        if from_before is None and answer is None and self._store_failure() is None:
            from_before = next(iter(self._kept), None)
        said = from_before or answer
        if said is None:
            return None
        self.note()
        if from_before is None or self._systems()[0].source not in {said.source, said.register}:
            said = note_passed_over(said)
        return self.note_outages(said if from_before is None else note_kept(said))

    def label(self, said: Verified) -> Verified:
        """Return an answer with notes on the sources that could not say anything to it."""
        if FAILURE not in self._request:
            self.note()
        return self.note_outages(note_passed_over(said))

    def refuse_without_store(self) -> None:
        """Refuse where the gateway's own store cannot say, which is ours to mend; raises ProblemError, 503."""
        error = self._store_failure()
        if error is not None:
            self._request[FAILURE] = f"{ProblemKind.SOURCE_UNAVAILABLE}.{error.fault}"
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise ProblemError(ProblemKind.SOURCE_UNAVAILABLE, headers=headers) from error

    def note(self) -> None:
        """Name the first one in the request log."""
        match self._errors[0]:
            case SourceUnavailableError(fault=fault):
                self._request[FAILURE] = f"{Reason.STATUS_UNAVAILABLE}.{fault}"
            case SystemUnavailableError(source=source, word=word):
                self._request[FAILURE] = f"{source}.{word}"

    def note_outages(self, verified: Verified) -> Verified:
        """Return an answer with a note where a source was not asked in an announced outage."""
        planned = [str(one) for one in self._systems() if one.until is not None]
        return note_outage(verified, ", ".join(planned[:_NAMED])) if planned else verified

    def describe(self) -> tuple[Reason, str, str]:
        """Return the reason of the first one, its source, and all systems with a word about each."""
        detail = ", ".join(map(str, self._systems()[:_NAMED]))
        first = self._errors[0]
        if isinstance(first, SystemUnavailableError):
            return SYSTEM_REASONS[first.fault], first.source, detail
        return Reason.STATUS_UNAVAILABLE, NO_SOURCE, detail

    def _systems(self) -> list[SystemUnavailableError]:
        return [one for one in self._errors if isinstance(one, SystemUnavailableError)]

    def _store_failure(self) -> SourceUnavailableError | None:
        return next((one for one in self._errors if isinstance(one, SourceUnavailableError)), None)
