"""From a certificate to an anchor: the path, found within a budget, and when its issuers were valid.

Two halves, because a gateway asks about the same certificates all day:
what does not depend on time (names, signatures, CA flags, lengths, constraints) is decided once and remembered;
the periods of the issuers, the ends of algorithms, and start, sunset and scope of the anchor, are compared on each
question.
The period of the certificate itself is not judged here: it is a check of its own, and an expired certificate still has
a chain.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from keys.algorithms import NO_END, AlgorithmSunsets
from keys.certificate import MAX_REMEMBERED, Certificate, may_sign_certificates
from keys.errors import ChainError, ChainFault, SignatureFault
from keys.memo import Memo
from keys.name import name_key
from keys.pkix import find_link_fault, find_unknown_extension, validate_path
from keys.scope import NO_CLAIM, Claim, ScopeAnswer
from keys.trust import Anchor, Purpose, TrustStore

MAX_LENGTH: Final = 8  # certificates in a chain with both ends; national hierarchies have three or four
MAX_EXTRA: Final = 128  # certificates that a document may bring along; real ones bring up to four
# Per search, of what came along and of the store's intermediates: 8 ms of SM2; an honest search needs one per link.
MAX_SIGNATURE_CHECKS: Final = 32
# Per search, of anchors, whom the operator chose: 32 ms of SM2; a CA may have renewed its key under one name for years.
MAX_ANCHOR_CHECKS: Final = 128
MAX_CHAINS: Final = 16  # alternatives that are kept: renewals of one CA key, and roots that sign across
# Remembered searches: the signers and makers that a province sees in a day. Only those without a certificate above
# MAX_REMEMBERED, and the key names what came along by one digest; a chain adds the leaf and what the anchors truly
# signed, so that strangers who vary what they send fill at most 16 kB of each place.
_CHAINS: Final = 8_192

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_NOT_AFTER_BELONGS: Final = timedelta(seconds=1)

# Of several reasons why nothing was found, the one that says most comes first.
_TELLING: Final = (
    ChainFault.NAME_CONSTRAINTS,
    ChainFault.UNKNOWN_CRITICAL_EXTENSION,
    ChainFault.NOT_A_CA,
    ChainFault.PATH_TOO_LONG,
    ChainFault.OTHER,
    ChainFault.BUDGET,
    ChainFault.WEAK_ALGORITHM,
    ChainFault.BAD_SIGNATURE,
    ChainFault.UNKNOWN_ISSUER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A validated path: ``certificates`` from the leaf to the anchor, one alone where the leaf is an anchor itself.

    It holds while ``valid_from`` <= at < ``valid_to``, which is the first thing that ends: the period of an issuer, or
    an algorithm of the path. A chain of one has no issuers and no limit.
    ``algorithms_until`` is that end of the algorithms alone: the first moment from which the signature on one of the
    certificates, by its digest or by the key of its issuer, counts no more. The anchor's own is not among them.
    ``anchor`` is the grant that it relies on: who says so, within which scope.
    """

    certificates: tuple[Certificate, ...]
    valid_from: datetime
    valid_to: datetime
    anchor: Anchor | None = None
    algorithms_until: datetime = NO_END

    def answer(self, claim: Claim) -> ScopeAnswer:
        """Compare a claim with the scope of the anchor."""
        return ScopeAnswer.OUTSIDE if self.anchor is None else self.anchor.scope.answer(claim)


_PREFERENCE: Final = (ScopeAnswer.WITHIN, ScopeAnswer.NOT_STATED, ScopeAnswer.OUTSIDE)

# A list that names everybody below a CA for one of these purposes has an opinion on the purpose before the colon.
_ACQUAINTED: Final[Mapping[Purpose, tuple[Purpose, ...]]] = MappingProxyType(
    {Purpose.SEAL_MAKER: (Purpose.SEAL_MAKER, Purpose.SIGNER), Purpose.SIGNER: (Purpose.SIGNER,)}
)


