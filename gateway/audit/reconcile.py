"""Reconciliation: what the receipts of a caller or a partner say, held against the log, and what only one side has.

What a receipt has the log's signature for is a tree: its size and root. Where the log has another root of that size, or
fewer entries, it was forked or cut, and the receipt proves it. Which entry it is for, the receipt says itself; only a
proof in it binds the entry to a tree. Without one, an entry that is another in the log may be the log's fault or the
holder's, and is called a claim. An entry without a receipt is an answer that its caller says it never had, or a receipt
that got lost. Receipts of other logs, such as another half-year's or another province's, are counted and no more:
their trees are none of this log's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.audit.errors import AuditError, LogFault, UnprovenError
from gateway.audit.leaf import Leaf, LeafError, parse_leaf
from gateway.audit.receipts import FullReceipt, verify_receipt
from gateway.audit.recovery import root_at
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.quorum import Policy
from gateway.audit.tlog.tile import ENTRIES, TILE_WIDTH, TileAddress, parse_bundle
from gateway.audit.verify.source import Source, read_root, read_tile

MAX_RECEIPTS: Final = 2_000_000  # kept in memory, about 200 bytes each; the busiest caller's months
_STRETCH: Final = 16 * TILE_WIDTH  # entries read at once from a store
_ROOTS: Final = 4_096  # remembered; all receipts of a batch have one
_TILES: Final = 256  # remembered of an export, 2 MiB; receipts come more or less in order

Entries = Iterable[tuple[int, bytes]]  # (number, leaf) in order
RootAt = Callable[[int], bytes | None]  # the root of the first entries; None: there are fewer
Progress = Callable[[int, int], None]


class Difference(StrEnum):
    """What one side has and the other has not."""

    FORKED = "forked"  # the log signed another tree of that size than it has
    NOT_IN_LOG = "not-in-log"  # the log signed a larger tree than it has; or the entry is beyond the end of an export
    OTHER_IN_LOG = "other-in-log"  # the log has another entry at that place
    UNSIGNED = "unsigned"  # a receipt that the log did not sign, which claims nothing
    TWICE = "twice"  # two receipts for one number of a caller, or for one place, that differ
    NO_RECEIPT = "no-receipt"  # an entry of the caller without a receipt
    GAP = "gap"  # numbers of the caller that the log skips


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One difference; ``where`` is the receipt's place among those given.

    ``is_proven``: the log's own signatures prove what a receipt says; None where the difference is not about a receipt.
    """

    kind: Difference
    is_proven: bool | None
    entry: int | None = None
    caller: str = ""
    seq: int | None = None
    where: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which entries are compared, [first, end) of a ``log``, by its origin, of ``size``; an export need not have all.

    ``is_newest``: this is the log itself, so that no receipt can be later than it.
    """

    log: str
    first: int
    end: int
    size: int
    is_newest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The outcome: how many receipts match an entry, how many lie outside the span, and every difference.

    ``later``: how many are of a larger tree than there is, so that it could not be compared; ``elsewhere``: of another
    log.
    """

    receipts: int
    matched: int
    outside: int
    later: int
    elsewhere: int
    callers: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]


class TooManyReceiptsError(AuditError):
    """More receipts than are compared at once."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What is kept of a receipt."""

    leaf_hash: bytes
    seq: int | None
    where: str
    is_proven: bool  # the entry is in a tree that the log signed
    is_later: bool  # that tree is larger than there is


def reconcile(
    receipts: Iterable[tuple[str, FullReceipt]],
    entries: Entries,
    *,
    span: Span,
    roots: RootAt,
    policy: Policy,
    callers: Sequence[str] = (),
) -> Reconciled:
    """Compare receipts, each with its place, with the tree and the entries of the log that they should cover.

    Entries of ``callers``, or where none are named of those who hold one of the receipts, need a receipt from the
    caller's first to its last; named callers need one for every entry given.

    Raises:
        TooManyReceiptsError: more than `MAX_RECEIPTS`.

    """
    comparison = _Comparison(span, roots, policy, callers)
    for where, receipt in receipts:
        comparison.hold(where, receipt)
    for entry, data in entries:
        comparison.meet(entry, data)
    return comparison.outcome()


