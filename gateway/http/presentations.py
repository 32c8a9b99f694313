"""``POST /holder/v1/presentations``: a holder is given a code for a licence; and what questions do with such a code.

1. Who asks was said by the identity platform whose token it is; here: whether it is sure enough of that.
2. The licence is looked for as that of this holder: there is none where it is another's.
3. The code is kept, and the entry about it is durable. If the log takes no entry, nobody is told the code.

It takes a least time, as every question does that asks whether somebody holds a licence.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import msgspec
from aiohttp import web
from msgspec.structs import replace

from gateway.audit.entry import SubjectId
from gateway.holder.sign_in import Assurance
from gateway.http.audit_queries import parse
from gateway.http.entries import asking, describe_logged, record
from gateway.http.finding import LicenceSearch, make_errand
from gateway.http.floor import not_before
from gateway.http.licence_question import CodeQuestion, KeyQuestion, name_for_holder
from gateway.http.limits import raise_unmarked
from gateway.http.messages.presentations import PresentationRequest
from gateway.http.messages.questions import LicenceQuestion, VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place
from gateway.http.state import ABOUT, BUDGET, CLOCK, HOLDER, POLICY, PRESENTATIONS, SHARING, SITE, STORE
from gateway.limits.marks import MarksUnavailableError
from gateway.pipeline import Verified, is_not_found
from gateway.presentations.code import encode_code, encode_qr
from gateway.presentations.desk import TooManyError
from gateway.presentations.presentation import Presentation
from gateway.reason import Reason
from gateway.recording import About, about_presentation, about_question, draft_presentation
from gateway.rendering import encode_time
from gateway.sharing import PolicyView

TOO_MANY_RETRY_AFTER_SECONDS: Final = 300
UNANSWERED_RETRY_AFTER_SECONDS: Final = 5  # systems that were away for a moment are back by then


async def post_presentation(request: web.Request) -> web.Response:
    """Give a holder a code."""
    # 1. assurance
    if request[HOLDER].assurance is not Assurance.REAL_PERSON:
        raise ProblemError(ProblemKind.ASSURANCE_TOO_LOW, close=True)
    asked = await parse(request, PresentationRequest)
    # Only now: whoever sends slowly gains no time.
    arrived, now = asyncio.get_running_loop().time(), request.app[CLOCK]()
    floor_seconds = request[SITE].settings.policy.match_floor_milliseconds / 1000
    async with not_before(arrived + floor_seconds):
        return await _give(request, asked, now)


async def _give(request: web.Request, asked: PresentationRequest, now: datetime) -> web.Response:
    """Return the code for what was asked, from when all of it was there."""
    holder, desk = request[HOLDER], request.app[PRESENTATIONS]
    in_force = request.app[POLICY].current()
    view = None if in_force is None else request.app[SHARING].view(in_force)
    _check_items(asked, view)
    licence = LicenceQuestion(identifier=asked.identifier, number=asked.number, type=asked.type)
    presentation = Presentation(
        id=asking(request).decision,
        identifier=asked.identifier or "",
        number=asked.number or "",
        type=asked.type or "",
        holder=holder.subject,
        items=None if asked.items is None else frozenset(asked.items),
        ends_at=now + timedelta(seconds=asked.seconds),
    )
    key = name_for_holder(licence, presentation.holder)
    people = (holder.subject, holder.asker)
    request[ABOUT] = about_question(item=None, official="", case=None, key=key, match=None)
    try:
        await desk.begin(holder.asker, presentation.id, at=now)
        # 2. the licence
        question = KeyQuestion(key=key, request=VerificationRequest(licence=licence))
        about = await _find(request, question, people, view, now)
        # 3. the code, and its entry
        code = await desk.give(presentation, at=now)
    except TooManyError as error:
        headers = {"Retry-After": str(TOO_MANY_RETRY_AFTER_SECONDS)}
        raise ProblemError(ProblemKind.PRESENTATION_TOO_MANY, headers=headers) from error
    except MarksUnavailableError as error:
        raise_unmarked(request, error, ProblemKind.PRESENTATION_UNAVAILABLE)
    said = [f"assurance={holder.assurance}", f"seconds={asked.seconds}", *(f"item={one}" for one in asked.items or ())]
    receipt = await record(request, draft_presentation(asking(request), about, context=said))
    answer = {
        "code": encode_code(code),
        "qr": encode_qr(code),
        "expires": encode_time(presentation.ends_at),
        "decision": presentation.id,
        "receipt": describe_logged(request, receipt),
    }
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


async def _find(
    request: web.Request, question: KeyQuestion, people: tuple[SubjectId, ...], view: PolicyView | None, now: datetime
) -> About:
    """Return what a presentation is about; how the licence stands is said when the code is used.

    Raises:
        ProblemError: 404, it is not known as this holder's; 503, that cannot be told.

    """
    errand = make_errand(request, question, view, None)
    types = None if view is None else view.types
    with request.app[BUDGET].share() as share:
        store = request.app[STORE]()
        search = LicenceSearch(request, question.key, errand, share, types=types, store=store, now=now)
        verified = await search.find()
    if verified.licence is not None:
        return about_presentation(verified.licence, people)
    if is_not_found(verified) or _is_not_made(verified):
        raise ProblemError(ProblemKind.PRESENTATION_NO_LICENCE)
    headers = {"Retry-After": str(UNANSWERED_RETRY_AFTER_SECONDS)}
    raise ProblemError(ProblemKind.PRESENTATION_UNAVAILABLE, headers=headers)


def _is_not_made(verified: Verified) -> bool:
    return Reason.STATUS_NOT_READY in verified.verdict.reasons


def _check_items(asked: PresentationRequest, view: PolicyView | None) -> None:
    """Refuse items that no question could be asked for, as far as a policy is in force; raises ProblemError (422)."""
    known = None if view is None else view.items
    places = [
        name_place(f"$.items[{index}]", WRONG_VALUE)
        for index, item in enumerate(asked.items or ())
        if known is not None and item not in known
    ]
    if places:
        raise ProblemError(ProblemKind.BODY_INVALID, errors=places)


# --- a question with a code -------------------------------------------------------------------------------------------


async def take_presented(request: web.Request, question: CodeQuestion, about: About, *, now: datetime) -> KeyQuestion:
    """Return the question about the licence that a code stands for; the code is used up by that.

    ``about`` is what the question says itself. A refusal from here on is about the holder too, who showed the code.

    Raises:
        ProblemError: 404, the code is not good, whatever the reason; 503, that cannot be told.

    """
    purpose = question.request.purpose
    try:
        presentation = await request.app[PRESENTATIONS].take(
            question.code, item=None if purpose is None else purpose.item, at=now
        )
    except MarksUnavailableError as error:
        raise_unmarked(request, error, ProblemKind.PRESENTATION_UNAVAILABLE)
    if presentation is None:
        raise ProblemError(ProblemKind.LICENCE_CODE_UNKNOWN, errors=[name_place("$.licence.code", WRONG_VALUE)])
    named = about_question(item=None, official="", case=None, key=presentation.key, match=None)
    request[ABOUT] = replace(
        about,
        licence=named.licence,
        subjects=named.subjects,
        is_found=True,
        presentation=presentation.id,
    )
    return KeyQuestion(key=presentation.key, request=question.request, is_presented=True)
