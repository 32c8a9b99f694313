"""Tells Prometheus how readings of the site went."""

from gateway.metrics import Metrics


class SiteMetrics:
    """The `SiteObserver` of a process."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics

    def site_reloaded(self, result: str) -> None:
        """Count a reading."""
        self._metrics.site_reloads.labels(result=result).inc()
