"""One form for every benchmark: figures beside their goals, with the machine, the commit and the versions."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from keys.libcrypto import library_version

MEASURED_WITH = (
    "tongban",
    "cryptography",
    "lxml",
    "pyhanko-certvalidator",
    "aiohttp",
    "cffi",
    "msgspec",
    "cedarpy",
    "regopy",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One figure and the goal it is held against."""

    measure: str
    value: float
    unit: str
    goal: float
    better: Literal["higher", "lower"]

    @property
    def ok(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON types, rounded to what the clock can tell."""
        return {
            "measure": self.measure,
            "value": round(self.value, 4),
            "unit": self.unit,
            "goal": self.goal,
            "better": self.better,
            "ok": self.ok,
        }


def report(name: str, *, rounds: int, reach: Sequence[Reach], detail: dict[str, Any]) -> dict[str, Any]:
    """Return the object that ``tongban bench NAME --json`` prints (design section 5.1)."""
    return {
        "bench": name,
        "commit": _commit(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "openssl": library_version()} | _packages(),
        "rounds": rounds,
        "reach": [figure.as_dict() for figure in reach],
        "detail": detail,
    }


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Return median and the 5th and 95th percentile, rounded."""
    ordered = sorted(samples)
    return {
        "median": round(statistics.median(ordered), 4),
        "p5": round(ordered[int(len(ordered) * 0.05)], 4),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 4),
    }


def _commit() -> str | None:
    """Return the commit that is measured, marked when the tree has changes; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - whatever git the machine has
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _packages() -> dict[str, str]:
    found = {}
    for package in MEASURED_WITH:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
