"""Typesetting a licence: frame, title, fields, picture, code and the place of the seal, in millimetres."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.ofd.markup import numbers
from adapters.ofd.page import Font, Page, Path, Picture, Rgb, Text, advance, rectangle, text_width, wrap
from gateway.demo.licences import Annotation, Field, Kind, LicenceDraft, spell_day

QR_PICTURE = "code.png"
PORTRAIT_PICTURE = "portrait.png"

SEAL_MM = 40

_INK: Rgb = (32, 32, 36)
_LABEL: Rgb = (120, 72, 24)
_GOLD: Rgb = (176, 132, 58)
_PALE: Rgb = (244, 234, 214)
_TITLE: Rgb = (150, 30, 30)
_GREY: Rgb = (140, 140, 140)
_BLUE: Rgb = (30, 70, 150)

_WAVE_MM = 6.0  # one period of the frame's braid
_WAVE_HEIGHT_MM = 1.3
_ROSETTE_POINTS = 1260
_ROSETTE_TURNS = 7
_ROSETTE_PETALS = 30
_QR_MM = 26.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page format with the places that its layout fixes."""

    width: float
    height: float
    title_y: float
    title_size: float
    fields_y: float
    label_x: float
    value_x: float
    value_right: float
    field_step: float
    qr: tuple[float, float]
    issuer_y: float
    issuer_centre_x: float


PORTRAIT = Sheet(
    width=210,
    height=297,
    title_y=52,
    title_size=13,
    fields_y=88,
    label_x=30,
    value_x=66,
    value_right=182,
    field_step=13.5,
    qr=(32, 232),
    issuer_y=240,
    issuer_centre_x=140,
)
LANDSCAPE = Sheet(
    width=297,
    height=210,
    title_y=54,
    title_size=16,
    fields_y=80,
    label_x=32,
    value_x=67,
    value_right=262,
    field_step=11,
    qr=(244, 26),
    issuer_y=164,
    issuer_centre_x=225,
)

_FIELD_SIZE = 4.6
_LABEL_WIDTH_MM = 30.0
_LINE_FACTOR = 1.45  # from one baseline to the next inside a wrapped value


def sheet_of(draft: LicenceDraft) -> Sheet:
    """Choose the format: business licences lie, all others stand."""
    return LANDSCAPE if draft.kind is Kind.BUSINESS else PORTRAIT


def seal_box(draft: LicenceDraft, position: int = 0) -> tuple[float, float, float, float]:
    """Place the seal over the issuer's name and date; a second seal stands to the left of the first."""
    sheet = sheet_of(draft)
    left = sheet.issuer_centre_x - SEAL_MM / 2 - position * (SEAL_MM + 14)
    return (left, sheet.issuer_y + 4 - SEAL_MM / 2, SEAL_MM, SEAL_MM)


def set_pages(draft: LicenceDraft) -> tuple[Page, ...]:
    """Typeset all pages of a licence; the second one exists only where the draft has fields for it."""
    sheet = sheet_of(draft)
    pages = [Page(width=sheet.width, height=sheet.height, items=(*_ground(sheet), *_face(draft, sheet)))]
    if draft.second_page:
        heading = _centred(
            f"{draft.kind}（附页）", sheet.width / 2, sheet.title_y, size=8, font=Font.HEI, colour=_TITLE, gap=1
        )
        fields = _fields(draft.second_page, sheet, sheet.value_right)
        pages.append(Page(width=sheet.width, height=sheet.height, items=(*_ground(sheet), heading, *fields)))
    return tuple(pages)


def _face(draft: LicenceDraft, sheet: Sheet) -> Iterable[Text | Path | Picture]:
    centre = sheet.width / 2
    yield _centred(str(draft.kind), centre, sheet.title_y, size=sheet.title_size, font=Font.HEI, colour=_TITLE, gap=3)
    yield _centred(f"证照编号：{draft.number}", centre, sheet.title_y + 12, size=4.2)
    right = sheet.value_right
    if draft.portrait_tone is not None:
        yield Picture(resource=PORTRAIT_PICTURE, x=153, y=sheet.fields_y - 6, width=27, height=36)
        yield Path(data=rectangle(153, sheet.fields_y - 6, 27, 36), width=0.2, colour=_GREY)
        right = 148
    yield from _fields((*draft.fields, Field(label="有效期", value=draft.validity)), sheet, right)
    yield _centred(draft.office.name, sheet.issuer_centre_x, sheet.issuer_y, size=5)
    yield _centred(spell_day(draft.issued_on), sheet.issuer_centre_x, sheet.issuer_y + 10, size=5)
    left, top = sheet.qr
    yield Picture(resource=QR_PICTURE, x=left, y=top, width=_QR_MM, height=_QR_MM)
    yield _centred("扫描核验证照标识", left + _QR_MM / 2, top + _QR_MM + 4, size=2.6, colour=_GREY)
    if draft.annotation is not None:
        yield from _annotation(draft.annotation)


