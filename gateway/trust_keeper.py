"""The trust in force: one store that requests start with, replaced in one step when the trust folder changes.

Every process looks at the folder once a second. What it reads is used as a whole or not at all: a fault anywhere in it
leaves the old store in force and is reported. A list whose time ends takes its anchors with it within a second.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

from gateway.trust_lists import MAX_CHANGE, Finding, TrustReading, TrustState, read_trust
from gateway.trust_mark import Mark, mark_folder
from keys.trust import Purpose, TrustStore
from keys.trust_forecast import Turn, forecast

LOGGER: Final = logging.getLogger("tongban.trust")

POLL_SECONDS: Final = 1.0
MAX_SHOWN: Final = 20  # findings that are reported; the first of them is mostly the cause of the others
_FAR: Final = timedelta(days=36_500)

Clock = Callable[[], datetime]


class TrustObserver(Protocol):
    """Who counts: told of every reload, and once a second how things stand."""

    def reloaded(self, result: str) -> None:
        """Note a reload: ``ok`` or ``failed``."""

    def stands(self, *, anchors: dict[str, int], held: int, age_seconds: float, next_end_seconds: float) -> None:
        """Note how things stand; infinite seconds where nothing ends, 0 of age where there is no list."""


class SilentObserver:
    """Counts nothing."""

    def reloaded(self, result: str) -> None:
        """Do nothing."""

    def stands(self, *, anchors: dict[str, int], held: int, age_seconds: float, next_end_seconds: float) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadFailure:
    """Why the folder, as it is now, is not in force."""

    at: datetime
    findings: tuple[tuple[str, str, str], ...] = field(default=())  # file, Chinese, English

    def report(self) -> dict[str, Any]:
        """Return it for ``/readyz``."""
        return {
            "at": _stamp(self.at),
            "findings": [{"file": file, "zh": zh, "en": en} for file, zh, en in self.findings],
        }


class TrustKeeper:
    """Holds the trust store in force and what is to be said about it; used on the event loop only."""

    def __init__(
        self,
        state: TrustState,
        *,
        clock: Clock,
        folder: Path | None = None,
        mark: Mark | None = None,
        max_change: float = MAX_CHANGE,
        poll_seconds: float = POLL_SECONDS,
        observer: TrustObserver | None = None,
        on_change: Callable[[TrustStore], Awaitable[None]] | None = None,
    ) -> None:
        """Start with a state that was read from ``folder``; without a folder it stays as it is.

        ``mark`` is what the folder was marked with before it was read; without it the first look reads it again.
        """
        self._state = state
        self._clock = clock
        self._folder = folder
        self._max_change = max_change
        self._poll_seconds = poll_seconds
        self._observer = observer or SilentObserver()
        self._on_change = on_change
        self._loaded_at = clock()
        self._names = self._names_in_force(self._loaded_at)
        self._store = state.store_at(self._loaded_at)
        self._ends = _ends(self._store, state, self._loaded_at)
        self._mark = mark
        self._failure: ReloadFailure | None = None
        self._wake = asyncio.Event()
        self._forced = False
        self._busy = asyncio.Lock()
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
        """Why the last reload failed; None when it did not."""
        return self._failure

    def wake(self) -> None:
        """Read the folder now, changed or not (SIGHUP)."""
        self._forced = True
        self._wake.set()

    async def run(self) -> None:
        """Look at the folder for ever; cancel to stop."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()
            self._wake.clear()
            forced, self._forced = self._forced, False
            try:
                await self.look(forced=forced)
            except Exception:  # whatever nobody foresaw must not end the watch
                LOGGER.exception("trust folder")

    async def look(self, *, forced: bool = False) -> bool:
        """Reload if the folder changed since the last try, and let go of lists whose time is over.

        Returns whether it was reloaded, well or not.
        """
        async with self._busy:
            reloaded = False
            if self._folder is not None:
                mark = await asyncio.to_thread(mark_folder, self._folder)
                if forced or mark != self._mark:
                    self._mark = mark  # before reading: what changes meanwhile is another mark the next time
                    await self._reload(self._folder)
                    reloaded = True
            now = self._clock()
            if self._names_in_force(now) != self._names:
                await self._put_in_force(self._state, now)
            self._observe(now)
            return reloaded

    async def _reload(self, folder: Path) -> None:
        now, begun = self._clock(), perf_counter()
        reading = await asyncio.to_thread(_read, folder, now, self._state, self._max_change)
        if isinstance(reading, OSError):
            why = reading.strerror or type(reading).__name__
            self._fail(now, (("", f"无法读取信任文件夹：{why}", f"the trust folder cannot be read: {why}"),))
            return
        if reading.faults:
            self._fail(now, describe_findings(reading.faults))
            return
        self._failure = None
        await self._put_in_force(reading.state, now)
        self._loaded_at = now
        self._observer.reloaded("ok")
        _log(
            "trust-reloaded",
            at=now,
            version=self._store.version,
            anchors=len(self._store.anchors),
            lists={one.name: one.version for one in reading.state.lists},
            held=[one.candidate.name for one in reading.state.held],
            seconds=round(perf_counter() - begun, 3),
        )

    async def _put_in_force(self, state: TrustState, now: datetime) -> None:
        """Replace everything in one step, between two questions; what is asked already keeps its own store."""
        store = state.store_at(now)
        _ = store.version, store.anchors_by_name  # worked out here, not in the first question
        self._state, self._store, self._names = state, store, tuple(one.digest for one in state.in_force(now))
        self._ends = _ends(store, state, now)
        if self._on_change is not None:
            await self._on_change(store)

    def _fail(self, now: datetime, findings: tuple[tuple[str, str, str], ...]) -> None:
        self._failure = ReloadFailure(at=now, findings=findings)
        self._observer.reloaded("failed")
        _log("trust-reload-failed", at=now, findings=[f"{file}: {en}" for file, _, en in findings])

    def _names_in_force(self, at: datetime) -> tuple[str, ...]:
        return tuple(one.digest for one in self._state.in_force(at))

    def _observe(self, now: datetime) -> None:
        lists = self._state.in_force(now)
        self._observer.stands(
            anchors=count_anchors(self._store),
            held=len(self._state.held),
            age_seconds=max(((now - one.issued).total_seconds() for one in lists), default=0.0),
            next_end_seconds=min(
                ((end - now).total_seconds() for end in self._ends if end > now), default=float("inf")
            ),
        )

    def report(self) -> dict[str, Any]:
        """Return how the trust stands, for ``/readyz``."""
        now = self._clock()
        failure = self._failure
        ends = [end for end in self._ends if end > now]
        return {
            "version": self._store.version,
            "loaded": _stamp(self._loaded_at),
            "next_end": _stamp(min(ends)) if ends else None,
            "lists": [
                {
                    "name": one.name,
                    "version": one.version,
                    "issued": _stamp(one.issued),
                    "expires": _stamp(one.expires),
                    "in_force": one.issued <= now < one.expires,
                }
                for one in self._state.lists
            ],
            "held": [
                {
                    "name": one.candidate.name,
                    "version": one.candidate.version,
                    "in_force": one.in_force.version,
                    "shrinkage": round(one.change.shrinkage, 4),
                    "growth": round(one.change.growth, 4),
                }
                for one in self._state.held
            ],
            "failure": None if failure is None else failure.report(),
        }


