"""What a site says about alarms, put to work: its rules over its log, with its policies and its key."""

import secrets
from collections.abc import Callable, Mapping

from gateway.audit.alarms.detector import Surroundings
from gateway.audit.alarms.engine import AlarmEngine
from gateway.audit.alarms.observed import OBSERVATION_KEY_SIZE, ObservationKey
from gateway.audit.alarms.policy_facts import PolicyLibrary
from gateway.audit.alarms.reading import AlarmRules, read_observation_key
from gateway.audit.alarms.watch import AlarmStanding, AlarmWatch
from gateway.audit.book.site_log import SiteLog
from gateway.audit.metrics import AuditMetrics
from gateway.site import Site
from policies.bundle import Bundle

ReadBundle = Callable[[str], Bundle]  # by its digest; raises KeyError


def open_watch(site: Site, log: SiteLog, *, read_bundle: ReadBundle, metrics: AuditMetrics) -> AlarmWatch | None:
    """Return the watch over the site's log, for the process that writes it; None for a site without rules.

    Raises:
        SecretError: the key of the alarms cannot be used, or made.

    """
    if not site.alarms.rules:
        return None
    engine = make_engine(site.alarms, read_bundle)
    return AlarmWatch(log, engine, _open_key(site), observer=AlarmMetrics(metrics))


def make_engine(alarms: AlarmRules, read_bundle: ReadBundle, *, is_limited: bool = True) -> AlarmEngine:
    """Return the rules of a site at work, without a past; ``is_limited`` as `AlarmEngine` says."""
    around = Surroundings(calendar=alarms.calendar, policies=PolicyLibrary(read_bundle))
    return AlarmEngine(alarms.rules, around, is_limited=is_limited)


def _open_key(site: Site) -> ObservationKey:
    if site.folder is None:
        return ObservationKey(secrets.token_bytes(OBSERVATION_KEY_SIZE))
    return read_observation_key(site.folder / site.settings.audit.keys, make=True)


def set_gauges(standing: AlarmStanding, metrics: AuditMetrics) -> None:
    """Say in the metrics how a watch stands."""
    metrics.alarms_waiting.set(standing.waiting)
    metrics.alarms_behind.set(standing.is_behind or standing.is_failing)
    metrics.alarms_blind.set(len(standing.blind))
    if standing.evaluated is not None:
        metrics.alarms_evaluated.set(standing.evaluated / 1000)


class AlarmMetrics:
    """Tells Prometheus; rules are named in the site, so that there are no more labels than rules."""

    def __init__(self, metrics: AuditMetrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics

    def raised(self, rule: str) -> None:
        """Count an alarm."""
        self._metrics.alarms.labels(rule=rule).inc()

    def stands(self, *, is_open: int, lost: Mapping[str, int], suppressed: Mapping[str, int]) -> None:
        """Set the gauges."""
        self._metrics.alarms_open.set(is_open)
        for rule, count in lost.items():
            self._metrics.alarm_keys_lost.labels(rule=rule).set(count)
        for rule, count in suppressed.items():
            self._metrics.alarms_suppressed.labels(rule=rule).set(count)

    def keeps_up(self, standing: AlarmStanding) -> None:
        """Set the gauges that say so."""
        set_gauges(standing, self._metrics)
