"""Lists of marks: written and read in one spelling, nothing but marks in them, garbage refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.alarms.observed import OBSERVATION_KEY_SIZE, ObservationKey
from gateway.audit.alarms.watchlist import (
    WatchlistError,
    encode_watchlist,
    make_watchlist,
    parse_watchlist,
    read_watchlist,
)
from gateway.audit.alarms.words import WatchlistKind
from tests.support.alarms import KEY, MONDAY, ask, observe

NUMBER = "11010519491231002X"
LISTED = make_watchlist(WatchlistKind.SUBJECT, [NUMBER, "another"], KEY)
GOOD = encode_watchlist(LISTED)


@given(values=st.lists(st.text(min_size=1, max_size=20)), kind=st.sampled_from(WatchlistKind))
def test_lists_are_read_as_they_were_written(values: list[str], kind: WatchlistKind) -> None:
    """What is written is read."""
    listed = make_watchlist(kind, [value.encode("utf-8", "replace").decode() for value in values], KEY)
    assert parse_watchlist(encode_watchlist(listed)) == listed


def test_marks_are_those_of_entries() -> None:
    """Whoever is listed is recognised in an entry; the list does not hold the number."""
    [seen] = observe([(MONDAY, ask(1, MONDAY, subjects=(NUMBER,), licence="number\nidentifier"))])
    assert set(seen.subjects) <= LISTED.marks
    assert NUMBER.encode() not in GOOD
    for name in ("number", "identifier"):
        assert make_watchlist(WatchlistKind.LICENCE, [name], KEY).marks <= set(seen.licences)


@given(data=st.binary(max_size=200))
def test_garbage_is_refused(data: bytes) -> None:
    """Other bytes are no list."""
    with pytest.raises(WatchlistError):
        parse_watchlist(data)


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_one_spelling(at: int, bit: int) -> None:
    """A list with one changed bit is another list, or none."""
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    try:
        found = parse_watchlist(bytes(changed))
    except WatchlistError:
        return
    assert found != LISTED
    assert encode_watchlist(found) == bytes(changed)


def test_files(tmp_path: Path) -> None:
    """A file that is missing, or is a folder, is no list."""
    (tmp_path / "list").write_bytes(GOOD)
    assert read_watchlist(tmp_path / "list") == LISTED
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(WatchlistError):
            read_watchlist(path)


def test_keys() -> None:
    """Keys have one size, and are told apart without being shown."""
    with pytest.raises(ValueError, match="32 bytes"):
        ObservationKey(b"short")
    other = ObservationKey(b"p" * OBSERVATION_KEY_SIZE)
    assert other.fingerprint != KEY.fingerprint
    assert (b"p" * OBSERVATION_KEY_SIZE).hex() not in other.fingerprint
