"""The resident memory of a process and of all that it started, as Linux tells it, and whether it comes to rest."""

import resource
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")
_MIB: Final = 1024 * 1024
_PARENT: Final = 1  # place in /proc/PID/stat, after the name of the program; proc(5)
_RESIDENT: Final = 1  # place in /proc/PID/statm
END_SECONDS: Final = 60.0  # at both ends, whose median counts: a sample falls into one turn or another


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the processes took, in MiB by process number, so many seconds after the start."""

    seconds: float
    mib: Mapping[int, float]

    @property
    def whole(self) -> float:
        """All processes together; pages that they share count for each."""
        return sum(self.mib.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Memory once it had settled against the end, and the line through all samples between, in MiB a minute."""

    settled_mib: float
    end_mib: float
    mib_a_minute: float
    minutes: float

    @property
    def ratio(self) -> float:
        """The end, of what it was."""
        return self.end_mib / self.settled_mib


def read_resident(pid: int, at: float) -> Sample:
    """Return what this process and all below it take now.

    Raises:
        OSError: the process is gone, or the system has no /proc.

    """
    parents = _read_parents()
    found = [pid]
    for one in found:  # which grows meanwhile
        found += [child for child, parent in parents.items() if parent == one]
    first = _resident_mib(pid)
    others = {child: mib for child in found[1:] if (mib := _resident_or_gone(child))}
    return Sample(seconds=at, mib={pid: first} | others)


def measure_growth(samples: Sequence[Sample], *, settle_seconds: float) -> Growth:
    """Compare the first minute after memory had time to settle with the last one; a short run settles in a quarter.

    Raises:
        ValueError: there are less than two samples after that.

    """
    last = samples[-1].seconds if samples else 0.0
    since = min(settle_seconds, last / 4)
    window = min(END_SECONDS, (last - since) / 4)
    counted = [one for one in samples if one.seconds >= since]
    if len(counted) < 2:  # noqa: PLR2004 - a line has two ends
        raise ValueError(f"at least 2 samples after {since:.0f} s were expected, got {len(counted)}")
    begin = [one.whole for one in counted if one.seconds <= counted[0].seconds + window]
    end = [one.whole for one in counted if one.seconds >= last - window]
    slope, _ = statistics.linear_regression([one.seconds for one in counted], [one.whole for one in counted])
    return Growth(
        settled_mib=statistics.median(begin),
        end_mib=statistics.median(end),
        mib_a_minute=slope * 60,
        minutes=(last - counted[0].seconds) / 60,
    )


def _read_parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents = {}
    for place in _PROCESSES.glob("[0-9]*/stat"):
        try:
            line = place.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended since
            continue
        parents[int(place.parent.name)] = int(line.rpartition(")")[2].split()[_PARENT])
    return parents


def _resident_mib(pid: int) -> float:
    pages = int((_PROCESSES / str(pid) / "statm").read_text(encoding="ascii").split()[_RESIDENT])
    return pages * resource.getpagesize() / _MIB


def _resident_or_gone(pid: int) -> float:
    try:
        return _resident_mib(pid)
    except OSError:
        return 0.0
