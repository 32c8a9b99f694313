"""What an earlier version of a licence is worth once there is a later one."""

from datetime import date

from policies.dimension import LicenceStatus

# Words that say less than that a later version took the place; all others already say why the licence is not in force.
_GIVES_WAY = frozenset({LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN})


def is_current(stated: date | None, current: str) -> bool:
    """Say whether a document issued on ``stated`` is as new as the version issued on ``current``; "": nobody knows."""
    return stated is None or not current or stated.isoformat() >= current


def status_of_version(status: LicenceStatus, *, is_current: bool) -> LicenceStatus:
    """Return the status of one version of a licence whose status is ``status``."""
    return LicenceStatus.SUPERSEDED if not is_current and status in _GIVES_WAY else status
