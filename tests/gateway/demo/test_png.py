"""The pictures of the demo's licences."""

import struct
import zlib

import pytest

from gateway.demo.issuer import draw_code
from gateway.demo.png import PORTRAIT_PIXELS, SEAL_PIXELS, draw_portrait, draw_seal, encode_png


def decode(png: bytes):
    """Read the RGBA pixels of a PNG that uses no filter, and check the checksum of every chunk."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, position = {}, 8
    while position < len(png):
        length, name = struct.unpack_from(">I4s", png, position)
        data = png[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", png, position + 8 + length) == (zlib.crc32(name + data),)
        chunks[name] = data
        position += length + 12
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (width * 4 + 1)
    stride = width * 4 + 1
    return width, height, lambda x, y: tuple(rows[y * stride + 1 + x * 4 : y * stride + 5 + x * 4])


def test_pixels_come_back_as_written():
    """A PNG holds the given pixels, row by row."""
    pixels = bytes(range(2 * 3 * 4))
    width, height, pixel = decode(encode_png(2, 3, pixels))
    assert (width, height) == (2, 3)
    assert b"".join(bytes(pixel(x, y)) for y in range(3) for x in range(2)) == pixels


def test_a_seal_is_red_on_nothing():
    """Ring and star are opaque red, the ground is transparent, edges are smooth, and nothing is of another colour."""
    width, height, pixel = decode(draw_seal())
    assert (width, height) == (SEAL_PIXELS, SEAL_PIXELS)
    middle = SEAL_PIXELS // 2
    assert pixel(middle, int(SEAL_PIXELS * 0.45))[3] == 255  # the heart of the star
    assert pixel(int(SEAL_PIXELS * 0.035), middle)[3] == 255  # the ring, on the left
    assert pixel(0, 0)[3] == 0
    assert pixel(int(SEAL_PIXELS * 0.25), middle)[3] == 0  # between star and ring
    seen = {pixel(x, y) for x in range(width) for y in range(height)}
    assert len({colour[:3] for colour in seen}) == 1
    assert any(0 < colour[3] < 255 for colour in seen)


def test_a_caption_needs_letters_that_can_be_drawn():
    """A letter outside the dot matrix is an error, not a gap."""
    with pytest.raises(KeyError):
        draw_seal("Q")


def test_portraits_are_opaque_and_differ_by_tone():
    """A portrait fills its box; tones that differ give pictures that differ."""
    width, height, pixel = decode(draw_portrait(1))
    assert (width, height) == PORTRAIT_PIXELS
    assert {pixel(x, y)[3] for x in range(width) for y in range(height)} == {255}
    assert draw_portrait(1) != draw_portrait(2)


def test_a_code_is_the_same_every_time():
    """The QR code depends on its text alone."""
    assert draw_code("1.2.156.3005.2") == draw_code("1.2.156.3005.2")
    assert draw_code("1.2.156.3005.2") != draw_code("1.2.156.3005.3")
