"""Whether a trust list is to be relied on: who signed it, what it follows, and how long it lasts.

The rules are those of The Update Framework for its root of trust (TUF 1.0.33 section 5.3): a threshold of different
keys, each version signed by the keys of the version before it, no version skipped, none taken back, none kept for ever.
"""

from collections.abc import Collection, Sequence
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
    2. No id of an old key stands for another key. Every signature by a key that we know verifies; enough different keys
       of the old list, and enough of its own, have signed. So nobody adds a key without those who were trusted before,
       nor one whose owner has not got it.
    3. ``at`` lies within issued and expires, which are at most `MAX_LIFE` apart.

    Raises:
        UntrustedListError: the first rule that it breaks.

    """
    endorsement = verify_content(new, previous=previous, root_keys=root_keys)
    verify_period(new, at)
    return endorsement


def verify_content(new: TrustList, *, previous: TrustList | None, root_keys: ListKeys | None) -> Endorsement:
    """Verify everything of `verify_trust_list` but that it is the time of the list, and return who signed it.

    So versions that a gateway missed are verified in their order: they may have expired since, the last may not.

    Raises:
        UntrustedListError: the first rule that it breaks.

    """
    # 1 what it follows
    if previous is not None:
        _verify_place(new, previous)
    # 2 who signed
    old_keys = root_keys if previous is None else previous.signers
    if old_keys is None:
        raise UntrustedListError(TrustListFault.TOO_FEW_OLD_SIGNATURES, "neither a list in force nor root keys")
    _verify_ids(new.signers, old_keys)
    signed = _find_signers(new, {*new.signers.signers, *old_keys.signers})
    _expect_enough(new.signers, signed, TrustListFault.TOO_FEW_SIGNATURES)
    _expect_enough(old_keys, signed, TrustListFault.TOO_FEW_OLD_SIGNATURES)
    # 3 without the moment
    if new.expires - new.issued > MAX_LIFE:
        raise UntrustedListError(TrustListFault.TOO_LONG_LIVED, f"at most {MAX_LIFE.days} days")
    signed_by = frozenset(key.id for key in signed)
    return Endorsement(signed_by=signed_by, unknown=frozenset(one.key for one in new.signatures) - signed_by)


def verify_own_signatures(trust_list: TrustList) -> None:
    """Verify what a list needs whatever it follows: enough signatures of its own keys, and none of theirs bad.

    Raises:
        UntrustedListError: the fault is BAD_SIGNATURE or TOO_FEW_SIGNATURES.

    """
    signed = _find_signers(trust_list, trust_list.signers.signers)
    _expect_enough(trust_list.signers, signed, TrustListFault.TOO_FEW_SIGNATURES)


def verify_period(trust_list: TrustList, at: datetime) -> None:
    """Verify that ``at`` lies within issued and expires.

    Raises:
        UntrustedListError: the fault is NOT_YET_ISSUED or EXPIRED.

    """
    if at < trust_list.issued:
        detail = f"issued {trust_list.issued - at} from now: check the clock"
        raise UntrustedListError(TrustListFault.NOT_YET_ISSUED, detail)
    if at >= trust_list.expires:
        raise UntrustedListError(TrustListFault.EXPIRED, f"{(at - trust_list.expires).days} days ago")


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


def _verify_ids(new: ListKeys, old: ListKeys) -> None:
    """Refuse an id that passes to another key: signatures and approvals name keys by their ids."""
    known = {key.id: key.public_key for key in old.keys}
    for key in new.keys:
        if known.get(key.id, key.public_key) != key.public_key:
            raise UntrustedListError(TrustListFault.KEY_ID_REUSED, key.id)


def _find_signers(new: TrustList, known: Collection[ListKey]) -> frozenset[ListKey]:
    """Return the keys that signed; a signature that names a key which nobody knows is passed over.

    One that names a key we know and does not verify refuses the list: what it says is not true.
    """
    found = set()
    for signature in new.signatures:
        for key in known:
            if key.id == signature.key:
                if not _is_signed(new, signature, key):
                    raise UntrustedListError(TrustListFault.BAD_SIGNATURE, key.id)
                found.add(key)
    return frozenset(found)


def find_signers(trust_list: TrustList, keys: Collection[ListKey]) -> frozenset[bytes]:
    """Return the public keys of those among ``keys`` who truly signed a list."""
    return frozenset(
        key.public_key
        for signature in trust_list.signatures
        for key in keys
        if key.id == signature.key and _is_signed(trust_list, signature, key)
    )


def _is_signed(new: TrustList, signature: ListSignature, key: ListKey) -> bool:
    try:
        encoding = verify_signature(
            message=new.signed_bytes, signature=signature.value, algorithm=key.algorithm.oid, spki=key.public_key
        )
    except SignatureVerificationError:
        return False
    return encoding is SignatureEncoding.DER  # one spelling, here too


def _expect_enough(keys: ListKeys, signed: Collection[ListKey], fault: TrustListFault) -> None:
    """Count different public keys, so that one under two ids is one signer."""
    found = {key.public_key for key in signed} & {key.public_key for key in keys.signers}
    if not keys.can_be_met or len(found) < keys.threshold:
        raise UntrustedListError(fault, f"{keys.threshold} were expected, got {len(found)}")


def missing_signers(trust_list: TrustList, keys: ListKeys) -> Sequence[ListKey]:
    """Return the keys that may still sign a list, for people who collect signatures; nothing is verified here."""
    named = {signature.key for signature in trust_list.signatures}
    return [key for key in keys.signers if key.id not in named]
