"""The tree: roots and proofs as RFC 6962 defines them, nothing else verifies, and the right edge goes on anywhere."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import LogFault, UnprovenError
from gateway.audit.tlog.merkle import (
    EMPTY_ROOT,
    MAX_PROOF,
    MAX_TREE_SIZE,
    CompactRange,
    consistency_ranges,
    fold_hashes,
    hash_range,
    inclusion_ranges,
    leaf_hash,
    perfect_nodes,
    verify_consistency,
    verify_inclusion,
)
from tests.support.tlog import vectors
from tests.vectors.build_tlog import FOLDER, build
from tests.vectors.tlog_artefacts import ENTRIES
from tests.vectors.tlog_tree import mth, path, proof

TREES = vectors("trees.json")
ROOTS = {tree["size"]: bytes.fromhex(tree["root"]) for tree in TREES["roots"]}
entries = st.lists(st.binary(max_size=40), max_size=70)
sizes = st.integers(1, MAX_TREE_SIZE)


def root_of(listed):
    growing = CompactRange()
    for entry in listed:
        growing.append(leaf_hash(entry))
    return growing.root()


def unhex(listed):
    return [bytes.fromhex(hashed) for hashed in listed]


def node_in(listed):
    """Return the function that hashes any node of a tree by the definition."""
    return lambda height, index: mth(listed[index << height : (index + 1) << height])


def test_vectors_are_what_their_script_writes():
    """Every file of vectors is what the script writes, byte for byte."""
    assert {name: (FOLDER / name).read_text(encoding="utf-8") for name in build()} == build()


@pytest.mark.parametrize("size", ROOTS)
def test_roots(size):
    """The compact range gives the roots of the definition, also around sizes of full tiles."""
    assert root_of(ENTRIES[:size]) == ROOTS[size]


def test_the_empty_tree_has_the_hash_of_nothing():
    """The root of the empty tree is SHA-256 of the empty string (RFC 6962 section 2.1)."""
    assert CompactRange().root() == EMPTY_ROOT == sha256(b"").digest()


def test_a_leaf_is_no_node():
    """An entry made of a node's content does not hash to that node."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != mth([b"a", b"b"])


@pytest.mark.parametrize("case", TREES["inclusion"], ids=lambda case: f"{case['index']} of {case['size']}")
def test_inclusion_vectors(case):
    """Each inclusion proof of the definition verifies at its index."""
    verify_inclusion(
        leaf=leaf_hash(ENTRIES[case["index"]]),
        index=case["index"],
        size=case["size"],
        proof=unhex(case["proof"]),
        root=mth(ENTRIES[: case["size"]]),
    )


@pytest.mark.parametrize("case", TREES["consistency"], ids=lambda case: f"{case['old']} to {case['new']}")
def test_consistency_vectors(case):
    """Each consistency proof of the definition verifies between its sizes."""
    old, new = case["old"], case["new"]
    verify_consistency(
        old=old, old_root=mth(ENTRIES[:old]), new=new, new_root=mth(ENTRIES[:new]), proof=unhex(case["proof"])
    )


@given(entries)
def test_the_compact_range_is_the_recursive_tree(listed):
    """For any entries, appending gives the root of the recursive definition."""
    assert root_of(listed) == mth(listed)


@given(entries, st.integers(0, 70))
def test_a_compact_range_goes_on_from_its_hashes(listed, stop):
    """Stopped anywhere and made anew from its size and hashes, a range ends at the same root."""
    stopped = CompactRange()
    for entry in listed[:stop]:
        stopped.append(leaf_hash(entry))
    resumed, copied = CompactRange(stopped.size, stopped.hashes), stopped.copy()
    for entry in listed[stop:]:
        resumed.append(leaf_hash(entry))
        copied.append(leaf_hash(entry))
    assert resumed.root() == copied.root() == mth(listed)
    assert stopped.root() == mth(listed[:stop])


@pytest.mark.parametrize(
    ("size", "hashes"), [(-1, ()), (0, (EMPTY_ROOT,)), (3, (EMPTY_ROOT,)), (MAX_TREE_SIZE + 1, ())]
)
def test_a_compact_range_needs_a_hash_for_each_bit(size, hashes):
    """A range cannot go on from a size and hashes that do not belong together."""
    with pytest.raises(ValueError, match="hashes were expected"):
        CompactRange(size, hashes)


