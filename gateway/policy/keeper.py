"""The policy in force: one engine that questions start with, replaced in one step when the site's policy changes.

Every process looks at ``policies/`` and ``approvers/`` once a second, and reads them when a change has come to rest for
one look. What it reads is used as a whole or not at all: a fault anywhere leaves in force what is, and is reported.
A version that widens anything waits until enough approvers have signed it. A version whose time ends is let go within
a second, and then nothing is shared.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from datetime import date, datetime, time
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.policy.activation import (
    PolicyInForce,
    PolicySite,
    Settled,
    SiteFaultsError,
    Standing,
    Validity,
    settle,
)
from gateway.policy.approvers import APPROVERS_FOLDER
from gateway.policy.draft import Draft, read_sound_draft
from gateway.policy.folder import POLICIES_FOLDER, has_policy
from gateway.policy.in_force import StateError
from gateway.policy.moment import china_day, encode_moment
from gateway.policy.observer import PolicyObserver, SilentPolicyObserver
from gateway.policy.standing import report_policy
from gateway.trust_keeper import POLL_SECONDS
from gateway.trust_mark import Mark, mark_folder
from gateway.trust_report import MAX_SHOWN, ReloadFailure
from policies.fault import PolicyError

LOGGER: Final = logging.getLogger("tongban.policy")

Clock = Callable[[], datetime]
Findings = tuple[tuple[str, str, str], ...]  # file, Chinese, English

_NOTHING: Final = Settled(in_force=None, standing=Standing.NO_POLICY)


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
    ) -> None:
        """Begin with nothing in force until `look` was awaited; without a site, keep ``in_force`` for good."""
        self._site = site
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._observer = observer or SilentPolicyObserver()
        self._settled = _NOTHING if in_force is None else Settled(in_force=in_force, standing=Standing.IN_FORCE)
        self._current: PolicyInForce | None = None
        self._draft: Draft | None = None
        self._day: date | None = None  # on which it was last settled
        self._seen: tuple[Mark, Mark] | None = None  # what the folders were marked with at the last look
        self._used: tuple[Mark, Mark] | None = None  # and at the last reload
        self._failure: ReloadFailure | None = None
        self._wake = asyncio.Event()
        self._forced = False
        self._busy = asyncio.Lock()
        self._choose(clock())

    def current(self) -> PolicyInForce | None:
        """Return the policy in force; a value, to be kept throughout a question. None: nothing is shared."""
        return self._current

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
        self._forced = True
        self._wake.set()

    async def run(self) -> None:
        """Look at the policy for ever; cancel to stop."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()
            self._wake.clear()
            forced, self._forced = self._forced, False
            try:
                await self.look(forced=forced)
            except Exception:  # whatever nobody foresaw must not end the watch
                LOGGER.exception("policy")

    async def look(self, *, forced: bool = False) -> bool:
        """Reload if the policy changed since the last try and has come to rest; let go of what has ended.

        A change that goes on, such as files being copied one by one, is waited for: half of a policy would share less,
        and the other half would then widen it and wait for approval. The first look waits for nothing.
        Returns whether it was reloaded, well or not.
        """
        async with self._busy:
            site, reloaded = self._site, False
            if site is not None:
                mark = await asyncio.to_thread(_mark, site.folder)
                at_rest, self._seen = self._used is None or mark == self._seen, mark
                if forced or (mark != self._used and at_rest):
                    self._used = mark
                    await self._reload(site)
                    reloaded = True
                elif china_day(self._clock()) != self._day and self._failure is None:
                    await self._settle(site, self._draft)  # a day may begin or end what is written
            now = self._clock()
            self._choose(now)
            self._observe(now)
            return reloaded

    async def _reload(self, site: PolicySite) -> None:
        begun = perf_counter()
        try:
            draft = await asyncio.to_thread(_read, site)
        except PolicyError as error:
            self._fail(_describe_policy_error(error))
            # What is in force does not need the files: a gateway that starts beside a broken draft goes on.
            await self._recall(site)
            return
        except OSError as error:
            self._fail((_describe_os_error(error),))
            await self._recall(site)
            return
        if not await self._settle(site, draft):
            return
        self._failure = None
        settled = self._settled
        self._observer.reloaded("ok" if settled.standing in {Standing.IN_FORCE, Standing.NO_POLICY} else "waiting")
        self._log(
            "policy-reloaded",
            standing=settled.standing,
            draft=None if draft is None else draft.digest,
            in_force=None if settled.in_force is None else settled.in_force.digest,
            approvers=() if settled.proposal is None else settled.proposal.approvers,
            seconds=round(perf_counter() - begun, 3),
        )

    async def _settle(self, site: PolicySite, draft: Draft | None) -> bool:
        """Put the draft in force if it may be; returns whether that went well."""
        now = self._clock()
        try:
            settled = await asyncio.to_thread(settle, site, draft, at=now, present=self._settled.in_force)
        except StateError as error:
            self._fail(((f"state/{error.place}", error.sentence.zh, error.sentence.en),))
        except SiteFaultsError as error:
            self._fail(tuple((one.file, one.sentence_zh, str(one)) for one in error.faults[:MAX_SHOWN]))
        except OSError as error:
            self._fail((_describe_os_error(error),))
        else:
            self._settled, self._draft, self._day = settled, draft, china_day(now)
            return True
        return False

    async def _recall(self, site: PolicySite) -> None:
        """Take up what the state says is in force, where nothing was taken up yet."""
        if self._settled.in_force is not None:
            return
        with contextlib.suppress(StateError, OSError):  # the fault of the files is the one to mend first
            self._settled = await asyncio.to_thread(settle, site, None, at=self._clock())

    def _choose(self, now: datetime) -> None:
        in_force = self._settled.in_force
        applies = in_force is not None and in_force.validity(china_day(now)) is Validity.APPLIES
        self._current = in_force if applies else None

    def _fail(self, findings: Findings) -> None:
        self._failure = ReloadFailure(at=self._clock(), findings=findings)
        self._observer.reloaded("failed")
        self._log("policy-reload-failed", findings=[f"{file}: {en}" for file, _, en in findings])

    def _observe(self, now: datetime) -> None:
        current = self._current
        self._observer.stands(
            applies=current is not None,
            waits=self._settled.standing in {Standing.WAITS_FOR_APPROVAL, Standing.WAITS_FOR_DAY},
            end_seconds=inf if current is None else (_end(current) - now).total_seconds(),
        )

    def report(self) -> dict[str, Any]:
        """Return how the policy stands, for ``/readyz``."""
        failure = None if self._failure is None else self._failure.report()
        return {**report_policy(self._settled, china_day(self._clock())), "failure": failure}

    def _log(self, event: str, **more: object) -> None:
        line = {"at": encode_moment(self._clock()), "event": event, **more}
        LOGGER.info("%s", json.dumps(line, ensure_ascii=False, separators=(",", ":")))


def _mark(site: Path) -> tuple[Mark, Mark]:
    return mark_folder(site / POLICIES_FOLDER), mark_folder(site / APPROVERS_FOLDER)


def _read(site: PolicySite) -> Draft | None:
    """Return the policy that is written in the site; None where there never was any.

    Where one is in force, its files going away is taken for an accident.
    """
    if not has_policy(site.policies):
        with contextlib.suppress(StateError):
            if site.archive.pointer() is None:
                return None
    return read_sound_draft(site.policies)


def _describe_policy_error(error: PolicyError) -> Findings:
    return tuple((one.file, one.sentence_zh, str(one)) for one in error.faults[:MAX_SHOWN])


def _describe_os_error(error: OSError) -> tuple[str, str, str]:
    why = error.strerror or type(error).__name__
    return POLICIES_FOLDER, f"无法读写：{why}", f"cannot be read or written: {why}"


def _end(policy: PolicyInForce) -> datetime:
    """Return the moment at which the policy ends: as its day `valid_to` begins in China."""
    end = date.fromisoformat(policy.bundle.valid_to)
    return datetime.combine(end, time(), CHINA_STANDARD_TIME)
