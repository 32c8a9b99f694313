"""Asking the sources: for a licence that a question names, and for how the licence of a document stands.

Sources are asked one after the other. What one does not know the next one may; what one cannot say is said to be
unknown unless another one knows, for "not found" would then be a guess. Systems have equal parts of the time that is
left, so that one which does not answer leaves some to the next.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.http.buffers import BodyShare
from gateway.http.entries import asking
from gateway.http.licence_question import DocumentQuestion, KeyQuestion, not_offered
from gateway.http.messages.questions import Operator, Purpose
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import CALLER, ENDS_AT, FAILURE, LICENCES, VERIFIER
from gateway.pipeline import (
    SYSTEM_REASONS,
    Verified,
    concerns_register,
    is_not_found,
    judge_registered,
    judge_unanswered,
    judge_unasked,
    note_not_registered,
    note_passed_over,
)
from gateway.reason import Reason
from gateway.sharing import PolicyView
from gateway.sources.errand import Errand
from gateway.sources.registry import Chosen
from gateway.sources.rules import wanted_by_key, wanted_by_licence
from gateway.sources.source import (
    LicenceKey,
    SourceFault,
    SourceUnavailableError,
    SystemFault,
    SystemUnavailableError,
    index_licence,
    type_of_key,
)
from keys.trust import TrustStore
from policies.item import Item

RETRY_AFTER_SECONDS: Final = 5  # a lock is over in seconds; what is broken takes an operator
RESERVE_SECONDS: Final = 2.0  # of a request's time, for the verdict and the entry in the log
NO_SOURCE: Final = "none"  # the source of an answer for which nobody was asked
UNDECIDED: Final = "undecided"  # the word about a system of which nobody can tell whether it is to be asked
_NAMED_FAILURES: Final = 5  # systems that a detail names
_Failure = SourceUnavailableError | SystemUnavailableError


def make_errand(
    request: web.Request, question: DocumentQuestion | KeyQuestion, view: PolicyView | None, item: Item | None
) -> Errand:
    """Return what sources are told of a question, and until when they have to answer."""
    asked = question.request
    caller = request[CALLER]
    purpose, operator = asked.purpose or Purpose(), asked.operator or Operator(id="")
    named = type_of_key(question.key) if isinstance(question, KeyQuestion) else ""
    known = None if view is None else view.types.find(named)
    deadline = asyncio.get_running_loop().time() + request.app[LICENCES].deadline_seconds
    return Errand(
        until=min(deadline, request[ENDS_AT] - RESERVE_SECONDS),
        question_id=asking(request).decision,
        use=purpose.use or "",
        item_code=purpose.item or "",
        item_name=(purpose.item or "") if item is None else item.zh,  # without a policy nobody knows its name
        case=purpose.case or "",
        operator_id=operator.id,
        operator_name=operator.name or "",
        operator_org=caller.organisation_name_zh or caller.name_zh,
        operator_org_code=caller.organisation,
        type_code="" if known is None or not known.codes else known.codes[0],
        type_name="" if known is None else known.zh,
    )


async def find_licence(
    request: web.Request, key: LicenceKey, errand: Errand, share: BodyShare, *, store: TrustStore, now: datetime
) -> Verified:
    """Return what is to be said of the licence that a question names.

    1. The sources of the rules, in order: whatever the first one finds that is the licence, and may be spoken of. What
    a source may not speak of is passed as what it does not know, so that both take the same way.
    2. Else the licence of which the document is not made yet; 3. else that somebody could not be asked, or that it is
    not known whether somebody should have been; 4. else that nobody knows it.

    Raises:
        ProblemError: 422, there is no source at all; 503, the gateway's own store cannot be asked now.

    """
    sources = request.app[LICENCES]
    failures: list[_Failure] = []
    announced: Verified | None = None
    nobody: Verified | None = None
    # 1. the sources
    wanted = wanted_by_key(key, errand)
    asked = [one for one in sources.select(wanted) if one.is_store or not key.is_empty]  # nobody outside for nothing
    for place, chosen in enumerate(asked):
        try:
            found = await chosen.source.find(key, _share(errand, asked[place:]))
        except (SourceUnavailableError, SystemUnavailableError) as error:
            _add(failures, error)
            continue
        share.keep(len(found.document))
        verified = await request.app[VERIFIER].verify_found(found, key, store=store, at=now)
        if is_not_found(verified):
            nobody = verified
        elif Reason.STATUS_NOT_READY in verified.verdict.reasons:
            announced = verified
        else:
            return note_passed_over(verified) if failures else verified
    # 2. without a document
    if announced is not None:
        return note_passed_over(announced) if failures else announced
    # 3. not asked
    if not key.is_empty:
        failures += _undecided(sources.undecided(wanted))
    if failures:
        _refuse_without_store(request, failures)
        _note(request, failures)
        reason, source, detail = _describe(failures)
        return judge_unanswered(reason, source, detail)
    if nobody is None:
        if not sources.asks_systems:
            raise not_offered()
        return judge_unanswered(Reason.STATUS_NOT_PROVIDED, NO_SOURCE, NO_SOURCE)
    # 4. not known
    return nobody


async def ask_register(request: web.Request, verified: Verified, errand: Errand, now: datetime) -> Verified:
    """Return the verdict of a document that came along with what the first source says that knows its licence."""
    licence = verified.licence
    if licence is None or not concerns_register(verified):
        return verified
    sources = request.app[LICENCES]
    failures: list[_Failure] = []
    wanted, index = wanted_by_licence(licence), index_licence(licence)
    asked = [one for one in sources.select(wanted) if one.takes_documents]
    for place, chosen in enumerate(asked):
        part = _share(errand, asked[place:])
        try:
            registered = await chosen.source.find_status(index, part, issued_on=licence.issued_on)
        except (SourceUnavailableError, SystemUnavailableError) as error:
            _add(failures, error)
            continue
        if registered is not None:
            judged = judge_registered(verified, registered, at=now)
            return note_passed_over(judged) if failures else judged
    failures += _undecided(sources.undecided(wanted, is_document=True))
    if not failures:
        is_final = any(one.is_authoritative for one in asked)
        return note_not_registered(verified) if is_final else verified
    _note(request, failures)
    reason, _, detail = _describe(failures)
    return judge_unasked(verified, reason, detail or None)


def _share(errand: Errand, still_to_ask: Sequence[Chosen]) -> Errand:
    """Return the errand for the first of some sources; the gateway's own store takes no time that counts."""
    systems = sum(not one.is_store for one in still_to_ask)
    return errand.share(asyncio.get_running_loop().time(), among=max(1, systems))


