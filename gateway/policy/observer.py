"""Who counts what becomes of the policy: a protocol, and the metrics of the gateway."""

from typing import Final, Protocol

from gateway.metrics import Metrics, begin_at_zero

_POLICY: Final = "policy"  # a part of the site


class PolicyObserver(Protocol):
    """Told of every reload, and once a second how things stand."""

    def reloaded(self, result: str) -> None:
        """Note a reload: ``ok``, ``waiting`` (for approval or its day) or ``failed``."""

    def stands(self, *, applies: bool, waits: bool, end_seconds: float) -> None:
        """Note whether a policy decides, whether another one waits, and the seconds until the end of the first."""


class SilentPolicyObserver:
    """Counts nothing."""

    def reloaded(self, result: str) -> None:
        """Do nothing."""

    def stands(self, *, applies: bool, waits: bool, end_seconds: float) -> None:
        """Do nothing."""


class PolicyMetrics:
    """Counts in the metrics of an application."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        begin_at_zero(metrics.policy_reloads, ("ok", "waiting", "failed"))
        metrics.reload_failed.labels(part=_POLICY)

    def reloaded(self, result: str) -> None:
        """Count a reload of the policy."""
        self._metrics.count_reload(_POLICY, self._metrics.policy_reloads, result)

    def stands(self, *, applies: bool, waits: bool, end_seconds: float) -> None:
        """Set the gauges of the policy in force."""
        self._metrics.policy_in_force.set(applies)
        self._metrics.policy_waiting.set(waits)
        self._metrics.policy_end_seconds.set(end_seconds)
