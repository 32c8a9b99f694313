"""What holds for every test: whatever runs on an event loop must not block it."""

import inspect
import os
import sys
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from tests.support.redis_servers import _one_cluster, _one_redis, redis_cluster, redis_server

__all__ = ["_one_cluster", "_one_redis", "redis_cluster", "redis_server"]  # fixtures of every test

LONGEST_NAMED_BYTES = 16

# Compiled modules are kept, whatever the environment says: a run reads 450 test modules in each of its processes, and
# tests start some hundred more, each of which would compile every package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test is timed: a slow machine is no fault of the product. Benchmarks measure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their argument: keys and signatures differ in every process, and names must not."""
    return f"{argname}-bytes" if isinstance(val, bytes) and len(val) > LONGEST_NAMED_BYTES else None


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make blocking calls inside a running event loop fail the test; tests without a loop are left alone."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    guard = BlockBuster()
    for function in guard.functions.values():  # looks for files of passwords and certificates, once a connection
        function.can_block_in("asyncpg/connect_utils.py", "_parse_connect_arguments")
    guard.activate()
    yield
    guard.deactivate()
