"""What an earlier version of a licence is worth once there is a later one."""

from policies.dimension import LicenceStatus

# Words that say less than that a later version took the place; all others already say why the licence is not in force.
_GIVES_WAY = frozenset({LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN})


def status_of_version(status: LicenceStatus, *, is_current: bool) -> LicenceStatus:
    """Return the status of one version of a licence whose status is ``status``."""
    return LicenceStatus.SUPERSEDED if not is_current and status in _GIVES_WAY else status
