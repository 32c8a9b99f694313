"""``POST /v1/verifications``: one question about one licence."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.budget.store import CountersUnavailableError
from gateway.callers import Caller
from gateway.disclosure import hold
from gateway.http.bodies import read_body
from gateway.http.buffers import BodyShare
from gateway.http.consents import raise_unavailable
from gateway.http.credentials import read_wanted
from gateway.http.entries import asking, describe_logged, record
from gateway.http.finding import LicenceSearch, make_errand
from gateway.http.floor import not_before
from gateway.http.licence_question import CodeQuestion, DocumentQuestion, KeyQuestion, Question, parse_question
from gateway.http.messages.questions import AttestQuestion, Purpose, VerificationRequest
from gateway.http.presentations import take_presented
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place
from gateway.http.registers import ask_register, hear_store_again
from gateway.http.state import (
    ABOUT,
    BUDGET,
    CALLER,
    CLOCK,
    DECISION,
    LICENCES,
    METRICS,
    OUTCOME,
    POLICY,
    SHARING,
    SITE,
    SOURCE,
    STATUS,
    STORE,
    VERIFIER,
)
from gateway.http.steps import LAPS, Step
from gateway.pipeline import STALE, SYSTEM_REASONS, Verified
from gateway.policy.moment import china_day
from gateway.purpose import PurposeError, bind_purpose
from gateway.reason import Reason
from gateway.recording import About, Basis, about_licence, about_question, draft_answer
from gateway.rendering import encode_time, explanations_to_list, verdict_to_dict
from gateway.sharing import Asked, BudgetExceededError, PolicyView, Shared
from gateway.sources.source import SourceUnavailableError
from gateway.verdict import CheckName
from gateway.withheld import Held
from policies.forms.attest import COVERS, VALID_ON
from policies.item import Item

_OUT_OF_REACH: Final = frozenset({Reason.REVOCATION_UNAVAILABLE, *SYSTEM_REASONS.values()})
COUNTERS_RETRY_AFTER_SECONDS: Final = 60  # what is counted by the minute makes room first


async def post_verification(request: web.Request) -> web.Response:
    """Answer one question."""
    request[LAPS].end(Step.SIGN_IN)
    with request.app[BUDGET].share() as share:
        body = await read_body(request, request[SITE].settings.http, share)
        answer = await answer_body(request, body, share)
    return web.Response(body=answer, content_type="application/json")


async def answer_body(request: web.Request, body: bytearray, share: BodyShare) -> bytes:
    """Return the answer to the question in a body, which is let go as soon as it is read.

    1. the question in it, and its purpose; 2. the document, where it did not come along, and the verdict; 3. what is
    shared; 4. the entry in the log, and the answer, as a credential too where one is wanted. One that asks yes or no
    about a holder takes a least time.

    Raises:
        ProblemError: the refusal.

    """
    laps = request[LAPS]
    settings = request[SITE].settings
    question = await request.app[VERIFIER].run(lambda: parse_question(body, settings.http), size=len(body))
    body.clear()
    laps.end(Step.BODY)
    # Only now: whoever sends slowly gains no time, neither under the floor nor before something ends.
    now, floor = request.app[CLOCK](), 0.0
    if question.compares:
        floor = asyncio.get_running_loop().time() + settings.policy.match_floor_milliseconds / 1000
    async with not_before(floor):
        wanted = read_wanted(request, question.request)
        answered = await answer_question(request, question, share, now)
        credential = None if wanted is None else await wanted.answer(answered.verified, answered.shared, now=now)
    answer = render_answer(
        answered.verified,
        decision=request[DECISION],
        request=question.request,
        receipt=answered.receipt,
        shared=answered.shared,
        revocation_seq=answered.revocation_seq,
        mapping=answered.mapping,
    )
    if credential is not None:
        answer["credential"] = credential
    encoded = msgspec.json.encode(answer)
    laps.end(Step.ANSWER)
    return encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is said to a question, once the access log has it: nothing else of the licence may leave."""

    verified: Verified
    shared: Shared | None
    receipt: dict[str, Any]
    revocation_seq: int | None
    mapping: str | None


