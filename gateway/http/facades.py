"""``/facades/NAME/…``: questions that come in the form of another system, and are answered in it.

Who asks is found out by what that system's callers carry; everything behind that is what every question goes through,
so that nothing leaves here without the policy that gives it and an entry in the access log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.transport.recipe import Call, SignIn, Step
from gateway.adapters.incoming import Incoming
from gateway.adapters.replying import WrittenReply, write_step, write_token
from gateway.facade.error import SIGN_IN, FacadeError, FacadeFault
from gateway.facade.facade import Asked, Facade
from gateway.facade.records import Sayable, say_found
from gateway.facade.wording import OK, SaidReply, Wording
from gateway.http.bodies import read_body
from gateway.http.buffers import BodyShare
from gateway.http.business import answer_question
from gateway.http.facade_question import (
    MAX_LICENCES,
    find_keys,
    is_search,
    make_question,
    name_keys,
    read_page,
)
from gateway.http.floor import not_before
from gateway.http.licence_question import KeyQuestion
from gateway.http.problems import PROBLEMS, ProblemError, ProblemKind
from gateway.http.state import (
    APPENDING,
    BUDGET,
    CALLER,
    CLOCK,
    DECISION,
    FACADES,
    FAILURE,
    ISSUED_AT,
    LOGGED,
    METRICS,
    SITE,
    SPEAKS,
)
from gateway.tokens import SignInFailure

MAX_REQUEST: Final = 64 * 1024  # bytes; questions of all systems have some 2 kB, and are read on the loop
DECISION_HEADER: Final = "Tongban-Decision"  # by which our receipts are found: no system's format has a place for it

# What is said of a refusal; whatever is not here is an error.
_OUTCOMES: Final = {
    ProblemKind.UNAUTHENTICATED: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_MISSING: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_UNKNOWN: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_NOT_IN_FORCE: AnswerOutcome.DENIED,
    ProblemKind.LICENCE_KIND_NOT_OFFERED: AnswerOutcome.NOT_PROVIDED,
    ProblemKind.NOT_FOUND: AnswerOutcome.NOT_PROVIDED,
    ProblemKind.BUDGET_EXCEEDED: AnswerOutcome.RETRY,
    ProblemKind.BUDGET_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.CONSENT_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.LOG_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.SOURCE_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.BUSY: AnswerOutcome.RETRY,
    ProblemKind.DEADLINE: AnswerOutcome.RETRY,
}
_UNCERTAIN: Final = (AnswerOutcome.RETRY, AnswerOutcome.ERROR)
_WORST_FIRST: Final = (*_UNCERTAIN, AnswerOutcome.DENIED)
_KINDS: Final = {
    FacadeFault.NO_CALL: ProblemKind.NOT_FOUND,
    FacadeFault.MALFORMED: ProblemKind.BODY_INVALID,
    FacadeFault.NOT_DECRYPTED: ProblemKind.BODY_INVALID,
    FacadeFault.STEP: ProblemKind.BODY_INVALID,
}


async def answer_facade(request: web.Request) -> web.Response:
    """Answer one request in the form of its system.

    1. the request, within its bounds, and who sends it; 2. a sign-in or a step; 3. a question, and its answers.
    """
    desk = request.app[FACADES]
    facade = None if desk is None else desk.find(request.match_info["name"])
    if facade is None:
        raise ProblemError(ProblemKind.NOT_FOUND)
    wording = Wording(adapter=facade.plan.adapter, recipe=facade.plan.recipe, encryptors=facade.plan.encryptors)
    request[SPEAKS] = lambda problem: _refuse(request, facade, wording, None, problem)
    with request.app[BUDGET].share() as share:
        # 1. the request
        incoming = await _read(request, share)
        arrived, now = asyncio.get_running_loop().time(), request.app[CLOCK]()
        asked = _sign_in(request, facade, incoming, now)
        # 2. what leads to a question
        match asked.what:
            case SignIn() as sign_in:
                token, until = facade.tickets.make_token(now)
                return _send(write_token(sign_in, token, until, wrapping=facade.plan.wrapping))
            case Step() as step:
                return _send(write_step(step, facade.step_gives(step, asked.words, now)))
            case Call():
                pass
        # 3. a question
        request[SPEAKS] = lambda problem: _refuse(request, facade, wording, asked, problem)
        floor_seconds = request.app[SITE].settings.policy.match_floor_milliseconds / 1000
        async with not_before(arrived + floor_seconds if asked.words.get("holder_code") else 0.0):
            said, decisions = await _answer(request, facade, wording, asked, share=share, now=now)
    return _respond(request, facade, said, decisions)


async def _read(request: web.Request, share: BodyShare) -> Incoming:
    body = await read_body(request, request.app[SITE].settings.http, share, most_bytes=MAX_REQUEST, is_json=False)
    return Incoming(
        method=request.method,
        path=request.match_info["path"],
        query=dict(request.query),
        headers={name.lower(): text for name, text in request.headers.items()},
        body=bytes(body),
    )


def _sign_in(request: web.Request, facade: Facade, incoming: Incoming, now: datetime) -> Asked:
    """Return what the caller asks; note who it is, or refuse without saying what was wrong."""
    try:
        asked = facade.read(incoming, at=now)
    except FacadeError as error:
        request[FAILURE] = f"facade.{error.fault}"
        if error.fault in SIGN_IN:
            request.app[METRICS].sign_in_failures.labels(failure=SignInFailure.FACADE.value).inc()
            raise ProblemError(ProblemKind.UNAUTHENTICATED) from error
        if error.fault is FacadeFault.STEP:  # found out last, of a caller that is known
            _note_caller(request, facade, now)
        raise ProblemError(_KINDS[error.fault]) from error
    _note_caller(request, facade, now)
    return asked


def _note_caller(request: web.Request, facade: Facade, now: datetime) -> None:
    request[CALLER], request[ISSUED_AT] = facade.plan.caller, int(now.timestamp())


async def _answer(
    request: web.Request, facade: Facade, wording: Wording, asked: Asked, *, share: BodyShare, now: datetime
) -> tuple[SaidReply, list[str]]:
    """Return what is said, and the decisions that it rests on: one for each licence, each with its entry in the log."""
    call, words = asked.what, asked.words
    if not isinstance(call, Call):
        raise ProblemError(ProblemKind.NOT_FOUND)
    searches = is_search(call, words)
    page = read_page(call, words)
    keys = await find_keys(request, facade, words) if searches else name_keys(facade, call, words)
    if len(keys) > 1 and not wording.takes_several:
        raise ProblemError(ProblemKind.LICENCE_AMBIGUOUS)
    sayable: list[Sayable] = []
    decisions: list[str] = []
    on_page = page.cut(keys[:MAX_LICENCES])
    for key in on_page:
        _begin_decision(request)
        question = KeyQuestion(key=key, request=make_question(facade, key, words))
        answered = await answer_question(request, question, share, now)
        decisions.append(request[DECISION])
        sayable.append(say_found(answered.verified, answered.shared, _asked_record(words)))
    said = _say(wording, call, words, sayable, others=len(keys) - len(on_page), searches=searches)
    return said, decisions


def _begin_decision(request: web.Request) -> None:
    """Let the next licence be a decision of its own, with an entry of its own."""
    for key in (DECISION, LOGGED, APPENDING):
        request.pop(key, None)


def _asked_record(words: Mapping[str, str]) -> LicenceRecord:
    """Return what the question itself named of a licence: no news to who asked."""
    code = words.get("holder_code", "")
    return LicenceRecord(
        identifier=words.get("identifier", ""),
        number=words.get("number", ""),
        type_code=words.get("type_code", ""),
        name=words.get("name", ""),
        holders=(RecordHolder(code=code),) if code else (),
    )


def _say(
    wording: Wording, call: Call, words: Mapping[str, str], sayable: Sequence[Sayable], *, others: int, searches: bool
) -> SaidReply:
    """Return the answer to all of them together.

    A licence that was searched for and may not be shown is left out: the answer is as if there were none. One that
    could not be checked is missing, which the answer says.
    """
    found = [one for one in sayable if one.outcome is AnswerOutcome.FOUND]
    outcomes = {one.outcome for one in sayable}
    unsaid = sum(one.outcome in _UNCERTAIN for one in sayable)
    if found:
        choices = [
            tuple(one.record for one in found if one.record is not None),
            tuple(one.exact for one in found if one.exact is not None),
        ]
        return wording.say_records(call, choices, words, total=len(found) + unsaid + others)
    if searches:
        outcomes -= {AnswerOutcome.DENIED}
    outcome = next((one for one in _WORST_FIRST if one in outcomes), AnswerOutcome.NOT_FOUND)
    return wording.say(outcome, call, words)


def _refuse(
    request: web.Request, facade: Facade, wording: Wording, asked: Asked | None, problem: ProblemError
) -> web.Response:
    """Return a refusal of ours in the form of the system; only our own reason for it stays here."""
    outcome = _OUTCOMES.get(problem.kind, AnswerOutcome.ERROR)
    call = asked.what if asked is not None and isinstance(asked.what, Call) else None
    status = PROBLEMS[problem.kind].status
    said = wording.say(outcome, call, {} if asked is None else asked.words, otherwise=status)
    response = _respond(request, facade, said, [request[DECISION]] if DECISION in request else [])
    response.headers.update(problem.headers)
    if problem.close:
        response.force_close()
    return response


def _respond(request: web.Request, facade: Facade, said: SaidReply, decisions: Sequence[str]) -> web.Response:
    counter = request.app[METRICS].systems.facade_answers
    counter.labels(facade=facade.plan.settings.name, outcome=said.outcome.value).inc()
    response = web.Response(status=said.status) if said.reply is None else _send(said.reply)
    if decisions:
        response.headers[DECISION_HEADER] = ", ".join(decisions)
    return response


def _send(reply: WrittenReply) -> web.Response:
    return web.Response(status=OK, body=reply.body, content_type=reply.content_type, charset=reply.charset.value)
