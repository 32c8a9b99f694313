"""What gauges show as long as it lasts."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import app
from gateway.metrics import Metrics
from gateway.policy.observer import PolicyMetrics
from gateway.reload.metrics import SiteMetrics
from gateway.trust.metrics import TrustMetrics

Count = Callable[[str], None]


@pytest.mark.parametrize(
    ("part", "make"),
    [
        ("site", lambda metrics: SiteMetrics(metrics).site_reloaded),
        ("trust", lambda metrics: TrustMetrics(metrics).reloaded),
        ("status", lambda metrics: TrustMetrics(metrics).sources_reloaded),
        ("policy", lambda metrics: PolicyMetrics(metrics).reloaded),
    ],
)
def test_a_fault_is_shown_until_it_is_mended(part: str, make: Callable[[Metrics], Count]) -> None:
    """From the start on there is a gauge for each part of the site: 1 from a failed reading to the next good one."""
    metrics = Metrics()
    count = make(metrics)
    shown = []
    for result in ("", "failed", "ok"):
        if result:
            count(result)
        shown.append(f'gateway_reload_failed{{part="{part}"}} 1.0' in metrics.expose().decode())
        assert f'gateway_reload_failed{{part="{part}"}}' in metrics.expose().decode()
    assert shown == [False, True, False]


async def test_breakers_are_shown_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process says how its breakers stand again and again, for Prometheus may always ask another one."""
    looks, often = [0], asyncio.Event()

    def report() -> None:
        looks[0] += 1
        if looks[0] == 3:
            often.set()

    monkeypatch.setattr(app, "BREAKER_SECONDS", 0.0)
    in_force = SimpleNamespace(licences=SimpleNamespace(report=report))
    sites: Any = SimpleNamespace(current=lambda: in_force)
    saying = asyncio.create_task(app._say_how_breakers_stand(sites))
    await often.wait()
    saying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saying
