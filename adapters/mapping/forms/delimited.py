"""Delimited text as a tree: a list of dicts, one for each line, by column name."""

import csv
import io
from dataclasses import dataclass
from functools import partial
from typing import Final

from adapters.mapping.bounds import MAX_COLUMNS, MAX_RECORDS
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset, decode, encode
from adapters.mapping.forms.form import Form, FormName

_LINE_ENDS: Final = frozenset("\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How lines are made; without ``quoted``, a value cannot hold the separator or a line end."""

    charset: Charset
    limit: int
    separator: str
    columns: tuple[str, ...]
    header: bool
    quoted: bool


def delimited(
    charset: Charset, limit: int, *, separator: str, columns: tuple[str, ...], header: bool, quoted: bool
) -> Form:
    """Return the form; ``columns`` are the names in order, and ``header`` says whether the first line repeats them.

    With ``quoted``, values may stand in quotes (RFC 4180), and the separator is one character.
    """
    layout = _Layout(charset=charset, limit=limit, separator=separator, columns=columns, header=header, quoted=quoted)
    return Form(
        name=FormName.DELIMITED,
        read=partial(_read, layout),
        write=partial(_write, layout),
        separator=separator if quoted else "",
    )


def _read(layout: _Layout, data: bytes) -> object:
    if len(data) > layout.limit:
        raise AdapterError(AdapterFault.TOO_LARGE)
    text = decode(data, layout.charset)
    lines = _split_quoted(layout.separator, text) if layout.quoted else _split_plain(layout.separator, text)
    if layout.header:
        if not lines or tuple(lines[0]) != layout.columns:
            raise AdapterError(AdapterFault.SHAPE)
        del lines[0]
    if len(lines) > MAX_RECORDS:
        raise AdapterError(AdapterFault.TOO_LARGE)
    if any(len(line) != len(layout.columns) for line in lines):
        raise AdapterError(AdapterFault.SHAPE)
    return [dict(zip(layout.columns, line, strict=True)) for line in lines]


def _split_plain(separator: str, text: str) -> list[list[str]]:
    if text.count(separator) > MAX_COLUMNS * MAX_RECORDS:
        raise AdapterError(AdapterFault.TOO_LARGE)
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.split(separator) for line in lines]


def _split_quoted(separator: str, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:  # not chained: nothing of the message may be in an error
        raise AdapterError(AdapterFault.SYNTAX) from None


def _write(layout: _Layout, tree: object) -> bytes:
    if not isinstance(tree, list):
        raise AdapterError(AdapterFault.SHAPE)
    if any(not line.keys() <= set(layout.columns) for line in tree):  # a surface field that has no column
        raise AdapterError(AdapterFault.VALUE)
    lines = [list(layout.columns)] if layout.header else []
    lines += [["" if line.get(name) is None else str(line[name]) for name in layout.columns] for line in tree]
    if layout.quoted:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=layout.separator, lineterminator="\r\n").writerows(lines)
        return encode(stream.getvalue(), layout.charset)
    if any(layout.separator in value or not _LINE_ENDS.isdisjoint(value) for line in lines for value in line):
        raise AdapterError(AdapterFault.VALUE)
    return encode("".join(layout.separator.join(line) + "\n" for line in lines), layout.charset)
