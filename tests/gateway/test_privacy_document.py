"""docs/privacy.md is true: its tables are those of the code, and its commands make what the gateway reads."""

import re
import subprocess
from pathlib import Path

from gateway.licence_values import Attribute
from gateway.secret_file import read_secret
from gateway.withheld import WITHHELD_SENTENCES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_reasons() -> None:
    """The table has every reason of the code in its order, with the words of both languages."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", section("Reasons"), re.MULTILINE)  # the first is the head
    assert rows[1:] == [
        (name, one.zh + one.next_zh, f"{one.en} {one.next_en}") for name, one in WITHHELD_SENTENCES.items()
    ]


def test_sources() -> None:
    """The closed list of attributes is complete."""
    rows = re.findall(r"^\| ((?:`[a-z-]+` ?)+)\|", section("Sources of fields"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)} - {"source"} == set(Attribute)


def test_the_key(tmp_path: Path) -> None:
    """The commands make a key that the gateway reads."""
    (tmp_path / "state").mkdir()
    (commands,) = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, timeout=30)  # noqa: S603, S607 -- the page's own
    assert len(read_secret(tmp_path / "state" / "pseudonym.key")) == 32
