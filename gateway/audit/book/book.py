"""The book: the log of a site, one half-year after the other, as the one process has it that writes it.

Before an answer an entry says which policy and trust store came into force, and each that it names.

The page is turned by a task of the book's own, which no request that waits for it can end. Once that has begun the old
half-year takes no entry any more, whatever fails and wherever the clock goes: the turn is tried again until it is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from threading import Thread
from typing import Final

from gateway.audit.book.announcer import Announcer
from gateway.audit.book.place import LogPlace
from gateway.audit.book.readers import ShardReaders
from gateway.audit.book.standing import Standing, read_standing
from gateway.audit.entry import OWN_CALLER, EntryDraft, Receipt
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.shard import is_closed, next_shard, roll_over, shard_name
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import KEY_BEGIN
from gateway.decision import make_decision_id
from gateway.ended import look_at

START: Final = "start"
STOP: Final = "stop"
RESUME: Final = "resume"  # entries are taken again, after some time in which none was
GATEWAY: Final = "gateway"  # what was started or stopped

Clock = Callable[[], datetime]
Observe = Callable[[str, int, int, Sequence[EntryDraft]], None]  # shard, first entry, their time in ms, the entries


def _ignore(_shard: str, _first: int, _t: int, _drafts: Sequence[EntryDraft]) -> None:
    """Do nothing about what became durable."""


class LogBook:
    """Opens what is due, writes it, and turns the page when a half-year ends."""

    def __init__(self, place: LogPlace, *, clock: Clock, opener: str = GATEWAY, may_begin: str = "") -> None:
        """Use a place; nothing is opened before `open`. ``opener`` is what the log says was started and stopped.

        A clock that is years ahead must not begin a half-year that nobody can go back from: begun is only the one after
        the last, or the one that ``may_begin`` names.
        """
        self._opener = opener
        self._may_begin = may_begin
        self._place = place
        self._clock = clock
        self._current: AccessLog | None = None
        self._turned: dict[str, AccessLog] = {}  # those before it since the start, which take seals and deletions
        self._readers = ShardReaders(place)
        self.standing = Standing()
        self.observe: Observe = _ignore  # told of every batch, in the thread that writes; set it before opening
        self._due = ""  # the half-year whose turn was begun last: none before it takes entries
        self._turning: asyncio.Task[None] | None = None
        self._turn_failed: LogUnavailableError | None = None  # the last time
        self._frozen: LogUnavailableError | None = None
        self._is_started = False  # the log says so
        self._reopening = asyncio.Lock()
        self._announcer = Announcer(self)

    async def open(self) -> None:
        """Open the latest half-year, or begin the one that is due; may be called again after it failed.

        With a clock that is behind the log the book is open, and `stopped` says why it takes nothing yet.

        Raises:
            LogUnavailableError: it does not go on from what was acknowledged, or cannot be opened.

        """
        try:
            shards = await asyncio.to_thread(self._place.shards)
            await self._enter(shards[-1] if shards else shard_name(self._clock()))
            if await asyncio.to_thread(is_closed, self.current):  # a turn that was cut short
                self._due = next_shard(self._shard)
            try:
                await self.resume()
            except LogUnavailableError as error:
                if error.reason is not Unavailable.CLOCK_WENT_BACK:  # which passes, and may take hours
                    raise
        except BaseException:
            await asyncio.to_thread(self._close)
            raise

    async def close(self) -> None:
        """Say that the gateway stopped, write what waits, and let go of everything."""
        await self._announcer.finish()
        if self._is_started:
            with suppress(LogUnavailableError):
                await self._note(STOP)
        if self._turning is not None:
            await asyncio.wait([self._turning])
        await asyncio.to_thread(self._close)

    @property
    def current(self) -> AccessLog:
        """The log that is written; raises LogUnavailableError (CLOSED) before it is opened and after it was closed."""
        if self._current is None:
            raise LogUnavailableError(Unavailable.CLOSED)
        return self._current

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why nothing is taken: any more, not yet, or since the last batch or turn failed; None while it is."""
        if self._current is None:
            return LogUnavailableError(Unavailable.CLOSED)
        return self._frozen or self._turn_failed or self._current.failure

    async def append(self, draft: EntryDraft) -> Receipt:
        """Return once the entry is durable; what it names, and what is in force, was announced before it."""
        await self.turn()
        while await self._announcer.prepare(draft.leaf):
            await self.turn()
        return await self.current.append(draft)

    async def announce_policy(self, digest: str, *, approvals: int = 0) -> None:
        """Say that this policy is in force from here on, unless that was said last.

        Where the log does not take that now it is said before the next entry. Raises as `append` does.
        """
        self._announcer.put_in_force(LeafKind.POLICY, digest, approvals=approvals)
        await self._announcer.say_due()

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force from here on, unless that was said last; as with a policy."""
        self._announcer.put_in_force(LeafKind.TRUST, version)
        await self._announcer.say_due()

    async def say_first(self, drafts: Sequence[EntryDraft]) -> None:
        """Say this before any other entry is taken; with a clock behind the log, as soon as that has caught up."""
        self._announcer.owe(drafts)
        try:
            await self._announcer.say_due()
        except LogUnavailableError as error:
            if error.reason is not Unavailable.CLOCK_WENT_BACK:
                raise

    async def resume(self) -> None:
        """Say that entries are taken (again), which finds out whether they are; raises as `append` does."""
        await self._note_resumed()
        await self._announcer.say_due()

    def freeze(self, error: LogUnavailableError) -> None:
        """Take nothing any more, until somebody has found out why and started again; a turn does not change that."""
        self._frozen = self._frozen or error
        self.current.freeze(error)

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        return self._place.shards()

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading; KeyError for one that there is not."""
        current = self.current
        if shard is None or shard == _shard_of(current):
            return current
        return self._turned.get(shard) or self._readers.reader(shard)

    @asynccontextmanager
    async def writable(self, shard: str) -> AsyncIterator[AccessLog]:
        """Open a shard for writing, which a closed one takes shred entries and new seals by, and nothing else.

        Raises:
            LogUnavailableError: it cannot be opened, or everything is frozen.

        """
        self._refuse_frozen()
        if shard == self._shard:
            yield self.current
            return
        async with self._reopening:  # it has one writer, also within this process
            turned = self._turned.get(shard)
            if turned is not None:
                yield turned
                return
            log = await self._open(shard)
            try:
                yield log
            finally:
                await asyncio.to_thread(log.close)

    async def turn(self) -> None:
        """Turn the page if a new half-year has begun; raises as `append` does, and CLOCK_WENT_AHEAD."""
        if self._current is None:
            return
        try:
            due = max(shard_name(self._clock()), self._due)
            if due > self._shard:
                self._refuse_frozen()
                await self._join_turn(due)
        except Exception as error:
            ours = LogUnavailableError(Unavailable.BROKEN, type(error).__name__)
            self._turn_failed = error if isinstance(error, LogUnavailableError) else ours
            raise
        self._turn_failed = None

    async def _join_turn(self, due: str) -> None:
        """Wait for the turn that is under way, or begin it; whoever stops waiting ends nothing."""
        if self._turning is None:
            if due not in {next_shard(self._shard), self._may_begin}:
                detail = f"{due} is not the half-year after {self._shard}; [audit] begin may name it"
                raise LogUnavailableError(Unavailable.CLOCK_WENT_AHEAD, detail)
            self._due = due
            self._turning = asyncio.create_task(self._enter(due, before=self.current))
            self._turning.add_done_callback(self._end_turn)
            self._turning.add_done_callback(look_at)
        try:
            await asyncio.shield(self._turning)
        except LogUnavailableError as error:
            raise LogUnavailableError(error.reason, error.detail) from error  # an instance of its own each

    def _end_turn(self, _: asyncio.Task[None]) -> None:
        self._turning = None

    async def _enter(self, shard: str, *, before: AccessLog | None = None) -> None:
        """Open a shard and let it begin, or go on; from then on it is the one that is written."""
        log = await self._open(shard)
        try:
            standing = await self._begin(log, shard, before)
        except BaseException:
            await asyncio.to_thread(log.close)
            raise
        if self._frozen is not None:  # meanwhile
            log.freeze(self._frozen)
        if before is not None:
            self._turned[_shard_of(before)] = before
        self.standing, self._current = standing, log

    async def _begin(self, log: AccessLog, shard: str, before: AccessLog | None) -> Standing:
        """Write what a shard begins with, or what is missing of it: the seal of the one before it, and its keys."""
        earlier = [name for name in await asyncio.to_thread(self._place.shards) if name < shard]
        if earlier and await asyncio.to_thread(log.head) is None:
            old = before if before is not None else await self._open(earlier[-1])
            try:
                await roll_over(old, log, at=self._clock())
            finally:
                if before is None:
                    await asyncio.to_thread(old.close)
        standing = await asyncio.to_thread(read_standing, log)
        for signer in log.signers:
            if signer.fingerprint not in standing.keys:
                await log.append(self.draft(LeafKind.KEY, {"action": KEY_BEGIN, "key": signer.fingerprint}))
        if earlier and not standing.is_complete:  # what was before, the shard before says
            reader = before if before is not None else await asyncio.to_thread(self._readers.reader, earlier[-1])
            standing.follow(await asyncio.to_thread(read_standing, reader))
        return standing

    async def read_standing(self) -> None:
        """Read what the log says, but not before it took an entry since it failed: a batch may yet become durable."""
        await self.turn()
        if self.current.failure is not None:
            await self._note_resumed()
        standing, current = self.standing, self.current
        stored = await asyncio.to_thread(read_standing, current)
        stored.follow(standing)
        if self.standing is standing:  # else the page was turned, and it was read for that
            self.standing = stored

    async def _note_resumed(self) -> None:
        await self._note(RESUME if self._is_started else START)
        self._is_started = True

    async def _note(self, action: str) -> None:
        """Say what was started, stopped or goes on."""
        await self.write(self.draft(LeafKind.ADMIN, {"action": action, "target": self._opener}))

    async def write(self, draft: EntryDraft) -> Standing:
        """Write an entry of our own to the shard that is due; return the standing of that shard."""
        await self.turn()
        standing, current = self.standing, self.current  # nothing else happens before it is handed over
        await current.append(draft)
        return standing

    def draft(self, kind: LeafKind, more: dict[str, str | int], *, policy: str = "", trust: str = "") -> EntryDraft:
        """Return an entry of our own."""
        req = make_decision_id(self._clock())
        return EntryDraft(leaf=LeafDraft(kind=kind, req=req, caller=OWN_CALLER, policy=policy, trust=trust, more=more))

    async def _open(self, shard: str) -> AccessLog:
        """Open a shard for writing; whoever stops waiting leaves nothing open behind."""
        observe = partial(self.observe, shard)
        opening = asyncio.create_task(asyncio.to_thread(self._place.open, shard, self._clock_ms, observe))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_let_go)
            raise

    @property
    def _shard(self) -> str:
        return "" if self._current is None else _shard_of(self._current)

    def _refuse_frozen(self) -> None:
        if self._frozen is not None:
            raise LogUnavailableError(self._frozen.reason, self._frozen.detail)

    def _clock_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _close(self) -> None:
        current, self._current = self._current, None
        self._is_started = False
        for log in (*self._turned.values(), *([] if current is None else [current])):
            log.close()
        self._turned.clear()
        self._readers.close()
        self._place.close()


def _shard_of(log: AccessLog) -> str:
    return log.origin.rpartition("/")[2]


def _let_go(opening: asyncio.Task[AccessLog]) -> None:
    """Close what nobody waits for any more, once it is open; that blocks."""
    if not opening.cancelled() and opening.exception() is None:
        Thread(target=opening.result().close, name="audit-close").start()
