"""Where a field goes in the neutral record: its name, the sort of its values, and the list it belongs to."""

import re
from dataclasses import dataclass
from typing import Final

from adapters.mapping.codecs.codec import Sort
from adapters.mapping.fault import Words

HOLDERS: Final = "holders"
SURFACE: Final = "surface."
WHOLE_SURFACE: Final = "*"  # surface.*: every surface field that no other rule names
DOCUMENT: Final = "document."
DOCUMENT_CONTENT: Final = "document.content"
STATUS: Final = "status"
VALID_TO: Final = "valid_to"

# What the record has once, with the sort of its values.
SCALARS: Final = {
    "identifier": Sort.TEXT,
    "number": Sort.TEXT,
    "type_code": Sort.TEXT,
    "name": Sort.TEXT,
    "issuer": Sort.TEXT,
    "issuer_code": Sort.TEXT,
    "area": Sort.TEXT,
    "issued_on": Sort.DAY,
    "valid_from": Sort.DAY,
    VALID_TO: Sort.DAY,
    "under_objection": Sort.FLAG,
    "trust_level": Sort.TEXT,
    "source": Sort.TEXT,
    "document.format": Sort.TEXT,
    DOCUMENT_CONTENT: Sort.BYTES,
    "document.link": Sort.TEXT,
}
HOLDER_COLUMNS: Final = ("name", "code", "code_type")

# What a system can lose as a whole; [losses] and the loss table name them so. The source is where a record came from,
# which the reader knows without being told.
CARRIED: Final = (
    *(name for name in SCALARS if name != "source"),
    *(f"{HOLDERS}[].{column}" for column in HOLDER_COLUMNS),
    STATUS,
    "surface",
)

GROUPS: Final = (HOLDERS, "document")  # names in [losses] that cover all their parts

_SURFACE: Final = re.compile(r"surface\.(?P<name>[^\[\].\s]+|\*)(?P<list>\[\](?:\.(?P<column>[^\[\].\s]+))?)?")
_HOLDER: Final = re.compile(r"holders\[\]\.(?P<column>name|code|code_type)")
EXPECTED: Final = Words(
    "中立记录的字段，例如 number、valid_to、holders[].code、surface.名称、surface.名称[].列、surface.*",
    "a field of the record, such as number, valid_to, holders[].code, surface.NAME, surface.NAME[].COLUMN, surface.*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place in the record. ``slot`` is its name; ``column`` the part of each entry, where the slot is a list.

    The column of a list of plain texts is "". None: the slot is no list.
    """

    text: str
    slot: str
    column: str | None
    sort: Sort

    @property
    def surface_name(self) -> str:
        """The name of the surface field, "" for another target."""
        return self.slot.removeprefix(SURFACE) if self.slot.startswith(SURFACE) else ""

    @property
    def is_whole_surface(self) -> bool:
        """Whether it is ``surface.*``."""
        return self.surface_name == WHOLE_SURFACE

    @property
    def carried(self) -> str:
        """The name in `CARRIED` of what it carries."""
        return "surface" if self.is_whole_surface else self.text


def parse_target(text: str) -> Target | None:
    """Return the target that a mapping file names, or None when there is none of that name."""
    if (sort := SCALARS.get(text)) is not None:
        return Target(text=text, slot=text, column=None, sort=sort)
    if found := _HOLDER.fullmatch(text):
        return Target(text=text, slot=HOLDERS, column=found["column"], sort=Sort.TEXT)
    if found := _SURFACE.fullmatch(text):
        column = (found["column"] or "") if found["list"] else None
        if found["name"] == WHOLE_SURFACE and column is not None:
            return None
        return Target(text=text, slot=SURFACE + found["name"], column=column, sort=Sort.TEXT)
    return None