async def answer_question(request: web.Request, question: Question, share: BodyShare, now: datetime) -> Answered:
    """Return what is said to a question that was read, in whatever form it will leave; its entry is durable.

    Raises:
        ProblemError: the refusal.

    """
    asked = question.request
    app = request.app
    # 2. purpose
    about = note_about(request, question)
    in_force = app[POLICY].current()
    view = None if in_force is None else app[SHARING].view(in_force)
    item = None if view is None else _bind(view, asked, now)
    if isinstance(question, CodeQuestion):
        question = await take_presented(request, question, about, now=now)
        about = request[ABOUT]
    # 3. document and verdict, by what is known now: the entry and the answer name this, whatever comes meanwhile
    store, status = app[STORE](), app[STATUS]
    sequence = None if status is None else status.sequence
    search: LicenceSearch | None = None
    if isinstance(question, DocumentQuestion):
        share.keep(len(question.document))  # the body was let go
        verified = await app[VERIFIER].verify(question.document, store=store, at=now, stapled=question.stapled)
        # A refusal names its holders too. Not where the licence was only named: by what a refusal commits to, whoever
        # asks would see whether there is such a licence.
        request[ABOUT] = about_licence(about, verified.licence)
        errand, seen = make_errand(request, question, view, item), request[LICENCES].see()
        verified = await ask_register(request, verified, errand, now)
    else:
        errand, seen = make_errand(request, question, view, item), request[LICENCES].see()
        types = None if view is None else view.types
        search = LicenceSearch(request, question.key, errand, share, types=types, store=store, now=now)
        verified = await search.find()
    share.keep(0)
    if not request[LICENCES].is_recent(seen):
        verified = await hear_store_again(request, verified, errand, now)
    wanted, found = asked.licence.format, verified.verdict.format
    if wanted is not None and found is not None and wanted != found:
        raise ProblemError(ProblemKind.LICENCE_FORMAT_DIFFERS, errors=[name_place("$.licence.format", WRONG_VALUE)])
    request[LAPS].end(Step.LICENCE)
    # 4. what is shared
    shared = None
    if view is not None and item is not None:
        asked_for = _as_asked(request[CALLER], item, question)
        verified, shared = await _share(request, view, asked_for, verified, search=search, now=now)
    app[VERIFIER].count_verdict(verified.verdict)
    request[OUTCOME] = verified.verdict.outcome.value
    request[LAPS].end(Step.SHARING)
    # 5. entry
    source = verified.register or verified.source
    if source is not None:
        request[SOURCE] = source
    mapping = request[LICENCES].mapping_of(source)
    draft = draft_answer(
        asking(request),
        about_licence(about, verified.licence),
        verified,
        shared,
        compares=question.compares,
        basis=Basis(trust=store.anchors_version, revocation=sequence, mapping=mapping),
    )
    receipt = describe_logged(request, await record(request, draft))
    request[LAPS].end(Step.LOG)
    return Answered(verified=verified, shared=shared, receipt=receipt, revocation_seq=sequence, mapping=mapping)


def note_about(request: web.Request, question: Question) -> About:
    """Return what a question says itself of whom and what it is about, and note it for a refusal."""
    request[ABOUT] = about = _about(question, _named_item(request, question.request))
    return about


def _named_item(request: web.Request, asked: VerificationRequest) -> Item | None:
    """Return the item that is asked for, if the policy has it, in force today or not; rules of secrecy go by it."""
    in_force = request.app[POLICY].settled.in_force
    if in_force is None or asked.purpose is None or asked.purpose.item is None:
        return None
    return request.app[SHARING].view(in_force).items.get(asked.purpose.item)


def _bind(view: PolicyView, asked: VerificationRequest, now: datetime) -> Item:
    """Return the item that a question is asked for.

    Raises:
        ProblemError: 403 or 422, it is bound to no purpose.

    """
    purpose = asked.purpose or Purpose()
    try:
        return bind_purpose(view.items, purpose.item, purpose.case, today=china_day(now))
    except PurposeError as error:
        raise ProblemError(ProblemKind(error.unbound.value)) from error


def _about(question: Question, item: Item | None) -> About:
    request = question.request
    return about_question(
        item=item,
        official="" if request.operator is None else request.operator.id,
        case=None if request.purpose is None else request.purpose.case,
        key=question.named if isinstance(question, KeyQuestion) else None,
        match=request.match,
    )


def _as_asked(caller: Caller, item: Item, question: DocumentQuestion | KeyQuestion) -> Asked:
    request = question.request
    attest = request.attest or AttestQuestion()
    predicates = {VALID_ON: attest.valid_on, COVERS: attest.covers}
    return Asked(
        caller=caller,
        item=item,
        case=None if request.purpose is None else request.purpose.case,
        official="" if request.operator is None else request.operator.id,
        key=question.named if isinstance(question, KeyQuestion) else None,
        match=request.match,
        fields=None if request.fields is None else tuple(request.fields),
        attest={name: asked for name, asked in predicates.items() if asked is not None},
        consent=request.consent,
    )


