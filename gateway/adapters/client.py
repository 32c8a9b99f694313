"""Asks one system: signs in, goes the steps, asks page by page, and keeps to one deadline for all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Final

import aiohttp

from adapters.mapping.adapter import Adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.bounds import MAX_RECORDS
from adapters.transport.recipe import Call, Method, Question, Request, SignIn, Step, TransportRecipe
from gateway.adapters.access import SystemAccess
from gateway.adapters.connection import MAX_ANSWER, Reply, send
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.functions import make_functions
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.joining import (
    WITH_RECORDS,
    add_elsewhere,
    answer_of,
    join_pages,
    may_be_elsewhere,
    name_record,
    select_part,
)
from gateway.adapters.link import is_address, rewrite_link
from gateway.adapters.reading import Page, Reader, Texts, read_time
from gateway.adapters.request import Outgoing, Writer
from gateway.adapters.token import Token, TokenKeeper
from keys.payload.encryption import Encrypted
from keys.payload.errors import PayloadError
from keys.payload.secret import Secret

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

MAX_RETRIES: Final = 3  # of one question, however short the times that a system names
MAX_PAGES: Final = 100  # of one answer; nobody has met a holder with more than two
MAX_SMALL_ANSWER: Final = 64 * 1024  # bytes of the answer of a sign-in or a step: a token, a code, a certificate
# Seconds before the first retry at most, by chance any part of them, beside those that the system names; twice as long
# before each further one. So those who were told "later" at one moment do not come back at one moment.
JITTER_SECONDS: Final = 0.25
_INLINE: Final = 64 * 1024  # bytes of an answer that is read on the loop: a millisecond or two
_THREADS: Final = 2  # that read large answers of one system; the interpreter runs one of them at a time
_TOKEN: Final = "token"  # noqa: S105 -- the name of a value


class AdapterClient:
    """A client of one system; one per system and process, for it keeps the token of the sign-in."""

    def __init__(
        self,
        adapter: Adapter,
        recipe: TransportRecipe,
        access: SystemAccess,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        retries: int = MAX_RETRIES,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Ask with these; ``session`` is one of `gateway.adapters.connection.open_session`.

        ``retries`` is how often a question is asked again at most.

        Raises:
            MalformedRecipeError: the recipe's functions have other parameters.
            AskError: REQUEST, the site does not give a setting or a secret that the recipe names.

        """
        for names, given in ((recipe.settings, access.settings), (recipe.secrets, access.secrets)):
            missing = sorted(set(names) - given.keys())
            if missing:
                raise AskError(AskFault.REQUEST, missing[0])
        functions = make_functions(recipe)
        self._recipe, self._access, self._session = recipe, access, session
        self._clock, self._sleep, self._retries = clock, sleep, retries
        self._functions = functions
        self._writer = Writer(recipe=recipe, access=access, functions=functions)
        self._reader = Reader(adapter=adapter, access=access, functions=functions)
        self._deadline_seconds = recipe.deadlines.total_ms / 1000
        self._keeper = None if recipe.sign_in is None else TokenKeeper(self._sign_in_in_time, is_refusal=_is_refusal)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="answers")

    async def ask(self, inquiry: Inquiry, *, until: float | None = None) -> Answer:
        """Ask, within the deadline of the recipe; where a holder has no such licence, he is asked for elsewhere too.

        ``until``, on the clock of the event loop, is when an answer is of no use any more.

        A link that is an address is fetched from the host that the recipe's table names for its host, and from no
        other; nothing of ours goes with it.

        Raises:
            AskError: every way in which this can fail.

        """
        try:
            end = asyncio.get_running_loop().time() + self._deadline_seconds
            async with asyncio.timeout_at(end if until is None else min(end, until)) as deadline:
                if inquiry.question is Question.FILE and is_address(inquiry.link):
                    return await self._persist(partial(self._fetch, inquiry.link), deadline)
                answer = await self._persist(partial(self._ask, inquiry), deadline)
                if Question.HOLDER_ELSEWHERE not in self._recipe.calls or not may_be_elsewhere(inquiry, answer):
                    return answer
                return await self._ask_elsewhere(inquiry, answer, deadline)
        except TimeoutError:
            raise AskError(AskFault.TIMEOUT, "deadline") from None

    async def close(self) -> None:
        """Stop a sign-in that nobody waits for any more; the session is for whoever opened it to close."""
        if self._keeper is not None:
            await self._keeper.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask_elsewhere(self, inquiry: Inquiry, here: Answer, deadline: asyncio.Timeout) -> Answer:
        """Ask at the other place; where that fails, the records of the licence that the first one has stay heard."""
        elsewhere = replace(inquiry, question=Question.HOLDER_ELSEWHERE)
        try:
            answer = await self._persist(partial(self._ask, elsewhere), deadline)
        except AskError:
            part = select_part(inquiry, here)
            if part is None:
                raise
            return part
        return add_elsewhere(inquiry, here, answer)

    async def _persist(self, ask: Callable[[], Awaitable[Answer]], deadline: asyncio.Timeout) -> Answer:
        """Ask, and again where the system wants it later or took no connection, while there is time for that.

        All questions are reads: that one was asked before, in whole or in part, changes nothing.
        """
        retries = 0
        while True:
            try:
                answer = await ask()
            except AskError as error:
                if not error.is_refused or not await self._wait(0, retries, deadline):
                    raise
            else:
                seconds = answer.retry_after_seconds or 0
                if answer.outcome is not AnswerOutcome.RETRY or not await self._wait(seconds, retries, deadline):
                    return answer
            retries += 1

    async def _wait(self, seconds: int, retries: int, deadline: asyncio.Timeout) -> bool:
        """Wait until the system may be asked again; answers whether it may be."""
        wait = seconds + JITTER_SECONDS * 2**retries * random()
        if retries >= self._retries or wait >= _left(deadline):
            return False
        await self._sleep(wait)
        return True

    async def _ask(self, inquiry: Inquiry) -> Answer:
        """Ask one call; where the system no longer takes the token, once more with a new one."""
        call = self._recipe.calls.get(inquiry.question)
        if call is None:
            raise AskError(AskFault.NOT_ASKABLE, inquiry.question)
        stale: Token | None = None
        while True:
            token: Token | None = None
            try:
                token = await self._token(stale)
                answer = await self._ask_once(call, inquiry, None if token is None else token.secret)
            except _Said as said:
                answer = said.answer
            if stale is not None or token is None or answer.raw_outcome not in self._recipe.renew_on:
                return answer
            stale = token

    async def _ask_once(self, call: Call, inquiry: Inquiry, token: Secret | None) -> Answer:
        words = dict(inquiry.words)
        for name in call.after:
            step = next(one for one in self._recipe.steps if one.name == name)
            words |= await self._go(step, words, token)
        if call.paging is None:
            return answer_of(await self._page(call, words, token))
        return await self._ask_pages(call, words, token)

    async def _ask_pages(self, call: Call, words: Mapping[str, str], token: Secret | None) -> Answer:
        """Ask for page after page; what ends early is PARTIAL, for more may be there.

        A record counts once, however many pages have it: a page with nothing new is none. All pages are kept until the
        last one came: no further one is asked for once they are as large as one answer may be.
        """
        paging = call.paging
        if paging is None:
            raise AskError(AskFault.NOT_ASKABLE, call.question)
        found: Answer | None = None
        seen: set[Hashable] = set()
        count = size = 0
        total: int | None = None
        for number in range(paging.first, paging.first + MAX_PAGES):
            page = await self._page(call, {**words, "page": str(number), "page_size": str(paging.size)}, token)
            answer = answer_of(page)
            has_records = answer.outcome in WITH_RECORDS
            if found is None and not has_records:
                is_cut = answer.outcome is AnswerOutcome.NOT_FOUND and bool(page.total)
                return replace(answer, outcome=AnswerOutcome.PARTIAL) if is_cut else answer
            if found is not None and not has_records and answer.outcome is not AnswerOutcome.NOT_FOUND:
                return replace(found, outcome=AnswerOutcome.PARTIAL, raw_outcome=answer.raw_outcome)
            here = len(answer.records) + len(answer.refused)
            names = [name_record(record) for record in answer.records]
            new = here - sum(name in seen for name in names)  # twice on one page is what the system has twice
            if found is not None and here and not new:
                break
            seen.update(names)
            count += new
            size += page.size
            found = answer if found is None else join_pages(found, answer)
            total = page.total if page.total is not None else total  # some say it on the first page alone
            if total is not None and count >= total:
                return found
            if here < paging.size:
                return found if total is None else replace(found, outcome=AnswerOutcome.PARTIAL)
            if count >= MAX_RECORDS or size >= MAX_ANSWER:
                break
        return replace(found or Answer(outcome=AnswerOutcome.ERROR), outcome=AnswerOutcome.PARTIAL)

    async def _page(self, call: Call, words: Mapping[str, str], token: Secret | None) -> Page:
        reply = await self._exchange(call.request, words, token)
        total = None if call.paging is None else call.paging.total
        read = partial(
            self._reader.read_page, reply, call.question, answer=call.request.answer, total=total, token=token
        )
        return read() if len(reply.body) <= _INLINE else await asyncio.wrap_future(self._threads.submit(read))

    async def _go(self, step: Step, words: Mapping[str, str], token: Secret | None) -> dict[str, str]:
        reply = await self._exchange(step.request, words, token, most=MAX_SMALL_ANSWER)
        texts = Texts(reply)
        if not texts.is_success(step.success):
            raise self._refusal(reply, AskError(AskFault.STEP, step.name))
        return {f"given.{name}": text for name, text in texts.read(step.gives).items()}

    async def _token(self, stale: Token | None) -> Token | None:
        return None if self._keeper is None else await self._keeper.get(self._clock(), but=stale)

    async def _sign_in_in_time(self) -> Token:
        sign_in = self._recipe.sign_in
        if sign_in is None:
            raise AskError(AskFault.SIGN_IN)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._sign_in(sign_in)
        except TimeoutError:
            raise AskError(AskFault.TIMEOUT, "sign_in") from None

    async def _sign_in(self, sign_in: SignIn) -> Token:
        at = self._clock()
        reply = await self._exchange(sign_in.request, {}, None, most=MAX_SMALL_ANSWER, is_sign_in=True)
        answer = Texts(reply)
        if not answer.is_success(sign_in.success):
            raise self._refusal(reply, AskError(AskFault.SIGN_IN))
        paths = {_TOKEN: sign_in.token} | ({} if sign_in.ends_at is None else {"ends_at": sign_in.ends_at})
        try:
            texts = answer.read(paths)
        except AskError as error:
            raise AskError(AskFault.SIGN_IN, error.where) from error
        if sign_in.ends_at is None:
            until = at + timedelta(seconds=sign_in.lifetime_seconds or 0)
        else:
            until = read_time(texts["ends_at"], sign_in.time_form)
        try:
            secret = Secret(texts[_TOKEN].encode())
            if self._functions.wrapping is not None:
                wrapping, key = self._functions.wrapping
                secret = wrapping.unwrap(Encrypted(text=texts[_TOKEN]), key.find(self._access.secrets, None))
        except (PayloadError, ValueError):  # not chained: the latter may carry the token
            raise AskError(AskFault.SIGN_IN, _TOKEN) from None
        # A question that begins with a token should also end with it; but some live no longer than a question may.
        margin = min(timedelta(seconds=self._deadline_seconds), (until - at) / 2)
        return Token(secret=secret, until=until - margin)

    async def _exchange(
        self,
        request: Request,
        words: Mapping[str, str],
        token: Secret | None,
        *,
        most: int = MAX_ANSWER,
        is_sign_in: bool = False,
    ) -> Reply:
        outgoing = self._writer.write(request, words, at=self._clock(), token=token, is_sign_in=is_sign_in)
        reply = await send(self._session, outgoing, self._recipe.http, most=most)
        if reply.outcome is not None:
            raise _Said(Answer(outcome=reply.outcome, retry_after_seconds=reply.retry_after_seconds))
        return reply

    def _refusal(self, reply: Reply, otherwise: AskError) -> Exception:
        """Return what a refusal means: an answer, where the mapping knows its code, or the error."""
        parsed = self._reader.read_outcome(reply)
        if parsed is None:
            return otherwise
        says_nothing = parsed.outcome in {*WITH_RECORDS, AnswerOutcome.NOT_FOUND, AnswerOutcome.ERROR}
        if says_nothing and parsed.raw_outcome not in self._recipe.renew_on:
            return otherwise
        return _Said(
            Answer(
                outcome=parsed.outcome,
                retry_after_seconds=parsed.retry_after_seconds,
                raw_outcome=parsed.raw_outcome,
                flags=parsed.flags,
            )
        )

    async def _fetch(self, link: str) -> Answer:
        """Fetch a file from an address that the system returned, rewritten by the table of hosts."""
        address = rewrite_link(link, hosts=self._recipe.hosts, base=self._access.base)
        outgoing = Outgoing(method=Method.GET, address=address, headers=_PLAIN, body=None)
        reply = await send(self._session, outgoing, self._recipe.http)
        if reply.outcome is not None:
            return Answer(outcome=reply.outcome, retry_after_seconds=reply.retry_after_seconds)
        return Answer(outcome=AnswerOutcome.FOUND, file=reply.body)


_PLAIN: Final = {"Accept-Encoding": "identity"}


class _Said(Exception):  # noqa: N818 -- an answer that ends the question early, and no error
    """The system answered before the call itself: at the sign-in, at a step, or with an HTTP status."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


def _is_refusal(error: Exception) -> bool:
    """Say whether a sign-in failed by the system's word, which is the same a moment later."""
    if isinstance(error, _Said):
        return error.answer.outcome is not AnswerOutcome.RETRY
    return isinstance(error, AskError) and not error.is_out_of_reach


def _left(deadline: asyncio.Timeout) -> float:
    """Return the seconds until a deadline, on the loop's own clock."""
    end = deadline.when()
    return 0.0 if end is None else end - asyncio.get_running_loop().time()
