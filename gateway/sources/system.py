"""Another system as a source: what it is asked by its recipe, and what its answer is worth."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from adapters.mapping.answer import AnswerOutcome
from adapters.record.status import RecordFlag
from adapters.transport.recipe import Question
from gateway.adapters.asked import AskedSystem
from gateway.adapters.error import AskFault
from gateway.adapters.inquiry import Inquiry
from gateway.adapters.request import names_in
from gateway.sources.errand import Errand
from gateway.sources.inquiries import keys_of, make_inquiry
from gateway.sources.kept import GONE, KeptAnswers
from gateway.sources.licence_names import LicenceName, LicenceNames
from gateway.sources.line import SystemLine
from gateway.sources.records import (
    Stated,
    are_others,
    contradicts,
    is_another,
    may_be_held,
    register_stated,
    select_meant,
)
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
from gateway.sources.superseding import is_current
from policies.dimension import LicenceStatus

_DIFFERS: Final = "record.differs"  # a word beside those of flags: its records are of other licences
_BY_HOLDER: Final = (Question.HOLDER, Question.HOLDER_ELSEWHERE)
_LINK, _HOLDER_CODE = "link", "holder_code"  # names in templates

_OUTCOMES: Final[Mapping[AnswerOutcome, SystemFault]] = {
    AnswerOutcome.RETRY: SystemFault.UNREACHABLE,
    AnswerOutcome.DENIED: SystemFault.DENIED,
    AnswerOutcome.NOT_PROVIDED: SystemFault.NOT_PROVIDED,
    AnswerOutcome.PARTIAL: SystemFault.PARTIAL,
    AnswerOutcome.ERROR: SystemFault.UNUSABLE_ANSWER,
}
_NO_DOCUMENT: Final = b"", NoDocument.NOT_THERE, ""
_MAY_BE_WORSE: Final = frozenset({LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN})
_WITHOUT_FILE: Final = frozenset({AnswerOutcome.NOT_FOUND, AnswerOutcome.NOT_PROVIDED})


class SystemSource:
    """A `LicenceSource` that asks another system over its line, and keeps what that said last."""

    def __init__(self, system: AskedSystem, line: SystemLine, kept: KeptAnswers) -> None:
        """Ask this system, once its line is open."""
        self.name = SYSTEM_PREFIX + system.name
        self._system, self._line, self._kept = system, line, kept
        self._names = LicenceNames(system.tables.types)
        self._calls = system.recipe.calls
        file = self._calls.get(Question.FILE)
        by_holder = [self._calls[one] for one in _BY_HOLDER if one in self._calls]
        self._asks_by_code = all(_HOLDER_CODE in names_in(system.recipe, call) for call in by_holder)
        self._has_files = file is not None
        self._needs_link = file is not None and _LINK in names_in(system.recipe, file)

    @property
    def mapping(self) -> str:
        """The digest of the mapping that reads its answers."""
        return self._system.adapter.digest

    async def find(self, key: LicenceKey, errand: Errand) -> Found:
        """Return what the system knows of a licence, with its document where it hands one out.

        A record that states no holder's number, or masks it, is that of the holder whose licences were asked for. The
        one of another holder's licence comes without its document, and is nothing that whoever asks is told of.

        Raises:
            SystemUnavailableError: it cannot say.

        """
        inquiry = self._inquiry(key, errand)
        if inquiry is None:
            raise self._not_askable()
        name = self._name_found(inquiry, key, errand)
        types = frozenset({key_text(errand.type_code), key_text(errand.type_name)} - {""})
        async with self._forgetting(name):
            stated, as_of = await self._look_up(inquiry, key, errand, types=types)
        types |= {key.stated[0] if isinstance(key, ByIdentifier) else key.type}
        asked = [self._mark_of(one) for one in self._names.of_key(key, types)]
        if stated is None:
            await self._kept.forget(name)
            await self._kept.mark(dict.fromkeys(asked, GONE), as_of=as_of)
            return NotFound(document=b"", source=self.name)
        index, is_anothers = stated.index, not may_be_held(stated, key)
        document, absence, detail = await self._document(stated, inquiry, errand) if not is_anothers else _NO_DOCUMENT
        if inquiry.question is Question.HOLDER and self._asks_by_code and not index.holders:
            index = replace(index, holders=(inquiry.holder_code,))
        alone = self._state(stated, as_of)
        found = replace(alone, document=document, absence=absence, detail=detail, index=index)
        # News of the licence are marked under its own names, whoever is asked for; he himself may have no such licence.
        says = dict.fromkeys(asked, GONE if is_anothers else _says(alone))
        marks = await self._keep_alone(alone, says, types=types, as_of=as_of)
        if absence is not NoDocument.UNAVAILABLE:  # else the one before, with its document, may still be so
            await self._kept.keep(name, found, marks=marks, as_of=as_of)
        return found

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands; None: the system does not know it by any of its keys.

        What the system says counts where its record and the document do not contradict each other. A later version of
        a licence keeps its number, and has an identifier of its own: so what is not known by its identifier is asked
        for by its number.

        Raises:
            SystemUnavailableError: it cannot say, or speaks of another licence; with what it says where that may be the
                same one all the same.

        """
        asked = self._about_document(index, errand)
        if not asked:
            raise self._not_askable()
        name = self._name_registered(asked, index, issued_on)
        async with self._forgetting(name):
            stated, as_of = await self._look_up_document(asked, index, errand)
        types = frozenset({index.type_code, index.name})
        sealed = [self._mark_of(one) for one in self._names.of_licence(index, types)]
        if stated is None:
            await self._kept.forget(name)
            await self._kept.mark(dict.fromkeys(sealed, GONE), as_of=as_of)
            return None
        alone = self._state(stated, as_of)
        registered = self._register(alone, index, issued_on)
        if registered is None or registered.may_differ:
            await self._kept.forget(name)
            await self._keep_alone(alone, {}, types=types, as_of=as_of)
            raise self._differs(registered)
        marks = await self._keep_alone(alone, dict.fromkeys(sealed, _says(alone)), types=types, as_of=as_of)
        await self._kept.keep(name, registered, marks=marks, as_of=as_of)
        return registered

    async def recall(self, key: LicenceKey, errand: Errand, *, oldest: datetime, now: datetime) -> StatedLicence | None:
        """Return what is kept of the answer to the same question, as of ``oldest`` or later; None: nothing is."""
        inquiry = self._inquiry(key, errand)
        if inquiry is None:
            return None
        found = await self._kept.recall(self._name_found(inquiry, key, errand), oldest=oldest, now=now)
        return found if isinstance(found, StatedLicence) else None

    async def recall_status(
        self, index: LicenceIndex, errand: Errand, *, issued_on: date | None, oldest: datetime, now: datetime
    ) -> Registered | None:
        """Return what is kept of how the licence of a document stood, as of ``oldest`` or later; None: nothing is."""
        asked = self._about_document(index, errand)
        if not asked:
            return None
        found = await self._kept.recall(self._name_registered(asked, index, issued_on), oldest=oldest, now=now)
        return found if isinstance(found, Registered) else None

    async def recall_news(
        self, index: LicenceIndex, *, issued_on: date | None, oldest: datetime, now: datetime
    ) -> Registered | None:
        """Return what the system said against the licence of a document, whatever it was asked; None: nothing.

        What may be about another licence comes last.
        """
        differing: Registered | None = None
        for name in self._names.of_licence(index):
            found = await self._kept.recall(self._name_alone(name), oldest=oldest, now=now)
            registered = self._register(found, index, issued_on) if isinstance(found, StatedLicence) else None
            if registered is None or registered.status in _MAY_BE_WORSE:
                continue
            if not registered.may_differ:
                return registered
            differing = registered
        return differing

    def count_spared(self, word: str) -> None:
        """Count a question that is answered with what is kept."""
        self._line.count_spared(word)

    def close(self) -> None:
        """Nothing is held; connections are closed with the stack that they were opened with."""

    def _inquiry(self, key: LicenceKey, errand: Errand) -> Inquiry | None:
        """Return the question that the system can answer about a key; None where there is none."""
        if isinstance(key, ByIdentifier):
            return make_inquiry(Question.IDENTIFIER, key, errand) if Question.IDENTIFIER in self._calls else None
        if Question.NUMBER in self._calls:
            return make_inquiry(Question.NUMBER, key, errand)
        return make_inquiry(Question.HOLDER, key, errand) if Question.HOLDER in self._calls and key.holder else None

    def _about_document(self, index: LicenceIndex, errand: Errand) -> list[tuple[LicenceKey, Inquiry]]:
        """Return what the licence of a document is asked for by, in order; nothing where the system cannot be asked."""
        asked: dict[tuple[str, ...], tuple[LicenceKey, Inquiry]] = {}
        for key in keys_of(index) if self._system.says_status else ():
            inquiry = self._inquiry(key, errand)
            if inquiry is not None:  # once, where it is told nothing of holders
                asked.setdefault((inquiry.question.value, *self._line.words_of(inquiry)), (key, inquiry))
        return list(asked.values())

    def _name_found(self, inquiry: Inquiry, key: LicenceKey, errand: Errand) -> bytes:
        """Return the name under which an answer is kept: all that decides about it, and all that the system is told."""
        match key:
            case ByIdentifier():
                asked: tuple[str, ...] = (key.identifier,)
            case _:
                asked = (key.number, key.type, *(() if key.holder is None else (key.holder,)))
        types = (errand.type_code, errand.type_name)
        file = self._line.words_of(replace(inquiry, question=Question.FILE))
        return self._name("found", [inquiry], (*asked, "", *types, *file))

    def _name_registered(
        self, asked: Sequence[tuple[LicenceKey, Inquiry]], index: LicenceIndex, issued_on: date | None
    ) -> bytes:
        stated = (index.identifier, index.number, index.type_code, index.name, *index.holders)
        day = "" if issued_on is None else issued_on.isoformat()
        return self._name("registered", [inquiry for _, inquiry in asked], (day, *stated))

    def _name(self, kind: str, inquiries: Iterable[Inquiry], more: tuple[str, ...]) -> bytes:
        told: list[str] = []
        for inquiry in inquiries:
            words = self._line.words_of(inquiry)
            told += [inquiry.question.value, str(len(words)), *words]
        return self._kept.name(kind, self.name, self.mapping, *told, *more)

    def _state(self, stated: Stated, as_of: datetime) -> StatedLicence:
        """Return what a record says, without a document."""
        return StatedLicence(
            document=b"",
            absence=NoDocument.NOT_THERE,
            stated=stated.licence,
            index=stated.index,
            status=stated.status,
            is_unseen=stated.is_unseen,
            is_under_objection=stated.record.under_objection,
            source=self.name,
            masked=stated.masked,
            as_of=as_of,
            is_of_part=stated.is_of_part,
        )

    def _register(self, found: StatedLicence, index: LicenceIndex, issued_on: date | None) -> Registered | None:
        """Return what a record says of the licence of a document, or of one that may be; None: it is of another one.

        What contradicts the document is about another licence where it has another number, and not its identifier. Else
        nobody knows (`Registered.may_differ`).
        """
        day = found.stated.issued_on
        is_latest = is_current(issued_on, "" if day is None else day.isoformat())
        is_later_version = bool(found.index.number) and not is_latest
        said = replace(found.index, identifier="") if is_later_version else found.index
        may_differ = contradicts(said, index, types=self._system.tables.types)
        if may_differ and is_another(found.index, index):
            return None
        return replace(register_stated(found, is_latest=is_latest), may_differ=may_differ)

    async def _keep_alone(
        self, found: StatedLicence, asked: Mapping[bytes, str], *, types: frozenset[str], as_of: datetime
    ) -> dict[bytes, bytes]:
        """Keep what a record says for questions by any name of its own, and return its marks and those of ``asked``.

        ``asked`` is what it says by the marks of the question.
        """
        names = self._names.of_licence(found.index, types)
        own = [self._mark_of(one) for one in names]
        marks = await self._kept.mark({**dict.fromkeys(own, _says(found)), **asked}, as_of=as_of)
        for name in names:
            await self._kept.keep(self._name_alone(name), found, marks={one: marks[one] for one in own}, as_of=as_of)
        return marks

    def _mark_of(self, name: LicenceName) -> bytes:
        return self._kept.name("mark", self.name, *name)

    def _name_alone(self, name: LicenceName) -> bytes:
        return self._name("alone", [], name)

    @asynccontextmanager
    async def _forgetting(self, name: bytes) -> AsyncIterator[None]:
        """Let go of what is kept where the system answers what is no licence; that it does not answer says nothing."""
        try:
            yield
        except SystemUnavailableError as error:
            if error.fault is not SystemFault.UNREACHABLE:
                await self._kept.forget(name)
            raise

    async def _look_up_document(
        self, asked: Sequence[tuple[LicenceKey, Inquiry]], index: LicenceIndex, errand: Errand
    ) -> tuple[Stated | None, datetime]:
        """Return what the system says of the licence of a document, by the first key under which it knows it.

        Whose it is was asked of the system; what it says of that is compared with all holders of the document. So is
        the type, by code and by name. A number is asked for where the system does not know the identifier: it is not
        known either where all that have it are of other types.
        """
        types = frozenset({index.type_code, index.name} - {""})
        (first, inquiry), *rest = asked
        stated, as_of = await self._look_up(inquiry, _without_holder(first), errand, types=types)
        for key, inquiry in rest:
            if stated is not None:
                break
            unknown = index.identifier if isinstance(first, ByIdentifier) else ""
            stated, as_of = await self._look_up(inquiry, _without_holder(key), errand, types=types, unknown=unknown)
        return stated, as_of

    async def _look_up(
        self, inquiry: Inquiry, key: LicenceKey, errand: Errand, *, types: frozenset[str], unknown: str = ""
    ) -> tuple[Stated | None, datetime]:
        """Return what the system says of a licence, None where it does not know it, and as of when.

        ``types`` are codes and names of the type that is asked for, in the spelling of keys; ``unknown`` is the
        identifier that the system said before that it does not know.

        In a part of an answer only bad news counts: a copy with a worse status may be in the rest. Records of which
        none is the licence say nothing about it, unless they are clearly other licences; but whoever asks for a holder
        is told the same of the licence of another one as of none: that record is returned to be weighed, not answered.
        """
        told = await self._line.ask(inquiry, until=errand.until)
        answer = told.answer
        if answer.outcome is AnswerOutcome.NOT_FOUND:
            return None, told.as_of
        is_list = inquiry.question is Question.HOLDER
        stated = select_meant(answer.records, key, types=types, is_list=is_list, tables=self._system.tables)
        if stated is not None and RecordFlag.COPIES_DIFFER in stated.record.flags:
            self._line.count_flag(RecordFlag.COPIES_DIFFER)
        is_ended = stated is not None and stated.status not in _MAY_BE_WORSE
        is_told = answer.outcome is AnswerOutcome.FOUND or (answer.outcome is AnswerOutcome.PARTIAL and is_ended)
        if not is_told:
            raise SystemUnavailableError(_OUTCOMES[answer.outcome], self.name, answer.outcome)
        asks_holder = isinstance(key, ByNumber) and key.asks_holder  # by an identifier records are chosen for no holder
        if stated is None and not asks_holder:
            tables, records = self._system.tables.types, answer.records
            if not are_others(records, key, types=types, known=tables, unknown=unknown, is_list=is_list):
                raise self._differs()
        if stated is not None and answer.outcome is AnswerOutcome.PARTIAL:
            stated = replace(stated, is_of_part=True)
        return stated, told.as_of

    def _not_askable(self) -> SystemUnavailableError:
        """Return, and count, that there is no call for the question."""
        self._line.count(AskFault.NOT_ASKABLE)
        return SystemUnavailableError(SystemFault.NOT_PROVIDED, self.name, AskFault.NOT_ASKABLE)

    def _differs(self, registered: Registered | None = None) -> SystemUnavailableError:
        """Return, and count, that the system answered about another licence; ``registered`` may be about this one."""
        self._line.count_flag(_DIFFERS)
        fault = SystemFault.RECORD_DIFFERS
        return SystemUnavailableError(fault, self.name, fault, registered=registered)

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
            answer = (await self._line.ask(wanted, until=errand.until)).answer
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


def _without_holder(key: LicenceKey) -> LicenceKey:
    return replace(key, holder=None)


def _says(found: StatedLicence) -> str:
    """Return what of a record makes an earlier one of the same licence outdated: status, objection, and version."""
    day = found.stated.issued_on
    objected = " objected" if found.is_under_objection else ""
    return f"{found.status} {'' if day is None else day.isoformat()}{objected}"
