"""Rows of the key table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.private import KeyNumber
from gateway.audit.store.key_row import KEY_ROW, KeyRow, make_rows, pick_keys
from gateway.audit.unavailable import LogUnavailableError, Unavailable

keys_by_number = st.dictionaries(
    st.integers(1, 200).map(KeyNumber), st.binary(min_size=1, max_size=80), min_size=1, max_size=100
)


@given(keys=keys_by_number, data=st.data())
def test_what_is_kept_is_read_until_it_is_erased(keys: dict[KeyNumber, bytes], data: st.DataObject) -> None:
    """Every key comes back from its row; an erased one does not, and the numbers that were given stay given."""
    rows = make_rows(keys)
    assert all(row.last - row.first < KEY_ROW for row in rows)
    assert pick_keys(rows, map(KeyNumber, range(201))) == keys
    doomed = data.draw(st.sets(st.sampled_from(sorted(keys))))
    left = [row.without(doomed) for row in rows]
    assert pick_keys([row for row, _ in left], keys) == {at: key for at, key in keys.items() if at not in doomed}
    assert sum(gone for _, gone in left) == len(doomed)
    assert (left[0][0].first, left[-1][0].last) == (min(keys), max(keys))


def test_no_keys_need_no_row() -> None:
    """Nothing is kept of nothing."""
    assert make_rows({}) == []


@pytest.mark.parametrize("wrapped", [b"", b"\0", b"\0\1a", b"\0\1a\0\1b\0", "text", None])
def test_a_damaged_row_is_corrupt(wrapped: bytes) -> None:
    """What is no bundle of so many keys is told apart."""
    with pytest.raises(LogUnavailableError) as caught:
        KeyRow(1, 2, wrapped).keys()
    assert caught.value.reason is Unavailable.CORRUPT
