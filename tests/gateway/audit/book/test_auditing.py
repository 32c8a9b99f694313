"""Who opens, and who reads the log's files: two people and nobody, unless the settings say otherwise."""

from pathlib import Path

import pytest

from gateway.audit.book.auditing import Auditing
from gateway.audit.book.settings import parse_audit
from gateway.toml_table import Fault, load_toml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Auditing(openers=2, public=False)),
        ("openers = 1\npublic = true\n", Auditing(openers=1, public=True)),
    ],
)
def test_settings(tmp_path: Path, text: str, expected: Auditing) -> None:
    """Silence asks for two people and a token."""
    (tmp_path / "audit.toml").write_text(text, encoding="utf-8")
    faults: list[Fault] = []
    table = load_toml(tmp_path / "audit.toml", file="audit.toml", faults=faults)
    assert table is not None
    assert parse_audit(table).auditing == expected
    assert faults == []


@pytest.mark.parametrize("text", ["openers = 0\n", "openers = 3\n", 'openers = "two"\n', "public = 1\n"])
def test_what_is_no_setting(tmp_path: Path, text: str) -> None:
    """Nobody, a third person, and what is no number or flag are faults."""
    (tmp_path / "audit.toml").write_text(text, encoding="utf-8")
    faults: list[Fault] = []
    table = load_toml(tmp_path / "audit.toml", file="audit.toml", faults=faults)
    assert table is not None
    parse_audit(table)
    assert [fault.key for fault in faults] == [text.split(maxsplit=1)[0]]
