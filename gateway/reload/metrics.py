"""Tells Prometheus how readings of the site went."""

from gateway.metrics import Metrics, begin_at_zero
from gateway.reload.keeper import ReloadResult


class SiteMetrics:
    """The `SiteObserver` of a process."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics
        begin_at_zero(metrics.site_reloads, ReloadResult)

    def site_reloaded(self, result: str) -> None:
        """Count a reading."""
        self._metrics.site_reloads.labels(result=result).inc()
