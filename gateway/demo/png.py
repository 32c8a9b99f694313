"""Pictures for the demo's licences: a red seal and a portrait placeholder, drawn here and written as PNG."""

import math
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

Rgba = tuple[int, int, int, int]
Coverage = Callable[[float, float], float]  # how much of the pixel at x, y is inside the shape, 0 to 1

SEAL_PIXELS = 200  # 40 mm at about 127 dpi, as real seal pictures have
PORTRAIT_PIXELS = (90, 120)

_RED = (204, 24, 30)
_STAR_POINTS = 5
_STAR_INNER = 0.382  # inner radius of a regular five-pointed star, as a part of the outer one

# A 5 by 7 dot matrix; enough letters to say what the seal is.
_LETTERS = {
    "T": ("#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."),
    "E": ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    "S": (".####", "#....", "#....", ".###.", "....#", "....#", "####."),
    "O": (".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."),
    "N": ("#...#", "##..#", "##..#", "#.#.#", "#..##", "#..##", "#...#"),
    "L": ("#....", "#....", "#....", "#....", "#....", "#....", "#####"),
    "Y": ("#...#", "#...#", ".#.#.", "..#..", "..#..", "..#..", "..#.."),
    " ": (".....",) * 7,
}
_LETTER_WIDTH, _LETTER_HEIGHT, _LETTER_STEP = 5, 7, 6


def encode_png(width: int, height: int, pixels: bytes) -> bytes:
    """Write RGBA pixels, row by row from the top, as a PNG (8 bits a channel, no filter)."""
    stride = width * 4
    rows = b"".join(b"\x00" + pixels[start : start + stride] for start in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


@lru_cache(maxsize=8)
def draw_seal(caption: str = "TEST ONLY") -> bytes:
    """Draw a round official seal: a double red ring, a star, a caption that says what it is; transparent around it.

    Raises:
        KeyError: the caption has a letter that the dot matrix does not hold.
    """
    size = SEAL_PIXELS
    centre = size / 2
    star = _star(centre, centre * 0.9, size * 0.19)
    letters = _caption(caption, centre, size * 0.72)

    def coverage(x: float, y: float) -> float:
        distance = math.hypot(x - centre, y - centre)
        ring = _band(distance, centre * 0.93, centre * 0.05)
        hairline = _band(distance, centre * 0.84, centre * 0.008)
        return max(ring, hairline, star(x, y), letters(x, y))

    return _paint(size, size, [(coverage, _RED)], background=(*_RED, 0))


@lru_cache(maxsize=64)
def draw_portrait(tone: int) -> bytes:
    """Draw the placeholder of a portrait: head and shoulders; ``tone`` varies its colours, nobody is shown."""
    width, height = PORTRAIT_PIXELS
    shift = tone % 5 * 9
    head = _ellipse(width / 2, height * 0.40, width * 0.20, height * 0.19)
    shoulders = _ellipse(width / 2, height * 1.02, width * 0.42, height * 0.36)
    cloth = (70 + shift, 84, 118 - shift)
    skin = (226, 200 - shift // 3, 178)
    return _paint(width, height, [(shoulders, cloth), (head, skin)], background=(214, 228, 240, 255))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _paint(width: int, height: int, shapes: list[tuple[Coverage, tuple[int, int, int]]], background: Rgba) -> bytes:
    pixels = bytearray()
    for row in range(height):
        for column in range(width):
            red, green, blue, alpha = background
            for coverage, colour in shapes:
                part = coverage(column + 0.5, row + 0.5)
                if part:
                    red, green, blue = (
                        round(below + (above - below) * part)
                        for below, above in zip((red, green, blue), colour, strict=True)
                    )
                    alpha = max(alpha, round(255 * part))
            pixels += bytes((red, green, blue, alpha))
    return encode_png(width, height, bytes(pixels))


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))


def _band(distance: float, radius: float, half_width: float) -> float:
    return _clamp(half_width - abs(distance - radius) + 0.5)


def _ellipse(centre_x: float, centre_y: float, radius_x: float, radius_y: float) -> Coverage:
    def coverage(x: float, y: float) -> float:
        distance = math.hypot((x - centre_x) / radius_x, (y - centre_y) / radius_y)
        return _clamp((1 - distance) * min(radius_x, radius_y) + 0.5)

    return coverage


def _star(centre_x: float, centre_y: float, radius: float) -> Coverage:
    """Fold the plane into half a ray of the star, where its edge is one straight line."""
    sector = math.pi / _STAR_POINTS
    tip = (radius, 0.0)
    notch = (radius * _STAR_INNER * math.cos(sector), radius * _STAR_INNER * math.sin(sector))
    edge_x, edge_y = notch[0] - tip[0], notch[1] - tip[1]
    length = math.hypot(edge_x, edge_y)

    def coverage(x: float, y: float) -> float:
        distance = math.hypot(x - centre_x, y - centre_y)
        if distance > radius + 1:
            return 0.0
        angle = (math.atan2(x - centre_x, centre_y - y)) % (2 * sector)
        angle = min(angle, 2 * sector - angle)
        offset_x, offset_y = distance * math.cos(angle) - tip[0], distance * math.sin(angle) - tip[1]
        return _clamp((edge_x * offset_y - edge_y * offset_x) / length + 0.5)

    return coverage


def _caption(text: str, centre_x: float, centre_y: float) -> Coverage:
    rows = ["".join(_LETTERS[letter][row] + "." for letter in text) for row in range(_LETTER_HEIGHT)]
    dot = 2  # pixels a dot
    left = centre_x - (len(text) * _LETTER_STEP - 1) * dot / 2
    top = centre_y - _LETTER_HEIGHT * dot / 2

    def coverage(x: float, y: float) -> float:
        column, row = math.floor((x - left) / dot), math.floor((y - top) / dot)
        inside = 0 <= row < _LETTER_HEIGHT and 0 <= column < len(rows[0])
        return 1.0 if inside and rows[row][column] == "#" else 0.0

    return coverage
