"""The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: hashes, the right edge of a growing tree, and both proofs.

Hashes are 32 bytes. A half-open range [start, end) of entry indices stands for the Merkle tree hash of these entries,
MTH(D[start:end]); a node (height, index) stands for the full range of 2^height entries that starts at index·2^height.
Nothing here knows where hashes are kept: a proof is first a list of ranges; `gateway.audit.tlog.tile` hashes ranges.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from gateway.audit.errors import LogFault, UnprovenError

HASH_SIZE: Final = 32
MAX_TREE_SIZE: Final = 2**63 - 1  # sizes are signed 64-bit numbers wherever the formats are implemented
MAX_PROOF: Final = 63  # hashes: the height of the largest tree; tlog-witness allows as many, enough up to 2^62 entries

LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"
EMPTY_ROOT: Final = sha256(b"").digest()

Range = tuple[int, int]
Node = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry (RFC 6962 section 2.1)."""
    return sha256(LEAF_PREFIX + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one (RFC 6962 section 2.1)."""
    return sha256(NODE_PREFIX + left + right).digest()


class CompactRange:
    """The right edge of a tree: the hashes of its perfect subtrees, largest first, one for each bit of the size.

    All that is needed to append and to know the root; an append costs one node hash on average.
    """

    __slots__ = ("_hashes", "size")

    size: int

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Go on from a tree of ``size`` entries; raises ValueError unless there is one hash for each bit of it."""
        self._hashes = list(hashes)
        if not 0 <= size <= MAX_TREE_SIZE or len(self._hashes) != size.bit_count():
            raise ValueError(f"{size.bit_count()} hashes were expected for size {size}, got {len(self._hashes)}")
        self.size = size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The subtree hashes, largest first."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next entry."""
        size, hashes = self.size, self._hashes
        self.size = size + 1
        while size & 1:  # each low one-bit is a subtree of the same size, which joins on the left
            leaf = sha256(NODE_PREFIX + hashes.pop() + leaf).digest()
            size >>= 1
        hashes.append(leaf)

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        return join_subtrees(self._hashes)

    def copy(self) -> "CompactRange":
        """Return one that grows apart from this one."""
        return CompactRange(self.size, self._hashes)


def join_subtrees(hashes: Sequence[bytes]) -> bytes:
    """Return the root over adjacent subtrees, largest first; without any, the root of the empty tree."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = sha256(NODE_PREFIX + left + root).digest()
    return root


def fold_hashes(hashes: bytes) -> bytes:
    """Return the root over 2^n concatenated hashes; the quick way through full tiles."""
    while len(hashes) > HASH_SIZE:
        # Two neighbours stand side by side already, so that one slice is the argument of one node hash.
        hashes = b"".join(
            [sha256(NODE_PREFIX + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 2 * HASH_SIZE)]
        )
    return hashes


# --- proofs as ranges -------------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """Return the ranges whose hashes prove entry ``index`` in a tree of ``size``, from the leaf upwards.

    RFC 6962 section 2.1.1. Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise ValueError(f"an index below the size was expected, got {index} of {size}")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_size(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return tuple(reversed(ranges))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """Return the ranges whose hashes prove that the tree of ``new`` entries begins with that of ``old``.

    RFC 6962 section 2.1.2; empty when both are equal, and when the older tree is empty.
    Raises ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new <= MAX_TREE_SIZE:
        raise ValueError(f"an old size up to the new one was expected, got {old} and {new}")
    ranges: list[Range] = []
    start, end = 0, new
    while 0 < old < end:
        middle = start + _left_size(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise the last range is the old tree itself, whose root the verifier has
        ranges.append((start, end))
    return tuple(reversed(ranges))


def perfect_nodes(start: int, end: int) -> tuple[Node, ...]:
    """Split a range of a proof, or a whole tree [0, end), into the full subtrees that it consists of, largest first."""
    nodes: list[Node] = []
    while start < end:
        height = (end - start).bit_length() - 1
        nodes.append((height, start >> height))
        start += 1 << height
    return tuple(nodes)


def hash_range(start: int, end: int, node: Callable[[int, int], bytes]) -> bytes:
    """Return MTH(D[start:end]) of a range of a proof, or of a whole tree, where ``node(height, index)`` is known."""
    return join_subtrees([node(height, index) for height, index in perfect_nodes(start, end)])


def _left_size(size: int) -> int:
    """Return k of RFC 6962: the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


# --- verifying --------------------------------------------------------------------------------------------------------


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the entry with the hash ``leaf`` is number ``index`` of the tree (RFC 9162 section 2.1.3.2).

    Raises:
        UnprovenError: OUTSIDE_TREE, PROOF_LENGTH, or ROOT_MISMATCH.

    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise UnprovenError(LogFault.OUTSIDE_TREE, f"an index below {size} was expected, got {index}")
    # Up to `inner`, the path to the leaf and the right edge differ; above, only neighbours on the left remain.
    inner = (index ^ (size - 1)).bit_length()
    _check_proof(proof, inner + (index >> inner).bit_count(), (leaf, root))
    computed = _climb(leaf, index, proof[:inner])
    for left in proof[inner:]:
        computed = node_hash(left, computed)
    if computed != root:
        raise UnprovenError(LogFault.ROOT_MISMATCH, f"entry {index} of {size}")


def verify_consistency(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the tree of ``new`` entries begins with that of ``old`` (RFC 9162 section 2.1.4.2).

    The empty tree has one root and begins every tree, as tlog-witness (add-checkpoint) has it; libraries that follow
    RFC 6962 to the letter, such as transparency-dev/merkle, refuse a proof from the empty tree.

    Raises:
        UnprovenError: SHRUNK, PROOF_LENGTH, FORKED (two roots of one size), or ROOT_MISMATCH.

    """
    if not 0 <= old <= new <= MAX_TREE_SIZE:
        raise UnprovenError(LogFault.SHRUNK, f"at least {old} entries were expected, got {new}")
    for size, root in ((old, old_root), (new, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise UnprovenError(LogFault.ROOT_MISMATCH, "the empty tree has another root")
    _check_proof(proof, len(consistency_ranges(old, new)), (old_root, new_root))
    if old == new:
        if old_root != new_root:
            raise UnprovenError(LogFault.FORKED, f"two roots of size {new}")
        return
    if old == 0:
        return
    _verify_growth(old, old_root, new, new_root, proof)


def _check_proof(proof: Sequence[bytes], expected: int, ends: Sequence[bytes]) -> None:
    """Raise unless there are so many hashes, each whole; a boundary inside a node could otherwise be moved."""
    if len(proof) != expected:
        raise UnprovenError(LogFault.PROOF_LENGTH, f"{expected} hashes were expected, got {len(proof)}")
    if any(len(hashed) != HASH_SIZE for hashed in (*proof, *ends)):
        raise UnprovenError(LogFault.PROOF_LENGTH, f"hashes of {HASH_SIZE} bytes were expected")


def _verify_growth(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Compute both roots from the proof of 0 < old < new, whose length is right, and compare them."""
    # The last full subtree that the old tree has at its right edge: (shift, old >> shift) is just behind it.
    shift = (old & -old).bit_length() - 1
    if old == 1 << shift:  # it is the whole old tree, and the proof leaves out what the verifier has
        seed, hashes = old_root, proof
    else:
        seed, hashes = proof[0], proof[1:]
    index = (old - 1) >> shift
    inner = ((old - 1) ^ (new - 1)).bit_length() - shift
    computed_old, computed_new = seed, seed
    for height, sibling in enumerate(hashes):
        if height >= inner or index >> height & 1:
            computed_old = node_hash(sibling, computed_old)
            computed_new = node_hash(sibling, computed_new)
        else:
            computed_new = node_hash(computed_new, sibling)
    if computed_old != old_root:
        raise UnprovenError(LogFault.ROOT_MISMATCH, f"the older root, of size {old}")
    if computed_new != new_root:
        raise UnprovenError(LogFault.ROOT_MISMATCH, f"the newer root, of size {new}")


def _climb(seed: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """Join a subtree with its siblings; the bits of its index say on which side each of them is."""
    for height, sibling in enumerate(siblings):
        seed = node_hash(sibling, seed) if index >> height & 1 else node_hash(seed, sibling)
    return seed
