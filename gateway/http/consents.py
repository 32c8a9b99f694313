"""``POST /v1/consents`` and ``/v1/consents/withdrawals``: callers that may, register what holders have agreed to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from aiohttp import web

from gateway.audit.entry import Receipt
from gateway.consent.fitting import Wanted, find_misfits
from gateway.consent.record import MAX_LIFE, ConsentId, ConsentRecord, hash_holder, make_consent_id
from gateway.consent.store import AsyncConsents
from gateway.ended import look_at
from gateway.http.bodies import read_body
from gateway.http.entries import asking, describe_logged, record
from gateway.http.messages.consents import ConsentRequest, WithdrawalRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import MAX_NAMED_PLACES, WRONG_VALUE, name_place, parse_request
from gateway.http.state import ABOUT, BUDGET, CALLER, CHANGES, CLOCK, CONSENTS, DECISION, FAILURE, POLICY, SITE
from gateway.recording import about_holders, draft_consent
from gateway.rendering import encode_time
from gateway.sources.source import SourceUnavailableError

MAX_CONSENT_BYTES: Final = 256 * 1024  # the longest lists that are taken have 70 kB
RETRY_AFTER_SECONDS: Final = 5
END_SECONDS: Final = 5.0  # how long a stop waits for changes under way; they take milliseconds

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
        receipt, _ = await _change(request, "register", consent.id, lambda: consents.add(consent), asked.holders)
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

    async def withdraw() -> datetime:
        since = await consents.withdraw(consent, at=request.app[CLOCK](), organisation=organisation)
        if since is None:  # somebody took it out of the register meanwhile
            raise ProblemError(ProblemKind.CONSENT_UNKNOWN)
        return since

    try:
        found = await consents.find(consent)
        if found is None or found.registered_by != organisation:
            raise ProblemError(ProblemKind.CONSENT_UNKNOWN)
        receipt, since = await _change(request, "withdraw", consent, withdraw)
    except SourceUnavailableError as error:
        raise_unavailable(request, error)
    return _json(request, {"consent": consent, "withdrawn": encode_time(since)}, receipt)


async def finish_changes(app: web.Application) -> AsyncIterator[None]:
    """Let changes under way come to their end before the register and the log are closed."""
    yield
    under_way = app[CHANGES]
    if under_way:
        await asyncio.wait(under_way, timeout=END_SECONDS)


async def _change(
    request: web.Request,
    action: str,
    consent: ConsentId,
    change: Callable[[], Awaitable[_Value]],
    holders: Sequence[str] = (),
) -> tuple[Receipt, _Value]:
    """Return the receipt of a change, and what it came to; whoever stops waiting stops nothing.

    The entry comes first: there is no change without one. Another one follows a change that failed, however it did.
    """

    async def enter(action: str) -> Receipt:
        return await record(request, draft_consent(asking(request), action=action, consent=consent, holders=holders))

    async def run() -> tuple[Receipt, _Value]:
        receipt = await enter(action)
        try:
            return receipt, await change()
        except Exception:
            await enter(f"{action}-failed")
            raise

    changing, under_way = asyncio.create_task(run()), request.app[CHANGES]
    under_way.add(changing)
    changing.add_done_callback(under_way.discard)
    changing.add_done_callback(look_at)
    return await asyncio.shield(changing)


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
    settings = request.app[SITE].settings.http
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
