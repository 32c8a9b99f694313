"""Asking the sources for a licence that a question names.

Sources are asked one after the other. What one does not know the next one may; what one cannot say is said to be
unknown unless another one knows, for "not found" would then be a guess. Systems have equal parts of the time that is
left, so that one which does not answer leaves some to the next.
"""

import asyncio
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.facts import LicenceTypes
from gateway.http.buffers import BodyShare
from gateway.http.entries import decision_of
from gateway.http.failures import NO_SOURCE, Failure, Failures
from gateway.http.licence_question import DocumentQuestion, KeyQuestion, not_offered
from gateway.http.messages.questions import Operator, Purpose
from gateway.http.registers import hear_others, share_time
from gateway.http.state import CALLER, ENDS_AT, FAILURE, LICENCES, METRICS, VERIFIER
from gateway.pipeline import Verified, is_not_found, judge_not_found, judge_unanswered
from gateway.reason import Reason
from gateway.sharing import PolicyView
from gateway.sources.errand import Errand
from gateway.sources.registry import Chosen
from gateway.sources.rules import wanted_by_key
from gateway.sources.source import (
    SYSTEM_PREFIX,
    Found,
    LicenceKey,
    NoDocument,
    SourceUnavailableError,
    StatedLicence,
    StoredHead,
    StoredLicence,
    SystemFault,
    SystemUnavailableError,
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
        question_id=decision_of(request),
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


class LicenceSearch:
    """The search for the licence that a question names; used for that question alone."""

    def __init__(
        self,
        request: web.Request,
        key: LicenceKey,
        errand: Errand,
        share: BodyShare,
        *,
        types: LicenceTypes | None,
        store: TrustStore,
        now: datetime,
    ) -> None:
        """Begin with nothing; ``types`` is the catalogue in force."""
        self._request, self._key, self._errand, self._body_share = request, key, errand, share
        self._types, self._store, self._now = types, store, now
        self._sources = request[LICENCES]
        self._wanted = wanted_by_key(key, errand)
        selected = self._sources.select(self._wanted)
        self._asked = [one for one in selected if one.is_store or not key.is_empty]  # nobody outside for nothing
        self._place = 0  # of the source that is asked next
        self._unproven = Unproven(key)
        self._failures, self._of_anybody = Failures(request), Failures(request)
        self._away: dict[str, Failure] = {}
        self._nobody: Verified | None = None
        self._answered: str | None = None  # the last source that could say something to anybody

    async def find(self) -> Verified:
        """Return what is to be said of the licence.

        1. The sources of the rules, in order: whatever the first one finds that is the licence, and may be spoken of.
        What a source may not speak of is passed as what it does not know, so that both take the same way; once another
        one proves the licence it is heard, and so are the sources before that one, by everything that is sealed.
        2. Else the licence of which the document is not made yet; else what a source said before that cannot be asked
        now, as far as the caller tolerates it: that comes first where it says that the licence is not in force. 3. Else
        that somebody could not be asked, or that it is not known whether somebody should have been; 4. else that nobody
        knows it.

        Raises:
            ProblemError: 422, there is no source at all; 503, the gateway's own store cannot be asked now.

        """
        answer: Verified | None = None
        announced: Verified | None = None
        # 1. the sources
        while answer is None and self._place < len(self._asked):
            verified = await self._ask_next()
            if verified is None:
                continue
            if is_not_found(verified):
                self._nobody = verified
            elif Reason.STATUS_NOT_READY in verified.verdict.reasons:
                announced = verified
            else:
                answer = verified
        # 2. without a document, or from before
        said = self._failures.select_said(answer or announced)
        if said is not None:
            if not self._sources.comes_first(said.source):
                said = await self._hear_others(said)
            return self._unproven.hear(said, at=self._now)
        return self._judge_missing(self._failures)

    async def find_none(self) -> Verified:
        """Return what is said to whoever names another holder, after the right one's licence was found.

        The sources that are left are asked as they are for him. What only the right holder is told counts for nothing.

        Raises:
            ProblemError: as `find` says.

        """
        while self._place < len(self._asked):
            await self._ask_next()
        self._nobody = None if self._answered is None else judge_not_found(self._answered, at=self._now)
        return self._judge_missing(self._of_anybody)

    async def _hear_others(self, said: Verified) -> Verified:
        names = {one.source.name for one in self._asked[: self._place]}
        return await hear_others(
            self._request, said, self._key, self._errand, asked=names, away=self._away, now=self._now
        )

    async def _ask_next(self) -> Verified | None:
        """Return what the next source says of the licence; None: it cannot say."""
        chosen, key, now = self._asked[self._place], self._key, self._now
        reached = sum(not one.is_store and one.source.name not in self._away for one in self._asked[: self._place])
        part = share_time(self._errand, self._asked[self._place :], again=reached)
        self._place += 1
        found: Found | StoredHead | None = None
        try:
            found = await chosen.find(key, part, now=now)
            _note_stated(self._request, found, self._types)
            verified = await self._verify(found)
            self._unproven.note(found, verified)
        except (SourceUnavailableError, SystemUnavailableError) as error:
            self._failures.add(error)
            self._note_failed(chosen, found, error)
            recalled = await chosen.recall(key, part, error, now=now)
            if recalled is not None:
                self._failures.keep(self._unproven.keep(recalled, await self._verify(recalled)))
            return None
        self._answered = chosen.source.name
        return verified

    def _note_failed(self, chosen: Chosen, found: Found | StoredHead | None, error: Failure) -> None:
        """Note whom a failure concerns: a system that cannot be asked, whoever asks, or only who names this holder."""
        if found is None or isinstance(error, SourceUnavailableError) or error.fault is SystemFault.PARTIAL:
            self._of_anybody.add(error)
        else:
            self._answered = chosen.source.name
        if found is None and (isinstance(error, SourceUnavailableError) or error.fault is SystemFault.UNREACHABLE):
            self._away[chosen.source.name] = error

    async def _verify(self, found: Found | StoredHead) -> Verified:
        self._body_share.keep(0 if isinstance(found, StoredHead) else len(found.document))
        verifier = self._request.app[VERIFIER]
        return await verifier.verify_found(found, self._key, read=self._read, store=self._store, at=self._now)

    async def _read(self, head: StoredHead) -> StoredLicence:
        licence = await self._sources.read_document(head)
        self._body_share.keep(len(licence.document))
        return licence

    def _judge_missing(self, failures: Failures) -> Verified:
        """Return what is to be said where no source has the licence."""
        # 3. not asked
        if not self._key.is_empty:
            failures.add_undecided(self._sources.undecided(self._wanted))
        if failures:
            failures.refuse_without_store()
            failures.note()
            return failures.note_outages(judge_unanswered(*failures.describe()))
        # 4. not known
        return self._nobody or _judge_without_sources(self._request)


def _judge_without_sources(request: web.Request) -> Verified:
    """Return what is to be said where no source is asked for such a licence.

    Raises:
        ProblemError: 422, there is no source at all.

    """
    if not request[LICENCES].asks_systems:
        raise not_offered()
    return judge_unanswered(Reason.STATUS_NOT_PROVIDED, NO_SOURCE, NO_SOURCE)


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
