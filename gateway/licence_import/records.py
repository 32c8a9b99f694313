"""Where the records of a file end. In a table values may stand in quotes (RFC 4180), and hold line ends then.

A quote that nobody closes, or that something else follows than the next value, spoils its own line and no other.
"""

import re
from collections.abc import Iterator
from typing import Final

from adapters.mapping.forms.charset import Charset

RecordPattern = re.Pattern[bytes]

# Bytes of one record with quotes: no text of a licence is as long, nor is a TEXT column of the usual databases. What
# stands in quotes is never taken for records below that, so that nobody makes one by the text of a field.
MAX_QUOTED_RECORD: Final = 128 * 1024
_PAIR: Final = rb"[\x81-\xfe][\x30-\xfe]"  # of GBK, or half of four bytes of GB 18030: the second one may look like "|"


def record_pattern(separator: str, charset: Charset) -> RecordPattern:
    """Return what matches one record of a table without its line end, as `csv.reader` reads it."""
    between = re.escape(separator.encode(charset.value))
    one = rb"[^\n]" if charset is Charset.UTF_8 else _PAIR + rb"|[^\n\x81-\xfe]"
    value = rb'(?:"(?:[^"]++|"")*+"|(?!")(?:(?!%b)(?:%b))*+)' % (between, one)
    return re.compile(value + rb"(?:%b%b)*+" % (between, value))


def split_records(data: bytes, pattern: RecordPattern | None) -> Iterator[tuple[int, int, int]]:
    """Return begin, end and number of lines above of each record; none is empty.

    ``pattern`` is that of a table with quotes; without one, every line is a record.
    """
    begin = above = 0
    while begin < len(data):
        end = _end_of(data, begin, pattern) or _line_end(data, begin)
        if data[begin:end].strip():
            yield begin, end, above
        above += data.count(b"\n", begin, end)
        begin = end


def measure_whole(data: bytes, pattern: RecordPattern | None) -> int:
    """Return how many bytes, which end a line, are records whatever follows them."""
    begin = 0
    while pattern is not None and (quote := data.find(b'"', begin)) >= 0:
        begin = max(begin, data.rfind(b"\n", begin, quote) + 1)
        end = _end_of(data, begin, pattern)
        if end is None:
            return begin
        begin = end
    return len(data)


def _end_of(data: bytes, begin: int, pattern: RecordPattern | None) -> int | None:
    """Return where the record ends that begins here; None: that depends on what follows the data."""
    line = _line_end(data, begin)
    if pattern is None or data.find(b'"', begin, line) < 0:
        return line
    limit = begin + MAX_QUOTED_RECORD
    found = pattern.match(data, begin, limit)
    end = begin if found is None else found.end()
    if end == len(data):
        return end
    for line_end in (b"\n", b"\r\n"):
        if found is not None and data.startswith(line_end, end):
            return end + len(line_end)
    return None if len(data) < limit else line


def _line_end(data: bytes, begin: int) -> int:
    return data.find(b"\n", begin) + 1 or len(data)
