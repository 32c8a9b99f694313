"""``/facades/NAME/…``: questions that come in the form of another system, and are answered in it.

Who asks is found out by what that system's callers carry; everything behind that is what every question goes through,
so that nothing leaves here without the policy that gives it and an entry in the access log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Call, SignIn, Step
from gateway.adapters.incoming import Incoming
from gateway.adapters.replying import WrittenReply, write_step, write_token
from gateway.facade.error import FacadeError, FacadeFault
from gateway.facade.facade import Asked, Facade
from gateway.facade.records import Sayable, say_found
from gateway.facade.wording import OK, SaidReply, Wording
from gateway.http.bodies import read_body
from gateway.http.buffers import BodyShare
from gateway.http.business import answer_question, note_about
from gateway.http.facade_question import (
    Words,
    asked_record,
    find_keys,
    is_search,
    make_question,
    name_keys,
    read_page,
)
from gateway.http.floor import not_before
from gateway.http.licence_question import KeyQuestion, not_offered
from gateway.http.limits import from_anybody, raise_unmarked, within_limits
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
    PRESSURE,
    SITE,
    SPEAKS,
)
from gateway.limits.marks import MarksUnavailableError
from gateway.tokens import SignInFailure

MAX_REQUEST: Final = 16 * 1024  # bytes; questions of all systems have some 2 kB, and are read on the loop
_SEARCH_FLOORS: Final = 4  # some twenty licences are decided in that time; hardly anybody has more of one type
DECISION_HEADER: Final = "Tongban-Decision"  # by which our receipts are found: no system's format has a place for it

# What is said of a refusal; whatever is not here is an error.
_OUTCOMES: Final = {
    ProblemKind.UNAUTHENTICATED: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_MISSING: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_UNKNOWN: AnswerOutcome.DENIED,
    ProblemKind.PURPOSE_ITEM_NOT_IN_FORCE: AnswerOutcome.DENIED,
    ProblemKind.LICENCE_KIND_NOT_OFFERED: AnswerOutcome.NOT_PROVIDED,
    ProblemKind.NOT_FOUND: AnswerOutcome.NOT_PROVIDED,
    ProblemKind.RATE_EXCEEDED: AnswerOutcome.RETRY,
    ProblemKind.CONCURRENCY_EXCEEDED: AnswerOutcome.RETRY,
    ProblemKind.QUOTA_EXCEEDED: AnswerOutcome.RETRY,
    ProblemKind.TOKEN_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.BUDGET_EXCEEDED: AnswerOutcome.RETRY,
    ProblemKind.BUDGET_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.CONSENT_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.LOG_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.SOURCE_UNAVAILABLE: AnswerOutcome.RETRY,
    ProblemKind.BUSY: AnswerOutcome.RETRY,
    ProblemKind.DEADLINE: AnswerOutcome.RETRY,
}
_WORST_FIRST: Final = (AnswerOutcome.RETRY, AnswerOutcome.ERROR, AnswerOutcome.DENIED)
# What a caller is told who is known; of the address everybody is.
_KINDS: Final = {
    FacadeFault.NO_CALL: ProblemKind.NOT_FOUND,
    FacadeFault.UNMATCHED: ProblemKind.NOT_FOUND,
    FacadeFault.MALFORMED: ProblemKind.BODY_INVALID,
    FacadeFault.NOT_DECRYPTED: ProblemKind.BODY_INVALID,
    FacadeFault.STEP: ProblemKind.BODY_INVALID,
}


async def answer_facade(request: web.Request) -> web.Response:
    """Answer one request in the form of its system.

    1. the request, within its bounds, and who sends it; 2. the caller's limits; 3. a sign-in or a step; 4. a question,
    and its answers.
    """
    desk = request[FACADES]
    facade = None if desk is None else desk.find(request.match_info["name"])
    if facade is None:
        raise ProblemError(ProblemKind.NOT_FOUND)
    wording = Wording(adapter=facade.plan.adapter, recipe=facade.plan.recipe, encryptors=facade.plan.encryptors)
    request[SPEAKS] = lambda problem: _refuse(request, facade, wording, None, problem)
    with request.app[BUDGET].share() as share:
        # 1. the request
        with from_anybody(request):
            incoming = await _read(request, share)
            arrived, now = asyncio.get_running_loop().time(), request.app[CLOCK]()
            asked = await _sign_in(request, facade, incoming, now)
        # 2. limits
        with request.app[PRESSURE].answering():
            async with within_limits(request):
                # 3. what leads to a question
                match asked.what:
                    case SignIn() as sign_in:
                        token, until = facade.tickets.make_token(now)
                        return _send(write_token(sign_in, token, until, wrapping=facade.plan.wrapping))
                    case Step() as step:
                        return _send(write_step(step, facade.step_gives(step, asked.words, now)))
                    case Call():
                        pass
                # 4. a question
                request[SPEAKS] = lambda problem: _refuse(request, facade, wording, asked, problem)
                floor_seconds, floors = request[SITE].settings.policy.match_floor_milliseconds / 1000, _floors(asked)
                async with not_before(arrived + floors * floor_seconds if floors else 0.0):
                    said, decisions = await _answer(request, facade, wording, asked, share=share, now=now)
    return _respond(request, facade, said, decisions)


def _floors(asked: Asked) -> int:
    """Return how many least times of a comparison a question takes: several where licences are searched for."""
    if not asked.words.get("holder_code"):
        return 0
    return _SEARCH_FLOORS if isinstance(asked.what, Call) and is_search(asked.what, asked.words) else 1


async def _read(request: web.Request, share: BodyShare) -> Incoming:
    body = await read_body(request, request[SITE].settings.http, share, most_bytes=MAX_REQUEST, is_json=False)
    return Incoming(
        method=request.method,
        path=request.match_info["path"],
        query=dict(request.query),
        headers={name.lower(): text for name, text in request.headers.items()},
        body=bytes(body),
    )


async def _sign_in(request: web.Request, facade: Facade, incoming: Incoming, now: datetime) -> Asked:
    """Return what the caller asks; note who it is, or refuse without saying what was wrong."""
    try:
        asked = await facade.read(incoming, at=now)
    except MarksUnavailableError as error:
        raise_unmarked(request, error)
    except FacadeError as error:
        request[FAILURE] = f"facade.{error.fault}"
        if error.is_known:
            _note_caller(request, facade, now)
        elif error.fault is not FacadeFault.NO_CALL:
            request.app[METRICS].sign_in_failures.labels(failure=SignInFailure.FACADE.value).inc()
            raise ProblemError(ProblemKind.UNAUTHENTICATED) from error
        raise ProblemError(_KINDS[error.fault]) from error
    _note_caller(request, facade, now)
    return asked


def _note_caller(request: web.Request, facade: Facade, now: datetime) -> None:
    request[CALLER], request[ISSUED_AT] = facade.plan.caller, int(now.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What may be said of one licence, and the decision that it rests on, with an entry of its own in the log."""

    decision: str
    sayable: Sayable

    @property
    def is_shown(self) -> bool:
        """Whether it is told of in a search, if only that it could not be checked; else it is as if it were not there.

        That is so whatever its status is: nobody is to learn that there is a licence of which the policy gives nothing.
        """
        return self.sayable.is_given and self.sayable.outcome is not AnswerOutcome.DENIED


