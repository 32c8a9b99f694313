"""What a request has to pass before anything of it is read: the load of the process, and the limits of its caller."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType, TracebackType
from typing import Final, NoReturn

from aiohttp import web

from gateway.callers import TokenUse
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import CALLER, ENDS_AT, FAILURE, LIMITS, MARKS, METRICS, NOW, PRESSURE, SITE
from gateway.limits.marks import MarksUnavailableError
from gateway.limits.pressure import RETRY_AFTER_SECONDS, Work
from gateway.limits.store import Limit
from gateway.randomness import take_random
from gateway.settings import BODY_SLACK_BYTES
from gateway.tokens import SignedIn, SignInError, SignInFailure

MAX_KEY_BODY: Final = 8 * 1024  # bytes; a question without a document has some hundred
BATCH_ENDING: Final = "/batch"  # of a route
MARKS_RETRY_AFTER_SECONDS: Final = 5
UNSIGNED: Final = "unsigned"  # a word of the metric of what is shed, beside the kinds of work
_LATE_SECONDS: Final = 5.0  # for which an answer may be on its way after its time
# The place of a request, while no line of it has it.
OWN_PLACE: Final[web.RequestKey[list[bytes]]] = web.RequestKey("own_place")
_PLACE_BYTES: Final = 12  # of all requests that are inside at once no two have the same

_KINDS: Final = MappingProxyType(
    {
        Limit.RATE: ProblemKind.RATE_EXCEEDED,
        Limit.CONCURRENCY: ProblemKind.CONCURRENCY_EXCEEDED,
        Limit.QUOTA: ProblemKind.QUOTA_EXCEEDED,
    }
)


def shed(request: web.Request, route: str) -> None:
    """Refuse what is too much for the process now, by the headers alone.

    Raises:
        ProblemError: 503, with when to try again.

    """
    pressure = request.app[PRESSURE]
    if pressure.is_calm:
        return
    work = _work_of(request, route)
    if pressure.is_too_much(work):
        request.app[METRICS].limits.shed.labels(work=work.value).inc()
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS[work])}
        raise ProblemError(ProblemKind.BUSY, headers=headers, close=work is not Work.KEY)


@contextmanager
def from_anybody(request: web.Request) -> Iterator[None]:
    """Let a request be inside of which nobody knows who sends it, or not yet; such requests have a room of their own.

    Raises:
        ProblemError: 503, the room is full.

    """
    pressure = request.app[PRESSURE]
    if pressure.is_full_of_unsigned:
        request.app[METRICS].limits.shed.labels(work=UNSIGNED).inc()
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS[Work.KEY])}
        raise ProblemError(ProblemKind.BUSY, headers=headers, close=True)
    with pressure.reading_unsigned():
        yield


def _work_of(request: web.Request, route: str) -> Work:
    if route.endswith(BATCH_ENDING):
        return Work.BATCH
    size = request.content_length
    if size is None and request.can_read_body:
        return Work.LARGE  # nobody says how long it is
    inline_bytes = request[SITE].settings.http.inline_document_bytes
    if (size or 0) > (inline_bytes + 2) // 3 * 4 + BODY_SLACK_BYTES:
        return Work.LARGE
    return Work.DOCUMENT if (size or 0) > MAX_KEY_BODY else Work.KEY


class within_limits:  # noqa: N801 -- it reads as what it does, and a generator costs each question some 5 µs more
    """Let one request of a caller who has signed in be inside, if its limits have room for it.

    So it is with each line of a batch, which is inside itself: a line takes the place of its batch where no other line
    has it, so that a batch goes on where the caller has no second place.

    Raises:
        ProblemError: 429, one has none.

    """

    __slots__ = ("_own", "_place", "_request", "_taken")

    def __init__(self, request: web.Request) -> None:
        """Take nothing before the block begins."""
        self._request = request

    async def __aenter__(self) -> None:
        """Come in."""
        request = self._request
        caller, store = request[CALLER], request.app[LIMITS]
        limits = caller.limits.over(request[SITE].settings.limits)
        hold_seconds = request[ENDS_AT] - asyncio.get_running_loop().time() + _LATE_SECONDS
        self._own = own = request.get(OWN_PLACE)
        self._taken = taken = own.pop() if own else None
        self._place = place = None if taken else take_random(_PLACE_BYTES)
        try:
            over = await store.enter(caller.id, limits, place=place, at=request[NOW], hold_seconds=hold_seconds)
        except BaseException:
            self._leave()  # nobody knows whether it came in
            raise
        if over is not None:
            if own is None:  # a line of a batch waits
                request.app[METRICS].limits.limited.labels(limit=over.limit.value).inc()
            elif taken is not None:
                own.append(taken)
            raise ProblemError(_KINDS[over.limit], headers={"Retry-After": str(over.retry_after_seconds)})
        if own is None and place is not None:
            request[OWN_PLACE] = [place]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Go out."""
        self._leave()

    def _leave(self) -> None:
        if self._own is not None and self._taken is not None:
            self._own.append(self._taken)
        else:
            request = self._request
            request.app[LIMITS].leave(request[CALLER].id, self._place)


async def use_token(request: web.Request, signed_in: SignedIn) -> None:
    """Use up a token, where those of its caller work once.

    Raises:
        SignInError: it was used before.
        ProblemError: 503, that cannot be told.

    """
    caller = signed_in.caller
    if caller.tokens is not TokenUse.ONCE:
        return
    try:
        is_first = await request.app[MARKS].admit(
            caller.id, signed_in.token_id, until=signed_in.ends_at, at=request[NOW]
        )
    except MarksUnavailableError as error:
        raise_unmarked(request, error)
    if not is_first:
        raise SignInError(SignInFailure.REPEATED)


def raise_unmarked(
    request: web.Request, error: MarksUnavailableError, kind: ProblemKind = ProblemKind.TOKEN_UNAVAILABLE
) -> NoReturn:
    """Refuse what may have been used before; raises ProblemError (503)."""
    request.app[METRICS].limits.unmarked.labels(why=error.why.value).inc()
    request[FAILURE] = f"{kind}.{error.why}"
    headers = {"Retry-After": str(MARKS_RETRY_AFTER_SECONDS)}
    raise ProblemError(kind, headers=headers) from error
