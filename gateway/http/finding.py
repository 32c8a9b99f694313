"""Asking the sources: for a licence that a question names, and for how the licence of a document stands.

Sources are asked one after the other. What one does not know the next one may; what one cannot say is said to be
unknown unless another one knows, for "not found" would then be a guess. Systems have equal parts of the time that is
left, so that one which does not answer leaves some to the next.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.facts import LicenceTypes
from gateway.http.buffers import BodyShare
from gateway.http.entries import asking
from gateway.http.failures import NO_SOURCE, Failures
from gateway.http.licence_question import DocumentQuestion, KeyQuestion, not_offered
from gateway.http.messages.questions import Operator, Purpose
from gateway.http.state import CALLER, ENDS_AT, FAILURE, LICENCES, METRICS, VERIFIER
from gateway.pipeline import (
    Verified,
    concerns_register,
    is_not_found,
    judge_registered,
    judge_unanswered,
    judge_unasked,
    note_not_registered,
)
from gateway.reason import Reason
from gateway.sharing import PolicyView
from gateway.sources.errand import Errand
from gateway.sources.registry import Chosen
from gateway.sources.rules import wanted_by_key, wanted_by_licence
from gateway.sources.source import (
    SYSTEM_PREFIX,
    Found,
    LicenceKey,
    NoDocument,
    SourceUnavailableError,
    StatedLicence,
    StoredHead,
    StoredLicence,
    SystemUnavailableError,
    index_licence,
    type_of_key,
)
from gateway.surface import check_surface, surface_of
from gateway.unproven import Unproven
from keys.trust import TrustStore
from policies.item import Item

RESERVE_SECONDS: Final = 2.0  # of a request's time, for the verdict and the entry in the log


def make_errand(
    request: web.Request, question: DocumentQuestion | KeyQuestion, view: PolicyView | None, item: Item | None
) -> Errand:
    """Return what sources are told of a question, and until when they have to answer."""
    asked = question.request
    caller = request[CALLER]
    purpose, operator = asked.purpose or Purpose(), asked.operator or Operator(id="")
    named = type_of_key(question.key) if isinstance(question, KeyQuestion) else ""
    known = None if view is None else view.types.find(named)
    deadline = asyncio.get_running_loop().time() + request[LICENCES].deadline_seconds
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
        area=caller.region,
        tolerance_seconds=asked.tolerance_seconds,
    )


async def find_licence(
    request: web.Request,
    key: LicenceKey,
    errand: Errand,
    share: BodyShare,
    *,
    types: LicenceTypes | None,
    store: TrustStore,
    now: datetime,
) -> Verified:
    """Return what is to be said of the licence that a question names.

    1. The sources of the rules, in order: whatever the first one finds that is the licence, and may be spoken of. What
    a source may not speak of is passed as what it does not know, so that both take the same way; once another one
    proves the licence it is heard. 2. Else the licence of which the document is not made yet; else what a source said
    before that cannot be asked now, as far as the caller tolerates it: that comes first where it says that the licence
    is not in force. 3. Else that somebody could not be asked, or that it is not known whether somebody should have
    been; 4. else that nobody knows it. ``types`` is the catalogue in force.

    Raises:
        ProblemError: 422, there is no source at all; 503, the gateway's own store cannot be asked now.

    """
    sources = request[LICENCES]
    failures = Failures(request)
    answer: Verified | None = None
    announced: Verified | None = None
    nobody: Verified | None = None
    unproven = Unproven(key)

    async def read(head: StoredHead) -> StoredLicence:
        licence = await sources.read_document(head)
        share.keep(len(licence.document))
        return licence

    # 1. the sources
    wanted = wanted_by_key(key, errand)
    asked = [one for one in sources.select(wanted) if one.is_store or not key.is_empty]  # nobody outside for nothing
    for place, chosen in enumerate(asked):
        part = _share(errand, asked[place:])
        try:
            found = await chosen.find(key, part, now=now)
            _note_stated(request, found, types)
            share.keep(0 if isinstance(found, StoredHead) else len(found.document))
            verified = await request.app[VERIFIER].verify_found(found, key, read=read, store=store, at=now)
            unproven.note(found, verified)
        except (SourceUnavailableError, SystemUnavailableError) as error:
            failures.add(error)
            recalled = await chosen.recall(key, part, error, now=now)
            if recalled is not None:
                share.keep(len(recalled.document))
                kept = await request.app[VERIFIER].verify_found(recalled, key, read=read, store=store, at=now)
                failures.keep(unproven.keep(recalled, kept))
            continue
        if is_not_found(verified):
            nobody = verified
        elif Reason.STATUS_NOT_READY in verified.verdict.reasons:
            announced = verified
        else:
            answer = verified
            break
    # 2. without a document, or from before
    said = failures.select_said(answer or announced)
    if said is not None:
        return unproven.hear(said, counts_kept=failures.counts_kept, at=now)
    # 3. not asked
    if not key.is_empty:
        failures.add_undecided(sources.undecided(wanted))
    if failures:
        failures.refuse_without_store()
        failures.note()
        return failures.note_outages(judge_unanswered(*failures.describe()))
    # 4. not known
    return nobody or _judge_without_sources(request)


async def ask_register(request: web.Request, verified: Verified, errand: Errand, now: datetime) -> Verified:
    """Return the verdict of a document that came along with what the first source says that knows its licence.

    Where none can say it, what one said before counts as in `find_licence`.
    """
    licence = verified.licence
    if licence is None or not concerns_register(verified):
        return verified
    sources = request[LICENCES]
    failures = Failures(request)
    answer: Verified | None = None
    wanted, index = wanted_by_licence(licence), index_licence(licence)
    asked = [one for one in sources.select(wanted) if one.takes_documents]
    for place, chosen in enumerate(asked):
        part = _share(errand, asked[place:])
        try:
            registered = await chosen.find_status(index, part, issued_on=licence.issued_on, now=now)
        except (SourceUnavailableError, SystemUnavailableError) as error:
            failures.add(error)
            before = await chosen.recall_status(index, part, error, issued_on=licence.issued_on, now=now)
            if before is not None:
                failures.keep(judge_registered(verified, before, at=now))
            continue
        if registered is not None:
            answer = judge_registered(verified, registered, at=now)
            break
    said = failures.select_said(answer)
    if said is not None:
        return said
    failures.add_undecided(sources.undecided(wanted, is_document=True))
    if not failures:
        is_final = any(one.is_authoritative for one in asked)
        return note_not_registered(verified) if is_final else verified
    failures.note()
    reason, _, detail = failures.describe()
    return failures.note_outages(judge_unasked(verified, reason, detail or None))


def _judge_without_sources(request: web.Request) -> Verified:
    """Return what is to be said where no source is asked for such a licence.

    Raises:
        ProblemError: 422, there is no source at all.

    """
    if not request[LICENCES].asks_systems:
        raise not_offered()
    return judge_unanswered(Reason.STATUS_NOT_PROVIDED, NO_SOURCE, NO_SOURCE)


def _share(errand: Errand, still_to_ask: Sequence[Chosen]) -> Errand:
    """Return the errand for the first of some sources; the gateway's own store takes no time that counts."""
    systems = sum(not one.is_store for one in still_to_ask)
    return errand.share(asyncio.get_running_loop().time(), among=systems) if systems else errand


def _note_stated(request: web.Request, found: Found | StoredHead, types: LicenceTypes | None) -> None:
    """Name in the request log the system whose document could not be fetched; count what the catalogue has not."""
    if not isinstance(found, StatedLicence):
        return
    if found.absence is NoDocument.UNAVAILABLE:
        request[FAILURE] = f"{found.source}.{found.detail}"
    if types is not None:
        system = found.source.removeprefix(SYSTEM_PREFIX)
        for one in check_surface(surface_of(found.stated), types.select(found.stated)):
            request.app[METRICS].systems.flags.labels(system=system, flag=one.flag.value).inc()
