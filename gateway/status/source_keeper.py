"""The sources of status in force: ``status/*.toml`` of the site, read again when something in it changes.

What is read is used as a whole or not at all: a fault anywhere leaves the old sources in force, is reported, and is
looked at again, since its cause may have passed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from gateway.log_lines import encode_event
from gateway.status.source import STATUS_FOLDER, StatusSource, load_status_sources
from gateway.toml_table import Fault
from gateway.trust.mark import Mark, mark_folder
from gateway.trust.report import MAX_SHOWN, ReloadFailure
from gateway.trust.retry import Retry
from gateway.watching import POLL_SECONDS, Watch
from keys.trust import TrustStore
from keys.trust_list import encode_moment

LOGGER: Final = logging.getLogger("tongban.trust")

_UNFORESEEN: Final = (
    "",
    "启用状态来源时发生意外错误，详见日志；原有来源继续有效。",
    "an error that nobody foresaw, see the log; the old sources stay in force",
)

Clock = Callable[[], datetime]


class SourceObserver(Protocol):
    """Who counts."""

    def sources_reloaded(self, result: str) -> None:
        """Note a reload: ``ok`` or ``failed``."""


class SourceKeeper:
    """Watches the folder of sources; used on the event loop only."""

    def __init__(
        self,
        site: Path,
        *,
        store: Callable[[], TrustStore],
        clock: Clock,
        on_change: Callable[[Sequence[StatusSource]], Awaitable[None]],
        observer: SourceObserver,
        mark: Mark | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Start with sources that were read from ``site`` with the trust of ``store``.

        ``mark`` is what the folder was marked with before it was read; without it the first look reads it again.
        """
        self._site = site
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._observer = observer
        self._mark = None if mark is None else (mark, store().anchors_version)
        self._failure: ReloadFailure | None = None
        self._retry = Retry(tried_at=clock())
        self._watch = Watch("status folder", self.look, fail=self._fail_unforeseen, logger=LOGGER, seconds=poll_seconds)

    @property
    def failure(self) -> ReloadFailure | None:
        """Why the folder, as it is now, is not in force; None: it is."""
        return self._failure

    def wake(self) -> None:
        """Read the folder now, changed or not (SIGHUP)."""
        self._watch.wake()

    async def run(self) -> None:
        """Look at the folder for ever; cancel to stop."""
        await self._watch.run()

    def _fail_unforeseen(self) -> None:
        self._fail(self._clock(), (_UNFORESEEN,))

    async def look(self, *, forced: bool = False) -> bool:
        """Reload if the folder, or the anchors that it may name, changed since the last try, or that is due again.

        Returns whether it was reloaded, well or not.
        """
        store = self._store()
        mark = (await asyncio.to_thread(mark_folder, self._site / STATUS_FOLDER), store.anchors_version)
        now = self._clock()
        if mark == self._mark and not forced and not self._retry.is_due(now):
            return False
        self._mark = mark  # before reading: what changes meanwhile is another mark the next time
        self._retry.tried_at = now
        sources, faults = await asyncio.to_thread(_read, self._site, store)
        if faults:
            self._fail(now, tuple((fault.file, fault.sentence_zh, str(fault)) for fault in faults[:MAX_SHOWN]))
            return True
        await self._on_change(sources)
        self._failure = None
        self._retry.note_success()
        self._observer.sources_reloaded("ok")
        self._log("status-reloaded", sources=[source.name for source in sources])
        return True

    def _fail(self, now: datetime, findings: tuple[tuple[str, str, str], ...]) -> None:
        """Note why the folder is not in force, and when to try again; the same as before is said once."""
        self._retry.note_failure(now)
        if self._failure is not None and self._failure.findings == findings:
            return
        self._failure = ReloadFailure(at=now, findings=findings)
        self._observer.sources_reloaded("failed")
        self._log("status-reload-failed", findings=[english for _, _, english in findings])

    def report(self) -> dict[str, Any] | None:
        """Return why the folder is not in force, for ``/readyz``; None: it is."""
        return None if self._failure is None else self._failure.report()

    def _log(self, event: str, **more: object) -> None:
        LOGGER.info("%s", encode_event(event, at=encode_moment(self._clock()), **more))


def _read(site: Path, store: TrustStore) -> tuple[tuple[StatusSource, ...], list[Fault]]:
    faults: list[Fault] = []
    return load_status_sources(site, store=store, faults=faults), faults
