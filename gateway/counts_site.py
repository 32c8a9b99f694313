"""Who counts for a site: limits, budgets, and what may be used once, in this process or in the Redis of several."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.budget.charging import SECRET_BYTES, Charging
from gateway.budget.memory import MemoryBudgets
from gateway.budget.redis_budgets import RedisBudgets
from gateway.budget.store import BudgetStore
from gateway.limits.marks import MarkStore, MemoryMarks, UnsharedMarks
from gateway.limits.memory import MemoryLimits
from gateway.limits.names import KEY_BYTES, KeyedNames, derive_key
from gateway.limits.one_key import OneKey
from gateway.limits.redis_limits import RedisLimits
from gateway.limits.redis_marks import RedisMarks
from gateway.limits.store import LimitStore
from gateway.metrics import Metrics
from gateway.presentations.redis_presentations import RedisPresentations
from gateway.presentations.store import MemoryPresentations, PresentationStore
from gateway.secret_file import read_or_make_secret
from gateway.shared.connection import SharedRedis
from gateway.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Who counts what; ``names`` and ``charging`` make the keys, in several processes alike once `share_counts` ran."""

    limits: LimitStore
    marks: MarkStore
    budgets: BudgetStore
    charging: Charging
    names: KeyedNames
    one_key: OneKey | None  # None: nothing is counted together
    codes: PresentationStore | None  # None: other processes would not know of them


def make_counts(shared: SharedRedis | None, metrics: Metrics) -> Counts:
    """Return who counts, with keys that are of this process alone."""
    names, charging = KeyedNames(), Charging(secrets.token_bytes(SECRET_BYTES))
    if shared is None:
        return Counts(
            limits=MemoryLimits(),
            marks=UnsharedMarks() if metrics.is_shared else MemoryMarks(),
            budgets=MemoryBudgets(),
            charging=charging,
            names=names,
            one_key=None,
            codes=None if metrics.is_shared else MemoryPresentations(),
        )
    one_key = OneKey(shared)
    return Counts(
        limits=RedisLimits(shared, names, metrics=metrics.limits),
        marks=RedisMarks(shared, names, one_key=one_key),
        budgets=RedisBudgets(shared, metrics=metrics.limits),
        charging=charging,
        names=names,
        one_key=one_key,
        codes=RedisPresentations(shared, one_key=one_key),
    )


def share_counts(counts: Counts, site: Site) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return what lets the processes of a site count together from the start on.

    It raises SecretError when the key can be neither read nor made.
    """

    async def share(_: web.Application) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if counts.one_key is not None:
                secret = await asyncio.to_thread(_read_secret, site)
                counts.names.open(derive_key(secret, "names"))
                counts.charging.open(derive_key(secret, "budgets"))
                if isinstance(counts.codes, RedisPresentations):
                    counts.codes.open(derive_key(secret, "presentations"))
                await stack.enter_async_context(counts.one_key.running(derive_key(secret, "check")))
            yield
        if isinstance(counts.limits, RedisLimits):
            await counts.limits.settle()

    return share


def _read_secret(site: Site) -> bytes:
    """Return what all gateways of a site have; one without a folder has nothing that others could have."""
    if site.folder is None:
        return secrets.token_bytes(KEY_BYTES)
    return read_or_make_secret(site.folder / site.settings.cache.key)
