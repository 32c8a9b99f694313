"""How the trust stands and what its sources answer, as metrics."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.metrics import Metrics, begin_at_zero
from gateway.status.failure import StatusFailure

_TRUST: Final = "trust"  # parts of the site
_STATUS: Final = "status"


class TrustMetrics:
    """Counts for `gateway.trust.keeper` and for `gateway.status.keeper`; names of sources come from the site."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lists: set[str] = set()
        for reloads in (metrics.trust_reloads, metrics.status_reloads):
            begin_at_zero(reloads, ("ok", "failed"))
        for part in (_TRUST, _STATUS):
            metrics.reload_failed.labels(part=part)

    def reloaded(self, result: str) -> None:
        """Count a reload of the trust folder."""
        self._metrics.count_reload(_TRUST, self._metrics.trust_reloads, result)

    def stands(
        self,
        *,
        anchors: Mapping[str, int],
        held: int,
        age_seconds: float,
        next_end_seconds: float,
        expiry_seconds: Mapping[str, float],
    ) -> None:
        """Set the gauges of the trust in force."""
        for purpose, count in anchors.items():
            self._metrics.anchors.labels(purpose=purpose).set(count)
        self._metrics.trust_held.set(held)
        self._metrics.trust_age.set(age_seconds)
        self._metrics.trust_next_end.set(next_end_seconds)
        self._lists |= expiry_seconds.keys()
        for name in self._lists:
            self._metrics.trust_expiry.labels(list=name).set(expiry_seconds.get(name, math.inf))

    def sources_reloaded(self, result: str) -> None:
        """Count a reload of the sources of revocation status."""
        self._metrics.count_reload(_STATUS, self._metrics.status_reloads, result)

    def succeeded(self, source: str, *, at: datetime, as_of: datetime | None) -> None:
        """Note when a source of revocation status last answered, and as of when it speaks."""
        self._metrics.status_success.labels(source=source).set(at.timestamp())
        if as_of is not None:
            self._metrics.status_as_of.labels(source=source).set(as_of.timestamp())

    def failed(self, source: str, failure: StatusFailure) -> None:
        """Count a failure of a source."""
        self._metrics.status_failures.labels(source=source, failure=failure.value).inc()

    def changed(self, sequence: int) -> None:
        """Set the number of what is known about revocation."""
        self._metrics.revocation_sequence.set(sequence)

    def lags(self, seconds: float) -> None:
        """Set how old the oldest knowledge about revocation is."""
        self._metrics.revocation_lag.set(seconds)