async def _answer(
    request: web.Request, facade: Facade, wording: Wording, asked: Asked, *, share: BodyShare, now: datetime
) -> tuple[SaidReply, list[str]]:
    """Return what is said, and the decisions that it rests on."""
    call, words = asked.what, asked.words
    if not isinstance(call, Call):
        raise ProblemError(ProblemKind.NOT_FOUND)

    async def decide(question: KeyQuestion) -> Decided:
        _begin_decision(request)
        answered = await answer_question(request, question, share, now)
        sayable = say_found(answered.verified, answered.shared, asked_record(call, words))
        return Decided(decision=request[DECISION], sayable=sayable)

    if is_search(call, words):
        return await _search(request, facade, wording, call, words, decide=decide)
    page = read_page(call, words)
    (key,) = name_keys(facade, call, words)
    one = await decide(KeyQuestion(key=key, request=make_question(facade, key, words)))
    return _say(wording, call, words, page.cut([one]), total=1), [one.decision]


async def _search(
    request: web.Request,
    facade: Facade,
    wording: Wording,
    call: Call,
    words: Words,
    *,
    decide: Callable[[KeyQuestion], Awaitable[Decided]],
) -> tuple[SaidReply, list[str]]:
    """Return what is said of a holder's licences of one type.

    1. All that were found are decided, and the page, the number of all and whether there are too many go by those alone
    that are shown: nothing tells of the others. 2. Where none is shown, somebody else may know one; 3. or nobody does.
    """
    # 1. those that are shown
    page = read_page(call, words)
    search = await find_keys(request, facade, words)
    questions = [KeyQuestion(key=key, request=make_question(facade, key, words)) for key in search.keys]
    shown = [one for question in questions if (one := await decide(question)).is_shown]
    on_page = page.cut(shown)
    if len(shown) > 1 and not wording.takes_several:
        return wording.say(AnswerOutcome.ERROR, call, words), [one.decision for one in shown]
    if on_page:
        return _say(wording, call, words, on_page, total=len(shown)), [one.decision for one in on_page]
    # 2. somebody else
    if not (shown or search.is_whole):
        _begin_decision(request)
        note_about(request, search.nothing)
        raise not_offered()
    # 3. nobody
    nothing = await decide(search.nothing)
    return _say(wording, call, words, [nothing], total=0), [nothing.decision]


def _begin_decision(request: web.Request) -> None:
    """Let the next licence be a decision of its own, with an entry of its own."""
    for key in (DECISION, LOGGED, APPENDING):
        request.pop(key, None)


def _say(wording: Wording, call: Call, words: Words, decided: Sequence[Decided], *, total: int) -> SaidReply:
    """Return the answer to some licences together; one that could not be checked is missing, which the answer says."""
    found = [one.sayable for one in decided if one.sayable.outcome is AnswerOutcome.FOUND]
    if found:
        choices = [
            tuple(one.record for one in found if one.record is not None),
            tuple(one.exact for one in found if one.exact is not None),
        ]
        return wording.say_records(call, choices, words, total=total)
    outcomes = {one.sayable.outcome for one in decided}
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
