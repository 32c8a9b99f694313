"""The watch: it follows the log as it is written, evaluates the rules, and writes the alarms into it.

1. The sequencer's thread hands over each batch that is durable; that takes no time and never fails.
2. Another thread turns the entries into what rules see and evaluates them, twice a second.
3. A minute after the first question that no such entry followed yet, one entry tells of all alarms found since the last
   one. It is written whether there are any or not, and does not show which: so the numbers of entries, which callers
   know from their receipts, tell nobody whether a question raised an alarm.

What was handed over and had no room, and what was written before this process began, is read from the log. So nothing
is kept but windows, and a restart rebuilds those from the last days of the log: nothing is lost by it, and as the log
is asked what it tells of already, nothing is raised twice.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

from gateway.audit.alarms.alarm import Alarm, draft_alarms, name_alarm
from gateway.audit.alarms.detector import Blindness
from gateway.audit.alarms.engine import AlarmEngine
from gateway.audit.alarms.history import Stretch, find_stretches, read_stretch
from gateway.audit.alarms.observed import QUESTIONS, ObservationKey, Observed, Place
from gateway.audit.alarms.register import MAX_OPEN, find_open, is_written, match_alarms, raised_alarms
from gateway.audit.alarms.rule import DAY_MS
from gateway.audit.alarms.words import Verdict
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.lookup import VERDICT
from gateway.audit.unavailable import LogUnavailableError

MAX_QUEUED: Final = 20_000  # entries of about 2 kB that wait for evaluation; the others are read from the log
MAX_REPLAYED: Final = 2_000_000  # entries that are read at the start, in about two minutes; then windows are shorter
CATCH_UP_MS: Final = 10 * DAY_MS  # how old an alarm may be to be raised at a start: a stop over the longest holiday
PAUSE_SECONDS: Final = 0.05  # between two evaluations: after 0.5 s one held up answers by 25 ms at full load
BEAT_SECONDS: Final = 60.0  # from a question to the entry that tells of alarms, or of none: at most 1,440 entries a day
RETRY_SECONDS: Final = 5.0  # after the log could not be read or written

LOGGER: Final = logging.getLogger("tongban.alarms")


class AlarmObserver(Protocol):
    """Who is told how the watch stands; called on the event loop."""

    def raised(self, rule: str) -> None:
        """Take note of an alarm."""
        ...

    def stands(self, *, is_open: int, lost: Mapping[str, int], suppressed: Mapping[str, int]) -> None:
        """Take note of how many alarms are open, and of what was forgotten or suppressed so far, by rule.

        With the entries that tell of alarms, and not before: it shows of no question whether it raised one.
        """
        ...

    def keeps_up(self, standing: "AlarmStanding") -> None:
        """Take note of whether the watch keeps up and can judge, after each evaluation."""
        ...


class SilentAlarmObserver:
    """Tells nobody."""

    def raised(self, rule: str) -> None:
        """Do nothing."""

    def stands(self, *, is_open: int, lost: Mapping[str, int], suppressed: Mapping[str, int]) -> None:
        """Do nothing."""

    def keeps_up(self, standing: "AlarmStanding") -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmStanding:
    """How the watch stands: from which entry on its windows know the log, whether it keeps up, and what it lacks.

    ``evaluated`` is the time of the last entry that was evaluated, in ms since 1970; ``waiting`` how many were handed
    over and are not; ``is_behind``: others wait in the log; ``is_failing``: the last attempt did not work.
    """

    since: Place | None
    evaluated: int | None
    waiting: int
    is_behind: bool
    is_failing: bool
    is_open: int
    blind: frozenset[Blindness]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """A batch that is durable: entries from number ``first`` of a shard on, all of time ``t``."""

    shard: str
    first: int
    t: int
    drafts: Sequence[EntryDraft]


class AlarmWatch:
    """Watches one log; `observe` is for the sequencer's thread, everything else for the event loop."""

    def __init__(
        self, log: SiteLog, engine: AlarmEngine, key: ObservationKey, *, observer: AlarmObserver | None = None
    ) -> None:
        """Watch by an engine that has no past; nothing is read before `run`."""
        self._log = log
        self._engine = engine
        self._key = key
        self._observer = observer or SilentAlarmObserver()
        self._lock = Lock()
        self._arrived: deque[_Arrived] = deque()
        self._queued = 0
        self._is_behind = False  # something that was written waits in the log only
        self._next = Place("", 0)  # the first entry that was not evaluated
        self._since: Place | None = None
        self._has_begun = False
        self._evaluated: int | None = None
        self._is_failing = False
        self._pending: deque[Alarm] = deque()  # found and not written: no more than rules raise in a day
        self._is_due = False  # a question came behind the last entry that tells of alarms
        self._beat: tuple[EntryDraft, int] | None = None  # tried, and perhaps written: it tells of so many
        self._open: dict[str, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def observe(self, shard: str, first: int, t: int, drafts: Sequence[EntryDraft]) -> None:
        """Take a batch that has just become durable: the entries from ``first`` on, written at ``t`` (ms since 1970).

        For the sequencer's thread, after each commit; it neither waits nor raises.
        """
        with self._lock:
            if self._queued + len(drafts) <= MAX_QUEUED:
                self._arrived.append(_Arrived(shard=shard, first=first, t=t, drafts=drafts))
                self._queued += len(drafts)
            else:
                self._is_behind = True
        loop = self._loop
        if loop is not None and not self._wake.is_set():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Watch for ever; cancel to stop. What is found and not written then is found again at the next start."""
        self._loop = loop = asyncio.get_running_loop()
        at: float | None = None  # when the next entry that tells of alarms is written
        try:
            while True:
                self._tell_observer()
                done = await self._attempt(self.look)
                if at is not None and loop.time() >= at:
                    is_told = await self._attempt(self.tell)
                    at, done = (None if is_told else at), done and is_told
                if at is None and self._is_due:
                    at = loop.time() + BEAT_SECONDS
                self._tell_observer()
                rest = None if at is None else max(at - loop.time(), 0)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest if done else RETRY_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._loop = None

    async def look(self) -> None:
        """Evaluate what has come.

        The first time it rebuilds the windows from the log, and also finds what a process before this one found and
        did not write.

        Raises:
            LogUnavailableError: the log cannot be read; call it again.

        """
        await asyncio.to_thread(self._evaluate if self._has_begun else self._replay)

    async def tell(self) -> None:
        """Write the entry that tells of what was found since the last one, unless nobody asked anything since.

        What does not fit it is for the next one.

        Raises:
            LogUnavailableError: the log cannot be read or written; call it again.

        """
        if self._is_due:
            if self._beat is None:
                self._beat = draft_alarms(self._pending, self._key)
                await self._log.append(self._beat[0])
            elif not await asyncio.to_thread(is_written, self._log, self._beat[0].leaf.req):
                await self._log.append(self._beat[0])
            self._note_told(self._beat[1])
            self._beat, self._is_due = None, bool(self._pending)
        engine = self._engine
        self._observer.stands(is_open=len(self._open), lost=engine.lost(), suppressed=engine.suppressed())

    def standing(self) -> AlarmStanding:
        """Return how the watch stands."""
        return AlarmStanding(
            since=self._since,
            evaluated=self._evaluated,
            waiting=self._queued,
            is_behind=self._is_behind or not self._has_begun,
            is_failing=self._is_failing,
            is_open=len(self._open),
            blind=self._engine.blind(),
        )

    def _tell_observer(self) -> None:
        try:
            self._observer.keeps_up(self.standing())
        except Exception:  # nor must this end the watch
            LOGGER.exception("alarms")

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except LogUnavailableError as error:
            self._is_failing = True
            LOGGER.warning("alarms wait for the log: %s", error.reason)
            return False
        except Exception:  # whatever nobody foresaw must not end the watch
            self._is_failing = True
            LOGGER.exception("alarms")
            return False
        self._is_failing = False
        return True

    # --- in another thread --------------------------------------------------------------------------------------------

    def _replay(self) -> None:
        if self._since is None:
            latest = self._latest()
            # What may be raised, or still keeps a rule quiet, with all that it rests on. A day more: those of one day
            # are counted from its beginning.
            reach = self._engine.span_ms + max(CATCH_UP_MS, self._engine.quiet_ms) + DAY_MS
            begin = None if latest is None else latest - reach
            stretches = find_stretches(self._log, since=begin, most=MAX_REPLAYED)
            if stretches:
                self._since = self._next = Place(stretches[0].shard, stretches[0].first)
        self._read_on(None)
        latest = self._latest() or 0
        since = latest - CATCH_UP_MS
        found = tuple(self._pending)
        told = match_alarms(found, raised_alarms(self._log, since=since), self._key)
        self._pending = deque(alarm for alarm, one in zip(found, told, strict=True) if one is None and alarm.t >= since)
        self._open = dict.fromkeys(find_open(self._log))
        self._has_begun = True

    def _latest(self) -> int | None:
        heads = [head for shard in self._log.shards() if (head := self._log.reader(shard).head()) is not None]
        return max((head.t for head in heads), default=None)

    def _evaluate(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            is_behind, self._queued, self._is_behind = self._is_behind, 0, False
        try:
            for one in arrived:
                self._take(one)
            if is_behind:
                self._read_on(None)
        except BaseException:  # whatever it was: what came is in the log too
            with self._lock:
                self._is_behind = True
            raise

    def _take(self, arrived: _Arrived) -> None:
        """Evaluate a batch, after what was written before it and not handed over."""
        self._read_on(Place(arrived.shard, arrived.first))
        known = self._next.entry - arrived.first if self._next.shard == arrived.shard else 0
        if self._next.shard > arrived.shard:
            return
        for number, draft in enumerate(arrived.drafts):
            if number >= known:
                place = Place(arrived.shard, arrived.first + number)
                self._see(self._key.observe_draft(draft, place=place, t=arrived.t))

    def _read_on(self, until: Place | None) -> None:
        """Evaluate what the log holds from the next entry on, up to ``until``, or to its end."""
        if until is not None and self._next >= until:
            return
        for shard in self._log.shards():
            first = self._next.entry if shard == self._next.shard else 0
            if shard < self._next.shard or (until is not None and shard > until.shard):
                continue
            head = self._log.reader(shard).head()
            end = 0 if head is None else head.size
            if until is not None and shard == until.shard:
                end = until.entry
            for seen in read_stretch(self._log, Stretch(shard=shard, first=first, end=end), self._key):
                self._see(seen)

    def _see(self, seen: Observed) -> None:
        self._pending += self._engine.observe([seen])
        self._next = Place(seen.place.shard, seen.place.entry + 1)
        self._evaluated = seen.t
        self._is_due = self._is_due or seen.leaf.kind in QUESTIONS
        if seen.leaf.kind is LeafKind.ADMIN:
            self._note(seen.leaf)

    def _note(self, leaf: LeafDraft) -> None:
        """Note a verdict: the latest one counts."""
        if leaf.more.get("action") != VERDICT:
            return
        if leaf.reasons != (Verdict.NEEDS_INQUIRY.value,):
            self._open.pop(leaf.req, None)
        elif len(self._open) < MAX_OPEN:
            self._open[leaf.req] = None

    # --- on the event loop --------------------------------------------------------------------------------------------

    def _note_told(self, count: int) -> None:
        """Note that the log tells of the first alarms that waited."""
        for _ in range(count):
            alarm = self._pending.popleft()
            self._observer.raised(alarm.rule)
            if len(self._open) < MAX_OPEN:
                self._open[name_alarm(alarm, self._key).id] = None
