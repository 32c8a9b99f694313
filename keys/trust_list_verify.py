"""Whether a trust list is to be relied on: who signed it, what it follows, and how long it lasts.

The rules are those of The Update Framework for its root of trust (TUF 1.0.33 section 5.3): a threshold of different
keys, each version signed by the keys of the version before it, no version skipped, none taken back, none kept for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keys.errors import SignatureVerificationError, TrustListFault, UntrustedListError
from keys.signature import SignatureEncoding, verify_signature
from keys.trust_list import ListKey, ListKeys, ListSignature, TrustList

MAX_LIFE: Final = timedelta(days=400)  # a yearly list with a month to spare; a list for ever could be frozen for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """Who signed a list: the ids of keys whose signatures verified, and of those that nobody here knows.

    What an unknown key signed was not looked at and counts for nothing.
    """

    signed_by: frozenset[str]
    unknown: frozenset[str]


def verify_trust_list(
    new: TrustList, *, previous: TrustList | None, root_keys: ListKeys | None, at: datetime
) -> Endorsement:
    """Verify that ``new`` may be in force at ``at``, and return who signed it.

    ``previous`` is the list in force, which was verified before; the same list again is fine. Without one (None),
    ``root_keys`` stand in the place of its keys: what the operator was given by hand, which is not asked ever after.

    1. It has the name of the list in force, is the very next version, and names that list's digest as its previous.
    2. Every signature by a key that we know verifies; enough different keys of the old list, and enough of its own,
       have signed. So nobody adds a key without those who were trusted before, nor one whose owner has not got it.
    3. ``at`` lies within issued and expires, which are at most `MAX_LIFE` apart.

    Raises:
        UntrustedListError: the first rule that it breaks.

    """
    endorsement = _verify_content(new, previous, root_keys)
    _verify_time(new, at)
    return endorsement


def verify_succession(
    lists: Iterable[TrustList], *, previous: TrustList | None, root_keys: ListKeys | None, at: datetime
) -> TrustList | None:
    """Verify lists that follow each other, and return the last: for a gateway that was away for some versions.

    Those in between may have expired since; what counts is that the last one has not. The order is that of their
    versions, and one that is in force already is passed over. None where there was neither a list nor a previous one.

    Raises:
        UntrustedListError: as `verify_trust_list`, for the first that breaks a rule.

    """
    last = previous
    for one in sorted(lists, key=lambda one: one.version):
        if previous is not None and one.version < previous.version:
            continue
        _verify_content(one, last, root_keys)
        last = one
    if last is not None:
        _verify_time(last, at)
    return last


def _verify_content(new: TrustList, previous: TrustList | None, root_keys: ListKeys | None) -> Endorsement:
    # 1 what it follows
    if previous is not None:
        _verify_place(new, previous)
    # 2 who signed
    old_keys = root_keys if previous is None else previous.signers
    known = {*new.signers.signers, *(() if old_keys is None else old_keys.signers)}
    signed = {(one.key, public_key) for one in new.signatures for public_key in _signed_with(new, one, known)}
    _expect_enough(new.signers, signed, TrustListFault.TOO_FEW_SIGNATURES)
    if old_keys is None:
        raise UntrustedListError(TrustListFault.TOO_FEW_OLD_SIGNATURES, "neither a list in force nor root keys")
    _expect_enough(old_keys, signed, TrustListFault.TOO_FEW_OLD_SIGNATURES)
    signed_by = frozenset(key for key, _ in signed)
    return Endorsement(signed_by=signed_by, unknown=frozenset(one.key for one in new.signatures) - signed_by)


def _verify_place(new: TrustList, previous: TrustList) -> None:
    if new.name != previous.name:
        raise UntrustedListError(TrustListFault.OTHER_LIST, f"{previous.name} was expected, got {new.name}")
    if new.version < previous.version:
        detail = f"version {previous.version} is in force, got {new.version}"
        raise UntrustedListError(TrustListFault.ROLLBACK, detail)
    if new.version == previous.version:
        if new.digest != previous.digest:
            raise UntrustedListError(TrustListFault.EQUIVOCATION, f"two lists say that they are version {new.version}")
        return
    if new.version != previous.version + 1:
        detail = f"version {previous.version + 1} was expected, got {new.version}"
        raise UntrustedListError(TrustListFault.GAP, detail)
    if new.previous != previous.digest:
        raise UntrustedListError(TrustListFault.WRONG_PREVIOUS, f"version {new.version}")
    if new.issued < previous.issued:
        raise UntrustedListError(TrustListFault.ROLLBACK, f"version {new.version} was issued before the one in force")


def _signed_with(new: TrustList, signature: ListSignature, known: Iterable[ListKey]) -> Sequence[bytes]:
    """Return the public key that made this signature, or nothing when nobody knows the key that it names.

    A signature that names a key we know and does not verify refuses the list: what it says is not true.
    """
    named = [key for key in known if key.id == signature.key]  # two, where a new list gives an old id to a new key
    found = [key.public_key for key in named if _is_signed(new, signature, key)]
    if named and not found:
        raise UntrustedListError(TrustListFault.BAD_SIGNATURE, signature.key)
    return found


def _is_signed(new: TrustList, signature: ListSignature, key: ListKey) -> bool:
    try:
        encoding = verify_signature(
            message=new.signed_bytes, signature=signature.value, algorithm=key.algorithm.oid, spki=key.public_key
        )
    except SignatureVerificationError:
        return False
    return encoding is SignatureEncoding.DER  # one spelling, here too


def _expect_enough(keys: ListKeys, signed: Iterable[tuple[str, bytes]], fault: TrustListFault) -> None:
    """Count different public keys, so that one under two ids is one signer."""
    found = {public_key for _, public_key in signed} & {key.public_key for key in keys.signers}
    if not keys.can_be_met or len(found) < keys.threshold:
        raise UntrustedListError(fault, f"{keys.threshold} were expected, got {len(found)}")


def _verify_time(new: TrustList, at: datetime) -> None:
    if new.expires - new.issued > MAX_LIFE:
        raise UntrustedListError(TrustListFault.TOO_LONG_LIVED, f"at most {MAX_LIFE.days} days")
    if at < new.issued:
        raise UntrustedListError(TrustListFault.NOT_YET_ISSUED, f"issued {(new.issued - at)} from now: check the clock")
    if at >= new.expires:
        raise UntrustedListError(TrustListFault.EXPIRED, f"{(at - new.expires).days} days ago")


def missing_signers(trust_list: TrustList, keys: ListKeys) -> Sequence[ListKey]:
    """Return the keys that may still sign a list, for people who collect signatures; nothing is verified here."""
    named = {signature.key for signature in trust_list.signatures}
    return [key for key in keys.signers if key.id not in named]
