"""The page about payloads says what the registry has."""

import re
from pathlib import Path

from keys.payload.registry import ENCRYPTIONS, REQUEST_SIGNATURES, SECRET_WRAPPINGS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "payload.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| ((?:`[a-z_]+`\*?(?:, )?)+) \|", re.MULTILINE)


def test_every_function_stands_on_the_page_with_its_parameters():
    """Names and parameters on the page are those of the registry, with a star where they must be there."""
    said = {
        name: {parameter.strip("`*"): parameter.endswith("*") for parameter in parameters.split(", ")}
        for name, parameters in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    assert said == {
        name: {parameter.name: parameter.is_required for parameter in function.parameters}
        for table in (ENCRYPTIONS, REQUEST_SIGNATURES, SECRET_WRAPPINGS)
        for name, function in table.items()
    }
