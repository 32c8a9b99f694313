"""Asking registers how a licence stands whose document is at hand: one that came along, or that a source has proved.

They are asked by everything that is sealed, for a caller's key is a part of it: a register may know the licence by
another part, by another spelling of its type, or as that of another holder.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from aiohttp import web

from adapters.licence import Licence
from gateway.hearing import hear_registered, is_worse, without_status
from gateway.http.failures import Failure, Failures
from gateway.http.state import LICENCES
from gateway.pipeline import (
    Verified,
    concerns_register,
    judge_registered,
    judge_unasked,
    note_kept,
    note_not_registered,
)
from gateway.sources.errand import Errand
from gateway.sources.licence_store import SOURCE_NAME
from gateway.sources.registry import Chosen
from gateway.sources.rules import Wanted, wanted_by_key, wanted_by_licence
from gateway.sources.source import (
    LicenceKey,
    Registered,
    SourceUnavailableError,
    SystemUnavailableError,
    index_licence,
)
from gateway.verdict import Outcome


async def ask_register(request: web.Request, verified: Verified, errand: Errand, now: datetime) -> Verified:
    """Return the verdict of a document that came along with what the first source says that knows its licence.

    A store that has no document of the licence is heard, and the next source is asked as well: the worst status counts.
    Where none can say it, what one said before counts as in `LicenceSearch`. What one says of what may be another
    licence is heard beside that.
    """
    licence = verified.licence
    if licence is None or not concerns_register(verified):
        return verified
    asking = _Asking(request, licence, errand, now)
    return await _ask_first(asking, verified, wanted_by_licence(licence))


async def hear_others(
    request: web.Request,
    said: Verified,
    key: LicenceKey,
    errand: Errand,
    *,
    asked: Collection[str],
    away: Mapping[str, Failure],
    now: datetime,
) -> Verified:
    """Return what a source says of a licence that it proved with what those say of it that come before that source.

    The question goes on as that about a document: what did not know the key, or could not tell whether it was to be
    asked, or said something without proof, is asked by everything that is sealed, and the worst status counts. Nobody
    learns more by that, for licence and holder are proved. Where another source is final by what is sealed, the one
    that proved the licence has no word about its status, as for a document that came along.

    ``asked`` are the sources that were asked for the key; those that are ``away`` are not asked again.
    """
    sources, licence = request[LICENCES], said.licence
    if licence is None or not concerns_register(said):
        return said
    known = wanted_by_licence(licence)
    wanted = Wanted(area=known.area, types=known.types | wanted_by_key(key, errand).types)
    selected = sources.select_before(wanted, said.source)
    spared = [one.source.name for one in selected if not one.takes_documents and one.source.name not in asked]
    asking = _Asking(request, licence, errand.of_document(), now, away=away)
    if all(one.source.name != said.source for one in sources.select(wanted)):
        asking.failures.add_undecided(spared)
        return await _ask_first(asking, without_status(said), wanted)
    failures = asking.failures
    before = [one for one in selected if one.takes_documents]
    kept: list[Registered] = []
    is_known = False
    for place, chosen in enumerate(before):
        registered, recalled = await asking.ask(chosen, before[place:])
        kept += [] if recalled is None else [recalled]
        if registered is not None:
            said, is_known = hear_registered(said, registered, at=now), True
    for one in kept:
        if is_worse(one.status, said.status) or one.is_under_objection:
            said = note_kept(hear_registered(said, one, at=now))
    said = failures.hear_differing(said, at=now)
    failures.add_undecided([*sources.undecided_before(wanted, said.source), *spared])
    if failures:
        return failures.label(said)
    is_final = any(one.is_authoritative for one in before)
    return note_not_registered(said) if is_final and not is_known else said


class _Asking:
    """The asking of sources how one licence stands; used for one question alone."""

    def __init__(
        self,
        request: web.Request,
        licence: Licence,
        errand: Errand,
        now: datetime,
        *,
        away: Mapping[str, Failure] | None = None,
    ) -> None:
        """Begin with no failures; sources that are ``away`` are not asked."""
        self.request, self.now = request, now
        self.failures = Failures(request)
        self._licence, self._index = licence, index_licence(licence)
        self._errand, self._away = errand, away or {}

    async def ask(self, chosen: Chosen, still_to_ask: Sequence[Chosen]) -> tuple[Registered | None, Registered | None]:
        """Return what a source says, else what it said before it failed; a failure is noted.

        ``still_to_ask`` begins with the source.
        """
        part, day, now = share_time(self._errand, still_to_ask), self._licence.issued_on, self.now
        error: Failure | None = self._away.get(chosen.source.name)
        if error is None:
            try:
                return await chosen.find_status(self._index, part, issued_on=day, now=now), None
            except (SourceUnavailableError, SystemUnavailableError) as failure:
                error = failure
        self.failures.add(error)
        return None, await chosen.recall_status(self._index, part, error, issued_on=day, now=now)


async def _ask_first(asking: _Asking, verified: Verified, wanted: Wanted) -> Verified:
    """Return the verdict of a document as `ask_register` does, of a licence that is wanted so."""
    sources, failures, now = asking.request[LICENCES], asking.failures, asking.now
    answer: Verified | None = None
    asked = [one for one in sources.select(wanted) if one.takes_documents]
    for place, chosen in enumerate(asked):
        registered, before = await asking.ask(chosen, asked[place:])
        if before is not None and before.may_differ:
            failures.keep_differing(before)
        elif before is not None:
            failures.keep(judge_registered(verified, before, at=now))
        if registered is None:
            continue
        judged = judge_registered(verified, registered, at=now)
        answer = judged if answer is None else hear_registered(answer, registered, at=now)
        if not registered.is_announced:
            failures.add_undecided(sources.undecided_before(wanted, registered.source, is_document=True))
            break
    else:
        failures.add_undecided(sources.undecided(wanted, is_document=True))
    said = failures.select_said(answer)
    if said is not None:
        return failures.note_outages(failures.hear_differing(said, at=now))
    if not failures:
        is_final = any(one.is_authoritative for one in asked)
        return note_not_registered(verified) if is_final else verified
    failures.note()
    reason, _, detail = failures.describe()
    unasked = judge_unasked(verified, reason, detail or None)
    return failures.note_outages(failures.hear_differing(unasked, at=now))


async def hear_store_again(request: web.Request, said: Verified, errand: Errand, now: datetime) -> Verified:
    """Return a valid answer with what the gateway's own store says now, where it is a source of the licence.

    For questions that took longer than what the store said may be used: whatever changed meanwhile for the worse
    counts. Other systems are not asked again.
    """
    licence = said.licence
    if licence is None or said.verdict.outcome is not Outcome.VALID or not concerns_register(without_status(said)):
        return said
    rests_on_it = SOURCE_NAME in {said.source, said.register}
    store = next((one for one in request[LICENCES].select(wanted_by_licence(licence)) if one.is_store), None)
    if store is None or not (store.takes_documents or rests_on_it):
        return said
    try:
        index = index_licence(licence)
        registered = await store.find_status(index, errand.of_document(), issued_on=licence.issued_on, now=now)
    except (SourceUnavailableError, SystemUnavailableError) as error:
        failures = Failures(request)
        failures.add(error)
        if not rests_on_it:
            return failures.label(said)
        failures.note()
        reason, _, detail = failures.describe()
        return judge_unasked(without_status(said), reason, detail or None)
    if registered is None:
        return said
    if registered.status is said.status and said.register == registered.source:
        return judge_registered(without_status(said), registered, at=now)  # as of now
    return hear_registered(said, registered, at=now)


def share_time(errand: Errand, still_to_ask: Sequence[Chosen], *, again: int = 0) -> Errand:
    """Return the errand for the first of some sources; the gateway's own store takes no time that counts.

    ``again`` systems may be asked once more after them.
    """
    systems = sum(not one.is_store for one in still_to_ask) + again
    return errand.share(asyncio.get_running_loop().time(), among=systems) if systems else errand
