"""Tells Prometheus how readings of the site went."""

from typing import Final

from gateway.metrics import Metrics, begin_at_zero
from gateway.reload.keeper import ReloadResult

_SITE: Final = "site"  # all of it that is not looked after by itself


class SiteMetrics:
    """The `SiteObserver` of a process."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics
        begin_at_zero(metrics.site_reloads, ReloadResult)
        metrics.reload_failed.labels(part=_SITE)

    def site_reloaded(self, result: str) -> None:
        """Count a reading."""
        self._metrics.count_reload(_SITE, self._metrics.site_reloads, result)
