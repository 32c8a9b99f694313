"""What may follow a revocation list: a newer one in its place, or a delta list on top of it (RFC 5280 section 5.2.4).

The signatures are not verified here: both the base and the delta are verified when the list is relied on.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from keys.errors import KeysError
from keys.name import name_key
from keys.revocation_list import DELTA, RevocationList

MAX_DELTA_ENTRIES: Final = 1_000_000  # as many as the largest national list has in all


class UpdateFault(StrEnum):
    """Why one list may not follow another."""

    OTHER_ISSUER = "other-issuer"
    OTHER_SCOPE = "other-scope"
    NOT_COMPLETE = "not-complete"  # a delta list stands where a complete one was expected
    NUMBER_BACKWARDS = "number-backwards"
    TIME_BACKWARDS = "time-backwards"
    SAME_NUMBER = "same-number"  # another content under the number of the list at hand
    NO_NUMBER = "no-number"
    NOT_A_DELTA = "not-a-delta"
    UNUSABLE = "unusable"
    BASE_TOO_OLD = "base-too-old"  # changes between the list at hand and the delta's base would be missed
    ALREADY_INCLUDED = "already-included"  # the delta is not newer than the list at hand
    TOO_LARGE = "too-large"


class RevocationUpdateError(KeysError):
    """A list that may not follow the one at hand, which stays in force."""

    def __init__(self, fault: UpdateFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail


def verify_successor(new: RevocationList, *, old: RevocationList, at: datetime) -> None:
    """Verify that the complete list ``new`` may take the place of ``old`` at ``at``; the same list again may.

    A list that went backwards is how a stolen mirror hides a revocation, so it never replaces what is known.

    1. Same issuer, a complete list, and never issued earlier.
    2. Once ``old`` and a delta laid over it have ended, any later list may follow: a CA may have begun a new series of
       numbers or another division of its lists, and what has ended vouches for nothing any more.
    3. Before that, the same scope and a number that does not go backwards; a list for all certificates may follow one
       for some (numbers count within a scope, RFC 5280 section 5.2.3).

    Raises:
        RevocationUpdateError: one of the steps fails.

    """
    complete = remove_delta(old)
    if new == complete:
        return
    if name_key(new.issuer) != name_key(old.issuer):
        raise RevocationUpdateError(UpdateFault.OTHER_ISSUER)
    if new.base_number is not None:
        raise RevocationUpdateError(UpdateFault.NOT_COMPLETE)
    if new.this_update < complete.this_update:
        issued = complete.this_update.isoformat()
        detail = f"issued at {issued} or later was expected, got {new.this_update.isoformat()}"
        raise RevocationUpdateError(UpdateFault.TIME_BACKWARDS, detail)
    if new.this_update > old.this_update and all(_has_ended(one, at) for one in (old, complete)):
        return
    if new.scope != complete.scope:
        if new.scope is None and new.this_update > old.this_update:
            return
        raise RevocationUpdateError(UpdateFault.OTHER_SCOPE)
    _verify_number(new, complete)


def _verify_number(new: RevocationList, complete: RevocationList) -> None:
    """Verify that numbers do not go backwards; a delta that is laid over the complete list has another number.

    A complete list and the list that base and delta make share a number by intent (RFC 5280 section 5.2.3).
    """
    if complete.number is None:
        return
    if new.number is None:
        raise RevocationUpdateError(UpdateFault.NO_NUMBER, f"the list at hand has number {complete.number}")
    if new.number < complete.number:
        detail = f"a number of at least {complete.number} was expected, got {new.number}"
        raise RevocationUpdateError(UpdateFault.NUMBER_BACKWARDS, detail)
    if new.number == complete.number and new.this_update == complete.this_update:
        raise RevocationUpdateError(UpdateFault.SAME_NUMBER, f"two lists of number {new.number} differ")


def _has_ended(revocations: RevocationList, at: datetime) -> bool:
    return revocations.next_update is None or at >= revocations.next_update


def apply_delta(base: RevocationList, delta: RevocationList) -> RevocationList:
    """Lay ``delta`` over the complete list ``base``: entries are added or replaced, removeFromCRL takes them away.

    The result has number and dates of the delta.

    1. Same issuer, same scope, and a delta over a complete list.
    2. The base must be at least as new as the list that the delta starts from, or changes would be missed.
    3. The delta must be newer than what is at hand; a delta replaces an earlier delta on the same base.

    Raises:
        RevocationUpdateError: one of the steps fails.

    """
    if delta.base_number is None:
        raise RevocationUpdateError(UpdateFault.NOT_A_DELTA)
    if base.base_number is not None:
        raise RevocationUpdateError(UpdateFault.NOT_COMPLETE)
    if base.unusable is not None or delta.unusable != DELTA:
        raise RevocationUpdateError(UpdateFault.UNUSABLE, base.unusable or delta.unusable or "")
    if name_key(base.issuer) != name_key(delta.issuer):
        raise RevocationUpdateError(UpdateFault.OTHER_ISSUER)
    if base.scope != delta.scope:
        raise RevocationUpdateError(UpdateFault.OTHER_SCOPE)
    if base.number is None or delta.number is None:
        raise RevocationUpdateError(UpdateFault.NO_NUMBER)
    # The number of the complete list itself: a delta laid over it earlier is replaced, not built upon.
    complete = remove_delta(base)
    if complete.number is None or complete.number < delta.base_number:
        detail = f"a list of number {delta.base_number} or later was expected, got {complete.number}"
        raise RevocationUpdateError(UpdateFault.BASE_TOO_OLD, detail)
    if delta.number <= base.number or delta.this_update < base.this_update:
        raise RevocationUpdateError(UpdateFault.ALREADY_INCLUDED, f"the list at hand has number {base.number}")
    if delta.revoked.count > MAX_DELTA_ENTRIES:
        raise RevocationUpdateError(UpdateFault.TOO_LARGE, f"at most {MAX_DELTA_ENTRIES} entries were expected")
    return replace(
        complete,
        fingerprint=hashlib.sha256(complete.fingerprint + delta.fingerprint).digest(),
        number=delta.number,
        this_update=delta.this_update,
        next_update=delta.next_update,
        keeps_expired_since=_both(complete.keeps_expired_since, delta.keeps_expired_since),
        delta=delta,
        complete=complete,
    )


def _both(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return since when both keep expired certificates; the delta may take away what the complete list kept."""
    return None if one is None or other is None else max(one, other)


def remove_delta(revocations: RevocationList) -> RevocationList:
    """Return the complete list as it was read, without the delta that was laid over it."""
    return revocations if revocations.complete is None else revocations.complete
