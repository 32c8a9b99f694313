"""The line to another system: who asks it now, who waits for the same answer, and when it is left alone.

Each system has a line of its own, with places, breaker and connections of its own: one that hangs takes nothing from
the others.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Final

from adapters.record.status import RecordFlag
from gateway.adapters.asked import AskedSystem
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.request import words_told
from gateway.flight import Deadline, Flights
from gateway.metrics import SystemMetrics
from gateway.settings import SourcesSettings
from gateway.sources.breaker import Breaker, BreakerState
from gateway.sources.outage import Outage, current_outage, next_outage
from gateway.sources.source import SYSTEM_PREFIX, SystemFault, SystemUnavailableError
from gateway.telemetry.span import Attribute, SpanName, part

_LOG: Final = logging.getLogger(__name__)

BUSY: Final = "busy"  # a word beside those of AskFault and AnswerOutcome: too many questions were before this one
PAUSED: Final = "paused"  # likewise: it did not answer several times in a row, and is left alone for a while
PLANNED_OUTAGE: Final = "planned-outage"  # likewise: its operator announced that it is down
MERGED: Final = "merged"  # a word about a question that was spared: the same one was under way
_CANCELLED: Final = "cancelled"  # likewise: whoever asked went away
_QUESTION_ID: Final = "question_id"
# So long a system must have had before it counts against it that it did not answer, unless its recipe allows it less:
# what is left of a caller's time may be too short for anybody. Answers usually take half of it.
LEAST_SECONDS: Final = 1.0
_ALARM_EVERY: Final = timedelta(hours=1)  # one line of the log; the metric counts each

_FAULTS: Final = {
    AskFault.NOT_ASKABLE: SystemFault.NOT_PROVIDED,
    AskFault.REQUEST: SystemFault.NOT_PROVIDED,
    AskFault.TIMEOUT: SystemFault.UNREACHABLE,
    AskFault.UNREACHABLE: SystemFault.UNREACHABLE,
    AskFault.TLS: SystemFault.UNREACHABLE,
    AskFault.HTTP_STATUS: SystemFault.UNREACHABLE,
    AskFault.SIGN_IN: SystemFault.DENIED,
}  # all others: the answer is of no use
_NOT_SENT: Final = frozenset({AskFault.NOT_ASKABLE, AskFault.REQUEST, AskFault.HOST_NOT_NAMED})
_NOT_ITS_OWN: Final = frozenset({PAUSED, PLANNED_OUTAGE, _CANCELLED})  # words that say nothing of how it answered last


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer of a system, which was asked at ``as_of``: nothing that it did later is in it."""

    answer: Answer
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """How a system answered last, in a process: the word, and when; None: it was not asked yet.

    ``mapping`` is the digest of the mapping that reads its answers; ``unseen_at`` is when a status code last came that
    the mapping does not name; None: none did. ``outage`` is the one of now, or else the next one.
    """

    system: str
    mapping: str
    word: str | None
    at: datetime | None
    under_way: int
    unseen_at: datetime | None
    breaker: BreakerState
    outage: Outage | None


