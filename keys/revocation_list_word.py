"""What the revocation lists at hand say about one certificate.

The newest list decides. What a list names is revoked, also where its silence would prove nothing; what is silent counts
only from a complete list, and only while no newer word of the issuer is there that we cannot make out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from keys.certificate import Certificate
from keys.certificate_extensions import KeyUsage
from keys.memo import Memo
from keys.revocation_list import DELTA, UNKNOWN_EXTENSION, RevocationList
from keys.revocation_scope import ATTRIBUTES, NO_CERTIFICATES, NOT_NAMED_IN_FULL, OF_OTHERS, SOME_REASONS, is_in_scope
from keys.revocation_word import (
    OVER,
    Fault,
    Unavailable,
    Word,
    find_begin,
    find_period,
    is_silence_telling,
    select_closest,
)
from keys.revoked import Revocation, RevocationReason
from keys.signature import CERTIFICATE_ALGORITHMS, is_signed

_SIGNED: Final = 4_096  # remembered pairs of list and issuer's key; lists are replaced hourly, by a few hundred issuers

# Lists that a CA publishes beside a complete one, so that their silence casts no doubt on it.
_BESIDE: Final = frozenset({DELTA, ATTRIBUTES, SOME_REASONS, NO_CERTIFICATES, NOT_NAMED_IN_FULL})
# Lists whose entries need not be about certificates of this issuer, or need not mean what entries mean.
_NOT_READ: Final = OF_OTHERS | {UNKNOWN_EXTENSION}

Signers = Callable[[], Sequence[Certificate]]


def ask_lists(
    certificate: Certificate,
    issuer: Certificate,
    lists: Sequence[RevocationList],
    now: datetime,
    *,
    signers: Signers,
    keeps_expired: bool,
) -> Word | Fault:
    """Return what ``lists`` (newest first) say about a certificate of ``issuer``, as of ``now``.

    ``signers`` are other certificates of the same CA that may sign its lists, asked for only when they are needed.

    1. A list counts while it is current and its signature is right; others are passed over.
    2. A list that names the certificate revokes it, be it partial, a delta, or with entries that we do not know; unless
       a newer delta on top of it has taken the entry away.
    3. A complete list for this certificate that does not name it makes it good, and ends the search, unless
       a newer list cannot be made out, or named it before its time was over, or the certificate expired before
       (`is_silence_telling`).
    """
    faults: list[Fault] = []
    removals: list[RevocationList] = []
    doubtful = False
    for one in lists:
        end = find_period(one.this_update, one.next_update, one.upkeep, now)
        if isinstance(end, Fault):
            end = _doubt(end, one, certificate, issuer, signers)
        else:
            end = _verify(one, issuer, signers, end)
        if isinstance(end, Fault):
            faults.append(end)
            doubtful |= end.revoked_as_of is not None
            continue
        if one.unusable in _NOT_READ:
            faults.append(Fault(Unavailable.UNUSABLE))
            doubtful |= one.unusable not in _BESIDE
            continue
        found = _find(one, certificate)
        if found is not None and found.reason is RevocationReason.REMOVE_FROM_CRL:
            removals.append(one)
        elif found is not None and not any(_is_over(removal, one) for removal in removals):
            return _say(found, one, end, faults)
        elif one.unusable is not None or not is_in_scope(certificate, one.scope):
            faults.append(Fault(Unavailable.UNUSABLE))
            doubtful |= one.unusable is not None and one.unusable not in _BESIDE
        elif not is_silence_telling(certificate, one.this_update, one.keeps_expired_since, keeps_expired=keeps_expired):
            faults.append(Fault(Unavailable.EXPIRED_BEFORE_LIST))
            doubtful = True  # an older list may still name it; its silence is no better
        elif doubtful:
            break
        else:
            return _say(None, one, end, faults)
    return select_closest(faults)


def _say(revocation: Revocation | None, one: RevocationList, end: datetime, faults: Sequence[Fault]) -> Word:
    begin = find_begin(faults)  # a newer list that is dated later takes over then
    return Word(revocation, one.this_update, end if begin is None else min(end, begin))


def _doubt(fault: Fault, one: RevocationList, certificate: Certificate, issuer: Certificate, signers: Signers) -> Fault:
    """Return the fault of a list whose time is over, with the doubt that it casts where it names the certificate."""
    found = _find(one, certificate) if fault.why in OVER and one.unusable not in _NOT_READ else None
    if found is None or found.reason is RevocationReason.REMOVE_FROM_CRL:
        return fault
    is_signed = not isinstance(select_list_signer(one, issuer, signers), Unavailable)
    return fault._replace(revoked_as_of=one.this_update) if is_signed else fault


def _find(one: RevocationList, certificate: Certificate) -> Revocation | None:
    """Return the entry; a delta that takes it away after the expiry only tidies up (RFC 5280 section 5.2.4)."""
    found = one.find(certificate.serial)
    if certificate.valid_until <= one.this_update:
        if found is None and one.complete is not None:
            return one.complete.find(certificate.serial)
        if found is not None and found.reason is RevocationReason.REMOVE_FROM_CRL:
            return None
    return found


def _is_over(delta: RevocationList, base: RevocationList) -> bool:
    """Return whether what ``delta`` takes away is meant of ``base``."""
    return (
        base.unusable is None
        and base.scope == delta.scope
        and base.number is not None
        and delta.number is not None
        and delta.base_number is not None
        and delta.base_number <= base.number < delta.number
    )


def _verify(one: RevocationList, issuer: Certificate, signers: Signers, end: datetime) -> datetime | Fault:
    """Return until when the list counts, at most until ``end``, or why its signature is not to be relied on."""
    signer = select_list_signer(one, issuer, signers)
    if isinstance(signer, Unavailable):
        return Fault(signer)
    return end if signer is issuer else min(end, signer.valid_until)


def select_list_signer(one: RevocationList, issuer: Certificate, signers: Signers) -> Certificate | Unavailable:
    """Return who signed the list, ``issuer`` or one of ``signers``, or why it is not to be relied on.

    A delta and the list below it must be by one key (RFC 5280 section 6.3.3 step c).
    """
    parts = (one,) if one.complete is None or one.delta is None else (one.complete, one.delta)
    if all(is_list_signed(part, issuer.spki) for part in parts):
        may_sign = issuer.key_usage is None or KeyUsage.CRL_SIGN in issuer.key_usage
        return issuer if may_sign else Unavailable.UNUSABLE
    for signer in signers():
        if all(is_list_signed(part, signer.spki) for part in parts):
            return signer
    return Unavailable.BAD_SIGNATURE


# Keyed by digests, so that a list that was replaced is not kept alive by what we remember of it.
_signed: Final[Memo[tuple[bytes, bytes], bool]] = Memo(_SIGNED)


def is_list_signed(candidate: RevocationList, issuer_spki: bytes) -> bool:
    """Return whether this key signed the list; remembered for the pair."""
    return _signed.get((candidate.fingerprint, issuer_spki), lambda: _is_signed(candidate, issuer_spki))


def _is_signed(candidate: RevocationList, issuer_spki: bytes) -> bool:
    return candidate.signature_algorithm in CERTIFICATE_ALGORITHMS and is_signed(
        message=candidate.tbs,
        signature=candidate.signature,
        algorithm=candidate.signature_algorithm,
        spki=issuer_spki,
    )