@given(entries.filter(bool), st.data())
def test_every_entry_of_any_tree_is_proved(listed, data):
    """For any tree and index, the ranges of the proof hash to the path of RFC 6962, and the path verifies."""
    index = data.draw(st.integers(0, len(listed) - 1))
    hashes = [hash_range(start, end, node_in(listed)) for start, end in inclusion_ranges(index, len(listed))]
    assert hashes == path(index, listed)
    verify_inclusion(leaf=leaf_hash(listed[index]), index=index, size=len(listed), proof=hashes, root=mth(listed))


@given(entries, st.data())
def test_every_tree_is_consistent_with_its_beginnings(listed, data):
    """For any tree and earlier size, the ranges hash to the proof of RFC 6962, and the proof verifies."""
    old, new = data.draw(st.integers(0, len(listed))), len(listed)
    hashes = [hash_range(start, end, node_in(listed)) for start, end in consistency_ranges(old, new)]
    assert hashes == proof(old, listed)
    verify_consistency(old=old, old_root=mth(listed[:old]), new=new, new_root=mth(listed), proof=hashes)


@st.composite
def proved(draw):
    """Draw a tree of distinct entries and an index in it."""
    size = draw(st.integers(1, 40))
    return ENTRIES[:size], draw(st.integers(0, size - 1))


def flip(hashed, at):
    return hashed[: at // 8] + bytes((hashed[at // 8] ^ 1 << at % 8,)) + hashed[at // 8 + 1 :]


@given(proved(), st.integers(0, 255), st.data())
def test_one_bit_breaks_an_inclusion_proof(tree, bit, data):
    """A flipped bit in the leaf, the root or any hash of the proof is refused."""
    listed, index = tree
    artefact = [leaf_hash(listed[index]), mth(listed), *path(index, listed)]
    broken = data.draw(st.integers(0, len(artefact) - 1))
    artefact[broken] = flip(artefact[broken], bit)
    with pytest.raises(UnprovenError) as caught:
        verify_inclusion(leaf=artefact[0], index=index, size=len(listed), proof=artefact[2:], root=artefact[1])
    assert caught.value.fault is LogFault.ROOT_MISMATCH


@given(proved(), st.integers(0, 45), st.integers(0, 45))
def test_a_proof_is_for_one_index(tree, index, size):
    """An inclusion proof verifies at no other index of its tree, and its entry at no index of a tree without it."""
    listed, right = tree
    leaf, hashes = leaf_hash(listed[right]), path(right, listed)
    if index != right:
        with pytest.raises(UnprovenError):
            verify_inclusion(
                leaf=leaf_hash(listed[right]),
                index=index,
                size=len(listed),
                proof=path(right, listed),
                root=mth(listed),
            )
    if size <= right:
        with pytest.raises(UnprovenError) as caught:
            verify_inclusion(leaf=leaf, index=right, size=size, proof=hashes, root=mth(listed))
        assert caught.value.fault is LogFault.OUTSIDE_TREE


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255), st.data())
def test_one_bit_breaks_a_consistency_proof(one, other, bit, data):
    """A flipped bit in either root or any hash of the proof is refused."""
    old, new = sorted((one, other))
    artefact = [mth(ENTRIES[:old]), mth(ENTRIES[:new]), *proof(old, ENTRIES[:new])]
    broken = data.draw(st.integers(0, len(artefact) - 1))
    artefact[broken] = flip(artefact[broken], bit)
    with pytest.raises(UnprovenError) as caught:
        verify_consistency(old=old, old_root=artefact[0], new=new, new_root=artefact[1], proof=artefact[2:])
    assert caught.value.fault is (LogFault.FORKED if old == new else LogFault.ROOT_MISMATCH)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_a_changed_entry_is_never_consistent(old, changed, added):
    """A tree in which an old entry was changed is consistent with the old one by no proof that its tree gives."""
    listed = list(ENTRIES[: old + added])
    listed[changed % old] = b"changed"
    with pytest.raises(UnprovenError):
        verify_consistency(
            old=old, old_root=mth(ENTRIES[:old]), new=len(listed), new_root=mth(listed), proof=proof(old, listed)
        )


