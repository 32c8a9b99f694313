"""The tables of a policy as files: one HTML page that needs nothing else, or a workbook with a sheet for each table."""

import io
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from gateway.policy.table import Cell, PolicyTable, Sheet

_TEMPLATE: Final = "table.html"
_TITLE: Final = 31  # characters of a sheet's title, as Excel allows
_WIDTHS: Final = (12, 60)  # characters of a column, at least and at most
_FORBIDDEN: Final = str.maketrans("[]:*?/\\", "       ")


def encode_html(table: PolicyTable) -> bytes:
    """Return one page, Chinese first, that can be printed; it asks for nothing from anywhere."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(table=table).encode("utf-8")


def encode_xlsx(table: PolicyTable) -> bytes:
    """Return a workbook (Office Open XML); no text of it is ever taken for a formula."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.title = f"{table.name} {table.version} {table.digest}"
    for sheet in table.sheets:
        _add(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _add(book: Workbook, sheet: Sheet) -> None:
    page: Any = book.create_sheet(sheet.title.zh.translate(_FORBIDDEN)[:_TITLE])
    texts = [[f"{head.zh}\n{head.en}" for head in sheet.heads], *([_text(cell) for cell in row] for row in sheet.rows)]
    for number, row in enumerate(texts, start=1):
        for column, text in enumerate(row, start=1):
            cell = page.cell(row=number, column=column, value=text)
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="F0F2F5")
    page.freeze_panes = "B2"
    page.auto_filter.ref = page.dimensions
    page.page_setup.orientation, page.page_setup.fitToWidth, page.page_setup.fitToHeight = "landscape", 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.print_title_rows = "1:1"
    low, high = _WIDTHS
    for column in range(1, len(sheet.heads) + 1):
        longest = max(len(line) for row in texts for line in row[column - 1].split("\n"))
        page.column_dimensions[get_column_letter(column)].width = min(max(longest * 1.4, low), high)


def _text(cell: Cell) -> str:
    """Return the lines of a cell, each with its English where that says something else."""
    return "\n".join(line.zh if line.zh == line.en else f"{line.zh} {line.en}" for line in cell)
