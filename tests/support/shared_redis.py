"""A connection of the gateway to a Redis server of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from gateway.limits.one_key import OneKey
from gateway.shared.connection import SharedRedis
from gateway.shared.metrics import SharedMetrics
from tests.support.callers import NOW
from tests.support.redis_servers import RedisServer, access

PATIENT_SECONDS = 5.0  # for a command on a loaded machine, where a test is not about its deadline


@asynccontextmanager
async def connected(
    *servers: RedisServer, cluster: bool = False, seconds: float = PATIENT_SECONDS, **settings: float
) -> AsyncIterator[SharedRedis]:
    """Connect to these servers as long as the block."""
    reach = access(*servers, cluster=cluster, **({"command_seconds": seconds, "connect_seconds": seconds} | settings))
    shared = SharedRedis(reach, clock=lambda: NOW, metrics=SharedMetrics(CollectorRegistry()))
    async with shared.running():
        yield shared


class AgreedKey(OneKey):
    """A key that all have."""

    async def settle(self) -> None:
        """Find that it is so."""
