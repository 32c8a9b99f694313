"""Tables of algorithms that end when a test wants them to."""

from datetime import datetime

from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets, Kind, Sunset


def ending(**ends: datetime | None) -> AlgorithmSunsets:
    """Return the shipped table with other ends of keys and digests; in the names ``_`` stands for the dash."""
    lines = tuple(
        Sunset(
            kind=Kind.DIGEST if name.isupper() else Kind.KEY, name=name.replace("_", "-"), until=until, source="a test"
        )
        for name, until in ends.items()
    )
    return DEFAULT_ALGORITHMS.overridden_by(AlgorithmSunsets(lines=lines))