def build_chain(
    certificate: Certificate,
    *,
    store: TrustStore,
    purpose: Purpose,
    at: datetime,
    extra: Sequence[Certificate] = (),
    trusted_at: datetime | None = None,
    claim: Claim = NO_CLAIM,
) -> Chain:
    """Return a chain from ``certificate`` to an anchor for ``purpose`` whose issuers were all valid at ``at``.

    ``extra`` are certificates from the document: candidates for the middle of the chain, as those of the store are;
    never trusted.
    The anchor and the algorithms of the path must count at ``at``, which is often no more than the signer's claim, and
    at ``trusted_at`` too: the proven time or the present, so that one whose trust has ended, or who can forge what an
    algorithm signs, cannot date itself back (None: at ``at`` alone).

    1. The certificate is an anchor itself, byte by byte: a chain of one, unless it demands what we do not know.
    2. Paths are found by name, key identifier and signature, and validated by RFC 5280 section 6, without time.
    3. Of the chains whose issuers were all valid and whose algorithms and anchor count, the first within whose scope
       ``claim`` is; where there is none, the first that limits what the claim does not state; else the first, which
       does not fit.

    A chain ends at its anchor: what CAs above it say (path lengths, name constraints) does not limit it. Whether they
    revoked the anchor is asked by `keys.revocation`.
    What several anchors say adds up. Whether the claim fits the chain is for the caller to ask (`Chain.answer`).

    Raises:
        ChainError: there is none; the fault says why.

    """
    if len(certificate.encoded) > MAX_REMEMBERED or any(len(one.encoded) > MAX_REMEMBERED for one in extra):
        found = _search(certificate, store, purpose, extra)
    else:
        others = hashlib.sha256(b"".join([one.fingerprint for one in extra])).digest() if extra else b""
        key = (certificate.fingerprint, store.anchors_version, purpose, others)
        found = _found.get(key, lambda: _search(certificate, store, purpose, extra))
    if not found.chains:
        raise ChainError(found.fault, found.detail)
    until = at if trusted_at is None else trusted_at
    timely = [
        chain for chain in found.chains if chain.valid_from <= at < chain.valid_to and until < chain.algorithms_until
    ]
    if not timely:
        raise ChainError(_find_time_fault(found.chains, at), f"an issuer of certificate {certificate.serial:X}")
    trusted = [c for c in timely if c.anchor and c.anchor.is_current(at) and c.anchor.is_current(until)]
    if len(trusted) == 1:
        return trusted[0]
    if not trusted:
        raise ChainError(ChainFault.OUTSIDE_TRUST_PERIOD, f"the anchor of certificate {certificate.serial:X}")
    return min(trusted, key=lambda chain: _PREFERENCE.index(chain.answer(claim)))