def count_anchors(store: TrustStore) -> dict[str, int]:
    """Return for each purpose how many certificates and keys are trusted for it."""
    grants = (*store.anchors, *store.keys)
    return {purpose.value: sum(purpose in grant.purposes for grant in grants) for purpose in Purpose}


def describe_findings(findings: tuple[Finding, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return file, Chinese and English of the first findings."""
    return tuple((one.file, one.sentence_zh, one.sentence) for one in findings[:MAX_SHOWN])


def _read(folder: Path, at: datetime, present: TrustState, max_change: float) -> TrustReading | OSError:
    try:
        return read_trust(folder, at=at, present=present, max_change=max_change)
    except OSError as error:
        return error


def _ends(store: TrustStore, state: TrustState, at: datetime) -> tuple[datetime, ...]:
    """Return the moments at which trust ends, sorted: sunsets, ends of certificates and of lists."""
    horizon = min(_FAR, datetime.max.replace(tzinfo=UTC) - at)
    events = forecast(store, at, horizon)
    ends = {event.at for event in events if event.turn is not Turn.START}
    return tuple(sorted(ends | {one.expires for one in state.in_force(at)}))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _log(event: str, *, at: datetime, **more: object) -> None:
    LOGGER.info("%s", json.dumps({"at": _stamp(at), "event": event, **more}, ensure_ascii=False, separators=(",", ":")))
