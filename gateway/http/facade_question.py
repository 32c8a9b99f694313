"""The question in a request of another system: which licence is meant, and what for, in the words of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from adapters.transport.recipe import Call, Question
from gateway.facade.facade import Facade
from gateway.http.licence_question import not_offered
from gateway.http.messages.questions import VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import FACADES, FAILURE
from gateway.sources.source import (
    ByIdentifier,
    LicenceKey,
    SourceFault,
    SourceUnavailableError,
    by_identifier,
    by_number,
)

MAX_LICENCES: Final = 20  # of one type that one holder has, in one answer; each is verified and recorded by itself

RETRY_AFTER_SECONDS: Final = 5  # a lock is over in seconds; what is broken takes an operator
_MAX_DIGITS: Final = 4  # of the number of a page, or of its size
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which of the licences are asked for: ``size`` of them from ``start`` on."""

    start: int
    size: int

    def cut(self, keys: Sequence[LicenceKey]) -> Sequence[LicenceKey]:
        """Return the keys of the page."""
        return keys[self.start : self.start + self.size]


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
    if call.question is Question.IDENTIFIER and words.get("identifier"):
        return [by_identifier(words["identifier"])]
    if call.question in {Question.NUMBER, Question.HOLDER, Question.HOLDER_ELSEWHERE} and number and licence_type:
        return [by_number(number, licence_type, words.get("holder_code") or None)]
    if call.question in {Question.CODE, Question.FILE}:
        raise not_offered()
    raise ProblemError(ProblemKind.BODY_INVALID)


async def find_keys(request: web.Request, facade: Facade, words: Words) -> Sequence[LicenceKey]:
    """Return the keys of a holder's licences of one type, one more than are answered at most.

    Where there is none, a key that fits nothing is returned: it is asked for and recorded as any other, and takes as
    long.

    Raises:
        ProblemError: 422, without a holder or a type, or without a store; 503, it cannot be asked now.

    """
    holder, licence_type = words.get("holder_code", ""), _type_of(facade, words)
    if not (holder and licence_type):
        raise ProblemError(ProblemKind.BODY_INVALID)
    desk = request.app[FACADES]
    if desk is None or desk.search is None:
        raise not_offered()
    try:
        found = await desk.search.find(holder, licence_type, most=MAX_LICENCES + 1)
    except SourceUnavailableError as error:
        if error.fault is SourceFault.ABSENT:
            raise not_offered() from error
        request[FAILURE] = f"{ProblemKind.SOURCE_UNAVAILABLE}.{error.fault}"
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise ProblemError(ProblemKind.SOURCE_UNAVAILABLE, headers=headers) from error
    return found or (by_number("", licence_type, holder),)


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


def _type_of(facade: Facade, words: Words) -> str:
    """Return the type that is asked for: its code, else its name, else the only one that the system has."""
    return words.get("type_code") or words.get("name") or facade.plan.settings.type


def _said(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _number(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else 0
