"""Tiles: one path for each, the content that tlog-tiles defines, bundles without slack, and a writer that goes on."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.merkle import (
    HASH_SIZE,
    MAX_TREE_SIZE,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    verify_inclusion,
)
from gateway.audit.tlog.tile import (
    ENTRIES as ENTRY_LEVEL,
)
from gateway.audit.tlog.tile import (
    MAX_ENTRY,
    MAX_LEVEL,
    TILE_WIDTH,
    TileAddress,
    TileWriter,
    bundles_of,
    edge_of,
    encode_bundle,
    encode_tile_path,
    hash_ranges,
    parse_bundle,
    parse_tile_path,
    range_tiles,
    tile_at,
    tiles_of,
    verify_tile_length,
)
from tests.support.tlog import format_cases, vectors
from tests.vectors.tlog_artefacts import ENTRIES
from tests.vectors.tlog_tree import mth, path, proof, tile

LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def written(size, batches=()):
    """Return a writer at ``size`` and all that it gave to be stored, the latest for each place."""
    writer, stored = TileWriter(), {}
    for stop in (*sorted(batches), size):
        for leaf in LEAVES[writer.size : stop]:
            writer.append(leaf)
        stored |= {(one.address.level, one.address.index): one for one in writer.take()}
    return writer, stored


WRITER, STORED = written(65_537)
TILES = {one.address: one.hashes for one in STORED.values()}


def tile_in(address):
    """Cut a tile of any width out of the widest that was stored."""
    return STORED[address.level, address.index].hashes[: address.width * HASH_SIZE]


@format_cases("path")
def test_paths(data, flaw):
    """A path is read if a tree has such a tile and it is spelled so, and is written back the same."""
    if flaw is None:
        assert encode_tile_path(parse_tile_path(data.decode())) == data.decode()
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_tile_path(data.decode())
        assert caught.value.flaw == flaw


@given(st.integers(ENTRY_LEVEL, MAX_LEVEL), st.integers(0, MAX_TREE_SIZE), st.integers(1, TILE_WIDTH))
def test_every_address_has_one_path(level, index, width):
    """The path of any tile that a tree can have is read as the same tile; for others there is no path."""
    address = TileAddress(level, index >> 8 * (max(level, 0) + 1), width)
    if address.first + address.width * address.span <= MAX_TREE_SIZE:
        assert parse_tile_path(encode_tile_path(address)) == address
    else:
        with pytest.raises(ValueError, match="a tile of a tree was expected"):
            encode_tile_path(address)


@pytest.mark.parametrize("address", [(8, 0, 1), (-2, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (7, 0, 128)])
def test_no_path_is_written_for_a_tile_that_no_tree_has(address):
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match="a tile of a tree was expected"):
        encode_tile_path(TileAddress(*address))


@given(st.text(alphabet="tile/entrsx0123456789.p", max_size=70))
def test_garbage_is_no_path(text):
    """Whatever is read as a path is spelled as we would; everything else raises our error."""
    try:
        address = parse_tile_path(text)
    except MalformedLogDataError:
        return
    assert encode_tile_path(address) == text


@pytest.mark.parametrize("case", vectors("trees.json")["tiles"], ids=lambda case: f"{case['level']}/{case['index']}")
def test_tile_vectors(case):
    """Tiles hold the hashes that tlog-tiles defines."""
    address = tile_at(case["level"], case["index"], case["size"])
    assert sha256(tile_in(address)).hexdigest() == case["sha256"]


def test_the_tiles_of_the_example():
    """A tree of 70,000 entries has the tiles that tlog-tiles counts."""
    addresses = list(tiles_of(70_000))
    assert sum(address.level == 0 and address.width == TILE_WIDTH for address in addresses) == 273
    assert [address for address in addresses if address.width < TILE_WIDTH] == [
        TileAddress(0, 273, 112),
        TileAddress(1, 1, 17),
        TileAddress(2, 0, 1),
    ]
    assert sum(address.level == 1 for address in addresses) == 2


@pytest.mark.parametrize(
    ("size", "levels"), [(0, []), (1, [1]), (255, [255]), (256, [None, 1]), (65_536, [None, None, 1])]
)
def test_the_edge(size, levels):
    """The edge has one partial tile for each level that is not full."""
    assert [address and address.width for address in edge_of(size)] == levels


@pytest.mark.parametrize(
    ("size", "first", "widths"), [(0, 0, []), (256, 0, [256]), (600, 0, [256, 256, 88]), (600, 511, [256, 88])]
)
def test_bundles_of_a_tree(size, first, widths):
    """Bundles cover all entries from the one asked for."""
    assert [address.width for address in bundles_of(size, first=first)] == widths


@given(st.integers(0, 1500), st.lists(st.integers(0, 1500), max_size=6))
@settings(max_examples=30)
def test_a_writer_gives_every_tile(size, batches):
    """Whatever the batches, what was given to be stored is each tile of the tree, as wide as it is now."""
    writer, stored = written(size, [stop for stop in batches if stop <= size])
    assert {one.address for one in stored.values()} == set(tiles_of(size))
    assert all(one.hashes == tile(one.address.level, one.address.index, ENTRIES[:size]) for one in stored.values())
    assert writer.root() == mth(ENTRIES[:size])
    assert writer.take() == ()


@given(st.integers(0, 1500), st.integers(0, 600))
@settings(max_examples=30)
def test_a_writer_goes_on_from_its_edge(stop, more):
    """Made anew from its edge, or copied, a writer gives the same tiles and root; the original stays where it was."""
    writer, _ = written(stop)
    resumed, copied = TileWriter(stop, writer.edge()), writer.copy()
    for leaf in LEAVES[stop : stop + more]:
        resumed.append(leaf)
        copied.append(leaf)
    assert resumed.root() == copied.root() == mth(ENTRIES[: stop + more])
    assert resumed.take() == copied.take()
    assert resumed.edge() == copied.edge()
    assert (writer.size, writer.root()) == (stop, mth(ENTRIES[:stop]))


def test_a_copy_has_the_same_to_take():
    """What was appended and not yet taken is in the copy as well."""
    writer = TileWriter()
    for leaf in LEAVES[:300]:
        writer.append(leaf)
    copied = writer.copy()
    assert copied.take() == writer.take() != ()


def test_a_writer_across_three_levels():
    """Level 2 begins when 256 tiles of level 0 are full."""
    assert WRITER.root() == mth(ENTRIES)
    assert set(TILES) == set(tiles_of(65_537))
    assert tile_in(TileAddress(2, 0, 1)) == mth(ENTRIES[:65_536])


@pytest.mark.parametrize("edge", [(), (bytes(32),), (bytes(32), bytes(31)), (b"", bytes(32)), (bytes(32),) * 3])
def test_an_edge_of_another_size_is_refused(edge):
    """A writer does not go on from an edge that a tree of this size does not have."""
    with pytest.raises(MalformedLogDataError) as caught:
        TileWriter(257, edge)
    assert caught.value.flaw is LogFlaw.LENGTH


@given(st.integers(1, 65_537), st.data())
@settings(max_examples=30)
def test_proofs_from_tiles(size, data):
    """Proofs made from tiles are those of the definition, and so is the root; only the tiles named are read."""
    listed = ENTRIES[:size]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    for ranges, expected in (
        (inclusion_ranges(index, size), path(index, listed)),
        (consistency_ranges(old, size), proof(old, listed)),
        (((0, size),), [mth(listed)]),
    ):
        named = range_tiles(ranges, size)
        assert set(named) <= set(tiles_of(size))
        assert list(hash_ranges(ranges, {address: tile_in(address) for address in named})) == expected


@given(st.integers(0, 8_191), st.integers(0, 7))
@settings(max_examples=40)
def test_a_changed_tile_makes_a_proof_that_fails(at, bit):
    """One bit changed in a tile that a proof needs leads to another root, or to a hash that is not used."""
    size, index = 513, 300
    ranges = inclusion_ranges(index, size)
    tiles = {address: tile_in(address) for address in range_tiles(ranges, size)}
    right = hash_ranges(ranges, tiles)
    changed = bytearray(tiles[TileAddress(0, 1)])
    changed[at] ^= 1 << bit
    wrong = hash_ranges(ranges, tiles | {TileAddress(0, 1): bytes(changed)})
    own = index % TILE_WIDTH == at // HASH_SIZE  # the leaf itself is no part of its proof
    assert (wrong == right) is own
    if not own:
        with pytest.raises(Exception, match="root-mismatch"):
            verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=wrong, root=mth(ENTRIES[:size]))


def test_a_tile_of_another_length_is_refused():
    """A tile that is cut off or too long gives no proof."""
    for length in (0, 31, 33, 64):
        with pytest.raises(MalformedLogDataError) as caught:
            verify_tile_length(bytes(length), TileAddress(0, 0, 1))
        assert caught.value.flaw is LogFlaw.LENGTH
    with pytest.raises(MalformedLogDataError):
        hash_ranges([(0, 1)], {TileAddress(0, 0, 2): bytes(63)})


def test_ranges_beyond_the_tree_have_no_tiles():
    """Asking for ranges beyond the size is the caller's mistake."""
    with pytest.raises(ValueError, match="ranges below"):
        range_tiles([(512, 768)], 512)


