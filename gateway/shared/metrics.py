"""The metrics of the shared Redis; `gateway.metrics` has them."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.shared.fault import SharedFault

DONE: Final = "done"  # the outcome of a command that was answered
UP: Final = "up"
AWAY: Final = "away"

# 0.1 ms to 0.5 s: a Redis beside us, one in another building, the longest that a question waits for it.
_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)


class SharedMetrics:
    """How Redis does; all labels are words of ours."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.nodes = Gauge(
            "tongban_redis_nodes",
            "Servers of the shared Redis by whether they are asked: up, or away (their breaker is open).",
            ("state",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.turns = Counter(
            "tongban_redis_turns",
            "Times that a server of Redis went away, or came back.",
            ("state",),
            registry=registry,
        )
        commands = Counter(
            "tongban_redis_commands",
            "What Redis was asked, by how that went; away includes what was not even sent.",
            ("outcome",),
            registry=registry,
        )
        self.done = commands.labels(outcome=DONE)
        self.faults = {fault: commands.labels(outcome=fault) for fault in SharedFault}
        self.seconds = Histogram(
            "tongban_redis_seconds", "One round trip to Redis, answered or not.", buckets=_SECONDS, registry=registry
        )
        self.tracked = Gauge(
            "tongban_redis_tracked_nodes",
            "Servers of Redis that push invalidations; with fewer than all, the local copy is not used for the others.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.invalidations = Counter(
            "tongban_redis_invalidations",
            "Invalidations that Redis pushed: of one name, or of everything at once.",
            ("scope",),
            registry=registry,
        )
        self.tracking_losses = Counter(
            "tongban_redis_tracking_losses",
            "Times that the connection for invalidations was lost, and with it the local copy.",
            registry=registry,
        )
