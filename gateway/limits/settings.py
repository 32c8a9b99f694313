"""How much each caller may ask, and from which load on requests are shed: of the site, and of one caller."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from gateway.toml_table import TomlTable

BURST_SECONDS: Final = 2  # of the rate may come at once, unless it is said otherwise: business systems send in batches
MAX_RATE: Final = 1_000_000.0  # a second; far more than one gateway answers
MIN_RATE: Final = 1 / 3600  # one in an hour
MAX_BURST: Final = 1_000_000
MAX_AT_ONCE: Final = 100_000
MAX_QUOTA: Final = 1_000_000_000  # a day


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLimits:
    """How much one caller may ask, with all its keys and connections together.

    ``rate_per_second`` over any time, ``burst`` more at once; ``concurrency``: requests that are being answered;
    ``daily_quota``: requests of one day in China, None: as many as it likes.

    The defaults are above what one system asks: in a province with 2 million cases a day, each with one question, all
    systems together ask 80 questions a second in the busiest hour.
    """

    rate_per_second: float = 200.0
    burst: int = 400
    concurrency: int = 64  # at 200 a second each may take a third of a second
    daily_quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimits:
    """The limits that a caller's file states; None: as the site's.

    Who states a rate and no burst has one of `BURST_SECONDS`, so that a low rate is not undone by the site's burst.
    """

    rate_per_second: float | None = None
    burst: int | None = None
    concurrency: int | None = None
    daily_quota: int | None = None

    def over(self, usual: CallerLimits) -> CallerLimits:
        """Return the limits of the caller at a site that has these usual ones."""
        if self == _NONE_OF_ITS_OWN:
            return usual
        burst = self.burst
        if burst is None:
            burst = usual.burst if self.rate_per_second is None else _usual_burst(self.rate_per_second)
        return CallerLimits(
            rate_per_second=usual.rate_per_second if self.rate_per_second is None else self.rate_per_second,
            burst=burst,
            concurrency=usual.concurrency if self.concurrency is None else self.concurrency,
            daily_quota=usual.daily_quota if self.daily_quota is None else self.daily_quota,
        )


_NONE_OF_ITS_OWN: Final = OwnLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class SheddingSettings:
    """The load of one process at which it refuses everything but health and metrics; costly work goes before that.

    ``requests`` being answered at once; ``loop_lag_milliseconds`` that everything waits for its turn; ``log_waiting``
    entries that wait for the access log.
    """

    requests: int = 1024  # many of them wait for other systems, and cost nothing meanwhile
    loop_lag_milliseconds: int = 1000  # 64 documents at once, of 2 to 5 each, are no overload yet
    log_waiting: int = 512  # at 10,000 entries a second they wait 50 ms


def parse_limits(table: TomlTable) -> CallerLimits:
    """Read the usual limits of a site; whatever is wrong is noted in the table's faults."""
    return parse_own_limits(table).over(CallerLimits())


def parse_own_limits(table: TomlTable) -> OwnLimits:
    """Read the limits of one caller, likewise."""
    own = OwnLimits(
        rate_per_second=table.number("rate_per_second", low=MIN_RATE, high=MAX_RATE),
        burst=_whole(table, "burst", MAX_BURST),
        concurrency=_whole(table, "concurrency", MAX_AT_ONCE),
        daily_quota=_whole(table, "daily_quota", MAX_QUOTA),
    )
    table.finish()
    return own


def parse_shedding(table: TomlTable) -> SheddingSettings:
    """Read from which load on requests are shed, likewise."""
    usual = SheddingSettings()
    shedding = SheddingSettings(
        requests=table.integer("requests", default=usual.requests, low=1, high=MAX_AT_ONCE),
        loop_lag_milliseconds=table.integer(
            "loop_lag_milliseconds", default=usual.loop_lag_milliseconds, low=10, high=60_000
        ),
        log_waiting=table.integer("log_waiting", default=usual.log_waiting, low=1, high=MAX_AT_ONCE),
    )
    table.finish()
    return shedding


def _whole(table: TomlTable, key: str, most: int) -> int | None:
    return table.integer(key, default=0, low=1, high=most) or None


def _usual_burst(rate_per_second: float) -> int:
    return min(MAX_BURST, ceil(rate_per_second * BURST_SECONDS))