def _undecided(names: Iterable[str]) -> list[_Failure]:
    """Return why systems were not asked of which nobody can tell whether they are to be."""
    return [SystemUnavailableError(SystemFault.NOT_PROVIDED, name, UNDECIDED) for name in names]


def _add(failures: list[_Failure], error: _Failure) -> None:
    """Note why a source cannot say; a store that there is not is no source."""
    if not (isinstance(error, SourceUnavailableError) and error.fault is SourceFault.ABSENT):
        failures.append(error)


def _refuse_without_store(request: web.Request, failures: list[_Failure]) -> None:
    """Refuse where the gateway's own store cannot say, which is ours to mend; raises ProblemError, 503."""
    for error in failures:
        if isinstance(error, SourceUnavailableError):
            request[FAILURE] = f"{ProblemKind.SOURCE_UNAVAILABLE}.{error.fault}"
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise ProblemError(ProblemKind.SOURCE_UNAVAILABLE, headers=headers) from error


def _note(request: web.Request, failures: list[_Failure]) -> None:
    """Name the first failure in the request log."""
    match failures[0]:
        case SourceUnavailableError(fault=fault):
            request[FAILURE] = f"{Reason.STATUS_UNAVAILABLE}.{fault}"
        case SystemUnavailableError(source=source, word=word):
            request[FAILURE] = f"{source}.{word}"


def _describe(failures: list[_Failure]) -> tuple[Reason, str, str]:
    """Return the reason of the first failure, its source, and all systems with a word about each."""
    systems = [one for one in failures if isinstance(one, SystemUnavailableError)]
    detail = ", ".join(map(str, systems[:_NAMED_FAILURES]))
    first = failures[0]
    if isinstance(first, SystemUnavailableError):
        return SYSTEM_REASONS[first.fault], first.source, detail
    return Reason.STATUS_UNAVAILABLE, NO_SOURCE, detail
