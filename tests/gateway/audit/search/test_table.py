"""Tables: every cell says what the entry says, and does nothing."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gateway.audit.entry import commit_private, join_names
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.search.table import encode_csv, encode_xlsx
from tests.gateway.audit import findings


@pytest.mark.parametrize(
    ("licence", "official", "expected"),
    [
        (join_names("BH-0001", "1.2.156.1"), "3701-1", ("BH-0001 / 1.2.156.1", "3701-1")),
        (join_names("BH-0001", ""), "张\u3000三", ("BH-0001", "张 三")),
        (join_names("=1+1", "x"), "a\u202eb\x1bc", ("'=1+1 / x", "a\ufffdb\ufffdc")),
        (join_names("B", "x"), "\t@now", ("B / x", "' @now")),
    ],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_names_are_told_apart(
    tmp_path: Path, form: str, licence: str, official: str, expected: tuple[str, str]
) -> None:
    """Number and identifier are two names; a space stays one, what nobody sees is marked, and no cell is a formula."""
    draft = findings.answer(1)
    assert draft.private is not None
    private = replace(draft.private, licence=licence, official=official)
    with findings.open_log(tmp_path) as log:
        findings.append(log, replace(draft, private=private, leaf=replace(draft.leaf, commits=commit_private(private))))
        found = LogSearch.of(log).find(Query(official=official)).entries
    if form == "csv":
        rows = list(csv.reader(io.StringIO(encode_csv(found, opens=True).decode("utf-8-sig"))))
    else:
        sheet = load_workbook(io.BytesIO(encode_xlsx(found, opens=True))).worksheets[0]
        rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    head, row = rows
    said = dict(zip(head, row, strict=True))
    assert (said["证照 licence"], said["经办人 official"]) == expected