def _fields(fields: Sequence[Field], sheet: Sheet, right: float) -> Iterable[Text]:
    y = sheet.fields_y
    for field in fields:
        yield _spread(field.label, sheet.label_x, y)
        for index, line in enumerate(wrap(field.value, _FIELD_SIZE, right - sheet.value_x)):
            if index:
                y += _FIELD_SIZE * _LINE_FACTOR
            yield Text(x=sheet.value_x, y=y, size=_FIELD_SIZE, content=line, font=Font.KAI, colour=_INK)
        y += sheet.field_step


def _annotation(annotation: Annotation) -> Iterable[Text | Path]:
    text = f"加注件：仅用于{annotation.reason}，有效至{spell_day(annotation.valid_until)}"
    maker = f"制作：{annotation.made_by}  {spell_day(annotation.made_on)}"
    size, left, top = 3.6, 30.0, 22.0
    width = max(text_width(text, size), text_width(maker, size)) + 6
    yield Path(data=rectangle(left, top, width, 14), width=0.35, colour=_BLUE)
    yield Text(x=left + 3, y=top + 5.4, size=size, content=text, font=Font.HEI, colour=_BLUE)
    yield Text(x=left + 3, y=top + 11.2, size=size, content=maker, font=Font.SONG, colour=_BLUE)


def _ground(sheet: Sheet) -> Iterable[Text | Path]:
    yield Path(data=_rosette(sheet.width / 2, sheet.height / 2, 62), width=0.15, colour=_PALE)
    for inset, width in ((9.0, 1.0), (10.6, 0.25), (16.4, 0.25), (17.4, 0.6)):
        data = rectangle(inset, inset, sheet.width - 2 * inset, sheet.height - 2 * inset)
        yield Path(data=data, width=width, colour=_GOLD)
    for sign in (1, -1):
        yield Path(data=_braid(sheet.width, sheet.height, sign), width=0.2, colour=_GOLD)
    notice = "演示样本，不具法律效力  TEST ONLY"
    yield _centred(notice, sheet.width / 2, sheet.height - 4.2, size=2.8, colour=_GREY)


def _centred(
    content: str, centre: float, y: float, *, size: float, font: Font = Font.SONG, colour: Rgb = _INK, gap: float = 0
) -> Text:
    steps = tuple(advance(character, size) + gap for character in content[:-1])
    width = sum(steps) + advance(content[-1:], size)
    return Text(x=centre - width / 2, y=y, size=size, content=content, font=font, colour=colour, advances=steps)


def _spread(label: str, x: float, y: float) -> Text:
    """Spread a label over the full label width, as Chinese forms do, so that both its edges line up."""
    gaps = len(label) - 1
    free = _LABEL_WIDTH_MM - text_width(label, _FIELD_SIZE)
    steps = tuple(advance(character, _FIELD_SIZE) + free / gaps for character in label[:-1]) if gaps else ()
    return Text(x=x, y=y, size=_FIELD_SIZE, content=label, font=Font.HEI, colour=_LABEL, advances=steps)


def _rosette(centre_x: float, centre_y: float, radius: float) -> str:
    """Draw a guilloche rosette: one line that swings in and out and closes after several turns."""
    points: list[str] = []
    for step in range(_ROSETTE_POINTS + 1):
        angle = 2 * math.pi * step * _ROSETTE_TURNS / _ROSETTE_POINTS
        swing = 0.64 + 0.36 * math.cos(angle * _ROSETTE_PETALS / _ROSETTE_TURNS)
        x, y = centre_x + radius * swing * math.cos(angle), centre_y + radius * swing * math.sin(angle)
        points.append(f"{'L' if step else 'M'} {numbers(round(x, 2), round(y, 2))}")
    return " ".join(points)


def _braid(width: float, height: float, sign: int) -> str:
    """Draw one strand of the braid that runs round the frame between its double lines."""
    inset = 13.5
    sides = (
        (inset, inset, width - 2 * inset, (1, 0)),
        (width - inset, inset, height - 2 * inset, (0, 1)),
        (width - inset, height - inset, width - 2 * inset, (-1, 0)),
        (inset, height - inset, height - 2 * inset, (0, -1)),
    )
    return " ".join(_strand(x, y, length, direction, sign) for x, y, length, direction in sides)


def _strand(x: float, y: float, length: float, direction: tuple[int, int], sign: int) -> str:
    along_x, along_y = direction
    halves = 2 * round(length / _WAVE_MM)
    step = length / halves
    words = [f"M {numbers(x, y)}"]
    for half in range(halves):
        bend = sign * _WAVE_HEIGHT_MM * (1 if half % 2 else -1)

        def point(part: float, aside: float, start: float = half * step) -> tuple[float, float]:
            distance = start + part * step
            return x + along_x * distance - along_y * aside, y + along_y * distance + along_x * aside

        words.append(f"B {numbers(*point(0.36, bend), *point(0.64, bend), *point(1, 0))}")
    return " ".join(words)