@pytest.mark.parametrize("count", [-1, 1])
def test_the_length_of_a_proof_is_fixed(count):
    """A proof with a hash more or less is refused before anything is hashed."""
    inclusion, consistency = path(5, ENTRIES[:9]), proof(5, ENTRIES[:9])
    changed = [one[:-1] if count < 0 else [*one, EMPTY_ROOT] for one in (inclusion, consistency)]
    with pytest.raises(UnprovenError) as caught:
        verify_inclusion(leaf=leaf_hash(ENTRIES[5]), index=5, size=9, proof=changed[0], root=ROOTS[9])
    assert caught.value.fault is LogFault.PROOF_LENGTH
    assert caught.value.detail == f"{len(inclusion)} hashes were expected, got {len(changed[0])}"
    with pytest.raises(UnprovenError) as caught:
        verify_consistency(old=5, old_root=ROOTS[5], new=9, new_root=ROOTS[9], proof=changed[1])
    assert caught.value.fault is LogFault.PROOF_LENGTH


def test_no_boundary_between_hashes_can_be_moved():
    """Hashes of other lengths than 32 bytes are refused, even where the bytes that are hashed would be the same."""
    first, *others = path(0, ENTRIES[:4])
    leaf = leaf_hash(ENTRIES[0])
    with pytest.raises(UnprovenError) as caught:
        verify_inclusion(leaf=leaf + first[:1], index=0, size=4, proof=[first[1:], *others], root=ROOTS[4])
    assert caught.value.fault is LogFault.PROOF_LENGTH


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [(9, 8, LogFault.SHRUNK), (-1, 8, LogFault.SHRUNK), (0, MAX_TREE_SIZE + 1, LogFault.SHRUNK)],
)
def test_a_log_never_shrinks(old, new, fault):
    """A later tree that is smaller, or sizes that no tree has, are refused."""
    with pytest.raises(UnprovenError) as caught:
        verify_consistency(old=old, old_root=ROOTS[9], new=new, new_root=ROOTS[8], proof=[])
    assert caught.value.fault is fault


@pytest.mark.parametrize("new", [0, 1, 9])
def test_the_empty_tree_begins_every_tree_with_its_one_root(new):
    """From size zero no hashes are needed, but the root must be that of the empty tree (tlog-witness)."""
    verify_consistency(old=0, old_root=EMPTY_ROOT, new=new, new_root=ROOTS[new], proof=[])
    with pytest.raises(UnprovenError) as caught:
        verify_consistency(old=0, old_root=ROOTS[1], new=new, new_root=ROOTS[new], proof=[])
    assert caught.value.fault is LogFault.ROOT_MISMATCH


def test_the_new_tree_cannot_be_empty_under_another_root():
    """Size zero with another root than that of the empty tree is refused as the newer tree, too."""
    with pytest.raises(UnprovenError) as caught:
        verify_consistency(old=0, old_root=EMPTY_ROOT, new=0, new_root=ROOTS[1], proof=[])
    assert caught.value.fault is LogFault.ROOT_MISMATCH


@given(sizes, st.data())
@settings(max_examples=200)
def test_proofs_of_the_largest_trees_are_short(size, data):
    """Proofs in trees of any size have 63 hashes at most, 64 beyond 2^62, and their ranges split into full subtrees."""
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    assert len(inclusion_ranges(index, size)) <= MAX_PROOF
    assert len(consistency_ranges(old, size)) <= MAX_PROOF + (size > 2**62)
    for start, end in (*inclusion_ranges(index, size), *consistency_ranges(old, size)):
        assert sum(1 << height for height, _ in perfect_nodes(start, end)) == end - start


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, MAX_TREE_SIZE + 1)])
def test_ranges_are_for_entries_that_exist(index, size):
    """Asking for the proof of an entry outside the tree is the caller's mistake."""
    with pytest.raises(ValueError, match="an index below the size"):
        inclusion_ranges(index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_ranges_are_for_trees_that_grew(old, new):
    """Asking for the proof that a tree shrank is the caller's mistake."""
    with pytest.raises(ValueError, match="an old size up to the new one"):
        consistency_ranges(old, new)


@pytest.mark.parametrize("height", range(9))
def test_folding_is_hashing_full_trees(height):
    """Folding 2^n hashes at once gives the root over these entries."""
    listed = ENTRIES[: 1 << height]
    assert fold_hashes(b"".join(leaf_hash(entry) for entry in listed)) == mth(listed)
