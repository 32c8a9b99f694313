"""The spelling of signature values."""

import pytest

from adapters.document import Note
from adapters.signature_value import is_signature_value, notes_of_signature

PAIR = "3006020101020102"


@pytest.mark.parametrize(
    ("value", "notes"),
    [
        (PAIR, set()),
        ("3008020200ff02020080", set()),
        ("300702020001020102", {Note.NON_CANONICAL_INTEGER}),
        ("30080201010203000001", {Note.NON_CANONICAL_INTEGER}),
        ("00" * 64, {Note.RAW_SIGNATURE}),
        ("303e" + "021d" + "11" * 29 + "021d" + "11" * 29, {Note.RAW_SIGNATURE}),
    ],
)
def test_unusual_spellings_are_noted(value, notes):
    """Needless zeros and the raw form are noted; 64 bytes are always raw, so that length alone decides."""
    assert notes_of_signature(bytes.fromhex(value)) == notes
    assert is_signature_value(bytes.fromhex(value))


@pytest.mark.parametrize(
    "value",
    ["", "30", "3000", PAIR + "00", "3003020101", "3009020101020102020103", "30060201010401ff", "30040200" + "0200",
     "3006020101020202", "300602010102", "00" * 63, "3081060201010201" + "02"],
)  # fmt: skip
def test_what_is_no_pair_of_numbers_is_no_signature_value(value):
    """Anything but two INTEGERs under a short length, or 64 bytes, names no signature value and no note."""
    assert not is_signature_value(bytes.fromhex(value))
    assert notes_of_signature(bytes.fromhex(value)) == frozenset()
