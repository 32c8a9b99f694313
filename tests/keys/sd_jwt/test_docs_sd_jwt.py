"""The page about credentials says what is so."""

import re
from pathlib import Path

from keys.sd_jwt.errors import SdJwtFault

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sd-jwt.md"


def test_every_reason_stands_on_the_page():
    """The reasons on the page are those of the code, in the order in which they are found out."""
    section = PAGE.read_text(encoding="utf-8").split("## Why a credential is refused")[1]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE) == list(SdJwtFault)
