"""Tests of the map of a cluster."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from gateway.shared.settings import Address
from gateway.shared.slots import MAX_PRIMARIES, SLOTS, SlotsError, parse_slots, slot_of

ASKED = Address("10.0.0.1", 7000)
WHOLE: list[Any] = [
    [0, 8191, [b"10.0.0.1", 7000, b"id", []], [b"10.0.0.9", 7009, b"replica", []]],
    [8192, 16383, [b"node-2.example", 7001, b"id", [b"hostname", b"x"]]],
]


def test_who_has_a_key() -> None:
    """A key belongs to the primary of its slot, by its tag where it has one."""
    slots = parse_slots(WHOLE, asked=ASKED)
    assert slots.is_whole
    assert slots.primaries == (Address("10.0.0.1", 7000), Address("node-2.example", 7001))
    assert slots.owner(b"bar") == slots.owner(b"{bar}x") == Address("10.0.0.1", 7000)  # slot 5061
    assert slots.owner(b"foo") == Address("node-2.example", 7001)  # slot 12182


@given(st.binary(max_size=12) | st.text("{}a", max_size=8).map(str.encode))
def test_slots_are_those_of_redis(key: bytes) -> None:
    """The slot of a key is the one that clients of Redis compute."""
    assert slot_of(key) == key_slot(key)


@pytest.mark.parametrize("host", [None, b"", b"?"])
def test_a_server_without_a_name(host: bytes | None) -> None:
    """A server that does not know its own name is where it was asked."""
    assert parse_slots([[0, 1, [host, 7005]]], asked=ASKED).primaries == (Address("10.0.0.1", 7005),)


def test_what_nobody_has() -> None:
    """A slot without an owner has none, and the map is not whole."""
    slots = parse_slots(WHOLE[:1], asked=ASKED)
    assert (slots.owner(b"foo"), slots.is_whole) == (None, False)
    slots.move(12182, ASKED)
    slots.move(SLOTS, ASKED)
    assert (slots.owner(b"foo"), slots.is_whole) == (ASKED, False)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"",
        {},
        [1],
        [[0, 1]],
        [[0, 1, []]],
        [[0, SLOTS, [b"h", 1]]],
        [[-1, 1, [b"h", 1]]],
        [[2, 1, [b"h", 1]]],
        [[0, 1, [b"h", 0]]],
        [[0, 1, [b"h", 65536]]],
        [[0, 1, ["h", 1]]],
        [[0, 1, [b"\xff", 1]]],
        [[0, 1, [b"h" * 300, 1]]],
        [[0, 5, [b"h", 1]], [5, 9, [b"h", 1]]],
        [[slot, slot, [b"h", slot + 1]] for slot in range(MAX_PRIMARIES + 1)],
    ],
)
def test_what_is_no_map(reply: object) -> None:
    """Whatever is not the answer of a cluster is an error of ours."""
    with pytest.raises(SlotsError):
        parse_slots(reply, asked=ASKED)


_values = st.recursive(
    st.none() | st.integers(-2, SLOTS + 2) | st.binary(max_size=5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)


@given(_values | st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), _values).map(list), max_size=3))
def test_garbage(reply: object) -> None:
    """Garbage is a map or raises only our error."""
    with suppress(SlotsError):
        parse_slots(reply, asked=ASKED)