def _find_time_fault(chains: Sequence[Chain], at: datetime) -> ChainFault:
    """Return why none of the chains holds; periods come before algorithms, whose end may still be decided otherwise."""
    ends = [(chain.valid_from, _issuers_end(chain.certificates[1:])) for chain in chains]
    if any(begin <= at < end for begin, end in ends):
        return ChainFault.ALGORITHM_SUNSET
    return ChainFault.EXPIRED_ISSUER if any(at >= end for _, end in ends) else ChainFault.NOT_YET_VALID_ISSUER


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a search ended with: chains, or why there are none."""

    chains: tuple[Chain, ...]
    fault: ChainFault = ChainFault.UNKNOWN_ISSUER
    detail: str = ""


_found: Final[Memo[tuple[bytes, str, Purpose, bytes], _Found]] = Memo(_CHAINS)


def _search(certificate: Certificate, store: TrustStore, purpose: Purpose, extra: Sequence[Certificate]) -> _Found:
    def over(issuer: bytes, leaf: bytes | None) -> Sequence[Anchor]:
        return store.anchors_over(purpose, issuer, leaf)

    found = _search_anchors(certificate, over, extra, store)
    if found.fault not in {ChainFault.UNKNOWN_ISSUER, ChainFault.BUDGET} or found.chains:
        return found

    def known(issuer: bytes, _leaf: bytes | None) -> Sequence[Anchor]:
        acquainted = _ACQUAINTED.get(purpose, ())
        anchors = (anchor for one in acquainted for anchor in store.anchors_by_name.get((one, name_key(issuer)), ()))
        return [anchor for anchor in anchors if anchor.is_exhaustive]

    # Whoever is not authorised could bring so many certificates along that the search ends early. What ended that one
    # would end this one too, so a CA that issued the certificate itself is found without them.
    others = () if found.fault is ChainFault.BUDGET else extra
    if _search_anchors(certificate, known, others, store).chains:
        return _Found(chains=(), fault=ChainFault.NOT_AUTHORISED, detail=f"certificate {certificate.serial:X}")
    return found


def _search_anchors(
    certificate: Certificate,
    over: Callable[[bytes, bytes | None], Sequence[Anchor]],
    extra: Sequence[Certificate],
    store: TrustStore,
) -> _Found:
    own = [one for one in over(certificate.subject, None) if one.certificate == certificate]
    if own and find_unknown_extension(certificate) is not None:
        # No path below an anchor would allow it either.
        return _Found(
            chains=(), fault=ChainFault.UNKNOWN_CRITICAL_EXTENSION, detail=f"certificate {certificate.serial:X}"
        )
    chains = [
        Chain(certificates=(certificate,), valid_from=_EARLIEST, valid_to=_LATEST, anchor=anchor) for anchor in own
    ]
    if len(extra) > MAX_EXTRA:
        return _Found(
            chains=tuple(chains), fault=ChainFault.BUDGET, detail=f"more than {MAX_EXTRA} certificates came along"
        )
    search = _Search(over, extra, store)
    search.extend((certificate,))
    chains += search.chains
    fault = min(search.faults, key=_TELLING.index, default=ChainFault.UNKNOWN_ISSUER)
    return _Found(
        chains=tuple(chains), fault=fault, detail=search.faults.get(fault, f"issuer of {certificate.serial:X}")
    )


def search_below(certificate: Certificate, anchor: Certificate, store: TrustStore) -> list[tuple[Certificate, ...]]:
    """Return the paths from ``certificate`` to exactly this anchor, both included, over the store's intermediates.

    Periods and purposes are for the caller to judge; it costs a search, so its answer should be remembered.
    """
    name = name_key(anchor.subject)
    above = (Anchor(certificate=anchor, purposes=frozenset()),)
    search = _Search(lambda issuer, _leaf: above if name_key(issuer) == name else (), (), store)
    if certificate == anchor:
        return [(certificate,)]
    search.extend((certificate,))
    return [chain.certificates for chain in search.chains]


class _Search:
    """One search, depth first, anchors before strangers; it counts what it does and stops at the bounds above."""

    def __init__(
        self,
        select: Callable[[bytes, bytes | None], Sequence[Anchor]],
        extra: Sequence[Certificate],
        store: TrustStore,
    ) -> None:
        self.chains: list[Chain] = []
        self.faults: dict[ChainFault, str] = {}
        self._checks = {True: MAX_ANCHOR_CHECKS, False: MAX_SIGNATURE_CHECKS}  # that are left, of anchors and others
        self._paths = 0
        self._select = select
        self._intermediates = store.intermediates_by_name
        self._algorithms = store.algorithms
        self._strangers: dict[str | bytes, list[Certificate]] = {}
        for certificate in dict.fromkeys(extra):
            self._strangers.setdefault(name_key(certificate.subject), []).append(certificate)

    def extend(self, path: tuple[Certificate, ...]) -> None:
        """Follow every issuer of the last certificate of ``path`` that truly signed it."""
        subject = path[-1]
        candidates: dict[Certificate, list[Anchor]] = {}
        for anchor in self._select(subject.issuer, subject.subject if len(path) == 1 else None):
            candidates.setdefault(anchor.certificate, []).append(anchor)
        name = name_key(subject.issuer)
        for stranger in (*self._intermediates.get(name, ()), *self._strangers.get(name, ())):
            candidates.setdefault(stranger, [])
        for issuer, anchors in candidates.items():
            is_anchor = bool(anchors)
            if self._paths == MAX_CHAINS or ChainFault.BUDGET in self.faults:
                return
            if issuer in path or not may_fit(subject, issuer) or not self._signed(subject, issuer, is_anchor=is_anchor):
                continue
            if not may_sign_certificates(issuer):
                self._note(ChainFault.NOT_A_CA, issuer)
            elif is_anchor:
                self._complete((*path, issuer), anchors)
            elif len(path) + 1 < MAX_LENGTH:
                self.extend((*path, issuer))
            else:
                self._note(ChainFault.PATH_TOO_LONG, issuer)

    def _signed(self, subject: Certificate, issuer: Certificate, *, is_anchor: bool) -> bool:
        if self._checks[is_anchor] == 0:
            self._note(ChainFault.BUDGET, subject)
            return False
        self._checks[is_anchor] -= 1
        fault = find_link_fault(subject, issuer.spki)
        # Only an anchor's word makes a signature forged or weak; a stranger that does not fit is simply no issuer.
        # And only the very key that the subject names: a CA that renewed its key keeps its name.
        if is_anchor:
            match fault:
                case SignatureFault.BAD | SignatureFault.MALFORMED if _is_named(subject, issuer):
                    self._note(ChainFault.BAD_SIGNATURE, subject)
                case SignatureFault.UNSUPPORTED_ALGORITHM | SignatureFault.UNUSABLE_KEY:
                    self._note(ChainFault.WEAK_ALGORITHM, subject)
                case _:
                    pass  # a CA may have twins of one name with different keys; the second opinion is asked elsewhere
        return fault is None

    def _complete(self, path: tuple[Certificate, ...], anchors: Iterable[Anchor]) -> None:
        """Keep the path, once for each anchor, when RFC 5280 has nothing against it."""
        try:
            validate_path(path)
        except ChainError as error:
            self.faults.setdefault(error.fault, error.detail)
            return
        self._paths += 1
        issuers = path[1:]
        algorithms_until = _algorithms_end(path, self._algorithms)
        chain = Chain(
            certificates=path,
            valid_from=max(one.not_before for one in issuers),
            valid_to=min(_issuers_end(issuers), algorithms_until),
            algorithms_until=algorithms_until,
        )
        self.chains.extend(replace(chain, anchor=anchor) for anchor in anchors)

    def _note(self, fault: ChainFault, certificate: Certificate) -> None:
        self.faults.setdefault(fault, f"certificate {certificate.serial:X}")


def may_fit(subject: Certificate, issuer: Certificate) -> bool:
    """Return whether the key identifiers, where both are stated, do not contradict each other."""
    return None in (subject.authority_key_id, issuer.subject_key_id) or (
        subject.authority_key_id == issuer.subject_key_id
    )


def _is_named(subject: Certificate, issuer: Certificate) -> bool:
    """Return whether the subject names the key of the issuer as the one that signed it."""
    return subject.authority_key_id is not None and subject.authority_key_id == issuer.subject_key_id


def _issuers_end(issuers: Sequence[Certificate]) -> datetime:
    """Return the first moment after a period; X.509's last second still belongs to it. Without issuers: no end."""
    not_after = min((one.not_after for one in issuers), default=_LATEST)
    return not_after + _NOT_AFTER_BELONGS if not_after < _LATEST - _NOT_AFTER_BELONGS else _LATEST


def _algorithms_end(path: Sequence[Certificate], algorithms: AlgorithmSunsets) -> datetime:
    """Return the first moment from which the signature on a certificate below the anchor counts no more."""
    return min(algorithms.signature_end(one.signature_algorithm, issuer.spki) for one, issuer in pairwise(path))