def test_addresses_know_their_place():
    """An address tells which entries lie below it, and beyond the tree there is none."""
    address = TileAddress(1, 2, 17)
    assert (address.first, address.span) == (131_072, 256)
    assert tile_at(0, 3, 700) is None


@format_cases("bundle of 2")
def test_bundles(data, flaw):
    """A bundle is read if its entries fill it exactly, and is written back the same."""
    if flaw is None:
        assert encode_bundle(parse_bundle(data, 2)) == data
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_bundle(data, 2)
        assert caught.value.flaw == flaw


@given(st.lists(st.binary(max_size=600), max_size=TILE_WIDTH))
@settings(max_examples=50)
def test_what_is_bundled_is_read(listed):
    """Any 256 entries are read as they were written, and as no other number of entries."""
    bundle = encode_bundle(listed)
    assert parse_bundle(bundle, len(listed)) == listed
    for width in {len(listed) - 1, len(listed) + 1} - {-1}:
        with pytest.raises(MalformedLogDataError):
            parse_bundle(bundle, width)


@given(st.binary(max_size=60), st.integers(0, 8))
def test_garbage_is_no_bundle(data, width):
    """Whatever is read as a bundle is written back the same; everything else raises our error."""
    try:
        listed = parse_bundle(data, width)
    except MalformedLogDataError:
        return
    assert encode_bundle(listed) == data


def test_bounds_of_a_bundle():
    """An entry has up to 65,535 bytes, a bundle up to 256 entries."""
    longest = [bytes(MAX_ENTRY)]
    assert parse_bundle(encode_bundle(longest), 1) == longest
    for listed in ([bytes(MAX_ENTRY + 1)], [b""] * (TILE_WIDTH + 1)):
        with pytest.raises(ValueError, match="entries of up to"):
            encode_bundle(listed)
