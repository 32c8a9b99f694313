"""The metrics of limits; `gateway.metrics` has them."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class LimitMetrics:
    """What was refused for its number; all labels are words of ours, and budgets of the policy."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.limited = Counter(
            "gateway_limited", "Requests refused by a limit of their caller.", ("limit",), registry=registry
        )
        self.shed = Counter(
            "gateway_shed", "Requests refused because the process is overloaded.", ("work",), registry=registry
        )
        self.loop_lag = Gauge(
            "gateway_loop_lag_seconds",
            "How long everything waits for its turn on the event loop.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.unshared = Counter(
            "gateway_limits_unshared",
            "Requests that a process counted for itself, since Redis could not count them.",
            registry=registry,
        )
        self.budget_refusals = Counter(
            "gateway_budget_refusals",
            "Questions refused because a budget of the policy had no room for them.",
            ("budget",),
            registry=registry,
        )
        self.budgets_unshared = Counter(
            "gateway_budgets_unshared",
            "Questions whose budgets a process counted for itself, since Redis could not count them.",
            registry=registry,
        )
        self.budgets_uncounted = Counter(
            "gateway_budgets_uncounted",
            "Questions refused since what they spend could not be counted.",
            registry=registry,
        )
        self.unmarked = Counter(
            "gateway_marks_unavailable",
            "Tokens that work once, signed requests, and presentation codes, refused as their use before could not "
            "be ruled out.",
            ("why",),
            registry=registry,
        )
