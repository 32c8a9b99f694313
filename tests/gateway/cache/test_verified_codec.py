"""Kept verdicts as bytes."""

import dataclasses
import typing
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.cache import verified_codec
from gateway.cache.verified_codec import EntryError, EntryFault, KeptVerdict, encode_kept, parse_kept
from gateway.pipeline import Verified
from tests.support.http import FORGED, GENUINE
from tests.support.verified import MOMENTS, VERIFIED

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEPT = KeptVerdict(
    verified=Verified(verdict=GENUINE), made_at=AT, consulted=frozenset({(b"\x30\x00", 2**159)}), evidence=b"e" * 32
)
CONSULTED = st.frozensets(st.tuples(st.binary(max_size=8), st.integers(-(2**160), 2**160)), max_size=3)


@given(st.builds(KeptVerdict, verified=VERIFIED, made_at=MOMENTS, consulted=CONSULTED, evidence=st.binary(max_size=32)))
@example(KEPT)
def test_what_is_kept_is_read_again(kept: KeptVerdict) -> None:
    """Every field of a kept verdict comes back as it was."""
    assert parse_kept(encode_kept(kept)) == kept


def test_every_field_is_drawn() -> None:
    """The values above are of all dataclasses that a verdict is made of, so that no field can be forgotten."""

    def reach(kind: object) -> set[type]:
        found = {one for argument in typing.get_args(kind) for one in reach(argument)}
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            found |= {kind} | {one for hint in hints.values() for one in reach(hint)}
        return found

    names = {one.__name__ for one in reach(Verified)}
    assert names == {
        *("Verified", "Verdict", "Check", "SignatureVerdict", "SealSummary"),
        *("Licence", "LicenceIdentifier", "Holder", "AnnotatedCopy"),
    }


@given(st.binary(max_size=64) | st.integers(0, 400).map(lambda size: encode_kept(KEPT)[:size]))
def test_garbage_is_no_entry(data: bytes) -> None:
    """Whatever is no whole entry is refused, with the one error."""
    with pytest.raises(EntryError) as caught:
        parse_kept(data)
    assert caught.value.fault is EntryFault.MALFORMED


def test_another_version_is_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of another version of the format is told apart, and not read by guesses."""
    data = encode_kept(KEPT)
    monkeypatch.setattr(verified_codec, "FORMAT_VERSION", 2)
    with pytest.raises(EntryError) as caught:
        parse_kept(data)
    assert caught.value.fault is EntryFault.VERSION


def test_a_moment_without_an_offset_is_no_entry() -> None:
    """A moment that nobody can place is refused."""
    wire = msgspec.msgpack.decode(encode_kept(KEPT))
    wire[1] = "2026-03-01T12:00:00"
    with pytest.raises(EntryError):
        parse_kept(msgspec.msgpack.encode(wire))


def test_a_text_without_a_spelling_is_not_kept() -> None:
    """Half a character of UTF-16 cannot be written, and is said to be what is wrong."""
    odd = dataclasses.replace(KEPT, verified=Verified(verdict=dataclasses.replace(FORGED, notes=("\ud800",))))
    with pytest.raises(EntryError) as caught:
        encode_kept(odd)
    assert caught.value.fault is EntryFault.NOT_WRITABLE
