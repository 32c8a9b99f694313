"""Another system as a source: what it is asked by its recipe, and what its answer is worth."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from time import perf_counter
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Question
from gateway.adapters.asked import AskedSystem
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.error import OUT_OF_REACH, AskError, AskFault
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.request import names_in
from gateway.metrics import SystemMetrics
from gateway.settings import SourcesSettings
from gateway.sources.breaker import Breaker
from gateway.sources.errand import Errand
from gateway.sources.inquiries import keys_of, make_inquiry
from gateway.sources.records import Stated, are_others, contradicts, select_meant
from gateway.sources.source import (
    SYSTEM_PREFIX,
    ByIdentifier,
    ByNumber,
    Found,
    LicenceIndex,
    LicenceKey,
    NoDocument,
    NotFound,
    Registered,
    StatedLicence,
    SystemFault,
    SystemUnavailableError,
    key_text,
)
from gateway.sources.superseding import is_current, status_of_version
from policies.dimension import LicenceStatus

BUSY: Final = "busy"  # a word beside those of AskFault and AnswerOutcome: too many questions were before this one
PAUSED: Final = "paused"  # likewise: it did not answer several times in a row, and is left alone for a while
_CANCELLED: Final = "cancelled"  # likewise: whoever asked went away
_DIFFERS: Final = "record.differs"  # a word beside those of flags: its records are of other licences
_BY_HOLDER: Final = (Question.HOLDER, Question.HOLDER_ELSEWHERE)
_LINK, _HOLDER_CODE = "link", "holder_code"  # names in templates

_FAULTS: Final[Mapping[AskFault, SystemFault]] = {
    AskFault.NOT_ASKABLE: SystemFault.NOT_PROVIDED,
    AskFault.REQUEST: SystemFault.NOT_PROVIDED,
    AskFault.TIMEOUT: SystemFault.UNREACHABLE,
    AskFault.UNREACHABLE: SystemFault.UNREACHABLE,
    AskFault.TLS: SystemFault.UNREACHABLE,
    AskFault.HTTP_STATUS: SystemFault.UNREACHABLE,
    AskFault.SIGN_IN: SystemFault.DENIED,
}  # all others: the answer is of no use
_OUTCOMES: Final[Mapping[AnswerOutcome, SystemFault]] = {
    AnswerOutcome.RETRY: SystemFault.UNREACHABLE,
    AnswerOutcome.DENIED: SystemFault.DENIED,
    AnswerOutcome.NOT_PROVIDED: SystemFault.NOT_PROVIDED,
    AnswerOutcome.PARTIAL: SystemFault.PARTIAL,
    AnswerOutcome.ERROR: SystemFault.UNUSABLE_ANSWER,
}
_NOT_SENT: Final = frozenset({AskFault.NOT_ASKABLE, AskFault.REQUEST, AskFault.HOST_NOT_NAMED})
_NOT_ITS_OWN: Final = frozenset({PAUSED, _CANCELLED})  # words that say nothing of how it answered last
_MAY_BE_WORSE: Final = frozenset({LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN})
_WITHOUT_FILE: Final = frozenset({AnswerOutcome.NOT_FOUND, AnswerOutcome.NOT_PROVIDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """How a system answered last, in a process: the word, and when; None: it was not asked yet.

    ``mapping`` is the digest of the mapping that reads its answers.
    """

    system: str
    mapping: str
    word: str | None
    at: datetime | None
    under_way: int


class SystemSource:
    """A `LicenceSource` that asks another system, with no more questions at once than the settings allow."""

    def __init__(
        self, system: AskedSystem, *, settings: SourcesSettings, clock: Callable[[], datetime], metrics: SystemMetrics
    ) -> None:
        """Ask this system, once `open` was called in the event loop."""
        self.name = SYSTEM_PREFIX + system.name
        self._system, self._clock, self._metrics = system, clock, metrics
        self._calls = system.recipe.calls
        self._at_once = asyncio.Semaphore(settings.concurrency)
        self._most = settings.concurrency + settings.waiting
        self._under_way = 0
        self._breaker = Breaker()
        self._client: AdapterClient | None = None
        self._latest: tuple[str, datetime] | None = None
        file = self._calls.get(Question.FILE)
        by_holder = [self._calls[one] for one in _BY_HOLDER if one in self._calls]
        self._asks_by_code = all(_HOLDER_CODE in names_in(system.recipe, call) for call in by_holder)
        self._has_files = file is not None
        self._needs_link = file is not None and _LINK in names_in(system.recipe, file)

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the connections, for as long as the stack is open."""
        system = self._system
        session = await stack.enter_async_context(open_session(system.recipe.deadlines))
        self._client = AdapterClient(system.adapter, system.recipe, system.access, session, self._clock)
        stack.push_async_callback(self._client.close)

    async def find(self, key: LicenceKey, errand: Errand) -> Found:
        """Return what the system knows of a licence, with its document where it hands one out.

        A record that states no holder's number, or masks it, is that of the holder whose licences were asked for.

        Raises:
            SystemUnavailableError: it cannot say.

        """
        inquiry = self._inquiry(key, errand)
        if inquiry is None:
            self._count(AskFault.NOT_ASKABLE)
            raise SystemUnavailableError(SystemFault.NOT_PROVIDED, self.name, AskFault.NOT_ASKABLE)
        stated = await self._look_up(inquiry, key, errand)
        if stated is None:
            return NotFound(document=b"", source=self.name)
        document, absence, detail = await self._document(stated, inquiry, errand)
        index = stated.index
        if inquiry.question is Question.HOLDER and self._asks_by_code and not index.holders:
            index = replace(index, holders=(inquiry.holder_code,))
        return StatedLicence(
            document=document,
            absence=absence,
            detail=detail,
            stated=stated.licence,
            index=index,
            status=stated.status,
            is_unseen=stated.is_unseen,
            is_under_objection=stated.record.under_objection,
            source=self.name,
        )

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands.

        What the system says counts where its record and the document do not contradict each other. A later version of
        a licence keeps its number, and has an identifier of its own.

        Raises:
            SystemUnavailableError: it cannot say, or speaks of another licence.

        """
        asked = ((key, self._inquiry(key, errand)) for key in keys_of(index))
        key, inquiry = next(((key, one) for key, one in asked if one is not None), (None, None))
        if key is None or inquiry is None or not self._system.says_status:
            self._count(AskFault.NOT_ASKABLE)
            raise SystemUnavailableError(SystemFault.NOT_PROVIDED, self.name, AskFault.NOT_ASKABLE)
        # Whose it is was asked of the system; what it says of that is compared with all holders of the document.
        meant = replace(key, holder=None) if isinstance(key, ByNumber) else key
        stated = await self._look_up(inquiry, meant, errand)
        if stated is None:
            return None
        day = stated.record.issued_on
        is_latest = is_current(issued_on, "" if day is None else day.isoformat())
        is_later_version = bool(stated.index.number) and not is_latest
        if contradicts(replace(stated.index, identifier="") if is_later_version else stated.index, index):
            raise self._differs()
        return Registered(
            status=status_of_version(stated.status, is_current=is_latest),
            is_under_objection=stated.record.under_objection,
            source=self.name,
            is_unseen=stated.is_unseen,
        )

    def report(self) -> SystemReport:
        """Return how it answered last."""
        word, at = (None, None) if self._latest is None else self._latest
        mapping = self._system.adapter.digest
        return SystemReport(system=self._system.name, mapping=mapping, word=word, at=at, under_way=self._under_way)

    def close(self) -> None:
        """Nothing is held; connections are closed with the stack that they were opened with."""

    def _inquiry(self, key: LicenceKey, errand: Errand) -> Inquiry | None:
        """Return the question that the system can answer about a key; None where there is none."""
        if isinstance(key, ByIdentifier):
            return make_inquiry(Question.IDENTIFIER, key, errand) if Question.IDENTIFIER in self._calls else None
        if Question.NUMBER in self._calls:
            return make_inquiry(Question.NUMBER, key, errand)
        return make_inquiry(Question.HOLDER, key, errand) if Question.HOLDER in self._calls and key.holder else None

    async def _look_up(self, inquiry: Inquiry, key: LicenceKey, errand: Errand) -> Stated | None:
        """Return what the system says of a licence; None: it does not know it.

        In a part of an answer only bad news counts: a copy with a worse status may be in the rest. Records of which
        none is the licence say nothing about it, unless they are the other licences of a holder; but whoever asks for
        a holder is told the same of the licence of another one as of none.
        """
        answer = await self._ask(inquiry, errand)
        if answer.outcome is AnswerOutcome.NOT_FOUND:
            return None
        types = frozenset({key_text(errand.type_code), key_text(errand.type_name)} - {""})
        is_list = inquiry.question is Question.HOLDER
        stated = select_meant(answer.records, key, types=types, is_list=is_list)
        is_ended = stated is not None and stated.status not in _MAY_BE_WORSE
        is_told = answer.outcome is AnswerOutcome.FOUND or (answer.outcome is AnswerOutcome.PARTIAL and is_ended)
        if not is_told:
            raise SystemUnavailableError(_OUTCOMES[answer.outcome], self.name, answer.outcome)
        if stated is None and not (key.asks_holder or (is_list and are_others(answer.records, key))):
            raise self._differs()
        return stated

    def _differs(self) -> SystemUnavailableError:
        """Return, and count, that the system answered about another licence."""
        self._metrics.flags.labels(system=self._system.name, flag=_DIFFERS).inc()
        return SystemUnavailableError(SystemFault.RECORD_DIFFERS, self.name, SystemFault.RECORD_DIFFERS)

    async def _document(self, stated: Stated, inquiry: Inquiry, errand: Errand) -> tuple[bytes, NoDocument | None, str]:
        """Return the document; else why there is none, and a word about it."""
        told = stated.record.document
        if told is not None and told.content:
            return told.content, None, ""
        link = "" if told is None else told.link
        if not (link or (self._has_files and not self._needs_link)):
            return b"", NoDocument.NOT_THERE, ""
        record = stated.record
        wanted = replace(
            inquiry,
            question=Question.FILE,
            link=link,
            identifier=record.identifier or inquiry.identifier,
            number=record.number or inquiry.number,
            type_code=record.type_code or inquiry.type_code,
            name=record.name or inquiry.name,
        )
        try:
            answer = await self._ask(wanted, errand)
        except SystemUnavailableError as error:
            absence = NoDocument.NOT_THERE if error.word == AskFault.NOT_ASKABLE else NoDocument.UNAVAILABLE
            return b"", absence, error.word
        if answer.file:
            return answer.file, None, ""
        if answer.outcome is AnswerOutcome.FOUND:  # the file inside of a record
            contents = (one.document.content for one in answer.records if one.document is not None)
            content = next(filter(None, contents), b"")
            return content, None if content else NoDocument.NOT_THERE, ""
        absence = NoDocument.NOT_THERE if answer.outcome in _WITHOUT_FILE else NoDocument.UNAVAILABLE
        return b"", absence, answer.outcome

    async def _ask(self, inquiry: Inquiry, errand: Errand) -> Answer:
        """Ask once there is room, and count how it went.

        Raises:
            SystemUnavailableError: there is no answer.

        """
        client, now = self._client, asyncio.get_running_loop().time
        if client is None or self._under_way >= self._most:
            raise self._refuse(BUSY)
        if self._breaker.is_open(now()):
            raise self._refuse(PAUSED)
        word, begun = _CANCELLED, perf_counter()
        self._under_way += 1
        try:
            async with self._turn(errand):
                answer = await client.ask(inquiry, until=errand.until)
            word = answer.outcome.value
            self._breaker.answered()
        except SystemUnavailableError as error:  # it was not asked
            word = error.word
            raise
        except AskError as error:
            word = error.fault
            if error.fault in OUT_OF_REACH:
                self._breaker.failed(now())
            elif error.fault not in _NOT_SENT:
                self._breaker.answered()
            fault = _FAULTS.get(error.fault, SystemFault.UNUSABLE_ANSWER)
            raise SystemUnavailableError(fault, self.name, word) from error
        finally:
            self._under_way -= 1
            self._metrics.seconds.labels(system=self._system.name).observe(perf_counter() - begun)
            self._count(word)
        self._count_flags(answer)
        return answer

    @asynccontextmanager
    async def _turn(self, errand: Errand) -> AsyncIterator[None]:
        """Wait for a place among the questions that the system gets at once, for half of the time at most.

        So whoever is asked has time to answer, and that he does not is his own doing.

        Raises:
            SystemUnavailableError: there was none in time, or the system is left alone by now.

        """
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(errand.share(now(), among=2).until):
                await self._at_once.acquire()
        except TimeoutError:
            raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, BUSY) from None
        try:
            if not self._breaker.admit(now()):
                raise SystemUnavailableError(SystemFault.UNREACHABLE, self.name, PAUSED)
            yield
        finally:
            self._at_once.release()

    def _refuse(self, word: str) -> SystemUnavailableError:
        """Return, and count, that the system is not asked now."""
        self._count(word)
        return SystemUnavailableError(SystemFault.UNREACHABLE, self.name, word)

    def _count(self, word: str) -> None:
        self._metrics.questions.labels(system=self._system.name, outcome=word).inc()
        if word not in _NOT_ITS_OWN:
            self._latest = (word, self._clock())

    def _count_flags(self, answer: Answer) -> None:
        """Count what is odd about an answer and its records; what it was is in neither metric nor log."""
        for flag in (*answer.flags, *_flags(answer.records)):
            self._metrics.flags.labels(system=self._system.name, flag=flag).inc()


def _flags(records: Iterable[LicenceRecord]) -> Iterable[str]:
    return (flag for record in records for flag in record.flags)