class SystemLine:
    """Asks one system, with no more questions at once than the settings allow, and the same one once at a time."""

    def __init__(
        self,
        system: AskedSystem,
        *,
        settings: SourcesSettings,
        clock: Callable[[], datetime],
        metrics: SystemMetrics,
        outages: Iterable[Outage] = (),
    ) -> None:
        """Ask this system, once `open` was called in the event loop."""
        self.name = SYSTEM_PREFIX + system.name
        self._system, self._clock, self._metrics = system, clock, metrics
        self._outages = tuple(one for one in outages if one.system == system.name)
        self._concurrency = settings.concurrency
        self._at_once = asyncio.Semaphore(settings.concurrency)
        self._most = settings.concurrency + settings.waiting
        self._retries = settings.retries
        self._breaker = Breaker()
        self._least_seconds = min(LEAST_SECONDS, system.recipe.deadlines.total_ms / 1000)
        self._flights: Flights[tuple[str, ...], Told] = Flights()
        self._client: AdapterClient | None = None
        self._latest: tuple[str, datetime] | None = None
        self._unseen_at: datetime | None = None
        self._alarmed_at: datetime | None = None
        self._told = {question: words_told(system.recipe, question) for question in system.recipe.calls}

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the connections, for as long as the stack is open."""
        system = self._system
        session = await stack.enter_async_context(open_session(system.recipe.deadlines, connections=self._concurrency))
        self._client = AdapterClient(
            system.adapter, system.recipe, system.access, session, self._clock, retries=self._retries
        )
        stack.push_async_callback(self._client.close)
        stack.push_async_callback(self._flights.close)

    async def ask(self, inquiry: Inquiry, *, until: float) -> Told:
        """Return what the system says to a question, or said to the same one that was under way.

        The same is what the system cannot tell apart: all that it is told, and the link. Where it is told who asks, in
        which case, or under which id, nobody is given the answer to anybody else's question.

        Raises:
            SystemUnavailableError: there is no answer.

        """
        key = (inquiry.question.value, inquiry.link, *self.words_of(inquiry, but=frozenset()))
        if self._flights.has(key):
            self.count_spared(MERGED)
        else:
            self._refuse_early()
        try:
            return await self._flights.join(key, partial(self._ask, inquiry), until=until)
        except TimeoutError:  # of this one; for others the flight may go on
            raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, AskFault.TIMEOUT) from None

    def words_of(self, inquiry: Inquiry, *, but: frozenset[str] = frozenset({_QUESTION_ID})) -> tuple[str, ...]:
        """Return what the system is told with a question, in a certain order, without the words that are left out."""
        told = self._told.get(inquiry.question, frozenset()) - but
        words = inquiry.words
        return tuple(words[name] for name in sorted(told & words.keys()))

    def report(self) -> SystemReport:
        """Return how it answered last, and whether it is asked now."""
        word, at = (None, None) if self._latest is None else self._latest
        return SystemReport(
            system=self._system.name,
            mapping=self._system.adapter.digest,
            word=word,
            at=at,
            under_way=len(self._flights),
            unseen_at=self._unseen_at,
            breaker=self._note_state(),
            outage=next_outage(self._outages, self._clock()),
        )

    def count(self, word: str) -> None:
        """Count how a question went."""
        self._metrics.questions.labels(system=self._system.name, outcome=word).inc()
        if word not in _NOT_ITS_OWN:
            self._latest = (word, self._clock())

    def count_flag(self, flag: str) -> None:
        """Count what is odd about an answer; what it was is in neither metric nor log."""
        self._metrics.flags.labels(system=self._system.name, flag=flag).inc()

    def count_spared(self, word: str) -> None:
        """Count a question that the system was spared."""
        self._metrics.spared.labels(system=self._system.name, by=word).inc()

    def _refuse_early(self) -> None:
        """Refuse a question that would have to wait for nothing; raises `SystemUnavailableError`."""
        outage = current_outage(self._outages, self._clock()) if self._outages else None
        if outage is not None:
            raise self._refuse(PLANNED_OUTAGE, until=outage.until)
        if self._client is None or len(self._flights) >= self._most:
            raise self._refuse(BUSY)
        if self._breaker.refuses(asyncio.get_running_loop().time()):
            raise self._refuse(PAUSED)

    async def _ask(self, inquiry: Inquiry, deadline: Deadline) -> Told:
        """Ask once there is room, and count how it went.

        Raises:
            SystemUnavailableError: there is no answer.

        """
        word, begun = _CANCELLED, perf_counter()
        try:
            with part(SpanName.SYSTEM) as traced:
                traced.note(Attribute.SYSTEM, self._system.name)
                async with AsyncExitStack() as stack:
                    await self._take_turn(deadline, stack)
                    told = await self._ask_now(inquiry, deadline)
                word = told.answer.outcome.value
                traced.note(Attribute.OUTCOME, word)
        except SystemUnavailableError as error:
            word = error.word
            raise
        finally:
            self._metrics.seconds.labels(system=self._system.name).observe(perf_counter() - begun)
            self.count(word)
        self._count_flags(told.answer)
        return told

    async def _take_turn(self, deadline: Deadline, stack: AsyncExitStack) -> None:
        """Wait for a place among the questions that the system gets at once, for half of the time at most.

        So whoever is asked has time to answer, and that he does not is his own doing. The place is given back with the
        stack.

        Raises:
            SystemUnavailableError: there was none in time.

        """
        try:
            async with deadline.within(0.5):
                await stack.enter_async_context(self._at_once)
        except TimeoutError:
            raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, BUSY) from None

    async def _ask_now(self, inquiry: Inquiry, deadline: Deadline) -> Told:
        """Ask, if the system is not left alone by now, and tell the breaker how that went."""
        client, now = self._client, asyncio.get_running_loop().time
        begun = now()
        ticket = None if client is None else self._breaker.admit(begun)
        if client is None or ticket is None:
            raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, PAUSED)
        as_of = self._clock()
        try:
            async with deadline.within():
                answer = await client.ask(inquiry)
            self._breaker.answered()
        except AskError as error:
            if error.is_out_of_reach:
                self._breaker.failed(ticket, now())
            elif error.fault not in _NOT_SENT:
                self._breaker.answered()
            fault = _FAULTS.get(error.fault, SystemFault.UNUSABLE_ANSWER)
            raise SystemUnavailableError(fault, self.name, error.fault) from error
        except TimeoutError as error:  # the time of whoever asked, and not that of the recipe, is over
            if now() - begun >= self._least_seconds:
                self._breaker.failed(ticket, now())
            raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, AskFault.TIMEOUT) from error
        finally:
            self._breaker.left(ticket)
            self._note_state()
        return Told(answer=answer, as_of=as_of)

    def _refuse(self, word: str, *, until: datetime | None = None) -> SystemUnavailableError:
        """Return, and count, that the system is not asked now."""
        self.count(word)
        return SystemUnavailableError(SystemFault.UNREACHABLE, self.name, word, until=until)

    def _note_state(self) -> BreakerState:
        """Return how the breaker stands, which the metric says as well."""
        state = self._breaker.state(asyncio.get_running_loop().time())
        self._metrics.breaker.labels(system=self._system.name).set(state)
        return state

    def _count_flags(self, answer: Answer) -> None:
        flags = (*answer.flags, *(flag for record in answer.records for flag in record.flags))
        for flag in flags:
            self.count_flag(flag)
        if RecordFlag.STATUS_UNSEEN in flags:
            self._raise_alarm()

    def _raise_alarm(self) -> None:
        """Tell operators of a status code that the mapping does not name: until it does, such licences are unknown."""
        self._unseen_at = now = self._clock()
        if self._alarmed_at is None or abs(now - self._alarmed_at) >= _ALARM_EVERY:  # a clock may be set back
            self._alarmed_at = now
            _LOG.error("ALARM: %s sent a status code that its mapping does not name", self.name)
