"""The tables that officials read: everything is in them, Chinese first, and no text becomes markup or a formula."""

import io
import re

import openpyxl

from gateway.policy.table import make_table
from gateway.policy.table_files import encode_html, encode_xlsx
from gateway.policy.words import VALUES, name_form
from policies.catalogue import Sensitivity, ShareClass
from policies.dimension import FIXED_VALUES
from policies.form import FormKind
from policies.forms.registry import REGISTRY_VERSION
from policies.loader import load_policy
from policies.rule import AuditDepth, BudgetSubject, Counted
from tests.support.policy import changed, small_policy

BUNDLE = load_policy(small_policy()).bundle
EVIL = '=HYPERLINK("x")<script>alert(1)</script>'


def evil_bundle():
    old = "the own counter checks who applies"
    return load_policy(changed("rules.toml", f'why = "{old}"', f"why = '{EVIL}'")).bundle


def test_every_value_has_a_name() -> None:
    """Every value of every dimension, and of every other list, has a name in both languages."""
    for values in (*FIXED_VALUES.values(), ShareClass, Sensitivity, AuditDepth, BudgetSubject, Counted):
        for value in values:
            assert VALUES[value].zh
            assert VALUES[value].en


def test_forms_have_names() -> None:
    """A form is named with its scheme."""
    assert name_form("mask:name") == ("脱敏（name）", "mask (name)")
    assert name_form("match").zh == "仅比对"
    assert {
        name_form(kind if kind in {"plain", "match", "exists", "withheld"} else f"{kind}:x").zh for kind in FormKind
    }


def test_everything_is_in_the_tables() -> None:
    """Each rule, item, field, limit and budget has its row; each row as many cells as the table has heads."""
    table = make_table(BUNDLE)
    fields = sum(len(licence.fields) for licence in BUNDLE.licences)
    counts = [len(BUNDLE.rules), len(BUNDLE.items), fields, len(BUNDLE.together), len(BUNDLE.budgets)]
    assert [len(sheet.rows) for sheet in table.sheets] == counts
    for sheet in table.sheets:
        assert all(len(row) == len(sheet.heads) for row in sheet.rows)


def test_one_page() -> None:
    """The page stands alone, is Chinese first, and names the version."""
    page = encode_html(make_table(BUNDLE)).decode()
    assert page.index("共享规则") < page.index("Sharing rules")
    assert 'lang="zh-CN"' in page
    assert "sha256:" in page
    assert not re.search(r"(?:src|href)\s*=|@import|url\(|<script", page)
    for rule in BUNDLE.rules:
        assert rule.id in page


def test_text_is_no_markup() -> None:
    """Whatever an official writes is text."""
    page = encode_html(make_table(evil_bundle())).decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_workbook() -> None:
    """The workbook has a sheet for each table and a row for each of its rows; no text is a formula."""
    table = make_table(evil_bundle())
    book = openpyxl.load_workbook(io.BytesIO(encode_xlsx(table)))
    assert [sheet.title for sheet in book.worksheets] == [sheet.title.zh for sheet in table.sheets]
    for sheet, page in zip(table.sheets, book.worksheets, strict=True):
        assert page.max_row == len(sheet.rows) + 1
    cells = [cell for page in book.worksheets for row in page.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert any(cell.value and EVIL in str(cell.value) for cell in cells)


def test_the_version_covers_the_forms() -> None:
    """What the tables call the version is the digest of the bundle, with the version of its forms."""
    assert BUNDLE.forms == REGISTRY_VERSION
    assert make_table(BUNDLE).digest != make_table(evil_bundle()).digest
