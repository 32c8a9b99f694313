"""From a certificate to an anchor: the path, found within a budget, and when its issuers were valid.

Two halves, because a gateway asks about the same certificates all day:
what does not depend on time (names, signatures, CA flags, lengths, constraints) is decided once and remembered;
the periods of the issuers are compared with the moment of each question.
The period of the certificate itself is not judged here: it is a check of its own, and an expired certificate still has
a chain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from keys.certificate import Certificate, may_sign_certificates
from keys.errors import ChainError, ChainFault, SignatureFault
from keys.memo import Memo
from keys.name import name_key
from keys.pkix import find_link_fault, validate_path
from keys.trust import Anchor, Purpose, TrustStore

MAX_LENGTH: Final = 8  # certificates in a chain with both ends; national hierarchies have three or four
MAX_EXTRA: Final = 128  # certificates that a document may bring along; real ones bring up to four
MAX_SIGNATURE_CHECKS: Final = 32  # per search: 8 ms of SM2; an honest search needs one per link and twin
MAX_CHAINS: Final = 4  # alternatives that are kept, as a root and its successor sign across
_CHAINS: Final = 8_192  # remembered searches: the signers and makers that a province sees in a day

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

    The issuers are all within their periods while ``valid_from`` <= at < ``valid_to``; a chain of one has no issuers
    and no limit.
    """

    certificates: tuple[Certificate, ...]
    valid_from: datetime
    valid_to: datetime


