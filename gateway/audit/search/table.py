"""Found entries as a table: CSV for programs, XLSX for people; what was private, only where it was opened."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from openpyxl import Workbook

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.entry import split_names
from gateway.audit.search.search import FoundEntry
from gateway.audit.tlog.merkle import leaf_hash

_BOM: Final = "\ufeff"  # by which a spreadsheet knows UTF-8
_FORMULA: Final = ("=", "+", "-", "@")  # a cell that begins so, or behind spaces, is computed by some spreadsheets
_LEAF: Final = (
    *("条目 entry", "时间 time", "类别 kind", "决定 decision", "调用方 caller", "编号 number", "单位 organisation"),
    *("对方 partner", "事项 item", "用途 purpose", "形式 form", "策略 policy", "结论 outcome", "理由 reasons"),
    "条目杂凑 leaf hash",
)
_PRIVATE: Final = ("持证人 subjects", "证照 licence", "经办人 official", "办件 case", "已销毁 erased")


def encode_csv(found: Sequence[FoundEntry], *, opens: bool) -> bytes:
    """Return the table as CSV (RFC 4180) in UTF-8."""
    text = io.StringIO(newline="")
    text.write(_BOM)
    csv.writer(text).writerows(_rows(found, opens=opens))
    return text.getvalue().encode()


def encode_xlsx(found: Sequence[FoundEntry], *, opens: bool) -> bytes:
    """Return the table as a workbook."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("entries")
    for row in _rows(found, opens=opens):
        sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _rows(found: Sequence[FoundEntry], *, opens: bool) -> Iterator[list[str]]:
    yield [*_LEAF, *(_PRIVATE if opens else ())]
    for one in found:
        content = one.leaf.content
        row = [
            str(one.index),
            datetime.fromtimestamp(one.leaf.t / 1000, CHINA_STANDARD_TIME).isoformat(timespec="milliseconds"),
            *(content.kind, content.req, content.caller, str(one.leaf.seq), content.org, content.partner),
            *(content.item, content.purpose, content.form, content.policy, content.outcome),
            *(" ".join(content.reasons), leaf_hash(one.data).hex()),
        ]
        yield [_harmless(cell) for cell in (*row, *(_private_cells(one) if opens else ()))]


def _private_cells(one: FoundEntry) -> tuple[str, ...]:
    if one.private is None:
        return ("", "", "", "", "damaged" if one.is_damaged else "")
    part = one.private.part
    erased = " ".join(
        name
        for name, is_erased in (("subject", one.private.subject_erased), ("official", one.private.official_erased))
        if is_erased
    )
    return (" ".join(part.subjects), " / ".join(split_names(part.licence)), part.official, part.case, erased)


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; nothing unseen joins what it parts."""
    text = "".join(map(_seen, cell))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _seen(character: str) -> str:
    """Return a character as a cell shows it: any space as one, what cannot be shown as U+FFFD."""
    if character.isprintable():
        return character
    return " " if character.isspace() else "\ufffd"
