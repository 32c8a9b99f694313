"""Where records end: as `csv.reader` reads them, however a file is cut, and never far behind a quote nobody closes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.forms.charset import Charset
from gateway.licence_import import piece
from gateway.licence_import.layout import Layout, Spread
from gateway.licence_import.piece import cut_pieces
from gateway.licence_import.records import MAX_QUOTED_RECORD, measure_whole, record_pattern, split_records

COMMA = record_pattern(",", Charset.UTF_8)
PLAIN = b"N1,a,2024-01-01\n"
TEXTS = st.text(st.sampled_from('a"|,，\n 證'), max_size=6)  # in GBK the last one ends like "|"
ROWS = st.lists(st.lists(TEXTS, min_size=2, max_size=3), min_size=1, max_size=8)


def split(data: bytes, separator: str = ",", charset: Charset = Charset.UTF_8) -> list[bytes]:
    return [data[begin:end] for begin, end, _ in split_records(data, record_pattern(separator, charset))]


@given(rows=ROWS, separator=st.sampled_from(",|，"), charset=st.sampled_from(Charset))
def test_what_is_written_well_is_split_into_its_rows(rows: list[list[str]], separator: str, charset: Charset) -> None:
    """Each record is one row, with the quotes, separators and line ends that stand in its values."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    found = split(text.getvalue().encode(charset.value), separator, charset)
    read = [list(csv.reader(io.StringIO(one.decode(charset.value), newline=""), delimiter=separator)) for one in found]
    assert read == [[row] for row in rows]


@given(lines=st.lists(st.sampled_from([PLAIN, b'q,"x\n', b'y",z\n', b'a"b,c\n', b'"a""\n', b'"c"d,e\r\n', b"\n"])))
def test_a_file_is_split_alike_however_it_is_cut(lines: list[bytes]) -> None:
    """Pieces are the file, and their records those of the file as a whole, good or bad."""
    data, layout = b"".join(lines), Layout(spread=Spread.TABLE, pattern=COMMA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(piece, "TABLE_BYTES", 7)
        pieces = list(cut_pieces(io.BytesIO(data), layout, begin=0, line=1))
    assert b"".join(one.data for one in pieces) == data
    assert [one for part in pieces for one in split(part.data)] == split(data)
    assert [part.line for part in pieces] == [data[: part.begin].count(b"\n") + 1 for part in pieces]


@pytest.mark.parametrize("bad", [b'q,"x,2024-01-01\n', b'q,"x"y,2024-01-01\n', b'q,x"y,2024-01-01\n'])
def test_a_bad_quote_spoils_its_own_line(bad: bytes) -> None:
    """Every other line of a file is a record, in a time that grows as the file does."""
    assert split(PLAIN + bad + PLAIN * 20_000) == [PLAIN, bad, *[PLAIN] * 20_000]


def test_what_stands_in_quotes_is_no_record() -> None:
    """A text of many lines is one value, and the record is one, up to a bound."""
    text = b'q,"' + PLAIN * (MAX_QUOTED_RECORD // len(PLAIN) - 2) + b'",2024-01-01\n'
    assert split(text + PLAIN) == [text, PLAIN]


@pytest.mark.parametrize(("data", "whole"), [(PLAIN, 16), (PLAIN + b'q,"x\n', 16), (b'q,"x\n' + b"y" * 131072, 131077)])
def test_what_the_rest_of_a_file_can_change(data: bytes, whole: int) -> None:
    """A quote that may be closed yet is kept for the next piece; one beyond the bound is not."""
    assert measure_whole(data, COMMA) == whole
