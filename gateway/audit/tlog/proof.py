"""Proof files: one entry's place in a log, verifiable without the log (C2SP tlog-proof, extension ``.tlog-proof``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import HASH_SIZE, MAX_PROOF, MAX_TREE_SIZE, verify_inclusion
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import Policy, Witnessed, verify_witnessed
from gateway.audit.tlog.spelling import encode_base64, parse_base64, parse_hash, parse_number, parse_text

MAX_EXTRA: Final = 64 * 1024  # bytes; an entry of the longest kind, or one of ours with all its openings
MAX_HEAD: Final = MAX_EXTRA // 3 * 4 + 4 * 1024  # bytes before the checkpoint; 63 hashes have 2.8 kB
MAX_PROOF_FILE: Final = MAX_HEAD + MAX_NOTE

_MAGIC: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """The hashes that lead from entry ``index`` to the root of a checkpoint, from the leaf upwards.

    ``extra`` is ours to use and proves nothing: nobody signs it. None: there is none.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    extra: bytes | None = None


def encode_proof(proof: TlogProof) -> bytes:
    """Write a proof; ValueError for one that no reader would take."""
    if not 0 <= proof.index < MAX_TREE_SIZE or (proof.extra is not None and not 1 <= len(proof.extra) <= MAX_EXTRA):
        raise ValueError(f"an index, and extra data of 1 to {MAX_EXTRA} bytes or none, were expected")
    if len(proof.hashes) > MAX_PROOF or any(len(hashed) != HASH_SIZE for hashed in proof.hashes):
        raise ValueError(f"up to {MAX_PROOF} hashes were expected")
    extra = () if proof.extra is None else (f"extra {encode_base64(proof.extra)}",)
    lines = (_MAGIC, *extra, f"index {proof.index}", *map(encode_base64, proof.hashes), "")
    return "".join(f"{line}\n" for line in lines).encode() + encode_checkpoint(proof.checkpoint)


def parse_proof(data: bytes) -> TlogProof:
    """Read a proof, of which nothing is verified yet.

    Raises:
        MalformedLogDataError: LINES, TEXT, TOO_LARGE, NUMBER, BASE64, LENGTH, and what `parse_checkpoint` raises.

    """
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator:
        raise MalformedLogDataError(LogFlaw.LINES, "an empty line before the checkpoint was expected")
    lines = parse_text(head + b"\n", "the proof", largest=MAX_HEAD).removesuffix("\n").split("\n")
    if lines.pop(0) != _MAGIC:
        raise MalformedLogDataError(LogFlaw.LINES, f"{_MAGIC} was expected")
    extra = _parse_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise MalformedLogDataError(LogFlaw.LINES, "an index was expected")
    index = parse_number(lines.pop(0).removeprefix("index "), "the index", largest=MAX_TREE_SIZE - 1)
    return TlogProof(index=index, hashes=_parse_hashes(lines), checkpoint=parse_checkpoint(checkpoint), extra=extra)


def _parse_extra(line: str) -> bytes:
    extra = parse_base64(line.removeprefix("extra "), "the extra data")
    if not 1 <= len(extra) <= MAX_EXTRA:  # none at all is spelled by leaving the line out
        raise MalformedLogDataError(LogFlaw.LENGTH, f"the extra data: 1 to {MAX_EXTRA} bytes were expected")
    return extra


def _parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PROOF:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_PROOF} hashes were expected")
    return tuple(parse_hash(line, "a hash of the proof") for line in lines)


def verify_proof(proof: TlogProof, *, leaf: bytes, policy: Policy) -> Witnessed:
    """Verify that the entry with the hash ``leaf`` is in a log that ``policy`` accepts.

    1. The log signed the checkpoint, and enough witnesses cosigned it.
    2. The hashes lead from the leaf to the checkpoint's root.

    Raises:
        UnprovenError: 1. as `verify_witnessed`; 2. OUTSIDE_TREE, PROOF_LENGTH, ROOT_MISMATCH.

    """
    witnessed = verify_witnessed(proof.checkpoint, policy)
    head = proof.checkpoint.checkpoint
    verify_inclusion(leaf=leaf, index=proof.index, size=head.size, proof=proof.hashes, root=head.root)
    return witnessed
