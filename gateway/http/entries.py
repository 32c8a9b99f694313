"""What handlers hand to the access log before an answer leaves, refusals included."""

import asyncio
from time import perf_counter
from typing import Any, Final, NoReturn

from aiohttp import web
from msgspec.structs import replace

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafError
from gateway.audit.receipts import describe_receipt, describe_witnessed
from gateway.audit.unavailable import LogUnavailableError
from gateway.decision import DecisionId, make_decision_id
from gateway.ended import look_at
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import (
    ABOUT,
    APPENDING,
    CALLER,
    DECISION,
    FAILURE,
    ISSUED_AT,
    LOG,
    LOGGED,
    METRICS,
    NOW,
    PRESSURE,
    REFUSALS,
    REQUEST_ID,
    WITNESSES,
)
from gateway.recording import About, Asking, draft_refusal
from gateway.telemetry.span import SpanName, part

RETRY_AFTER_SECONDS: Final = 5
REFUSAL_SECONDS: Final = 5.0  # how long a refusal waits for the log; batches take milliseconds
# Refusals that are not logged: they would make an overload worse, say that there is no log, or say that what was looked
# up is not there, which whoever mirrors the log meets all the time.
_UNLOGGED: Final = frozenset(
    {ProblemKind.BUSY, ProblemKind.LOG_UNAVAILABLE, ProblemKind.RECEIPT_UNKNOWN, ProblemKind.LOG_FILE_UNKNOWN}
)
_UNLOGGED_AT: Final = {"/audit/v1/openings/lookups": ProblemKind.OPENING_UNKNOWN}  # of a search it is logged


def decision_of(request: web.Request) -> DecisionId:
    """Return the id of the decision, which is made once."""
    if DECISION not in request:
        request[DECISION] = make_decision_id(request[NOW])
    return DecisionId(request[DECISION])


def asking(request: web.Request) -> Asking:
    """Return who asks."""
    return Asking(
        decision=decision_of(request),
        request_id=request[REQUEST_ID],
        caller=request[CALLER],
        issued_at=request[ISSUED_AT],
    )


async def record(request: web.Request, draft: EntryDraft) -> Receipt:
    """Return the receipt of an entry when it is durable.

    Whoever stops waiting for it stops nothing: it is written all the same, under `APPENDING`.

    Raises:
        ProblemError: 503, it may not be; no answer must leave.

    """
    app, begun = request.app, perf_counter()
    metrics = app[METRICS]
    try:
        with part(SpanName.LOG):
            request[APPENDING] = appending = asyncio.ensure_future(app[LOG].append(draft))
            appending.add_done_callback(look_at)
            app[PRESSURE].wait_for_log(appending)
            receipt = await asyncio.shield(appending)
    except LogUnavailableError as error:
        metrics.log_unavailable.labels(reason=error.reason.value).inc()
        raise_unavailable(request, error)
    except LeafError as error:  # of texts that are ours alone: a policy with very long names
        request[FAILURE] = f"{ProblemKind.LOG_UNAVAILABLE}.{error.flaw}"
        raise ProblemError(ProblemKind.LOG_UNAVAILABLE) from error
    finally:
        metrics.log_append_seconds.observe(perf_counter() - begun)
    request[LOGGED] = True
    return receipt


def describe_logged(request: web.Request, receipt: Receipt) -> dict[str, Any]:
    """Return the receipt as an answer carries it, with how much of the log witnesses have seen so far."""
    witnesses = request.app[WITNESSES]
    witnessed = None if witnesses is None else witnesses.latest_witnessed(receipt.log)
    return {**describe_receipt(receipt), "witnessed": describe_witnessed(witnessed)}


async def record_refusal(request: web.Request, problem: ProblemError) -> ProblemError:
    """Return the refusal when its entry is durable, or else that the log takes none.

    Nobody's requests are not logged: who has not signed in has no number in the log. Where an entry of the decision was
    on its way as the time was over, that is the entry: a second one would contradict it.
    """
    if CALLER not in request or LOGGED in request:
        return problem
    if _is_unlogged(request, problem):
        if APPENDING not in request:
            request.pop(DECISION, None)  # there is no receipt by it
        return problem
    if APPENDING in request:
        return await _settle(request[APPENDING], problem)
    about = request.get(ABOUT, About())
    is_of_nobody = about.is_of_nobody  # asked before what was typed in is left out of the entry
    if problem.kind is ProblemKind.BUDGET_EXCEEDED and not about.is_found:
        about = replace(about, subjects=())  # who types in numbers beyond the budget does not make keys for them
    caller, limit = request[CALLER].id, request.app[REFUSALS]
    if is_of_nobody and not limit.admits(caller, asyncio.get_running_loop().time()):
        request.pop(DECISION, None)  # there is no receipt by it
        return problem
    left_out = limit.take(caller)
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            await record(request, draft_refusal(asking(request), about, problem.kind.value, left_out=left_out))
    except TimeoutError:
        refusal = ProblemError(ProblemKind.LOG_UNAVAILABLE)
    except ProblemError as error:
        refusal = error
    else:
        return problem
    # Counted again only when it has failed, for it may arrive yet, after nobody waits. Where it failed it may be stored
    # all the same, and they are stated twice: rather too many than too few.
    request[APPENDING].add_done_callback(lambda ended: None if _is_durable(ended) else limit.put_back(caller, left_out))
    return refusal


def _is_unlogged(request: web.Request, problem: ProblemError) -> bool:
    resource = request.match_info.route.resource
    place = "" if resource is None else resource.canonical
    return problem.kind in _UNLOGGED or problem.kind is _UNLOGGED_AT.get(place)


async def _settle(appending: "asyncio.Future[Receipt]", problem: ProblemError) -> ProblemError:
    """Return the refusal when the entry that is on its way is durable, or else that nobody knows."""
    await asyncio.wait({appending}, timeout=REFUSAL_SECONDS)
    return problem if _is_durable(appending) else ProblemError(ProblemKind.LOG_UNAVAILABLE)


def _is_durable(appending: "asyncio.Future[Receipt]") -> bool:
    return appending.done() and not appending.cancelled() and appending.exception() is None


def raise_unavailable(request: web.Request, error: LogUnavailableError) -> NoReturn:
    """Refuse what the log cannot serve or record; raises ProblemError (503)."""
    request[FAILURE] = f"{ProblemKind.LOG_UNAVAILABLE}.{error.reason}"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    raise ProblemError(ProblemKind.LOG_UNAVAILABLE, headers=headers) from error
