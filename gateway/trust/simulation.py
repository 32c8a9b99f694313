"""What another trust list would change: documents judged under the old and under the new trust, on all cores."""

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from adapters.errors import MalformedDocumentError
from adapters.registry import parse_document
from adapters.strict.bounds import MAX_DOCUMENT
from gateway.checks.signed_part import read_certificate, read_companions
from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.trust.evidence import read_kept_evidence
from gateway.trust.lists import TrustState
from gateway.trust.place import TrustPlace
from gateway.verdict import Outcome
from keys.certificate import Certificate
from keys.chain import build_chain
from keys.errors import ChainError
from keys.revocation_evidence import RevocationEvidence
from keys.trust import Purpose, TrustStore
from keys.trust_list import TrustList, trust_store
from keys.trust_list_compare import Holder, holder_of
from keys.trust_list_parse import parse_trust_list

ONE_PROCESS: Final = 24  # documents that are judged sooner than other processes start
_CHUNK: Final = 16  # documents that a process takes at a time


class Stores(NamedTuple):
    """The trust before and after."""

    before: TrustStore
    after: TrustStore


class Judged(NamedTuple):
    """One verdict: the outcome and every reason."""

    outcome: Outcome
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One document under both; ``unreadable`` says why there is no verdict."""

    name: str
    before: Judged | None = None
    after: Judged | None = None
    unreadable: str | None = None

    @property
    def is_flip(self) -> bool:
        """Say whether the outcome is another one."""
        return self.before is not None and self.after is not None and self.before.outcome is not self.after.outcome

    @property
    def is_loss(self) -> bool:
        """Say whether a valid document is valid no more."""
        return self.is_flip and self.before is not None and self.before.outcome is Outcome.VALID


def stores_of(
    state: TrustState,
    new: TrustList,
    *,
    old: TrustList | None,
    at: datetime,
    evidence: Sequence[RevocationEvidence] = (),
) -> Stores:
    """Return the trust with ``old`` (None: as it stands) and with ``new`` in the place of the list of its name.

    The new list counts as if it were in force, whoever signed it. ``evidence`` is what is known about revocation beside
    the lists of the folder.
    """
    folder = state.folder.with_lists((*state.folder.revocation_lists, *evidence))
    others = tuple(one for one in state.in_force(at) if one.name != new.name)
    present = tuple(one for one in state.in_force(at) if one.name == new.name) if old is None else (old,)
    return Stores(
        before=_store((*others, *present), folder),
        after=_store((*others, new), folder),
    )


def _store(lists: Iterable[TrustList], folder: TrustStore) -> TrustStore:
    together = trust_store(lists, folder.anchors)
    return replace(folder, anchors=together.anchors, keys=together.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process needs to build the stores itself: trust does not travel between processes, bytes do.

    ``trust`` is read as its gateway reads it, with the answers that it keeps; None: nobody is trusted but by the lists.
    """

    trust: TrustPlace | None
    new: bytes
    old: bytes | None
    at: datetime

    def build(self) -> Stores:
        """Read the trust and return the stores.

        Raises:
            OSError, MalformedTrustListError, SiteError: they cannot be read.

        """
        state = TrustState() if self.trust is None else self.trust.read(self.at).state
        evidence: tuple[RevocationEvidence, ...] = ()
        if self.trust is not None and self.trust.site is not None:
            evidence = read_kept_evidence(self.trust.site, state.store_at(self.at), at=self.at)
        old = None if self.old is None else parse_trust_list(self.old)
        return stores_of(state, parse_trust_list(self.new), old=old, at=self.at, evidence=evidence)


def simulate(job: Job, names: Sequence[str], *, processes: int | None = None) -> Iterator[Comparison]:
    """Yield a comparison for each file, in their order.

    Raises:
        OSError, MalformedTrustListError: the trust cannot be read.

    """
    count = processes or os.cpu_count() or 1
    if count == 1 or len(names) <= ONE_PROCESS:
        stores = job.build()
        for name in names:
            yield compare(name, stores, job.at)
        return
    context = multiprocessing.get_context("spawn")  # no thread or lock of this process is copied halfway
    with ProcessPoolExecutor(count, mp_context=context, initializer=_prepare, initargs=(job,)) as pool:
        yield from pool.map(_work, names, chunksize=_CHUNK)


def compare(name: str, stores: Stores, at: datetime) -> Comparison:
    """Judge one file twice."""
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(MAX_DOCUMENT + 1)
    except OSError as error:
        return Comparison(name=name, unreadable=error.strerror or type(error).__name__)
    before, after = (verify_document(data, store=store, at=at) for store in stores)
    return Comparison(
        name=name,
        before=Judged(before.outcome, tuple(before.reasons)),
        after=Judged(after.outcome, tuple(after.reasons)),
    )


_prepared: list[tuple[Stores, datetime]] = []  # of this worker process


def _prepare(job: Job) -> None:
    _prepared[:] = [(job.build(), job.at)]


def _work(name: str) -> Comparison:
    stores, at = _prepared[0]
    return compare(name, stores, at)


def relied_on(data: bytes, *, store: TrustStore, at: datetime) -> frozenset[Holder]:
    """Return those whose trust the signatures of a document rely on; empty for no document."""
    try:
        document = parse_document(data)
    except MalformedDocumentError:
        return frozenset()
    found: set[Holder] = set()
    seals = [(signature.seal, signature.signed_at) for signature in document.signatures]
    for signature in document.signatures:
        moment = signature.signed_at or at
        signer = read_certificate(signature.signed)
        extra = () if signer is None else read_companions(signature.certificates, signer)
        found |= _anchor(signer, Purpose.SIGNER, store=store, at=moment, extra=extra)
    for seal, _ in (*seals, (document.bare_seal, None)):
        if seal is not None:
            found |= _anchor(read_certificate(seal.maker), Purpose.SEAL_MAKER, store=store, at=seal.created)
    return frozenset(found)


def _anchor(
    certificate: Certificate | None,
    purpose: Purpose,
    *,
    store: TrustStore,
    at: datetime,
    extra: Sequence[Certificate] = (),
) -> set[Holder]:
    if certificate is None:
        return set()
    try:
        chain = build_chain(certificate, store=store, purpose=purpose, at=at, extra=extra)
    except ChainError:
        return set()
    return set() if chain.anchor is None else {holder_of(chain.anchor)}
