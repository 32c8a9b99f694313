"""``POST /v1/consents`` and ``/v1/consents/withdrawals``: callers that may, register what holders have agreed to.

Whatever fails in between, nobody is given a consent that the log does not have, and no receipt shows a withdrawal that
does not count. So a registration is entered before it is made, and a withdrawal after it. What the log has to say then
is owed: where it may not have taken it, it is tried again until it does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from aiohttp import web

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafError
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.consent.fitting import Wanted, find_misfits
from gateway.consent.record import MAX_LIFE, ConsentId, ConsentRecord, hash_holder, make_consent_id
from gateway.consent.store import AsyncConsents
from gateway.ended import look_at
from gateway.http.bodies import read_body
from gateway.http.entries import asking, describe_logged, record
from gateway.http.messages.consents import ConsentRequest, WithdrawalRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import MAX_NAMED_PLACES, WRONG_VALUE, name_place, parse_request
from gateway.http.state import ABOUT, BUDGET, CALLER, CHANGES, CLOCK, CONSENTS, DECISION, FAILURE, LOG, POLICY, SITE
from gateway.recording import about_holders, draft_consent
from gateway.rendering import encode_time
from gateway.sources.source import SourceUnavailableError

MAX_CONSENT_BYTES: Final = 256 * 1024  # the longest lists that are taken have 70 kB
RETRY_AFTER_SECONDS: Final = 5
END_SECONDS: Final = 5.0  # how long a stop waits for changes under way; they take milliseconds
OWED_SECONDS: Final = 1.0  # between two attempts to enter what is owed
OWED_ATTEMPTS: Final = 5  # while the log takes other entries: some it never takes, as of people whose key was damaged
MAX_CHANGES: Final = 1_000  # under way or owed, a few kB each; as long as there are more, no change is begun

REGISTER: Final = "register"  # the actions of entries
WITHDRAW: Final = "withdraw"
FAILED: Final = "-failed"  # behind either

_LOG: Final = logging.getLogger(__name__)

_Request = TypeVar("_Request", ConsentRequest, WithdrawalRequest)
_Value = TypeVar("_Value")


async def post_consent(request: web.Request) -> web.Response:
    """Register a consent; the numbers of the holders are hashed before they are kept."""
    consents = _open_to_caller(request)
    asked = await _read(request, ConsentRequest)
    request[ABOUT] = about_holders(asked.holders)
    now = request.app[CLOCK]()  # only now: the body may have taken a while
    try:
        expires = asked.expires.astimezone(UTC)
    except OverflowError as error:  # before the first or after the last moment that there is
        raise _wrong("$.expires") from error
    if not timedelta(0) < expires - now <= MAX_LIFE:
        raise _wrong("$.expires")
    _check_fit(request, asked, given=now, expires=expires)
    try:
        secret = await consents.secret()
        holders = [hash_holder(holder, secret) for holder in asked.holders]
        if None in holders:
            raise _wrong(f"$.holders[{holders.index(None)}]")
        consent = ConsentRecord(
            id=make_consent_id(),
            holders=frozenset(holder for holder in holders if holder is not None),
            items=frozenset(asked.items),
            licences=frozenset(asked.licences),
            fields=None if asked.fields is None else frozenset(asked.fields),
            organisations=frozenset(asked.organisations),
            registered_by=request[CALLER].organisation,
            given_at=now,
            expires_at=expires,
        )
        receipt = await _outlive(request, _register(request, consents, consent, asked.holders))
    except SourceUnavailableError as error:
        raise_unavailable(request, error)
    said = {"consent": consent.id, "given": encode_time(now), "expires": encode_time(expires)}
    return _json(request, said, receipt)


async def post_withdrawal(request: web.Request) -> web.Response:
    """Withdraw a consent that the caller's organisation registered; any other is not known to it.

    The entry names the consent alone: of the holders only hashes were kept.
    """
    consents, organisation = _open_to_caller(request), request[CALLER].organisation
    asked = await _read(request, WithdrawalRequest)
    consent = ConsentId(asked.consent)

    try:
        found = await consents.find(consent)
        if found is None or found.registered_by != organisation:
            raise ProblemError(ProblemKind.CONSENT_UNKNOWN)
        receipt, since = await _outlive(request, _withdraw(request, consents, consent))
    except SourceUnavailableError as error:
        raise_unavailable(request, error)
    return _json(request, {"consent": consent, "withdrawn": encode_time(since)}, receipt)


async def finish_changes(app: web.Application) -> AsyncIterator[None]:
    """Let changes under way come to their end before the register and the log are closed."""
    yield
    under_way = app[CHANGES]
    if under_way:
        _, left = await asyncio.wait(under_way, timeout=END_SECONDS)
        for one in left:
            _LOG.error("the access log may not have what became of a consent: %s", one.get_name())


async def _register(
    request: web.Request, consents: AsyncConsents, consent: ConsentRecord, holders: Sequence[str]
) -> Receipt:
    """Return the receipt of a consent that is registered; where the log may have it and it is not, it says so."""
    failed = _draft(request, f"{REGISTER}{FAILED}", consent.id, holders)
    try:
        receipt = await record(request, _draft(request, REGISTER, consent.id, holders))
    except ProblemError:
        _owe(request, failed)
        raise
    try:
        await consents.add(consent)
    except Exception:
        await _say(request, failed)
        raise
    return receipt


async def _withdraw(request: web.Request, consents: AsyncConsents, consent: ConsentId) -> tuple[Receipt, datetime]:
    """Return the receipt of a withdrawal, and since when it counts; one that failed, however it did, is entered too."""
    failed = _draft(request, f"{WITHDRAW}{FAILED}", consent)
    try:
        since = await consents.withdraw(consent, at=request.app[CLOCK](), organisation=request[CALLER].organisation)
    except Exception:
        await _say(request, failed)
        raise
    if since is None:  # somebody took it out of the register meanwhile
        await _say(request, failed)
        raise ProblemError(ProblemKind.CONSENT_UNKNOWN)
    return await _say(request, _draft(request, WITHDRAW, consent)), since


async def _outlive(request: web.Request, change: Coroutine[Any, Any, _Value]) -> _Value:
    """Return what a change comes to; whoever stops waiting stops nothing."""
    if len(request.app[CHANGES]) >= MAX_CHANGES:
        change.close()
        raise ProblemError(ProblemKind.BUSY, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return await asyncio.shield(_begin(request.app, change, name=asking(request).decision))


async def _say(request: web.Request, draft: EntryDraft) -> Receipt:
    """Return the receipt of an entry about what is so already, and is owed where it may not be in the log."""
    try:
        return await record(request, draft)
    except ProblemError:
        _owe(request, draft)
        raise


def _owe(request: web.Request, draft: EntryDraft) -> None:
    """Try again until the log takes an entry, or takes others and not this one."""
    log, name = request.app[LOG], f"{draft.leaf.more['action']} {draft.leaf.more['consent']}"

    async def pay() -> None:
        attempts = OWED_ATTEMPTS
        while attempts:
            await asyncio.sleep(OWED_SECONDS)
            try:
                await log.append(draft)
            except LeafError:
                attempts -= 1
            except LogUnavailableError as error:  # of the log, unless it goes on without this entry
                attempts -= error.reason is Unavailable.CORRUPT and log.stopped is None
            else:
                return
        _LOG.error("the access log does not take what became of a consent: %s", name)

    _begin(request.app, pay(), name=name)


def _begin(app: web.Application, work: Coroutine[Any, Any, _Value], *, name: str) -> asyncio.Task[_Value]:
    task, under_way = asyncio.create_task(work, name=name), app[CHANGES]
    under_way.add(task)
    task.add_done_callback(under_way.discard)
    task.add_done_callback(look_at)
    return task


def _draft(request: web.Request, action: str, consent: ConsentId, holders: Sequence[str] = ()) -> EntryDraft:
    return draft_consent(asking(request), action=action, consent=consent, holders=holders)


def raise_unavailable(request: web.Request, error: SourceUnavailableError) -> NoReturn:
    """Refuse what rests on a consent that cannot be looked up or kept.

    Raises:
        ProblemError: 503.

    """
    request[FAILURE] = f"{ProblemKind.CONSENT_UNAVAILABLE}.{error.fault}"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    raise ProblemError(ProblemKind.CONSENT_UNAVAILABLE, headers=headers) from error


def _open_to_caller(request: web.Request) -> AsyncConsents:
    consents = request.app[CONSENTS]
    if not request[CALLER].may_register_consent or consents is None:
        raise ProblemError(ProblemKind.CONSENT_NOT_ALLOWED, close=True)
    return consents


async def _read(request: web.Request, shape: type[_Request]) -> _Request:
    settings = request[SITE].settings.http
    with request.app[BUDGET].share() as share:
        body = await read_body(request, settings, share)
        if len(body) > MAX_CONSENT_BYTES:
            raise ProblemError(ProblemKind.BODY_TOO_LARGE)
        return parse_request(body, shape, max_body_bytes=MAX_CONSENT_BYTES)


def _check_fit(request: web.Request, asked: ConsentRequest, *, given: datetime, expires: datetime) -> None:
    """Refuse what no question could ever rest on; while no policy is in force that is every consent.

    Raises:
        ProblemError: 422, with up to twenty places.

    """
    in_force = request.app[POLICY].current()
    wanted = Wanted(
        items=asked.items,
        licences=asked.licences,
        fields=asked.fields,
        organisations=asked.organisations,
        given_at=given,
        expires_at=expires,
    )
    items = {} if in_force is None else {one.id: one for one in in_force.bundle.items}
    licences = {} if in_force is None else {one.id: one for one in in_force.bundle.licences}
    misfits = islice(find_misfits(wanted, items=items, licences=licences), MAX_NAMED_PLACES)
    places = [name_place(f"$.{name}[{place}]", WRONG_VALUE) for name, place in misfits]
    if places:
        raise ProblemError(ProblemKind.BODY_INVALID, errors=places)


def _wrong(path: str) -> ProblemError:
    return ProblemError(ProblemKind.BODY_INVALID, errors=[name_place(path, WRONG_VALUE)])


def _json(request: web.Request, said: dict[str, str], receipt: Receipt) -> web.Response:
    content: dict[str, Any] = {**said, "decision": request[DECISION], "receipt": describe_logged(request, receipt)}
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
