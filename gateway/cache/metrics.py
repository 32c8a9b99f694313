"""The metrics of the caches; `gateway.metrics` has them."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

from gateway.cache.cache import CacheFault, CacheTally, CacheTier

HIT: Final = "hit"
MISS: Final = "miss"


class CacheMetrics:
    """What caches were asked and what they failed at; ``cache`` is the name of a cache in the code."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.lookups = Counter(
            "tongban_cache_lookups",
            "Values that a tier of a cache was asked for: hit or miss.",
            ("cache", "tier", "outcome"),
            registry=registry,
        )
        self.faults = Counter(
            "tongban_cache_faults",
            "Times that a tier of a cache could not do what it was asked; for the answer it is a miss.",
            ("cache", "tier", "fault"),
            registry=registry,
        )

    def tally(self, cache: str, tier: CacheTier) -> CacheTally:
        """Return what counts for one tier of one cache."""
        return _Tally(self, cache, tier)


class _Tally:
    """The counters of one tier of one cache, found once: a hit must cost little."""

    def __init__(self, metrics: CacheMetrics, cache: str, tier: CacheTier) -> None:
        self._hits = metrics.lookups.labels(cache=cache, tier=tier, outcome=HIT)
        self._misses = metrics.lookups.labels(cache=cache, tier=tier, outcome=MISS)
        self._faults = {fault: metrics.faults.labels(cache=cache, tier=tier, fault=fault) for fault in CacheFault}

    def hit(self) -> None:
        self._hits.inc()

    def miss(self) -> None:
        self._misses.inc()

    def fault(self, fault: CacheFault) -> None:
        self._faults[fault].inc()
