"""Texts of private parts at rest."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import private_texts
from gateway.audit.entry import fit_subject
from gateway.audit.private_texts import pack_facts, pack_names, unpack_facts, unpack_names
from policies.dimension import FIXED_VALUES

LICENCE = "鲁(2026)济南市不动产权第0001234号\n1.2.156.3005.2.11100000MB03271699011.11370000MB284651.000000001234.001.X"
HOLDER = fit_subject("11010119900307123X")

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
usual = st.sampled_from(["own", "valid", "iat=1790000000", "608864a4abbb6071575fcadd01d410ef", "A" * 32, "证" * 85])


@given(licence=texts | st.just(LICENCE), subjects=st.lists(texts.filter(bool).map(fit_subject), max_size=5))
def test_names_come_back(licence: str, subjects: list[str]) -> None:
    """Whatever a licence and its holders are called, nothing gets lost, and no more than a byte is added."""
    data = pack_names(licence, subjects)
    assert unpack_names(data) == (licence, tuple(subjects))
    assert len(data) <= 1 + len("\0".join((licence, *subjects)).encode())


@given(facts=st.lists(texts | usual, max_size=32))
def test_facts_come_back(facts: list[str]) -> None:
    """Each value is read as it was written, and never takes more than three bytes besides its own."""
    data = pack_facts(facts)
    assert unpack_facts(data) == tuple(facts)
    assert len(data) <= sum(3 + len(fact.encode()) for fact in facts)


def test_usual_names_take_a_third() -> None:
    """What all licences of a country have in common is not written out."""
    assert len(pack_names(LICENCE, [HOLDER])) < len(LICENCE.encode() + HOLDER.encode()) // 2


def test_facts_of_every_policy_take_a_byte() -> None:
    """The values that all policies have in common are known by number; the id of a request by its sixteen bytes."""
    for values in FIXED_VALUES.values():
        assert {len(pack_facts([value])) for value in values} == {1}
    assert len(pack_facts(["608864a4abbb6071575fcadd01d410ef"])) == 17


def test_numbers_of_values_stay() -> None:
    """Stored parts have them: a value is added at the end, and none is ever moved."""
    assert unpack_facts(bytes([0x80, 0x82, 0x89, 0x8C, 0x91, 0x94, 0x97, 0x9E, 0xA7])) == (
        *("own", "active", "person", "under-14", "none", "valid", "approval", "property-certificate"),
        "disability-certificate",
    )
    assert zlib.crc32(private_texts._USUAL_NAMES) == 0xB1888C90


@pytest.mark.parametrize(
    "data",
    [
        *(b"\x05own", b"\xfe" + bytes(15), b"\xff", b"\xff\0\x05own", b"\xa9", b"\xfd", b"\1\xff"),
        b"\x80" * 33,
    ],
)
def test_what_are_no_facts_is_refused(data: bytes) -> None:
    """Cut off, without a number, no text, or too many."""
    with pytest.raises(ValueError, match=r"expected|decode"):
        unpack_facts(data)


@given(data=st.binary(max_size=40))
def test_garbage_is_refused(data: bytes) -> None:
    """Bytes are read, or refused by ValueError."""
    for read in (unpack_facts, unpack_names):
        try:
            read(data)
        except ValueError:
            pass


def test_names_have_a_bound() -> None:
    """However much is packed into few bytes, no more is unpacked than names can have; nothing may stand behind it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -10)
    packed = packer.compress(bytes(10_000_000)) + packer.flush()
    for data in (b"\1" + packed, pack_names(LICENCE, [HOLDER]) + b"x", pack_names(LICENCE, [HOLDER])[:-1], b"\2x", b""):
        with pytest.raises(ValueError, match="expected"):
            unpack_names(data)
