"""The question in a request of another system: which licence is meant, and what for, in the words of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from adapters.record.record import LicenceRecord, RecordHolder
from adapters.transport.recipe import Call, Question
from gateway.facade.facade import Facade
from gateway.http.business import note_about
from gateway.http.finding import make_errand
from gateway.http.licence_question import KeyQuestion, not_offered
from gateway.http.messages.questions import VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import FACADES, FAILURE, LICENCES, POLICY, SHARING
from gateway.sources.rules import wanted_by_key
from gateway.sources.source import (
    ByIdentifier,
    LicenceKey,
    SourceFault,
    SourceUnavailableError,
    by_identifier,
    by_number,
)

# Of one type that one holder has: as many are found and decided, each with an entry of its own. Hardly anybody has 20.
MAX_LICENCES: Final = 100

RETRY_AFTER_SECONDS: Final = 5  # a lock is over in seconds; what is broken takes an operator
_MAX_DIGITS: Final = 4  # of the number of a page, or of its size
Words = Mapping[str, str]
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which of the licences are asked for: ``size`` of them from ``start`` on."""

    start: int
    size: int

    def cut(self, all_of_them: Sequence[_One]) -> Sequence[_One]:
        """Return those of the page."""
        return all_of_them[self.start : self.start + self.size]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found of a holder's licences of one type: the first `MAX_LICENCES` that came to the store.

    ``nothing`` is the question for a licence that there is not: it is asked where nothing is to be shown, so that this
    is recorded as any other answer, and takes as long. ``is_whole``: nobody else is said to know such licences.
    """

    keys: Sequence[LicenceKey]
    nothing: KeyQuestion
    is_whole: bool


def read_page(call: Call, words: Words) -> Page:
    """Return the page that is asked for; all of it where the system has no pages.

    Raises:
        ProblemError: 422, it is no number of a page.

    """
    if call.paging is None:
        return Page(start=0, size=MAX_LICENCES)
    size = _number(words.get("page_size", ""), call.paging.size)
    number = _number(words.get("page", ""), call.paging.first) - call.paging.first
    if size < 1 or number < 0:
        raise ProblemError(ProblemKind.BODY_INVALID)
    return Page(start=number * size, size=size)


def is_search(call: Call, words: Words) -> bool:
    """Say whether the licences of a holder are to be found first; with a number, it is one licence that is named."""
    return call.question in {Question.HOLDER, Question.HOLDER_ELSEWHERE} and not words.get("number")


def name_keys(facade: Facade, call: Call, words: Words) -> Sequence[LicenceKey]:
    """Return the key of the licence that a question names.

    Raises:
        ProblemError: 422, it names none, or in a way that is not offered.

    """
    number, licence_type = words.get("number", ""), _type_of(facade, words)
    if _names_identifier(call, words):
        return [by_identifier(words["identifier"])]
    if call.question in {Question.NUMBER, Question.HOLDER, Question.HOLDER_ELSEWHERE} and number and licence_type:
        return [by_number(number, licence_type, words.get("holder_code") or None)]
    if call.question in {Question.CODE, Question.FILE}:
        raise not_offered()
    raise ProblemError(ProblemKind.BODY_INVALID)


def asked_record(call: Call, words: Words) -> LicenceRecord:
    """Return what the question named of the licence and what was compared with it: that is said again, as no news.

    Whatever else it names may be of another licence, and is not repeated.
    """
    if _names_identifier(call, words):
        return LicenceRecord(identifier=words["identifier"])
    code, type_code = words.get("holder_code", ""), words.get("type_code", "")
    return LicenceRecord(
        number=words.get("number", ""),
        type_code=type_code,
        name="" if type_code else words.get("name", ""),
        holders=(RecordHolder(code=code),) if code else (),
    )


async def find_keys(request: web.Request, facade: Facade, words: Words) -> Search:
    """Search the gateway's own store for a holder's licences of one type.

    Raises:
        ProblemError: 422, without a holder or a type, or without a store; 503, it cannot be asked now.

    """
    holder, licence_type = words.get("holder_code", ""), _type_of(facade, words)
    key = by_number("", licence_type, holder)
    nothing = KeyQuestion(key=key, request=make_question(facade, key, words))
    note_about(request, nothing)
    if not (holder and licence_type):
        raise ProblemError(ProblemKind.BODY_INVALID)
    desk = request[FACADES]
    if desk is None or desk.search is None:
        raise not_offered()
    try:
        found = await desk.search.find(holder, licence_type, most=MAX_LICENCES)
    except SourceUnavailableError as error:
        if error.fault is SourceFault.ABSENT:
            raise not_offered() from error
        request[FAILURE] = f"{ProblemKind.SOURCE_UNAVAILABLE}.{error.fault}"
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise ProblemError(ProblemKind.SOURCE_UNAVAILABLE, headers=headers) from error
    return Search(keys=found, nothing=nothing, is_whole=_is_store_alone(request, nothing))


def _is_store_alone(request: web.Request, question: KeyQuestion) -> bool:
    """Say whether no other system is asked about such licences: it cannot be asked for all that somebody has."""
    in_force = request.app[POLICY].current()
    view = None if in_force is None else request.app[SHARING].view(in_force)
    sources = request[LICENCES]
    wanted = wanted_by_key(question.key, make_errand(request, question, view, None))
    return not sources.undecided(wanted) and all(one.is_store for one in sources.select(wanted))


def make_question(facade: Facade, key: LicenceKey, words: Words) -> VerificationRequest:
    """Return the question as our own callers ask it.

    Raises:
        ProblemError: 422, a text that no question has room for.

    """
    if isinstance(key, ByIdentifier):
        licence = {"identifier": key.identifier}
    else:
        licence = {"number": key.number, "type": key.type} | ({} if key.holder is None else {"holder": key.holder})
    purpose = {
        "item": facade.plan.settings.item or words.get("item_code"),
        "case": words.get("case"),
        "use": words.get("use"),
    }
    operator = {"id": words.get("operator_id"), "name": words.get("operator_name")}
    body = {
        "licence": _said(licence),
        "purpose": _said(purpose),
        "operator": _said(operator) if operator["id"] else None,
    }
    try:
        return msgspec.convert(body, VerificationRequest)
    except msgspec.ValidationError as error:
        raise ProblemError(ProblemKind.BODY_INVALID) from error


def _names_identifier(call: Call, words: Words) -> bool:
    return call.question is Question.IDENTIFIER and bool(words.get("identifier"))


def _type_of(facade: Facade, words: Words) -> str:
    """Return the type that is asked for: its code, else its name, else the only one that the system has."""
    return words.get("type_code") or words.get("name") or facade.plan.settings.type


def _said(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _number(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else 0
