"""Frames and messages of the link: what is written is read, in whatever pieces it comes, and garbage is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import (
    MAX_CONTEXT,
    MAX_PRIVATE_TEXT,
    MAX_SUBJECT_TEXT,
    MAX_SUBJECTS,
    EntryDraft,
    SubjectId,
    commit_private,
    make_private,
)
from gateway.audit.leaf import MAX_LIST, MAX_TEXT, LeafDraft, LeafKind
from gateway.audit.link.frame import GREETING, MAX_REQUEST, FrameError, FrameReader, encode_frame
from gateway.audit.link.message import Append, Ping, encode_message, parse_answer, parse_request
from tests.support.audit_drafts import make_draft

MOST = 1_000


@given(st.lists(st.binary(min_size=1, max_size=MOST), max_size=8), st.lists(st.integers(1, 50), min_size=1))
def test_frames_in_pieces(payloads: list[bytes], sizes: list[int]) -> None:
    """However the bytes are cut, the same frames come out, in their order."""
    data = GREETING + b"".join(map(encode_frame, payloads))
    reader, found, at, turn = FrameReader(most=MOST), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += list(reader.feed(data[at : at + size]))
        at, turn = at + size, turn + 1
    assert found == payloads


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", GREETING + bytes(4), GREETING + (MOST + 1).to_bytes(4), GREETING + b"\xff" * 4],
)
def test_no_frames(data: bytes) -> None:
    """Another greeting, and a frame that is empty or too long, is refused before its content came."""
    with pytest.raises(FrameError):
        list(FrameReader(most=MOST).feed(data))


@given(st.binary(max_size=64))
def test_garbage_is_no_message(payload: bytes) -> None:
    """Bytes are a message, or refused by one error."""
    for parse in (parse_request, parse_answer):
        try:
            parse(payload)
        except FrameError:
            pass


def test_a_draft_travels_whole() -> None:
    """A draft with its private part comes out equal to what went in."""
    sent = Append(7, make_draft(1))
    assert parse_request(encode_message(sent)[4:]) == sent


@pytest.mark.parametrize("place", range(0, 900, 7))
def test_a_changed_draft(place: int) -> None:
    """A request with a changed byte is another request, or none; it raises nothing else."""
    data = bytearray(encode_message(Append(7, make_draft(1)))[4:])
    data[place % len(data)] ^= 0x41
    try:
        assert parse_request(bytes(data)) != Append(7, make_draft(1))
    except FrameError:
        pass


def test_a_request_is_no_answer() -> None:
    """What one side says the other does not."""
    with pytest.raises(FrameError):
        parse_answer(encode_message(Ping(1))[4:])


def test_the_largest_draft_fits() -> None:
    """An entry with the longest texts that it can have is a request."""
    texts = tuple("x" * MAX_TEXT for _ in range(MAX_LIST))
    private = make_private(
        subjects=[SubjectId("x" * MAX_SUBJECT_TEXT)] * MAX_SUBJECTS,
        official="x" * MAX_PRIVATE_TEXT,
        case="x" * MAX_PRIVATE_TEXT,
        licence="x" * MAX_PRIVATE_TEXT,
        context=["x" * MAX_PRIVATE_TEXT] * MAX_CONTEXT,
        response=bytes(32),
    )
    members = ("req", "caller", "org", "partner", "item", "purpose", "form", "plan", "policy", "outcome", "trust")
    leaf = LeafDraft(
        kind=LeafKind.ACCESS,
        commits=commit_private(private),
        obligations=texts,
        reasons=texts,
        **dict.fromkeys(members, "x" * MAX_TEXT),
    )
    sent = Append(2**53 - 1, EntryDraft(leaf=leaf, private=private))
    frame = encode_message(sent)
    assert len(frame) < 32 * 1024 < MAX_REQUEST
    assert parse_request(frame[4:]) == sent
