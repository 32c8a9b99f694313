"""Headers of DER elements: one spelling, within their frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.der import encode_header, expect_element, read_element


@given(st.integers(0, 30), st.binary(max_size=400))
def test_what_we_write_we_read(tag, content):
    """An element that we write is read back, wherever it stands."""
    encoded = encode_header(tag, len(content)) + content
    element = read_element(b"xx" + encoded + b"y", 2, 2 + len(encoded))
    assert (element.tag, element.start, element.end) == (tag, 2, 2 + len(encoded))
    assert (b"xx" + encoded)[element.content : element.end] == content


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",
        b"\x30\x81",
        b"\x30\x81\x05" + bytes(5),
        b"\x30\x82\x00\x85" + bytes(133),
        b"\x30\x85\x00\x00\x00\x00\x01\x00",
        b"\x30\xff" + bytes(200),
        b"\x1f\x81\x00\x00",
    ],
)
def test_other_spellings_are_refused(data):
    """Truncated elements, indefinite or long lengths and high tags are refused."""
    with pytest.raises(ValueError, match="expected"):
        read_element(data, 0, len(data))


def test_another_tag_is_refused():
    """The expected tag is named, and the one that was found."""
    with pytest.raises(ValueError, match="0x30 was expected, got 0x02"):
        expect_element(b"\x02\x01\x05", 0, 3, 0x30)


@given(st.binary(max_size=20), st.integers(0, 20))
def test_garbage_stays_within_its_frame(data, limit):
    """Whatever the bytes, an element never goes beyond its frame."""
    limit = min(limit, len(data))
    try:
        element = read_element(data, 0, limit)
    except ValueError:
        return
    assert 0 < element.content <= element.end <= limit
