"""The strict DER walk."""

import pytest
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.der import Element, decode, encode_element, encode_sequence, parse_element, peek_header
from tests.support.mutations import mutated
from tests.support.seals import make_seal_signature


def rebuilt(element: Element) -> bytes:
    """Encode the tree again from tags and primitive contents alone."""
    children = element.children()
    content = b"".join(rebuilt(child) for child in children) if element.tag & 0x20 else element.content
    return encode_element(element.tag, content)


def refusal(data: bytes, **bounds: int) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_element(data, **bounds)
    return caught.value


def test_an_element_slices_the_original_bytes():
    """Content and encoding are slices of the input, at every level."""
    data = encode_sequence((bytes.fromhex("020105"), encode_sequence((bytes.fromhex("0402abcd"),))))
    root = parse_element(data)
    number, inner = root.children()
    assert (root.encoded, number.content, inner.encoded) == (data, b"\x05", data[5:])
    assert inner.children()[0].content == b"\xab\xcd"
    assert root.child(1) == inner
    assert number.children() == ()


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("nothing at all", ""),
        ("only a tag", "30"),
        ("a long form that is cut off", "3082ff"),
        ("content is cut off", "0402ab"),
        ("trailing bytes", "02010500"),
        ("indefinite length of BER", "30800000"),
        ("a length of five octets", "04850000000001aa"),
        ("long form where the short one would do", "04810161"),
        ("a length with a leading zero octet", "04820080" + "00" * 128),
        ("a child that is longer than its parent", "3003020205"),
        ("a child whose header is cut off", "300102"),
        ("a high tag number", "1f8101020000"),
        ("end-of-contents as an element", "30020000"),
        ("an OCTET STRING in pieces", "24030401aa"),
        ("a primitive SEQUENCE", "1000"),
        ("a fault deep inside", "3006300430020505"),
    ],
)
def test_what_is_not_der_is_refused(why, data):
    """Every deviation from DER's one spelling is refused as DER."""
    assert refusal(bytes.fromhex(data)).malformed is Malformed.DER, why


def test_bounds_are_kept():
    """Size, number of elements and depth end in TOO_LARGE, exactly one beyond the bound."""
    flat = encode_sequence([b"\x05\x00"] * 9)
    parse_element(flat, max_elements=10, limit=len(flat))
    assert refusal(flat, max_elements=9).malformed is Malformed.TOO_LARGE
    assert refusal(flat, limit=len(flat) - 1).malformed is Malformed.TOO_LARGE
    deep = b""
    for _ in range(5):
        deep = encode_element(0x30, deep)
    parse_element(deep, max_depth=5)
    assert refusal(deep, max_depth=4).malformed is Malformed.TOO_LARGE


def test_a_tower_of_elements_is_refused_without_recursion():
    """Nesting a million deep costs no stack."""
    tower = b"\x30\x80" * 1_000_000
    assert refusal(tower).malformed is Malformed.DER
    nested = b""
    for _ in range(2_000):
        nested = encode_element(0xA0, nested)
    assert refusal(nested).malformed is Malformed.TOO_LARGE


def test_a_missing_child_is_an_index_error():
    """Asking for a child that is not there is the caller's mistake."""
    for data in ("3003020105", "020105"):
        with pytest.raises(IndexError):
            parse_element(bytes.fromhex(data)).child(1)


@given(st.binary(max_size=64) | mutated(make_seal_signature()))
def test_what_is_accepted_has_one_spelling(data):
    """Whatever the walk accepts is what encoding its tree gives; all else raises only our error."""
    try:
        root = parse_element(data)
    except MalformedDocumentError:
        return
    assert rebuilt(root) == data


@given(st.sampled_from((0x04, 0x30, 0xA0)), st.integers(0, 70_000))
def test_encoded_headers_are_read_back(tag, size):
    """What we write we read, for every form of length."""
    content = bytes(size) if tag == 0x04 else encode_element(0x04, bytes(size))
    element = parse_element(encode_element(tag, content))
    assert (element.tag, element.content) == (tag, content)


def test_decoding_turns_every_fault_into_ours():
    """The declarative decoder's complaints become DER, with the name of the structure."""
    assert decode(int, b"\x02\x01\x05", "number") == 5
    for data in (b"", b"\x02\x01", b"\x02\x02\x00\x05", b"\x04\x01\x05"):
        with pytest.raises(MalformedDocumentError, match="der: number"):
            decode(int, data, "number")
    for text in (b"20200422020900.50Z", b"20200422020900+0800", b"20200422020900", b"00000101000000Z"):
        with pytest.raises(MalformedDocumentError):
            decode(asn1.GeneralizedTime, encode_element(0x18, text), "time")


def test_peeking_is_lenient():
    """Recognition accepts what parsing refuses, so that a broken seal is called malformed, not unrecognised."""
    assert peek_header(bytes.fromhex("3080"), 0) == (0x30, 2, 2)
    assert peek_header(bytes.fromhex("30810105"), 0) == (0x30, 3, 4)
    assert peek_header(bytes.fromhex("307f"), 0) == (0x30, 2, 129)
    for data in ("", "30", "3085", "308201"):
        assert peek_header(bytes.fromhex(data), 0) is None