class _Comparison:
    """The state of one reconciliation."""

    def __init__(self, span: Span, roots: RootAt, policy: Policy, callers: Sequence[str]) -> None:
        self._span = span
        self._roots = roots
        self._policy = policy
        self._callers = frozenset(callers)
        self._held: dict[int, _Held] = {}
        self._mismatches: list[Mismatch] = []
        self._count = self._matched = self._later = self._elsewhere = 0
        self._last: dict[str, int] = {}  # the last number of each caller in the log
        self._covered: dict[str, tuple[int, int]] = {}  # the first and last number with a receipt
        self._bare: dict[str, list[tuple[int, int]]] = {}  # (number, entry) without a receipt, by caller

    def hold(self, where: str, receipt: FullReceipt) -> None:
        self._count += 1
        if self._count > MAX_RECEIPTS:
            raise TooManyReceiptsError(f"up to {MAX_RECEIPTS} receipts were expected")
        if receipt.log != self._span.log:
            self._elsewhere += 1
            return
        try:
            # Its own checkpoint is enough here: whether the entry is there is what the log is asked now.
            verify_receipt(receipt, Policy(logs=self._policy.logs))
        except UnprovenError as error:
            is_forked = error.fault is LogFault.FORKED  # by its own two checkpoints
            kind = Difference.FORKED if is_forked else Difference.UNSIGNED
            self._add(kind, receipt.index, proven=is_forked, seq=receipt.seq, where=where, detail=str(error))
            return
        is_later = self._compare_trees(where, receipt)
        if is_later and self._span.is_newest:
            return
        found = _Held(receipt.leaf_hash, receipt.seq, where, receipt.proof is not None, is_later)
        held = self._held.setdefault(receipt.index, found)
        if held.leaf_hash != receipt.leaf_hash:
            self._add(Difference.TWICE, receipt.index, proven=False, seq=receipt.seq, where=where)

    def _compare_trees(self, where: str, receipt: FullReceipt) -> bool:
        """Hold what the log signed against the log, and return whether some of it is larger."""
        signed = {receipt.checkpoint.checkpoint}
        if receipt.proof is not None:
            signed.add(receipt.proof.checkpoint.checkpoint)
        ours = {one: self._roots(one.size) for one in sorted(signed, key=lambda one: one.size)}
        for one, root in ours.items():
            if root not in {None, one.root}:
                detail = f"another root of {one.size} entries"
                self._add(Difference.FORKED, receipt.index, proven=True, seq=receipt.seq, where=where, detail=detail)
        largest = max(one.size for one in signed)
        if None not in ours.values():
            return False
        self._later += 1
        if self._span.is_newest:
            detail = f"the log signed {largest} entries"
            self._add(Difference.NOT_IN_LOG, receipt.index, proven=True, seq=receipt.seq, where=where, detail=detail)
        return True

    def meet(self, entry: int, data: bytes) -> None:
        leaf = _read(data)
        held = self._held.pop(entry, None)
        is_there = held is not None and held.leaf_hash == leaf_hash(data)
        if held is not None and not is_there:
            self._add(Difference.OTHER_IN_LOG, entry, proven=held.is_proven, seq=held.seq, where=held.where)
        if leaf is None:
            return
        caller, seq = leaf.content.caller, leaf.seq
        last = self._last.get(caller)
        if last is not None and seq != last + 1:
            self._add(Difference.GAP, entry, caller=caller, seq=last + 1, detail=f"the next is {seq}")
        self._last[caller] = seq
        if held is not None and is_there:
            self._matched += 1
            if held.seq not in {None, seq}:
                self._add(Difference.TWICE, entry, proven=False, caller=caller, seq=held.seq, where=held.where)
            self._covered[caller] = (self._covered.get(caller, (seq, seq))[0], seq)
        elif not self._callers or caller in self._callers:
            self._bare.setdefault(caller, []).append((seq, entry))

    def outcome(self) -> Reconciled:
        span, outside = self._span, 0
        for index, held in self._held.items():
            if index < span.first or span.end <= index < span.size or not held.is_later:
                outside += 1  # also what the log took while it was being read
                continue
            self._add(Difference.NOT_IN_LOG, index, proven=False, seq=held.seq, where=held.where)
        for caller, bare in self._bare.items():
            first, last = self._covered.get(caller, (1, 0))
            for seq, entry in bare:
                if caller in self._callers or first <= seq <= last:
                    self._add(Difference.NO_RECEIPT, entry, caller=caller, seq=seq)
        return Reconciled(
            receipts=self._count,
            matched=self._matched,
            outside=outside,
            later=self._later,
            elsewhere=self._elsewhere,
            callers=tuple(sorted({*self._covered, *self._callers})),
            mismatches=tuple(sorted(self._mismatches, key=lambda one: (one.kind is Difference.NO_RECEIPT, one.entry))),
        )

    def _add(
        self,
        kind: Difference,
        entry: int,
        *,
        proven: bool | None = None,
        caller: str = "",
        seq: int | None = None,
        where: str = "",
        detail: str = "",
    ) -> None:
        mismatch = Mismatch(
            kind=kind, is_proven=proven, entry=entry, caller=caller, seq=seq, where=where, detail=detail
        )
        self._mismatches.append(mismatch)


