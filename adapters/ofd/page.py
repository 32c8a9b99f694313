"""A page as values (text, strokes, pictures in millimetres), and the way from them to a Content.xml.

Coordinates start at the upper left corner of the page, as in GB/T 33190 section 7; a text stands on its baseline.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from lxml import etree

from adapters.ofd.markup import child, encode, number, numbers, root

Rgb = tuple[int, int, int]

BLACK: Rgb = (0, 0, 0)

# Advances that repeat at least this often are written as "g count value" (GB/T 33190 section 11.3).
_SHORTEST_GROUP = 3

_NARROW_ADVANCE = 0.55  # half a square in the Chinese fonts, a little more in those that viewers substitute
_CAPITAL_ADVANCE = 0.68  # keeps capitals apart where a viewer substitutes a proportional font
_WIDE = frozenset({"F", "W"})  # East Asian width classes that fill a whole square


class Font(StrEnum):
    """The fonts a licence is set in, by the names that every Chinese system knows; none is embedded."""

    SONG = "宋体"
    KAI = "楷体"
    HEI = "黑体"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text: ``x`` is its left edge, ``y`` its baseline, ``advances`` the steps between characters."""

    x: float
    y: float
    size: float
    content: str
    font: Font = Font.SONG
    colour: Rgb = BLACK
    advances: tuple[float, ...] | None = None

    @property
    def steps(self) -> tuple[float, ...]:
        """The distance from each character to the next one; as given, else natural."""
        if self.advances is not None:
            return self.advances
        return tuple(advance(character, self.size) for character in self.content[:-1])

    @property
    def width(self) -> float:
        """How wide the line is, last character included."""
        return sum(self.steps) + advance(self.content[-1:], self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Lines and curves in page coordinates, as OFD abbreviated data ("M 0 0 L 10 0 C"); stroked, or filled."""

    data: str
    width: float = 0.25
    colour: Rgb = BLACK
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the package's resources, by file name, stretched into a box."""

    resource: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in millimetres; later items are painted over earlier ones."""

    width: float
    height: float
    items: tuple[Text | Path | Picture, ...]


def advance(character: str, size: float) -> float:
    """How far a character moves the pen: a square for Chinese, about half of one for Latin."""
    if not character:
        return 0.0
    if unicodedata.east_asian_width(character) in _WIDE:
        return size
    return size * (_CAPITAL_ADVANCE if character.isupper() else _NARROW_ADVANCE)


def text_width(content: str, size: float) -> float:
    """How wide a line of text is at natural spacing, in millimetres."""
    return sum(advance(character, size) for character in content)


def wrap(content: str, size: float, width: float) -> tuple[str, ...]:
    """Break a text into lines that fit the width; Chinese may break after any character."""
    lines: list[str] = []
    line, used = "", 0.0
    for character in content:
        step = advance(character, size)
        if line and used + step > width:
            lines.append(line)
            line, used = "", 0.0
        line += character
        used += step
    return (*lines, line)


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Spell a rectangle as path data."""
    right, bottom = x + width, y + height
    return f"M {numbers(x, y)} L {numbers(right, y)} L {numbers(right, bottom)} L {numbers(x, bottom)} C"


def encode_page(
    page: Page,
    *,
    identifiers: Iterator[int],
    fonts: Mapping[Font, int],
    pictures: Mapping[str, int],
) -> bytes:
    """Write the Content.xml of a page; each object takes the next identifier of the document.

    Raises:
        KeyError: the page uses a font or a picture that the package does not define.
        ValueError: a text has a character that XML cannot hold.
    """
    part = root("Page")
    area = child(part, "Area")
    child(area, "PhysicalBox", numbers(0, 0, page.width, page.height))
    layer = child(child(part, "Content"), "Layer", attributes={"ID": str(next(identifiers)), "Type": "Body"})
    for item in page.items:
        identifier = str(next(identifiers))
        match item:
            case Text():
                _add_text(layer, item, identifier, fonts[item.font])
            case Path():
                _add_path(layer, item, identifier, page)
            case Picture():
                _add_picture(layer, item, identifier, pictures[item.resource])
    return encode(part)


def _add_text(layer: etree._Element, text: Text, identifier: str, font: int) -> None:
    # The box starts one em above the baseline and leaves room for what hangs below it.
    box = numbers(text.x, text.y - text.size, text.width, text.size * 1.3)
    attributes = {"ID": identifier, "Boundary": box, "Font": str(font), "Size": number(text.size)}
    element = child(layer, "TextObject", attributes=attributes)
    child(element, "FillColor", attributes={"Value": _colour(text.colour)})
    code = {"X": "0", "Y": number(text.size)}
    if text.steps:
        code["DeltaX"] = _spell_advances(text.steps)
    child(element, "TextCode", text.content, code)


def _add_path(layer: etree._Element, path: Path, identifier: str, page: Page) -> None:
    attributes = {"ID": identifier, "Boundary": numbers(0, 0, page.width, page.height), "LineWidth": number(path.width)}
    if path.filled:
        attributes |= {"Fill": "true", "Stroke": "false"}
    element = child(layer, "PathObject", attributes=attributes)
    child(element, "FillColor" if path.filled else "StrokeColor", attributes={"Value": _colour(path.colour)})
    child(element, "AbbreviatedData", path.data)


def _add_picture(layer: etree._Element, picture: Picture, identifier: str, resource: int) -> None:
    attributes = {
        "ID": identifier,
        "Boundary": numbers(picture.x, picture.y, picture.width, picture.height),
        "CTM": numbers(picture.width, 0, 0, picture.height, 0, 0),  # an image is one unit wide and high
        "ResourceID": str(resource),
    }
    child(layer, "ImageObject", attributes=attributes)


def _colour(colour: Rgb) -> str:
    return " ".join(str(channel) for channel in colour)


def _spell_advances(steps: tuple[float, ...]) -> str:
    words: list[str] = []
    for value, group in groupby(number(step) for step in steps):
        count = len(list(group))
        words.append(f"g {count} {value}" if count >= _SHORTEST_GROUP else " ".join([value] * count))
    return " ".join(words)
