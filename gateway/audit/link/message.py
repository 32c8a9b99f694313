"""What is said on the link: requests to the process that writes the log, and its answers; each answer has the id.

In msgpack, as tagged arrays. What is said about entries are the values of the log themselves, which refuse what no
entry can say when they are made.
"""

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from gateway.audit.book.retaining import RetainedShard
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.errors import AuditError
from gateway.audit.forgetting.shred import Shredded
from gateway.audit.forgetting.shred_approval import MAX_FILE_BYTES, CountedApproval, ShredOrder
from gateway.audit.leaf import MAX_TEXT, LeafFlaw
from gateway.audit.link.frame import FrameError, encode_frame
from gateway.audit.unavailable import Unavailable

MAX_APPROVALS: Final = 16  # files that a command was given; two of them have to count

Id = Annotated[int, Meta(ge=0, lt=2**53)]
Code = Annotated[str, Meta(max_length=MAX_TEXT)]
ApprovalFile = Annotated[bytes, Meta(max_length=MAX_FILE_BYTES)]


class Ping(Struct, frozen=True, tag="ping", array_like=True, forbid_unknown_fields=True):
    """Does the log take entries? Answered at once, however long entries take."""

    id: Id


class Append(Struct, frozen=True, tag="append", array_like=True, forbid_unknown_fields=True):
    """Write an entry."""

    id: Id
    draft: EntryDraft


class AnnouncePolicy(Struct, frozen=True, tag="policy", array_like=True, forbid_unknown_fields=True):
    """Say that a policy is in force."""

    id: Id
    digest: Code
    approvals: Annotated[int, Meta(ge=0, le=1_000)]


class AnnounceTrust(Struct, frozen=True, tag="trust", array_like=True, forbid_unknown_fields=True):
    """Say that a trust store is in force."""

    id: Id
    version: Code


class Shred(Struct, frozen=True, tag="shred", array_like=True, forbid_unknown_fields=True):
    """Forget a person; the approvals are files, and who may approve is read by the other side."""

    id: Id
    order: ShredOrder
    approvals: Annotated[tuple[ApprovalFile, ...], Meta(max_length=MAX_APPROVALS)]


class Retain(Struct, frozen=True, tag="retain", array_like=True, forbid_unknown_fields=True):
    """Remove what is past its time, in every shard."""

    id: Id


class Pong(Struct, frozen=True, tag="pong", array_like=True, forbid_unknown_fields=True):
    """Why the log takes nothing any more; None: it does."""

    id: Id
    stopped: Unavailable | None
    detail: str


class Appended(Struct, frozen=True, tag="receipt", array_like=True, forbid_unknown_fields=True):
    """The entry is durable."""

    id: Id
    receipt: Receipt


class Announced(Struct, frozen=True, tag="announced", array_like=True, forbid_unknown_fields=True):
    """It was said, now or before."""

    id: Id


class ShredDone(Struct, frozen=True, tag="shredded", array_like=True, forbid_unknown_fields=True):
    """The person is forgotten."""

    id: Id
    done: Shredded


class ShredRefused(Struct, frozen=True, tag="not-approved", array_like=True, forbid_unknown_fields=True):
    """Too few approvals count."""

    id: Id
    counted: tuple[CountedApproval, ...]


class RetainDone(Struct, frozen=True, tag="retained", array_like=True, forbid_unknown_fields=True):
    """What was removed."""

    id: Id
    done: tuple[RetainedShard, ...]


class Refused(Struct, frozen=True, tag="refused", array_like=True, forbid_unknown_fields=True):
    """It was not done, or nobody knows."""

    id: Id
    reason: Unavailable
    detail: str


class NoLeaf(Struct, frozen=True, tag="no-leaf", array_like=True, forbid_unknown_fields=True):
    """The entry is one that no log takes."""

    id: Id
    flaw: LeafFlaw
    detail: str


_Message = TypeVar("_Message")

Request = Ping | Append | AnnouncePolicy | AnnounceTrust | Shred | Retain
Answer = Pong | Appended | Announced | ShredDone | ShredRefused | RetainDone | Refused | NoLeaf

_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUESTS: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
_ANSWERS: Final[msgspec.msgpack.Decoder[Answer]] = msgspec.msgpack.Decoder(Answer)


def encode_message(message: Request | Answer) -> bytes:
    """Return the frame of a message."""
    return encode_frame(_ENCODER.encode(message))


def parse_request(payload: bytes) -> Request:
    """Read a request.

    Raises:
        FrameError: it is none.

    """
    return _parse(_REQUESTS, payload)


def parse_answer(payload: bytes) -> Answer:
    """Read an answer; raises FrameError for what is none."""
    return _parse(_ANSWERS, payload)


def _parse(decoder: "msgspec.msgpack.Decoder[_Message]", payload: bytes) -> _Message:
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, AuditError, ValueError, RecursionError):  # the cause may quote the content
        raise FrameError("a message of this link was expected") from None