async def _share(
    request: web.Request,
    view: PolicyView,
    asked: Asked,
    verified: Verified,
    *,
    search: LicenceSearch | None,
    now: datetime,
) -> tuple[Verified, Shared]:
    """Return what is shared, and of what; ``search`` is how the licence was found, if it was only named.

    Raises:
        ProblemError: 429, a budget has no room; 503, the question cannot be counted, or consents cannot be looked up.

    """
    share = request.app[SHARING].share
    try:
        try:
            return verified, await share(view, asked, verified, now=now)
        except (BudgetExceededError, CountersUnavailableError):
            if search is None or asked.key is None or not asked.key.asks_holder or verified.licence is None:
                raise
        # A right guess of the holder: to be refused where a wrong one is answered would tell that it is right, and so
        # would any other source than that of its answer.
        verified = await search.find_none()
        return verified, await share(view, asked, verified, now=now)
    except BudgetExceededError as error:
        request.app[METRICS].limits.budget_refusals.labels(budget=error.exceeded.budget).inc()
        headers = {"Retry-After": str(error.exceeded.retry_after_seconds)}
        raise ProblemError(ProblemKind.BUDGET_EXCEEDED, headers=headers, budget=error.exceeded.budget) from error
    except CountersUnavailableError as error:
        request.app[METRICS].limits.budgets_uncounted.inc()
        headers = {"Retry-After": str(COUNTERS_RETRY_AFTER_SECONDS)}
        raise ProblemError(ProblemKind.BUDGET_UNAVAILABLE, headers=headers) from error
    except SourceUnavailableError as error:
        raise_unavailable(request, error)


def render_answer(
    verified: Verified,
    *,
    decision: str,
    request: VerificationRequest,
    receipt: dict[str, Any],
    shared: Shared | None = None,
    revocation_seq: int | None = None,
    mapping: str | None = None,
) -> dict[str, Any]:
    """Return the body of an answer.

    Without ``shared`` no policy is in force: every field that was asked for is withheld, and no match is answered.
    ``as_of`` is the oldest outside knowledge that was relied on, null when there was none; ``stale`` says that some was
    missing; ``fresh_until`` is when the first thing ends that a valid verdict rests on. ``status_as_of`` is the moment
    as of which the status is known, null where nobody was asked.
    """
    verdict = verified.verdict
    judged = verdict_to_dict(verdict)
    sharing: dict[str, Any]
    as_of, ends_at = verdict.as_of, verdict.ends_at
    status_as_of = next((one.as_of for one in verdict.checks if one.check is CheckName.STATUS), None)
    if shared is None:
        unanswered = None if request.match is None else {"outcome": None, "reason": Held.NO_POLICY.value}
        fields = {name: hold(Held.NO_POLICY) for name in request.fields or ()}
        sharing = {"fields": fields, "match": unanswered, "obligations": None}
    else:
        sharing = {"fields": shared.fields, "match": shared.match, "obligations": _obligations_to_dict(shared)}
    return {
        "decision": decision,
        "outcome": judged["outcome"],
        "status": verified.status.value,
        "format": judged["format"],
        "reasons": judged["reasons"],
        "explanations": explanations_to_list(verdict.reasons),
        "checks": judged["checks"],
        "signatures": judged["signatures"],
        "notes": judged["notes"],
        **sharing,
        "freshness": {
            "source": verified.source,
            "register": verified.register,
            "mapping": mapping,
            "as_of": None if as_of is None else encode_time(as_of),
            "status_as_of": None if status_as_of is None else encode_time(status_as_of),
            "revocation_seq": revocation_seq,
            "stale": not STALE.isdisjoint(verdict.notes) or not _OUT_OF_REACH.isdisjoint(verdict.reasons),
            "fresh_until": None if ends_at is None else encode_time(ends_at),
        },
        "policy": None if shared is None else {"bundle": shared.bundle, "plan": shared.plan},
        "receipt": receipt,
    }


def _obligations_to_dict(shared: Shared) -> dict[str, Any] | None:
    """Return the obligations that concern who receives; how often may be asked is for the gateway to see to."""
    oblige = shared.obligations
    if oblige is None:
        return None
    return {"audit": oblige.audit.value, "keep_days": oblige.keep_days, "watermark": oblige.watermark}
