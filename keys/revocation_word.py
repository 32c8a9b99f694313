"""What one piece of evidence says about one certificate, or why it says nothing that counts."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from keys.certificate import Certificate
from keys.revocation_list import Upkeep
from keys.revoked import Revocation


class Unavailable(StrEnum):
    """Why nothing is known; of several pieces of evidence, the one that came closest to being used gives the reason."""

    EXPIRED_BEFORE_LIST = "expired-before-list"  # silence says nothing: an entry may be dropped after the expiry
    STALE = "stale"  # its next update was due, or it never said when
    TOO_OLD = "too-old"  # its source could not be reached for longer than is tolerated
    NOT_YET = "not-yet"  # issued after the moment of the question
    UNUSABLE = "unusable"  # partial, or with critical contents that we do not know, or by a key that may not sign lists
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_TO_RESPONDER = "unknown-to-responder"  # an OCSP responder says that it cannot say
    NO_LIST = "no-list"


_CLOSEST: Final = tuple(Unavailable)
OVER: Final = frozenset({Unavailable.STALE, Unavailable.TOO_OLD})  # it was good once, and its time is over
_TELLING_SKEW: Final = timedelta(seconds=60)  # a smaller difference between two clocks explains nothing


class Fault(NamedTuple):
    """Why evidence does not count; ``begins_at`` is when some of it will, None: none ever will.

    ``revoked_as_of``: as of then it said "revoked", and only its time is over; no older "good" is believed any more.
    """

    why: Unavailable
    ahead: timedelta | None = None
    skew: timedelta | None = None
    begins_at: datetime | None = None
    revoked_as_of: datetime | None = None


class Word(NamedTuple):
    """What evidence says about a certificate, before ``ends_at``; ``revocation`` None: it is good."""

    revocation: Revocation | None
    as_of: datetime
    ends_at: datetime


def select_closest(faults: Sequence[Fault]) -> Fault:
    """Return the fault of the evidence that came closest to being used; without any evidence there is no list."""
    closest = min(faults, key=lambda fault: _CLOSEST.index(fault.why), default=Fault(Unavailable.NO_LIST))
    doubts = (fault.revoked_as_of for fault in faults if fault.revoked_as_of is not None)
    return closest._replace(begins_at=find_begin(faults), revoked_as_of=max(doubts, default=None))


def find_begin(faults: Iterable[Fault]) -> datetime | None:
    """Return when the first of what is dated later begins to count."""
    return min((fault.begins_at for fault in faults if fault.begins_at is not None), default=None)


def find_period(
    this_update: datetime, next_update: datetime | None, upkeep: Upkeep | None, now: datetime
) -> datetime | Fault:
    """Return until when (excluded) evidence of these dates counts, or why it does not count at ``now``."""
    skew = None if upkeep is None or upkeep.skew is None or abs(upkeep.skew) < _TELLING_SKEW else upkeep.skew
    if now < this_update:
        return Fault(Unavailable.NOT_YET, ahead=this_update - now, skew=skew, begins_at=this_update)
    if next_update is None or now >= next_update:
        return Fault(Unavailable.STALE, skew=skew)
    if upkeep is None:
        return next_update
    return (
        Fault(Unavailable.TOO_OLD, skew=skew) if now >= upkeep.usable_until else min(next_update, upkeep.usable_until)
    )


def is_silence_telling(
    certificate: Certificate, as_of: datetime, kept_since: datetime | None, *, keeps_expired: bool
) -> bool:
    """Return whether "not revoked" as of ``as_of`` means it: whoever speaks may forget certificates that expired.

    ``kept_since`` is since when expired certificates are not forgotten, by the evidence itself; ``keeps_expired`` by
    the operator's word about the issuer.
    """
    if as_of < certificate.valid_until or keeps_expired:
        return True
    return kept_since is not None and kept_since <= certificate.not_after
