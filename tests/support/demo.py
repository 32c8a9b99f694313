"""The demo's authority, licences and forgeries, made once a process from a fixed seed and a fixed moment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from gateway.demo.authority import DemoAuthority
from gateway.demo.forgeries import Forgery, forge, forge_more
from gateway.demo.issuer import IssuedLicence, issue_licences

NOW = datetime(2026, 8, 31, 1, 23, 45, tzinfo=UTC)
SEED = b"tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStock:
    """Everything that one run of the demo issues."""

    authority: DemoAuthority
    licences: tuple[IssuedLicence, ...]
    forgeries: tuple[Forgery, ...]
    more_forgeries: tuple[Forgery, ...]


@cache
def demo_stock() -> DemoStock:
    """Issue and forge everything, as of `NOW`."""
    authority = DemoAuthority.create(NOW, insecure_seed=SEED)
    licences = issue_licences(authority, NOW)
    return DemoStock(
        authority=authority,
        licences=licences,
        forgeries=forge(authority, licences, NOW),
        more_forgeries=forge_more(authority, licences, NOW),
    )
