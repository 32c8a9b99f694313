"""Who else may speak about certificates: the issuer of an anchor, and the other keys of a CA.

A CA that renews its key signs its lists with the new one, also those about certificates that the old one issued.
Such a list counts when the certificate of its key has the name of the CA, says that it may sign lists, and leads to the
very anchor that the certificate in question relies on (RFC 5280 section 6.3.3 step f).
"""

from datetime import datetime
from typing import Final

from keys.certificate import Certificate, may_sign_certificates
from keys.certificate_extensions import KeyUsage
from keys.chain import MAX_SIGNATURE_CHECKS, Chain, may_fit, search_below
from keys.memo import Memo
from keys.name import name_key
from keys.pkix import find_link_fault
from keys.trust import TrustStore

_REMEMBERED: Final = 4_096  # anchors, and issuers with their anchors; the national list has some 60 authorities
MAX_SIGNERS: Final = 8  # other keys of one CA; two or three in a decade are usual

Path = tuple[Certificate, ...]

_issuers: Final[Memo[tuple[bytes, str], Path]] = Memo(_REMEMBERED)
_signers: Final[Memo[tuple[bytes, bytes, str], tuple[Path, ...]]] = Memo(_REMEMBERED)


def known_issuers(certificate: Certificate, store: TrustStore) -> Path:
    """Return the certificates at hand whose key signed ``certificate``, one for each key, but for its own key.

    Anchors of any purpose and time and intermediates count: that the key signed it is proof enough of whose it is.
    """
    key = (certificate.fingerprint, store.anchors_version)
    return _issuers.get(key, lambda: _find_issuers(certificate, store))


def _find_issuers(certificate: Certificate, store: TrustStore) -> Path:
    found: dict[bytes, Certificate] = {}
    tried = 0
    for candidate in store.certificates_named(certificate.issuer):
        if (
            candidate.spki == certificate.spki
            or candidate.spki in found
            or not may_sign_certificates(candidate)
            or not may_fit(certificate, candidate)
        ):
            continue
        if tried == MAX_SIGNATURE_CHECKS:
            break
        tried += 1
        if find_link_fault(certificate, candidate.spki) is None:
            found[candidate.spki] = candidate
    return tuple(found.values())


def find_list_signers(issuer: Certificate, chain: Chain, store: TrustStore, now: datetime) -> tuple[Path, ...]:
    """Return paths from other certificates of the CA ``issuer`` that may sign its lists, to the anchor of the chain.

    Those of the chain itself come as paths of one. So do those that the operator trusts for a purpose of the anchor,
    where the anchor is ``issuer`` and one and the same key issued both.
    """
    anchor = chain.certificates[-1]
    name = name_key(issuer.subject)
    within = (one for one in chain.certificates[1:] if name_key(one.subject) == name)
    found: list[Path] = [(one,) for one in within if _may_sign_lists(one, issuer)]
    key = (issuer.fingerprint, anchor.fingerprint, store.anchors_version)
    found += _signers.get(key, lambda: _find_signers(issuer, anchor, store))
    if anchor == issuer and chain.anchor is not None:
        purposes = chain.anchor.purposes
        above = {one.spki for one in known_issuers(issuer, store)}
        found += [
            (other.certificate,)
            for other in store.anchors_of(issuer.subject)
            if purposes & other.purposes
            and other.subject is None
            and other.is_current(now)
            and _may_sign_lists(other.certificate, issuer)
            and above & {one.spki for one in known_issuers(other.certificate, store)}
        ]
    current = [path for path in found if all(one.not_before <= now < one.valid_until for one in path)]
    return tuple(current[:MAX_SIGNERS])


def _find_signers(issuer: Certificate, anchor: Certificate, store: TrustStore) -> tuple[Path, ...]:
    candidates = [one for one in store.certificates_named(issuer.subject) if _may_sign_lists(one, issuer)]
    found: list[Path] = []
    for candidate in candidates[: 2 * MAX_SIGNERS]:
        found += search_below(candidate, anchor, store)[:1]
    return tuple(found)


def _may_sign_lists(certificate: Certificate, issuer: Certificate) -> bool:
    """Return whether this is another key than the issuer's, and states that it signs lists."""
    return (
        certificate.spki != issuer.spki
        and certificate.key_usage is not None
        and KeyUsage.CRL_SIGN in certificate.key_usage
    )
