"""The policy in force: one engine that questions start with, replaced in one step when the site's policy changes.

Every process looks at ``policies/`` and ``approvers/`` once a second, and reads them when a change has come to rest for
one look. What it reads is used as a whole or not at all: a fault anywhere leaves in force what is, is reported, and is
looked at again, since its cause may have passed. What another process of the site put in force is taken up too.
A version that widens anything waits until enough approvers have signed it. A version decides on the days of its period
only, whatever a look is busy with, and after that nothing is shared.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from math import inf
from time import perf_counter
from typing import Any, Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.log_lines import encode_event
from gateway.policy.activation import PolicyInForce, Settled, Standing, Validity, settle, settled_by
from gateway.policy.approvers import APPROVERS_FOLDER
from gateway.policy.folder import POLICIES_FOLDER
from gateway.policy.in_force import StateError
from gateway.policy.moment import china_day, encode_moment
from gateway.policy.observer import PolicyObserver, SilentPolicyObserver
from gateway.policy.policy_site import PolicySite, SiteFaultsError, Written, read_written
from gateway.policy.standing import report_policy
from gateway.trust.mark import Mark
from gateway.trust.report import MAX_SHOWN, ReloadFailure
from gateway.trust.retry import Retry
from gateway.watching import POLL_SECONDS, Watch
from policies.fault import PolicyError

LOGGER: Final = logging.getLogger("tongban.policy")

Clock = Callable[[], datetime]
Findings = tuple[tuple[str, str, str], ...]  # file, Chinese, English

_NOTHING: Final = Settled(in_force=None, standing=Standing.NO_POLICY)
_APPROVERS: Final = (
    APPROVERS_FOLDER,
    "审批人文件有误，详见日志或 tongban policy status",
    "a file of an approver is not in order; see the log, or tongban policy status",
)
_UNFORESEEN: Final = (
    POLICIES_FOLDER,
    "读取策略时发生意外错误，详见日志；现行策略继续有效。",
    "an error that nobody foresaw, see the log; what is in force stays in force",
)


class PolicyKeeper:
    """Holds the policy in force and what is to be said about it; used on the event loop only."""

    def __init__(
        self,
        site: PolicySite | None,
        *,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
        observer: PolicyObserver | None = None,
        in_force: PolicyInForce | None = None,
        on_change: Callable[[str, int], Awaitable[None]] | None = None,
    ) -> None:
        """Begin with nothing in force until `look` was awaited; without a site, keep ``in_force`` for good.

        ``on_change`` is told the digest of what comes into force, and how many people approved it, before it decides.
        """
        self._site = site
        self._clock = clock
        self._observer = observer or SilentPolicyObserver()
        self._on_change = on_change
        self._settled = _NOTHING if in_force is None else Settled(in_force=in_force, standing=Standing.IN_FORCE)
        self._written: Written | None = None  # what was read last; None: it had faults
        self._settled_for: tuple[object, date] | None = None  # the mark of the pointer, and the day, of the last try
        self._seen: tuple[Mark, Mark] | None = None  # what the folders were marked with at the last look
        self._used: tuple[Mark, Mark] | None = None  # and at the last reload
        self._failure: ReloadFailure | None = None
        self._retry = Retry(tried_at=clock())
        self._watch = Watch("policy", self.look, fail=self._fail_unforeseen, logger=LOGGER, seconds=poll_seconds)
        self._busy = asyncio.Lock()

    def current(self) -> PolicyInForce | None:
        """Return the policy that decides now; a value, to be kept throughout a question. None: nothing is shared."""
        in_force = self._settled.in_force
        if in_force is None or in_force.validity(china_day(self._clock())) is not Validity.APPLIES:
            return None
        return in_force

    @property
    def settled(self) -> Settled:
        """What was found last: what is in force, and where the version stands that is written in the site."""
        return self._settled

    @property
    def failure(self) -> ReloadFailure | None:
        """Why the last reload failed; None when it did not."""
        return self._failure

    def wake(self) -> None:
        """Read the policy now, changed or not (SIGHUP)."""
        self._watch.wake()

    async def run(self) -> None:
        """Look at the policy for ever; cancel to stop."""
        await self._watch.run()

    def _fail_unforeseen(self) -> None:
        self._fail((_UNFORESEEN,))

    async def look(self, *, forced: bool = False) -> bool:
        """Reload if the policy changed since the last try and has come to rest, or if that is due again.

        A change that goes on, such as files being copied one by one, is waited for: half of a policy would share less,
        and the other half would then widen it and wait for approval. The first look waits for nothing.
        Where the pointer or the day is another one, what was read is settled again: the day may begin it.
        Returns whether it was reloaded, well or not.
        """
        async with self._busy:
            site, reloaded = self._site, False
            if site is not None:
                mark, pointer = await asyncio.to_thread(_mark, site)
                now = self._clock()
                at_rest, self._seen = self._used is None or mark == self._seen, mark
                present = (pointer, china_day(now))
                if forced or (at_rest and (mark != self._used or self._retry.is_due(now))):
                    self._used, self._settled_for, self._retry.tried_at = mark, present, now
                    await self._reload(site)
                    reloaded = True
                elif present != self._settled_for:
                    self._settled_for = present
                    had_failed = self._failure is not None
                    if await self._settle(site, self._written) and had_failed:
                        self._count_good()
            self._observe(self._clock())
            return reloaded

    async def _reload(self, site: PolicySite) -> None:
        begun = perf_counter()
        self._written = None
        try:
            self._written = await asyncio.to_thread(read_written, site)
        except (PolicyError, OSError) as error:
            self._fail(_describe_error(error))
        if not await self._settle(site, self._written):
            return
        self._count_good()
        settled = self._settled
        self._log(
            "policy-reloaded",
            standing=settled.standing,
            draft=None if settled.proposal is None else settled.proposal.draft.digest,
            in_force=None if settled.in_force is None else settled.in_force.digest,
            approvers=() if settled.proposal is None else settled.proposal.approvers,
            seconds=round(perf_counter() - begun, 3),
        )

    async def _settle(self, site: PolicySite, written: Written | None) -> bool:
        """Put what was read in force if it may be; whatever keeps it from that, take up what the state says is.

        Returns whether that went well.
        """
        now, present = self._clock(), self._settled.in_force
        if written is not None:
            try:
                settled = await asyncio.to_thread(settle, site, written, at=now, present=present)
            except (StateError, SiteFaultsError, OSError) as error:
                self._fail(_describe_error(error))
            else:
                await self._take(settled)
                self._failure = None
                self._retry.note_success()
                return True
        with contextlib.suppress(StateError, OSError):  # what was said already is to be mended first
            await self._take(await asyncio.to_thread(settled_by, site, None, at=now, present=present))
        return False

    async def _take(self, settled: Settled) -> None:
        """Let it decide from now on; whoever keeps the log is told first."""
        pointer = settled.pointer
        if self._on_change is not None and pointer is not None and settled.in_force is not self._settled.in_force:
            await self._on_change(pointer.digest, len(pointer.approvers))
        self._settled = settled

    def _count_good(self) -> None:
        is_decided = self._settled.standing in {Standing.IN_FORCE, Standing.NO_POLICY}
        self._observer.reloaded("ok" if is_decided else "waiting")

    def _fail(self, findings: Findings) -> None:
        """Note why what is written was not used, and when to try again; the same as before is said once."""
        now = self._clock()
        self._retry.note_failure(now)
        if self._failure is not None and self._failure.findings == findings:
            return
        self._failure = ReloadFailure(at=now, findings=findings)
        self._observer.reloaded("failed")
        self._log("policy-reload-failed", findings=[f"{file}: {en}" for file, _, en in findings])

    def _observe(self, now: datetime) -> None:
        current = self.current()
        self._observer.stands(
            applies=current is not None,
            waits=self._settled.standing in {Standing.WAITS_FOR_APPROVAL, Standing.WAITS_FOR_DAY},
            end_seconds=inf if current is None else (_end(current) - now).total_seconds(),
        )

    def report(self) -> dict[str, Any]:
        """Return how the policy stands, for ``/readyz``, which anybody may ask: no file of an approver is named."""
        failure = None
        if self._failure is not None:
            findings = dict.fromkeys(map(_anonymous, self._failure.findings))
            failure = ReloadFailure(at=self._failure.at, findings=tuple(findings)).report()
        return {**report_policy(self._settled, china_day(self._clock())), "failure": failure}

    def _log(self, event: str, **more: object) -> None:
        LOGGER.info("%s", encode_event(event, at=encode_moment(self._clock()), **more))


def _mark(site: PolicySite) -> tuple[tuple[Mark, Mark], object]:
    return site.mark(), site.archive.pointer_mark()


def _anonymous(finding: tuple[str, str, str]) -> tuple[str, str, str]:
    return _APPROVERS if finding[0].split("/", 1)[0] == APPROVERS_FOLDER else finding


def _describe_error(error: PolicyError | StateError | SiteFaultsError | OSError) -> Findings:
    match error:
        case PolicyError() | SiteFaultsError():
            return tuple((one.file, one.sentence_zh, str(one)) for one in error.faults[:MAX_SHOWN])
        case StateError():
            return ((f"state/{error.place}", error.sentence.zh, error.sentence.en),)
        case OSError():
            why = error.strerror or type(error).__name__
            return ((POLICIES_FOLDER, f"无法读写：{why}", f"cannot be read or written: {why}"),)


def _end(policy: PolicyInForce) -> datetime:
    """Return the moment at which the policy ends: as its day `valid_to` begins in China."""
    end = date.fromisoformat(policy.bundle.valid_to)
    return datetime.combine(end, time(), CHINA_STANDARD_TIME)
