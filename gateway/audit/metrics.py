"""The metrics of the process that writes the access log; `gateway.metrics` has them."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class AuditMetrics:
    """What the rules of alarms see, how far witnesses have seen the log, and whether its upkeep works."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.alarms = Counter(
            "tongban_audit_alarms", "Alarms about the access log that were raised.", ("rule",), registry=registry
        )
        self.alarms_open = Gauge(
            "tongban_audit_alarms_open",
            "Alarms without a verdict.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarms_suppressed = Gauge(
            "tongban_audit_alarms_suppressed",
            "Alarms of a rule that were more than one caller may raise on a day, since the start.",
            ("rule",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarms_waiting = Gauge(
            "tongban_audit_alarms_waiting",
            "Entries that the rules of alarms have not evaluated yet; others may wait in the log.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarms_behind = Gauge(
            "tongban_audit_alarms_behind",
            "1 while entries wait in the log for evaluation, or the last attempt did not work.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarms_blind = Gauge(
            "tongban_audit_alarms_blind",
            "Years without a calendar and policy bundles that are missing, by which rules could not judge.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarms_evaluated = Gauge(
            "tongban_audit_alarms_evaluated_timestamp_seconds",
            "When the last entry was written that the rules of alarms evaluated.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.alarm_keys_lost = Gauge(
            "tongban_audit_alarm_keys_lost",
            "Officials, cases, callers that a rule forgot before their time for want of room, since the start.",
            ("rule",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.witnessed_size = Gauge(
            "tongban_audit_witnessed_size",
            "Entries of the newest tree of the access log that a quorum of witnesses saw.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.cosigned_age = Gauge(
            "tongban_audit_cosigned_age_seconds",
            "Since a quorum of witnesses last cosigned the access log.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.witness_age = Gauge(
            "tongban_audit_witness_age_seconds",
            "Since a witness last cosigned the access log.",
            ("witness",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.witness_faults = Counter(
            "tongban_audit_witness_faults",
            "Times that a witness gave no cosignature.",
            ("witness", "fault"),
            registry=registry,
        )
        self.chore_failures = Counter(
            "gateway_log_chore_failures",
            "Times that upkeep of the access log did not work.",
            ("chore",),
            registry=registry,
        )
        self.forked = Gauge(
            "tongban_audit_log_forked",
            "1: witnesses showed that the access log was forked or rolled back, and it is frozen.",
            registry=registry,
            multiprocess_mode="livemax",
        )
