"""The trust in force: one store that requests start with, replaced in one step when the trust folder changes.

Every process looks at the folder once a second. What it reads is used as a whole or not at all: a fault anywhere in it
leaves the old store in force, is reported, and is looked at again, since its cause may have passed. A list whose time
ends takes its anchors with it within a second, also while the folder is read.
What is in force is remembered beside the trust folder, so that a restart goes on from there.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

from gateway.log_lines import encode_event
from gateway.trust.lists import MAX_CHANGE, TrustReading, TrustState, read_trust
from gateway.trust.mark import Mark, mark_folder
from gateway.trust.memory import TrustMemory
from gateway.trust.report import ReloadFailure, describe_findings, describe_state
from gateway.trust.retry import Retry
from gateway.watching import POLL_SECONDS, Watch
from keys.trust import Purpose, TrustStore
from keys.trust_forecast import Turn, forecast
from keys.trust_list import encode_moment

LOGGER: Final = logging.getLogger("tongban.trust")

_FAR: Final = timedelta(days=36_500)
_UNFORESEEN: Final = (
    "",
    "读取信任文件夹时发生意外错误，详见日志；原有信任继续有效。",
    "an error that nobody foresaw, see the log; the old trust stays in force",
)

Clock = Callable[[], datetime]


class TrustObserver(Protocol):
    """Who counts: told of every reload, and once a second how things stand."""

    def reloaded(self, result: str) -> None:
        """Note a reload: ``ok`` or ``failed``."""

    def stands(
        self,
        *,
        anchors: Mapping[str, int],
        held: int,
        age_seconds: float,
        next_end_seconds: float,
        expiry_seconds: Mapping[str, float],
    ) -> None:
        """Note how things stand; infinite seconds where nothing ends, 0 of age where there is no list.

        ``expiry_seconds`` are those until each list expires, negative when it has.
        """


class SilentObserver:
    """Counts nothing."""

    def reloaded(self, result: str) -> None:
        """Do nothing."""

    def stands(
        self,
        *,
        anchors: Mapping[str, int],
        held: int,
        age_seconds: float,
        next_end_seconds: float,
        expiry_seconds: Mapping[str, float],
    ) -> None:
        """Do nothing."""


class TrustKeeper:
    """Holds the trust store in force and what is to be said about it; used on the event loop only."""

    def __init__(
        self,
        state: TrustState,
        *,
        clock: Clock,
        folder: Path | None = None,
        mark: Mark | None = None,
        memory: TrustMemory | None = None,
        max_change: float = MAX_CHANGE,
        poll_seconds: float = POLL_SECONDS,
        observer: TrustObserver | None = None,
        on_change: Callable[[TrustStore], Awaitable[None]] | None = None,
    ) -> None:
        """Start with a state that was read from ``folder``; without a folder it stays as it is.

        ``mark`` is what the folder was marked with before it was read; without it the first look reads it again.
        ``memory`` is where the lists in force are kept for the next start.
        """
        self._state = state
        self._clock = clock
        self._folder = folder
        self._memory = memory
        self._max_change = max_change
        self._poll_seconds = poll_seconds
        self._observer = observer or SilentObserver()
        self._on_change = on_change
        self._loaded_at = clock()
        self._names = _names_in_force(state, self._loaded_at)
        self._store = state.store_at(self._loaded_at)
        self._ends = _ends(self._store, state, self._loaded_at)
        self._mark = mark
        self._failure: ReloadFailure | None = None
        self._retry = Retry(tried_at=self._loaded_at, due=_next_issue(state))
        self._remembered: tuple[str, ...] | None = None
        self._forgetting = ""  # why what is in force could not be kept the last time
        self._watch = Watch("trust folder", self.look, fail=self._fail_unforeseen, logger=LOGGER, seconds=poll_seconds)
        self._busy = asyncio.Lock()
        self._swapping = asyncio.Lock()
        self._observe(self._loaded_at)

    def current(self) -> TrustStore:
        """Return the store in force; a value, safe to use throughout a question."""
        return self._store

    @property
    def state(self) -> TrustState:
        """What was read last and found good."""
        return self._state

    @property
    def failure(self) -> ReloadFailure | None:
        """Why the folder as it is now is not in force, or not all of it; None when it is."""
        return self._failure

    def wake(self) -> None:
        """Read the folder now, changed or not (SIGHUP)."""
        self._watch.wake()

    async def run(self) -> None:
        """Look at the folder, and at the clock, for ever; cancel to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch.run())
            tasks.create_task(self._watch_clock())

    def _fail_unforeseen(self) -> None:
        self._fail(self._clock(), (_UNFORESEEN,))

    async def _watch_clock(self) -> None:
        """Let go of lists whose time is over by a task of its own: a reading may take long."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.let_go()
            except Exception:  # whatever nobody foresaw must not end this watch either
                LOGGER.exception("trust in force")

    async def look(self, *, forced: bool = False) -> bool:
        """Reload if the folder changed since the last try, or that is due again, and let go of what has ended.

        Returns whether it was reloaded, well or not.
        """
        async with self._busy:
            reloaded = False
            if self._folder is not None:
                mark = await asyncio.to_thread(mark_folder, self._folder)
                if forced or mark != self._mark or self._retry.is_due(self._clock()):
                    self._mark = mark  # before reading: what changes meanwhile is another mark the next time
                    await self._reload(self._folder)
                    reloaded = True
        await self.let_go()
        await self._remember()
        return reloaded

    async def let_go(self) -> None:
        """Let go of lists whose time is over, put in force those whose time has come, and say how things stand."""
        async with self._swapping:
            now = self._clock()
            if _names_in_force(self._state, now) != self._names:
                await self._put_in_force(self._state, now)
            self._observe(now)

    async def _reload(self, folder: Path) -> None:
        now, begun = self._clock(), perf_counter()
        self._retry.tried_at = now
        reading = await asyncio.to_thread(self._read, folder, now)
        if isinstance(reading, OSError):
            why = reading.strerror or type(reading).__name__
            self._fail(now, (("", f"无法读取信任文件夹：{why}", f"the trust folder cannot be read: {why}"),))
            return
        if reading.faults:
            self._fail(now, describe_findings(reading.faults))
            return
        async with self._swapping:
            await self._put_in_force(reading.state, now)
        self._loaded_at = now
        if reading.untimely:
            self._fail(now, describe_findings(reading.untimely))
        else:
            self._failure = None
            self._observer.reloaded("ok")
        self._retry.note_success(_next_issue(reading.state))
        _log(
            "trust-reloaded",
            at=now,
            version=self._store.version,
            anchors=len(self._store.anchors),
            lists={one.name: one.version for one in reading.state.lists},
            held=[one.candidate.name for one in reading.state.held],
            seconds=round(perf_counter() - begun, 3),
        )

    def _read(self, folder: Path, at: datetime) -> TrustReading | OSError:
        present = self._state.by_name
        try:
            if self._memory is not None:
                present = self._memory.without_given_up(present)
            return read_trust(folder, at=at, present=present, max_change=self._max_change)
        except OSError as error:
            return error

    async def _put_in_force(self, state: TrustState, now: datetime) -> None:
        """Replace everything in one step, between two questions; what is asked already keeps its own store."""
        store, ends = await asyncio.to_thread(_prepare, state, now)
        self._state, self._store, self._names = state, store, _names_in_force(state, now)
        self._ends = ends
        if self._on_change is not None:
            await self._on_change(store)

    async def _remember(self) -> None:
        """Keep what is in force for the next start; without it the archive alone says what came before.

        What somebody deleted is written again, unless the folder has a fault: then a list may be on its way out.
        """
        lists = self._state.lists
        digests = tuple(one.digest for one in lists)
        if self._memory is None:
            return
        if digests == self._remembered and (self._failure or await asyncio.to_thread(self._memory.has, lists)):
            return
        try:
            await asyncio.to_thread(self._memory.keep, lists)
        except OSError as error:
            why = error.strerror or type(error).__name__
            if why != self._forgetting:
                _log("trust-not-remembered", at=self._clock(), why=why)
            self._forgetting = why
        else:
            self._remembered, self._forgetting = digests, ""

    def _fail(self, now: datetime, findings: tuple[tuple[str, str, str], ...]) -> None:
        """Note why a reading was not used, and when to try again; the same as before is said once."""
        self._retry.note_failure(now)
        if self._failure is not None and self._failure.findings == findings:
            return
        self._failure = ReloadFailure(at=now, findings=findings)
        self._observer.reloaded("failed")
        _log("trust-reload-failed", at=now, findings=[f"{file}: {en}" for file, _, en in findings])

    def _observe(self, now: datetime) -> None:
        lists = self._state.lists
        self._observer.stands(
            anchors=count_anchors(self._store, now),
            held=len(self._state.held),
            age_seconds=max(((now - one.issued).total_seconds() for one in lists), default=0.0),
            next_end_seconds=min(
                ((end - now).total_seconds() for end in self._ends if end > now), default=float("inf")
            ),
            expiry_seconds={one.name: (one.expires - now).total_seconds() for one in lists},
        )

    def report(self) -> dict[str, Any]:
        """Return how the trust stands, for ``/readyz``."""
        now = self._clock()
        ends = [end for end in self._ends if end > now]
        return {
            "version": self._store.version,
            "loaded": encode_moment(self._loaded_at),
            "next_end": encode_moment(min(ends)) if ends else None,
            **describe_state(self._state, now),
            "failure": None if self._failure is None else self._failure.report(),
        }


def count_anchors(store: TrustStore, at: datetime) -> dict[str, int]:
    """Return for each purpose how many certificates and keys are trusted for it at ``at``."""
    counts = Counter(p for grant in (*store.anchors, *store.keys) if grant.is_current(at) for p in grant.purposes)
    return {purpose.value: counts[purpose] for purpose in Purpose}


def _prepare(state: TrustState, now: datetime) -> tuple[TrustStore, tuple[datetime, ...]]:
    """Return the store as of now and when parts of it end; what questions look up is worked out before the first."""
    store = state.store_at(now)
    _ = store.version, store.anchors_by_name, store.intermediates_by_name
    return store, _ends(store, state, now)


def _names_in_force(state: TrustState, at: datetime) -> tuple[str, ...]:
    return tuple(one.digest for one in state.in_force(at))


def _next_issue(state: TrustState) -> datetime | None:
    """Return when the first version that came too early may be taken."""
    return min((one.issued for one in state.waiting), default=None)


def _ends(store: TrustStore, state: TrustState, at: datetime) -> tuple[datetime, ...]:
    """Return the moments at which trust ends, sorted: sunsets, ends of certificates and of lists."""
    horizon = min(_FAR, datetime.max.replace(tzinfo=UTC) - at)
    events = forecast(store, at, horizon)
    ends = {event.at for event in events if event.turn is not Turn.START}
    return tuple(sorted(ends | {one.expires for one in state.in_force(at)}))


def _log(event: str, *, at: datetime, **more: object) -> None:
    LOGGER.info("%s", encode_event(event, at=encode_moment(at), **more))
