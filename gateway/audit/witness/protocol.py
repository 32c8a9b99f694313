"""What a log and a witness say to each other: the body of ``add-checkpoint``, and the answers (C2SP tlog-witness)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import HASH_SIZE, MAX_PROOF, MAX_TREE_SIZE
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.spelling import encode_base64, parse_hash, parse_number, parse_text

ADD_CHECKPOINT: Final = "add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"  # of the answer 409: the size that the witness has
TEXT_TYPE: Final = "text/plain"
MAX_HEAD: Final = 4 * 1024  # bytes before the checkpoint; 63 hashes have 2.8 kB
MAX_REQUEST: Final = MAX_HEAD + MAX_NOTE
_OLD: Final = "old "


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A checkpoint, and the proof that its tree begins with that of ``old`` entries."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: SignedCheckpoint


def encode_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Write it; ValueError for one that no witness would take."""
    if not 0 <= request.old <= MAX_TREE_SIZE or len(request.proof) > MAX_PROOF:
        raise ValueError(f"the size of a tree and up to {MAX_PROOF} hashes were expected")
    if any(len(hashed) != HASH_SIZE for hashed in request.proof):
        raise ValueError(f"hashes of {HASH_SIZE} bytes were expected")
    lines = (f"{_OLD}{request.old}", *map(encode_base64, request.proof), "")
    return "".join(f"{line}\n" for line in lines).encode() + encode_checkpoint(request.checkpoint)


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Read it; nothing of it is verified yet.

    Raises:
        MalformedLogDataError: LINES, TEXT, TOO_LARGE, NUMBER, BASE64, LENGTH, and what `parse_checkpoint` raises.

    """
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator:
        raise MalformedLogDataError(LogFlaw.LINES, "an empty line before the checkpoint was expected")
    lines = parse_text(head + b"\n", "the proof", largest=MAX_HEAD).removesuffix("\n").split("\n")
    old = lines.pop(0)
    if not old.startswith(_OLD):
        raise MalformedLogDataError(LogFlaw.LINES, "the old size was expected")
    if len(lines) > MAX_PROOF:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_PROOF} hashes were expected")
    return AddCheckpoint(
        old=parse_number(old.removeprefix(_OLD), "the old size"),
        proof=tuple(parse_hash(line, "a hash of the proof") for line in lines),
        checkpoint=parse_checkpoint(checkpoint),
    )


def encode_size(size: int) -> bytes:
    """Write the size that a witness has."""
    return f"{size}\n".encode()


def parse_size(data: bytes) -> int:
    """Read the size that a witness has.

    Raises:
        MalformedLogDataError: TOO_LARGE, TEXT, LINES, NUMBER.

    """
    return parse_number(parse_text(data, "the size", largest=MAX_HEAD).removesuffix("\n"), "the size")


def origin_hash(origin: str) -> str:
    """Return the name under which a witness shows the checkpoint of a log."""
    return sha256(origin.encode()).hexdigest()