def _read(data: bytes) -> Leaf | None:
    """Return the leaf; None for an entry that is none, which is for the verifier to complain about."""
    try:
        return parse_leaf(data)
    except LeafError:
        return None


def store_entries(
    store: LogStore, span: Span, progress: Progress = lambda _done, _total: None
) -> Iterator[tuple[int, bytes]]:
    """Read the entries of a log; raises LogUnavailableError."""
    for first in range(span.first, span.end, _STRETCH):
        end = min(first + _STRETCH, span.end)
        yield from enumerate(store.leaves(first, end), first)
        progress(end - span.first, span.end - span.first)


def source_entries(
    source: Source, span: Span, progress: Progress = lambda _done, _total: None
) -> Iterator[tuple[int, bytes]]:
    """Read the entries of an export that was verified.

    Raises:
        SourceError: it cannot be read.
        MalformedLogDataError: LENGTH, a bundle is missing or damaged.

    """
    for index in range(span.first // TILE_WIDTH, -(-span.end // TILE_WIDTH)):
        width = min(span.size - index * TILE_WIDTH, TILE_WIDTH)
        data = read_tile(source, TileAddress(ENTRIES, index, width)) or b""
        yield from enumerate(parse_bundle(data, width), index * TILE_WIDTH)
        progress(min((index + 1) * TILE_WIDTH, span.end) - span.first, span.end - span.first)


def store_roots(store: LogStore) -> RootAt:
    """Return the roots of a log as it is now; they raise LogUnavailableError."""

    @lru_cache(maxsize=_ROOTS)
    def root_of(earlier: int) -> bytes | None:
        head = store.head()
        return None if head is None or earlier > head.size else root_at(store, earlier, size=head.size)

    return root_of


def source_roots(source: Source, size: int) -> RootAt:
    """Return the roots of an export of a log of ``size``, which was verified.

    Raises:
        SourceError: it cannot be read; as the roots do.
        MalformedLogDataError: LENGTH, a tile is missing or damaged; as the roots do.

    """
    read = lru_cache(maxsize=_TILES)(lambda address: read_tile(source, address))

    @lru_cache(maxsize=_ROOTS)
    def root_of(earlier: int) -> bytes | None:
        return None if earlier > size else read_root(read, earlier, size)

    return root_of
