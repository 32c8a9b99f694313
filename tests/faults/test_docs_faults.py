"""docs/faults.md and the tests of faults say the same: a row for each test, a test for each row."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
HEAD, *ROWS = (line for line in PAGE.splitlines() if line.startswith("| "))
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.MULTILINE)
METRIC = re.compile(r"`((?:gateway|tongban)_\w+)")
# Of the wire itself, and of the page.
OF_NO_FAULT = ("test_fault_proxy.py", "test_docs_faults.py")
HERE = sorted(path for path in Path(__file__).parent.glob("test_*.py") if path.name not in OF_NO_FAULT)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_row_names_its_test(row: str) -> None:
    """Each row says in both languages what breaks, fills every column, and names tests that exist."""
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == HEAD.count("|") - 1
    assert all(cells)
    assert re.search(r"[\u4e00-\u9fff]", cells[1])
    named = NAMED.findall(cells[-1])
    assert named
    for file, test in named:
        assert test in TEST.findall((ROOT / "tests" / file).read_text(encoding="utf-8")), f"{file}::{test}"


def test_every_metric_is_one_of_ours() -> None:
    """The page names no metric that `/metrics` does not have."""
    metrics = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert {name for name in METRIC.findall(PAGE) if f"`{name}" not in metrics} == set()


@pytest.mark.parametrize("path", HERE, ids=lambda path: path.name)
def test_every_test_is_in_a_row(path: Path) -> None:
    """A test of a fault is in the page, so that what it proves can be read."""
    named = {test for file, test in NAMED.findall(PAGE) if file == f"faults/{path.name}"}
    assert named == set(TEST.findall(path.read_text(encoding="utf-8")))
