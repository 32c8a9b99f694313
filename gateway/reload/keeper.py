"""The site in force: callers, façades, sources and limits that requests begin with, replaced in one step.

Every process looks at the files of the site once a second, and reads all of the site when a change has come to rest for
one look, on SIGHUP, and when somebody asks for it (`gateway.reload.roster`). A fault anywhere leaves in force what is,
is reported, and is looked at again, since its cause may have passed. What is built into the process, such as its name
or the places of its logs, stays until it is started anew; the reports name it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from typing import Any, Final, Protocol

from gateway.audit.unavailable import LogUnavailableError
from gateway.log_lines import encode_event
from gateway.policy.moment import encode_moment
from gateway.reload.changes import Changes, compare_sites, merge_sites
from gateway.reload.files import mark_files
from gateway.reload.held import Held
from gateway.reload.in_force import MakeInForce, SiteInForce
from gateway.reload.roster import Faults, Place, Standing, describe_faults
from gateway.secret_file import SecretError
from gateway.settings import ReloadMode
from gateway.site import READ_AGAIN, STATE_FOLDER, Site, SiteError, check_tokens_used_once, load_site
from gateway.trust.retry import Retry
from gateway.watching import POLL_SECONDS, Watch

LOGGER: Final = logging.getLogger("tongban.site")

_UNFORESEEN: Final = (
    "",
    "读取站点文件夹时发生意外错误，详见进程日志；原有配置继续有效。",
    "an error that nobody foresaw, see the log of the process; what is in force stays in force",
)
_NO_LOG: Final = ("", "访问日志不接受条目，新配置尚未生效", "the access log takes nothing, so nothing new is in force")

Clock = Callable[[], datetime]


class ReloadResult(StrEnum):
    """How the last reading went."""

    OK = "ok"
    NEEDS_RESTART = "needs-restart"  # what can be put in force is; the rest takes a restart
    FAILED = "failed"  # nothing of it is in force


class SiteObserver(Protocol):
    """Who counts."""

    def site_reloaded(self, result: str) -> None:
        """Note a reading of the site, by one of `ReloadResult`."""


class SiteKeeper:
    """Holds the site in force and what is to be said about it; used on the event loop only."""

    def __init__(
        self,
        site: Site,
        *,
        make: MakeInForce,
        announce: Callable[[Site], Awaitable[None]],
        clock: Clock,
        observer: SiteObserver,
        shares_port: bool = False,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Begin with a site that was read, once `open` was awaited; one without a folder stays as it is.

        ``announce`` writes into the log what has to stand there before it counts. ``shares_port``: other processes
        answer beside this one.
        """
        self._first = site
        self._make, self._announce = make, announce
        self._clock, self._observer = clock, observer
        self._shares_port = shares_port
        self._in_force: Held[SiteInForce] | None = None
        self._retired: set[Held[SiteInForce]] = set()
        self._since = clock()
        self._seen = site.files.mark  # at the last look
        self._used = site.files.mark  # at the last reading
        self._result, self._changes = ReloadResult.OK, Changes()
        self._failed_at: datetime | None = None
        self._findings: Faults = ()
        self._retry = Retry(tried_at=self._since)
        self._place = None if site.folder is None else Place(site.folder / STATE_FOLDER)
        self._asked = ""
        self._is_mute = False  # the place could not be written the last time
        self._watch = Watch("site folder", self.look, fail=self._fail_unforeseen, logger=LOGGER, seconds=poll_seconds)
        self._busy = asyncio.Lock()

    # --- the site in force --------------------------------------------------------------------------------------------

    def current(self) -> SiteInForce:
        """Return what is in force now; RuntimeError before it was opened."""
        return self._held().value

    def hold(self) -> Held[SiteInForce]:
        """Return what is in force, kept open until it is released: for one request."""
        return self._held().hold()

    async def open(self) -> None:
        """Put the first site in force."""
        self._in_force = self._hold_first(await self._make(self._first, None))
        if self._place is not None:
            self._asked = await asyncio.to_thread(self._read_answered, self._place)
        await self._report_standing()

    async def close(self) -> None:
        """Let go of what is in force, and of what was before."""
        if self._in_force is not None:
            self._retire(self._in_force)
            self._in_force = None
        for one in list(self._retired):
            await one.closed()
        if self._place is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._place.close)

    def _read_answered(self, place: Place) -> str:
        """Return the word of who asked last, if what he wanted to be read was read at the start."""
        asked, folder = _read_asked(place), self._first.folder
        return asked if folder is not None and mark_files(folder, READ_AGAIN) == self._used else ""

    def _held(self) -> Held[SiteInForce]:
        if self._in_force is None:
            raise RuntimeError("the site is not in force yet, or not any more")
        return self._in_force

    def _hold_first(self, in_force: SiteInForce) -> Held[SiteInForce]:
        return Held(in_force, close=in_force.close)

    def _retire(self, held: Held[SiteInForce]) -> None:
        """Close it once the last request has left it."""
        self._retired = {one for one in self._retired if not one.is_closed}
        self._retired.add(held)
        held.release()

    # --- reading it again ---------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Read the site now, changed or not (SIGHUP)."""
        self._watch.wake()

    async def run(self) -> None:
        """Look at the site for ever; cancel to stop."""
        await self._watch.run()

    def _fail_unforeseen(self) -> None:
        self._fail((_UNFORESEEN,))

    async def look(self, *, forced: bool = False) -> bool:
        """Read the site if it changed since the last try and has come to rest, if that is due again, or if asked to.

        Returns whether it was read, well or not.
        """
        folder, place = self._first.folder, self._place
        if folder is None or place is None:
            return False
        async with self._busy:
            asked, mark = await asyncio.to_thread(lambda: (_read_asked(place), mark_files(folder, READ_AGAIN)))
            now = self._clock()
            watches = self.current().site.settings.reload is ReloadMode.WATCH
            at_rest, self._seen = mark == self._seen, mark
            is_due = watches and at_rest and (mark != self._used or self._retry.is_due(now))
            if not forced and not is_due and asked == self._asked:
                return False
            self._used, self._retry.tried_at = mark, now
            try:
                await self._reload(now)
            finally:
                self._asked = asked
                await self._report_standing()
            return True

    async def _reload(self, now: datetime) -> None:
        begun, present = perf_counter(), self.current()
        folder = self._first.folder
        if folder is None:
            return
        try:
            written = await asyncio.to_thread(load_site, folder, at=now, present=present.site)
            merged = merge_sites(present.site, written)
            if self._shares_port:
                check_tokens_used_once(written)  # for the restart
                check_tokens_used_once(merged)  # for now: another Redis takes a restart
            made = await self._make_announced(merged, present)
        except SiteError as error:
            self._fail(describe_faults(error.faults))
            return
        except SecretError as error:
            self._fail((("", f"密钥文件不可用：{error}", f"a file of a key cannot be used: {error}"),))
            return
        except LogUnavailableError:
            self._fail((_NO_LOG,))
            return
        before, self._in_force = self._held(), self._hold_first(made)
        self._retire(before)
        self._changes = compare_sites(present.site, written)
        self._result = ReloadResult.NEEDS_RESTART if self._changes.restart else ReloadResult.OK
        self._failed_at, self._findings, self._since = None, (), now
        self._retry.note_success()
        self._observer.site_reloaded(self._result)
        self._log(
            "site-reloaded",
            changed=self._changes.applied,
            needs_restart=self._changes.restart,
            seconds=round(perf_counter() - begun, 3),
        )

    async def _make_announced(self, merged: Site, present: SiteInForce) -> SiteInForce:
        """Make it, and then say in the log what has to stand there before it counts: what is said comes into force."""
        made = await self._make(merged, present)
        try:
            if merged.withholding != present.site.withholding:
                await self._announce(merged)
        except BaseException:
            await made.close()
            raise
        return made

    def _fail(self, findings: Faults) -> None:
        """Note why what is written was not used, and when to try again; the same as before is said once."""
        now = self._clock()
        self._retry.note_failure(now)
        if self._result is ReloadResult.FAILED and self._findings == findings:
            return
        self._result, self._failed_at, self._findings = ReloadResult.FAILED, now, findings
        self._changes = Changes()
        self._observer.site_reloaded(self._result)
        self._log("site-reload-failed", findings=[f"{file}: {en}" for file, _, en in findings])

    # --- what is said about it ----------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """Return how the site stands, for ``/readyz``, which anybody may ask: faults are counted, and not shown."""
        zh, en = "站点配置与文件夹一致。", "What the site folder says is in force."
        if self._result is ReloadResult.NEEDS_RESTART:
            zh = "站点配置有改动须重新启动后生效，见 tongban reload。"
            en = "Something that was changed takes a restart, see tongban reload."
        if self._result is ReloadResult.FAILED:
            zh = "站点文件夹有误，原有配置继续有效，见 tongban reload。"
            en = "The site folder has faults, and what was in force stays so; see tongban reload."
        return {
            "state": self._result,
            "since": encode_moment(self._since),
            "failed_at": None if self._failed_at is None else encode_moment(self._failed_at),
            "faults": len(self._findings),
            "zh": zh,
            "en": en,
        }

    async def _report_standing(self) -> None:
        """Say to `tongban reload` how this process stands."""
        place = self._place
        if place is None:
            return
        standing = Standing(
            asked=self._asked,
            result=self._result,
            since=encode_moment(self._since),
            applied=self._changes.applied,
            restart=self._changes.restart,
            faults=self._findings,
        )
        try:
            await asyncio.to_thread(place.write, standing)
        except OSError as error:
            if not self._is_mute:
                self._log("site-standing-not-written", why=error.strerror or type(error).__name__)
            self._is_mute = True
        else:
            self._is_mute = False

    def _log(self, event: str, **more: object) -> None:
        LOGGER.info("%s", encode_event(event, at=encode_moment(self._clock()), **more))


def _read_asked(place: Place) -> str:
    try:
        return place.read_asked()
    except OSError:
        return ""