def build_chain(
    certificate: Certificate,
    *,
    store: TrustStore,
    purpose: Purpose,
    at: datetime,
    extra: Sequence[Certificate] = (),
) -> Chain:
    """Return a chain from ``certificate`` to an anchor for ``purpose`` whose issuers were all valid at ``at``.

    ``extra`` are certificates from the document: candidates for the middle of the chain, never trusted.

    1. The certificate is an anchor itself, byte by byte: a chain of one.
    2. Paths are found by name, key identifier and signature, and validated by RFC 5280 section 6, without time.
    3. The first whose issuers were all valid at ``at`` is the answer.

    Raises:
        ChainError: there is none; the fault says why.

    """
    key = (certificate.fingerprint, store.anchors_version, purpose, tuple(one.fingerprint for one in extra))
    found = _found.get(key, lambda: _search(certificate, store, purpose, at, extra))
    for chain in found.chains:
        if chain.valid_from <= at < chain.valid_to:
            return chain
    if not found.chains:
        raise ChainError(found.fault, found.detail)
    expired = any(at >= chain.valid_to for chain in found.chains)
    fault = ChainFault.EXPIRED_ISSUER if expired else ChainFault.NOT_YET_VALID_ISSUER
    raise ChainError(fault, f"an issuer of certificate {certificate.serial:X}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a search ended with: chains, or why there are none."""

    chains: tuple[Chain, ...]
    fault: ChainFault = ChainFault.UNKNOWN_ISSUER
    detail: str = ""


_found: Final[Memo[tuple[bytes, str, Purpose, tuple[bytes, ...]], _Found]] = Memo(_CHAINS)


def _search(
    certificate: Certificate, store: TrustStore, purpose: Purpose, at: datetime, extra: Sequence[Certificate]
) -> _Found:
    if any(anchor.certificate == certificate for anchor in store.select_named(purpose, at, certificate.subject)):
        return _Found(chains=(Chain(certificates=(certificate,), valid_from=_EARLIEST, valid_to=_LATEST),))
    if len(extra) > MAX_EXTRA:
        return _Found(chains=(), fault=ChainFault.BUDGET, detail=f"more than {MAX_EXTRA} certificates came along")
    search = _Search(lambda issuer: store.select_named(purpose, at, issuer), extra)
    search.extend((certificate,))
    if search.chains:
        return _Found(chains=tuple(search.chains))
    fault = min(search.faults, key=_TELLING.index, default=ChainFault.UNKNOWN_ISSUER)
    return _Found(chains=(), fault=fault, detail=search.faults.get(fault, f"issuer of {certificate.serial:X}"))


class _Search:
    """One search, depth first, anchors before strangers; it counts what it does and stops at the bounds above."""

    def __init__(self, select: Callable[[bytes], Sequence[Anchor]], extra: Sequence[Certificate]) -> None:
        self.chains: list[Chain] = []
        self.faults: dict[ChainFault, str] = {}
        self._checks = 0
        self._select = select
        self._strangers: dict[str | bytes, list[Certificate]] = {}
        for certificate in dict.fromkeys(extra):
            self._strangers.setdefault(name_key(certificate.subject), []).append(certificate)

    def extend(self, path: tuple[Certificate, ...]) -> None:
        """Follow every issuer of the last certificate of ``path`` that truly signed it."""
        subject = path[-1]
        trusted = [anchor.certificate for anchor in self._select(subject.issuer)]
        strangers = self._strangers.get(name_key(subject.issuer), ())
        candidates = dict.fromkeys(trusted, True) | {one: False for one in strangers if one not in trusted}
        for issuer, is_anchor in candidates.items():
            if len(self.chains) == MAX_CHAINS or ChainFault.BUDGET in self.faults:
                return
            if (
                issuer in path
                or not _may_fit(subject, issuer)
                or not self._signed(subject, issuer, is_anchor=is_anchor)
            ):
                continue
            if not may_sign_certificates(issuer):
                self._note(ChainFault.NOT_A_CA, issuer)
            elif is_anchor:
                self._complete((*path, issuer))
            elif len(path) + 1 < MAX_LENGTH:
                self.extend((*path, issuer))
            else:
                self._note(ChainFault.PATH_TOO_LONG, issuer)

    def _signed(self, subject: Certificate, issuer: Certificate, *, is_anchor: bool) -> bool:
        if self._checks == MAX_SIGNATURE_CHECKS:
            self._note(ChainFault.BUDGET, subject)
            return False
        self._checks += 1
        fault = find_link_fault(subject, issuer.spki)
        # Only an anchor's word makes a signature forged or weak; a stranger that does not fit is simply no issuer.
        if is_anchor:
            match fault:
                case SignatureFault.BAD | SignatureFault.MALFORMED:
                    self._note(ChainFault.BAD_SIGNATURE, subject)
                case SignatureFault.UNSUPPORTED_ALGORITHM | SignatureFault.UNUSABLE_KEY:
                    self._note(ChainFault.WEAK_ALGORITHM, subject)
                case SignatureFault.WRONG_KEY_TYPE | None:  # a CA may have twins of one name with different keys
                    pass
        return fault is None

    def _complete(self, path: tuple[Certificate, ...]) -> None:
        """Keep the path when RFC 5280 has nothing against it."""
        try:
            validate_path(path)
        except ChainError as error:
            self.faults.setdefault(error.fault, error.detail)
            return
        issuers = path[1:]
        self.chains.append(
            Chain(
                certificates=path,
                valid_from=max(one.not_before for one in issuers),
                valid_to=_exclusive(min(one.not_after for one in issuers)),
            )
        )

    def _note(self, fault: ChainFault, certificate: Certificate) -> None:
        self.faults.setdefault(fault, f"certificate {certificate.serial:X}")


def _may_fit(subject: Certificate, issuer: Certificate) -> bool:
    """Return whether the key identifiers, where both are stated, do not contradict each other."""
    return None in (subject.authority_key_id, issuer.subject_key_id) or (
        subject.authority_key_id == issuer.subject_key_id
    )


def _exclusive(not_after: datetime) -> datetime:
    """Turn X.509's last second, which still belongs to the period, into the first moment after it."""
    return not_after + _NOT_AFTER_BELONGS if not_after < _LATEST - _NOT_AFTER_BELONGS else _LATEST
